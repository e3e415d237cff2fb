/* SPDX-License-Identifier: Apache-2.0 */
/* Which form an answer has: RFC 9110 section 12.5.1, with the parameters that Kubernetes added. */
#include "api/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { CLAUSES_MAX = 16 };

/* One member of an Accept header. */
struct clause {
	struct str media;
	struct str as;
	struct str group;
	struct str version;
	double quality;
};

static void read_parameter(struct clause *clause, struct str parameter)
{
	struct str value = parameter;
	struct str name = str_trim(str_cut(&value, '='));

	value = str_trim(value);
	if (str_is(name, "as")) {
		clause->as = value;
	} else if (str_is(name, "g")) {
		clause->group = value;
	} else if (str_is(name, "v")) {
		clause->version = value;
	} else if (str_is(name, "q")) {
		_cleanup_free_ char *text = str_dup(value);
		clause->quality = strtod(text, NULL);
	}
}

static int by_quality(const void *a, const void *b)
{
	const struct clause *first = a;
	const struct clause *second = b;

	if (first->quality != second->quality) {
		return first->quality > second->quality ? -1 : 1;
	}
	/* The order of equals stays: qsort alone would not promise it. */
	return first->media.p < second->media.p ? -1 : 1;
}

/* The members in order of preference. */
static size_t read_clauses(const char *accept, struct clause clauses[CLAUSES_MAX])
{
	struct str rest = str_from(accept);
	size_t n = 0;

	while (rest.p != NULL && n < CLAUSES_MAX) {
		struct str member = str_cut(&rest, ',');
		struct clause clause = { .quality = 1 };
		clause.media = str_trim(str_cut(&member, ';'));
		while (member.p != NULL) {
			read_parameter(&clause, str_cut(&member, ';'));
		}
		if (clause.media.n != 0 && clause.quality > 0) {
			clauses[n++] = clause;
		}
	}
	qsort(clauses, n, sizeof(clauses[0]), by_quality);
	return n;
}

static bool read_shape(const struct clause *clause, unsigned allowed, struct form *form)
{
	form->shape = SHAPE_OBJECT;
	form->version = "v1";
	if (clause->as.n == 0) {
		return true;
	}
	if (!str_is(clause->group, "meta.k8s.io")) {
		return false;
	}
	if (str_is(clause->version, "v1beta1")) {
		form->version = "v1beta1";
	} else if (!str_is(clause->version, "v1")) {
		return false;
	}
	if (str_is(clause->as, "Table")) {
		form->shape = SHAPE_TABLE;
		/* Rows are JSON; nobody asks for them in protobuf. */
		return (allowed & FORM_TABLES) && !form->protobuf;
	}
	form->shape = SHAPE_PARTIAL;
	return (allowed & FORM_PARTIALS) && !form->protobuf &&
	       (str_is(clause->as, "PartialObjectMetadata") ||
		str_is(clause->as, "PartialObjectMetadataList"));
}

static bool read_media(struct str media, bool *ret_protobuf)
{
	static const char *const json[] = { "application/json", "application/*", "*/*" };

	*ret_protobuf = str_is(media, "application/vnd.kubernetes.protobuf");
	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++) {
		if (str_is(media, json[i])) {
			return true;
		}
	}
	return *ret_protobuf;
}

int form_negotiate(const char *accept, unsigned allowed, struct form *ret)
{
	struct clause clauses[CLAUSES_MAX];
	struct form form = { .version = "v1" };

	size_t n = accept != NULL ? read_clauses(accept, clauses) : 0;
	if (n == 0) {
		*ret = form;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (read_media(clauses[i].media, &form.protobuf) &&
		    read_shape(&clauses[i], allowed, &form)) {
			*ret = form;
			return 0;
		}
	}
	return FORM_NONE;
}

int form_negotiate_discovery(const char *accept)
{
	struct clause clauses[CLAUSES_MAX];

	size_t n = accept != NULL ? read_clauses(accept, clauses) : 0;
	for (size_t i = 0; i < n; i++) {
		const struct clause *clause = &clauses[i];
		if (!str_is(clause->media, "application/json")) {
			continue;
		}
		if (clause->as.n == 0) {
			return DISCOVERY_PLAIN;
		}
		if (!str_is(clause->group, "apidiscovery.k8s.io") ||
		    !str_is(clause->as, "APIGroupDiscoveryList")) {
			continue;
		}
		if (str_is(clause->version, "v2")) {
			return DISCOVERY_V2;
		}
		if (str_is(clause->version, "v2beta1")) {
			return DISCOVERY_V2BETA1;
		}
	}
	return DISCOVERY_PLAIN;
}

const char *form_content_type(const struct form *form)
{
	return form->protobuf ? "application/vnd.kubernetes.protobuf" : "application/json";
}
