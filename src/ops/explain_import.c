/* SPDX-License-Identifier: Apache-2.0 */
/* The link of names in the cluster set: the ServiceImport that a Service of other clusters is. */
#include <string.h>

#include "client/cache.h"
#include "object/kinds.h"
#include "ops/explain_intern.h"
#include "json/json.h"

bool explain_import(struct explain *x)
{
	struct object *import =
		cache_get(x->cache, &kind_service_import, x->space, x->service_name);
	struct nearest nearest = { .wanted = x->service_name };

	if (import != NULL) {
		explain_ok(x, "Import",
			   explain_say(x, "ServiceImport %.*s/%.*s exists (%s).", STR_ARG(x->space),
				       STR_ARG(x->service_name),
				       json_string_at(object_tree(import), "spec.type")));
		return true;
	}
	cache_for_each (other, x->cache, &kind_service_import, x->space) {
		nearest_offer(&nearest, other->name);
	}
	return explain_broken(x, "Import",
			      explain_say(x, "Namespace %.*s has no ServiceImport \"%.*s\".",
					  STR_ARG(x->space), STR_ARG(x->service_name)),
			      nearest.n != 0 ? explain_say(x, "Did you mean %s?", nearest.best[0])
					     : "Export the Service from a cluster that has it.",
			      explain_say(x, "kubectl get serviceimports -n %.*s",
					  STR_ARG(x->space)));
}
