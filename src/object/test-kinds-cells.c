/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "object/kinds.h"
#include "json/json.h"

/* What kubectl prints of example objects. Time stands at 2024-01-01T01:00:00Z. */

enum { NOW = 1704067200 + 3600 };

/* Reads JSON with ' for ". */
static json_t *read_object(const char *text)
{
	json_error_t error;
	char *copy = strdup(text);
	json_t *tree;

	for (char *c = copy; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	tree = json_loads(copy, 0, &error);
	free(copy);
	assert_non_null(tree);
	return tree;
}

/* The cells of the columns up to `priority`, joined by " | ". */
static void assert_row(const struct kind *kind, const char *text, int priority,
		       const char *expected)
{
	_cleanup_json_ json_t *object = read_object(text);
	_cleanup_buffer_ struct buffer row = BUFFER_INIT(4096);

	for (size_t i = 0; i < kind->n_columns; i++) {
		if (kind->columns[i].priority > priority) {
			continue;
		}
		_cleanup_json_ json_t *cell = kind->columns[i].cell(object, NOW);

		if (row.n > 0) {
			buffer_append_text(&row, " | ");
		}
		if (json_is_string(cell)) {
			buffer_append_text(&row, json_string_value(cell));
		} else {
			json_write(cell, &row);
		}
	}
	assert_string_equal(buffer_text(&row), expected);
}

#define META(name) "'metadata':{'name':'" name "','creationTimestamp':'2024-01-01T00:55:00Z'}"

static void a_running_pod(void **state)
{
	assert_row(&kind_pod,
		   "{" META(
			   "web-0") ",'spec':{'nodeName':'node01','containers':[{'name':'nginx'}]},"
				    "'status':{'phase':'Running','podIP':'10.244.0.5','podIPs':[{'"
				    "ip':'10.244.0.5'}],"
				    "'containerStatuses':[{'name':'nginx','ready':true,'"
				    "restartCount':0,"
				    "'state':{'running':{}}}]}}",
		   1, "web-0 | 1/1 | Running | 0 | 5m | 10.244.0.5 | node01 | <none> | <none>");
}

static void a_pod_that_crashes_again_and_again(void **state)
{
	assert_row(&kind_pod,
		   "{" META("web-0") ",'spec':{'containers':[{'name':'nginx'},{'name':'log'}]},"
				     "'status':{'phase':'Running','containerStatuses':["
				     "{'name':'nginx','ready':false,'restartCount':2,"
				     "'state':{'waiting':{'reason':'CrashLoopBackOff'}},"
				     "'lastState':{'terminated':{'finishedAt':'2024-01-01T00:15:"
				     "00Z'}}},"
				     "{'name':'log','ready':true,'restartCount':0,'state':{'"
				     "running':{}}}]}}",
		   0, "web-0 | 1/2 | CrashLoopBackOff | 2 (45m ago) | 5m");
}

static void a_pod_that_initializes(void **state)
{
	assert_row(&kind_pod,
		   "{" META("web-0") ",'spec':{'initContainers':[{'name':'a'},{'name':'b'}],"
				     "'containers':[{'name':'nginx'}]},'status':{'phase':'Pending',"
				     "'initContainerStatuses':[{'name':'a','state':{'terminated':{'"
				     "exitCode':0}}},"
				     "{'name':'b','state':{'running':{}}}],"
				     "'containerStatuses':[{'name':'nginx','state':{'waiting':"
				     "{'reason':'PodInitializing'}}}]}}",
		   0, "web-0 | 0/1 | Init:1/2 | 0 | 5m");
}

static void a_pod_whose_init_container_failed(void **state)
{
	assert_row(&kind_pod,
		   "{" META("web-0") ",'spec':{'initContainers':[{'name':'a'}],"
				     "'containers':[{'name':'nginx'}]},'status':{'phase':'Pending',"
				     "'initContainerStatuses':[{'name':'a','state':{'terminated':{'"
				     "exitCode':3}}}]}}",
		   0, "web-0 | 0/1 | Init:ExitCode:3 | 0 | 5m");
}

static void a_sidecar_counts_as_a_container(void **state)
{
	assert_row(&kind_pod,
		   "{" META("web-0") ",'spec':{'initContainers':[{'name':'a',"
				     "'restartPolicy':'Always'}],'containers':[{'name':'nginx'}]},"
				     "'status':{'phase':'Running','initContainerStatuses':[{'name':"
				     "'a','ready':true,"
				     "'started':true,'state':{'running':{}}}],'containerStatuses':["
				     "{'name':'nginx',"
				     "'ready':true,'state':{'running':{}}}]}}",
		   0, "web-0 | 2/2 | Running | 0 | 5m");
}

static void a_pod_that_ended_or_is_ending(void **state)
{
	assert_row(&kind_pod,
		   "{" META("job") ",'spec':{'containers':[{'name':'c'}]},"
				   "'status':{'phase':'Succeeded','containerStatuses':[{'name':'c',"
				   "'state':{'terminated':{'exitCode':0,'reason':'Completed'}}}]}}",
		   0, "job | 0/1 | Completed | 0 | 5m");
	assert_row(&kind_pod,
		   "{'metadata':{'name':'web-0','creationTimestamp':'2024-01-01T00:55:00Z',"
		   "'deletionTimestamp':'2024-01-01T01:00:30Z'},'spec':{'containers':[{}]},"
		   "'status':{'phase':'Running','containerStatuses':[{'ready':true,"
		   "'state':{'running':{}}}]}}",
		   0, "web-0 | 1/1 | Terminating | 0 | 5m");
}

static void services_of_each_type(void **state)
{
	assert_row(&kind_service,
		   "{" META(
			   "nginx") ",'spec':{'type':'ClusterIP','clusterIP':'None',"
				    "'clusterIPs':['None'],'selector':{'tier':'web','app':'nginx'},"
				    "'ports':[{'port':80,'protocol':'TCP'}]}}",
		   1, "nginx | ClusterIP | None | <none> | 80/TCP | 5m | app=nginx,tier=web");
	assert_row(
		&kind_service,
		"{" META("np") ",'spec':{'type':'NodePort','clusterIP':'10.96.0.7',"
			       "'clusterIPs':['10.96.0.7'],'ports':[{'port':8080,'nodePort':30506,"
			       "'protocol':'TCP'},{'port':53,'protocol':'UDP'}]}}",
		1, "np | NodePort | 10.96.0.7 | <none> | 8080:30506/TCP,53/UDP | 5m | <none>");
	assert_row(&kind_service,
		   "{" META(
			   "db") ",'spec':{'type':'ExternalName','externalName':'db.example.com'}}",
		   0, "db | ExternalName | <none> | db.example.com | <none> | 5m");
	assert_row(&kind_service,
		   "{" META("lb") ",'spec':{'type':'LoadBalancer','clusterIPs':['10.96.0.8'],"
				  "'ports':[{'port':80,'protocol':'TCP'}]}}",
		   0, "lb | LoadBalancer | 10.96.0.8 | <pending> | 80/TCP | 5m");
}

static void endpoints_show_three_and_count_the_rest(void **state)
{
	assert_row(&kind_endpoints,
		   "{" META(
			   "nginx") ",'subsets':[{'addresses':[{'ip':'10.0.0.1'},{'ip':'10.0.0.2'},"
				    "{'ip':'10.0.0.3'},{'ip':'10.0.0.4'}],'ports':[{'port':80}]}]}",
		   0, "nginx | 10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more... | 5m");
	assert_row(&kind_endpoints,
		   "{" META("plain") ",'subsets':[{'addresses':[{'ip':'fd00::1'}]}]}", 0,
		   "plain | fd00::1 | 5m");
	assert_row(&kind_endpoints, "{" META("none") "}", 0, "none | <none> | 5m");
}

static void slices_show_ports_and_addresses(void **state)
{
	assert_row(&kind_endpoint_slice,
		   "{" META("nginx-x") ",'addressType':'IPv4','ports':[{'name':'','port':80}],"
				       "'endpoints':[{'addresses':['10.0.0.1']},{'addresses':['10."
				       "0.0.2']}]}",
		   0, "nginx-x | IPv4 | 80 | 10.0.0.1,10.0.0.2 | 5m");
	assert_row(&kind_endpoint_slice, "{" META("empty") ",'addressType':'IPv4'}", 0,
		   "empty | IPv4 | <unset> | <unset> | 5m");
}

static void workloads(void **state)
{
	assert_row(&kind_stateful_set,
		   "{" META("web") ",'spec':{'replicas':3,'template':{'spec':{'containers':["
				   "{'name':'a','image':'x:1'},{'name':'b','image':'y'}]}}},"
				   "'status':{'readyReplicas':2}}",
		   1, "web | 2/3 | 5m | a,b | x:1,y");
	assert_row(&kind_deployment,
		   "{" META("web") ",'spec':{'replicas':2,'selector':{'matchLabels':{'app':'web'}},"
				   "'template':{'spec':{'containers':[{'name':'a','image':'x'}]}}},"
				   "'status':{'readyReplicas':2,'updatedReplicas':2,'"
				   "availableReplicas':1}}",
		   1, "web | 2/2 | 2 | 1 | 5m | a | x | app=web");
	assert_row(&kind_replica_set,
		   "{" META("web-1") ",'spec':{'replicas':2},'status':{'replicas':2}}", 0,
		   "web-1 | 2 | 2 | 0 | 5m");
	assert_row(&kind_controller_revision,
		   "{'metadata':{'name':'web-7','creationTimestamp':'2024-01-01T00:55:00Z',"
		   "'ownerReferences':[{'apiVersion':'apps/v1','kind':'StatefulSet','name':'web',"
		   "'controller':true}]},'revision':7}",
		   0, "web-7 | statefulset.apps/web | 7 | 5m");
}

static void nodes_and_namespaces(void **state)
{
	assert_row(
		&kind_node,
		"{'metadata':{'name':'node01','creationTimestamp':'2024-01-01T00:55:00Z',"
		"'labels':{'node-role.kubernetes.io/worker':'','node-role.kubernetes.io/edge':''}},"
		"'spec':{'unschedulable':true},'status':{'conditions':[{'type':'Ready',"
		"'status':'True'}],'addresses':[{'type':'InternalIP','address':'10.0.0.9'}],"
		"'nodeInfo':{'kubeletVersion':'v1.35.0','osImage':'Debian','kernelVersion':'6.1'}}"
		"}",
		1,
		"node01 | Ready,SchedulingDisabled | edge,worker | 5m | v1.35.0 | 10.0.0.9 | "
		"<none> | Debian | 6.1 | <unknown>");
	assert_row(&kind_namespace, "{" META("default") ",'status':{'phase':'Active'}}", 0,
		   "default | Active | 5m");
}

static void data_accounts_and_leases(void **state)
{
	assert_row(&kind_config_map,
		   "{" META("cm") ",'data':{'a':'1','b':'2'},'binaryData':{'c':'AA=='}}", 0,
		   "cm | 3 | 5m");
	assert_row(&kind_secret, "{" META("s") ",'type':'Opaque','data':{'a':'AA=='}}", 0,
		   "s | Opaque | 1 | 5m");
	assert_row(&kind_service_account, "{" META("default") "}", 0, "default | 0 | 5m");
	assert_row(&kind_lease, "{" META("node01") ",'spec':{'holderIdentity':'node01'}}", 0,
		   "node01 | node01 | 5m");
}

static void events(void **state)
{
	assert_row(
		&kind_event,
		"{'metadata':{'name':'web-0.1'},'type':'Normal','reason':'Pulled','message':' "
		"Done. ',"
		"'involvedObject':{'kind':'Pod','name':'web-0','fieldPath':'spec.containers{c}'},"
		"'source':{'component':'kubelet','host':'node01'},'count':2,"
		"'firstTimestamp':'2024-01-01T00:50:00Z','lastTimestamp':'2024-01-01T00:59:50Z'}",
		1,
		"10s | Normal | Pulled | pod/web-0 | spec.containers{c} | kubelet, node01 | Done. "
		"| "
		"10m | 2 | web-0.1");
	assert_row(&kind_event,
		   "{'metadata':{'name':'e'},'type':'Normal','reason':'Scheduled','message':'m',"
		   "'involvedObject':{'kind':'Pod','name':'p'},'reportingComponent':'scheduler',"
		   "'eventTime':'2024-01-01T00:59:30.000000Z'}",
		   0, "30s | Normal | Scheduled | pod/p | m");
}

static void a_service_of_other_clusters(void **state)
{
	assert_row(&kind_service_import,
		   "{" META(
			   "db") ",'spec':{'type':'ClusterSetIP','ips':['10.42.42.42','fd00::1']}}",
		   0, "db | ClusterSetIP | [\"10.42.42.42\",\"fd00::1\"] | 5m");
	assert_row(&kind_service_import, "{" META("db") ",'spec':{'type':'Headless'}}", 0,
		   "db | Headless |  | 5m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_running_pod),
		cmocka_unit_test(a_pod_that_crashes_again_and_again),
		cmocka_unit_test(a_pod_that_initializes),
		cmocka_unit_test(a_pod_whose_init_container_failed),
		cmocka_unit_test(a_sidecar_counts_as_a_container),
		cmocka_unit_test(a_pod_that_ended_or_is_ending),
		cmocka_unit_test(services_of_each_type),
		cmocka_unit_test(endpoints_show_three_and_count_the_rest),
		cmocka_unit_test(slices_show_ports_and_addresses),
		cmocka_unit_test(workloads),
		cmocka_unit_test(nodes_and_namespaces),
		cmocka_unit_test(data_accounts_and_leases),
		cmocka_unit_test(events),
		cmocka_unit_test(a_service_of_other_clusters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
