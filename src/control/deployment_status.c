/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a deployment says about itself, and how long it waits before it says that it is stuck.
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "control/deployment_intern.h"
#include "control/status.h"
#include "json/json.h"

/* Puts a condition unless one with this status and reason stands. */
static void put_condition(const struct rollout *rollout, json_t *conditions,
			  struct condition condition)
{
	const json_t *old = condition_find(conditions, condition.type);

	if (strcmp(json_string_at(old, "status"), condition.status) == 0 &&
	    strcmp(json_string_at(old, "reason"), condition.reason) == 0) {
		return;
	}
	condition.has_update_time = true;
	condition_set(rollout->view, conditions, &condition);
}

static void put_counts(const struct rollout *rollout, json_t *status)
{
	int64_t running = 0;
	int64_t ready = 0;
	int64_t available = 0;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		running += rollout->sets[i].running;
		ready += rollout->sets[i].ready;
		available += rollout->sets[i].available;
	}
	int64_t unavailable = rollout_total(rollout, true) - available;

	json_object_set_new(status, "observedGeneration",
			    json_integer(json_int_at(rollout->tree, "metadata.generation", 1)));
	status_count(status, "replicas", running);
	status_count(status, "updatedReplicas",
		     rollout->fresh != NULL ? rollout->fresh->running : 0);
	status_count(status, "readyReplicas", ready);
	status_count(status, "availableReplicas", available);
	status_count(status, "unavailableReplicas", unavailable > 0 ? unavailable : 0);
	status_count(status, "collisionCount", rollout->collisions);
}

static void put_available(const struct rollout *rollout, const json_t *status, json_t *conditions)
{
	bool enough = json_int_at(status, "availableReplicas", 0) >=
		      rollout->replicas - rollout->max_unavailable;

	put_condition(rollout, conditions,
		      enough ? (struct condition){ "Available", "True", "MinimumReplicasAvailable",
						   "Deployment has minimum availability." }
			     : (struct condition){
				       "Available", "False", "MinimumReplicasUnavailable",
				       "Deployment does not have minimum availability." });
}

/* The first ReplicaFailure of its ReplicaSets, the newest one's before others. */
static void put_replica_failure(const struct rollout *rollout, json_t *conditions)
{
	const json_t *found = NULL;

	for (size_t i = 0; i < rollout->n_sets; i++) {
		const struct rollout_set *set = &rollout->sets[i];
		const json_t *failure = set->object != NULL
						? condition_find(json_at(object_tree(set->object),
									 "status.conditions"),
								 "ReplicaFailure")
						: NULL;

		if (failure != NULL && (found == NULL || set == rollout->fresh)) {
			found = failure;
		}
	}
	if (found == NULL) {
		condition_remove(conditions, "ReplicaFailure");
		return;
	}
	put_condition(rollout, conditions,
		      (struct condition){ "ReplicaFailure", json_string_at(found, "status"),
					  json_string_at(found, "reason"),
					  json_string_at(found, "message") });
}

bool rollout_is_complete(const struct rollout *rollout, const json_t *status)
{
	return json_int_at(status, "updatedReplicas", 0) == rollout->replicas &&
	       json_int_at(status, "replicas", 0) == rollout->replicas &&
	       json_int_at(status, "availableReplicas", 0) == rollout->replicas &&
	       json_int_at(status, "observedGeneration", 0) >=
		       json_int_at(rollout->tree, "metadata.generation", 1);
}

/* More updated, ready or available pods, or fewer old ones, than the status that stands says. */
static bool has_progressed(const json_t *old, const json_t *status)
{
	int64_t updated = json_int_at(status, "updatedReplicas", 0);
	int64_t updated_before = json_int_at(old, "updatedReplicas", 0);

	return updated > updated_before ||
	       json_int_at(status, "replicas", 0) - updated <
		       json_int_at(old, "replicas", 0) - updated_before ||
	       json_int_at(status, "readyReplicas", 0) > json_int_at(old, "readyReplicas", 0) ||
	       json_int_at(status, "availableReplicas", 0) >
		       json_int_at(old, "availableReplicas", 0);
}

/* Nanoseconds until the deadline since the last progress; ≤ 0: has passed. */
static int64_t until_deadline(const struct rollout *rollout, const json_t *progressing)
{
	return status_time_at(progressing, "lastUpdateTime", rollout->view->now) +
	       rollout->deadline * (int64_t)NS_PER_S - rollout->view->now;
}

/* `format` has two %s: what the message is about, and its name. */
static const char *progress_message(const struct rollout *rollout, struct buffer *buffer,
				    const char *what)
{
	bool set = rollout->fresh != NULL;

	buffer_clear(buffer);
	buffer_printf(buffer, "%s \"%s\" %s", set ? "ReplicaSet" : "Deployment",
		      set ? rollout->fresh->name : json_string_at(rollout->tree, "metadata.name"),
		      what);
	return buffer_text(buffer);
}

static void judge_progress(struct rollout *rollout, const json_t *status, json_t *conditions)
{
	struct buffer buffer _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *standing = condition_find(conditions, "Progressing");
	const char *reason = json_string_at(standing, "reason");
	struct condition progress = { .type = "Progressing", .status = "True" };

	if (rollout_is_complete(rollout, status)) {
		progress.reason = "NewReplicaSetAvailable";
		progress.message =
			progress_message(rollout, &buffer, "has successfully progressed.");
		put_condition(rollout, conditions, progress);
	} else if (has_progressed(json_object_get(rollout->tree, "status"), status)) {
		/* Every sign of progress starts the deadline anew. */
		progress.reason = "ReplicaSetUpdated";
		progress.message = progress_message(rollout, &buffer, "is progressing.");
		progress.has_update_time = true;
		condition_set(rollout->view, conditions, &progress);
	} else if (standing != NULL && strcmp(reason, "NewReplicaSetAvailable") != 0 &&
		   until_deadline(rollout, standing) < 0) {
		progress.status = "False";
		progress.reason = "ProgressDeadlineExceeded";
		progress.message = progress_message(rollout, &buffer, "has timed out progressing.");
		put_condition(rollout, conditions, progress);
	}
}

/* The step that this reconcile has taken, before progress is judged. */
static void put_step(const struct rollout *rollout, json_t *conditions)
{
	struct buffer buffer _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	const struct rollout_set *fresh = rollout->fresh;
	bool created = fresh != NULL && fresh->object == NULL;

	if (!created && (fresh == NULL || condition_find(conditions, "Progressing") != NULL)) {
		return;
	}
	buffer_printf(&buffer, "%s new replica set \"%s\"", created ? "Created" : "Found",
		      fresh->name);
	put_condition(rollout, conditions,
		      (struct condition){ "Progressing", "True",
					  created ? "NewReplicaSetCreated" : "FoundNewReplicaSet",
					  buffer_text(&buffer) });
}

static void put_paused(const struct rollout *rollout, json_t *conditions)
{
	const char *reason = json_string_at(condition_find(conditions, "Progressing"), "reason");
	bool was = strcmp(reason, "DeploymentPaused") == 0;

	if (strcmp(reason, "ProgressDeadlineExceeded") == 0) {
		return;
	}
	if (rollout->paused && !was) {
		put_condition(rollout, conditions,
			      (struct condition){ "Progressing", "Unknown", "DeploymentPaused",
						  "Deployment is paused" });
	} else if (!rollout->paused && was) {
		put_condition(rollout, conditions,
			      (struct condition){ "Progressing", "Unknown", "DeploymentResumed",
						  "Deployment is resumed" });
	}
}

static void put_progress(struct rollout *rollout, bool rolling, const json_t *status,
			 json_t *conditions)
{
	put_paused(rollout, conditions);
	if (!rolling) {
		return;
	}
	put_step(rollout, conditions);

	const json_t *progressing = condition_find(conditions, "Progressing");
	bool done = strcmp(json_string_at(progressing, "reason"), "NewReplicaSetAvailable") == 0 &&
		    json_int_at(status, "replicas", 0) == json_int_at(status, "updatedReplicas", 0);

	if (!done) {
		judge_progress(rollout, status, conditions);
	}
	progressing = condition_find(conditions, "Progressing");
	if (progressing != NULL && !rollout_is_complete(rollout, status) &&
	    strcmp(json_string_at(progressing, "reason"), "ProgressDeadlineExceeded") != 0 &&
	    strcmp(json_string_at(progressing, "reason"), "NewReplicaSetAvailable") != 0) {
		int64_t wait = until_deadline(rollout, progressing);

		/* A second more, because times in conditions are whole seconds. */
		plan_requeue(rollout->plan, (wait > 0 ? (uint64_t)wait : 0) + NS_PER_S);
	}
}

static json_t *copy_conditions(const struct rollout *rollout)
{
	const json_t *old = json_at(rollout->tree, "status.conditions");

	return old != NULL ? json_deep_copy(old) : json_array();
}

void rollout_plan_status(struct rollout *rollout, bool rolling)
{
	json_t *status = json_object();
	json_t *conditions = copy_conditions(rollout);

	put_counts(rollout, status);
	put_available(rollout, status, conditions);
	put_replica_failure(rollout, conditions);
	if (rollout->deadline == 0) {
		condition_remove(conditions, "Progressing");
	} else {
		put_progress(rollout, rolling, status, conditions);
	}
	json_object_set_new(status, "conditions", conditions);
	status_plan(rollout->plan, rollout->object, status);
}

void rollout_plan_create_error(struct rollout *rollout, const char *set_name)
{
	struct buffer buffer _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	json_t *status = json_copy(json_object_get(rollout->tree, "status"));
	json_t *conditions = copy_conditions(rollout);

	buffer_printf(&buffer, "Failed to create new replica set \"%s\": %s", set_name,
		      rollout->view->failure);
	put_condition(rollout, conditions,
		      (struct condition){ "Progressing", "False", "ReplicaSetCreateError",
					  buffer_text(&buffer) });
	if (status == NULL) {
		status = json_object();
	}
	json_object_set_new(status, "conditions", conditions);
	status_plan(rollout->plan, rollout->object, status);
}
