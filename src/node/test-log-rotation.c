/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of a pod's container on an agent, in virtual time; the files are sparse. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "node/log_rotation.h"
#include "node/test-node.h"
#include "json/json.h"

struct place {
	struct node *node;
	char base[64];
	char pod[128];
	char directory[192]; /* of the container's logs */
	char log[200];
};

static int setup(void **state)
{
	struct place *place = MEM_NEW(struct place);

	snprintf(place->base, sizeof(place->base), "/tmp/test-log-rotation-XXXXXX");
	assert_non_null(mkdtemp(place->base));
	place->node = node_start();
	place->node->config.log_dir = place->base;
	node_put_pod(place->node, "a", "{}");
	node_run(place->node, 5);
	assert_string_equal(node_phase(place->node, "a"), "Running");
	snprintf(place->pod, sizeof(place->pod), "%s/ns_a_%s", place->base,
		 json_string_at(node_pod(place->node, "a"), "metadata.uid"));
	snprintf(place->directory, sizeof(place->directory), "%s/web", place->pod);
	snprintf(place->log, sizeof(place->log), "%s/0.log", place->directory);
	assert_int_equal(file_make_directory(place->directory, 0755), 0);
	fake_runtime_log(place->node->fake, place->log);
	*state = place;
	return 0;
}

/* Calls `with` for every file; how many begin with `prefix`. */
static size_t files(const struct place *place, const char *prefix,
		    void (*with)(int directory, const char *name))
{
	DIR *directory = opendir(place->directory);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' &&
		    strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
			n++;
			if (with != NULL) {
				with(dirfd(directory), entry->d_name);
			}
		}
	}
	closedir(directory);
	return n;
}

static void remove_file(int directory, const char *name)
{
	assert_int_equal(unlinkat(directory, name, 0), 0);
}

static int teardown(void **state)
{
	struct place *place = *state;

	node_stop(place->node);
	files(place, "", remove_file);
	rmdir(place->directory);
	rmdir(place->pod);
	assert_int_equal(rmdir(place->base), 0);
	mem_free(place);
	return 0;
}

static void grow(const char *path, off_t size)
{
	FILE *file = fopen(path, "a");

	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), size), 0);
	fclose(file);
}

static off_t size_of(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 ? info.st_size : -1;
}

static size_t reopenings(const struct place *place)
{
	return fake_runtime_calls(place->node->fake, RUNTIME_REOPEN_CONTAINER_LOG);
}

static void a_log_is_left_alone_until_it_is_large(void **state)
{
	struct place *place = *state;

	grow(place->log, LIMIT_CONTAINER_LOG - 1);
	node_run(place->node, 25);
	assert_int_equal(reopenings(place), 0);
	grow(place->log, LIMIT_CONTAINER_LOG);
	node_run(place->node, 11);
	assert_int_equal(reopenings(place), 1);
	assert_int_equal(size_of(place->log), 0);
	assert_int_equal(files(place, "0.log.2023", NULL), 1);
}

static void of_all_logs_the_newest_five_are_kept(void **state)
{
	struct place *place = *state;

	for (off_t i = 0; i < 8; i++) {
		grow(place->log, LIMIT_CONTAINER_LOG + i);
		node_run(place->node, 11);
	}
	assert_int_equal(reopenings(place), 8);
	assert_int_equal(files(place, "0.log", NULL), LIMIT_CONTAINER_LOG_FILES);
	assert_int_equal(size_of(place->log), 0);
}

static void what_was_put_aside_comes_back_when_no_new_log_begins(void **state)
{
	struct place *place = *state;

	fake_runtime_fail(place->node->fake, RUNTIME_REOPEN_CONTAINER_LOG, 1, GRPC_UNKNOWN,
			  "container is not running");
	grow(place->log, LIMIT_CONTAINER_LOG);
	node_run(place->node, 6);
	assert_int_equal(reopenings(place), 1);
	assert_int_equal(size_of(place->log), LIMIT_CONTAINER_LOG);
	assert_int_equal(files(place, "", NULL), 1);
	node_run(place->node, 10);
	assert_int_equal(size_of(place->log), 0);
}

static void a_new_log_stays_although_nobody_said_so(void **state)
{
	struct place *place = *state;

	fake_runtime_lose(place->node->fake, RUNTIME_REOPEN_CONTAINER_LOG);
	grow(place->log, LIMIT_CONTAINER_LOG);
	node_run(place->node, 11);
	assert_int_equal(size_of(place->log), 0);
	assert_int_equal(files(place, "0.log.", NULL), 1);
}

static void an_agent_that_was_killed_in_between_goes_on(void **state)
{
	struct place *place = *state;
	char aside[256];

	snprintf(aside, sizeof(aside), "%s.20230101-000000", place->log);
	grow(aside, LIMIT_CONTAINER_LOG);
	node_kill_agent(place->node);
	node_start_agent(place->node);
	node_run(place->node, 15);
	assert_int_equal(reopenings(place), 1);
	assert_int_equal(size_of(place->log), 0);
}

static void a_container_without_a_log_is_left_alone(void **state)
{
	struct place *place = *state;

	node_run(place->node, 30);
	assert_int_equal(reopenings(place), 0);
}

static void logs_of_forgotten_lives_go(void **state)
{
	struct place *place = *state;
	char path[256];

	for (int life = 0; life < 3; life++) {
		snprintf(path, sizeof(path), "%s/%d.log", place->directory, life);
		grow(path, 10);
		snprintf(path, sizeof(path), "%s/%d.log.20230101-000000", place->directory, life);
		grow(path, 10);
	}
	fake_runtime_exit(place->node->fake, "web", 1);
	node_run(place->node, 30);
	assert_int_equal(files(place, "", NULL), 6);
	/* 1 and 2 may be asked for. */
	fake_runtime_exit(place->node->fake, "web", 1);
	node_run(place->node, 60);
	assert_int_equal(node_restarts(place->node, "a", "web"), 2);
	assert_int_equal(files(place, "0.log", NULL), 0);
	assert_int_equal(files(place, "", NULL), 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_log_is_left_alone_until_it_is_large),
		TEST(of_all_logs_the_newest_five_are_kept),
		TEST(what_was_put_aside_comes_back_when_no_new_log_begins),
		TEST(a_new_log_stays_although_nobody_said_so),
		TEST(an_agent_that_was_killed_in_between_goes_on),
		TEST(a_container_without_a_log_is_left_alone),
		TEST(logs_of_forgotten_lives_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
