/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <ctype.h>
#include <string.h>

#include "object/age.h"
#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * An event: something happened to an object, so often, seen first and last at these times.
 */

static const struct field event_source_fields[] = {
	ROW(STRING, "component", 1, "Program that saw it."),
	ROW(STRING, "host", 2, "Node that it saw it on."),
};

static const struct type type_event_source = {
	.name = "io.k8s.api.core.v1.EventSource",
	.doc = "Who saw an event.",
	SCHEMA_TABLE(event_source_fields),
};

static const struct field event_series_fields[] = {
	ROW(INT32, "count", 1, "How often it happened."),
	ROW(MICRO_TIME, "lastObservedTime", 2, "When it happened last."),
};

static const struct type type_event_series = {
	.name = "io.k8s.api.core.v1.EventSeries",
	.doc = "A run of equal events.",
	SCHEMA_TABLE(event_series_fields),
};

static const struct field event_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "involvedObject", 2, "What it happened to.", .message = &type_object_reference,
	    .flags = FIELD_EXPECTED),
	ROW(STRING, "reason", 3, "What happened, in one word for programs."),
	ROW(STRING, "message", 4, "What happened, in a sentence for people."),
	ROW(MESSAGE, "source", 5, "Who saw it.", .message = &type_event_source),
	ROW(TIME, "firstTimestamp", 6, "When it happened first."),
	ROW(TIME, "lastTimestamp", 7, "When it happened last."),
	ROW(INT32, "count", 8, "How often it happened."),
	ROW(STRING, "type", 9, "Normal, or Warning."),
	ROW(MICRO_TIME, "eventTime", 10, "When it happened first, to the microsecond."),
	ROW(MESSAGE, "series", 11, "The run of equal events that this is part of.",
	    .message = &type_event_series, .flags = FIELD_POINTER),
	ROW(STRING, "action", 12, "What was being done."),
	ROW(MESSAGE, "related", 13, "A second object that has to do with it.",
	    .message = &type_object_reference, .flags = FIELD_POINTER),
	ROW(STRING, "reportingComponent", 14, "Program that saw it."),
	ROW(STRING, "reportingInstance", 15, "Which instance of that program."),
};

static const struct type type_event = {
	.name = "io.k8s.api.core.v1.Event",
	.doc = "Something happened to an object.",
	SCHEMA_TABLE(event_fields),
};

static void write_first_seen(const json_t *event, int64_t now, struct buffer *out)
{
	const char *first = json_string_at(event, "firstTimestamp");

	age_write_since(first[0] != '\0' ? first : json_string_at(event, "eventTime"), now, out);
}

static json_t *cell_first_seen(const json_t *event, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);

	write_first_seen(event, now, &text);
	return cell_of(&text, "");
}

static json_t *cell_last_seen(const json_t *event, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);
	const char *last = json_string_at(event, "lastTimestamp");

	if (json_object_get(event, "series") != NULL) {
		age_write_since(json_string_at(event, "series.lastObservedTime"), now, &text);
	} else if (last[0] != '\0') {
		age_write_since(last, now, &text);
	} else {
		write_first_seen(event, now, &text);
	}
	return cell_of(&text, "");
}

static json_t *cell_count(const json_t *event, int64_t now)
{
	if (json_object_get(event, "series") != NULL) {
		return cell_int_at(event, "series.count");
	}
	int64_t count = json_int_at(event, "count", 0);

	return json_integer(count != 0 ? count : 1);
}

static json_t *cell_type(const json_t *event, int64_t now)
{
	return cell_string_at(event, "type", "");
}

static json_t *cell_reason(const json_t *event, int64_t now)
{
	return cell_string_at(event, "reason", "");
}

/* "pod/web-0" */
static json_t *cell_object(const json_t *event, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);
	const char *name = json_string_at(event, "involvedObject.name");

	for (const char *c = json_string_at(event, "involvedObject.kind"); *c != '\0'; c++) {
		buffer_append_char(&text, (char)tolower((unsigned char)*c));
	}
	if (name[0] != '\0') {
		buffer_printf(&text, "/%s", name);
	}
	return cell_of(&text, "");
}

static json_t *cell_subobject(const json_t *event, int64_t now)
{
	return cell_string_at(event, "involvedObject.fieldPath", "");
}

/* The older fields (source) and the newer ones (reportingComponent) say the same. */
static const char *either(const json_t *event, const char *path, const char *other)
{
	const char *text = json_string_at(event, path);

	return text[0] != '\0' ? text : json_string_at(event, other);
}

static json_t *cell_source(const json_t *event, int64_t now)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(CELL_MAX);
	const char *instance = either(event, "source.host", "reportingInstance");

	buffer_append_text(&text, either(event, "source.component", "reportingComponent"));
	if (instance[0] != '\0') {
		buffer_printf(&text, ", %s", instance);
	}
	return cell_of(&text, "");
}

static json_t *cell_message(const json_t *event, int64_t now)
{
	const char *message = json_string_at(event, "message");

	message += strspn(message, " \t\r\n");
	size_t n = strlen(message);

	while (n > 0 && strchr(" \t\r\n", message[n - 1]) != NULL) {
		n--;
	}
	return json_stringn(message, n);
}

static const struct column event_columns[] = {
	COLUMN("Last Seen", "string", cell_last_seen, "Time since it happened last."),
	COLUMN("Type", "string", cell_type, "Normal, or Warning."),
	COLUMN("Reason", "string", cell_reason, "What happened, in one word for programs."),
	COLUMN("Object", "string", cell_object, "What it happened to."),
	COLUMN("Subobject", "string", cell_subobject, "Which part of it.", .priority = 1),
	COLUMN("Source", "string", cell_source, "Who saw it.", .priority = 1),
	COLUMN("Message", "string", cell_message, "What happened, in a sentence for people."),
	COLUMN("First Seen", "string", cell_first_seen, "Time since it happened first.",
	       .priority = 1),
	COLUMN("Count", "string", cell_count, "How often it happened.", .priority = 1),
	COLUMN("Name", "string", cell_name, "Name of the event object.", .format = "name",
	       .priority = 1),
};

static void select_source(const json_t *event, struct buffer *out)
{
	buffer_append_text(out, either(event, "source.component", "reportingComponent"));
}

static const struct selectable event_selectables[] = {
	{ .name = "involvedObject.kind" },
	{ .name = "involvedObject.namespace" },
	{ .name = "involvedObject.name" },
	{ .name = "involvedObject.uid" },
	{ .name = "involvedObject.apiVersion" },
	{ .name = "involvedObject.resourceVersion" },
	{ .name = "involvedObject.fieldPath" },
	{ .name = "reason" },
	{ .name = "reportingComponent" },
	{ .name = "source", .value = select_source },
	{ .name = "type" },
};

/* An event lives beside what it is about; about things without a namespace, in "default". */
static void event_check(const json_t *event, struct field_errors *errors)
{
	const char *space = json_string_at(event, "metadata.namespace");
	const char *involved = json_string_at(event, "involvedObject.namespace");

	if (involved[0] == '\0' ? strcmp(space, "default") != 0 && strcmp(space, "kube-system") != 0
				: strcmp(space, involved) != 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "involvedObject.namespace",
				 json_at(event, "involvedObject.namespace"),
				 "does not match event.namespace");
	}
}

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
	KIND_COLUMNS(event_columns),
	KIND_SELECTABLES(event_selectables),
	.check = event_check,
};
