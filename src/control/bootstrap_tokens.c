/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bootstrap tokens that have expired go (Kubernetes: token cleaner): the API takes them no more,
 * and nobody is to wonder which of many are still good.
 */
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "control/controllers.h"
#include "object/kinds.h"
#include "json/json.h"

#define SPACE "kube-system"
#define TYPE "bootstrap.kubernetes.io/token"

enum { TEXT_MAX = 64 };

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	struct object *secret = cache_get(view->cache, &kind_secret, STR(SPACE), key);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(TEXT_MAX);
	int64_t until;

	if (secret == NULL || object_is_deleting(secret) ||
	    strcmp(json_string_at(object_tree(secret), "type"), TYPE) != 0) {
		return;
	}
	if (!base64_decode(str_from(json_string_at(object_tree(secret), "data.expiration")),
			   &text) ||
	    text.n == 0 || timestamp_parse(buffer_text(&text), &until) != 0) {
		return;
	}
	if (until <= view->now) {
		plan_delete(plan, secret, -1, PLAN_BACKGROUND);
		plan_tolerate(plan, "NotFound");
	} else {
		plan_requeue(plan, (uint64_t)(until - view->now));
	}
}

static void keys(const struct cache *cache, struct object *old, struct object *now,
		 struct key_sink *sink)
{
	struct object *either = now != NULL ? now : old;

	if (str_is(either->space, SPACE)) {
		key_sink_add(sink, either->name);
	}
}

const struct controller controller_bootstrap_tokens = {
	.name = "token-cleaner",
	.sources = { { .kind = &kind_secret, .keys = keys } },
	.reconcile = reconcile,
};
