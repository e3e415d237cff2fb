/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * The spec of a pod: what it runs, where it may run, and what it is called. Containers, volumes and
 * affinity have files of their own.
 */

static const struct field host_alias_fields[] = {
	ROW(STRING, "ip", 1, "", .flags = FIELD_REQUIRED, .format = FORMAT_IP),
	ROW(STRING, "hostnames", 2, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC,
	    .format = FORMAT_DNS_SUBDOMAIN),
};

static const struct type type_host_alias = {
	.name = "io.k8s.api.core.v1.HostAlias",
	.doc = "",
	SCHEMA_TABLE(host_alias_fields),
};

static const struct field pod_dns_config_option_fields[] = {
	ROW(STRING, "name", 1, ""),
	ROW(STRING, "value", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_pod_dns_config_option = {
	.name = "io.k8s.api.core.v1.PodDNSConfigOption",
	.doc = "",
	SCHEMA_TABLE(pod_dns_config_option_fields),
};

static const struct field pod_dns_config_fields[] = {
	ROW(STRING, "nameservers", 1, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "searches", 2, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "options", 3, "", .shape = FIELD_LIST, .message = &type_pod_dns_config_option,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_dns_config = {
	.name = "io.k8s.api.core.v1.PodDNSConfig",
	.doc = "",
	SCHEMA_TABLE(pod_dns_config_fields),
};

static const struct field pod_readiness_gate_fields[] = {
	ROW(STRING, "conditionType", 1, "", .flags = FIELD_EXPECTED,
	    .format = FORMAT_QUALIFIED_NAME),
};

static const struct type type_pod_readiness_gate = {
	.name = "io.k8s.api.core.v1.PodReadinessGate",
	.doc = "",
	SCHEMA_TABLE(pod_readiness_gate_fields),
};

static const struct field pod_os_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED, .one_of = "linux|windows"),
};

static const struct type type_pod_os = {
	.name = "io.k8s.api.core.v1.PodOS",
	.doc = "",
	SCHEMA_TABLE(pod_os_fields),
};

static const struct field pod_scheduling_gate_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED, .format = FORMAT_QUALIFIED_NAME),
};

static const struct type type_pod_scheduling_gate = {
	.name = "io.k8s.api.core.v1.PodSchedulingGate",
	.doc = "",
	SCHEMA_TABLE(pod_scheduling_gate_fields),
};

static const struct field pod_resource_claim_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "resourceClaimName", 3, "", .flags = FIELD_POINTER),
	ROW(STRING, "resourceClaimTemplateName", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_pod_resource_claim = {
	.name = "io.k8s.api.core.v1.PodResourceClaim",
	.doc = "",
	SCHEMA_TABLE(pod_resource_claim_fields),
};

static const struct field workload_reference_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "podGroup", 2, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "podGroupReplicaKey", 3, ""),
};

static const struct type type_workload_reference = {
	.name = "io.k8s.api.core.v1.WorkloadReference",
	.doc = "",
	SCHEMA_TABLE(workload_reference_fields),
};

/* serviceAccount is an old name of serviceAccountName; clients may read or write either. */
static void pod_spec_complete(json_t *spec)
{
	json_t *name = json_object_get(spec, "serviceAccountName");
	json_t *alias = json_object_get(spec, "serviceAccount");

	if (name != NULL && json_string_length(name) > 0) {
		json_object_set(spec, "serviceAccount", name);
	} else if (alias != NULL && json_string_length(alias) > 0) {
		json_object_set(spec, "serviceAccountName", alias);
	}
}

static const struct field pod_spec_fields[] = {
	ROW(MESSAGE, "volumes", 1, "", .shape = FIELD_LIST, .message = &type_volume,
	    .flags = FIELD_PATCH_MERGE | FIELD_PATCH_RETAIN_KEYS | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "initContainers", 20, "", .shape = FIELD_LIST, .message = &type_container,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "containers", 2, "", .shape = FIELD_LIST, .message = &type_container,
	    .flags = FIELD_REQUIRED | FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "name",
	    .list_keys = "name"),
	ROW(MESSAGE, "ephemeralContainers", 34, "", .shape = FIELD_LIST,
	    .message = &type_ephemeral_container, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(STRING, "restartPolicy", 3, "", .default_json = "\"Always\"",
	    .one_of = "Always|Never|OnFailure"),
	ROW(INT64, "terminationGracePeriodSeconds", 4, "", .flags = FIELD_POINTER,
	    .default_json = "30", .format = FORMAT_NON_NEGATIVE),
	ROW(INT64, "activeDeadlineSeconds", 5, "", .flags = FIELD_POINTER),
	ROW(STRING, "dnsPolicy", 6, "", .default_json = "\"ClusterFirst\"",
	    .one_of = "ClusterFirst|ClusterFirstWithHostNet|Default|None"),
	ROW(STRING, "nodeSelector", 7, "", .shape = FIELD_MAP, .flags = FIELD_MAP_ATOMIC),
	ROW(STRING, "serviceAccountName", 8, "", .format = FORMAT_DNS_SUBDOMAIN),
	ROW(STRING, "serviceAccount", 9, ""),
	ROW(BOOL, "automountServiceAccountToken", 21, "", .flags = FIELD_POINTER),
	ROW(STRING, "nodeName", 10, "", .format = FORMAT_DNS_SUBDOMAIN),
	ROW(BOOL, "hostNetwork", 11, ""),
	ROW(BOOL, "hostPID", 12, ""),
	ROW(BOOL, "hostIPC", 13, ""),
	ROW(BOOL, "shareProcessNamespace", 27, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "securityContext", 14, "", .message = &type_pod_security_context,
	    .flags = FIELD_POINTER, .default_json = "{}"),
	ROW(MESSAGE, "imagePullSecrets", 15, "", .shape = FIELD_LIST,
	    .message = &type_local_object_reference, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(STRING, "hostname", 16, "", .format = FORMAT_DNS_LABEL),
	ROW(STRING, "subdomain", 17, "", .format = FORMAT_DNS_LABEL),
	ROW(MESSAGE, "affinity", 18, "", .message = &type_affinity, .flags = FIELD_POINTER),
	ROW(STRING, "schedulerName", 19, "", .default_json = "\"default-scheduler\"",
	    .format = FORMAT_QUALIFIED_NAME),
	ROW(MESSAGE, "tolerations", 22, "", .shape = FIELD_LIST, .message = &type_toleration,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "hostAliases", 23, "", .shape = FIELD_LIST, .message = &type_host_alias,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "ip", .list_keys = "ip"),
	ROW(STRING, "priorityClassName", 24, ""),
	ROW(INT32, "priority", 25, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "dnsConfig", 26, "", .message = &type_pod_dns_config, .flags = FIELD_POINTER),
	ROW(MESSAGE, "readinessGates", 28, "", .shape = FIELD_LIST,
	    .message = &type_pod_readiness_gate, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "runtimeClassName", 29, "", .flags = FIELD_POINTER),
	ROW(BOOL, "enableServiceLinks", 30, "", .flags = FIELD_POINTER),
	ROW(STRING, "preemptionPolicy", 31, "", .flags = FIELD_POINTER,
	    .one_of = "Never|PreemptLowerPriority"),
	ROW(QUANTITY, "overhead", 32, "", .shape = FIELD_MAP),
	ROW(MESSAGE, "topologySpreadConstraints", 33, "", .shape = FIELD_LIST,
	    .message = &type_topology_spread_constraint,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "topologyKey",
	    .list_keys = "topologyKey,whenUnsatisfiable"),
	ROW(BOOL, "setHostnameAsFQDN", 35, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "os", 36, "", .message = &type_pod_os, .flags = FIELD_POINTER),
	ROW(BOOL, "hostUsers", 37, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "schedulingGates", 38, "", .shape = FIELD_LIST,
	    .message = &type_pod_scheduling_gate, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "resourceClaims", 39, "", .shape = FIELD_LIST,
	    .message = &type_pod_resource_claim,
	    .flags = FIELD_PATCH_MERGE | FIELD_PATCH_RETAIN_KEYS | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "resources", 40, "", .message = &type_resource_requirements,
	    .flags = FIELD_POINTER),
	ROW(STRING, "hostnameOverride", 41, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "workloadRef", 42, "", .message = &type_workload_reference,
	    .flags = FIELD_POINTER),
};

const struct type type_pod_spec = {
	.name = "io.k8s.api.core.v1.PodSpec",
	.doc = "",
	SCHEMA_TABLE(pod_spec_fields),
	.complete = pod_spec_complete,
};

static const struct field pod_template_spec_fields[] = {
	ROW(MESSAGE, "metadata", 1, "", .message = &type_object_meta),
	ROW(MESSAGE, "spec", 2, "", .message = &type_pod_spec),
};

const struct type type_pod_template_spec = {
	.name = "io.k8s.api.core.v1.PodTemplateSpec",
	.doc = "",
	SCHEMA_TABLE(pod_template_spec_fields),
};
