/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The compiled form of selectors, for selector*.c alone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"
#include "base/str.h"
#include "object/selector.h"

/* In the order in which requirements on the same key are written. */
enum selector_operator {
	SELECTOR_EQUALS, /* = */
	SELECTOR_DOUBLE_EQUALS, /* ==, which means the same and is written back as it came */
	SELECTOR_NOT_EQUALS,
	SELECTOR_IN,
	SELECTOR_NOT_IN,
	SELECTOR_EXISTS,
	SELECTOR_NOT_EXISTS,
	SELECTOR_GREATER,
	SELECTOR_LESS,
};

/* `values` are sorted and all different; how many there are follows from the operator. */
struct requirement {
	enum selector_operator relation;
	char *key;
	char **values;
	size_t n_values;
};

/* All requirements must hold. Once finished they are sorted by key. */
struct selector {
	struct requirement *items;
	size_t n;
	bool nothing; /* matches nothing at all */
	bool fields; /* a field selector: values are written with escapes */
};

struct selector *selector_new(void);
MEM_CLEANUP(struct selector, selector_free)
#define _cleanup_selector_ _cleanup_(selector_free_pointer)

/* Appends a requirement without values (key copied); valid until the next one is added. */
struct requirement *selector_add(struct selector *selector, enum selector_operator relation,
				 struct str key);
void requirement_add_value(struct requirement *requirement, struct str value);

/*
 * Checks key and values as labels and sorts the values. Returns false with what is wrong appended
 * to `message`, worded as in k8s.io/apimachinery/pkg/labels.
 */
bool requirement_finish(struct requirement *requirement, struct buffer *message);

/* `key` as a label key; the error stands at `path`. */
bool selector_check_key(const char *key, const char *path, struct buffer *message);

/* Sorts the requirements. */
void selector_finish(struct selector *selector);
