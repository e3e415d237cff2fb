/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/pod_rules.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A stateful set: numbered pods that keep their names, their volumes and their order. Its headless
 * Service (spec.serviceName) gives each of them a DNS name.
 */

static const struct field rolling_update_stateful_set_strategy_fields[] = {
	ROW(INT32, "partition", 1,
	    "First ordinal that is updated; pods below keep the old template.",
	    .flags = FIELD_POINTER, .format = FORMAT_NON_NEGATIVE),
	ROW(INT_OR_STRING, "maxUnavailable", 2,
	    "Pods that may be missing, as a number or a percentage.", .flags = FIELD_POINTER,
	    .format = FORMAT_PERCENT_OR_INT),
};

static const struct type type_rolling_update_stateful_set_strategy = {
	.name = "io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy",
	.doc = "How far a rolling update goes.",
	SCHEMA_TABLE(rolling_update_stateful_set_strategy_fields),
};

/* Rolling is the default, from the last ordinal down to the first. */
static void stateful_set_update_strategy_complete(json_t *strategy)
{
	if (json_string_at(strategy, "type")[0] == '\0') {
		json_object_set_new(strategy, "type", json_string("RollingUpdate"));
		if (json_object_get(strategy, "rollingUpdate") == NULL) {
			json_object_set_new(strategy, "rollingUpdate", json_object());
		}
	}
	if (strcmp(json_string_at(strategy, "type"), "RollingUpdate") == 0 &&
	    json_object_get(strategy, "rollingUpdate") != NULL &&
	    json_at(strategy, "rollingUpdate.partition") == NULL) {
		json_put(strategy, "rollingUpdate.partition", json_integer(0));
	}
}

static const struct field stateful_set_update_strategy_fields[] = {
	ROW(STRING, "type", 1,
	    "RollingUpdate, or OnDelete to replace only what is deleted by hand."),
	ROW(MESSAGE, "rollingUpdate", 2, "How far a rolling update goes.",
	    .message = &type_rolling_update_stateful_set_strategy, .flags = FIELD_POINTER),
};

static const struct type type_stateful_set_update_strategy = {
	.name = "io.k8s.api.apps.v1.StatefulSetUpdateStrategy",
	.doc = "How pods of an old template are replaced.",
	SCHEMA_TABLE(stateful_set_update_strategy_fields),
	.complete = stateful_set_update_strategy_complete,
};

static const struct field stateful_set_persistent_volume_claim_retention_policy_fields[] = {
	ROW(STRING, "whenDeleted", 1, "With the set deleted: Retain or Delete.",
	    .default_json = "\"Retain\"", .one_of = "Delete|Retain"),
	ROW(STRING, "whenScaled", 2, "With the pod scaled away: Retain or Delete.",
	    .default_json = "\"Retain\"", .one_of = "Delete|Retain"),
};

static const struct type type_stateful_set_persistent_volume_claim_retention_policy = {
	.name = "io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy",
	.doc = "What becomes of claims.",
	SCHEMA_TABLE(stateful_set_persistent_volume_claim_retention_policy_fields),
};

static const struct field stateful_set_ordinals_fields[] = {
	ROW(INT32, "start", 1, "Number of the first pod.", .format = FORMAT_NON_NEGATIVE),
};

static const struct type type_stateful_set_ordinals = {
	.name = "io.k8s.api.apps.v1.StatefulSetOrdinals",
	.doc = "How pods are numbered.",
	SCHEMA_TABLE(stateful_set_ordinals_fields),
};

static const struct field stateful_set_spec_fields[] = {
	ROW(INT32, "replicas", 1, "Pods that are wanted.", .flags = FIELD_POINTER,
	    .default_json = "1", .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "selector", 2,
	    "Labels of the pods; must match the template and cannot change.",
	    .message = &type_label_selector, .flags = FIELD_REQUIRED | FIELD_POINTER),
	ROW(MESSAGE, "template", 3, "What the pods look like; a change starts a rollout.",
	    .message = &type_pod_template_spec, .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "volumeClaimTemplates", 4,
	    "Claims that each pod gets and keeps, named TEMPLATE-POD.", .shape = FIELD_LIST,
	    .message = &type_persistent_volume_claim, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "serviceName", 5,
	    "Headless Service that gives the pods their DNS names; make it yourself.",
	    .format = FORMAT_DNS_LABEL_1035),
	ROW(STRING, "podManagementPolicy", 6,
	    "OrderedReady for one after the other, Parallel for all at once.",
	    .default_json = "\"OrderedReady\"", .one_of = "OrderedReady|Parallel"),
	ROW(MESSAGE, "updateStrategy", 7, "How pods of an old template are replaced.",
	    .message = &type_stateful_set_update_strategy, .default_json = "{}"),
	ROW(INT32, "revisionHistoryLimit", 8, "Old templates to keep for rollbacks.",
	    .flags = FIELD_POINTER, .default_json = "10", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "minReadySeconds", 9, "Seconds a pod must be ready to count as available.",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "persistentVolumeClaimRetentionPolicy", 10,
	    "What becomes of claims that are no longer used.",
	    .message = &type_stateful_set_persistent_volume_claim_retention_policy,
	    .flags = FIELD_POINTER,
	    .default_json = "{\"whenDeleted\":\"Retain\",\"whenScaled\":\"Retain\"}"),
	ROW(MESSAGE, "ordinals", 11, "How the pods are numbered.",
	    .message = &type_stateful_set_ordinals, .flags = FIELD_POINTER),
};

static const struct type type_stateful_set_spec = {
	.name = "io.k8s.api.apps.v1.StatefulSetSpec",
	.doc = "How many numbered pods, of which template, under which names.",
	SCHEMA_TABLE(stateful_set_spec_fields),
};

static const struct field stateful_set_condition_fields[] = {
	ROW(STRING, "type", 1, "Aspect that this is about.", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_EXPECTED),
	ROW(TIME, "lastTransitionTime", 3, "When the status last changed."),
	ROW(STRING, "reason", 4, "Why it last changed, in one word for programs."),
	ROW(STRING, "message", 5, "Why it last changed, in a sentence for people."),
};

static const struct type type_stateful_set_condition = {
	.name = "io.k8s.api.apps.v1.StatefulSetCondition",
	.doc = "One aspect of a stateful set's state.",
	SCHEMA_TABLE(stateful_set_condition_fields),
};

static const struct field stateful_set_status_fields[] = {
	ROW(INT64, "observedGeneration", 1, "Generation that the controller has acted on."),
	ROW(INT32, "replicas", 2, "Pods that exist.", .flags = FIELD_EXPECTED,
	    .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "readyReplicas", 3, "Pods that are ready."),
	ROW(INT32, "currentReplicas", 4, "Pods made from currentRevision."),
	ROW(INT32, "updatedReplicas", 5, "Pods made from updateRevision."),
	ROW(STRING, "currentRevision", 6, "Template that pods had before the update under way."),
	ROW(STRING, "updateRevision", 7, "Template that pods get now."),
	ROW(INT32, "collisionCount", 9,
	    "Counts clashes of names of revisions, to avoid the next one.", .flags = FIELD_POINTER),
	ROW(MESSAGE, "conditions", 10, "Aspects of the stateful set's state.", .shape = FIELD_LIST,
	    .message = &type_stateful_set_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
	ROW(INT32, "availableReplicas", 11, "Pods that have been ready for minReadySeconds."),
};

static const struct type type_stateful_set_status = {
	.name = "io.k8s.api.apps.v1.StatefulSetStatus",
	.doc = "How far a stateful set is.",
	SCHEMA_TABLE(stateful_set_status_fields),
};

static const struct field stateful_set_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What is wanted.", .message = &type_stateful_set_spec),
	ROW(MESSAGE, "status", 3, "How far it is.", .message = &type_stateful_set_status),
};

static const struct type type_stateful_set = {
	.name = "io.k8s.api.apps.v1.StatefulSet",
	.doc = "Numbered pods that keep their names, their volumes and their order.",
	SCHEMA_TABLE(stateful_set_fields),
};

static json_t *cell_ready(const json_t *set, int64_t now)
{
	return cell_ratio(set, "status.readyReplicas", "spec.replicas");
}

static const struct column stateful_set_columns[] = {
	COLUMN_NAME,
	COLUMN("Ready", "string", cell_ready, "Pods that are ready, of those that are wanted."),
	COLUMN_AGE,
	COLUMN("Containers", "string", cell_template_containers, "Names of the containers.",
	       .priority = 1),
	COLUMN("Images", "string", cell_template_images, "Images of the containers.",
	       .priority = 1),
};

static void check_strategy(const json_t *set, struct field_errors *errors)
{
	const json_t *strategy = json_at(set, "spec.updateStrategy");
	const json_t *rolling = json_object_get(strategy, "rollingUpdate");
	const json_t *unavailable = json_object_get(rolling, "maxUnavailable");
	const char *type = json_string_at(strategy, "type");

	if (strcmp(type, "OnDelete") == 0) {
		if (rolling != NULL) {
			field_errors_add(errors, FIELD_ERROR_INVALID,
					 "spec.updateStrategy.rollingUpdate", rolling,
					 "only allowed for updateStrategy 'RollingUpdate'");
		}
	} else if (strcmp(type, "RollingUpdate") != 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.updateStrategy", strategy,
				 "must be 'RollingUpdate' or 'OnDelete'");
	} else if (json_is_integer(unavailable) && json_integer_value(unavailable) == 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID,
				 "spec.updateStrategy.rollingUpdate.maxUnavailable", unavailable,
				 "cannot be 0");
	}
}

static void stateful_set_check(const json_t *set, struct field_errors *errors)
{
	check_strategy(set, errors);
	rule_template(set, "statefulset", errors);
	rule_template_runs_forever(set, "StatefulSet", errors);
	pod_check_template(json_at(set, "spec.template"), json_at(set, "spec.volumeClaimTemplates"),
			   "spec.template.spec", errors);
}

/* Identity is for life: what names the pods and their volumes cannot change under them. */
static void stateful_set_check_update(const json_t *set, const json_t *old,
				      struct field_errors *errors)
{
	static const char *const allowed[] = {
		"replicas",
		"ordinals",
		"template",
		"updateStrategy",
		"revisionHistoryLimit",
		"persistentVolumeClaimRetentionPolicy",
		"minReadySeconds",
		NULL,
	};

	if (!rule_only_changes(json_object_get(set, "spec"), json_object_get(old, "spec"),
			       allowed)) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec", NULL,
				 "updates to statefulset spec for fields other than 'replicas', "
				 "'ordinals', 'template', 'updateStrategy', "
				 "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' "
				 "and 'minReadySeconds' are forbidden");
	}
}

const struct kind kind_stateful_set = {
	.group = "apps",
	.version = "v1",
	.kind = "StatefulSet",
	.plural = "statefulsets",
	.singular = "statefulset",
	.short_names = "sts",
	.categories = "all",
	.type = &type_stateful_set,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_SCALE | KIND_GENERATION |
		 KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_LABEL,
	.scale_replicas_path = "spec.replicas",
	.scale_status_replicas_path = "status.replicas",
	.scale_selector_path = "spec.selector",
	KIND_COLUMNS(stateful_set_columns),
	.check = stateful_set_check,
	.check_update = stateful_set_check_update,
};
