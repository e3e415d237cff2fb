/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* fieldValidation: what becomes of fields that a body has and its kind does not. */

#include <jansson.h>

#include "api/write.h"
#include "object/prepare.h"

/* Strict: 400 for a body of `kind` that has a report; NULL: go on. */
json_t *strict_refusal(enum field_validation validation, const struct strict_report *report,
		       const struct kind *kind);

/* Strict: 422 for a patch. */
json_t *strict_refusal_patch(enum field_validation validation, const struct strict_report *report,
			     const json_t *patch);

/*
 * Warn: the value of a Warning header (RFC 7234: `299 - "…", 299 - "…"`); appends nothing
 * otherwise.
 */
void strict_warning(enum field_validation validation, const struct strict_report *report,
		    struct buffer *out);
