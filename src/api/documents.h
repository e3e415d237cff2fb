/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Documents that follow from the kinds alone (OpenAPI): made when first asked for, kept, with an
 * ETag.
 */

#include "base/map.h"
#include "base/str.h"

struct http_exchange;

struct documents {
	struct map made; /* path -> struct document */
};

void documents_init(struct documents *documents);
void documents_deinit(struct documents *documents);

/* Answers /openapi/…; false when `path` is no document. */
bool documents_answer(struct documents *documents, struct http_exchange *exchange, struct str path);
