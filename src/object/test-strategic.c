/* SPDX-License-Identifier: Apache-2.0 */
/* Strategic merge patches as kubectl sends them, over the rows of the real kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "object/prepare.h"
#include "json/json.h"
#include "json/patch.h"

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

static void check(const struct kind *kind, const char *target, const char *patch_text,
		  const char *expected)
{
	_cleanup_json_ json_t *before = tree_of(target);
	_cleanup_json_ json_t *patch = tree_of(patch_text);
	_cleanup_json_ json_t *wanted = tree_of(expected);
	_cleanup_json_ json_t *after = NULL;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_BODY);
	_cleanup_buffer_ struct buffer wanted_text = BUFFER_INIT(LIMIT_BODY);
	struct patch_message message;

	if (json_strategic_patch(before, patch, &schema_strategic, kind->type, &after, &message) !=
	    0) {
		fail_msg("%s: %s", patch_text, message.text);
	}
	json_write(after, &text);
	json_write(wanted, &wanted_text);
	assert_string_equal(buffer_text(&text), buffer_text(&wanted_text));
}

static void containers_merge_by_name_and_their_ports_by_number(void **state)
{
	check(&kind_deployment,
	      "{'spec':{'template':{'spec':{'containers':["
	      "{'name':'web','image':'nginx:1','ports':[{'containerPort':80}]},"
	      "{'name':'old','image':'x'}]}}}}",
	      "{'spec':{'template':{'spec':{'$setElementOrder/containers':[{'name':'web'},"
	      "{'name':'log'}],'containers':[{'name':'web','image':'nginx:2',"
	      "'ports':[{'containerPort':80,'name':'http'}]},{'name':'log','image':'y'},"
	      "{'$patch':'delete','name':'old'}]}}}}",
	      "{'spec':{'template':{'spec':{'containers':["
	      "{'name':'web','image':'nginx:2','ports':[{'containerPort':80,'name':'http'}]},"
	      "{'name':'log','image':'y'}]}}}}");
}

static void a_volume_changes_its_source_by_retained_keys(void **state)
{
	check(&kind_pod, "{'spec':{'volumes':[{'name':'data','emptyDir':{}}]}}",
	      "{'spec':{'volumes':[{'$retainKeys':['configMap','name'],'name':'data',"
	      "'configMap':{'name':'m'}}]}}",
	      "{'spec':{'volumes':[{'name':'data','configMap':{'name':'m'}}]}}");
}

static void metadata_merges_labels_and_finalizers(void **state)
{
	check(&kind_service, "{'metadata':{'labels':{'a':'1','b':'2'},'finalizers':['x/a','x/b']}}",
	      "{'metadata':{'labels':{'b':null,'c':'3'},'finalizers':['x/c'],"
	      "'$deleteFromPrimitiveList/finalizers':['x/a']}}",
	      "{'metadata':{'labels':{'a':'1','c':'3'},'finalizers':['x/c','x/b']}}");
}

static void conditions_merge_by_type_in_a_status(void **state)
{
	check(&kind_pod,
	      "{'status':{'conditions':[{'type':'Ready','status':'True'},"
	      "{'type':'Initialized','status':'True'}]}}",
	      "{'status':{'conditions':[{'type':'Ready','status':'False'}]}}",
	      "{'status':{'conditions':[{'type':'Ready','status':'False'},"
	      "{'type':'Initialized','status':'True'}]}}");
}

static void lists_without_a_strategy_are_replaced(void **state)
{
	check(&kind_pod, "{'spec':{'containers':[{'name':'a','command':['x','y']}]}}",
	      "{'spec':{'containers':[{'name':'a','command':['z']}]}}",
	      "{'spec':{'containers':[{'name':'a','command':['z']}]}}");
	check(&kind_endpoint_slice, "{'endpoints':[{'addresses':['10.0.0.1']}]}",
	      "{'endpoints':[{'addresses':['10.0.0.2']}]}",
	      "{'endpoints':[{'addresses':['10.0.0.2']}]}");
}

static void data_merges_key_by_key(void **state)
{
	check(&kind_config_map, "{'data':{'a':'1','b':'2'}}", "{'data':{'a':null,'c':'3'}}",
	      "{'data':{'b':'2','c':'3'}}");
}

static void what_no_row_knows_is_left_to_the_decoder(void **state)
{
	check(&kind_pod, "{'spec':{}}", "{'spec':{'nonsense':[{'a':1}]}}",
	      "{'spec':{'nonsense':[{'a':1}]}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_merge_by_name_and_their_ports_by_number),
		cmocka_unit_test(a_volume_changes_its_source_by_retained_keys),
		cmocka_unit_test(metadata_merges_labels_and_finalizers),
		cmocka_unit_test(conditions_merge_by_type_in_a_status),
		cmocka_unit_test(lists_without_a_strategy_are_replaced),
		cmocka_unit_test(data_merges_key_by_key),
		cmocka_unit_test(what_no_row_knows_is_left_to_the_decoder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
