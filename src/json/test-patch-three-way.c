/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "json/json.h"
#include "json/patch.h"

/* One message that nests itself: "items" merges by name, "set" is a set, "plain" does not merge. */
static bool thing_field(const void *message, const char *name, struct strategic_field *ret)
{
	static const struct {
		const char *name;
		struct strategic_field field;
	} fields[] = {
		{ "items", { .merge = true, .merge_key = "name" } },
		{ "set", { .merge = true } },
		{ "plain", { 0 } },
		{ "whole", { .replace = true } },
		{ "strategy", { .retain_keys = true } },
		{ "child", { 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name) == 0) {
			*ret = fields[i].field;
			ret->message = message;
			return true;
		}
	}
	return false;
}

static const struct strategic_schema schema = { .field = thing_field };

static json_t *tree_of(const char *text)
{
	_cleanup_free_ char *json = mem_strdup(text);
	struct json_read_error error;
	json_t *tree = NULL;

	if (json == NULL) {
		return NULL;
	}
	for (char *p = json; *p != '\0'; p++) {
		*p = *p == '\'' ? '"' : *p;
	}
	if (json_read(str_from(json), NULL, &tree, &error) != 0) {
		fail_msg("%s: %s", text, error.message);
	}
	return tree;
}

static void expect_equal(const json_t *tree, const json_t *expected)
{
	if (!json_equal(tree, expected)) {
		_cleanup_free_ char *dump = json_dumps(tree, JSON_COMPACT);

		fail_msg("got %s", dump);
	}
}

/*
 * Whoever applied `original` and now `wanted` sends `patch`, which makes `current` what `after`
 * says; and then has nothing more to send.
 */
static void check(const char *original, const char *wanted, const char *current, const char *patch,
		  const char *after)
{
	static const char thing[] = "thing";
	_cleanup_json_ json_t *before = tree_of(original);
	_cleanup_json_ json_t *aim = tree_of(wanted);
	_cleanup_json_ json_t *now = tree_of(current);
	_cleanup_json_ json_t *expected = tree_of(patch);
	_cleanup_json_ json_t *expected_after = tree_of(after);
	_cleanup_json_ json_t *patched = NULL;
	struct patch_message message;

	_cleanup_json_ json_t *made = json_three_way_patch(before, aim, now, &schema, thing);
	if (expected == NULL) {
		assert_null(made);
		return;
	}
	assert_non_null(made);
	expect_equal(made, expected);
	assert_int_equal(json_strategic_patch(now, made, &schema, thing, &patched, &message), 0);
	expect_equal(patched, expected_after);
	_cleanup_json_ json_t *again = json_three_way_patch(aim, aim, patched, &schema, thing);
	assert_null(again);
}

static void nothing_is_sent_when_nothing_differs(void **state)
{
	check(NULL, "{'a':1,'child':{'b':[1]}}", "{'a':1,'child':{'b':[1],'default':2}}", NULL,
	      NULL);
	check("{'a':1}", "{'a':1,'b':null}", "{'a':1,'status':{}}", NULL, NULL);
	check("{'plain':[{'a':1}]}", "{'plain':[{'a':1}]}", "{'plain':[{'a':1,'default':2}]}", NULL,
	      NULL);
}

static void fields_are_set_changed_and_taken_away(void **state)
{
	check("{'a':1,'gone':1,'child':{'x':1,'y':2}}", "{'a':2,'new':{'z':1},'child':{'y':2}}",
	      "{'a':1,'gone':1,'child':{'x':1,'y':2,'theirs':3}}",
	      "{'a':2,'new':{'z':1},'gone':null,'child':{'x':null}}",
	      "{'a':2,'new':{'z':1},'child':{'y':2,'theirs':3}}");
	/* Somebody else has taken it away already. */
	check("{'a':1,'gone':1}", "{'a':1}", "{'a':1}", NULL, NULL);
	/* Without a word on what was applied before, nothing is taken away. */
	check(NULL, "{'a':1}", "{'a':1,'old':1}", NULL, NULL);
}

static void lists_merge_by_their_key(void **state)
{
	check("{'items':[{'name':'a','v':1},{'name':'b'}]}",
	      "{'items':[{'name':'a','v':2},{'name':'c','v':3}]}",
	      "{'items':[{'name':'a','v':1,'d':0},{'name':'b'},{'name':'theirs'}]}",
	      "{'items':[{'name':'a','v':2},{'name':'c','v':3},{'$patch':'delete','name':'b'}],"
	      "'$setElementOrder/items':[{'name':'a'},{'name':'c'}]}",
	      "{'items':[{'name':'a','v':2,'d':0},{'name':'c','v':3},{'name':'theirs'}]}");
	check(NULL, "{'items':[{'name':'b'},{'name':'a'}]}",
	      "{'items':[{'name':'a'},{'name':'b'}]}",
	      "{'$setElementOrder/items':[{'name':'b'},{'name':'a'}]}",
	      "{'items':[{'name':'b'},{'name':'a'}]}");
}

static void a_list_with_a_key_twice_is_sent_whole(void **state)
{
	check("{'items':[{'name':'a','v':1},{'name':'a','v':2}]}",
	      "{'items':[{'name':'a','v':1},{'name':'a','v':3}]}",
	      "{'items':[{'name':'a','v':1,'d':0},{'name':'a','v':2,'d':0}]}",
	      "{'items':[{'$patch':'replace'},{'name':'a','v':1},{'name':'a','v':3}]}",
	      "{'items':[{'name':'a','v':1},{'name':'a','v':3}]}");
	check("{'items':[{'name':'a','v':1},{'name':'a','v':2}]}",
	      "{'items':[{'name':'a','v':1},{'name':'a','v':2}]}",
	      "{'items':[{'name':'a','v':1,'d':0},{'name':'a','v':2,'d':0}]}", NULL, NULL);
}

static void other_lists_are_sent_whole(void **state)
{
	check("{'plain':[1,2]}", "{'plain':[2]}", "{'plain':[1,2]}", "{'plain':[2]}",
	      "{'plain':[2]}");
	/* A field taken out of an element is a difference, although current covers what is left. */
	check("{'plain':[{'a':1,'b':2}]}", "{'plain':[{'a':1}]}", "{'plain':[{'a':1,'b':2}]}",
	      "{'plain':[{'a':1}]}", "{'plain':[{'a':1}]}");
}

static void sets_gain_and_lose_members(void **state)
{
	check("{'set':['a','b']}", "{'set':['a','c']}", "{'set':['a','b','theirs']}",
	      "{'set':['c'],'$deleteFromPrimitiveList/set':['b'],'$setElementOrder/set':['a','c']}",
	      "{'set':['a','c','theirs']}");
}

static void exclusive_keys_are_retained_alone(void **state)
{
	check("{}", "{'strategy':{'type':'Recreate'}}",
	      "{'strategy':{'type':'Rolling','rolling':{'max':1}}}",
	      "{'strategy':{'type':'Recreate','$retainKeys':['type']}}",
	      "{'strategy':{'type':'Recreate'}}");
}

static void whole_values_are_replaced(void **state)
{
	check(NULL, "{'whole':{'a':2}}", "{'whole':{'a':1,'b':1}}", "{'whole':{'a':2}}",
	      "{'whole':{'a':2}}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_sent_when_nothing_differs),
		cmocka_unit_test(fields_are_set_changed_and_taken_away),
		cmocka_unit_test(lists_merge_by_their_key),
		cmocka_unit_test(a_list_with_a_key_twice_is_sent_whole),
		cmocka_unit_test(other_lists_are_sent_whole),
		cmocka_unit_test(sets_gain_and_lose_members),
		cmocka_unit_test(exclusive_keys_are_retained_alone),
		cmocka_unit_test(whole_values_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
