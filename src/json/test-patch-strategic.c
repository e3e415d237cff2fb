/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"
#include "json/patch.h"

/*
 * One message that nests itself. "items" merges by name and "ports" by number, "set" is a set,
 * "plain" a list without strategy, "keyless" merges objects without a key, "whole" is replaced.
 */
static bool thing_field(const void *message, const char *name, struct strategic_field *ret)
{
	static const struct {
		const char *name;
		struct strategic_field field;
	} fields[] = {
		{ "items", { .merge = true, .merge_key = "name" } },
		{ "ports", { .merge = true, .merge_key = "port" } },
		{ "set", { .merge = true } },
		{ "keyless", { .merge = true } },
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

/* JSON in single quotes, for readable tests. */
static json_t *tree_of(const char *text)
{
	_cleanup_free_ char *json = mem_strdup(text);
	struct json_read_error error;
	json_t *tree = NULL;

	for (char *p = json; *p != '\0'; p++) {
		*p = *p == '\'' ? '"' : *p;
	}
	if (json_read(str_from(json), NULL, &tree, &error) != 0) {
		fail_msg("%s: %s", text, error.message);
	}
	return tree;
}

static void check(const char *target, const char *patch_text, const char *expected)
{
	_cleanup_json_ json_t *before = tree_of(target);
	_cleanup_json_ json_t *same = tree_of(target);
	_cleanup_json_ json_t *patch = tree_of(patch_text);
	_cleanup_json_ json_t *same_patch = tree_of(patch_text);
	_cleanup_json_ json_t *wanted = tree_of(expected);
	_cleanup_json_ json_t *after = NULL;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	_cleanup_buffer_ struct buffer wanted_text = BUFFER_INIT(LIMIT_BODY);
	struct patch_message message;

	if (json_strategic_patch(before, patch, &schema, "thing", &after, &message) != 0) {
		fail_msg("%s: %s", patch_text, message.text);
	}
	json_write(after, &text);
	json_write(wanted, &wanted_text);
	assert_string_equal(buffer_text(&text), buffer_text(&wanted_text));
	assert_true(json_equal(before, same));
	assert_true(json_equal(patch, same_patch));
}

static void refuse(const char *target, const char *patch_text, const char *expected)
{
	_cleanup_json_ json_t *before = tree_of(target);
	_cleanup_json_ json_t *same = tree_of(target);
	_cleanup_json_ json_t *patch = tree_of(patch_text);
	json_t *after = NULL;
	struct patch_message message = { "" };

	assert_int_equal(json_strategic_patch(before, patch, &schema, "thing", &after, &message),
			 PATCH_INVALID);
	assert_null(after);
	assert_string_equal(message.text, expected);
	assert_true(json_equal(before, same));
}

static void objects_merge_and_null_deletes(void **state)
{
	check("{}", "{}", "{}");
	check("{'a':1,'b':{'c':1,'d':2}}", "{'b':{'c':null,'e':3}}", "{'a':1,'b':{'d':2,'e':3}}");
	check("{'a':1}", "{'a':null,'z':null}", "{}");
	check("{'a':1}", "{'a':{'b':1,'c':null}}", "{'a':{'b':1}}");
	check("{'a':{'b':1}}", "{'a':[1]}", "{'a':[1]}");
	check("{'a':[1]}", "{'a':{'b':null}}", "{'a':{}}");
	check("{'child':{'whole':{'a':1}}}", "{'child':{'whole':{'b':2}}}",
	      "{'child':{'whole':{'b':2}}}");
}

static void what_the_schema_does_not_know_merges_as_object_and_is_replaced_as_list(void **state)
{
	check("{'x':{'y':{'items':[{'name':'a'}]}}}", "{'x':{'y':{'items':[{'name':'b'}]}}}",
	      "{'x':{'y':{'items':[{'name':'b'}]}}}");
	check("{'plain':[1,2]}", "{'plain':[3]}", "{'plain':[3]}");
}

static void lists_of_objects_merge_by_key(void **state)
{
	check("{'items':[{'name':'a','v':1},{'name':'b','v':2}]}",
	      "{'items':[{'name':'b','v':3,'w':4}]}",
	      "{'items':[{'name':'a','v':1},{'name':'b','v':3,'w':4}]}");
	check("{'ports':[{'port':80},{'port':443}]}", "{'ports':[{'port':443,'name':'https'}]}",
	      "{'ports':[{'port':80},{'port':443,'name':'https'}]}");
	check("{'items':[{'name':'a','items':[{'name':'x','v':1},{'name':'y'}]}]}",
	      "{'items':[{'name':'a','items':[{'name':'x','v':null},{'name':'y','v':2}]}]}",
	      "{'items':[{'name':'a','items':[{'name':'x'},{'name':'y','v':2}]}]}");
	check("{'items':[]}", "{'items':[]}", "{'items':[]}");
	check("{}", "{'items':[{'name':'a','v':null}]}", "{'items':[{'name':'a'}]}");
}

static void a_new_element_goes_to_the_front(void **state)
{
	check("{'items':[{'name':'a'},{'name':'b'}]}", "{'items':[{'name':'new'}]}",
	      "{'items':[{'name':'new'},{'name':'a'},{'name':'b'}]}");
	check("{'items':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
	      "{'items':[{'name':'c'},{'name':'b'}]}",
	      "{'items':[{'name':'a'},{'name':'c'},{'name':'b'}]}");
}

static void a_key_that_stands_twice_is_its_first_element(void **state)
{
	check("{'ports':[{'port':53,'p':'TCP'},{'port':53,'p':'UDP'}]}",
	      "{'ports':[{'port':53,'n':'dns'}]}",
	      "{'ports':[{'port':53,'p':'TCP','n':'dns'},{'port':53,'p':'UDP'}]}");
}

static void sets_of_scalars_grow(void **state)
{
	check("{'set':['a','b']}", "{'set':['b','c']}", "{'set':['a','b','c']}");
	check("{'set':['a','b']}", "{'set':['c']}", "{'set':['c','a','b']}");
	check("{'set':[1,2]}", "{'set':[2,1]}", "{'set':[2,1]}");
	check("{}", "{'set':['a']}", "{'set':['a']}");
}

static void scalars_are_deleted_by_a_parallel_list(void **state)
{
	check("{'set':['a','b','c']}", "{'$deleteFromPrimitiveList/set':['b','x']}",
	      "{'set':['a','c']}");
	check("{'set':['a','b']}",
	      "{'$deleteFromPrimitiveList/set':['a'],'set':['c'],'$setElementOrder/set':['b','c']}",
	      "{'set':['b','c']}");
	check("{}", "{'$deleteFromPrimitiveList/set':['b']}", "{}");
	check("{'plain':[1,2]}", "{'$deleteFromPrimitiveList/plain':[2]}", "{'plain':[1]}");
	refuse("{'set':['a']}", "{'$deleteFromPrimitiveList/set':'a'}",
	       "invalid patch format of primitive list: set");
	refuse("{'items':[{'name':'a'}]}", "{'$deleteFromPrimitiveList/items':[{'name':'a'}]}",
	       "invalid patch format of primitive list: items");
}

static void directives_delete_and_replace_objects(void **state)
{
	check("{'child':{'a':1},'b':2}", "{'child':{'$patch':'replace','c':3}}",
	      "{'child':{'c':3},'b':2}");
	check("{'child':{'a':1},'b':2}", "{'child':{'$patch':'delete'}}", "{'child':{},'b':2}");
	check("{'child':{'a':1}}", "{'child':{'$patch':'merge','c':3}}", "{'child':{'a':1,'c':3}}");
	check("{'a':1}", "{'$patch':'replace','b':2}", "{'b':2}");
	check("{'a':1}", "{'child':{'$patch':'delete'}}", "{'a':1}");
	refuse("{'child':{}}", "{'child':{'$patch':'burn'}}",
	       "unknown patch type: burn: $patch must be replace, delete or merge");
	refuse("{'child':{}}", "{'child':{'$patch':1}}",
	       "unknown patch type: not a string: $patch must be replace, delete or merge");
}

static void directives_delete_elements_and_replace_lists(void **state)
{
	check("{'items':[{'name':'a'},{'name':'b'}]}",
	      "{'items':[{'name':'a','$patch':'delete'},{'name':'z','$patch':'delete'}]}",
	      "{'items':[{'name':'b'}]}");
	check("{'items':[{'name':'a'},{'name':'b'}]}",
	      "{'items':[{'name':'a','$patch':'delete'},{'name':'c'}]}",
	      "{'items':[{'name':'c'},{'name':'b'}]}");
	check("{'items':[{'name':'a'},{'name':'b'}]}",
	      "{'items':[{'name':'c'},{'$patch':'replace'}]}", "{'items':[{'name':'c'}]}");
	check("{}", "{'items':[{'name':'a','$patch':'delete'},{'name':'b'}]}",
	      "{'items':[{'name':'b'}]}");
	refuse("{'items':[{'name':'a'}]}", "{'items':[{'$patch':'delete'}]}",
	       "map: {\"$patch\":\"delete\"} does not contain declared merge key: name");
	refuse("{'items':[{'name':'a'}]}", "{'items':[{'name':'a','$patch':'merge'}]}",
	       "unknown patch type: merge: $patch in an element of a list must be replace or "
	       "delete");
}

static void retain_keys_clears_what_it_does_not_name(void **state)
{
	check("{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}",
	      "{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}",
	      "{'strategy':{'type':'Recreate'}}");
	check("{'strategy':{'type':'a','x':1}}", "{'strategy':{'$retainKeys':['x','type']}}",
	      "{'strategy':{'type':'a','x':1}}");
	check("{'items':[{'name':'v','emptyDir':{}}]}",
	      "{'items':[{'$retainKeys':['name','configMap'],'name':'v','configMap':{'a':1},"
	      "'emptyDir':null}]}",
	      "{'items':[{'name':'v','configMap':{'a':1}}]}");
	check("{}", "{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}",
	      "{'strategy':{'type':'Recreate'}}");
	refuse("{'strategy':{}}", "{'strategy':{'$retainKeys':['type'],'x':1}}",
	       "invalid patch format of retainKeys: it does not name x");
	refuse("{'strategy':{}}", "{'strategy':{'$retainKeys':'type'}}",
	       "invalid patch format of retainKeys");
}

static void element_order_is_set_by_a_parallel_list(void **state)
{
	check("{'items':[{'name':'a'},{'name':'b'},{'name':'c'}]}",
	      "{'$setElementOrder/items':[{'name':'c'},{'name':'a'},{'name':'b'}]}",
	      "{'items':[{'name':'c'},{'name':'a'},{'name':'b'}]}");
	check("{'items':[{'name':'a'},{'name':'b'}]}",
	      "{'$setElementOrder/items':[{'name':'a'},{'name':'new'},{'name':'b'}],"
	      "'items':[{'name':'new','v':1},{'name':'b','v':2}]}",
	      "{'items':[{'name':'a'},{'name':'new','v':1},{'name':'b','v':2}]}");
	check("{'set':['x','a']}", "{'$setElementOrder/set':['a','b'],'set':['b']}",
	      "{'set':['x','a','b']}");
	check("{}", "{'$setElementOrder/items':[{'name':'a'}]}", "{}");
	check("{}", "{'$setElementOrder/items':[{'name':'b'}],'items':[{'name':'b'}]}",
	      "{'items':[{'name':'b'}]}");
	check("{'items':[{'name':'a'}]}", "{'$setElementOrder/items':[],'items':null}", "{}");
}

static void what_only_the_server_knows_keeps_its_place(void **state)
{
	check("{'items':[{'name':'sidecar'},{'name':'a'},{'name':'b'},{'name':'late'}]}",
	      "{'$setElementOrder/items':[{'name':'b'},{'name':'a'}]}",
	      "{'items':[{'name':'sidecar'},{'name':'b'},{'name':'a'},{'name':'late'}]}");
	check("{'items':[{'name':'a'},{'name':'b'}]}",
	      "{'$setElementOrder/items':[{'name':'a'}],"
	      "'items':[{'name':'b','$patch':'delete'}]}",
	      "{'items':[{'name':'a'}]}");
}

static void an_order_that_contradicts_the_patch_is_refused(void **state)
{
	refuse("{'items':[]}",
	       "{'$setElementOrder/items':[{'name':'a'},{'name':'b'}],"
	       "'items':[{'name':'b'},{'name':'a'}]}",
	       "The order in patch list: \"a\" doesn't match $setElementOrder list: out of order "
	       "of "
	       "items");
	refuse("{'items':[]}", "{'$setElementOrder/items':[{'name':'a'}],'items':[{'name':'b'}]}",
	       "The order in patch list: \"b\" doesn't match $setElementOrder list: not in it of "
	       "items");
	refuse("{'items':[]}", "{'$setElementOrder/items':'a'}",
	       "invalid patch format of setElementOrder list: items");
	refuse("{'items':[{'name':'a'}]}", "{'$setElementOrder/items':[{'x':'a'}]}",
	       "map: {\"x\":\"a\"} does not contain declared merge key: name");
}

static void lists_that_cannot_merge_are_refused(void **state)
{
	refuse("{'items':[{'name':'a'}]}", "{'items':[{'v':1}]}",
	       "map: {\"v\":1} does not contain declared merge key: name");
	refuse("{'items':[{'name':'a'}]}", "{'items':['a']}",
	       "list element types are not identical: items");
	refuse("{'items':[{'name':'a'}]}", "{'items':[null]}",
	       "list element types are not identical: items");
	refuse("{'items':[{'name':'a'}]}", "{'items':[['a']]}", "lists of lists are not supported");
	refuse("{'items':[{'name':'a'}]}", "{'items':[{'name':{}}]}",
	       "a merge key must be a string or a number");
	refuse("{'keyless':[{'a':1}]}", "{'keyless':[{'b':1}]}",
	       "cannot merge lists without merge key for keyless");
	refuse("{}", "[]", "a strategic merge patch is an object");
}

static void directives_never_reach_the_result(void **state)
{
	check("{}",
	      "{'child':{'$retainKeys':['a'],'a':{'$patch':'replace','b':1},"
	      "'$setElementOrder/items':[],'$deleteFromPrimitiveList/set':[1],"
	      "'c':{'$patch':'delete'}}}",
	      "{'child':{'a':{'b':1}}}");
}

/* A quadratic merge of these two lists would take minutes. */
static void large_lists_merge_in_linear_time(void **state)
{
	enum { ELEMENTS = 50000 };
	_cleanup_json_ json_t *target = json_object();
	_cleanup_json_ json_t *patch = json_object();
	_cleanup_json_ json_t *after = NULL;
	json_t *old = json_array();
	json_t *new = json_array();
	struct patch_message message;

	for (int i = 0; i < ELEMENTS; i++) {
		json_array_append_new(old, json_pack("{s:i}", "port", i));
		json_array_append_new(new,
				      json_pack("{s:i,s:i}", "port", ELEMENTS - 1 - i, "v", i));
	}
	json_object_set_new(target, "ports", old);
	json_object_set_new(patch, "ports", new);
	assert_int_equal(json_strategic_patch(target, patch, &schema, "thing", &after, &message),
			 0);
	assert_int_equal(json_array_size(json_object_get(after, "ports")), ELEMENTS);
	assert_true(json_equal(json_object_get(after, "ports"), new));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_merge_and_null_deletes),
		cmocka_unit_test(
			what_the_schema_does_not_know_merges_as_object_and_is_replaced_as_list),
		cmocka_unit_test(lists_of_objects_merge_by_key),
		cmocka_unit_test(a_new_element_goes_to_the_front),
		cmocka_unit_test(a_key_that_stands_twice_is_its_first_element),
		cmocka_unit_test(sets_of_scalars_grow),
		cmocka_unit_test(scalars_are_deleted_by_a_parallel_list),
		cmocka_unit_test(directives_delete_and_replace_objects),
		cmocka_unit_test(directives_delete_elements_and_replace_lists),
		cmocka_unit_test(retain_keys_clears_what_it_does_not_name),
		cmocka_unit_test(element_order_is_set_by_a_parallel_list),
		cmocka_unit_test(what_only_the_server_knows_keeps_its_place),
		cmocka_unit_test(an_order_that_contradicts_the_patch_is_refused),
		cmocka_unit_test(lists_that_cannot_merge_are_refused),
		cmocka_unit_test(directives_never_reach_the_result),
		cmocka_unit_test(large_lists_merge_in_linear_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
