/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGKILL at a random moment: a child writes and tells over a pipe what it is about to write and
 * what was acknowledged; the store is opened again and compared. The file lives on through all
 * rounds.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/random.h"
#include "store/store.h"

enum {
	ROUNDS = 80,
	CLIENTS = 24,
	KEYS = 40,
	KEY = 16,
	IDS = 1000000, /* more than all rounds write */
};

static char directory[] = "/tmp/headlessd-crash-XXXXXX";
static char path[sizeof(directory) + 16];

/* What the child says. A removal has its own id, and no value shows it. */
struct report {
	uint32_t id;
	uint32_t key;
	uint64_t revision; /* 0: about to be written */
	bool removal;
};

struct child {
	struct store *store;
	struct random_state random;
	uint32_t next_id;
	int pipe;
};

struct client {
	struct child *child;
	struct report report;
};

/* A value says who wrote it and is easy to check to the last byte. */
static struct str make_value(uint32_t id, char **ret_bytes)
{
	size_t n = sizeof(id) + id * 2654435761U % 6000;
	char *bytes = mem_alloc(n);

	memset(bytes, (int)(id & 0xff), n);
	memcpy(bytes, &id, sizeof(id));
	*ret_bytes = bytes;
	return (struct str){ .p = bytes, .n = n };
}

static void tell(struct child *child, const struct report *report)
{
	struct report whole = *report;

	/* At most PIPE_BUF: whole or not at all. */
	if (write(child->pipe, &whole, sizeof(whole)) != (ssize_t)sizeof(whole)) {
		_exit(1);
	}
}

static void acknowledged(void *userdata, int result, const struct store_event *event);

static void write_next(struct client *client)
{
	struct child *child = client->child;
	_cleanup_free_ char *bytes = NULL;
	char key[KEY];
	struct store_write write = { .expected = STORE_ANY };

	client->report = (struct report){
		.id = child->next_id++,
		.key = random_below(&child->random, KEYS),
		.removal = random_below(&child->random, 4) == 0,
	};
	snprintf(key, sizeof(key), "/k/%u", client->report.key);
	write.key = str_from(key);
	if (!client->report.removal) {
		write.value = make_value(client->report.id, &bytes);
	}
	tell(child, &client->report);
	if (store_write(child->store, &write, acknowledged, client) != 0) {
		_exit(1);
	}
}

static void acknowledged(void *userdata, int result, const struct store_event *event)
{
	struct client *client = userdata;

	if (result < 0) {
		_exit(1);
	}
	if (result == 0) {
		client->report.revision = event->revision;
		tell(client->child, &client->report);
	}
	write_next(client);
}

static void child_run(int pipe, uint32_t first_id)
{
	struct child child = { .pipe = pipe, .next_id = first_id };
	struct client clients[CLIENTS];

	random_state_seed(&child.random, first_id);
	if (store_sqlite_new(path, &child.store) != 0) {
		_exit(1);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i].child = &child;
		write_next(&clients[i]);
	}
	for (;;) {
		struct pollfd waiting = { .fd = store_fd(child.store), .events = POLLIN };

		(void)poll(&waiting, 1, -1);
		store_dispatch(child.store);
	}
}

/* What is known of each key. */
struct known {
	uint64_t revision; /* of the last acknowledged write */
	uint32_t id; /* its value, or IDS when it removed the key */
	uint64_t found_revision; /* 0: absent */
	uint32_t found_id;
};

struct knowledge {
	struct known keys[KEYS];
	struct report *intents; /* by id */
	uint32_t next_id;
	uint64_t newest;
	size_t acknowledgements;
};

static void hear(struct knowledge *knowledge, const struct report *report)
{
	struct known *known = &knowledge->keys[report->key];

	assert_true(report->id < IDS);
	knowledge->intents[report->id] = *report;
	if (report->id >= knowledge->next_id) {
		knowledge->next_id = report->id + 1;
	}
	if (report->revision == 0) {
		return;
	}
	knowledge->acknowledgements++;
	assert_true(report->revision > knowledge->newest);
	knowledge->newest = report->revision;
	known->revision = report->revision;
	known->id = report->removal ? IDS : report->id;
}

static void find_all(void *userdata, int result, const struct store_record *records, size_t n,
		     uint64_t revision, bool more, uint64_t remaining)
{
	struct knowledge *knowledge = userdata;

	assert_int_equal(result, 0);
	assert_true(revision >= knowledge->newest);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *bytes = NULL;
		struct known *known;
		uint64_t key;
		uint32_t id;

		assert_true(str_to_u64(str_skip(records[i].key, 3), KEYS - 1, &key));
		known = &knowledge->keys[key];
		assert_true(records[i].value.n >= sizeof(id));
		memcpy(&id, records[i].value.p, sizeof(id));
		/* Not torn. */
		assert_true(str_eq(records[i].value, make_value(id, &bytes)));
		known->found_id = id;
		known->found_revision = records[i].revision;
	}
}

/* Whether an unacknowledged write of this round explains what is there. */
static bool explained(const struct knowledge *knowledge, uint32_t key, uint32_t first_id)
{
	const struct known *known = &knowledge->keys[key];

	for (uint32_t id = first_id; id < knowledge->next_id; id++) {
		const struct report *intent = &knowledge->intents[id];

		if (intent->key == key && intent->revision == 0 &&
		    (known->found_revision == 0 ? intent->removal : known->found_id == id)) {
			return true;
		}
	}
	return false;
}

static void compare(struct knowledge *knowledge, uint32_t first_id)
{
	struct store *store;
	struct store_list list = { .prefix = STR("/k/") };

	for (uint32_t key = 0; key < KEYS; key++) {
		knowledge->keys[key].found_revision = 0;
		knowledge->keys[key].found_id = IDS;
	}
	assert_int_equal(store_sqlite_new(path, &store), 0);
	assert_int_equal(store_list(store, &list, find_all, knowledge), 0);
	store_free(store);
	for (uint32_t key = 0; key < KEYS; key++) {
		struct known *known = &knowledge->keys[key];
		bool as_acknowledged =
			known->found_id == known->id &&
			(known->found_revision == 0 || known->found_revision == known->revision);

		assert_true(as_acknowledged || explained(knowledge, key, first_id));
		assert_true(known->found_revision == 0 || known->found_revision >= known->revision);
		/* What was found is durable from now on. */
		known->id = known->found_id;
		known->revision = known->found_revision;
		if (known->found_revision > knowledge->newest) {
			knowledge->newest = known->found_revision;
		}
	}
}

/* Kills the child after a random number of its acknowledgements, and a little later. */
static void listen_and_kill(struct knowledge *knowledge, int pipe, pid_t child, uint32_t reports)
{
	struct report report;
	uint32_t heard = 0;

	while (read(pipe, &report, sizeof(report)) == (ssize_t)sizeof(report)) {
		hear(knowledge, &report);
		if (heard++ == reports) {
			assert_int_equal(kill(child, SIGKILL), 0);
		}
	}
}

static void every_acknowledged_write_survives_sigkill(void **state)
{
	struct knowledge *knowledge = MEM_NEW(struct knowledge);
	struct random_state random;

	random_state_init(&random);
	knowledge->intents = mem_alloc_array(IDS, sizeof(*knowledge->intents));
	for (int i = 0; i < KEYS; i++) {
		knowledge->keys[i].id = IDS;
	}
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t first_id = knowledge->next_id;
		int status;
		int ends[2];
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			close(ends[0]);
			child_run(ends[1], first_id);
		}
		close(ends[1]);
		listen_and_kill(knowledge, ends[0], child, random_below(&random, 400));
		close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		compare(knowledge, first_id);
	}
	assert_true(knowledge->acknowledgements > ROUNDS);
	mem_free(knowledge->intents);
	mem_free(knowledge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_acknowledged_write_survives_sigkill),
	};
	char wal[sizeof(path) + 8];
	int failed;

	if (mkdtemp(directory) == NULL) {
		return 1;
	}
	snprintf(path, sizeof(path), "%s/store.db", directory);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	failed = cmocka_run_group_tests_name("crash", tests, NULL, NULL);
	unlink(wal);
	unlink(path);
	rmdir(directory);
	return failed;
}
