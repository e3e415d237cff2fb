/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "store/store.h"

static char directory[] = "/tmp/headlessd-file-XXXXXX";
static char path[sizeof(directory) + 16];
static char wal[sizeof(directory) + 32];

static int end(void **state)
{
	unlink(wal);
	unlink(path);
	return 0;
}

static struct store *open_store(void)
{
	struct store *store = NULL;

	assert_int_equal(store_sqlite_new(path, &store), 0);
	return store;
}

static void put(struct store *store, const char *key, const char *value)
{
	struct store_write write = {
		.key = str_from(key),
		.value = str_from(value),
		.expected = STORE_ANY,
	};

	if (store_write(store, &write, NULL, NULL) == STORE_BUSY) {
		store_drain(store);
		assert_int_equal(store_write(store, &write, NULL, NULL), 0);
	}
}

static void write_file(const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_true(write(fd, text, n) == (ssize_t)n);
	close(fd);
}

/* Frees with mem_free. */
static char *read_file(size_t *ret_n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat about;
	char *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &about), 0);
	bytes = mem_alloc((size_t)about.st_size);
	assert_true(read(fd, bytes, (size_t)about.st_size) == about.st_size);
	close(fd);
	*ret_n = (size_t)about.st_size;
	return bytes;
}

static void the_file_is_for_its_owner_alone(void **state)
{
	mode_t before = umask(0);
	struct store *store = open_store();
	struct stat about;

	umask(before);
	put(store, "/k", "v");
	store_drain(store);
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	assert_int_equal(stat(wal, &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	store_free(store);
}

static void a_second_process_is_refused(void **state)
{
	struct store *store = NULL;
	int ends[2];
	char c;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		_exit(store_sqlite_new(path, &store) != 0 || write(ends[1], "x", 1) != 1 ||
		      pause() != 0);
	}
	assert_int_equal(read(ends[0], &c, 1), 1);
	assert_int_equal(store_sqlite_new(path, &store), -EBUSY);
	assert_null(store);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ends[0]);
	close(ends[1]);
	store_free(open_store());
}

static void one_process_opens_a_file_once(void **state)
{
	struct store *first = open_store();
	struct store *second = NULL;

	assert_int_equal(store_sqlite_new(path, &second), -EBUSY);
	/* And has harmed nothing. */
	put(first, "/k", "v");
	store_free(first);
	store_free(open_store());
}

static void refused_unchanged(void)
{
	struct store *store = NULL;
	size_t before_n;
	size_t after_n;
	_cleanup_free_ char *before = read_file(&before_n);
	_cleanup_free_ char *after = NULL;

	assert_int_equal(store_sqlite_new(path, &store), -EUCLEAN);
	assert_null(store);
	after = read_file(&after_n);
	assert_int_equal(before_n, after_n);
	assert_memory_equal(before, after, before_n);
}

static void execute(const char *text)
{
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(handle);
}

static void a_foreign_file_is_refused_and_left_as_it_was(void **state)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	write_file("hello\n", 6);
	refused_unchanged();
	write_file(text, sizeof(text));
	refused_unchanged();
	unlink(path);
	execute("CREATE TABLE somebody (elses)");
	refused_unchanged();
}

static void a_newer_format_is_refused_and_left_as_it_was(void **state)
{
	store_free(open_store());
	execute("PRAGMA user_version = 2");
	refused_unchanged();
}

static void what_cannot_be_opened_says_why(void **state)
{
	struct store *store = NULL;

	assert_int_equal(store_sqlite_new("/nowhere/store.db", &store), -ENOENT);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(store_sqlite_new(path, &store) < 0);
	assert_int_equal(rmdir(path), 0);
	assert_null(store);
}

static void note_result(void *userdata, int result, const struct store_record *records, size_t n,
			uint64_t revision, bool more, uint64_t remaining)
{
	*(int *)userdata = result;
}

/* Opens and uses a file that may be damaged. Returns the first error met, or 0. */
static int use(void)
{
	struct store *store = NULL;
	struct store_list list = { .prefix = STR("/") };
	int listed = 0;
	int result = store_sqlite_new(path, &store);

	if (result != 0) {
		return result;
	}
	assert_int_equal(store_list(store, &list, note_result, &listed), 0);
	put(store, "/k/00050", "again");
	put(store, "/new", "v");
	store_free(store);
	return listed;
}

static void make_file(void)
{
	struct store *store = open_store();

	for (int i = 0; i < 500; i++) {
		char key[32];

		snprintf(key, sizeof(key), "/k/%05d", i);
		put(store, key, "some value that makes the file a little larger");
	}
	store_free(store);
}

static void damage_is_an_error_and_never_a_crash(void **state)
{
	struct random_state random;
	_cleanup_free_ char *sound = NULL;
	size_t n;
	int noticed = 0;

	make_file();
	sound = read_file(&n);
	random_state_seed(&random, 11);
	for (int round = 0; round < 100; round++) {
		_cleanup_free_ char *damaged = mem_copy(sound, n);
		size_t at = random_below(&random, (uint32_t)n);
		size_t length = 1 + random_below(&random, 3000);
		int result;

		length = length < n - at ? length : n - at;
		memset(damaged + at, (int)random_below(&random, 256), length);
		/* Some are cut short instead. */
		write_file(damaged, round % 10 == 0 ? at : n);
		result = use();
		assert_true(result == 0 || result == -EUCLEAN || result == -EIO);
		noticed += result != 0 ? 1 : 0;
		unlink(wal);
	}
	assert_true(noticed > 30);
}

static void renewing_a_lease_does_not_blow_the_file_up(void **state)
{
	struct store *store = open_store();
	struct stat about;
	char value[400];

	memset(value, 'x', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < 6 * LIMIT_STORE_HISTORY; i++) {
		put(store, "/lease", value);
	}
	store_free(store);
	assert_int_equal(stat(path, &about), 0);
	/* Twice the history and a little, of some 600 bytes each. */
	assert_true(about.st_size < 16 * 1024 * 1024);
}

int main(void)
{
#define CLAIM(function) cmocka_unit_test_teardown(function, end)
	const struct CMUnitTest tests[] = {
		CLAIM(the_file_is_for_its_owner_alone),
		CLAIM(a_second_process_is_refused),
		CLAIM(one_process_opens_a_file_once),
		CLAIM(a_foreign_file_is_refused_and_left_as_it_was),
		CLAIM(a_newer_format_is_refused_and_left_as_it_was),
		CLAIM(what_cannot_be_opened_says_why),
		CLAIM(damage_is_an_error_and_never_a_crash),
		CLAIM(renewing_a_lease_does_not_blow_the_file_up),
	};
#undef CLAIM
	int failed;

	if (mkdtemp(directory) == NULL) {
		return 1;
	}
	snprintf(path, sizeof(path), "%s/store.db", directory);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	failed = cmocka_run_group_tests_name("file", tests, NULL, NULL);
	rmdir(directory);
	return failed;
}
