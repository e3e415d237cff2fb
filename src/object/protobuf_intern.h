/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers of the protobuf wire and of the messages that wrap Kubernetes objects. Inside src/object.
 */

#include "base/str.h"

enum {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_BYTES = 2,
	WIRE_GROUP = 3,
	WIRE_GROUP_END = 4,
	WIRE_FIXED32 = 5,

	PROTOBUF_NUMBER_MAX = (1 << 29) - 1,

	/* Entries of a map field. */
	ENTRY_KEY = 1,
	ENTRY_VALUE = 2,

	/* runtime.Unknown. */
	UNKNOWN_TYPE_META = 1,
	UNKNOWN_RAW = 2,
	UNKNOWN_CONTENT_ENCODING = 3,
	UNKNOWN_CONTENT_TYPE = 4,

	/* runtime.TypeMeta. */
	TYPE_META_API_VERSION = 1,
	TYPE_META_KIND = 2,

	/* Time and MicroTime. */
	TIME_SECONDS = 1,
	TIME_NANOS = 2,

	/* IntOrString. */
	INT_OR_STRING_TYPE = 1,
	INT_OR_STRING_INT = 2,
	INT_OR_STRING_STRING = 3,

	/* Quantity, RawExtension and FieldsV1 have one field. */
	ONLY_FIELD = 1,

	/* Lists of a kind. */
	LIST_METADATA = 1,
	LIST_ITEMS = 2,

	/* meta/v1 WatchEvent. */
	WATCH_EVENT_TYPE = 1,
	WATCH_EVENT_OBJECT = 2,
};

/* What stands before runtime.Unknown. */
#define PROTOBUF_MAGIC ((struct str){ .p = "k8s\0", .n = 4 })
