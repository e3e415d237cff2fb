/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The formats of text in API objects (enum field_format): names, labels, ports, addresses. A check
 * gives the explanations that clients of Kubernetes know, regular expression included. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "object/schema.h"

struct field_errors;

enum { FORMAT_PROBLEMS = 6 };

/* What is wrong with one text: at most a few sentences, each of its own. */
struct format_problems {
	char *items[FORMAT_PROBLEMS];
	size_t n;
};

void format_problems_deinit(struct format_problems *problems);
#define _cleanup_problems_ __attribute__((cleanup(format_problems_deinit)))

/*
 * Checks `text` against a format of strings (an integer's format accepts everything). Adds what is
 * wrong to `problems` (zero-initialised by the caller); returns true when nothing is.
 */
bool format_check_text(enum field_format format, const char *text,
		       struct format_problems *problems);

/*
 * The same for an integer: FORMAT_PORT, FORMAT_PORT_OR_NAME, FORMAT_NON_NEGATIVE,
 * FORMAT_PERCENT_OR_INT.
 */
bool format_check_integer(enum field_format format, int64_t value,
			  struct format_problems *problems);

/* True when `text` has the format; for code that has its own words. */
bool format_is(enum field_format format, const char *text);

/*
 * Checks a JSON value (string or integer, as the format asks; another type passes, decoding has
 * seen to that) and adds one FIELD_ERROR_INVALID for each problem at `path`.
 */
void format_check(enum field_format format, const json_t *value, const char *path,
		  struct field_errors *errors);

/*
 * Labels and selectors in map form: keys are qualified names, values label values. Errors stand at
 * the map's own path, as in Kubernetes.
 */
void format_check_labels(const json_t *labels, const char *path, struct field_errors *errors);

/* Annotations: keys are qualified names of any case, 256 KiB all together. */
void format_check_annotations(const json_t *annotations, const char *path,
			      struct field_errors *errors);
