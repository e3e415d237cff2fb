/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/pod_rules.h"
#include "object/kinds/rules.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A replica set: so many pods of one template.
 */

static const struct field replica_set_spec_fields[] = {
	ROW(INT32, "replicas", 1, "Pods that are wanted.", .flags = FIELD_POINTER,
	    .default_json = "1", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "minReadySeconds", 4, "Seconds a pod must be ready to count as available.",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "selector", 2,
	    "Labels of the pods; must match the template and cannot change.",
	    .message = &type_label_selector,
	    .flags = FIELD_REQUIRED | FIELD_POINTER | FIELD_IMMUTABLE),
	ROW(MESSAGE, "template", 3, "What new pods look like.", .message = &type_pod_template_spec,
	    .flags = FIELD_REQUIRED),
};

static const struct type type_replica_set_spec = {
	.name = "io.k8s.api.apps.v1.ReplicaSetSpec",
	.doc = "How many pods, of which template.",
	SCHEMA_TABLE(replica_set_spec_fields),
};

static const struct field replica_set_condition_fields[] = {
	ROW(STRING, "type", 1, "Aspect that this is about.", .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_EXPECTED),
	ROW(TIME, "lastTransitionTime", 3, "When the status last changed."),
	ROW(STRING, "reason", 4, "Why it last changed, in one word for programs."),
	ROW(STRING, "message", 5, "Why it last changed, in a sentence for people."),
};

static const struct type type_replica_set_condition = {
	.name = "io.k8s.api.apps.v1.ReplicaSetCondition",
	.doc = "One aspect of a replica set's state.",
	SCHEMA_TABLE(replica_set_condition_fields),
};

static const struct field replica_set_status_fields[] = {
	ROW(INT32, "replicas", 1, "Pods that exist.", .flags = FIELD_EXPECTED,
	    .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "fullyLabeledReplicas", 2, "Pods that have all labels of the template."),
	ROW(INT32, "readyReplicas", 4, "Pods that are ready."),
	ROW(INT32, "availableReplicas", 5, "Pods that have been ready for minReadySeconds."),
	ROW(INT32, "terminatingReplicas", 7, "Pods that are ending.", .flags = FIELD_POINTER),
	ROW(INT64, "observedGeneration", 3, "Generation that the controller has acted on."),
	ROW(MESSAGE, "conditions", 6, "Aspects of the replica set's state.", .shape = FIELD_LIST,
	    .message = &type_replica_set_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
};

static const struct type type_replica_set_status = {
	.name = "io.k8s.api.apps.v1.ReplicaSetStatus",
	.doc = "How far a replica set is.",
	SCHEMA_TABLE(replica_set_status_fields),
};

static const struct field replica_set_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What is wanted.", .message = &type_replica_set_spec),
	ROW(MESSAGE, "status", 3, "How far it is.", .message = &type_replica_set_status),
};

static const struct type type_replica_set = {
	.name = "io.k8s.api.apps.v1.ReplicaSet",
	.doc = "So many pods of one template.",
	SCHEMA_TABLE(replica_set_fields),
};

static json_t *cell_desired(const json_t *set, int64_t now)
{
	return cell_int_at(set, "spec.replicas");
}

static json_t *cell_current(const json_t *set, int64_t now)
{
	return cell_int_at(set, "status.replicas");
}

static json_t *cell_ready(const json_t *set, int64_t now)
{
	return cell_int_at(set, "status.readyReplicas");
}

static const struct column replica_set_columns[] = {
	COLUMN_NAME,
	COLUMN("Desired", "string", cell_desired, "Pods that are wanted."),
	COLUMN("Current", "string", cell_current, "Pods that exist."),
	COLUMN("Ready", "string", cell_ready, "Pods that are ready."),
	COLUMN_AGE,
	COLUMN("Containers", "string", cell_template_containers, "Names of the containers.",
	       .priority = 1),
	COLUMN("Images", "string", cell_template_images, "Images of the containers.",
	       .priority = 1),
	COLUMN("Selector", "string", cell_label_selector, "Labels of its pods.", .priority = 1),
};

static void select_replicas(const json_t *set, struct buffer *out)
{
	buffer_printf(out, "%lld", (long long)json_int_at(set, "status.replicas", 0));
}

static const struct selectable replica_set_selectables[] = {
	{ .name = "status.replicas", .value = select_replicas },
};

static void replica_set_check(const json_t *set, struct field_errors *errors)
{
	rule_template(set, "deployment", errors); /* the word of Kubernetes here too */
	rule_template_runs_forever(set, "ReplicaSet", errors);
	pod_check_template(json_at(set, "spec.template"), NULL, "spec.template.spec", errors);
}

const struct kind kind_replica_set = {
	.group = "apps",
	.version = "v1",
	.kind = "ReplicaSet",
	.plural = "replicasets",
	.singular = "replicaset",
	.short_names = "rs",
	.categories = "all",
	.type = &type_replica_set,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_SCALE | KIND_GENERATION |
		 KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	.scale_replicas_path = "spec.replicas",
	.scale_status_replicas_path = "status.replicas",
	.scale_selector_path = "spec.selector",
	KIND_COLUMNS(replica_set_columns),
	KIND_SELECTABLES(replica_set_selectables),
	.check = replica_set_check,
};
