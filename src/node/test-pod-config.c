/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From pods to configurations, rule by rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "node/pod_config_intern.h"
#include "node/test-pod-rig.h"
#include "object/kinds.h"
#include "json/json.h"

/* ---- the sandbox ---- */

static void a_hostname_follows_the_pod(void **state)
{
	static const struct {
		const char *spec;
		const char *hostname; /* NULL: impossible */
	} cases[] = {
		{ "{}", "web-0" },
		{ "{'hostname': 'db'}", "db" },
		{ "{'hostname': 'db', 'subdomain': 'pg'}", "db" },
		{ "{'hostNetwork': true, 'hostname': 'db'}", "" },
		{ "{'subdomain': 'pg', 'setHostnameAsFQDN': true}",
		  "web-0.pg.ns.svc.cluster.local" },
		{ "{'setHostnameAsFQDN': true}", "web-0" },
		{ "{'hostnameOverride': 'own.example', 'subdomain': 'pg'}", "own.example" },
		{ "{'subdomain': 'a-subdomain-that-is-much-too-long-for-it-all-x', "
		  "'setHostnameAsFQDN': true}",
		  NULL },
	};
	struct pod_rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pod_rig_pod(rig, "%s", cases[i].spec);
		Runtime__V1__PodSandboxConfig *sandbox = pod_rig_sandbox(rig);

		if (cases[i].hostname == NULL) {
			assert_null(sandbox);
			assert_non_null(strstr(rig->message, "64 characters is the max"));
			continue;
		}
		assert_non_null(sandbox);
		assert_string_equal(sandbox->hostname, cases[i].hostname);
	}
}

static void resolv_conf_follows_policy_and_config(void **state)
{
	static const struct {
		const char *spec;
		const char *servers;
		const char *searches;
		const char *options;
	} cases[] = {
		{ "{'dnsPolicy': 'ClusterFirst'}", "10.96.0.10",
		  "ns.svc.cluster.local svc.cluster.local cluster.local example.net corp.example",
		  "ndots:5" },
		{ "{'dnsPolicy': 'ClusterFirst', 'hostNetwork': true}", "192.0.2.53",
		  "example.net corp.example", "timeout:2 rotate" },
		{ "{'dnsPolicy': 'ClusterFirstWithHostNet', 'hostNetwork': true}", "10.96.0.10",
		  "ns.svc.cluster.local svc.cluster.local cluster.local example.net corp.example",
		  "ndots:5" },
		{ "{'dnsPolicy': 'Default'}", "192.0.2.53", "example.net corp.example",
		  "timeout:2 rotate" },
		{ "{'dnsPolicy': 'None', 'dnsConfig': {'nameservers': ['1.1.1.1'], 'searches': "
		  "['a.b'], 'options': [{'name': 'ndots', 'value': '2'}, {'name': 'edns0'}]}}",
		  "1.1.1.1", "a.b", "ndots:2 edns0" },
		{ "{'dnsConfig': {'nameservers': ['1.1.1.1', '10.96.0.10', '2.2.2.2', '3.3.3.3'], "
		  "'searches': ['cluster.local', 'a.b'], 'options': [{'name': 'ndots', 'value': "
		  "'2'}]}}",
		  "10.96.0.10 1.1.1.1 2.2.2.2",
		  "ns.svc.cluster.local svc.cluster.local cluster.local example.net corp.example "
		  "a.b",
		  "ndots:2" },
	};
	struct pod_rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pod_rig_pod(rig, "%s", cases[i].spec);
		Runtime__V1__DNSConfig *dns = pod_rig_sandbox(rig)->dns_config;

		assert_string_equal(pod_rig_join(rig, dns->servers, dns->n_servers),
				    cases[i].servers);
		assert_string_equal(pod_rig_join(rig, dns->searches, dns->n_searches),
				    cases[i].searches);
		assert_string_equal(pod_rig_join(rig, dns->options, dns->n_options),
				    cases[i].options);
	}
}

static void search_lists_end_at_the_resolvers_limits(void **state)
{
	struct pod_rig *rig = *state;
	struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	char label[261];

	memset(label, 'x', sizeof(label));
	label[260] = '\0';
	buffer_printf(&text, "{'dnsPolicy': 'None', 'dnsConfig': {'searches': ['%s'", label);
	for (int i = 0; i < 40; i++) {
		buffer_printf(&text, ", 'd%d.example'", i);
	}
	buffer_append_text(&text, "]}}");
	pod_rig_pod(rig, "%s", buffer_text(&text));
	Runtime__V1__DNSConfig *dns = pod_rig_sandbox(rig)->dns_config;
	/* The long one took a place among the 32 before it fell out. */
	assert_int_equal(dns->n_searches, 31);
	assert_string_equal(dns->searches[0], "d0.example");

	label[249] = '\0';
	buffer_clear(&text);
	buffer_append_text(&text, "{'dnsPolicy': 'None', 'dnsConfig': {'searches': ['z'");
	for (int i = 0; i < 9; i++) {
		buffer_printf(&text, ", '%d%s'", i, label);
	}
	buffer_append_text(&text, "]}}");
	pod_rig_pod(rig, "%s", buffer_text(&text));
	dns = pod_rig_sandbox(rig)->dns_config;
	assert_int_equal(dns->n_searches, 1 + 2047 / 251);
	buffer_deinit(&text);
}

static void a_sandbox_shares_what_the_pod_says(void **state)
{
	struct pod_rig *rig = *state;

	pod_rig_pod(rig, "{'hostPID': true, 'hostIPC': true, 'hostNetwork': true}");
	Runtime__V1__PodSandboxConfig *sandbox = pod_rig_sandbox(rig);
	Runtime__V1__NamespaceOption *option =
		sandbox->on_linux->security_context->namespace_options;
	assert_int_equal(option->pid, RUNTIME__V1__NAMESPACE_MODE__NODE);
	assert_int_equal(option->ipc, RUNTIME__V1__NAMESPACE_MODE__NODE);
	assert_int_equal(option->network, RUNTIME__V1__NAMESPACE_MODE__NODE);

	pod_rig_pod(rig, "{'shareProcessNamespace': true}");
	sandbox = pod_rig_sandbox(rig);
	option = sandbox->on_linux->security_context->namespace_options;
	assert_int_equal(option->pid, RUNTIME__V1__NAMESPACE_MODE__POD);
	assert_int_equal(option->ipc, RUNTIME__V1__NAMESPACE_MODE__POD);
	assert_string_equal(sandbox->on_linux->cgroup_parent, "/headlessd/burstable/poduid-1");
	char *logs = arena_printf(&rig->arena, "%s/ns_web-0_uid-1", rig->logs);
	assert_string_equal(sandbox->log_directory, logs);
	assert_string_equal(sandbox->metadata->uid, "uid-1");
	assert_int_equal(sandbox->n_labels, 4);
	assert_string_equal(sandbox->annotations[0]->value, "hi");

	pod_rig_pod(rig, "{}");
	option = pod_rig_sandbox(rig)->on_linux->security_context->namespace_options;
	assert_int_equal(option->pid, RUNTIME__V1__NAMESPACE_MODE__CONTAINER);
}

static void sysctls_are_set_when_they_are_safe(void **state)
{
	struct pod_rig *rig = *state;

	pod_rig_pod(rig, "{'securityContext': {'runAsUser': 7, 'fsGroup': 9, 'supplementalGroups': "
			 "[8], 'sysctls': [{'name': 'net/ipv4/tcp_syncookies', 'value': '0'}]}}");
	assert_string_equal(pod_admission(rig->pod, rig->message), "");
	Runtime__V1__LinuxPodSandboxConfig *on_linux = pod_rig_sandbox(rig)->on_linux;
	assert_string_equal(on_linux->sysctls[0]->key, "net.ipv4.tcp_syncookies");
	assert_int_equal(on_linux->security_context->run_as_user->value, 7);
	assert_int_equal(on_linux->security_context->n_supplemental_groups, 2);

	pod_rig_pod(rig, "{'securityContext': {'sysctls': [{'name': 'kernel.msgmax', 'value': "
			 "'1'}]}}");
	assert_string_equal(pod_admission(rig->pod, rig->message), "SysctlForbidden");
	assert_string_equal(rig->message, "forbidden sysctl: \"kernel.msgmax\" not allowlisted");
	pod_rig_pod(rig, "{'hostNetwork': true, 'securityContext': {'sysctls': [{'name': "
			 "'net.ipv4.tcp_syncookies', 'value': '1'}]}}");
	assert_string_equal(pod_admission(rig->pod, rig->message), "SysctlForbidden");
}

static void host_ports_become_mappings(void **state)
{
	struct pod_rig *rig = *state;

	pod_rig_container(rig, "{'ports': [{'containerPort': 80, 'hostPort': 8080, 'protocol': "
			       "'UDP', 'hostIP': '127.0.0.1'}, {'containerPort': 81}]}");
	Runtime__V1__PodSandboxConfig *sandbox = pod_rig_sandbox(rig);
	assert_int_equal(sandbox->n_port_mappings, 1);
	assert_int_equal(sandbox->port_mappings[0]->host_port, 8080);
	assert_int_equal(sandbox->port_mappings[0]->protocol, RUNTIME__V1__PROTOCOL__UDP);
}

/* ---- expansion ---- */

static struct str lookup_one(void *userdata, struct str name)
{
	return str_is(name, "A") ? STR("1") : str_is(name, "EMPTY") ? STR("") : STR_NONE;
}

static void references_are_replaced_and_dollars_kept(void **state)
{
	static const struct {
		const char *text;
		const char *expanded;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "$(A)", "1" },
		{ "x$(A)y$(A)", "x1y1" },
		{ "$$(A)", "$(A)" },
		{ "$$$(A)", "$1" },
		{ "$(B)", "$(B)" },
		{ "$(EMPTY)", "" },
		{ "$(A", "$(A" },
		{ "$", "$" },
		{ "a$", "a$" },
		{ "$$", "$" },
		{ "$x", "$x" },
		{ "$()", "$()" },
		{ "$($(A))", "$($(A))" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buffer out = BUFFER_INIT(100);

		pod_expand(str_from(cases[i].text), lookup_one, NULL, &out);
		assert_string_equal(buffer_text(&out), cases[i].expanded);
		buffer_deinit(&out);
	}
}

/* ---- variables ---- */

static void put_services(struct pod_rig *rig)
{
	pod_rig_put(rig, &kind_service,
		    "{'metadata': {'name': 'kubernetes', 'namespace': 'default'}, 'spec': "
		    "{'clusterIP': '10.96.0.1', 'ports': [{'name': 'https', 'port': 443, "
		    "'protocol': 'TCP'}]}}");
	pod_rig_put(rig, &kind_service,
		    "{'metadata': {'name': 'my-db'}, 'spec': {'clusterIP': '10.96.0.20', 'ports': "
		    "[{'name': 'sql', 'port': 5432, 'protocol': 'TCP'}, {'name': 'stat', 'port': "
		    "99, 'protocol': 'UDP'}]}}");
	pod_rig_put(rig, &kind_service,
		    "{'metadata': {'name': 'headless'}, 'spec': {'clusterIP': 'None', 'ports': "
		    "[{'port': 1}]}}");
	pod_rig_put(rig, &kind_service,
		    "{'metadata': {'name': 'other', 'namespace': 'elsewhere'}, 'spec': "
		    "{'clusterIP': '10.96.0.30', 'ports': [{'port': 1}]}}");
}

static void services_become_variables(void **state)
{
	static const char *const cases[][2] = {
		{ "KUBERNETES_SERVICE_HOST", "10.96.0.1" },
		{ "KUBERNETES_SERVICE_PORT", "443" },
		{ "KUBERNETES_SERVICE_PORT_HTTPS", "443" },
		{ "KUBERNETES_PORT_443_TCP", "tcp://10.96.0.1:443" },
		{ "MY_DB_SERVICE_HOST", "10.96.0.20" },
		{ "MY_DB_SERVICE_PORT", "5432" },
		{ "MY_DB_SERVICE_PORT_STAT", "99" },
		{ "MY_DB_PORT", "tcp://10.96.0.20:5432" },
		{ "MY_DB_PORT_99_UDP", "udp://10.96.0.20:99" },
		{ "MY_DB_PORT_99_UDP_PROTO", "udp" },
		{ "MY_DB_PORT_99_UDP_PORT", "99" },
		{ "MY_DB_PORT_99_UDP_ADDR", "10.96.0.20" },
		{ "HEADLESS_SERVICE_HOST", NULL },
		{ "OTHER_SERVICE_HOST", NULL },
	};
	struct pod_rig *rig = *state;
	Runtime__V1__ContainerConfig *config;

	put_services(rig);
	pod_rig_pod(rig, "{'enableServiceLinks': true}");
	config = pod_rig_made(rig, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *value = pod_rig_variable(config, cases[i][0]);

		if (cases[i][1] == NULL) {
			assert_null(value);
		} else {
			assert_non_null(value);
			assert_string_equal(value, cases[i][1]);
		}
	}
	pod_rig_pod(rig, "{'enableServiceLinks': false}");
	config = pod_rig_made(rig, NULL, NULL);
	assert_null(pod_rig_variable(config, "MY_DB_SERVICE_HOST"));
	assert_non_null(pod_rig_variable(config, "KUBERNETES_SERVICE_HOST"));
}

static void the_api_is_known_before_its_service_is(void **state)
{
	struct pod_rig *rig = *state;

	rig->node.api_host = "fd00::1";
	pod_rig_pod(rig, "{}");
	Runtime__V1__ContainerConfig *config = pod_rig_made(rig, NULL, NULL);

	assert_string_equal(pod_rig_variable(config, "KUBERNETES_SERVICE_HOST"), "fd00::1");
	assert_string_equal(pod_rig_variable(config, "KUBERNETES_PORT"), "tcp://[fd00::1]:443");
}

static void variables_come_from_everywhere_in_order(void **state)
{
	struct pod_rig *rig = *state;

	put_services(rig);
	pod_rig_put(rig, &kind_config_map,
		    "{'metadata': {'name': 'm'}, 'data': {'A': 'map', 'B': 'kept'}}");
	pod_rig_put(rig, &kind_secret, "{'metadata': {'name': 's'}, 'data': {'P': 'c2VjcmV0'}}");
	pod_rig_container(
		rig, "{'envFrom': [{'configMapRef': {'name': 'm'}}, {'prefix': 'S_', 'secretRef': "
		     "{'name': 's'}}, {'configMapRef': {'name': 'no', 'optional': true}}], "
		     "'env': [{'name': 'A', 'value': 'own'}, {'name': 'C', 'value': "
		     "'$(A)-$(S_P)-$(LATER)'"
		     "}, {'name': 'LATER', 'value': 'x'}, "
		     "{'name': 'D', 'valueFrom': {'configMapKeyRef': {'name': 'm', 'key': 'B'}}}, "
		     "{'name': 'E', 'valueFrom': {'secretKeyRef': {'name': 's', 'key': 'P'}}}, "
		     "{'name': 'F', 'valueFrom': {'configMapKeyRef': {'name': 'm', 'key': 'Q', "
		     "'optional': true}}}, "
		     "{'name': 'G', 'value': '$(MY_DB_SERVICE_HOST)'}, "
		     "{'name': 'MY_DB_PORT', 'value': 'mine'}, {'name': 'EMPTY'}], "
		     "'command': ['sh', '-c', 'echo $(C) $$(C) $(NONE)'], 'args': ['$(D)']}");
	Runtime__V1__ContainerConfig *config = pod_rig_made(rig, NULL, NULL);

	assert_non_null(config);
	assert_string_equal(pod_rig_variable(config, "A"), "own");
	assert_string_equal(pod_rig_variable(config, "C"), "own-secret-$(LATER)");
	assert_string_equal(pod_rig_variable(config, "D"), "kept");
	assert_string_equal(pod_rig_variable(config, "E"), "secret");
	assert_null(pod_rig_variable(config, "F"));
	assert_string_equal(pod_rig_variable(config, "G"), "10.96.0.20");
	assert_string_equal(pod_rig_variable(config, "MY_DB_PORT"), "mine");
	assert_string_equal(pod_rig_variable(config, "EMPTY"), "");
	assert_string_equal(config->command[2], "echo own-secret-$(LATER) $(C) $(NONE)");
	assert_string_equal(config->args[0], "kept");
}

static void what_is_missing_is_waited_for(void **state)
{
	static const struct {
		const char *container;
		const char *message;
	} cases[] = {
		{ "{'envFrom': [{'configMapRef': {'name': 'no'}}]}", "configmap \"no\" not found" },
		{ "{'envFrom': [{'secretRef': {'name': 'no'}}]}", "secret \"no\" not found" },
		{ "{'env': [{'name': 'A', 'valueFrom': {'secretKeyRef': {'name': 'no', 'key': "
		  "'k'}}}]}",
		  "secret \"no\" not found" },
		{ "{'env': [{'name': 'A', 'valueFrom': {'configMapKeyRef': {'name': 'm', 'key': "
		  "'k'}}}]}",
		  "couldn't find key k in ConfigMap ns/m" },
	};
	struct pod_rig *rig = *state;
	enum pod_config_outcome outcome;

	pod_rig_put(rig, &kind_config_map, "{'metadata': {'name': 'm'}}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pod_rig_container(rig, "%s", cases[i].container);
		assert_null(pod_rig_made(rig, NULL, &outcome));
		assert_int_equal(outcome, POD_CONFIG_WAIT);
		assert_string_equal(rig->message, cases[i].message);
	}
}

static void doubling_variables_end_at_the_limit(void **state)
{
	struct pod_rig *rig = *state;
	struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	enum pod_config_outcome outcome;

	buffer_append_text(&text, "{'env': [{'name': 'V0', 'value': 'xxxxxxxxxxxxxxxx'}");
	for (int i = 1; i < 64; i++) {
		buffer_printf(&text, ", {'name': 'V%d', 'value': '$(V%d)$(V%d)'}", i, i - 1, i - 1);
	}
	buffer_append_text(&text, "]}");
	pod_rig_container(rig, "%s", buffer_text(&text));
	assert_null(pod_rig_made(rig, NULL, &outcome));
	assert_int_equal(outcome, POD_CONFIG_IMPOSSIBLE);
	assert_non_null(strstr(rig->message, "take more than"));
	buffer_deinit(&text);
}

static void fields_of_the_pod_are_text(void **state)
{
	static const char *const cases[][2] = {
		{ "metadata.name", "web-0" },
		{ "metadata.namespace", "ns" },
		{ "metadata.uid", "uid-1" },
		{ "metadata.labels['app']", "web" },
		{ "metadata.labels['no']", "" },
		{ "metadata.annotations['note']", "hi" },
		{ "metadata.labels", "app=\"web\"" },
		{ "spec.nodeName", "node-a" },
		{ "spec.serviceAccountName", "acc" },
		{ "status.podIP", "10.244.0.7" },
		{ "status.podIPs", "10.244.0.7,fd00::7" },
		{ "status.hostIP", "192.0.2.1" },
		{ "status.hostIPs", "192.0.2.1" },
	};
	struct pod_rig *rig = *state;
	struct buffer out = BUFFER_INIT(1000);

	rig->pod_ips[1] = "fd00::7";
	pod_rig_pod(rig, "{'serviceAccountName': 'acc'}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		buffer_clear(&out);
		assert_true(pod_field(&rig->inputs, cases[i][0], &out));
		assert_string_equal(buffer_text(&out), cases[i][1]);
	}
	assert_false(pod_field(&rig->inputs, "spec.restartPolicy", &out));
	assert_false(pod_field(&rig->inputs, "metadata.labels['app'", &out));
	buffer_deinit(&out);
}

static void amounts_count_in_their_divisor(void **state)
{
	static const char *const cases[][2] = {
		{ "{'resource': 'limits.cpu'}", "1" },
		{ "{'resource': 'limits.cpu', 'divisor': '1m'}", "500" },
		{ "{'resource': 'requests.cpu', 'divisor': '1m'}", "250" },
		{ "{'resource': 'limits.memory'}", "67108864" },
		{ "{'resource': 'limits.memory', 'divisor': '1Mi'}", "64" },
		{ "{'resource': 'requests.memory', 'divisor': '1Gi'}", "1" },
		{ "{'resource': 'limits.ephemeral-storage', 'divisor': '1Gi'}", "9" },
		{ "{'resource': 'requests.ephemeral-storage'}", "0" },
	};
	struct pod_rig *rig = *state;
	struct buffer out = BUFFER_INIT(1000);

	pod_rig_put(rig, &kind_node,
		    "{'metadata': {'name': 'node-a'}, 'status': {'allocatable': "
		    "{'ephemeral-storage': '9Gi'}}}");
	pod_rig_container(rig, "{'resources': {'limits': {'cpu': '500m', 'memory': '64Mi'}, "
			       "'requests': {'cpu': '250m', 'memory': '1Mi'}}}");
	const json_t *container = pod_container_find(json_at(object_tree(rig->pod), "spec"), "c");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *reference = pod_rig_json("%s", cases[i][0]);

		buffer_clear(&out);
		assert_true(pod_resource_field(&rig->inputs, reference, container, &out));
		assert_string_equal(buffer_text(&out), cases[i][1]);
		json_object_set_new(reference, "containerName", json_string("nobody"));
		assert_false(pod_resource_field(&rig->inputs, reference, NULL, &out));
		json_decref(reference);
	}
	buffer_deinit(&out);
}

/* ---- security ---- */

static void a_user_is_the_containers_the_pods_or_the_images(void **state)
{
	static const struct {
		const char *pod;
		const char *container;
		int64_t image; /* -1: a name instead */
		int64_t user; /* -1: by name; -2: refused */
		const char *message;
	} cases[] = {
		{ "{}", "{}", 0, 0, "" },
		{ "{}", "{}", 101, 101, "" },
		{ "{'runAsUser': 5}", "{}", 101, 5, "" },
		{ "{'runAsUser': 5}", "{'runAsUser': 6}", 101, 6, "" },
		{ "{'runAsNonRoot': true}", "{}", 101, 101, "" },
		{ "{'runAsNonRoot': true}", "{}", 0, -2, "image will run as root" },
		{ "{'runAsNonRoot': true}", "{'runAsNonRoot': false}", 0, 0, "" },
		{ "{'runAsNonRoot': true}", "{'runAsUser': 0}", 101, -2, "breaks non-root" },
		{ "{'runAsNonRoot': true}", "{}", -1, -2, "non-numeric user (nginx)" },
		{ "{}", "{}", -1, -1, "" },
	};
	struct pod_rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		Runtime__V1__Int64Value uid = RUNTIME__V1__INT64_VALUE__INIT;
		Runtime__V1__Image image = RUNTIME__V1__IMAGE__INIT;

		uid.value = cases[i].image;
		image.uid = cases[i].image >= 0 ? &uid : NULL;
		image.username = cases[i].image < 0 ? (char *)"nginx" : image.username;
		pod_rig_pod(rig,
			    "{'securityContext': %s, 'containers': [{'name': 'c', 'image': 'i', "
			    "'securityContext': %s}]}",
			    cases[i].pod, cases[i].container);
		Runtime__V1__ContainerConfig *config = pod_rig_made(rig, &image, NULL);

		if (cases[i].user == -2) {
			assert_null(config);
			assert_non_null(strstr(rig->message, cases[i].message));
			continue;
		}
		assert_non_null(config);
		Runtime__V1__LinuxContainerSecurityContext *security =
			config->on_linux->security_context;
		if (cases[i].user == -1) {
			assert_string_equal(security->run_as_username, "nginx");
			assert_null(security->run_as_user);
		} else {
			assert_int_equal(security->run_as_user->value, cases[i].user);
		}
	}
}

static void rights_are_given_and_taken(void **state)
{
	struct pod_rig *rig = *state;

	pod_rig_container(rig,
			  "{'securityContext': {'capabilities': {'add': ['NET_ADMIN'], 'drop': "
			  "['ALL']}, 'readOnlyRootFilesystem': true, "
			  "'allowPrivilegeEscalation': false, 'seccompProfile': {'type': "
			  "'Localhost', 'localhostProfile': 'a/b.json'}}}");
	Runtime__V1__LinuxContainerSecurityContext *security =
		pod_rig_made(rig, NULL, NULL)->on_linux->security_context;
	assert_string_equal(security->capabilities->add_capabilities[0], "NET_ADMIN");
	assert_string_equal(security->capabilities->drop_capabilities[0], "ALL");
	assert_true(security->readonly_rootfs);
	assert_true(security->no_new_privs);
	assert_false(security->privileged);
	assert_int_equal(security->seccomp->profile_type,
			 RUNTIME__V1__SECURITY_PROFILE__PROFILE_TYPE__Localhost);
	char *profile = arena_printf(&rig->arena, "%s/seccomp/a/b.json", rig->data);
	assert_string_equal(security->seccomp->localhost_ref, profile);
	assert_true(security->n_masked_paths > 0 && security->n_readonly_paths > 0);

	pod_rig_container(rig, "{}");
	security = pod_rig_made(rig, NULL, NULL)->on_linux->security_context;
	assert_false(security->no_new_privs);
	assert_int_equal(security->seccomp->profile_type,
			 RUNTIME__V1__SECURITY_PROFILE__PROFILE_TYPE__RuntimeDefault);

	pod_rig_container(rig, "{'securityContext': {'privileged': true, 'seccompProfile': "
			       "{'type': 'Unconfined'}}}");
	security = pod_rig_made(rig, NULL, NULL)->on_linux->security_context;
	assert_true(security->privileged);
	assert_int_equal(security->n_masked_paths, 0);
	assert_int_equal(security->seccomp->profile_type,
			 RUNTIME__V1__SECURITY_PROFILE__PROFILE_TYPE__Unconfined);
	assert_true(pod_rig_sandbox(rig)->on_linux->security_context->privileged);

	pod_rig_container(rig, "{'securityContext': {'seccompProfile': {'type': 'Localhost', "
			       "'localhostProfile': '../../etc/shadow'}}}");
	assert_null(pod_rig_made(rig, NULL, NULL));
}

/* ---- resources ---- */

static void resources_become_shares_quota_and_score(void **state)
{
	static const struct {
		const char *resources;
		int64_t shares;
		int64_t quota;
		int64_t memory;
		int64_t score;
	} cases[] = {
		{ "{}", 2, 0, 0, 999 },
		{ "{'requests': {'cpu': '250m'}}", 256, 0, 0, 999 },
		{ "{'limits': {'cpu': '500m'}}", 512, 50000, 0, 999 },
		{ "{'limits': {'cpu': '1m'}}", 2, 1000, 0, 999 },
		{ "{'requests': {'cpu': '1000'}}", 262144, 0, 0, 999 },
		{ "{'requests': {'memory': '1Gi'}, 'limits': {'memory': '2Gi'}}", 2, 0,
		  INT64_C(2147483648), 750 },
		{ "{'requests': {'memory': '100Gi'}}", 2, 0, 0, 3 },
	};
	struct pod_rig *rig = *state;

	pod_rig_put(rig, &kind_node,
		    "{'metadata': {'name': 'node-a'}, 'status': {'capacity': {'memory': '4Gi'}}}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pod_rig_container(rig, "{'resources': %s}", cases[i].resources);
		Runtime__V1__LinuxContainerResources *resources =
			pod_rig_made(rig, NULL, NULL)->on_linux->resources;

		assert_int_equal(resources->cpu_shares, cases[i].shares);
		assert_int_equal(resources->cpu_quota, cases[i].quota);
		assert_int_equal(resources->memory_limit_in_bytes, cases[i].memory);
		assert_int_equal(resources->oom_score_adj, cases[i].score);
	}
}

/* ---- the container itself ---- */

static void a_container_says_who_it_is(void **state)
{
	struct pod_rig *rig = *state;
	Runtime__V1__Image image = RUNTIME__V1__IMAGE__INIT;
	char hash[POD_CONTAINER_HASH];

	image.id = (char *)"sha256:abc";
	pod_rig_container(rig, "{'tty': true, 'stdin': true, 'workingDir': '/srv', "
			       "'terminationMessagePath': '/dev/termination-log', "
			       "'terminationMessagePolicy': 'File'}");
	Runtime__V1__ContainerConfig *config = pod_rig_made(rig, &image, NULL);
	assert_string_equal(config->metadata->name, "c");
	assert_int_equal(config->metadata->attempt, 2);
	assert_string_equal(config->log_path, "c/2.log");
	assert_string_equal(config->image->image, "sha256:abc");
	assert_string_equal(config->image->user_specified_image, "i");
	assert_string_equal(config->working_dir, "/srv");
	assert_true(config->tty && config->stdin && !config->stdin_once);
	assert_string_equal(config->labels[3]->key, LABEL_CONTAINER_NAME);
	assert_string_equal(config->annotations[1]->value, "2");

	/* Kept by containers that run: never another for the same name and image. */
	json_t *container = pod_rig_json("{'name': 'c', 'image': 'i', 'env': []}");
	pod_container_hash(container, hash);
	assert_string_equal(config->annotations[0]->value, hash);
	json_object_set_new(container, "image", json_string("j"));
	pod_container_hash(container, hash);
	assert_string_not_equal(config->annotations[0]->value, hash);
	json_decref(container);
}

static const Runtime__V1__Mount *mount_at(const Runtime__V1__ContainerConfig *config,
					  const char *path)
{
	for (size_t i = 0; i < config->n_mounts; i++) {
		if (strcmp(config->mounts[i]->container_path, path) == 0) {
			return config->mounts[i];
		}
	}
	return NULL;
}

static void volumes_and_files_of_the_pod_are_mounted(void **state)
{
	struct pod_rig *rig = *state;

	pod_rig_pod(rig,
		    "{'volumes': [{'name': 'e', 'emptyDir': {}}, {'name': 'm', 'configMap': "
		    "{'name': 'x'}}, {'name': 'h', 'hostPath': {'path': '/srv'}}], "
		    "'containers': [{'name': 'c', 'image': 'i', 'terminationMessagePath': "
		    "'/dev/termination-log', 'volumeMounts': [{'name': 'e', 'mountPath': '/e'}, "
		    "{'name': 'm', 'mountPath': '/m'}, {'name': 'h', 'mountPath': '/h', "
		    "'readOnly': true, 'mountPropagation': 'HostToContainer'}]}]}");
	Runtime__V1__ContainerConfig *config = pod_rig_made(rig, NULL, NULL);
	char *e = arena_printf(&rig->arena, "%s/pods/uid-1/volumes/kubernetes.io~empty-dir/e",
			       rig->data);
	char *hosts = arena_printf(&rig->arena, "%s/pods/uid-1/etc-hosts", rig->data);

	assert_int_equal(config->n_mounts, 5);
	assert_string_equal(mount_at(config, "/e")->host_path, e);
	assert_false(mount_at(config, "/e")->readonly);
	assert_true(mount_at(config, "/m")->readonly);
	assert_true(mount_at(config, "/h")->readonly);
	assert_int_equal(mount_at(config, "/h")->propagation,
			 RUNTIME__V1__MOUNT_PROPAGATION__PROPAGATION_HOST_TO_CONTAINER);
	assert_string_equal(mount_at(config, "/etc/hosts")->host_path, hosts);
	assert_string_equal(pod_rig_read(rig, "data/pods/uid-1/containers/c/2"), "");

	/* Without an address there are no lines to write; a mount of one's own wins. */
	rig->pod_ips[0] = NULL;
	assert_null(mount_at(pod_rig_made(rig, NULL, NULL), "/etc/hosts"));
	rig->pod_ips[0] = "10.244.0.7";
	pod_rig_pod(rig,
		    "{'volumes': [{'name': 'h', 'hostPath': {'path': '/srv/hosts'}}], "
		    "'containers': [{'name': 'c', 'image': 'i', 'volumeMounts': [{'name': 'h', "
		    "'mountPath': '/etc/hosts'}]}]}");
	assert_string_equal(mount_at(pod_rig_made(rig, NULL, NULL), "/etc/hosts")->host_path,
			    "/srv/hosts");
}

static void claims_are_mounted_when_they_are_bound(void **state)
{
	struct pod_rig *rig = *state;
	enum pod_config_outcome outcome;

	pod_rig_pod(rig, "{'volumes': [{'name': 'd', 'persistentVolumeClaim': {'claimName': "
			 "'data'}}], 'containers': [{'name': 'c', 'image': 'i', 'volumeMounts': "
			 "[{'name': 'd', 'mountPath': '/d'}]}]}");
	assert_null(pod_rig_made(rig, NULL, &outcome));
	assert_int_equal(outcome, POD_CONFIG_WAIT);
	assert_string_equal(rig->message, "persistentvolumeclaim \"data\" not found");
	pod_rig_put(rig, &kind_persistent_volume_claim,
		    "{'metadata': {'name': 'data'}, 'spec': {'volumeName': 'pv'}, 'status': "
		    "{'phase': 'Bound'}}");
	pod_rig_put(rig, &kind_persistent_volume,
		    "{'metadata': {'name': 'pv'}, 'spec': {'hostPath': {'path': '/v/pv'}, "
		    "'claimRef': {'uid': 'uid-somebody'}}}");
	assert_null(pod_rig_made(rig, NULL, &outcome));
	assert_string_equal(rig->message, "PVC ns/data is not bound");
	pod_rig_put(rig, &kind_persistent_volume,
		    "{'metadata': {'name': 'pv'}, 'spec': {'hostPath': {'path': '/v/pv'}, "
		    "'claimRef': {'uid': 'uid-data'}}}");
	assert_string_equal(mount_at(pod_rig_made(rig, NULL, &outcome), "/d")->host_path, "/v/pv");
}

int main(void)
{
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, pod_rig_setup, pod_rig_teardown)
	const struct CMUnitTest tests[] = {
		RIG_TEST(a_hostname_follows_the_pod),
		RIG_TEST(resolv_conf_follows_policy_and_config),
		RIG_TEST(search_lists_end_at_the_resolvers_limits),
		RIG_TEST(a_sandbox_shares_what_the_pod_says),
		RIG_TEST(sysctls_are_set_when_they_are_safe),
		RIG_TEST(host_ports_become_mappings),
		cmocka_unit_test(references_are_replaced_and_dollars_kept),
		RIG_TEST(services_become_variables),
		RIG_TEST(the_api_is_known_before_its_service_is),
		RIG_TEST(variables_come_from_everywhere_in_order),
		RIG_TEST(what_is_missing_is_waited_for),
		RIG_TEST(doubling_variables_end_at_the_limit),
		RIG_TEST(fields_of_the_pod_are_text),
		RIG_TEST(amounts_count_in_their_divisor),
		RIG_TEST(a_user_is_the_containers_the_pods_or_the_images),
		RIG_TEST(rights_are_given_and_taken),
		RIG_TEST(resources_become_shares_quota_and_score),
		RIG_TEST(a_container_says_who_it_is),
		RIG_TEST(volumes_and_files_of_the_pod_are_mounted),
		RIG_TEST(claims_are_mounted_when_they_are_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
