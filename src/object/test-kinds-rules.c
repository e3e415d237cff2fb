/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "object/kinds.h"
#include "object/prepare.h"
#include "json/json.h"

/* Defaults and rules, through the door that the API uses: decode, default, check. */

/* Decodes an object as the API does (' stands for ", ` for '), without the defaults. */
static json_t *decode(const struct kind *kind, const char *text)
{
	_cleanup_strict_ struct strict_report report = { 0 };
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(4096);
	_cleanup_free_ char *copy = mem_strdup(text);
	json_t *tree;

	for (char *c = copy; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c == '`' ? '\'' : *c;
	}
	if (object_decode(kind, str_from(copy), &report, &message, &tree) != 0) {
		fail_msg("%s: %s", buffer_text(&message), copy);
	}
	if (report.n > 0) {
		fail_msg("%s: %s", report.items[0], copy);
	}
	return tree;
}

static json_t *made(const struct kind *kind, const char *text)
{
	json_t *tree = decode(kind, text);

	if (kind->create != NULL) {
		kind->create(tree);
	}
	object_default(kind, tree);
	return tree;
}

static void assert_errors(const struct kind *kind, const json_t *tree, const json_t *old,
			  const char *expected)
{
	_cleanup_field_errors_ struct field_errors errors;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	field_errors_init(&errors);
	object_check(kind, tree, old, &errors);
	field_errors_text(&errors, &text);
	assert_string_equal(buffer_text(&text), expected);
}

static void assert_created(const struct kind *kind, const char *text, const char *errors)
{
	_cleanup_json_ json_t *tree = made(kind, text);

	assert_errors(kind, tree, NULL, errors);
}

static void assert_updated(const struct kind *kind, const char *old_text, const char *text,
			   const char *errors)
{
	_cleanup_json_ json_t *old = made(kind, old_text);
	_cleanup_json_ json_t *tree = decode(kind, text);

	if (kind->update != NULL) {
		kind->update(tree, old);
	}
	object_default(kind, tree);
	assert_errors(kind, tree, old, errors);
}

#define META "'metadata':{'name':'web','namespace':'default'}"
#define ROOT "'metadata':{'name':'web'}"

/* ---- Service ---- */

static void a_service_gets_its_defaults(void **state)
{
	_cleanup_json_ json_t *service =
		made(&kind_service, "{" META ",'spec':{'ports':[{'port':80}]}}");

	assert_string_equal(json_string_at(service, "spec.type"), "ClusterIP");
	assert_string_equal(json_string_at(service, "spec.sessionAffinity"), "None");
	assert_string_equal(json_string_at(service, "spec.internalTrafficPolicy"), "Cluster");
	assert_non_null(json_at(service, "status.loadBalancer"));
	const json_t *port = json_array_get(json_at(service, "spec.ports"), 0);

	assert_string_equal(json_string_at(port, "protocol"), "TCP");
	assert_int_equal(json_int_at(port, "targetPort", 0), 80);
	assert_errors(&kind_service, service, NULL, "");
}

static void a_headless_service_needs_no_ports(void **state)
{
	_cleanup_json_ json_t *service =
		made(&kind_service, "{" META ",'spec':{'clusterIP':'None'}}");

	assert_errors(&kind_service, service, NULL, "");
	assert_string_equal(
		json_string_value(json_array_get(json_at(service, "spec.clusterIPs"), 0)), "None");
}

static void a_service_without_ports_is_refused(void **state)
{
	assert_created(&kind_service, "{" META ",'spec':{}}", "spec.ports: Required value");
	assert_created(&kind_service, "{" META "}", "spec.ports: Required value");
}

static void service_ports_are_checked(void **state)
{
	assert_created(
		&kind_service, "{" META ",'spec':{'ports':[{'port':0}]}}",
		"spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive");
	assert_created(&kind_service, "{" META ",'spec':{'ports':[{'port':80},{'port':81}]}}",
		       "[spec.ports[0].name: Required value, spec.ports[1].name: Required value]");
	assert_created(&kind_service,
		       "{" META
		       ",'spec':{'ports':[{'name':'a','port':80},{'name':'a','port':81}]}}",
		       "spec.ports[1].name: Duplicate value: \"a\"");
	assert_created(&kind_service,
		       "{" META
		       ",'spec':{'ports':[{'name':'a','port':80},{'name':'b','port':80}]}}",
		       "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\","
		       "\"AppProtocol\":null,\"Port\":80,\"TargetPort\":0,\"NodePort\":0}");
	assert_created(&kind_service, "{" META ",'spec':{'ports':[{'port':80,'protocol':'ICMP'}]}}",
		       "spec.ports[0].protocol: Unsupported value: \"ICMP\": supported values: "
		       "\"SCTP\", \"TCP\", \"UDP\"");
	assert_created(
		&kind_service, "{" META ",'spec':{'ports':[{'port':80,'nodePort':30000}]}}",
		"spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'");
}

static void service_types_have_their_rules(void **state)
{
	assert_created(&kind_service,
		       "{" META
		       ",'spec':{'type':'NodePort','clusterIP':'None','ports':[{'port':80}]}}",
		       "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for "
		       "NodePort services");
	assert_created(&kind_service, "{" META ",'spec':{'type':'ExternalName'}}",
		       "spec.externalName: Required value");
	assert_created(&kind_service,
		       "{" META ",'spec':{'type':'ExternalName','externalName':'db.example.com.'}}",
		       "");
	assert_created(&kind_service, "{" META ",'spec':{'type':'Magic','ports':[{'port':80}]}}",
		       "spec.type: Unsupported value: \"Magic\": supported values: \"ClusterIP\", "
		       "\"ExternalName\", \"LoadBalancer\", \"NodePort\"");
	assert_created(&kind_service,
		       "{" META ",'spec':{'clusterIP':'10.0.0','ports':[{'port':80}]}}",
		       "spec.clusterIPs[0]: Invalid value: \"10.0.0\": must be a valid IP address, "
		       "(e.g. 10.9.8.7 or 2001:db8::ffff)");
}

#define WITH_IP(address)                                                                           \
	"{" META ",'spec':{'clusterIP':'" address "','clusterIPs':['" address "'],"                \
	"'ports':[{'port':80}]}}"

static void a_cluster_address_stays(void **state)
{
	assert_updated(
		&kind_service, WITH_IP("10.96.0.1"), WITH_IP("10.96.0.2"),
		"spec.clusterIPs[0]: Invalid value: [\"10.96.0.2\"]: may not change once set");
	assert_updated(&kind_service, WITH_IP("10.96.0.1"),
		       "{" META ",'spec':{'clusterIP':'None','ports':[{'port':80}]}}",
		       "spec.clusterIPs[0]: Invalid value: [\"None\"]: may not change once set");
}

static void an_update_without_addresses_keeps_them(void **state)
{
	_cleanup_json_ json_t *old =
		made(&kind_service, "{" META ",'spec':{'type':'NodePort','clusterIP':'10.96.0.1',"
				    "'ports':[{'port':80,'nodePort':30080}]}}");
	_cleanup_json_ json_t *tree =
		decode(&kind_service,
		       "{" META ",'spec':{'type':'NodePort','ports':[{'port':81}]}}");

	kind_service.update(tree, old);
	assert_string_equal(json_string_at(tree, "spec.clusterIP"), "10.96.0.1");
	assert_int_equal(json_array_size(json_at(tree, "spec.clusterIPs")), 1);
	assert_int_equal(json_int_at(json_array_get(json_at(tree, "spec.ports"), 0), "nodePort", 0),
			 30080);
}

static void a_change_of_type_drops_what_it_cannot_use(void **state)
{
	_cleanup_json_ json_t *old =
		made(&kind_service, "{" META ",'spec':{'type':'NodePort','clusterIP':'10.96.0.1',"
				    "'ports':[{'port':80,'nodePort':30080}]}}");
	_cleanup_json_ json_t *tree = json_deep_copy(old);

	json_put(tree, "spec.type", json_string("ExternalName"));
	json_put(tree, "spec.externalName", json_string("example.com"));
	kind_service.update(tree, old);
	object_default(&kind_service, tree);
	assert_null(json_at(tree, "spec.clusterIP"));
	assert_null(json_at(tree, "spec.clusterIPs"));
	assert_int_equal(json_int_at(json_array_get(json_at(tree, "spec.ports"), 0), "nodePort", 0),
			 0);
	assert_errors(&kind_service, tree, old, "");
}

/* ---- Pod ---- */

#define POD(spec) "{" META ",'spec':{" spec "}}"
#define NGINX "'containers':[{'name':'nginx','image':'nginx'}]"

static void a_pod_gets_its_defaults(void **state)
{
	_cleanup_json_ json_t *pod = made(
		&kind_pod,
		POD("'containers':[{'name':'a','image':'nginx','ports':[{'containerPort':80}],"
		    "'livenessProbe':{'httpGet':{'port':80}},'resources':{'limits':{'cpu':'1'}}},"
		    "{'name':'b','image':'example.com:5000/x:1.2'}],'volumes':[{'name':'v'},"
		    "{'name':'c','configMap':{'name':'x'}}]"));
	const json_t *a = json_array_get(json_at(pod, "spec.containers"), 0);
	const json_t *b = json_array_get(json_at(pod, "spec.containers"), 1);
	const json_t *volumes = json_at(pod, "spec.volumes");

	assert_string_equal(json_string_at(pod, "spec.restartPolicy"), "Always");
	assert_string_equal(json_string_at(pod, "spec.dnsPolicy"), "ClusterFirst");
	assert_string_equal(json_string_at(pod, "spec.schedulerName"), "default-scheduler");
	assert_string_equal(json_string_at(pod, "spec.serviceAccount"), "default");
	assert_int_equal(json_int_at(pod, "spec.terminationGracePeriodSeconds", 0), 30);
	assert_true(json_bool_at(pod, "spec.enableServiceLinks", false));
	assert_string_equal(json_string_at(pod, "status.phase"), "Pending");
	assert_string_equal(json_string_at(pod, "status.qosClass"), "Burstable");
	assert_int_equal(json_array_size(json_at(pod, "spec.tolerations")), 2);
	assert_string_equal(json_string_at(a, "imagePullPolicy"), "Always");
	assert_string_equal(json_string_at(b, "imagePullPolicy"), "IfNotPresent");
	assert_string_equal(json_string_at(a, "terminationMessagePath"), "/dev/termination-log");
	assert_string_equal(json_string_at(a, "resources.requests.cpu"), "1");
	assert_string_equal(json_string_at(a, "livenessProbe.httpGet.scheme"), "HTTP");
	assert_int_equal(json_int_at(a, "livenessProbe.failureThreshold", 0), 3);
	assert_non_null(json_object_get(json_array_get(volumes, 0), "emptyDir"));
	assert_int_equal(json_int_at(json_array_get(volumes, 1), "configMap.defaultMode", 0), 420);
	assert_errors(&kind_pod, pod, NULL, "");
}

static void defaults_are_given_once(void **state)
{
	_cleanup_json_ json_t *pod = made(&kind_pod, POD(NGINX));
	_cleanup_json_ json_t *again = json_deep_copy(pod);

	object_default(&kind_pod, again);
	assert_true(json_equal(pod, again));
}

static void a_pod_needs_containers_with_names_and_images(void **state)
{
	assert_created(&kind_pod, POD("'containers':[]"), "spec.containers: Required value");
	assert_created(&kind_pod, "{" META "}", "spec.containers: Required value");
	assert_created(&kind_pod, POD("'containers':[{}]"),
		       "[spec.containers[0].name: Required value, "
		       "spec.containers[0].image: Required value]");
	assert_created(&kind_pod,
		       POD("'containers':[{'name':'a','image':'x'},{'name':'a','image':'y'}]"),
		       "spec.containers[1].name: Duplicate value: \"a\"");
}

static void a_pod_mounts_what_it_has(void **state)
{
	assert_created(&kind_pod,
		       POD("'containers':[{'name':'a','image':'x','volumeMounts':["
			   "{'name':'v','mountPath':'/v'}]}]"),
		       "spec.containers[0].volumeMounts[0].name: Not found: \"v\"");
	assert_created(
		&kind_pod,
		POD("'containers':[{'name':'a','image':'x'}],"
		    "'volumes':[{'name':'v','emptyDir':{},'hostPath':{'path':'/'}}]"),
		"spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type");
	assert_created(&kind_pod, POD(NGINX ",'volumes':[{'name':'v'},{'name':'v'}]"),
		       "spec.volumes[1].name: Duplicate value: \"v\"");
}

static void variables_have_one_source(void **state)
{
	assert_created(
		&kind_pod,
		POD("'containers':[{'name':'a','image':'x','env':[{'name':'A','value':'1',"
		    "'valueFrom':{'fieldRef':{'fieldPath':'metadata.name'}}}]}]"),
		"spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified "
		"when `value` is not empty");
}

static void variables_show_fields_that_pods_have(void **state)
{
	assert_created(&kind_pod,
		       POD("'containers':[{'name':'a','image':'x','env':[{'name':'A',"
			   "'valueFrom':{'fieldRef':{'fieldPath':'status.podIP'}}},{'name':'B',"
			   "'valueFrom':{'fieldRef':{'fieldPath':'metadata.labels[`app`]'}}}]}]"),
		       "");
	assert_created(&kind_pod,
		       POD("'containers':[{'name':'a','image':'x','env':[{'name':'A',"
			   "'valueFrom':{'fieldRef':{'fieldPath':'status.foo'}}}]}]"),
		       "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "
		       "\"status.foo\": error converting fieldPath: field label not supported: "
		       "status.foo");
}

static void nobody_is_promised_more_than_the_limit(void **state)
{
	assert_created(
		&kind_pod,
		POD("'containers':[{'name':'a','image':'x','resources':{"
		    "'limits':{'cpu':'1'},'requests':{'cpu':'1500m'}}}]"),
		"spec.containers[0].resources.requests: Invalid value: \"1500m\": must be less "
		"than or equal to cpu limit of 1");
	assert_created(&kind_pod,
		       POD("'containers':[{'name':'a','image':'x','resources':{"
			   "'limits':{'memory':'1Gi'},'requests':{'memory':'1000M'}}}]"),
		       "");
}

static void a_pod_has_its_address_in_both_forms(void **state)
{
	_cleanup_json_ json_t *pod = made(&kind_pod, POD(NGINX));

	json_put(pod, "status.podIP", json_string("10.0.0.1"));
	object_default(&kind_pod, pod);
	assert_string_equal(json_string_at(json_array_get(json_at(pod, "status.podIPs"), 0), "ip"),
			    "10.0.0.1");
	json_remove(pod, "status.podIP");
	object_default(&kind_pod, pod);
	assert_string_equal(json_string_at(pod, "status.podIP"), "10.0.0.1");
}

static void a_probe_has_one_handler(void **state)
{
	assert_created(
		&kind_pod, POD("'containers':[{'name':'a','image':'x','livenessProbe':{}}]"),
		"spec.containers[0].livenessProbe: Required value: must specify a handler type");
	assert_created(
		&kind_pod,
		POD("'containers':[{'name':'a','image':'x','readinessProbe':{"
		    "'exec':{'command':['true']},'tcpSocket':{'port':1}}}]"),
		"spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more "
		"than 1 handler type");
}

static void pod_host_names_are_labels(void **state)
{
	_cleanup_json_ json_t *pod = made(&kind_pod, POD(NGINX ",'hostname':'Web_0'"));
	_cleanup_field_errors_ struct field_errors errors;

	field_errors_init(&errors);
	object_check(&kind_pod, pod, NULL, &errors);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.items[0].path, "spec.hostname");
}

#define FORBIDDEN_UPDATE                                                                           \
	"spec: Forbidden: pod updates may not change fields other than "                           \
	"`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"  \
	"`spec.tolerations` (only additions to existing tolerations),"                             \
	"`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "      \
	"negative)"

static void a_pod_changes_its_image_and_little_else(void **state)
{
	assert_updated(&kind_pod, POD("'containers':[{'name':'a','image':'x:1'}]"),
		       POD("'containers':[{'name':'a','image':'x:2'}]"), "");
	assert_updated(&kind_pod, POD("'containers':[{'name':'a','image':'x:1'}]"),
		       POD("'containers':[{'name':'b','image':'x:1'}]"), FORBIDDEN_UPDATE);
	assert_updated(&kind_pod, POD(NGINX), POD(NGINX ",'nodeName':'node01'"), "");
	assert_updated(&kind_pod, POD(NGINX ",'nodeName':'node01'"),
		       POD(NGINX ",'nodeName':'node02'"), FORBIDDEN_UPDATE);
	assert_updated(&kind_pod, POD(NGINX), POD(NGINX ",'subdomain':'other'"), FORBIDDEN_UPDATE);
}

/* ---- workloads ---- */

#define TEMPLATE(app) "'template':{'metadata':{'labels':{'app':'" app "'}},'spec':{" NGINX "}}"
#define SELECTOR "'selector':{'matchLabels':{'app':'web'}}"
#define MISMATCH                                                                                   \
	"spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not "  \
	"match template `labels`"

static void workloads_get_their_defaults(void **state)
{
	_cleanup_json_ json_t *set =
		made(&kind_stateful_set, "{" META ",'spec':{" SELECTOR "," TEMPLATE("web") "}}");
	_cleanup_json_ json_t *deployment =
		made(&kind_deployment, "{" META ",'spec':{" SELECTOR "," TEMPLATE("web") "}}");

	assert_int_equal(json_int_at(set, "spec.replicas", 0), 1);
	assert_string_equal(json_string_at(set, "spec.podManagementPolicy"), "OrderedReady");
	assert_string_equal(json_string_at(set, "spec.updateStrategy.type"), "RollingUpdate");
	assert_int_equal(json_int_at(set, "spec.updateStrategy.rollingUpdate.partition", -1), 0);
	assert_int_equal(json_int_at(set, "spec.revisionHistoryLimit", 0), 10);
	assert_string_equal(json_string_at(deployment, "spec.strategy.rollingUpdate.maxSurge"),
			    "25%");
	assert_int_equal(json_int_at(deployment, "spec.progressDeadlineSeconds", 0), 600);
	assert_errors(&kind_stateful_set, set, NULL, "");
	assert_errors(&kind_deployment, deployment, NULL, "");
}

static void a_selector_matches_its_template(void **state)
{
	const char *text = "{" META ",'spec':{" SELECTOR "," TEMPLATE("other") "}}";

	assert_created(&kind_stateful_set, text, MISMATCH);
	assert_created(&kind_deployment, text, MISMATCH);
	assert_created(&kind_replica_set, text, MISMATCH);
}

static void a_workload_without_spec_hears_what_is_missing(void **state)
{
	assert_created(&kind_deployment, "{" META "}",
		       "[spec.selector: Required value, spec.template: Required value]");
}

static void a_selector_stays(void **state)
{
	assert_updated(&kind_deployment, "{" META ",'spec':{" SELECTOR "," TEMPLATE("web") "}}",
		       "{" META
		       ",'spec':{'selector':{'matchLabels':{'app':'b'}}," TEMPLATE("b") "}}",
		       "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"b\"}}: field is "
		       "immutable");
}

static void a_stateful_set_keeps_its_identity(void **state)
{
	assert_updated(
		&kind_stateful_set,
		"{" META ",'spec':{'serviceName':'a'," SELECTOR "," TEMPLATE("web") "}}",
		"{" META ",'spec':{'serviceName':'b'," SELECTOR "," TEMPLATE("web") "}}",
		"spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
		"'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
		"'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
	assert_updated(&kind_stateful_set,
		       "{" META ",'spec':{'replicas':1," SELECTOR "," TEMPLATE("web") "}}",
		       "{" META ",'spec':{'replicas':5,'ordinals':{'start':3}," SELECTOR
		       "," TEMPLATE("web") "}}",
		       "");
}

static void a_stateful_set_mounts_its_claims(void **state)
{
	assert_created(
		&kind_stateful_set,
		"{" META ",'spec':{" SELECTOR ",'volumeClaimTemplates':[{'metadata':{"
		"'name':'data'},'spec':{'accessModes':['ReadWriteOnce'],'resources':{"
		"'requests':{'storage':'1Gi'}}}}],'template':{'metadata':{'labels':{"
		"'app':'web'}},'spec':{'containers':[{'name':'a','image':'x','volumeMounts':["
		"{'name':'data','mountPath':'/data'}]}]}}}}",
		"");
}

static void a_deployment_can_move(void **state)
{
	assert_created(
		&kind_deployment,
		"{" META ",'spec':{" SELECTOR
		"," TEMPLATE("web") ",'strategy':{"
				    "'rollingUpdate':{'maxSurge':0,'maxUnavailable':'0%'}}}}",
		"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be "
		"0 when `maxSurge` is 0");
}

/* ---- endpoints ---- */

static void a_slice_port_without_a_name_gets_the_empty_one(void **state)
{
	_cleanup_json_ json_t *slice =
		made(&kind_endpoint_slice, "{" META ",'addressType':'IPv4','ports':[{'port':80}]}");
	const json_t *port = json_array_get(json_object_get(slice, "ports"), 0);

	assert_true(json_is_string(json_object_get(port, "name")));
	assert_string_equal(json_string_at(port, "protocol"), "TCP");
	assert_errors(&kind_endpoint_slice, slice, NULL, "");
}

static void slice_addresses_fit_their_type(void **state)
{
	assert_created(&kind_endpoint_slice, "{" META ",'endpoints':[]}",
		       "addressType: Required value");
	assert_created(
		&kind_endpoint_slice,
		"{" META ",'addressType':'IPv4','endpoints':[{'addresses':['fd00::1']}]}",
		"endpoints[0].addresses[0]: Invalid value: \"fd00::1\": must be a valid IPv4 "
		"address");
	assert_created(&kind_endpoint_slice,
		       "{" META ",'addressType':'IPv4','endpoints':[{'addresses':['127.0.0.1']}]}",
		       "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the "
		       "loopback range (127.0.0.0/8, ::1/128)");
	assert_created(&kind_endpoint_slice,
		       "{" META ",'addressType':'IPv4','endpoints':[{'addresses':[]}]}",
		       "endpoints[0].addresses: Required value");
	assert_created(&kind_endpoint_slice,
		       "{" META ",'addressType':'IPv4','ports':[{'port':1},{'port':2}]}",
		       "ports[1].name: Duplicate value: \"\"");
	assert_updated(&kind_endpoint_slice, "{" META ",'addressType':'IPv4'}",
		       "{" META ",'addressType':'IPv6'}",
		       "addressType: Invalid value: \"IPv6\": field is immutable");
}

static void a_slice_counts_its_changes(void **state)
{
	_cleanup_json_ json_t *old = made(&kind_endpoint_slice, "{" META ",'addressType':'IPv4'}");
	_cleanup_json_ json_t *same = json_deep_copy(old);
	_cleanup_json_ json_t *other = json_deep_copy(old);

	json_put(same, "metadata.labels", json_object());
	json_object_set_new(other, "endpoints", json_pack("[{s:[s]}]", "addresses", "10.0.0.1"));
	kind_endpoint_slice.update(same, old);
	kind_endpoint_slice.update(other, old);
	assert_int_equal(json_int_at(same, "metadata.generation", 0), 1);
	assert_int_equal(json_int_at(other, "metadata.generation", 0), 2);
}

static void endpoints_subsets_have_addresses(void **state)
{
	assert_created(
		&kind_endpoints, "{" META ",'subsets':[{'ports':[{'port':80}]}]}",
		"subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`");
	assert_created(&kind_endpoints,
		       "{" META
		       ",'subsets':[{'addresses':[{'ip':'10.0.0'}],'ports':[{'port':80}]}]}",
		       "subsets[0].addresses[0].ip: Invalid value: \"10.0.0\": must be a valid IP "
		       "address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
}

/* ---- data ---- */

static void frozen_data_stays(void **state)
{
	assert_updated(&kind_config_map, "{" META ",'immutable':true,'data':{'a':'1'}}",
		       "{" META ",'immutable':true,'data':{'a':'2'}}",
		       "data: Forbidden: field is immutable when `immutable` is set");
	assert_updated(&kind_secret, "{" META ",'immutable':true}", "{" META "}",
		       "immutable: Forbidden: field is immutable when `immutable` is set");
	assert_updated(&kind_secret, "{" META "}", "{" META ",'type':'x/y'}",
		       "type: Invalid value: \"x/y\": field is immutable");
}

static void keys_are_file_names(void **state)
{
	_cleanup_json_ json_t *map = made(&kind_config_map, "{" META ",'data':{'a/b':'1'}}");
	_cleanup_field_errors_ struct field_errors errors;

	field_errors_init(&errors);
	object_check(&kind_config_map, map, NULL, &errors);
	assert_true(errors.n >= 1);
	assert_string_equal(errors.items[0].path, "data[a/b]");
}

static void plain_secret_data_becomes_bytes(void **state)
{
	_cleanup_json_ json_t *secret =
		made(&kind_secret,
		     "{" META ",'data':{'a':'AAAA'},'stringData':{'a':'hello','b':'x'}}");

	assert_string_equal(json_string_at(secret, "data.a"), "aGVsbG8=");
	assert_string_equal(json_string_at(secret, "data.b"), "eA==");
	assert_null(json_object_get(secret, "stringData"));
	assert_string_equal(json_string_at(secret, "type"), "Opaque");
}

static void too_much_data_is_refused(void **state)
{
	_cleanup_json_ json_t *map = made(&kind_config_map, "{" META "}");
	_cleanup_free_ char *text = mem_alloc(LIMIT_DATA + 2);

	memset(text, 'x', LIMIT_DATA + 1);
	json_put(map, "data.a", json_string(text));
	assert_errors(&kind_config_map, map, NULL,
		      ": Too long: may not be more than 1048576 bytes");
}

static void typed_secrets_need_their_keys(void **state)
{
	assert_created(&kind_secret, "{" META ",'type':'kubernetes.io/tls','data':{'tls.crt':''}}",
		       "data[tls.key]: Required value");
	assert_created(&kind_secret,
		       "{" META ",'type':'kubernetes.io/basic-auth','data':{'password':''}}", "");
}

/* ---- the others ---- */

static void a_namespace_gets_label_and_finalizer(void **state)
{
	_cleanup_json_ json_t *space = made(&kind_namespace, "{" ROOT "}");
	const json_t *labels = json_at(space, "metadata.labels");
	const json_t *finalizers = json_at(space, "spec.finalizers");

	assert_string_equal(
		json_string_value(json_object_get(labels, "kubernetes.io/metadata.name")), "web");
	assert_string_equal(json_string_value(json_array_get(finalizers, 0)), "kubernetes");
	assert_string_equal(json_string_at(space, "status.phase"), "Active");
	assert_errors(&kind_namespace, space, NULL, "");
}

static void a_node_keeps_its_ranges(void **state)
{
	assert_updated(
		&kind_node, "{" ROOT ",'spec':{'podCIDR':'10.244.0.0/24'}}",
		"{" ROOT ",'spec':{'podCIDR':'10.244.1.0/24'}}",
		"spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" "
		"to valid");
	assert_created(&kind_node, "{" ROOT ",'spec':{'taints':[{'key':'a'}]}}",
		       "spec.taints[0].effect: Required value");
}

static void a_revision_is_history(void **state)
{
	assert_created(&kind_controller_revision, "{" META ",'revision':1}",
		       "data: Required value: data is mandatory");
	assert_updated(&kind_controller_revision, "{" META ",'revision':1,'data':{'a':1}}",
		       "{" META ",'revision':2,'data':{'a':2}}",
		       "data: Invalid value: {\"a\":2}: field is immutable");
}

static void a_lease_lasts_some_time(void **state)
{
	assert_created(&kind_lease, "{" META ",'spec':{'leaseDurationSeconds':0}}",
		       "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0");
}

static void an_event_lives_beside_its_object(void **state)
{
	assert_created(&kind_event,
		       "{" META ",'involvedObject':{'kind':'Pod','name':'p','namespace':'other'}}",
		       "involvedObject.namespace: Invalid value: \"other\": does not match "
		       "event.namespace");
	assert_created(&kind_event, "{" META ",'involvedObject':{'kind':'Node','name':'n'}}", "");
}

static void service_imports_have_a_type_and_two_addresses_at_most(void **state)
{
	assert_created(&kind_service_import,
		       "{" META ",'spec':{'type':'Headless','ports':[{'name':'a','port':1},"
		       "{'name':'b','port':2}]}}",
		       "");
	assert_created(&kind_service_import, "{" META ",'spec':{'ports':[]}}",
		       "spec.type: Required value");
	assert_created(&kind_service_import,
		       "{" META ",'spec':{'type':'ClusterIP','ips':['10.0.0.1','x']}}",
		       "[spec.ips[1]: Invalid value: \"x\": must be a valid IP address, (e.g. "
		       "10.9.8.7 or 2001:db8::ffff), spec.type: Unsupported value: \"ClusterIP\": "
		       "supported values: \"ClusterSetIP\", \"Headless\"]");
	assert_created(
		&kind_service_import,
		"{" META ",'spec':{'type':'ClusterSetIP','ips':['10.0.0.1','10.0.0.2',"
		"'10.0.0.3'],'ports':[{'name':'a','port':1},{'name':'a','port':0}]}}",
		"[spec.ports[1].port: Required value, spec.ips: Too many: 3: must have at most "
		"2 items, spec.ports[1].name: Duplicate value: \"a\"]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_gets_its_defaults),
		cmocka_unit_test(a_headless_service_needs_no_ports),
		cmocka_unit_test(a_service_without_ports_is_refused),
		cmocka_unit_test(service_ports_are_checked),
		cmocka_unit_test(service_types_have_their_rules),
		cmocka_unit_test(a_cluster_address_stays),
		cmocka_unit_test(an_update_without_addresses_keeps_them),
		cmocka_unit_test(a_change_of_type_drops_what_it_cannot_use),
		cmocka_unit_test(a_pod_gets_its_defaults),
		cmocka_unit_test(defaults_are_given_once),
		cmocka_unit_test(a_pod_needs_containers_with_names_and_images),
		cmocka_unit_test(a_pod_mounts_what_it_has),
		cmocka_unit_test(variables_have_one_source),
		cmocka_unit_test(variables_show_fields_that_pods_have),
		cmocka_unit_test(nobody_is_promised_more_than_the_limit),
		cmocka_unit_test(a_pod_has_its_address_in_both_forms),
		cmocka_unit_test(a_probe_has_one_handler),
		cmocka_unit_test(pod_host_names_are_labels),
		cmocka_unit_test(a_pod_changes_its_image_and_little_else),
		cmocka_unit_test(workloads_get_their_defaults),
		cmocka_unit_test(a_selector_matches_its_template),
		cmocka_unit_test(a_workload_without_spec_hears_what_is_missing),
		cmocka_unit_test(a_selector_stays),
		cmocka_unit_test(a_stateful_set_keeps_its_identity),
		cmocka_unit_test(a_stateful_set_mounts_its_claims),
		cmocka_unit_test(a_deployment_can_move),
		cmocka_unit_test(a_slice_port_without_a_name_gets_the_empty_one),
		cmocka_unit_test(slice_addresses_fit_their_type),
		cmocka_unit_test(a_slice_counts_its_changes),
		cmocka_unit_test(endpoints_subsets_have_addresses),
		cmocka_unit_test(frozen_data_stays),
		cmocka_unit_test(keys_are_file_names),
		cmocka_unit_test(plain_secret_data_becomes_bytes),
		cmocka_unit_test(too_much_data_is_refused),
		cmocka_unit_test(typed_secrets_need_their_keys),
		cmocka_unit_test(a_namespace_gets_label_and_finalizer),
		cmocka_unit_test(a_node_keeps_its_ranges),
		cmocka_unit_test(a_revision_is_history),
		cmocka_unit_test(a_lease_lasts_some_time),
		cmocka_unit_test(an_event_lives_beside_its_object),
		cmocka_unit_test(service_imports_have_a_type_and_two_addresses_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
