/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain. First the zone says whether the name resolves; then the links are gone through in
 * the order in which a name comes to be, each judged by the objects.
 *
 * Invariants: a link is called broken only when the zone has no answer, and then the chain ends
 * with it; when the zone has no answer and no link is found broken, the zone's own reason ends
 * the chain. So the verdict is always that of DNS, whatever the links think.
 */
#include "ops/explain.h"

#include "base/mem.h"
#include "object/selector.h"
#include "ops/explain_intern.h"

enum { LINKS_MAX = 9 };

typedef bool (*link_fn)(struct explain *x);

static const link_fn chains[][LINKS_MAX] = {
	[SHAPE_OUTSIDE] = { NULL },
	[SHAPE_REVERSE] = { explain_reverse },
	[SHAPE_SERVICE] = { explain_namespace, explain_service, explain_selector, explain_pods,
			    explain_ready, explain_hostnames, explain_slices, explain_ports },
	[SHAPE_HOST] = { explain_namespace, explain_service, explain_selector, explain_pods,
			 explain_host, explain_slices },
	[SHAPE_PORT] = { explain_namespace, explain_service, explain_selector, explain_pods,
			 explain_ready, explain_slices, explain_ports },
	[SHAPE_POD] = { explain_namespace, explain_pod_label },
	[SHAPE_IMPORT] = { explain_namespace, explain_import },
	[SHAPE_SPACE] = { explain_namespace },
	[SHAPE_OTHER] = { NULL },
};

static bool is_broken(const struct explanation *out)
{
	return out->n_steps != 0 && out->steps[out->n_steps - 1].state == EXPLAIN_BROKEN;
}

/* The DNS server was told not to have such names: no object changes that. */
static bool is_told_so(const struct explain *x)
{
	return !x->resolves && (x->reason.cause == ZONE_CAUSE_NAMESPACE_HIDDEN ||
				x->reason.cause == ZONE_CAUSE_ENDPOINTS_OFF ||
				x->reason.cause == ZONE_CAUSE_PODS_DISABLED);
}

/* How to mend what only the zone knows. */
static const char *advice_of(const struct explain *x)
{
	switch (x->reason.cause) {
	case ZONE_CAUSE_NAMESPACE_HIDDEN:
		return "The DNS server has names of some namespaces only: add this one to the "
		       "`namespaces` of its Corefile.";
	case ZONE_CAUSE_ENDPOINTS_OFF:
		return "Take `noendpoints` out of the DNS server's Corefile.";
	case ZONE_CAUSE_PODS_DISABLED:
		return "Say `pods insecure` or `pods verified` in the DNS server's Corefile.";
	case ZONE_CAUSE_NO_EXPORTS:
		return "Export the Service from a cluster that has ready endpoints for it.";
	case ZONE_CAUSE_INNER_NAME:
		return "Ask for a name below it.";
	default:
		return x->shape == SHAPE_SPACE ? "Ask for a name below it." : NULL;
	}
}

/* What the zone itself has to say, when no link was found that explains it. */
static void say_reason(struct explain *x)
{
	char text[ZONE_REASON_TEXT];
	size_t n = zone_reason_text(&x->reason, &x->name, text, sizeof(text));

	if (x->shape == SHAPE_OUTSIDE) {
		(void)explain_broken(
			x, "Record", "This is no name of the cluster.",
			explain_say(x,
				    "Names of this cluster end in %s; others are asked "
				    "of the upstream servers.",
				    x->question->domain),
			NULL);
		return;
	}
	(void)explain_broken(x, "Record",
			     explain_say(x, "DNS says: %.*s.", n != 0 ? (int)n : 12,
					 n != 0 ? text : "no records"),
			     advice_of(x), NULL);
}

/* Absence is not always the end: upstreams may know the name. */
static void say_fallthrough(struct explain *x)
{
	const struct zone_config *config = x->question->zone;
	bool falls =
		config != NULL && x->shape != SHAPE_OUTSIDE &&
		(x->shape == SHAPE_REVERSE ? config->reverse_fallthrough : config->fallthrough);

	if (falls) {
		explain_info(
			x, "Fallthrough",
			"The DNS server asks its upstreams for what the cluster does not have.",
			NULL, NULL);
	}
}

static void say_records(struct explain *x)
{
	const struct explanation *out = x->out;
	size_t n = out->n_records + out->n_more_records;

	if (n == 0) {
		explain_info(x, "Record", "The DNS server answers this name from its own settings.",
			     NULL, NULL);
		return;
	}
	explain_ok(x, "Record",
		   explain_say(x, "%zu %s, TTL %u s.", n, plural(n, "record", "records"),
			       out->records[0].ttl));
}

static void walk(struct explain *x)
{
	const link_fn *links = chains[x->shape];

	if (x->service_name.n != 0 && x->shape != SHAPE_IMPORT) {
		explain_find_service(x);
	}
	for (size_t i = 0; i < LINKS_MAX && links[i] != NULL && !is_told_so(x); i++) {
		if (links[i] == explain_namespace && x->asked_pod) {
			continue;
		}
		if (!links[i](x)) {
			break;
		}
	}
	if (!x->resolves && !is_broken(x->out)) {
		say_fallthrough(x);
		say_reason(x);
	}
	explain_answer(x);
	if (x->resolves) {
		say_records(x);
	}
}

/* pod/NAME of a pod that has no name. */
static void end_nameless(struct explain *x)
{
	x->out->name = x->out->question;
	x->out->answer = "NONE";
	x->out->cause = zone_cause_word((enum zone_cause)x->reason.cause);
}

int explain(const struct cache *cache, const struct explain_question *question,
	    struct explanation **ret, char **ret_message)
{
	struct explanation *out = MEM_NEW(struct explanation);
	struct explain x = { .cache = cache, .question = question, .out = out };
	char message[ZONE_MESSAGE];
	int result;

	arena_init(&out->arena, LIMIT_EXPLAIN_ARENA);
	out->question = explain_say(&x, "%s", question->name);
	x.zone = explain_zone(cache, question, message);
	if (x.zone == NULL) {
		*ret_message = mem_strdup(message);
		explanation_free(out);
		return EXPLAIN_BAD_QUESTION;
	}
	result = explain_find_name(&x, ret_message);
	if (result == 0) {
		if (x.name.n != 0) {
			walk(&x);
		} else {
			end_nameless(&x);
		}
		*ret = take(out);
	}
	selector_free(x.selector);
	zone_free(x.zone);
	explanation_free(out);
	return result;
}

struct explanation *explanation_free(struct explanation *explanation)
{
	if (explanation != NULL) {
		arena_deinit(&explanation->arena);
		mem_free(explanation);
	}
	return NULL;
}
