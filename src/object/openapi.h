/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * OpenAPI made from the schema: v3 as JSON (one document a group version) and v2 as the gnostic
 * protobuf that kubectl asks for. kubectl's `explain`, `apply`, `diff` and client-side validation
 * live on these: paths with x-kubernetes-group-version-kind, a fieldValidation parameter on writes,
 * strategic-merge-patch+json on PATCH, and x-kubernetes-patch-* in the schemas.
 */

#include "base/buffer.h"

/* {"paths":{"api/v1":{"serverRelativeURL":"/openapi/v3/api/v1?hash=…"},…}} */
void openapi_v3_index(struct buffer *out);

/* The document of one group version ("" and "v1" for core). Returns false when not served. */
bool openapi_v3_document(const char *group, const char *version, struct buffer *out);

/*
 * openapi.v2.Document, serialised; Content-Type
 * application/com.github.proto-openapi.spec.v2.v1.0+protobuf.
 */
void openapi_v2_protobuf(struct buffer *out);

/* The same document as JSON, for plain GETs of /openapi/v2. */
void openapi_v2_json(struct buffer *out);
