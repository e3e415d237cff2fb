/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Messages of the API that are not stored: options, views, reviews and answers. Each is a struct
 * kind of its own, so that the same decoding and the same two encodings serve it.
 */

#include "object/schema.h"

extern const struct kind kind_scale; /* autoscaling/v1 */
extern const struct kind kind_binding;
extern const struct kind kind_eviction; /* policy/v1 */
extern const struct kind kind_delete_options; /* meta.k8s.io/v1, sent as v1 */
extern const struct kind kind_status;
extern const struct kind kind_self_subject_access_review; /* authorization.k8s.io/v1 */
extern const struct kind kind_subject_access_review;
extern const struct kind kind_local_subject_access_review;
extern const struct kind kind_self_subject_rules_review;
extern const struct kind kind_self_subject_review; /* authentication.k8s.io/v1 */
extern const struct kind kind_token_review;
extern const struct kind kind_token_request;
