/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Numbers that may be given as a share: 3 or "25%" (IntOrString). Pure. */

#include <stdint.h>

#include <jansson.h>

enum percent_rounding { PERCENT_DOWN, PERCENT_UP };

/* `value` of `total`; `otherwise` when it is NULL or neither a number nor a percentage. */
int64_t percent_of(const json_t *value, int64_t total, enum percent_rounding rounding,
		   int64_t otherwise);
