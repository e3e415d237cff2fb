/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT, and what PATCH shares with it: the wanted object meets the one that is there. Each part of
 * an object has its own door: a plain write leaves the status alone, a write of the status leaves
 * the rest alone (but for labels and annotations), and only `finalize` changes a namespace's
 * finalizers.
 */
#include "api/admission.h"
#include "api/call.h"
#include "api/intern.h"
#include "api/messages.h"
#include "api/status.h"
#include "api/write.h"
#include "object/kinds.h"
#include "json/json.h"

/* What the client says it has seen must be what is there. */
static json_t *check_precondition(struct write *write, const json_t *old, const json_t *wanted)
{
	const char *revision = json_string_at(wanted, "metadata.resourceVersion");
	const char *uid = json_string_at(wanted, "metadata.uid");
	const char *old_uid = json_string_at(old, "metadata.uid");

	if (uid[0] != '\0' && strcmp(uid, old_uid) != 0) {
		return status_conflict(write->kind, write->name,
				       "Precondition failed: UID in precondition: %s, UID in "
				       "object meta: %s",
				       uid, old_uid);
	}
	if (revision[0] == '\0' || strcmp(revision, "0") == 0) {
		return NULL;
	}
	if (strcmp(revision, json_string_at(old, "metadata.resourceVersion")) != 0) {
		return status_modified(write->kind, write->name);
	}
	return NULL;
}

static void take_member(json_t *to, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value != NULL) {
		json_object_set(to, key, value);
	} else {
		json_object_del(to, key);
	}
}

/* `old` with the status (labels, annotations) of `wanted`. */
static json_t *with_status(const json_t *old, const json_t *wanted)
{
	json_t *object = json_deep_copy(old);
	json_t *meta = json_object_get(object, "metadata");
	const json_t *wanted_meta = json_object_get(wanted, "metadata");

	take_member(object, wanted, "status");
	take_member(meta, wanted_meta, "labels");
	take_member(meta, wanted_meta, "annotations");
	return object;
}

static json_t *with_finalizers(const json_t *old, const json_t *wanted)
{
	json_t *object = json_deep_copy(old);
	json_t *finalizers = json_at(wanted, "spec.finalizers");

	json_put(object, "spec.finalizers",
		 finalizers != NULL ? json_incref(finalizers) : json_array());
	return object;
}

/* What was decided of a request for a certificate; the certificate itself comes with the status. */
static json_t *with_approval(const json_t *old, const json_t *wanted)
{
	json_t *object = json_deep_copy(old);
	json_t *conditions = json_at(wanted, "status.conditions");

	json_put(object, "status.conditions",
		 conditions != NULL ? json_deep_copy(conditions) : json_array());
	return object;
}

static json_t *pick_part(struct write *write, const json_t *old, json_t *wanted)
{
	if (write->part == PART_STATUS) {
		return with_status(old, wanted);
	}
	if (write->part == PART_APPROVAL) {
		return with_approval(old, wanted);
	}
	if (write->part == PART_FINALIZE) {
		return with_finalizers(old, wanted);
	}
	if (write->kind->flags & KIND_STATUS) {
		take_member(wanted, old, "status");
	}
	if (write->kind == &kind_namespace) {
		take_member(wanted, old, "spec");
	}
	return json_incref(wanted);
}

json_t *write_merge(struct write *write, const json_t *old, json_t *wanted, json_t **ret)
{
	json_t *refusal = check_precondition(write, old, wanted);
	if (refusal != NULL) {
		json_decref(wanted);
		return refusal;
	}
	_cleanup_json_ json_t *object = pick_part(write, old, wanted);
	json_decref(wanted);
	refusal = admit_update(write, object, old);
	if (refusal != NULL) {
		return refusal;
	}
	/* The last finalizer of an object that is being deleted is gone: so is the object. */
	if (json_at(old, "metadata.deletionTimestamp") != NULL &&
	    is_released(write->kind, object)) {
		write->remove = true;
		if (write->kind == &kind_service) {
			addresses_withdraw(write->api->addresses, object, &write->reservation);
		}
	}
	*ret = json_incref(object);
	return NULL;
}

json_t *update_change(struct write *write, const json_t *old, json_t **ret)
{
	if (old == NULL) {
		if ((write->kind->flags & KIND_CREATE_ON_UPDATE) && write->part == PART_WHOLE &&
		    json_string_at(write->body, "metadata.uid")[0] == '\0') {
			return create_change(write, old, ret);
		}
		return status_not_found(write->kind, write->name);
	}
	if (!(write->kind->flags & KIND_UNCONDITIONAL_UPDATE) && write->part == PART_WHOLE &&
	    json_string_at(write->body, "metadata.resourceVersion")[0] == '\0') {
		_cleanup_json_ json_t *zero = json_integer(0);
		return status_invalid_field(write->kind, write->name, FIELD_ERROR_INVALID,
					    "metadata.resourceVersion", zero,
					    "must be specified for an update");
	}
	return write_merge(write, old, json_deep_copy(write->body), ret);
}

static json_t *check_identity(struct call *call, json_t *object)
{
	const char *name = json_string_at(object, "metadata.name");
	const char *space = json_string_at(object, "metadata.namespace");

	if (name[0] != '\0' && !str_is(call->name, name)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "the name of the object (%s) does not match the name on the URL "
				  "(%.*s)",
				  name, STR_ARG(call->name));
	}
	if (space[0] != '\0' && !str_is(call->space, space)) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "the namespace of the object (%s) does not match the namespace "
				  "on the request (%.*s)",
				  space, STR_ARG(call->space));
	}
	return NULL;
}

static void update(struct call *call, const struct kind *body_kind, write_change_fn change,
		   enum part part)
{
	json_t *object = NULL;

	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	json_t *refusal = body_object(call, body_kind, &object);
	if (refusal == NULL) {
		refusal = check_identity(call, object);
	}
	if (refusal != NULL) {
		json_decref(object);
		answer_refused(call, refusal);
		return;
	}
	call_write(call, change, part, object, PATCH_MERGE);
}

void verb_update(struct call *call)
{
	update(call, call->kind, update_change,
	       str_is(call->part, "status") ? PART_STATUS : PART_WHOLE);
}

void verb_update_scale(struct call *call)
{
	update(call, &kind_scale, scale_update_change, PART_SCALE);
}

void verb_approve(struct call *call)
{
	update(call, call->kind, update_change, PART_APPROVAL);
}

void verb_finalize(struct call *call)
{
	update(call, call->kind, update_change, PART_FINALIZE);
}
