/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scale subresource: a view of a workload's replicas as autoscaling/v1 Scale, one for every
 * kind that has the paths in its description.
 */
#include "api/messages.h"
#include "api/status.h"
#include "api/write.h"
#include "base/limits.h"
#include "object/selector.h"
#include "json/json.h"
#include "json/patch.h"

json_t *scale_of(const struct kind *kind, const json_t *object)
{
	static const char *const taken[] = { "name", "namespace", "uid", "resourceVersion",
					     "creationTimestamp" };
	json_t *scale = json_pack("{s:s, s:s, s:{}, s:{}, s:{}}", "kind", "Scale", "apiVersion",
				  "autoscaling/v1", "metadata", "spec", "status");
	json_t *meta = json_object_get(scale, "metadata");
	const json_t *old_meta = json_object_get(object, "metadata");

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		json_t *value = json_object_get(old_meta, taken[i]);
		if (value != NULL) {
			json_object_set(meta, taken[i], value);
		}
	}
	json_put(scale, "spec.replicas",
		 json_integer(json_int_at(object, kind->scale_replicas_path, 0)));
	json_put(scale, "status.replicas",
		 json_integer(json_int_at(object, kind->scale_status_replicas_path, 0)));
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;
	if (selector_from_message(json_at(object, kind->scale_selector_path), &text, &selector) ==
	    0) {
		buffer_clear(&text);
		selector_text(selector, &text);
		json_put(scale, "status.selector", json_stringn(buffer_text(&text), text.n));
		selector_free(selector);
	}
	return scale;
}

/* The object with the replicas (and the resourceVersion, if it names one) of a Scale. */
static json_t *rescale(struct write *write, const json_t *old, const json_t *scale, json_t **ret)
{
	int64_t replicas = json_int_at(scale, "spec.replicas", 0);
	const char *revision = json_string_at(scale, "metadata.resourceVersion");

	if (replicas < 0) {
		return status_invalid_field(&kind_scale, write->name, FIELD_ERROR_INVALID,
					    "spec.replicas", json_at(scale, "spec.replicas"),
					    "must be greater than or equal to 0");
	}
	json_t *wanted = json_deep_copy(old);
	json_put(wanted, write->kind->scale_replicas_path, json_integer(replicas));
	json_put(wanted, "metadata.resourceVersion", json_string(revision));
	return write_merge(write, old, wanted, ret);
}

json_t *scale_update_change(struct write *write, const json_t *old, json_t **ret)
{
	if (old == NULL) {
		return status_not_found(write->kind, write->name);
	}
	return rescale(write, old, write->body, ret);
}

json_t *scale_patch_change(struct write *write, const json_t *old, json_t **ret)
{
	_cleanup_json_ json_t *patched = NULL;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct patch_message message = { .text = "" };

	if (old == NULL) {
		return status_not_found(write->kind, write->name);
	}
	_cleanup_json_ json_t *scale = scale_of(write->kind, old);
	if (write->format == PATCH_JSON) {
		if (json_patch(scale, write->body, &patched, &message) != 0) {
			return status_new(OUTCOME_BAD_REQUEST, "%s", message.text);
		}
	} else {
		/* A Scale has no lists, so both merges are the same. */
		patched = json_merge_patch(scale, write->body);
	}
	_cleanup_json_ json_t *conformed = json_deep_copy(patched);
	if (object_conform(&kind_scale, conformed, &write->report, &text) != 0) {
		return status_new(OUTCOME_BAD_REQUEST, "%s", buffer_text(&text));
	}
	return rescale(write, old, conformed, ret);
}
