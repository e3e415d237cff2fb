/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "object/field_errors.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * Where a pod may run: node and pod affinity, tolerations, spreading.
 */

static void node_selector_requirement_check(const json_t *requirement, const char *path,
					    struct field_errors *errors)
{
	const json_t *operator= json_object_get(requirement, "operator");
	const char *text = json_string_at(requirement, "operator");
	size_t n = json_array_size(json_object_get(requirement, "values"));

	if (strcmp(text, "In") == 0 || strcmp(text, "NotIn") == 0) {
		if (n == 0) {
			field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL,
					  "must be specified when `operator` is 'In' or 'NotIn'",
					  "%s.values", path);
		}
	} else if (strcmp(text, "Exists") == 0 || strcmp(text, "DoesNotExist") == 0) {
		if (n > 0) {
			field_errors_addf(errors, FIELD_ERROR_FORBIDDEN, NULL,
					  "may not be specified when `operator` is 'Exists' or "
					  "'DoesNotExist'",
					  "%s.values", path);
		}
	} else if (strcmp(text, "Gt") == 0 || strcmp(text, "Lt") == 0) {
		if (n != 1) {
			field_errors_addf(errors, FIELD_ERROR_REQUIRED, NULL,
					  "must be specified single value when `operator` is 'Lt' "
					  "or 'Gt'",
					  "%s.values", path);
		}
	} else {
		field_errors_addf(errors, FIELD_ERROR_INVALID, operator,
				  "not a valid selector operator", "%s.operator", path);
	}
}

static const struct field node_selector_requirement_fields[] = {
	ROW(STRING, "key", 1, "Label or field that the condition is about.",
	    .flags = FIELD_REQUIRED),
	ROW(STRING, "operator", 2, "In, NotIn, Exists, DoesNotExist, Gt or Lt.",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "values", 3, "Values to compare with; one number for Gt and Lt.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_node_selector_requirement = {
	.name = "io.k8s.api.core.v1.NodeSelectorRequirement",
	.doc = "One condition on a node's label or field.",
	SCHEMA_TABLE(node_selector_requirement_fields),
	.check = node_selector_requirement_check,
};

static const struct field node_selector_term_fields[] = {
	ROW(MESSAGE, "matchExpressions", 1, "Conditions on labels.", .shape = FIELD_LIST,
	    .message = &type_node_selector_requirement, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "matchFields", 2, "Conditions on fields; metadata.name is the one there is.",
	    .shape = FIELD_LIST, .message = &type_node_selector_requirement,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_node_selector_term = {
	.name = "io.k8s.api.core.v1.NodeSelectorTerm",
	.doc = "Conditions on a node, all of which must hold; empty matches nothing.",
	SCHEMA_TABLE(node_selector_term_fields),
	.atomic = true,
};

static const struct field node_selector_fields[] = {
	ROW(MESSAGE, "nodeSelectorTerms", 1, "The terms.", .shape = FIELD_LIST,
	    .message = &type_node_selector_term, .flags = FIELD_REQUIRED | FIELD_LIST_ATOMIC),
};

const struct type type_node_selector = {
	.name = "io.k8s.api.core.v1.NodeSelector",
	.doc = "Terms of which one must hold.",
	SCHEMA_TABLE(node_selector_fields),
	.atomic = true,
};

static const struct field preferred_scheduling_term_fields[] = {
	ROW(INT32, "weight", 1, "How much, from 1 to 100.", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "preference", 2, "What the node should be like.",
	    .message = &type_node_selector_term, .flags = FIELD_EXPECTED),
};

static const struct type type_preferred_scheduling_term = {
	.name = "io.k8s.api.core.v1.PreferredSchedulingTerm",
	.doc = "A node the pod would like.",
	SCHEMA_TABLE(preferred_scheduling_term_fields),
};

static const struct field node_affinity_fields[] = {
	ROW(MESSAGE, "requiredDuringSchedulingIgnoredDuringExecution", 1,
	    "What a node must be like to get the pod.", .message = &type_node_selector,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "preferredDuringSchedulingIgnoredDuringExecution", 2,
	    "What a node should be like, with weights.", .shape = FIELD_LIST,
	    .message = &type_preferred_scheduling_term, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_node_affinity = {
	.name = "io.k8s.api.core.v1.NodeAffinity",
	.doc = "Nodes the pod needs or likes.",
	SCHEMA_TABLE(node_affinity_fields),
};

static const struct field pod_affinity_term_fields[] = {
	ROW(MESSAGE, "labelSelector", 1, "Labels of those pods.", .message = &type_label_selector,
	    .flags = FIELD_POINTER),
	ROW(STRING, "namespaces", 2,
	    "Namespaces to look in; the pod's own when nothing else is said.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "topologyKey", 3, "Node label whose equal values mean \"near\".",
	    .flags = FIELD_REQUIRED, .format = FORMAT_QUALIFIED_NAME),
	ROW(MESSAGE, "namespaceSelector", 4, "Labels of further namespaces to look in.",
	    .message = &type_label_selector, .flags = FIELD_POINTER),
	ROW(STRING, "matchLabelKeys", 5,
	    "Labels of this pod whose values the others must have too.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "mismatchLabelKeys", 6,
	    "Labels of this pod whose values the others must not have.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_affinity_term = {
	.name = "io.k8s.api.core.v1.PodAffinityTerm",
	.doc = "Other pods that this one wants near, or far.",
	SCHEMA_TABLE(pod_affinity_term_fields),
};

static const struct field weighted_pod_affinity_term_fields[] = {
	ROW(INT32, "weight", 1, "How much, from 1 to 100.", .flags = FIELD_EXPECTED),
	ROW(MESSAGE, "podAffinityTerm", 2, "The wish.", .message = &type_pod_affinity_term,
	    .flags = FIELD_EXPECTED),
};

static const struct type type_weighted_pod_affinity_term = {
	.name = "io.k8s.api.core.v1.WeightedPodAffinityTerm",
	.doc = "A wish about other pods, with a weight.",
	SCHEMA_TABLE(weighted_pod_affinity_term_fields),
};

static const struct field pod_affinity_fields[] = {
	ROW(MESSAGE, "requiredDuringSchedulingIgnoredDuringExecution", 1,
	    "Terms that must all hold on the node.", .shape = FIELD_LIST,
	    .message = &type_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "preferredDuringSchedulingIgnoredDuringExecution", 2,
	    "Terms that should hold, with weights.", .shape = FIELD_LIST,
	    .message = &type_weighted_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_affinity = {
	.name = "io.k8s.api.core.v1.PodAffinity",
	.doc = "Pods to be near to.",
	SCHEMA_TABLE(pod_affinity_fields),
};

static const struct field pod_anti_affinity_fields[] = {
	ROW(MESSAGE, "requiredDuringSchedulingIgnoredDuringExecution", 1,
	    "Terms none of which may hold on the node.", .shape = FIELD_LIST,
	    .message = &type_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
	ROW(MESSAGE, "preferredDuringSchedulingIgnoredDuringExecution", 2,
	    "Terms that should not hold, with weights.", .shape = FIELD_LIST,
	    .message = &type_weighted_pod_affinity_term, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_pod_anti_affinity = {
	.name = "io.k8s.api.core.v1.PodAntiAffinity",
	.doc = "Pods to be far from.",
	SCHEMA_TABLE(pod_anti_affinity_fields),
};

static const struct field affinity_fields[] = {
	ROW(MESSAGE, "nodeAffinity", 1, "Nodes it needs or likes.", .message = &type_node_affinity,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "podAffinity", 2, "Pods it wants near.", .message = &type_pod_affinity,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "podAntiAffinity", 3, "Pods it wants far.", .message = &type_pod_anti_affinity,
	    .flags = FIELD_POINTER),
};

const struct type type_affinity = {
	.name = "io.k8s.api.core.v1.Affinity",
	.doc = "Where the pod needs or likes to run.",
	SCHEMA_TABLE(affinity_fields),
};

/* Without a key a toleration is for everything, and then there is no value to compare. */
static void toleration_check(const json_t *toleration, const char *path,
			     struct field_errors *errors)
{
	const char *operator= json_string_at(toleration, "operator");
	const char *effect = json_string_at(toleration, "effect");
	bool exists = strcmp(operator, "Exists") == 0;

	if (json_string_at(toleration, "key")[0] == '\0' && !exists) {
		rule_error_text(errors, FIELD_ERROR_INVALID, operator,
				"operator must be Exists when `key` is empty, which means \"match "
				"all values and all keys\"",
				"%s.operator", path);
	}
	if (exists && json_string_at(toleration, "value")[0] != '\0') {
		field_errors_addf(errors, FIELD_ERROR_INVALID, json_object_get(toleration, "value"),
				  "value must be empty when `operator` is 'Exists'", "%s.operator",
				  path);
	}
	if (json_object_get(toleration, "tolerationSeconds") != NULL &&
	    strcmp(effect, "NoExecute") != 0) {
		rule_error_text(errors, FIELD_ERROR_INVALID, effect,
				"effect must be 'NoExecute' when `tolerationSeconds` is set",
				"%s.effect", path);
	}
}

static const struct field toleration_fields[] = {
	ROW(STRING, "key", 1, "Key of the taint; empty, with Exists, for every taint.",
	    .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "operator", 2, "Exists for any value, Equal to compare it.",
	    .one_of = "Equal|Exists"),
	ROW(STRING, "value", 3, "Value of the taint, for Equal."),
	ROW(STRING, "effect", 4, "Effect of the taint; empty for every effect.",
	    .one_of = "NoExecute|NoSchedule|PreferNoSchedule"),
	ROW(INT64, "tolerationSeconds", 5,
	    "Seconds until a NoExecute taint ends the pod after all.", .flags = FIELD_POINTER),
};

const struct type type_toleration = {
	.name = "io.k8s.api.core.v1.Toleration",
	.doc = "A taint of nodes that the pod puts up with.",
	SCHEMA_TABLE(toleration_fields),
	.check = toleration_check,
};

static void topology_spread_constraint_check(const json_t *constraint, const char *path,
					     struct field_errors *errors)
{
	rule_at_least_one(constraint, "maxSkew", path, errors);
	if (json_object_get(constraint, "minDomains") != NULL) {
		rule_at_least_one(constraint, "minDomains", path, errors);
	}
}

static const struct field topology_spread_constraint_fields[] = {
	ROW(INT32, "maxSkew", 1, "By how many pods two places may differ.",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "topologyKey", 2, "Node label whose values are the places.",
	    .flags = FIELD_REQUIRED, .format = FORMAT_QUALIFIED_NAME),
	ROW(STRING, "whenUnsatisfiable", 3,
	    "DoNotSchedule to wait, ScheduleAnyway to do what is possible.",
	    .flags = FIELD_REQUIRED, .one_of = "DoNotSchedule|ScheduleAnyway"),
	ROW(MESSAGE, "labelSelector", 4, "Labels of the pods that are counted.",
	    .message = &type_label_selector, .flags = FIELD_POINTER),
	ROW(INT32, "minDomains", 5, "Places there must be before fewer pods count as even.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "nodeAffinityPolicy", 6,
	    "Whether only nodes the pod may run on are counted: Honor or Ignore.",
	    .flags = FIELD_POINTER, .one_of = "Honor|Ignore"),
	ROW(STRING, "nodeTaintsPolicy", 7, "Whether tainted nodes are left out: Honor or Ignore.",
	    .flags = FIELD_POINTER, .one_of = "Honor|Ignore"),
	ROW(STRING, "matchLabelKeys", 8,
	    "Labels of this pod whose values the counted pods must have too.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
};

const struct type type_topology_spread_constraint = {
	.name = "io.k8s.api.core.v1.TopologySpreadConstraint",
	.doc = "How evenly pods are spread over zones, nodes and the like.",
	SCHEMA_TABLE(topology_spread_constraint_fields),
	.check = topology_spread_constraint_check,
};
