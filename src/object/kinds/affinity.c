/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/types.h"

static const struct field node_selector_requirement_fields[] = {
	ROW(STRING, "key", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "operator", 2, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "values", 3, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_node_selector_requirement = {
	.name = "io.k8s.api.core.v1.NodeSelectorRequirement",
	.doc = "",
	SCHEMA_TABLE(node_selector_requirement_fields),
};

static const struct field node_selector_term_fields[] = {
	ROW(MESSAGE, "matchExpressions", 1, "", .shape = FIELD_LIST,
	    .message = &type_node_selector_requirement, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "matchFields", 2, "", .shape = FIELD_LIST,
	    .message = &type_node_selector_requirement, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_node_selector_term = {
	.name = "io.k8s.api.core.v1.NodeSelectorTerm",
	.doc = "",
	SCHEMA_TABLE(node_selector_term_fields),
	.atomic = true,
};

static const struct field node_selector_fields[] = {
	ROW(MESSAGE, "nodeSelectorTerms", 1, "", .shape = FIELD_LIST,
	    .message = &type_node_selector_term, .flags = FIELD_REQUIRED | FIELD_LIST_ATOMIC),
};

static const struct type type_node_selector = {
	.name = "io.k8s.api.core.v1.NodeSelector",
	.doc = "",
	SCHEMA_TABLE(node_selector_fields),
	.atomic = true,
};

static const struct field preferred_scheduling_term_fields[] = {
	ROW(INT32, "weight", 1, "", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "preference", 2, "", .message = &type_node_selector_term,
	    .flags = FIELD_EXPECTED),
};

static const struct type type_preferred_scheduling_term = {
	.name = "io.k8s.api.core.v1.PreferredSchedulingTerm",
	.doc = "",
	SCHEMA_TABLE(preferred_scheduling_term_fields),
};

static const struct field node_affinity_fields[] = {
	ROW(MESSAGE, "requiredDuringSchedulingIgnoredDuringExecution", 1, "",
	    .message = &type_node_selector, .flags = FIELD_POINTER),
	ROW(MESSAGE, "preferredDuringSchedulingIgnoredDuringExecution", 2, "", .shape = FIELD_LIST,
	    .message = &type_preferred_scheduling_term, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_node_affinity = {
	.name = "io.k8s.api.core.v1.NodeAffinity",
	.doc = "",
	SCHEMA_TABLE(node_affinity_fields),
};

static const struct field pod_affinity_term_fields[] = {
	ROW(MESSAGE, "labelSelector", 1, "", .message = &type_label_selector,
	    .flags = FIELD_POINTER),
	ROW(STRING, "namespaces", 2, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "topologyKey", 3, "", .flags = FIELD_REQUIRED, .format = FORMAT_QUALIFIED_NAME),
	ROW(MESSAGE, "namespaceSelector", 4, "", .message = &type_label_selector,
	    .flags = FIELD_POINTER),
	ROW(STRING, "matchLabelKeys", 5, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "mismatchLabelKeys", 6, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_affinity_term = {
	.name = "io.k8s.api.core.v1.PodAffinityTerm",
	.doc = "",
	SCHEMA_TABLE(pod_affinity_term_fields),
};

static const struct field weighted_pod_affinity_term_fields[] = {
	ROW(INT32, "weight", 1, "", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "podAffinityTerm", 2, "", .message = &type_pod_affinity_term,
	    .flags = FIELD_EXPECTED),
};

static const struct type type_weighted_pod_affinity_term = {
	.name = "io.k8s.api.core.v1.WeightedPodAffinityTerm",
	.doc = "",
	SCHEMA_TABLE(weighted_pod_affinity_term_fields),
};

static const struct field pod_affinity_fields[] = {
	ROW(MESSAGE, "requiredDuringSchedulingIgnoredDuringExecution", 1, "", .shape = FIELD_LIST,
	    .message = &type_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "preferredDuringSchedulingIgnoredDuringExecution", 2, "", .shape = FIELD_LIST,
	    .message = &type_weighted_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_affinity = {
	.name = "io.k8s.api.core.v1.PodAffinity",
	.doc = "",
	SCHEMA_TABLE(pod_affinity_fields),
};

static const struct field pod_anti_affinity_fields[] = {
	ROW(MESSAGE, "requiredDuringSchedulingIgnoredDuringExecution", 1, "", .shape = FIELD_LIST,
	    .message = &type_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "preferredDuringSchedulingIgnoredDuringExecution", 2, "", .shape = FIELD_LIST,
	    .message = &type_weighted_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_anti_affinity = {
	.name = "io.k8s.api.core.v1.PodAntiAffinity",
	.doc = "",
	SCHEMA_TABLE(pod_anti_affinity_fields),
};

static const struct field affinity_fields[] = {
	ROW(MESSAGE, "nodeAffinity", 1, "", .message = &type_node_affinity, .flags = FIELD_POINTER),
	ROW(MESSAGE, "podAffinity", 2, "", .message = &type_pod_affinity, .flags = FIELD_POINTER),
	ROW(MESSAGE, "podAntiAffinity", 3, "", .message = &type_pod_anti_affinity,
	    .flags = FIELD_POINTER),
};

const struct type type_affinity = {
	.name = "io.k8s.api.core.v1.Affinity",
	.doc = "",
	SCHEMA_TABLE(affinity_fields),
};

static const struct field toleration_fields[] = {
	ROW(STRING, "key", 1, "", .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "operator", 2, "", .one_of = "Equal|Exists"),
	ROW(STRING, "value", 3, ""),
	ROW(STRING, "effect", 4, "", .one_of = "NoExecute|NoSchedule|PreferNoSchedule"),
	ROW(INT64, "tolerationSeconds", 5, "", .flags = FIELD_POINTER),
};

const struct type type_toleration = {
	.name = "io.k8s.api.core.v1.Toleration",
	.doc = "",
	SCHEMA_TABLE(toleration_fields),
};

static const struct field topology_spread_constraint_fields[] = {
	ROW(INT32, "maxSkew", 1, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "topologyKey", 2, "", .flags = FIELD_REQUIRED, .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "whenUnsatisfiable", 3, "", .flags = FIELD_REQUIRED,
	    .one_of = "DoNotSchedule|ScheduleAnyway"),
	ROW(MESSAGE, "labelSelector", 4, "", .message = &type_label_selector,
	    .flags = FIELD_POINTER),
	ROW(INT32, "minDomains", 5, "", .flags = FIELD_POINTER),
	ROW(STRING, "nodeAffinityPolicy", 6, "", .flags = FIELD_POINTER, .one_of = "Honor|Ignore"),
	ROW(STRING, "nodeTaintsPolicy", 7, "", .flags = FIELD_POINTER, .one_of = "Honor|Ignore"),
	ROW(STRING, "matchLabelKeys", 8, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

const struct type type_topology_spread_constraint = {
	.name = "io.k8s.api.core.v1.TopologySpreadConstraint",
	.doc = "",
	SCHEMA_TABLE(topology_spread_constraint_fields),
};
