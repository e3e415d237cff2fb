/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/fake.h"
#include "object/kinds.h"

static struct object *config(const char *space, const char *name, uint64_t revision,
			     const char *owner)
{
	struct object *object;
	json_t *tree = json_pack("{ss ss s{ss ss so} s{}}", "apiVersion", "v1", "kind", "ConfigMap",
				 "metadata", "namespace", space, "name", name, "resourceVersion",
				 json_sprintf("%d", (int)revision), "data");

	if (owner != NULL) {
		json_object_set_new(json_object_get(tree, "metadata"), "ownerReferences",
				    json_pack("[{ss}]", "uid", owner));
	}
	assert_int_equal(object_new_tree(&kind_config_map, tree, &object), 0);
	return object;
}

static void a_walk_is_in_namespace_and_name_order(void **state)
{
	static const char *const order[][2] = {
		{ "a", "z" }, { "a-b", "a" }, { "ns1", "b" }, { "ns1", "c" }, { "ns10", "a" },
	};
	struct cache *cache = cache_new(NULL);
	size_t i = 0;

	for (size_t n = ARRAY_SIZE(order); n-- > 0;) {
		cache_feed(cache, config(order[n][0], order[n][1], n + 1, NULL));
	}
	cache_for_each (object, cache, &kind_config_map, STR_NONE) {
		assert_true(str_is(object->space, order[i][0]));
		assert_true(str_is(object->name, order[i][1]));
		i++;
	}
	assert_int_equal(i, ARRAY_SIZE(order));
	i = 0;
	cache_for_each (object, cache, &kind_config_map, STR("ns1")) {
		assert_true(str_is(object->name, order[2 + i++][1]));
	}
	assert_int_equal(i, 2);
	cache_free(cache);
}

static void keys_by_data(struct object *object, struct cache_index_keys *keys)
{
	cache_index_key(keys, STR("all"));
	cache_index_key(keys, object->name);
}

static size_t count(struct cache *cache, const char *index, const char *key)
{
	size_t n = 0;

	cache_for_index (object, cache, &kind_config_map, index, str_from(key)) {
		n++;
	}
	return n;
}

static struct object *keep_name(struct object *object)
{
	return object_new_shared(object->kind, object->revision, STR("ns"), STR("a"), STR("{}"),
				 NULL, NULL);
}

struct versions {
	int changes;
	size_t old_size;
	size_t now_size;
};

static void note_sizes(void *userdata, struct object *old, struct object *now)
{
	struct versions *versions = userdata;

	versions->changes++;
	versions->old_size = old != NULL ? old->text.n : 0;
	versions->now_size = now != NULL ? now->text.n : 0;
}

static void what_is_kept_of_an_object_may_be_less_than_it(void **state)
{
	struct cache *cache = cache_new(NULL);
	struct versions versions = { 0 };

	cache_keep(cache, &kind_config_map, keep_name);
	cache_subscribe(cache, &kind_config_map, note_sizes, &versions);
	cache_feed(cache, config("ns", "a", 1, NULL));
	assert_true(versions.old_size == 0 && versions.now_size > 2);
	cache_feed(cache, config("ns", "a", 2, NULL));
	assert_true(versions.old_size == 2 && versions.now_size > 2);
	assert_int_equal(cache_get(cache, &kind_config_map, STR("ns"), STR("a"))->text.n, 2);
	cache_feed(cache, config("ns", "a", 2, NULL));
	assert_int_equal(versions.changes, 2);
	cache_unfeed(cache, &kind_config_map, STR("ns"), STR("a"));
	assert_true(versions.old_size == 2 && versions.now_size == 0);
	cache_free(cache);
}

static void one_revision_with_two_texts_is_a_change(void **state)
{
	struct cache *cache = cache_new(NULL);
	struct versions versions = { 0 };

	cache_subscribe(cache, &kind_config_map, note_sizes, &versions);
	cache_feed(cache, config("ns", "a", 7, NULL));
	cache_feed(cache, config("ns", "a", 7, NULL));
	assert_int_equal(versions.changes, 1);
	cache_feed(cache, config("ns", "a", 7, "u1"));
	assert_int_equal(versions.changes, 2);
	cache_free(cache);
}

static void an_index_follows_the_objects(void **state)
{
	struct cache *cache = cache_new(NULL);

	cache_index(cache, &kind_config_map, "test", keys_by_data);
	cache_feed(cache, config("ns", "a", 1, "u1"));
	cache_feed(cache, config("ns", "b", 2, "u1"));
	assert_int_equal(count(cache, "test", "all"), 2);
	assert_int_equal(count(cache, "test", "b"), 1);
	assert_int_equal(count(cache, "test", ""), 0);
	assert_int_equal(count(cache, CACHE_BY_OWNER, "u1"), 2);
	cache_feed(cache, config("ns", "b", 3, "u2"));
	assert_int_equal(count(cache, CACHE_BY_OWNER, "u1"), 1);
	assert_int_equal(count(cache, CACHE_BY_OWNER, "u2"), 1);
	assert_int_equal(count(cache, CACHE_BY_OWNER, "u"), 0);
	cache_unfeed(cache, &kind_config_map, STR("ns"), STR("a"));
	assert_int_equal(count(cache, "test", "all"), 1);
	assert_int_equal(count(cache, CACHE_BY_OWNER, "u1"), 0);
	cache_free(cache);
}

/* Two walks at once, of one index and of the same objects under two keys, and changes between. */
static void walks_find_their_way_whatever_happens_between_two_steps(void **state)
{
	struct cache *cache = cache_new(NULL);
	struct object *object;
	unsigned pairs = 0;

	cache_index(cache, &kind_config_map, "test", keys_by_data);
	cache_feed(cache, config("ns", "a", 1, NULL));
	cache_feed(cache, config("ns", "b", 2, NULL));
	cache_feed(cache, config("ns", "d", 3, NULL));
	cache_for_index (first, cache, &kind_config_map, "test", STR("all")) {
		cache_for_index (second, cache, &kind_config_map, "test", STR("all")) {
			assert_int_equal(count(cache, "test", "b"), 1);
			pairs++;
		}
		assert_null(cache_index_next(cache, &kind_config_map, "test", first->name, first));
	}
	assert_int_equal(pairs, 9);
	object = cache_index_next(cache, &kind_config_map, "test", STR("all"), NULL);
	object = object_ref(cache_index_next(cache, &kind_config_map, "test", STR("all"), object));
	cache_feed(cache, config("ns", "c", 4, NULL));
	assert_true(str_is(
		cache_index_next(cache, &kind_config_map, "test", STR("all"), object)->name, "c"));
	assert_true(str_is(cache_next(cache, &kind_config_map, STR_NONE, object)->name, "c"));
	cache_unfeed(cache, &kind_config_map, STR("ns"), STR("b"));
	cache_unfeed(cache, &kind_config_map, STR("ns"), STR("c"));
	assert_true(str_is(cache_next(cache, &kind_config_map, STR_NONE, object)->name, "d"));
	assert_true(str_is(
		cache_index_next(cache, &kind_config_map, "test", STR("all"), object)->name, "d"));
	object_unref(object);
	cache_free(cache);
}

struct seen {
	unsigned appeared;
	unsigned changed;
	unsigned removed;
	unsigned synced;
};

static void note_change(void *userdata, struct object *old, struct object *now)
{
	struct seen *seen = userdata;

	seen->appeared += old == NULL ? 1 : 0;
	seen->removed += now == NULL ? 1 : 0;
	seen->changed += old != NULL && now != NULL ? 1 : 0;
}

static void note_synced(void *userdata)
{
	((struct seen *)userdata)->synced++;
}

static void subscribers_hear_of_each_change_once(void **state)
{
	struct cache *cache = cache_new(NULL);
	struct seen seen = { 0 };

	cache_feed(cache, config("ns", "a", 1, NULL));
	cache_subscribe(cache, &kind_config_map, note_change, &seen);
	assert_int_equal(seen.appeared, 1);
	cache_feed(cache, config("ns", "a", 2, NULL));
	cache_feed(cache, config("ns", "a", 2, NULL));
	assert_int_equal(seen.changed, 1);
	cache_unfeed(cache, &kind_config_map, STR("ns"), STR("a"));
	cache_unfeed(cache, &kind_config_map, STR("ns"), STR("a"));
	assert_int_equal(seen.removed, 1);
	cache_unsubscribe(cache, &seen);
	cache_feed(cache, config("ns", "b", 3, NULL));
	assert_int_equal(seen.appeared, 1);
	cache_free(cache);
}

static json_t *config_body(const char *name)
{
	return json_pack("{s{ssss}}", "metadata", "name", name, "namespace", "ns");
}

static void it_is_synced_after_the_first_list_of_every_kind(void **state)
{
	struct clock_manual clock;
	struct cache *cache;
	struct seen seen = { 0 };
	struct fake *fake;

	clock_manual_init(&clock, NS_PER_S);
	fake = fake_new(&clock.clock, 7);
	assert_int_equal(fake_create(fake, &kind_config_map, config_body("a")), 201);
	cache = cache_new(fake_client(fake));
	cache_want(cache, &kind_config_map);
	cache_want(cache, &kind_secret);
	cache_on_synced(cache, note_synced, &seen);
	assert_false(cache_is_synced(cache));
	assert_int_equal(seen.synced, 0);
	while (fake_step(fake)) {
	}
	assert_true(cache_is_synced(cache));
	assert_int_equal(seen.synced, 1);
	assert_true(cache_revision(cache, &kind_config_map) == 1);
	assert_non_null(cache_get(cache, &kind_config_map, STR("ns"), STR("a")));
	cache_free(cache);
	fake_free(fake);
}

static void a_new_list_takes_out_only_what_it_does_not_name(void **state)
{
	struct clock_manual clock;
	struct cache *cache;
	struct seen seen = { 0 };
	struct fake *fake;

	clock_manual_init(&clock, NS_PER_S);
	fake = fake_new(&clock.clock, 7);
	fake_create(fake, &kind_config_map, config_body("a"));
	fake_create(fake, &kind_config_map, config_body("b"));
	cache = cache_new(fake_client(fake));
	cache_subscribe(cache, &kind_config_map, note_change, &seen);
	while (fake_step(fake)) {
	}
	assert_int_equal(seen.appeared, 2);
	fake_delete(fake, &kind_config_map, "ns", "a", -1);
	fake_create(fake, &kind_config_map, config_body("c"));
	fake_break_watches(fake);
	fake_step(fake); /* the reset: everything stays until the list is complete */
	assert_non_null(cache_get(cache, &kind_config_map, STR("ns"), STR("a")));
	assert_int_equal(seen.removed, 0);
	while (fake_step(fake)) {
	}
	assert_null(cache_get(cache, &kind_config_map, STR("ns"), STR("a")));
	assert_int_equal(seen.appeared, 3);
	assert_int_equal(seen.changed, 0);
	assert_int_equal(seen.removed, 1);
	assert_true(cache_revision(cache, &kind_config_map) == fake_revision(fake));
	cache_free(cache);
	fake_free(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_walk_is_in_namespace_and_name_order),
		cmocka_unit_test(what_is_kept_of_an_object_may_be_less_than_it),
		cmocka_unit_test(one_revision_with_two_texts_is_a_change),
		cmocka_unit_test(an_index_follows_the_objects),
		cmocka_unit_test(walks_find_their_way_whatever_happens_between_two_steps),
		cmocka_unit_test(subscribers_hear_of_each_change_once),
		cmocka_unit_test(it_is_synced_after_the_first_list_of_every_kind),
		cmocka_unit_test(a_new_list_takes_out_only_what_it_does_not_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
