/* SPDX-License-Identifier: Apache-2.0 */
#include "store/conformance.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"

enum {
	TEXT = 64,
	SEEN = 4096,
	MODEL_KEYS = 12,
	MODEL_STEPS = 4000,
};

/* What a callback told, copied. */
struct outcome {
	int calls;
	int result;
	uint64_t revision;
	uint64_t created;
	uint64_t previous;
	char value[TEXT];
	bool has_value;
};

struct suite {
	const struct conformance_backend *backend;
	struct store *store;
	/* Events since the last look. */
	size_t n;
	struct outcome seen[SEEN];
	char keys[SEEN][TEXT];
	char old[TEXT];
	uint64_t newest;
};

struct listing {
	int calls;
	int result;
	uint64_t revision;
	bool more;
	uint64_t remaining;
	size_t n;
	char text[8192]; /* "key=value@revision/created " of every record */
};

static void copy_text(char text[TEXT], struct str s)
{
	snprintf(text, TEXT, "%.*s", STR_ARG(s));
}

static void note_event(void *userdata, const struct store_event *event)
{
	struct suite *suite = userdata;
	struct outcome *outcome = &suite->seen[suite->n % SEEN];

	/* Contract 2: in revision order, each once. */
	assert_true(event->revision > suite->newest);
	suite->newest = event->revision;
	*outcome = (struct outcome){
		.revision = event->revision,
		.created = event->created,
		.previous = event->previous,
		.has_value = event->value.p != NULL,
	};
	copy_text(outcome->value, event->value);
	copy_text(suite->keys[suite->n % SEEN], event->key);
	copy_text(suite->old, event->old);
	suite->n++;
}

static void note_done(void *userdata, int result, const struct store_event *event)
{
	struct outcome *outcome = userdata;

	outcome->calls++;
	outcome->result = result;
	outcome->revision = event->revision;
	outcome->created = event->created;
	outcome->previous = event->previous;
	outcome->has_value = event->value.p != NULL;
	copy_text(outcome->value, event->value);
}

static void note_list(void *userdata, int result, const struct store_record *records, size_t n,
		      uint64_t revision, bool more, uint64_t remaining)
{
	struct listing *listing = userdata;
	size_t used = 0;

	listing->calls++;
	listing->result = result;
	listing->revision = revision;
	listing->more = more;
	listing->remaining = remaining;
	listing->n = n;
	listing->text[0] = '\0';
	for (size_t i = 0; i < n && used < sizeof(listing->text); i++) {
		used += (size_t)snprintf(listing->text + used, sizeof(listing->text) - used,
					 "%.*s=%.*s@%llu/%llu ", STR_ARG(records[i].key),
					 STR_ARG(records[i].value),
					 (unsigned long long)records[i].revision,
					 (unsigned long long)records[i].created);
	}
	assert_true(used < sizeof(listing->text));
}

static void submit(struct suite *suite, const char *key, const char *value, uint64_t expected,
		   struct outcome *outcome)
{
	struct store_write write = {
		.key = str_from(key),
		.value = str_from(value),
		.expected = expected,
	};

	memset(outcome, 0, sizeof(*outcome));
	assert_int_equal(store_write(suite->store, &write, note_done, outcome), 0);
}

static struct outcome put(struct suite *suite, const char *key, const char *value,
			  uint64_t expected)
{
	struct outcome outcome;

	submit(suite, key, value, expected, &outcome);
	store_drain(suite->store);
	assert_int_equal(outcome.calls, 1);
	return outcome;
}

static struct listing list_with(struct suite *suite, const struct store_list *list)
{
	struct listing listing = { 0 };

	assert_int_equal(store_list(suite->store, list, note_list, &listing), 0);
	store_drain(suite->store);
	assert_int_equal(listing.calls, 1);
	return listing;
}

static struct listing list_at(struct suite *suite, const char *prefix, uint64_t revision)
{
	return list_with(suite, &(struct store_list){
					.prefix = str_from(prefix),
					.revision = revision,
				});
}

static void watch(struct suite *suite)
{
	suite->n = 0;
	suite->newest = 0;
	store_watch(suite->store, note_event, suite);
}

static void reopen(struct suite *suite)
{
	suite->store = store_free(suite->store);
	assert_int_equal(suite->backend->reopen(&suite->store), 0);
	watch(suite);
}

static void writes_take_growing_revisions(void **state)
{
	struct suite *suite = *state;
	uint64_t last = 0;

	for (int i = 0; i < 20; i++) {
		struct outcome outcome = put(suite, i % 2 ? "/a" : "/b", "x", STORE_ANY);

		assert_int_equal(outcome.result, 0);
		assert_true(outcome.revision > last);
		last = outcome.revision;
	}
	assert_true(list_at(suite, "/", 0).revision == last);
}

static void a_conflict_changes_nothing_and_carries_the_present_value(void **state)
{
	struct suite *suite = *state;
	struct outcome one = put(suite, "/k", "one", STORE_MUST_BE_ABSENT);
	uint64_t wrong[] = { STORE_MUST_BE_ABSENT, one.revision + 1, UINT64_MAX - 1 };

	assert_int_equal(one.result, 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		for (int removing = 0; removing < 2; removing++) {
			struct outcome no = put(suite, "/k", removing ? NULL : "two", wrong[i]);

			assert_int_equal(no.result, STORE_CONFLICT);
			assert_true(no.revision == one.revision && no.created == one.revision);
			assert_string_equal(no.value, "one");
		}
	}
	assert_int_equal(suite->n, 1);
	assert_true(list_at(suite, "/", 0).revision == one.revision);
}

static void what_is_absent_conflicts_with_revision_zero(void **state)
{
	struct suite *suite = *state;
	struct outcome update = put(suite, "/none", "x", 7);
	struct outcome removal = put(suite, "/none", NULL, STORE_ANY);
	struct outcome gone;

	assert_int_equal(update.result, STORE_CONFLICT);
	assert_true(update.revision == 0 && !update.has_value);
	assert_int_equal(removal.result, STORE_CONFLICT);
	assert_true(removal.revision == 0 && !removal.has_value);
	put(suite, "/k", "x", STORE_ANY);
	put(suite, "/k", NULL, STORE_ANY);
	gone = put(suite, "/k", "y", suite->newest);
	assert_int_equal(gone.result, STORE_CONFLICT);
	assert_true(gone.revision == 0 && !gone.has_value);
}

static void writes_handed_in_together_see_each_other(void **state)
{
	struct suite *suite = *state;
	struct outcome outcomes[5];

	submit(suite, "/k", "first", STORE_MUST_BE_ABSENT, &outcomes[0]);
	submit(suite, "/k", "second", STORE_MUST_BE_ABSENT, &outcomes[1]);
	submit(suite, "/k", "third", STORE_ANY, &outcomes[2]);
	submit(suite, "/k", NULL, STORE_ANY, &outcomes[3]);
	submit(suite, "/k", NULL, STORE_ANY, &outcomes[4]);
	store_drain(suite->store);
	assert_int_equal(outcomes[0].result, 0);
	assert_int_equal(outcomes[1].result, STORE_CONFLICT);
	assert_string_equal(outcomes[1].value, "first");
	assert_true(outcomes[1].revision == outcomes[0].revision);
	assert_int_equal(outcomes[2].result, 0);
	assert_true(outcomes[2].previous == outcomes[0].revision);
	assert_int_equal(outcomes[3].result, 0);
	assert_int_equal(outcomes[4].result, STORE_CONFLICT);
	assert_int_equal(list_at(suite, "/", 0).n, 0);
}

struct ordered {
	struct suite *suite;
	uint64_t revision;
	size_t *finished;
	size_t index;
};

static void check_order(void *userdata, int result, const struct store_event *event)
{
	struct ordered *ordered = userdata;

	assert_int_equal(result, 0);
	/* Contract 4: as handed in. Contract 2: the event was before. */
	assert_int_equal(ordered->index, *ordered->finished);
	(*ordered->finished)++;
	assert_int_equal(ordered->suite->n, *ordered->finished);
	assert_true(ordered->suite->newest == event->revision);
}

static void events_come_before_the_acknowledgement_and_in_order(void **state)
{
	struct suite *suite = *state;
	struct ordered ordered[3000];
	size_t finished = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ordered); i++) {
		char key[TEXT];
		struct store_write write = { .value = STR("v"), .expected = STORE_ANY };

		snprintf(key, sizeof(key), "/k%zu", i % 100);
		write.key = str_from(key);
		ordered[i] = (struct ordered){
			.suite = suite,
			.finished = &finished,
			.index = i,
		};
		assert_int_equal(store_write(suite->store, &write, check_order, &ordered[i]), 0);
	}
	store_drain(suite->store);
	assert_int_equal(finished, ARRAY_SIZE(ordered));
}

static void a_removal_tells_what_it_removed(void **state)
{
	struct suite *suite = *state;
	struct outcome one = put(suite, "/k", "one", STORE_ANY);
	struct outcome two = put(suite, "/k", "two", one.revision);
	struct outcome removal = put(suite, "/k", NULL, two.revision);
	struct outcome again;

	assert_int_equal(removal.result, 0);
	assert_true(removal.previous == two.revision && removal.created == one.revision);
	assert_false(removal.has_value);
	assert_string_equal(suite->old, "two");
	again = put(suite, "/k", "three", STORE_MUST_BE_ABSENT);
	assert_true(again.created == again.revision && again.previous == 0);
	assert_string_equal(suite->old, "");
}

static void a_list_shows_its_prefix_in_byte_order(void **state)
{
	struct suite *suite = *state;
	struct listing listing;

	put(suite, "/p/ns10/a", "1", STORE_ANY);
	put(suite, "/p/ns1/b", "2", STORE_ANY);
	put(suite, "/p/ns1/a", "3", STORE_ANY);
	put(suite, "/p/ns1", "4", STORE_ANY);
	put(suite, "/p/ns1-x/a", "5", STORE_ANY);
	put(suite, "/p/ns2/a", "6", STORE_ANY);
	listing = list_at(suite, "/p/ns1/", 0);
	assert_string_equal(listing.text, "/p/ns1/a=3@3/3 /p/ns1/b=2@2/2 ");
	assert_int_equal(list_at(suite, "/p/ns3/", 0).n, 0);
	assert_int_equal(list_at(suite, "", 0).n, 6);
	listing = list_with(suite, &(struct store_list){
					   .prefix = STR("/p/ns1/"),
					   .after = STR("/p/ns1/a"),
				   });
	assert_string_equal(listing.text, "/p/ns1/b=2@2/2 ");
	listing = list_with(suite, &(struct store_list){
					   .prefix = STR("/p/ns1/"),
					   .after = STR("/p/ns2"),
				   });
	assert_int_equal(listing.n, 0);
	listing = list_with(suite, &(struct store_list){
					   .prefix = STR("/p/ns1/"),
					   .after = STR("/a"),
				   });
	assert_int_equal(listing.n, 2);
}

static void a_list_at_a_revision_shows_just_what_was(void **state)
{
	struct suite *suite = *state;

	put(suite, "/a", "1", STORE_ANY);
	put(suite, "/b", "2", STORE_ANY);
	put(suite, "/a", "3", STORE_ANY);
	put(suite, "/b", NULL, STORE_ANY);
	put(suite, "/b", "5", STORE_ANY);
	assert_string_equal(list_at(suite, "/", 1).text, "/a=1@1/1 ");
	assert_string_equal(list_at(suite, "/", 2).text, "/a=1@1/1 /b=2@2/2 ");
	assert_string_equal(list_at(suite, "/", 3).text, "/a=3@3/1 /b=2@2/2 ");
	assert_string_equal(list_at(suite, "/", 4).text, "/a=3@3/1 ");
	assert_string_equal(list_at(suite, "/", 5).text, "/a=3@3/1 /b=5@5/5 ");
	assert_string_equal(list_at(suite, "/", 0).text, "/a=3@3/1 /b=5@5/5 ");
	assert_int_equal(list_at(suite, "/", 6).result, -ERANGE);
}

static void a_list_sees_the_writes_handed_in_before_it(void **state)
{
	struct suite *suite = *state;
	struct outcome outcomes[2500];
	struct listing listing = { 0 };
	struct store_list list = { .prefix = STR("/last") };

	for (size_t i = 0; i < ARRAY_SIZE(outcomes) - 1; i++) {
		submit(suite, "/k", "v", STORE_ANY, &outcomes[i]);
	}
	submit(suite, "/last", "v", STORE_ANY, &outcomes[ARRAY_SIZE(outcomes) - 1]);
	assert_int_equal(store_list(suite->store, &list, note_list, &listing), 0);
	store_drain(suite->store);
	assert_int_equal(listing.n, 1);
}

static void pages_join_to_the_whole(void **state)
{
	struct suite *suite = *state;
	struct outcome outcomes[250];
	char after[TEXT] = "";
	uint64_t revision;
	size_t n = 0;
	bool more = true;

	for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
		char key[TEXT];

		snprintf(key, sizeof(key), "/p/%03zu", i);
		submit(suite, key, "v", STORE_ANY, &outcomes[i]);
	}
	store_drain(suite->store);
	revision = outcomes[249].revision;
	while (more) {
		struct listing page = list_with(suite, &(struct store_list){
							       .prefix = STR("/p/"),
							       .after = str_from(after),
							       .revision = revision,
							       .limit = 60,
						       });

		assert_int_equal(page.result, 0);
		assert_true(page.revision == revision);
		n += page.n;
		more = page.more;
		assert_int_equal(page.remaining, 250 - n);
		snprintf(after, sizeof(after), "/p/%03zu", n - 1);
		/* Meanwhile the present moves on. */
		put(suite, "/p/000x", "new", STORE_ANY);
		put(suite, "/p/249", NULL, STORE_ANY);
		put(suite, "/p/249", "v", STORE_ANY);
	}
	assert_int_equal(n, 250);
}

static void what_nobody_needs_is_not_counted(void **state)
{
	struct suite *suite = *state;
	struct listing page;

	put(suite, "/p/a", "v", STORE_ANY);
	put(suite, "/p/b", "v", STORE_ANY);
	put(suite, "/p/c", "v", STORE_ANY);
	page = list_with(suite, &(struct store_list){
					.prefix = STR("/p/"),
					.limit = 2,
					.uncounted = true,
				});
	assert_true(page.n == 2 && page.more && page.remaining == 0);
	page = list_with(suite, &(struct store_list){
					.prefix = STR("/p/"),
					.limit = 3,
					.uncounted = true,
				});
	assert_true(page.n == 3 && !page.more && page.remaining == 0);
}

static void compaction_forgets_the_past_alone(void **state)
{
	struct suite *suite = *state;

	put(suite, "/a", "1", STORE_ANY);
	put(suite, "/b", "2", STORE_ANY);
	put(suite, "/a", "3", STORE_ANY);
	put(suite, "/b", NULL, STORE_ANY);
	put(suite, "/c", "5", STORE_ANY);
	assert_int_equal(store_compact(suite->store, 4), 0);
	store_drain(suite->store);
	assert_int_equal(list_at(suite, "/", 3).result, STORE_COMPACTED);
	assert_string_equal(list_at(suite, "/", 4).text, "/a=3@3/1 ");
	assert_string_equal(list_at(suite, "/", 5).text, "/a=3@3/1 /c=5@5/5 ");
	/* Backwards is nothing, and so is beyond the present. */
	assert_int_equal(store_compact(suite->store, 2), 0);
	assert_int_equal(store_compact(suite->store, 1000), 0);
	assert_string_equal(list_at(suite, "/", 0).text, "/a=3@3/1 /c=5@5/5 ");
	assert_int_equal(list_at(suite, "/", 4).result, STORE_COMPACTED);
	assert_int_equal(put(suite, "/a", "6", 3).result, 0);
}

static void history_stays_bounded_by_itself(void **state)
{
	struct suite *suite = *state;
	struct outcome outcome = put(suite, "/other", "v", STORE_ANY);

	for (int i = 0; i < 2 * LIMIT_STORE_HISTORY + 2 * LIMIT_STORE_BATCH; i++) {
		struct store_write write = {
			.key = STR("/lease"),
			.value = STR("renewed"),
			.expected = STORE_ANY,
		};

		if (store_write(suite->store, &write, NULL, NULL) == STORE_BUSY) {
			store_drain(suite->store);
			assert_int_equal(store_write(suite->store, &write, NULL, NULL), 0);
		}
	}
	store_drain(suite->store);
	assert_int_equal(list_at(suite, "/", outcome.revision + 1).result, STORE_COMPACTED);
	assert_int_equal(list_at(suite, "/", suite->newest - LIMIT_STORE_HISTORY).n, 2);
	assert_int_equal(list_at(suite, "/", 0).n, 2);
}

static void too_much_at_once_is_refused_and_loses_nothing(void **state)
{
	struct suite *suite = *state;
	struct store_write write = {
		.key = STR("/k"),
		.value = STR("v"),
		.expected = STORE_ANY,
	};
	struct store_list list = { 0 };
	size_t n = 0;

	while (store_write(suite->store, &write, NULL, NULL) == 0) {
		n++;
	}
	assert_int_equal(n, LIMIT_STORE_QUEUE);
	assert_int_equal(store_list(suite->store, &list, note_list, NULL), STORE_BUSY);
	assert_int_equal(store_compact(suite->store, 1), STORE_BUSY);
	store_drain(suite->store);
	assert_int_equal(suite->n, n);
	assert_int_equal(put(suite, "/k", "v", STORE_ANY).result, 0);
}

static void note_bytes(void *userdata, int result, const struct store_record *records, size_t n,
		       uint64_t revision, bool more, uint64_t remaining)
{
	struct str *expected = userdata;

	assert_int_equal(n, 2);
	assert_true(records[0].value.p != NULL && records[0].value.n == 0);
	assert_true(str_eq(records[1].value, *expected));
	expected->p = NULL;
}

static void values_are_any_bytes(void **state)
{
	struct suite *suite = *state;
	size_t n = LIMIT_OBJECT;
	_cleanup_free_ char *bytes = mem_alloc(n);
	struct str value = { .p = bytes, .n = n };
	struct store_write empty = { .key = STR("/0"), .value = STR(""), .expected = STORE_ANY };
	struct store_write large = { .key = STR("/1"), .value = value, .expected = STORE_ANY };
	struct store_list list = { 0 };

	for (size_t i = 0; i < n; i++) {
		bytes[i] = (char)(i * 7);
	}
	assert_int_equal(store_write(suite->store, &empty, NULL, NULL), 0);
	assert_int_equal(store_write(suite->store, &large, NULL, NULL), 0);
	store_drain(suite->store);
	assert_int_equal(store_list(suite->store, &list, note_bytes, &value), 0);
	store_drain(suite->store);
	assert_null(value.p);
}

static bool is_readable(const struct store *store, int wait)
{
	struct pollfd waiting = { .fd = store_fd(store), .events = POLLIN };

	return poll(&waiting, 1, wait) == 1;
}

static void the_descriptor_says_when_to_dispatch(void **state)
{
	struct suite *suite = *state;
	struct outcome outcome;

	assert_false(is_readable(suite->store, 0));
	submit(suite, "/k", "v", STORE_ANY, &outcome);
	assert_int_equal(outcome.calls, 0);
	assert_true(is_readable(suite->store, -1));
	store_dispatch(suite->store);
	assert_int_equal(outcome.calls, 1);
	assert_false(is_readable(suite->store, 0));
}

struct chain {
	struct suite *suite;
	int left;
};

static void write_again(void *userdata, int result, const struct store_event *event)
{
	struct chain *chain = userdata;
	struct store_write write = {
		.key = STR("/k"),
		.value = STR("v"),
		.expected = event->revision,
	};

	assert_int_equal(result, 0);
	if (chain->left-- > 0) {
		assert_int_equal(store_write(chain->suite->store, &write, write_again, chain), 0);
	}
}

static void a_callback_may_write(void **state)
{
	struct suite *suite = *state;
	struct chain chain = { .suite = suite, .left = 50 };
	struct store_write write = { .key = STR("/k"), .value = STR("v") };

	assert_int_equal(store_write(suite->store, &write, write_again, &chain), 0);
	store_drain(suite->store);
	assert_int_equal(suite->n, 51);
}

/* The whole history, simply: the state of every key after every revision. */
struct model {
	char *values[MODEL_STEPS + 1][MODEL_KEYS];
	uint64_t revisions[MODEL_STEPS + 1][MODEL_KEYS]; /* 0: absent */
	uint64_t created[MODEL_STEPS + 1][MODEL_KEYS];
	uint64_t revision;
	uint64_t compacted;
};

static void model_text(const struct model *model, uint64_t revision, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < MODEL_KEYS; i++) {
		if (model->revisions[revision][i] != 0) {
			used += (size_t)snprintf(text + used, size - used, "/m/%02d=%s@%llu/%llu ",
						 i, model->values[revision][i],
						 (unsigned long long)model->revisions[revision][i],
						 (unsigned long long)model->created[revision][i]);
		}
	}
}

static void model_check(struct suite *suite, const struct model *model, uint64_t revision)
{
	char text[8192];
	struct listing listing = list_at(suite, "/m/", revision);

	if (revision != 0 && revision < model->compacted) {
		assert_int_equal(listing.result, STORE_COMPACTED);
		return;
	}
	assert_int_equal(listing.result, 0);
	assert_true(listing.revision == (revision != 0 ? revision : model->revision));
	model_text(model, listing.revision, text, sizeof(text));
	assert_string_equal(listing.text, text);
}

static void model_write(struct suite *suite, struct model *model, struct random_state *random)
{
	uint32_t i = random_below(random, MODEL_KEYS);
	uint64_t now = model->revision;
	uint64_t present = model->revisions[now][i];
	uint64_t expectations[] = { STORE_ANY, STORE_MUST_BE_ABSENT, present, present + 1 };
	uint64_t expected = expectations[random_below(random, 4)];
	bool removing = random_below(random, 3) == 0;
	bool fits = (expected == STORE_ANY || expected == present) && !(removing && present == 0);
	char key[TEXT];
	char *value = mem_printf("%u", random_below(random, 1000000));
	struct outcome outcome;

	snprintf(key, sizeof(key), "/m/%02u", i);
	outcome = put(suite, key, removing ? NULL : value, expected);
	assert_int_equal(outcome.result, fits ? 0 : STORE_CONFLICT);
	if (!fits) {
		assert_true(outcome.revision == present);
		mem_free(value);
		return;
	}
	assert_true(outcome.revision == now + 1 && outcome.previous == present);
	memcpy(model->values[now + 1], model->values[now], sizeof(model->values[0]));
	memcpy(model->revisions[now + 1], model->revisions[now], sizeof(model->revisions[0]));
	memcpy(model->created[now + 1], model->created[now], sizeof(model->created[0]));
	model->revision = now + 1;
	model->revisions[now + 1][i] = removing ? 0 : now + 1;
	model->created[now + 1][i] = present != 0 ? model->created[now][i] : now + 1;
	/* Values stay until the end: older states share them. */
	model->values[now + 1][i] = value;
}

static void a_random_life_agrees_with_the_model(void **state)
{
	struct suite *suite = *state;
	uint64_t seed = 42;
	struct random_state random;
	struct model *model = MEM_NEW(struct model);

	random_state_seed(&random, seed);
	for (int step = 0; step < MODEL_STEPS / 4; step++) {
		uint32_t choice = random_below(&random, 100);

		if (choice < 70) {
			model_write(suite, model, &random);
		} else if (choice < 97 || model->revision == 0) {
			model_check(suite, model,
				    random_below(&random, (uint32_t)model->revision + 1));
		} else if (choice == 97) {
			uint64_t to = random_below(&random, (uint32_t)model->revision + 1);

			assert_int_equal(store_compact(suite->store, to), 0);
			model->compacted = to > model->compacted ? to : model->compacted;
		} else if (suite->backend->reopen != NULL) {
			reopen(suite);
		}
	}
	model_check(suite, model, 0);
	for (uint64_t revision = 1; revision <= model->revision; revision++) {
		for (int i = 0; i < MODEL_KEYS; i++) {
			if (model->values[revision][i] != model->values[revision - 1][i]) {
				mem_free(model->values[revision][i]);
			}
		}
	}
	mem_free(model);
}

static void what_was_acknowledged_is_there_after_reopening(void **state)
{
	struct suite *suite = *state;
	struct outcome last;

	if (suite->backend->reopen == NULL) {
		return;
	}
	put(suite, "/a", "1", STORE_ANY);
	put(suite, "/b", "2", STORE_ANY);
	put(suite, "/a", "3", STORE_ANY);
	reopen(suite);
	assert_string_equal(list_at(suite, "/", 0).text, "/a=3@3/1 /b=2@2/2 ");
	assert_string_equal(list_at(suite, "/", 2).text, "/a=1@1/1 /b=2@2/2 ");
	/* A removal that was compacted still has had its revision. */
	last = put(suite, "/b", NULL, STORE_ANY);
	assert_int_equal(store_compact(suite->store, last.revision), 0);
	reopen(suite);
	assert_true(put(suite, "/b", "5", STORE_MUST_BE_ABSENT).revision > last.revision);
	assert_int_equal(list_at(suite, "/", 1).result, STORE_COMPACTED);
}

static int begin(void **state)
{
	struct suite *suite = *state;

	if (suite->backend->create(&suite->store) != 0) {
		return -1;
	}
	watch(suite);
	return 0;
}

static int end(void **state)
{
	struct suite *suite = *state;

	suite->store = store_free(suite->store);
	if (suite->backend->destroy != NULL) {
		suite->backend->destroy();
	}
	return 0;
}

int conformance_run(const struct conformance_backend *backend)
{
	struct suite *suite = MEM_NEW(struct suite);
	int failed;

#define CLAIM(function) cmocka_unit_test_prestate_setup_teardown(function, begin, end, suite)
	const struct CMUnitTest tests[] = {
		CLAIM(writes_take_growing_revisions),
		CLAIM(a_conflict_changes_nothing_and_carries_the_present_value),
		CLAIM(what_is_absent_conflicts_with_revision_zero),
		CLAIM(writes_handed_in_together_see_each_other),
		CLAIM(events_come_before_the_acknowledgement_and_in_order),
		CLAIM(a_removal_tells_what_it_removed),
		CLAIM(a_list_shows_its_prefix_in_byte_order),
		CLAIM(a_list_at_a_revision_shows_just_what_was),
		CLAIM(a_list_sees_the_writes_handed_in_before_it),
		CLAIM(pages_join_to_the_whole),
		CLAIM(what_nobody_needs_is_not_counted),
		CLAIM(compaction_forgets_the_past_alone),
		CLAIM(history_stays_bounded_by_itself),
		CLAIM(too_much_at_once_is_refused_and_loses_nothing),
		CLAIM(values_are_any_bytes),
		CLAIM(the_descriptor_says_when_to_dispatch),
		CLAIM(a_callback_may_write),
		CLAIM(a_random_life_agrees_with_the_model),
		CLAIM(what_was_acknowledged_is_there_after_reopening),
	};
#undef CLAIM

	suite->backend = backend;
	failed = cmocka_run_group_tests_name(backend->name, tests, NULL, NULL);
	mem_free(suite);
	return failed;
}
