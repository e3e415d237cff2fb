/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sentence a cause. {s} is the label that the cause is about, mostly the Service's; {n} the one
 * to its right, the namespace; {h} the first one, the endpoint; {r} and {t} the numbers of
 * endpoints that are ready and of all. Filled in by hand, because a worker does not allocate.
 */
#include "zone/reason.h"

#include "base/str.h"

/* INFO-CODE of RFC 8914 section 4; most causes have none of their own. */
enum code {
	CODE_OTHER = 0,
	CODE_NOT_READY = 14,
	CODE_BLOCKED = 15, /* by the operator's policy */
	CODE_NOT_SUPPORTED = 21,
	CODE_INVALID_DATA = 24,
};

struct cause {
	const char *word;
	const char *text;
	enum code code;
};

static const struct cause causes[ZONE_CAUSES] = {
	[ZONE_CAUSE_NONE] = { "none", "" },
	[ZONE_CAUSE_UNSYNCED] = { "unsynced", "not all Services and endpoints have been read yet",
				  CODE_NOT_READY },
	[ZONE_CAUSE_NO_SUCH_NAME] = { "no-such-name", "no name of the cluster has this form" },
	[ZONE_CAUSE_NO_NAMESPACE] = { "no-namespace", "there is no namespace {s}" },
	[ZONE_CAUSE_NO_SERVICE] = { "no-service", "namespace {n} has no Service {s}" },
	[ZONE_CAUSE_NO_ENDPOINTS] = { "no-endpoints", "headless Service {n}/{s} selects no pods" },
	[ZONE_CAUSE_NO_SLICES] = { "no-slices",
				   "headless Service {n}/{s} has no selector and no endpoints" },
	[ZONE_CAUSE_NOT_READY] = { "not-ready", "headless Service {n}/{s} has {t} endpoints of "
						"which 0 are ready" },
	[ZONE_CAUSE_NO_FAMILY] = { "no-family", "the name has no address of this family" },
	[ZONE_CAUSE_HOST_NOT_READY] = { "host-not-ready",
					"endpoint {h} of Service {n}/{s} exists but is not ready" },
	[ZONE_CAUSE_NO_HOST] = { "no-host", "Service {n}/{s} has no endpoint {h} ({r} of {t} "
					    "endpoints are ready)" },
	[ZONE_CAUSE_NO_PORT] = { "no-port", "Service {n}/{s} has no such port" },
	[ZONE_CAUSE_NO_PORTS] = { "no-ports", "the name has no ports" },
	[ZONE_CAUSE_NO_TYPE] = { "no-type", "the name has no records of this type" },
	[ZONE_CAUSE_INNER_NAME] = { "inner-name", "only names below this one have records" },
	[ZONE_CAUSE_ALIAS_ADDRESS] = { "alias-address",
				       "the externalName of Service {n}/{s} is no domain name",
				       CODE_INVALID_DATA },
	[ZONE_CAUSE_ALIAS_LOOP] = { "alias-loop", "the externalName leads back to itself",
				    CODE_INVALID_DATA },
	[ZONE_CAUSE_ALIAS_DANGLING] = { "alias-dangling",
					"the externalName of Service {n}/{s} has no such records" },
	[ZONE_CAUSE_BELOW_ALIAS] = { "below-alias",
				     "Service {n}/{s} is an ExternalName: it has no names below" },
	[ZONE_CAUSE_PODS_DISABLED] = { "pods-disabled", "names of pods are switched off",
				       CODE_NOT_SUPPORTED },
	[ZONE_CAUSE_NO_POD] = { "no-pod", "{s} is no address of a pod in namespace {n}" },
	[ZONE_CAUSE_NAMESPACE_HIDDEN] = { "namespace-hidden",
					  "namespace {s} is not among those served here",
					  CODE_BLOCKED },
	[ZONE_CAUSE_ENDPOINTS_OFF] = { "endpoints-off", "names of endpoints are switched off",
				       CODE_NOT_SUPPORTED },
	[ZONE_CAUSE_NO_ZONE] = { "no-zone", "no ready endpoint of Service {n}/{s} is in this zone "
					    "({r} of {t} endpoints are ready)" },
	[ZONE_CAUSE_NO_EXPORTS] = { "no-exports", "no cluster has endpoints for headless Service "
						  "{n}/{s}" },
	[ZONE_CAUSE_NOT_HEADLESS] = { "not-headless", "Service {n}/{s} is not headless: it has no "
						      "names of topology zones" },
	[ZONE_CAUSE_NO_ADDRESS] = { "no-address", "no Service or endpoint has this address" },
};

const char *zone_cause_word(enum zone_cause cause)
{
	return causes[cause].word;
}

uint16_t zone_cause_code(enum zone_cause cause)
{
	return (uint16_t)causes[cause].code;
}

struct text {
	char *p;
	size_t n;
	size_t size;
};

static void put(struct text *text, char c)
{
	if (text->n < text->size) {
		text->p[text->n++] = c;
	}
}

/* Of a longer label the beginning is enough: the whole name stands in the question. */
enum { LABEL_MOST = 20, LABEL_KEPT = 17 };

/* Anything may stand in a query's label; only what is harmless on a terminal is repeated. */
static void put_label(struct text *text, const struct name *name, size_t i)
{
	struct str label = i < name->n_labels ? name_label(name, i) : STR("?");

	put(text, '"');
	for (size_t k = 0; k < label.n && (k < LABEL_KEPT || label.n <= LABEL_MOST); k++) {
		char c = label.p[k];

		put(text, c > ' ' && c <= '~' && c != '"' && c != '\\' ? c : '?');
	}
	for (size_t k = LABEL_KEPT; label.n > LABEL_MOST && k < LABEL_MOST; k++) {
		put(text, '.');
	}
	put(text, '"');
}

static void put_number(struct text *text, uint32_t value)
{
	char digits[10];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	while (n != 0) {
		put(text, digits[--n]);
	}
}

size_t zone_reason_text(const struct zone_reason *reason, const struct name *name, char *out,
			size_t size)
{
	struct text text = { .p = out, .size = size };

	for (const char *from = causes[reason->cause].text; *from != '\0'; from++) {
		if (*from != '{') {
			put(&text, *from);
			continue;
		}
		switch (from[1]) {
		case 's':
			put_label(&text, name, reason->label);
			break;
		case 'n':
			put_label(&text, name, reason->label + 1U);
			break;
		case 'h':
			put_label(&text, name, 0);
			break;
		case 'r':
			put_number(&text, reason->ready);
			break;
		default:
			put_number(&text, reason->total);
		}
		from += 2;
	}
	return text.n;
}
