/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what somebody typed to one whole name. A short name goes through the search list that a pod
 * has (resolv.conf(5), ndots:5): NAMESPACE.svc.DOMAIN, svc.DOMAIN, DOMAIN, and the name as it is.
 * The first that resolves is meant. When none does, the one that comes nearest to something that
 * exists is: a Service beats a namespace, a namespace beats nothing.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/cache.h"
#include "object/kinds.h"
#include "ops/explain_intern.h"

enum { CANDIDATES = 4, NDOTS = 5, NEAR = 2, STRANGE = 2, CERTAIN = 20 };

__attribute__((format(printf, 2, 3))) static int refuse(char **ret_message, const char *format, ...)
{
	char text[LIMIT_EXPLAIN_TEXT];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	*ret_message = mem_strdup(text);
	return EXPLAIN_BAD_QUESTION;
}

/* ---- forms ---- */

static void read_forward(struct explain *x, size_t left)
{
	struct str last = left >= 1 ? name_label(&x->name, left - 1) : STR_NONE;
	bool svc = str_is(last, "svc");

	x->shape = SHAPE_OTHER;
	if (left < 2 || left > 5 || (!svc && !(str_is(last, "pod") && left <= 3))) {
		return;
	}
	x->space = name_label(&x->name, left - 2);
	if (left == 2) {
		x->shape = SHAPE_SPACE;
	} else if (!svc) {
		x->shape = SHAPE_POD;
		x->host = name_label(&x->name, 0);
	} else {
		x->service_name = name_label(&x->name, left - 3);
		x->shape = left == 3 ? SHAPE_SERVICE : left == 4 ? SHAPE_HOST : SHAPE_PORT;
	}
	if (x->shape == SHAPE_HOST) {
		x->host = name_label(&x->name, 0);
	} else if (x->shape == SHAPE_PORT) {
		struct str port = name_label(&x->name, 0);
		struct str protocol = name_label(&x->name, 1);

		x->port = port.p[0] == '_' ? str_skip(port, 1) : port;
		x->protocol = protocol.p[0] == '_' ? str_skip(protocol, 1) : protocol;
	}
}

/* [ENDPOINT.CLUSTER.]SERVICE.NAMESPACE.svc, or a port of it, below the cluster set's domain. */
static bool read_import(struct explain *x)
{
	const struct zone_config *config = x->question->zone;
	struct name domain;
	struct str first;
	size_t left;

	if (config == NULL || config->clusterset_domain == NULL ||
	    !cache_holds(x->cache, &kind_service_import) ||
	    name_parse(str_from(config->clusterset_domain), &domain) != 0 ||
	    !name_is_below(&x->name, &domain, &left)) {
		return false;
	}
	x->shape = SHAPE_OTHER;
	if (left >= 3 && left <= 5 && str_is(name_label(&x->name, left - 1), "svc")) {
		x->shape = SHAPE_IMPORT;
		x->space = name_label(&x->name, left - 2);
		x->service_name = name_label(&x->name, left - 3);
		first = name_label(&x->name, 0);
		x->port = left == 5 && first.p[0] == '_' ? str_skip(first, 1) : STR_NONE;
	}
	return true;
}

void explain_read_name(struct explain *x)
{
	struct reverse_name reverse;
	size_t left;

	x->host = x->port = x->protocol = x->service_name = x->space = STR_NONE;
	if (read_import(x)) {
		x->resolves = explain_resolves(x->zone, &x->name, &x->reason);
		return;
	}
	if (name_is_below(&x->name, zone_domain(x->zone), &left)) {
		read_forward(x, left);
	} else if (reverse_name_read(&x->name, &reverse)) {
		x->address = reverse.address;
		x->shape = reverse.rest == 0 && reverse.nibbles == reverse.address.n * 2
				   ? SHAPE_REVERSE
				   : SHAPE_OTHER;
	} else {
		x->shape = SHAPE_OUTSIDE;
	}
	x->resolves = explain_resolves(x->zone, &x->name, &x->reason);
}

static bool set_name(struct explain *x, const char *text)
{
	if (name_parse(str_from(text), &x->name) != 0) {
		return false;
	}
	explain_read_name(x);
	return true;
}

bool explain_set_service_name(struct explain *x, const char *labels, struct str space)
{
	char text[4 * LIMIT_DNS_NAME];

	snprintf(text, sizeof(text), "%s.%.*s.svc.%s", labels, STR_ARG(space), x->question->domain);
	return set_name(x, text);
}

/* ---- the search list ---- */

/* There is no such namespace, but one that is called nearly so has the Service. */
static bool is_near_miss(const struct explain *x)
{
	cache_for_each (space, x->cache, &kind_namespace, STR_NONE) {
		if (edit_distance(space->name, x->space) <= NEAR &&
		    cache_get(x->cache, &kind_service, space->name, x->service_name) != NULL) {
			return true;
		}
	}
	return false;
}

/* "svc" and "pod" are words of the grammar; few Services and namespaces are called so. */
static bool is_word_of_ours(struct str label)
{
	return str_is(label, "svc") || str_is(label, "pod");
}

/* How near the name comes to something that exists. */
static unsigned score(const struct explain *x)
{
	bool space = cache_get(x->cache, &kind_namespace, STR_NONE, x->space) != NULL;
	bool strange = x->shape == SHAPE_PORT && name_label(&x->name, 0).p[0] != '_';

	if (x->resolves) {
		return 100;
	}
	switch (x->shape) {
	case SHAPE_SERVICE:
	case SHAPE_HOST:
	case SHAPE_PORT:
		if (cache_get(x->cache, &kind_service, x->space, x->service_name) != NULL) {
			return strange ? CERTAIN : 50;
		}
		if (strange || is_word_of_ours(x->service_name) ||
		    (!space && is_word_of_ours(x->space))) {
			return STRANGE;
		}
		if (!space) {
			return is_near_miss(x) ? 11 : 5;
		}
		return str_is(x->space, x->question->space) ? 10 : 12;
	case SHAPE_POD:
		return space ? 30 : 15;
	case SHAPE_SPACE:
		return space ? 30 : 3;
	case SHAPE_REVERSE:
	case SHAPE_IMPORT:
		return 40;
	case SHAPE_OUTSIDE:
		return 0;
	case SHAPE_OTHER:
		break;
	}
	return 1;
}

/* The candidates in the order in which a resolver asks; returns how many there are. */
static size_t list_candidates(const struct explain *x, const char *given, struct name *candidates)
{
	char text[4 * LIMIT_DNS_NAME];
	size_t dots = 0, n = 0, ignored;
	struct name as_is;
	bool whole = given[strlen(given) - 1] == '.';

	(void)name_parse(str_from(given), &as_is);
	dots = as_is.n_labels - 1U;
	/* Nobody adds the search list to a name that has the domain already. */
	whole |= name_is_below(&as_is, zone_domain(x->zone), &ignored);
	if (whole || dots >= NDOTS) {
		candidates[n++] = as_is;
	}
	if (whole) {
		return n;
	}
	snprintf(text, sizeof(text), "%s.%s.svc.%s", given, x->question->space,
		 x->question->domain);
	n += name_parse(str_from(text), &candidates[n]) == 0;
	snprintf(text, sizeof(text), "%s.svc.%s", given, x->question->domain);
	n += name_parse(str_from(text), &candidates[n]) == 0;
	snprintf(text, sizeof(text), "%s.%s", given, x->question->domain);
	n += name_parse(str_from(text), &candidates[n]) == 0;
	if (dots < NDOTS) {
		candidates[n++] = as_is;
	}
	return n;
}

/* How the name was read; when it may have been meant otherwise, that too. */
static void say_search(struct explain *x, const struct name *candidates, size_t n, size_t chosen)
{
	struct enumeration others = ENUMERATION(ENUMERATION_MAX);

	for (size_t i = 0; i < n && score(x) < CERTAIN; i++) {
		struct explain other = { .cache = x->cache,
					 .question = x->question,
					 .zone = x->zone,
					 .name = candidates[i] };

		explain_read_name(&other);
		if (i != chosen && other.service_name.n != 0 && score(&other) > STRANGE) {
			enumeration_add(&others, str_from(explain_name_text(x, &candidates[i])));
		}
	}
	bool alone = others.n == 0;
	const char *list = enumeration_end(x, &others);
	const char *text = explain_say(x, "%s is %s in namespace %s", x->out->question,
				       explain_name_text(x, &x->name), x->question->space);

	explain_info(x, "Name",
		     alone ? explain_say(x, "%s.", text)
			   : explain_say(x, "%s; it could also be %s", text, list),
		     NULL, NULL);
}

static int find_by_search(struct explain *x, char **ret_message)
{
	const char *given = x->question->name;
	struct name candidates[CANDIDATES];
	struct name check;
	unsigned best_score = 0;
	size_t best = 0;
	size_t n;

	if (name_parse(str_from(given), &check) != 0 || check.n_labels == 0) {
		return refuse(ret_message,
			      "\"%s\" is no name: labels have 1 to 63 letters, a name at most 255",
			      given);
	}
	n = list_candidates(x, given, candidates);
	for (size_t i = 0; i < n; i++) {
		x->name = candidates[i];
		explain_read_name(x);
		if (score(x) > best_score) {
			best_score = score(x);
			best = i;
		}
	}
	x->name = candidates[best];
	explain_read_name(x);
	if (n > 1) {
		say_search(x, candidates, n, best);
	}
	return 0;
}

/* ---- other questions ---- */

static bool find_by_address(struct explain *x)
{
	struct ip address;
	char text[LIMIT_DNS_NAME];
	size_t n = 0;

	if (!ip_parse(str_from(x->question->name), &address)) {
		return false;
	}
	for (size_t i = address.n; i-- > 0;) {
		unsigned byte = address.bytes[i];

		n += (size_t)(address.n == 4 ? snprintf(text + n, sizeof(text) - n, "%u.", byte)
					     : snprintf(text + n, sizeof(text) - n, "%x.%x.",
							byte & 15, byte >> 4));
	}
	snprintf(text + n, sizeof(text) - n, "%s", address.n == 4 ? "in-addr.arpa" : "ip6.arpa");
	return set_name(x, text);
}

static bool is_word(struct str word, const char *const words[3])
{
	return str_is(word, words[0]) || str_is(word, words[1]) || str_is(word, words[2]);
}

static int find_by_kind(struct explain *x, char **ret_message)
{
	static const char *const services[] = { "svc", "service", "services" };
	static const char *const pods[] = { "pod", "pods", "po" };
	struct str name = str_from(x->question->name);
	struct str kind = str_cut(&name, '/');
	struct str space = str_from(x->question->space);
	char label[LIMIT_DNS_LABEL + 1];

	if (is_word(kind, pods)) {
		if (name.n == 0 || name.n > LIMIT_DNS_NAME) {
			return refuse(ret_message, "\"%s\": a pod's name is missing behind pod/",
				      x->question->name);
		}
		(void)explain_pod_question(x, name);
		return 0;
	}
	if (!is_word(kind, services)) {
		return refuse(ret_message,
			      "\"%s\": svc/NAME, pod/NAME, a name or an address can be explained",
			      x->question->name);
	}
	if (!explain_is_label(name)) {
		return refuse(ret_message,
			      "\"%s\" is no name of a Service; its namespace goes behind -n",
			      x->question->name);
	}
	snprintf(label, sizeof(label), "%.*s", STR_ARG(name));
	if (!explain_set_service_name(x, label, space)) {
		return refuse(ret_message, "\"%s\" gives too long a name", x->question->name);
	}
	return 0;
}

int explain_find_name(struct explain *x, char **ret_message)
{
	const char *given = x->question->name;

	if (!explain_is_label(str_from(x->question->space))) {
		return refuse(ret_message, "\"%s\" is no name of a namespace", x->question->space);
	}
	if (given[0] == '\0') {
		return refuse(ret_message, "the name is empty");
	}
	if (find_by_address(x)) {
		return 0;
	}
	if (strchr(given, '/') != NULL) {
		return find_by_kind(x, ret_message);
	}
	return find_by_search(x, ret_message);
}
