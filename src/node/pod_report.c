/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API is told: the status, whenever it says something else than the one that stands, and
 * in the end that the object may go. One write is under way at a time and names the version that it
 * was made from, so it never undoes what somebody else wrote. What nobody waits for (the reason why
 * a container waits) is held back for a moment, so that it may go along with something better.
 */
#include "node/pod_intern.h"

#include <string.h>

#include "base/log.h"
#include "client/client.h"
#include "node/conditions.h"
#include "object/kinds.h"
#include "json/json.h"

#define COMPONENT "pod"

static const uint64_t gather_ns = 250 * NS_PER_MS;
static const uint64_t retry_first_ns = 200 * NS_PER_MS;
static const uint64_t retry_most_ns = 10 * NS_PER_S;

static void again_later(struct pod *pod)
{
	pod->report_ns = pod->report_ns == 0 ? retry_first_ns : 2 * pod->report_ns;
	pod->report_ns = pod->report_ns < retry_most_ns ? pod->report_ns : retry_most_ns;
	alarm_set(&pod->report, pod->report_ns);
}

static bool is_fine(const struct client_response *response)
{
	return response->code >= 200 && response->code < 300;
}

static void written(void *userdata, const struct client_response *response)
{
	struct pod *pod = userdata;

	pod->reporting = false;
	if (!pod->forgotten) {
		if (is_fine(response)) {
			pod->report_ns = 0;
			pod->told_revision =
				response->object != NULL ? response->object->revision : 0;
			if (response->object != NULL &&
			    strcmp(object_uid(response->object), pod->uid) == 0) {
				pod_renew(pod, response->object);
			}
		} else if (response->code != 404) {
			log_debug(COMPONENT, "%.*s/%.*s: status not written: %d %s",
				  STR_ARG(pod->object->space), POD_ARG(pod), response->code,
				  response->message != NULL ? response->message : "");
			again_later(pod);
		}
	}
	pod_release(pod);
}

/*
 * Whether there is something to tell. What a server makes of what it was told (it may leave out or
 * round) is no reason to tell it again.
 */
static bool has_news(const struct pod *pod, const json_t *status)
{
	if (!pod_status_differs(json_object_get(object_tree(pod->object), "status"), status)) {
		return false;
	}
	return pod->told == NULL || pod->object->revision != pod->told_revision ||
	       !json_equal(pod->told, status);
}

static void write_status(struct pod *pod, json_t *status)
{
	const char *revision = json_string_at(object_tree(pod->object), "metadata.resourceVersion");
	_cleanup_json_ json_t *body = json_pack("{s{ss ss} sO}", "metadata", "uid", pod->uid,
						"resourceVersion", revision, "status", status);
	struct client_request request = {
		.verb = CLIENT_PATCH_MERGE,
		.kind = &kind_pod,
		.space = pod->object->space,
		.name = pod->object->name,
		.subresource = "status",
		.body = body,
	};
	/* The names must outlive a call that brings a newer object at once. */
	struct object *object = object_ref(pod->object);

	json_decref(pod->told);
	pod->told = json_incref(status);
	pod->told_revision = 0;
	pod->reporting = true;
	pod_hold(pod);
	client_request(pod->world->client, &request, written, pod);
	object_unref(object);
}

/* Somebody waits for it: phase, addresses, readiness. */
static bool is_urgent(const json_t *before, const json_t *now)
{
	return strcmp(json_string_at(before, "phase"), json_string_at(now, "phase")) != 0 ||
	       strcmp(json_string_at(before, "podIP"), json_string_at(now, "podIP")) != 0 ||
	       json_object_get(before, "startTime") == NULL ||
	       pod_condition_is_true(json_object_get(before, "conditions"), "Ready") !=
		       pod_condition_is_true(json_object_get(now, "conditions"), "Ready");
}

static bool may_tell(const struct pod *pod)
{
	/* What runs of it must have been looked at; what is new is told at once. */
	return !pod->frozen && !pod->removed && !pod->orphan && !pod->reporting && pod->observed &&
	       !pod->looking && !pod->look && pod->state > POD_NEW;
}

static bool is_settled(const struct pod *pod)
{
	for (size_t i = 0; i < pod->n_containers; i++) {
		if (pod->containers[i].state == CONTAINER_LOOKING) {
			return false;
		}
	}
	return !(pod->sandbox.ready && !pod->sandbox.looked);
}

void pod_report(struct pod *pod)
{
	const json_t *before = json_object_get(object_tree(pod->object), "status");
	json_t *status;

	if (!may_tell(pod) || !is_settled(pod)) {
		return;
	}
	status = pod_status(pod);
	if (!has_news(pod, status)) {
		alarm_stop(&pod->report);
		pod->gathering = false;
	} else if (is_urgent(before, status) || pod->state >= POD_ENDED ||
		   (pod->gathering && !alarm_is_set(&pod->report))) {
		if (pod->report_ns == 0 || !alarm_is_set(&pod->report)) {
			alarm_stop(&pod->report);
			pod->gathering = false;
			write_status(pod, status);
		}
	} else if (!alarm_is_set(&pod->report)) {
		pod->gathering = true;
		alarm_set(&pod->report, gather_ns);
	}
	json_decref(status);
}

bool pod_is_reported(const struct pod *pod)
{
	_cleanup_json_ json_t *status = NULL;

	if (pod->frozen || pod->removed) {
		return true;
	}
	status = pod_status(pod);
	return !pod->reporting && !has_news(pod, status);
}

/* ---- the end of the object ---- */

static void deleted(void *userdata, const struct client_response *response)
{
	struct pod *pod = userdata;

	if (!pod->forgotten && !is_fine(response) && response->code != 404 &&
	    response->code != 409) {
		pod->delete_sent = false;
		pod_retry_later(pod);
	}
	/* 404, and 409 for another pod of its name: it is gone. */
	if (response->code == 404 || response->code == 409) {
		pod->removed = true;
	}
	pod_release(pod);
}

void pod_step_deleting(struct pod *pod)
{
	if (pod->removed) {
		pod_move(pod, POD_GONE);
		return;
	}
	if (pod->delete_sent || alarm_is_set(&pod->retry) || !pod_is_reported(pod)) {
		return; /* the last words first */
	}
	_cleanup_json_ json_t *body =
		json_pack("{si s{ss}}", "gracePeriodSeconds", 0, "preconditions", "uid", pod->uid);
	struct client_request request = {
		.verb = CLIENT_DELETE,
		.kind = &kind_pod,
		.space = pod->object->space,
		.name = pod->object->name,
		.body = body,
	};
	struct object *object = object_ref(pod->object);

	pod->delete_sent = true;
	pod_hold(pod);
	client_request(pod->world->client, &request, deleted, pod);
	object_unref(object);
}
