/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was acknowledged is never lost, what failed is never visible: under errors of the disk, and
 * after the power went at any write.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "store/faulty_disk.h"
#include "store/sqlite_intern.h"

enum {
	KEYS = 8,
	WRITES = 400, /* at most, of one life */
	TEXT = 32,
};

/* Of each kind; another number may be the argument. */
static uint64_t lives = 50;
/* The seed of the life that is going on; 0: none. */
static uint64_t living;

enum fate {
	UNKNOWN, /* the power went before an answer, or before a failed commit was made void */
	ACKNOWLEDGED,
	CONFLICTED,
	FAILED, /* perhaps so thoroughly that making it void failed as well */
	VOID, /* failed, and surely overwritten */
};

struct life {
	struct store *store;
	struct attempt {
		struct life *life;
		int key;
		bool removal;
		enum fate fate;
		int result;
		uint64_t revision;
	} attempts[WRITES];
	int n;
	bool single_errors; /* then a failed commit is made void at once */
	uint64_t newest; /* acknowledged */
	/* What a list found: the attempt that wrote the value of each key, or -1. */
	int found[KEYS];
	uint64_t found_revision;
};

static int open_store(struct life *life)
{
	return store_sqlite_open("store", FAULTY_DISK, &life->store);
}

static void note(void *userdata, int result, const struct store_event *event)
{
	struct attempt *attempt = userdata;

	attempt->result = result;
	if (result == 0) {
		for (int i = 0; i < attempt->life->n; i++) {
			struct attempt *earlier = &attempt->life->attempts[i];

			earlier->fate = earlier->fate == FAILED ? VOID : earlier->fate;
		}
		attempt->fate = ACKNOWLEDGED;
		attempt->revision = event->revision;
		assert_true(event->revision > attempt->life->newest);
		attempt->life->newest = event->revision;
	} else if (result > 0) {
		attempt->fate = CONFLICTED;
	} else if (!faulty_disk_is_cut()) {
		attempt->fate = attempt->life->single_errors ? VOID : FAILED;
	}
}

/* Values name the attempt that wrote them, and have any size. */
static void attempt(struct life *life, int key, bool removal, size_t size)
{
	struct attempt *new = &life->attempts[life->n];
	_cleanup_free_ char *value = mem_alloc(size + TEXT);
	char text[TEXT];
	struct store_write write = { .expected = STORE_ANY };

	assert_true(life->n < WRITES);
	snprintf(text, sizeof(text), "/k/%d", key);
	snprintf(value, TEXT, "%d", life->n);
	write.key = str_from(text);
	if (!removal) {
		write.value = (struct str){ .p = value, .n = size + TEXT };
	}
	*new = (struct attempt){ .life = life, .key = key, .removal = removal };
	assert_int_equal(store_write(life->store, &write, note, new), 0);
	life->n++;
}

static void note_result(void *userdata, int result, const struct store_record *records, size_t n,
			uint64_t revision, bool more, uint64_t remaining)
{
	*(int *)userdata = result;
}

/* Until the disk is quiet: a list waits for what the writer thread does behind its answers. */
static void finish(struct life *life)
{
	struct store_list list = { .limit = 1 };
	int result;

	store_drain(life->store);
	assert_int_equal(store_list(life->store, &list, note_result, &result), 0);
	store_drain(life->store);
}

static void note_list(void *userdata, int result, const struct store_record *records, size_t n,
		      uint64_t revision, bool more, uint64_t remaining)
{
	struct life *life = userdata;

	assert_int_equal(result, 0);
	life->found_revision = revision;
	for (size_t i = 0; i < n; i++) {
		life->found[records[i].key.p[3] - '0'] = atoi(records[i].value.p);
	}
}

/*
 * Compares what is stored with what was answered. An attempt without an answer may or may not have
 * happened; what came before the last acknowledged one of its key does not matter any more.
 */
static void check(struct life *life)
{
	struct store_list list = { .prefix = STR("/k/") };

	for (int key = 0; key < KEYS; key++) {
		life->found[key] = -1;
	}
	assert_int_equal(store_list(life->store, &list, note_list, life), 0);
	store_drain(life->store);
	assert_true(life->found_revision >= life->newest);
	for (int key = 0; key < KEYS; key++) {
		bool allowed = life->found[key] == -1;

		for (int i = 0; i < life->n; i++) {
			const struct attempt *attempt = &life->attempts[i];
			int state = attempt->removal ? -1 : i;

			if (attempt->key != key) {
				continue;
			}
			if (attempt->fate == ACKNOWLEDGED) {
				allowed = life->found[key] == state;
			} else if (attempt->fate == UNKNOWN) {
				allowed = allowed || life->found[key] == state;
			}
		}
		assert_true(allowed);
	}
}

static void reopen(struct life *life)
{
	life->store = store_free(life->store);
	for (int i = 0; faulty_disk_is_cut() && i < life->n; i++) {
		if (life->attempts[i].fate == FAILED) {
			life->attempts[i].fate = UNKNOWN;
		}
	}
	faulty_disk_restart();
	assert_int_equal(open_store(life), 0);
	check(life);
}

static void random_batch(struct life *life, struct random_state *random)
{
	uint32_t n = 1 + random_below(random, 6);

	for (uint32_t i = 0; i < n && life->n < WRITES; i++) {
		attempt(life, (int)random_below(random, KEYS), random_below(random, 4) == 0,
			random_below(random, 8) == 0 ? random_below(random, 20000) : 10);
	}
	if (random_below(random, 20) == 0) {
		assert_int_equal(store_compact(life->store, life->newest), 0);
	}
	finish(life);
}

/*
 * A life with trouble: `errors` operations of the disk in a row fail now and then, and now and then
 * the power goes. With single errors a failed commit is made void at once, so it must never be
 * seen; with more of them that may fail, too, and it is surely void when the next write is
 * acknowledged.
 */
static void live(uint64_t seed, size_t errors)
{
	struct life *life = MEM_NEW(struct life);
	struct random_state random;

	life->single_errors = errors == 1;
	living = seed;
	faulty_disk_init(seed);
	random_state_seed(&random, seed);
	assert_int_equal(open_store(life), 0);
	for (int part = 0; part < 4; part++) {
		for (int i = 0; i < 10; i++) {
			if (errors != 0 && random_below(&random, 3) == 0) {
				faulty_disk_fail(random_below(&random, 12), errors);
			}
			if (i == 9 && random_below(&random, 2) == 0) {
				faulty_disk_cut(random_below(&random, 12));
			}
			random_batch(life, &random);
			if (errors != 1 && !faulty_disk_is_cut()) {
				/* Whatever the trouble was: behind it is a good write. */
				faulty_disk_fail(0, 0);
				attempt(life, 0, /* removal= */ false, 10);
				finish(life);
			}
			if (!faulty_disk_is_cut()) {
				check(life);
			}
		}
		/* Half the time like a crash: nothing is closed in an orderly way. */
		if (random_below(&random, 2) == 0) {
			faulty_disk_cut(0);
		}
		reopen(life);
	}
	store_free(life->store);
	mem_free(life);
	living = 0;
}

static int tell_seed(void **state)
{
	if (living != 0) {
		print_error("the seed was %llu\n", (unsigned long long)living);
	}
	living = 0;
	return 0;
}

static void nothing_acknowledged_is_lost_when_the_power_goes(void **state)
{
	for (uint64_t seed = 1; seed <= lives; seed++) {
		live(seed, 0);
	}
}

static void a_single_error_harms_nobody_else(void **state)
{
	for (uint64_t seed = 1; seed <= lives; seed++) {
		live(seed, 1);
	}
}

static void nothing_failed_is_visible_after_trouble(void **state)
{
	for (uint64_t seed = 1; seed <= lives; seed++) {
		live(seed, 2 + seed % 40);
	}
}

/* Frames of a commit whose sync failed would count after a crash, if they were left standing. */
static void a_failed_commit_does_not_return_after_a_crash(void **state)
{
	int failed = 0;

	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct life *life = MEM_NEW(struct life);

		life->single_errors = true;
		faulty_disk_init(seed);
		assert_int_equal(open_store(life), 0);
		attempt(life, 0, /* removal= */ false, 10);
		finish(life);
		faulty_disk_fail(seed % 8, 1);
		attempt(life, 0, /* removal= */ false, 10);
		finish(life);
		failed += life->attempts[1].fate == VOID ? 1 : 0;
		faulty_disk_cut(0);
		reopen(life);
		store_free(life->store);
		mem_free(life);
	}
	assert_true(failed > 50);
}

static void a_write_too_large_for_the_disk_fails_alone(void **state)
{
	struct life *life = MEM_NEW(struct life);

	faulty_disk_init(1);
	assert_int_equal(open_store(life), 0);
	attempt(life, 0, /* removal= */ false, 10);
	finish(life);
	faulty_disk_capacity(1024 * 1024);
	attempt(life, 1, /* removal= */ false, 10);
	attempt(life, 2, /* removal= */ false, 2 * 1024 * 1024);
	attempt(life, 2, /* removal= */ true, 0);
	attempt(life, 3, /* removal= */ false, 10);
	attempt(life, 0, /* removal= */ true, 0);
	finish(life);
	assert_int_equal(life->attempts[1].fate, ACKNOWLEDGED);
	assert_int_equal(life->attempts[2].result, -ENOSPC);
	/* It would have removed what never was. */
	assert_int_equal(life->attempts[3].fate, CONFLICTED);
	assert_int_equal(life->attempts[4].fate, ACKNOWLEDGED);
	assert_int_equal(life->attempts[5].fate, ACKNOWLEDGED);
	check(life);
	faulty_disk_capacity(SIZE_MAX);
	attempt(life, 2, /* removal= */ false, 2 * 1024 * 1024);
	finish(life);
	check(life);
	assert_int_equal(life->found[2], 6);
	store_free(life->store);
	mem_free(life);
}

static void a_list_that_cannot_be_read_says_so(void **state)
{
	struct life *life = MEM_NEW(struct life);
	struct store_list list = { .prefix = STR("/k/") };
	int result = 0;

	faulty_disk_init(1);
	assert_int_equal(open_store(life), 0);
	for (int i = 0; i < KEYS; i++) {
		/* More than the page cache holds. */
		attempt(life, i, /* removal= */ false, 1024 * 1024);
	}
	finish(life);
	faulty_disk_fail_reads(true);
	assert_int_equal(store_list(life->store, &list, note_result, &result), 0);
	store_drain(life->store);
	assert_int_equal(result, -EIO);
	faulty_disk_fail_reads(false);
	check(life);
	store_free(life->store);
	mem_free(life);
}

static void a_disk_that_stays_broken_stops_nothing_else(void **state)
{
	struct life *life = MEM_NEW(struct life);

	faulty_disk_init(1);
	assert_int_equal(open_store(life), 0);
	attempt(life, 0, /* removal= */ false, 10);
	finish(life);
	faulty_disk_fail(0, SIZE_MAX);
	for (int i = 0; i < 100; i++) {
		attempt(life, i % KEYS, /* removal= */ false, 10);
	}
	finish(life);
	for (int i = 1; i < life->n; i++) {
		assert_int_equal(life->attempts[i].fate, FAILED);
	}
	check(life);
	faulty_disk_fail(0, 0);
	attempt(life, 0, /* removal= */ false, 10);
	finish(life);
	assert_int_equal(life->attempts[life->n - 1].fate, ACKNOWLEDGED);
	check(life);
	store_free(life->store);
	mem_free(life);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(nothing_acknowledged_is_lost_when_the_power_goes,
					  tell_seed),
		cmocka_unit_test_teardown(a_single_error_harms_nobody_else, tell_seed),
		cmocka_unit_test_teardown(nothing_failed_is_visible_after_trouble, tell_seed),
		cmocka_unit_test(a_failed_commit_does_not_return_after_a_crash),
		cmocka_unit_test(a_write_too_large_for_the_disk_fails_alone),
		cmocka_unit_test(a_list_that_cannot_be_read_says_so),
		cmocka_unit_test(a_disk_that_stays_broken_stops_nothing_else),
	};

	if (argc > 1) {
		lives = strtoull(argv[1], NULL, 10);
	}
	/* The trouble is made on purpose. */
	log_set_level(LOG_ERROR);
	return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
