/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/messages.h"
#include "api/revisions.h"
#include "api/status.h"
#include "base/limits.h"
#include "watch/hub.h"
#include "json/json.h"

static const struct hub_item *find(struct call *call, json_t **ret_refusal)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);

	*ret_refusal =
		revision_check_seen(call->api->hub, http_query(call->exchange, "resourceVersion"));
	if (*ret_refusal != NULL) {
		return NULL;
	}
	key_of(call->kind, call->space, call->name, &key);
	const struct hub_item *item =
		key.overflowed ? NULL : hub_get(call->api->hub, buffer_str(&key));
	if (item == NULL) {
		*ret_refusal = status_not_found(call->kind, call->name);
	}
	return item;
}

void verb_get(struct call *call)
{
	json_t *refusal;

	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	const struct hub_item *item = find(call, &refusal);
	if (item == NULL) {
		answer_refused(call, refusal);
		return;
	}
	answer_object(call, 200, call->kind, item->text);
}

void verb_get_scale(struct call *call)
{
	_cleanup_json_ json_t *object = NULL;
	struct json_read_error error;
	json_t *refusal;

	if (!call_negotiate(call, 0)) {
		return;
	}
	const struct hub_item *item = find(call, &refusal);
	if (item == NULL) {
		answer_refused(call, refusal);
		return;
	}
	json_read(item->text, NULL, &object, &error);
	_cleanup_json_ json_t *scale = scale_of(call->kind, object);
	answer_tree(call, 200, &kind_scale, scale);
}
