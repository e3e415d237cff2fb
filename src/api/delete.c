/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DELETE. An object goes at once, unless something holds it: a finalizer (its own, or one that the
 * propagation policy asks for), a namespace's content, or a pod's grace. Then it only gets a
 * deletionTimestamp, and goes when the last hold is gone (update.c) or somebody deletes it with
 * grace 0.
 */
#include "api/admission.h"
#include "api/call.h"
#include "api/intern.h"
#include "api/messages.h"
#include "api/status.h"
#include "api/write.h"
#include "object/kinds.h"
#include "json/json.h"

#define FINALIZER_ORPHAN "orphan"
#define FINALIZER_FOREGROUND "foregroundDeletion"

enum { GRACE_DEFAULT = 30 };

static json_t *check_preconditions(struct write *write, const json_t *old)
{
	const char *uid = json_string_at(write->body, "preconditions.uid");
	const char *revision = json_string_at(write->body, "preconditions.resourceVersion");
	const char *old_uid = json_string_at(old, "metadata.uid");
	const char *old_revision = json_string_at(old, "metadata.resourceVersion");

	if (uid[0] != '\0' && strcmp(uid, old_uid) != 0) {
		return status_conflict(write->kind, write->name,
				       "the UID in the precondition (%s) does not match the UID "
				       "in record (%s). The object might have been deleted and "
				       "then recreated",
				       uid, old_uid);
	}
	if (revision[0] != '\0' && strcmp(revision, old_revision) != 0) {
		return status_conflict(write->kind, write->name,
				       "the ResourceVersion in the precondition (%s) does not "
				       "match the ResourceVersion in record (%s). The object "
				       "might have been modified",
				       revision, old_revision);
	}
	return NULL;
}

static void set_finalizer(json_t *object, const char *name, bool wanted)
{
	json_t *finalizers = json_at(object, "metadata.finalizers");
	size_t n = json_array_size(finalizers);
	bool there = false;

	for (size_t i = n; i-- > 0;) {
		if (strcmp(json_string_value(json_array_get(finalizers, i)), name) == 0) {
			there = true;
			if (!wanted) {
				json_array_remove(finalizers, i);
			}
		}
	}
	if (wanted && !there) {
		if (!json_is_array(finalizers)) {
			finalizers = json_array();
			json_put(object, "metadata.finalizers", finalizers);
		}
		json_array_append_new(finalizers, json_string(name));
	}
	if (json_array_size(json_at(object, "metadata.finalizers")) == 0) {
		json_remove(object, "metadata.finalizers");
	}
}

static void apply_policy(struct write *write, json_t *object)
{
	const json_t *orphan = json_object_get(write->body, "orphanDependents");
	const char *policy = json_string_at(write->body, "propagationPolicy");

	if (orphan != NULL) {
		policy = json_is_true(orphan) ? "Orphan" : "Background";
	}
	if (policy[0] != '\0') {
		set_finalizer(object, FINALIZER_ORPHAN, strcmp(policy, "Orphan") == 0);
		set_finalizer(object, FINALIZER_FOREGROUND, strcmp(policy, "Foreground") == 0);
	}
}

/* Seconds that the object has left to end; only pods have any. */
static int64_t grace_of(struct write *write, const json_t *object)
{
	const char *phase = json_string_at(object, "status.phase");

	if (!(write->kind->flags & KIND_GRACEFUL)) {
		return 0;
	}
	/* Nobody runs it, or it has ended already: there is nothing to wait for. */
	if (json_string_at(object, "spec.nodeName")[0] == '\0' || strcmp(phase, "Failed") == 0 ||
	    strcmp(phase, "Succeeded") == 0) {
		return 0;
	}
	int64_t grace = json_int_at(object, "spec.terminationGracePeriodSeconds", GRACE_DEFAULT);
	grace = json_int_at(write->body, "gracePeriodSeconds", grace);
	return grace >= 0 ? grace : 1;
}

static void mark(struct write *write, json_t *object, int64_t grace)
{
	int64_t generation = json_int_at(object, "metadata.generation", 0);

	json_put(object, "metadata.deletionTimestamp", timestamp_after(write->api, grace));
	json_put(object, "metadata.deletionGracePeriodSeconds", json_integer(grace));
	if (generation > 0) {
		json_put(object, "metadata.generation", json_integer(generation + 1));
	}
	if (write->kind == &kind_namespace) {
		json_put(object, "status.phase", json_string("Terminating"));
	}
}

/* A second delete may only shorten what is left of the first one's grace. */
static void shorten(struct write *write, json_t *object)
{
	int64_t before = json_int_at(object, "metadata.deletionGracePeriodSeconds", 0);
	int64_t grace = json_int_at(write->body, "gracePeriodSeconds", before);
	int64_t at;

	grace = grace >= 0 ? grace : 1;
	if (grace >= before ||
	    timestamp_parse(json_string_at(object, "metadata.deletionTimestamp"), &at) != 0) {
		return;
	}
	char text[TIMESTAMP_TEXT];
	timestamp_format(at / (int64_t)NS_PER_S - before + grace, text);
	json_put(object, "metadata.deletionTimestamp", json_string(text));
	json_put(object, "metadata.deletionGracePeriodSeconds", json_integer(grace));
}

json_t *delete_change(struct write *write, const json_t *old, json_t **ret)
{
	if (old == NULL) {
		return status_not_found(write->kind, write->name);
	}
	json_t *refusal = check_preconditions(write, old);
	if (refusal == NULL) {
		refusal = admit_delete(write, old);
	}
	if (refusal != NULL) {
		return refusal;
	}
	_cleanup_json_ json_t *object = json_deep_copy(old);
	apply_policy(write, object);
	write->bare = write->part == PART_EVICTION;
	if (json_at(object, "metadata.deletionTimestamp") != NULL) {
		shorten(write, object);
	} else {
		int64_t grace = grace_of(write, object);
		if (grace > 0 || !is_released(write->kind, object)) {
			mark(write, object, grace);
			*ret = json_incref(object);
			return NULL;
		}
	}
	if (is_released(write->kind, object)) {
		write->remove = true;
		write->bare = true;
		if (write->kind == &kind_service) {
			addresses_withdraw(write->api->addresses, object, &write->reservation);
		}
	}
	*ret = json_incref(object);
	return NULL;
}

static json_t *options_of_eviction(struct call *call, json_t **ret)
{
	_cleanup_json_ json_t *eviction = NULL;

	if (call->exchange->body.n == 0) {
		*ret = json_object();
		return NULL;
	}
	json_t *refusal = body_object(call, &kind_eviction, &eviction);
	if (refusal == NULL) {
		json_t *options = json_object_get(eviction, "deleteOptions");
		*ret = options != NULL ? json_incref(options) : json_object();
	}
	return refusal;
}

static void remove_one(struct call *call, json_t *(*read)(struct call *call, json_t **ret),
		       enum part part)
{
	json_t *options = NULL;

	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	json_t *refusal = read(call, &options);
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	call_write(call, delete_change, part, options, PATCH_MERGE);
}

void verb_delete(struct call *call)
{
	remove_one(call, body_delete_options, PART_WHOLE);
}

/* pods/eviction. There are no disruption budgets, so an eviction is a delete. */
void verb_evict(struct call *call)
{
	remove_one(call, options_of_eviction, PART_EVICTION);
}
