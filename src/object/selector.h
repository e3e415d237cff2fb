/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Selectors: the text form of labelSelector and fieldSelector parameters, the map form of a
 * Service's selector, and the LabelSelector message (matchLabels, matchExpressions). One compiled
 * form, one matcher. Pure; a compiled selector may be read from any thread.
 */

#include <jansson.h>

#include "base/buffer.h"
#include "base/str.h"

struct kind;
struct object;
struct selector;

enum { SELECTOR_INVALID = 1 };

/*
 * Compiles "app=nginx,tier in (a,b),!x,y". Empty text matches everything. Returns 0, or
 * SELECTOR_INVALID with `message` set as Kubernetes words it.
 */
int selector_parse(struct str text, struct buffer *message, struct selector **ret);

/*
 * Of a plain map ({"app":"nginx"}); NULL or empty matches everything: callers decide about "none".
 */
struct selector *selector_from_map(const json_t *map);

/* Of a LabelSelector message. */
int selector_from_message(const json_t *message_tree, struct buffer *message,
			  struct selector **ret);

struct selector *selector_free(struct selector *selector); /* NULL is fine; returns NULL */

bool selector_is_empty(const struct selector *selector);

/* `labels` is metadata.labels, or NULL for none. */
bool selector_matches(const struct selector *selector, const json_t *labels);

/* The same of an object's labels, without its tree. */
bool selector_matches_object(const struct selector *selector, struct object *object);

/* The canonical text ("app=nginx,tier in (a,b)"), as in scale.status.selector. */
void selector_text(const struct selector *selector, struct buffer *out);

/*
 * Field selectors: "spec.nodeName=node01,status.phase!=Failed". Only metadata.name,
 * metadata.namespace and the kind's selectables are known; another gives SELECTOR_INVALID with
 * `field label not supported: …`.
 */
int field_selector_parse(const struct kind *kind, struct str text, struct buffer *message,
			 struct selector **ret);
bool field_selector_matches(const struct selector *selector, const struct kind *kind,
			    const json_t *object);
/* The value that metadata.name (or metadata.namespace) must equal, or NULL: for direct look-ups. */
const char *field_selector_requires(const struct selector *selector, const char *field);
