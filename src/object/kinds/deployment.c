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
 * A deployment: replica sets, one for each template it had, and the rules of moving from one to the
 * next.
 */

static const struct field rolling_update_deployment_fields[] = {
	ROW(INT_OR_STRING, "maxUnavailable", 1,
	    "Pods that may be missing, as a number or a percentage.", .flags = FIELD_POINTER,
	    .format = FORMAT_PERCENT_OR_INT),
	ROW(INT_OR_STRING, "maxSurge", 2, "Pods that may be too many, as a number or a percentage.",
	    .flags = FIELD_POINTER, .format = FORMAT_PERCENT_OR_INT),
};

static const struct type type_rolling_update_deployment = {
	.name = "io.k8s.api.apps.v1.RollingUpdateDeployment",
	.doc = "How far a rolling update may go at a time.",
	SCHEMA_TABLE(rolling_update_deployment_fields),
};

/* Rolling is the default, a quarter at a time. */
static void deployment_strategy_complete(json_t *strategy)
{
	if (json_string_at(strategy, "type")[0] == '\0') {
		json_object_set_new(strategy, "type", json_string("RollingUpdate"));
	}
	if (strcmp(json_string_at(strategy, "type"), "RollingUpdate") != 0) {
		return;
	}
	if (json_at(strategy, "rollingUpdate.maxUnavailable") == NULL) {
		json_put(strategy, "rollingUpdate.maxUnavailable", json_string("25%"));
	}
	if (json_at(strategy, "rollingUpdate.maxSurge") == NULL) {
		json_put(strategy, "rollingUpdate.maxSurge", json_string("25%"));
	}
}

static const struct field deployment_strategy_fields[] = {
	ROW(STRING, "type", 1, "RollingUpdate, or Recreate to end all old pods first.",
	    .one_of = "Recreate|RollingUpdate"),
	ROW(MESSAGE, "rollingUpdate", 2, "How far a rolling update may go at a time.",
	    .message = &type_rolling_update_deployment, .flags = FIELD_POINTER),
};

static const struct type type_deployment_strategy = {
	.name = "io.k8s.api.apps.v1.DeploymentStrategy",
	.doc = "How pods of an old template are replaced.",
	SCHEMA_TABLE(deployment_strategy_fields),
	.complete = deployment_strategy_complete,
};

static const struct field deployment_spec_fields[] = {
	ROW(INT32, "replicas", 1, "Pods that are wanted.", .flags = FIELD_POINTER,
	    .default_json = "1", .format = FORMAT_NON_NEGATIVE),
	ROW(MESSAGE, "selector", 2,
	    "Labels of the pods; must match the template and cannot change.",
	    .message = &type_label_selector,
	    .flags = FIELD_REQUIRED | FIELD_POINTER | FIELD_IMMUTABLE),
	ROW(MESSAGE, "template", 3, "What the pods look like; a change starts a rollout.",
	    .message = &type_pod_template_spec, .flags = FIELD_REQUIRED),
	ROW(MESSAGE, "strategy", 4, "How pods of an old template are replaced.",
	    .message = &type_deployment_strategy, .default_json = "{}",
	    .flags = FIELD_PATCH_RETAIN_KEYS),
	ROW(INT32, "minReadySeconds", 5, "Seconds a pod must be ready to count as available.",
	    .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "revisionHistoryLimit", 6, "Old replica sets to keep for rollbacks.",
	    .flags = FIELD_POINTER, .default_json = "10", .format = FORMAT_NON_NEGATIVE),
	ROW(BOOL, "paused", 7, "Whether changes of the template wait."),
	ROW(INT32, "progressDeadlineSeconds", 9,
	    "Seconds without progress after which a rollout has failed.", .flags = FIELD_POINTER,
	    .default_json = "600", .format = FORMAT_NON_NEGATIVE),
};

static const struct type type_deployment_spec = {
	.name = "io.k8s.api.apps.v1.DeploymentSpec",
	.doc = "How many pods, of which template, and how they are replaced.",
	SCHEMA_TABLE(deployment_spec_fields),
};

static const struct field deployment_condition_fields[] = {
	ROW(STRING, "type", 1, "Available, Progressing or ReplicaFailure.",
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "status", 2, "Whether it holds: True, False or Unknown.",
	    .flags = FIELD_EXPECTED),
	ROW(TIME, "lastUpdateTime", 6, "When the condition was last written."),
	ROW(TIME, "lastTransitionTime", 7, "When the status last changed."),
	ROW(STRING, "reason", 4, "Why it last changed, in one word for programs."),
	ROW(STRING, "message", 5, "Why it last changed, in a sentence for people."),
};

static const struct type type_deployment_condition = {
	.name = "io.k8s.api.apps.v1.DeploymentCondition",
	.doc = "One aspect of a deployment's state.",
	SCHEMA_TABLE(deployment_condition_fields),
};

static const struct field deployment_status_fields[] = {
	ROW(INT64, "observedGeneration", 1, "Generation that the controller has acted on."),
	ROW(INT32, "replicas", 2, "Pods that exist.", .format = FORMAT_NON_NEGATIVE),
	ROW(INT32, "updatedReplicas", 3, "Pods made from the current template."),
	ROW(INT32, "readyReplicas", 7, "Pods that are ready."),
	ROW(INT32, "availableReplicas", 4, "Pods that have been ready for minReadySeconds."),
	ROW(INT32, "unavailableReplicas", 5, "Pods that are still missing."),
	ROW(INT32, "terminatingReplicas", 9, "Pods that are ending.", .flags = FIELD_POINTER),
	ROW(MESSAGE, "conditions", 6, "Aspects of the deployment's state.", .shape = FIELD_LIST,
	    .message = &type_deployment_condition, .flags = FIELD_PATCH_MERGE | FIELD_LIST_MAP,
	    .merge_key = "type", .list_keys = "type"),
	ROW(INT32, "collisionCount", 8,
	    "Counts clashes of names of replica sets, to avoid the next one.",
	    .flags = FIELD_POINTER),
};

static const struct type type_deployment_status = {
	.name = "io.k8s.api.apps.v1.DeploymentStatus",
	.doc = "How far a deployment is.",
	SCHEMA_TABLE(deployment_status_fields),
};

static const struct field deployment_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "What is wanted.", .message = &type_deployment_spec),
	ROW(MESSAGE, "status", 3, "How far it is.", .message = &type_deployment_status),
};

static const struct type type_deployment = {
	.name = "io.k8s.api.apps.v1.Deployment",
	.doc = "Pods without identity, replaced step by step when their template changes.",
	SCHEMA_TABLE(deployment_fields),
};

static json_t *cell_ready(const json_t *deployment, int64_t now)
{
	return cell_ratio(deployment, "status.readyReplicas", "spec.replicas");
}

static json_t *cell_updated(const json_t *deployment, int64_t now)
{
	return cell_int_at(deployment, "status.updatedReplicas");
}

static json_t *cell_available(const json_t *deployment, int64_t now)
{
	return cell_int_at(deployment, "status.availableReplicas");
}

static const struct column deployment_columns[] = {
	COLUMN_NAME,
	COLUMN("Ready", "string", cell_ready, "Pods that are ready, of those that are wanted."),
	COLUMN("Up-to-date", "string", cell_updated, "Pods made from the current template."),
	COLUMN("Available", "string", cell_available, "Pods that have been ready long enough."),
	COLUMN_AGE,
	COLUMN("Containers", "string", cell_template_containers, "Names of the containers.",
	       .priority = 1),
	COLUMN("Images", "string", cell_template_images, "Images of the containers.",
	       .priority = 1),
	COLUMN("Selector", "string", cell_label_selector, "Labels of its pods.", .priority = 1),
};

static bool is_zero(const json_t *value)
{
	if (json_is_string(value)) {
		return strcmp(json_string_value(value), "0%") == 0;
	}
	return json_integer_value(value) == 0;
}

/* Without a pod more or a pod less, nothing can ever move. */
static void check_strategy(const json_t *deployment, struct field_errors *errors)
{
	const json_t *strategy = json_at(deployment, "spec.strategy");
	const json_t *rolling = json_object_get(strategy, "rollingUpdate");
	const char *type = json_string_at(strategy, "type");

	if (strcmp(type, "Recreate") == 0 && rolling != NULL) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.strategy.rollingUpdate", NULL,
				 "may not be specified when strategy `type` is 'Recreate'");
	} else if (strcmp(type, "RollingUpdate") == 0 && rolling != NULL &&
		   is_zero(json_object_get(rolling, "maxUnavailable")) &&
		   is_zero(json_object_get(rolling, "maxSurge"))) {
		field_errors_add(errors, FIELD_ERROR_INVALID,
				 "spec.strategy.rollingUpdate.maxUnavailable",
				 json_object_get(rolling, "maxUnavailable"),
				 "may not be 0 when `maxSurge` is 0");
	}
}

static void deployment_check(const json_t *deployment, struct field_errors *errors)
{
	const json_t *deadline = json_at(deployment, "spec.progressDeadlineSeconds");

	check_strategy(deployment, errors);
	rule_template(deployment, "deployment", errors);
	rule_template_runs_forever(deployment, "ReplicaSet", errors);
	pod_check_template(json_at(deployment, "spec.template"), NULL, "spec.template.spec",
			   errors);
	if (deadline != NULL &&
	    json_integer_value(deadline) <= json_int_at(deployment, "spec.minReadySeconds", 0)) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.progressDeadlineSeconds",
				 deadline, "must be greater than minReadySeconds");
	}
}

const struct kind kind_deployment = {
	.group = "apps",
	.version = "v1",
	.kind = "Deployment",
	.plural = "deployments",
	.singular = "deployment",
	.short_names = "deploy",
	.categories = "all",
	.type = &type_deployment,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_SCALE | KIND_GENERATION |
		 KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	.scale_replicas_path = "spec.replicas",
	.scale_status_replicas_path = "status.replicas",
	.scale_selector_path = "spec.selector",
	KIND_COLUMNS(deployment_columns),
	.check = deployment_check,
};
