/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field event_source_fields[] = {
	ROW(STRING, "component", 1, ""),
	ROW(STRING, "host", 2, ""),
};

static const struct type type_event_source = {
	.name = "io.k8s.api.core.v1.EventSource",
	.doc = "",
	SCHEMA_TABLE(event_source_fields),
};

static const struct field event_series_fields[] = {
	ROW(INT32, "count", 1, ""),
	ROW(MICRO_TIME, "lastObservedTime", 2, ""),
};

static const struct type type_event_series = {
	.name = "io.k8s.api.core.v1.EventSeries",
	.doc = "",
	SCHEMA_TABLE(event_series_fields),
};

static const struct field event_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "involvedObject", 2, "", .message = &type_object_reference,
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "reason", 3, ""),
	ROW(STRING, "message", 4, ""),
	ROW(MESSAGE, "source", 5, "", .message = &type_event_source),
	ROW(TIME, "firstTimestamp", 6, ""),
	ROW(TIME, "lastTimestamp", 7, ""),
	ROW(INT32, "count", 8, ""),
	ROW(STRING, "type", 9, ""),
	ROW(MICRO_TIME, "eventTime", 10, ""),
	ROW(MESSAGE, "series", 11, "", .message = &type_event_series, .flags = FIELD_POINTER),
	ROW(STRING, "action", 12, ""),
	ROW(MESSAGE, "related", 13, "", .message = &type_object_reference, .flags = FIELD_POINTER),
	ROW(STRING, "reportingComponent", 14, ""),
	ROW(STRING, "reportingInstance", 15, ""),
};

static const struct type type_event = {
	.name = "io.k8s.api.core.v1.Event",
	.doc = "",
	SCHEMA_TABLE(event_fields),
};

const struct kind kind_event = {
	.group = "",
	.version = "v1",
	.kind = "Event",
	.plural = "events",
	.singular = "event",
	.short_names = "ev",
	.type = &type_event,
	.flags = KIND_NAMESPACED | KIND_UNCONDITIONAL_UPDATE | KIND_CREATE_ON_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
