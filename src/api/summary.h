/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What selectors need of an object, kept beside it in the hub: where its labels stand in its text,
 * and the values of its selectable fields, taken out when a field selector first asks for them.
 */

#include <jansson.h>
#include <stdbool.h>

#include "base/buffer.h"
#include "base/str.h"
#include "object/schema.h"
#include "watch/hub.h"

/* What a list or watch asks for. Zero-initialised: everything. */
struct selection {
	const struct kind *kind;
	struct kind shadow; /* the kind with its selectable fields at plain paths, see summary.c */
	struct selectable *fields_of_shadow;
	struct selector *labels; /* NULL: all */
	struct selector *fields;
	bool by_value; /* fields need more than name and namespace */
};

/*
 * `labels`, `fields`: the query parameters, NULL for none. Returns NULL, or a refusal (400).
 */
json_t *selection_init(struct selection *selection, const struct kind *kind, const char *labels,
		       const char *fields);
void selection_deinit(struct selection *selection);

bool selection_is_all(const struct selection *selection);

/* The one name that can be selected, or NULL. */
const char *selection_name(const struct selection *selection);

/* Whether the object is selected. */
bool selection_has(const struct selection *selection, struct hub_item *item);

/* The same for a text from the store, with its key. */
bool selection_has_text(const struct selection *selection, struct str key, struct str text);
