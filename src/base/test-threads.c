/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/counter.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/snapshot.h"
#include "base/thread.h"

enum { MESSAGES = 10000, ROUNDS = 2000 };

struct number {
	struct mail mail;
	int value;
};

static void send_numbers(void *argument)
{
	struct mailbox *mailbox = argument;

	for (int i = 0; i < MESSAGES; i++) {
		struct number *number = MEM_NEW(struct number);

		number->value = i;
		assert_int_equal(mailbox_send(mailbox, &number->mail), 0);
	}
}

static void mail_arrives_in_order_and_once(void **state)
{
	struct mailbox *mailbox;
	struct thread *thread;
	int expected = 0;

	assert_int_equal(mailbox_new(MESSAGES, &mailbox), 0);
	assert_int_equal(thread_start("sender", send_numbers, mailbox, &thread), 0);
	while (expected < MESSAGES) {
		struct mail *mail = mailbox_wait(mailbox);

		while (mail != NULL) {
			struct number *number = container_of(mail, struct number, mail);

			mail = mail->next;
			assert_int_equal(number->value, expected++);
			mem_free(number);
		}
	}
	thread_join(thread);
	assert_null(mailbox_receive(mailbox));
	mailbox_free(mailbox);
}

static void a_full_mailbox_says_so(void **state)
{
	struct mailbox *mailbox;
	struct mail first;
	struct mail second;

	assert_int_equal(mailbox_new(1, &mailbox), 0);
	assert_int_equal(mailbox_send(mailbox, &first), 0);
	assert_int_equal(mailbox_send(mailbox, &second), MAILBOX_FULL);
	assert_ptr_equal(mailbox_receive(mailbox), &first);
	mailbox_free(mailbox);
}

struct value {
	struct snapshot_entry entry;
	char key[8];
	uint64_t a;
	uint64_t b; /* always equal to a */
};

struct shared {
	struct snapshot current;
	struct snapshot_map *map;
	struct counter stop;
	struct counter reads;
};

static struct str value_key(const struct snapshot_entry *entry)
{
	return str_from(((const struct value *)(const void *)entry)->key);
}

static struct value *new_value(uint64_t n)
{
	struct value *value = MEM_NEW(struct value);

	memcpy(value->key, "name", 5);
	value->a = value->b = n;
	return value;
}

/* What is retired is spoiled first, so a reader that still sees it would notice. */
static void release_value(void *p)
{
	struct value *value = p;

	value->a = UINT64_MAX;
	mem_free(value);
}

static void release_entry(struct snapshot_entry *entry)
{
	mem_free(entry);
}

static void read_values(void *argument)
{
	struct shared *shared = argument;
	uint32_t hash = snapshot_hash(STR("name"));

	snapshot_reader_join();
	while (counter_get(&shared->stop) == 0) {
		struct value *one = snapshot_get(&shared->current);
		struct value *two =
			(struct value *)(void *)snapshot_map_find(shared->map, STR("name"), hash);

		assert_non_null(two);
		assert_true(one->a == one->b && two->a == two->b);
		counter_add(&shared->reads, 1);
		snapshot_reader_pass();
	}
	snapshot_reader_leave();
}

static void readers_see_old_or_new_but_never_neither(void **state)
{
	struct shared shared = { 0 };
	struct thread *thread;

	shared.map = snapshot_map_new(10, value_key);
	snapshot_publish(&shared.current, new_value(0));
	assert_null(snapshot_map_put(shared.map, &new_value(0)->entry));
	assert_int_equal(thread_start("reader", read_values, &shared, &thread), 0);
	for (uint64_t i = 1; i < ROUNDS || counter_get(&shared.reads) == 0; i++) {
		snapshot_retire(snapshot_publish(&shared.current, new_value(i)), release_value);
		snapshot_retire(snapshot_map_put(shared.map, &new_value(i)->entry), release_value);
	}
	counter_set(&shared.stop, 1);
	thread_join(thread);
	assert_int_equal(snapshot_map_count(shared.map), 1);
	snapshot_retire(snapshot_map_remove(shared.map, STR("name")), release_value);
	assert_null(snapshot_map_remove(shared.map, STR("name")));
	snapshot_retire(snapshot_publish(&shared.current, NULL), release_value);
	snapshot_barrier();
	snapshot_map_free(shared.map, release_entry);
}

enum { MANY = 5000 };

static struct value *numbered(unsigned n)
{
	struct value *value = MEM_NEW(struct value);

	snprintf(value->key, sizeof(value->key), "%u", n);
	value->a = value->b = n;
	return value;
}

/* Empty, with an entry, and with one that went: hints may find nothing, but never what is freed. */
static void fetching_ahead_finds_nothing_that_is_gone(void **state)
{
	struct snapshot_map *map = snapshot_map_new(10, value_key);
	uint32_t hash = snapshot_hash(STR("name"));
	struct value *value = new_value(1);

	assert_null(snapshot_map_peek(map, hash));
	snapshot_map_fetch_slot(map, hash);
	snapshot_map_fetch_entry(map, hash, sizeof(*value));
	assert_null(snapshot_map_put(map, &value->entry));
	assert_ptr_equal(snapshot_map_peek(map, hash), &value->entry);
	snapshot_map_fetch_entry(map, hash, sizeof(*value));
	snapshot_retire(snapshot_map_remove(map, STR("name")), release_value);
	assert_null(snapshot_map_peek(map, hash));
	snapshot_map_fetch_entry(map, hash, sizeof(*value));
	snapshot_barrier();
	snapshot_map_free(map, release_entry);
}

static void find_all(void *argument)
{
	struct shared *shared = argument;

	snapshot_reader_join();
	while (counter_get(&shared->stop) == 0) {
		for (unsigned i = 0; i < MANY; i += 2) {
			char key[8];
			struct str text;
			const struct value *value;

			snprintf(key, sizeof(key), "%u", i);
			text = str_from(key);
			value = (const void *)snapshot_map_find(shared->map, text,
								snapshot_hash(text));
			assert_true(value != NULL && value->a == value->b);
		}
		counter_add(&shared->reads, 1);
		snapshot_reader_pass();
	}
	snapshot_reader_leave();
}

static void count_entry(struct snapshot_entry *entry, void *userdata)
{
	(*(size_t *)userdata)++;
}

/* Even numbers stay while odd ones come, go and make the table grow and shed what is gone. */
static void what_stays_is_found_while_others_come_and_go(void **state)
{
	struct shared shared = { .map = snapshot_map_new(MANY, value_key) };
	struct thread *thread;
	size_t seen = 0;

	for (unsigned i = 0; i < MANY; i += 2) {
		assert_null(snapshot_map_put(shared.map, &numbered(i)->entry));
	}
	assert_int_equal(thread_start("reader", find_all, &shared, &thread), 0);
	for (int round = 0; round < 10 || counter_get(&shared.reads) < 3; round++) {
		for (unsigned i = 1; i < MANY; i += 2) {
			assert_null(snapshot_map_put(shared.map, &numbered(i)->entry));
		}
		assert_int_equal(snapshot_map_count(shared.map), MANY);
		for (unsigned i = 1; i < MANY; i += 2) {
			struct value *value = numbered(i);

			snapshot_retire(snapshot_map_remove(shared.map, str_from(value->key)),
					release_value);
			assert_null(snapshot_map_remove(shared.map, str_from(value->key)));
			mem_free(value);
		}
	}
	counter_set(&shared.stop, 1);
	thread_join(thread);
	snapshot_map_each(shared.map, count_entry, &seen);
	assert_int_equal(seen, MANY / 2);
	snapshot_barrier();
	snapshot_map_free(shared.map, release_entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_arrives_in_order_and_once),
		cmocka_unit_test(a_full_mailbox_says_so),
		cmocka_unit_test(readers_see_old_or_new_but_never_neither),
		cmocka_unit_test(fetching_ahead_finds_nothing_that_is_gone),
		cmocka_unit_test(what_stays_is_found_while_others_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
