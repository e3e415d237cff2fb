/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * The spec of a pod: what it runs, where it may run, and what it is called. Containers, volumes and
 * affinity have files of their own.
 */

static const struct field host_alias_fields[] = {
	ROW(STRING, "ip", 1, "Address.", .flags = FIELD_REQUIRED, .format = FORMAT_IP),
	ROW(STRING, "hostnames", 2, "Names of the address.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC, .format = FORMAT_DNS_SUBDOMAIN),
};

static const struct type type_host_alias = {
	.name = "io.k8s.api.core.v1.HostAlias",
	.doc = "A line of the pod's /etc/hosts.",
	SCHEMA_TABLE(host_alias_fields),
};

static const struct field pod_dns_config_option_fields[] = {
	ROW(STRING, "name", 1, "Name of the option, such as ndots."),
	ROW(STRING, "value", 2, "Value of the option.", .flags = FIELD_POINTER),
};

static const struct type type_pod_dns_config_option = {
	.name = "io.k8s.api.core.v1.PodDNSConfigOption",
	.doc = "An option of resolv.conf.",
	SCHEMA_TABLE(pod_dns_config_option_fields),
};

static const struct field pod_dns_config_fields[] = {
	ROW(STRING, "nameservers", 1, "Addresses of name servers.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "searches", 2, "Domains to look up short names in.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "options", 3, "Options of the resolver.", .shape = FIELD_LIST,
	    .message = &type_pod_dns_config_option, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_dns_config = {
	.name = "io.k8s.api.core.v1.PodDNSConfig",
	.doc = "Lines of the pod's resolv.conf beside those of its dnsPolicy.",
	SCHEMA_TABLE(pod_dns_config_fields),
};

static const struct field pod_readiness_gate_fields[] = {
	ROW(STRING, "conditionType", 1, "Type of the condition in status.conditions.",
	    .flags = FIELD_EXPECTED, .format = FORMAT_QUALIFIED_NAME),
};

static const struct type type_pod_readiness_gate = {
	.name = "io.k8s.api.core.v1.PodReadinessGate",
	.doc = "A condition that must hold before the pod is ready.",
	SCHEMA_TABLE(pod_readiness_gate_fields),
};

static const struct field pod_os_fields[] = {
	ROW(STRING, "name", 1, "linux or windows.", .flags = FIELD_REQUIRED,
	    .one_of = "linux|windows"),
};

static const struct type type_pod_os = {
	.name = "io.k8s.api.core.v1.PodOS",
	.doc = "The operating system of the containers.",
	SCHEMA_TABLE(pod_os_fields),
};

static const struct field pod_scheduling_gate_fields[] = {
	ROW(STRING, "name", 1, "Name of the gate; taken off by whoever put it on.",
	    .flags = FIELD_REQUIRED, .format = FORMAT_QUALIFIED_NAME),
};

static const struct type type_pod_scheduling_gate = {
	.name = "io.k8s.api.core.v1.PodSchedulingGate",
	.doc = "Something that holds the scheduler back.",
	SCHEMA_TABLE(pod_scheduling_gate_fields),
};

static const struct field pod_resource_claim_fields[] = {
	ROW(STRING, "name", 1, "Name that containers refer to.", .flags = FIELD_REQUIRED),
	ROW(STRING, "resourceClaimName", 3, "Claim that exists.", .flags = FIELD_POINTER),
	ROW(STRING, "resourceClaimTemplateName", 4,
	    "Template that a claim is made from for this pod.", .flags = FIELD_POINTER),
};

static const struct type type_pod_resource_claim = {
	.name = "io.k8s.api.core.v1.PodResourceClaim",
	.doc = "Devices the pod needs.",
	SCHEMA_TABLE(pod_resource_claim_fields),
};

static const struct field workload_reference_fields[] = {
	ROW(STRING, "name", 1, "Name of the workload.", .flags = FIELD_REQUIRED),
	ROW(STRING, "podGroup", 2, "Group of pods in the workload.", .flags = FIELD_REQUIRED),
	ROW(STRING, "podGroupReplicaKey", 3, "Which replica of the group, when there are several."),
};

static const struct type type_workload_reference = {
	.name = "io.k8s.api.core.v1.WorkloadReference",
	.doc = "The workload whose pods are scheduled together with this one.",
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
	ROW(MESSAGE, "volumes", 1, "Directories and devices that containers can mount.",
	    .shape = FIELD_LIST, .message = &type_volume,
	    .flags = FIELD_PATCH_MERGE | FIELD_PATCH_RETAIN_KEYS | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "initContainers", 20,
	    "Containers that run one after the other before the rest starts.", .shape = FIELD_LIST,
	    .message = &type_container, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "containers", 2, "Containers that run side by side; at least one.",
	    .shape = FIELD_LIST, .message = &type_container,
	    .flags = FIELD_REQUIRED | FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "name",
	    .list_keys = "name"),
	ROW(MESSAGE, "ephemeralContainers", 34,
	    "Containers added for debugging; only through their subresource.", .shape = FIELD_LIST,
	    .message = &type_ephemeral_container, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(STRING, "restartPolicy", 3,
	    "What to do when a container ends: Always, OnFailure or Never.",
	    .default_json = "\"Always\"", .one_of = "Always|Never|OnFailure"),
	ROW(INT64, "terminationGracePeriodSeconds", 4,
	    "Seconds between the stop signal and the kill.", .flags = FIELD_POINTER,
	    .default_json = "30", .format = FORMAT_NON_NEGATIVE),
	ROW(INT64, "activeDeadlineSeconds", 5, "Seconds after which the pod is ended as failed.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "dnsPolicy", 6,
	    "Where resolv.conf comes from: ClusterFirst, Default, None and so on.",
	    .default_json = "\"ClusterFirst\"",
	    .one_of = "ClusterFirst|ClusterFirstWithHostNet|Default|None"),
	ROW(STRING, "nodeSelector", 7, "Labels that a node must have to get the pod.",
	    .shape = FIELD_MAP, .flags = FIELD_MAP_ATOMIC),
	ROW(STRING, "serviceAccountName", 8, "Service account the pod acts as.",
	    .format = FORMAT_DNS_SUBDOMAIN),
	ROW(STRING, "serviceAccount", 9, "Old name of serviceAccountName."),
	ROW(BOOL, "automountServiceAccountToken", 21,
	    "Whether a token of the service account is mounted.", .flags = FIELD_POINTER),
	ROW(STRING, "nodeName", 10, "Node the pod is bound to; set by the scheduler.",
	    .format = FORMAT_DNS_SUBDOMAIN),
	ROW(BOOL, "hostNetwork", 11, "Use the node's network and addresses."),
	ROW(BOOL, "hostPID", 12, "See the node's processes."),
	ROW(BOOL, "hostIPC", 13, "Share the node's IPC."),
	ROW(BOOL, "shareProcessNamespace", 27, "Let the containers see each other's processes.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "securityContext", 14, "What the processes of all containers may do.",
	    .message = &type_pod_security_context, .flags = FIELD_POINTER, .default_json = "{}"),
	ROW(MESSAGE, "imagePullSecrets", 15, "Secrets for the registries of the images.",
	    .shape = FIELD_LIST, .message = &type_local_object_reference,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "name", .list_keys = "name"),
	ROW(STRING, "hostname", 16,
	    "Host name in the pod and, with subdomain, in DNS; the pod's name when empty.",
	    .format = FORMAT_DNS_LABEL),
	ROW(STRING, "subdomain", 17,
	    "Headless Service that gives the pod the name HOSTNAME.SUBDOMAIN in DNS.",
	    .format = FORMAT_DNS_LABEL),
	ROW(MESSAGE, "affinity", 18, "Where the pod needs or likes to run.",
	    .message = &type_affinity, .flags = FIELD_POINTER),
	ROW(STRING, "schedulerName", 19, "Scheduler that places the pod.",
	    .default_json = "\"default-scheduler\"", .format = FORMAT_QUALIFIED_NAME),
	ROW(MESSAGE, "tolerations", 22, "Taints of nodes that the pod puts up with.",
	    .shape = FIELD_LIST, .message = &type_toleration, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "hostAliases", 23, "Lines added to /etc/hosts.", .shape = FIELD_LIST,
	    .message = &type_host_alias, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "ip", .list_keys = "ip"),
	ROW(STRING, "priorityClassName", 24, "Class that the pod's priority comes from."),
	ROW(INT32, "priority", 25, "Who goes first when room is short; higher wins.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "dnsConfig", 26, "Lines of resolv.conf beside those of dnsPolicy.",
	    .message = &type_pod_dns_config, .flags = FIELD_POINTER),
	ROW(MESSAGE, "readinessGates", 28,
	    "Conditions that must hold, beside ready containers, for the pod to be ready.",
	    .shape = FIELD_LIST, .message = &type_pod_readiness_gate, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "runtimeClassName", 29, "Runtime that runs the containers.",
	    .flags = FIELD_POINTER),
	ROW(BOOL, "enableServiceLinks", 30,
	    "Whether Services of the namespace become environment variables.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "preemptionPolicy", 31, "Whether other pods may be ended for this one.",
	    .flags = FIELD_POINTER, .one_of = "Never|PreemptLowerPriority"),
	ROW(QUANTITY, "overhead", 32,
	    "What the pod uses beside its containers; from the runtime class.", .shape = FIELD_MAP),
	ROW(MESSAGE, "topologySpreadConstraints", 33, "How evenly pods like this one are spread.",
	    .shape = FIELD_LIST, .message = &type_topology_spread_constraint,
	    .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP, .merge_key = "topologyKey",
	    .list_keys = "topologyKey,whenUnsatisfiable"),
	ROW(BOOL, "setHostnameAsFQDN", 35, "Make the host name in the pod its full DNS name.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "os", 36, "Operating system of the containers.", .message = &type_pod_os,
	    .flags = FIELD_POINTER),
	ROW(BOOL, "hostUsers", 37, "false gives the pod user IDs of its own.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "schedulingGates", 38, "What holds the scheduler back.", .shape = FIELD_LIST,
	    .message = &type_pod_scheduling_gate, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "resourceClaims", 39, "Devices the pod needs.", .shape = FIELD_LIST,
	    .message = &type_pod_resource_claim,
	    .flags = FIELD_PATCH_MERGE | FIELD_PATCH_RETAIN_KEYS | FIELD_LIST_MAP,
	    .merge_key = "name", .list_keys = "name"),
	ROW(MESSAGE, "resources", 40, "What the pod as a whole may use, and what it is promised.",
	    .message = &type_resource_requirements, .flags = FIELD_POINTER),
	ROW(STRING, "hostnameOverride", 41, "Host name inside the pod only; DNS does not know it.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "workloadRef", 42, "Workload whose pods are scheduled together with this one.",
	    .message = &type_workload_reference, .flags = FIELD_POINTER),
};

const struct type type_pod_spec = {
	.name = "io.k8s.api.core.v1.PodSpec",
	.doc = "What a pod runs, where, and under what names.",
	SCHEMA_TABLE(pod_spec_fields),
	.complete = pod_spec_complete,
};

static const struct field pod_template_spec_fields[] = {
	ROW(MESSAGE, "metadata", 1, "Labels and annotations of the pods.",
	    .message = &type_object_meta),
	ROW(MESSAGE, "spec", 2, "Spec of the pods.", .message = &type_pod_spec),
};

const struct type type_pod_template_spec = {
	.name = "io.k8s.api.core.v1.PodTemplateSpec",
	.doc = "What the pods made from a template look like.",
	SCHEMA_TABLE(pod_template_spec_fields),
};
