/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * Scale: the number of replicas of any kind that has them, and nothing else of it.
 */

static const struct field scale_spec_fields[] = {
	ROW(INT32, "replicas", 1, "The number.", .format = FORMAT_NON_NEGATIVE),
};

static const struct type type_scale_spec = {
	.name = "io.k8s.api.autoscaling.v1.ScaleSpec",
	.doc = "How many replicas are wanted.",
	SCHEMA_TABLE(scale_spec_fields),
};

static const struct field scale_status_fields[] = {
	ROW(INT32, "replicas", 1, "The number.", .flags = FIELD_EXPECTED),
	ROW(STRING, "selector", 2, "Labels of their pods, as text."),
};

static const struct type type_scale_status = {
	.name = "io.k8s.api.autoscaling.v1.ScaleStatus",
	.doc = "How many replicas there are.",
	SCHEMA_TABLE(scale_status_fields),
};

static const struct field scale_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "How many are wanted.", .message = &type_scale_spec),
	ROW(MESSAGE, "status", 3, "How many there are.", .message = &type_scale_status),
};

const struct type type_scale = {
	.name = "io.k8s.api.autoscaling.v1.Scale",
	.doc = "The number of replicas of an object, and nothing else of it.",
	SCHEMA_TABLE(scale_fields),
};
