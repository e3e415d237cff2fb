/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The schema: what an API object looks like, as constant tables. A `struct type` is a message with
 * its fields, a `struct kind` is a resource that the API serves. From these rows alone come strict
 * decoding, defaults, validation, merge keys, printed columns, selectable fields, OpenAPI and the
 * Kubernetes protobuf encoding; no other file knows a field's name to do any of it.
 *
 * Everything here is immutable and may be read from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct buffer;
struct kind;
struct type;
struct field_errors;

/* How one value looks in JSON, and in the Kubernetes protobuf encoding (in brackets). */
enum field_type {
	FIELD_STRING, /* string [string] */
	FIELD_BOOL, /* true, false [varint] */
	FIELD_INT32, /* integer [varint] */
	FIELD_INT64, /* integer [varint] */
	FIELD_BYTES, /* base64 string [bytes] */
	FIELD_TIME, /* RFC 3339 seconds, or null [message: seconds=1, nanos=2] */
	FIELD_MICRO_TIME, /* RFC 3339 microseconds, or null [message: seconds=1, nanos=2] */
	FIELD_QUANTITY, /* "100m" or a number [message: string=1] */
	FIELD_INT_OR_STRING, /* 80 or "http" [message: type=1 (int 0), intVal=2, strVal=3] */
	FIELD_RAW, /* any JSON object, kept as it is [message: raw=1, JSON bytes] */
	FIELD_MESSAGE, /* object of `message` [message] */
};

enum field_shape {
	FIELD_ONE,
	FIELD_LIST, /* JSON array [repeated] */
	FIELD_MAP, /* JSON object with free keys [repeated entry: key=1, value=2] */
};

enum {
	/* A create or update without it (or with its zero value) is refused: "Required value". */
	FIELD_REQUIRED = 1 << 0,
	/* Cannot change once the object exists: "field is immutable". */
	FIELD_IMMUTABLE = 1 << 1,
	/*
	 * A pointer in the Go type: a zero or empty value that is present means something. Without
	 * it a protobuf zero (0, "", false, a message without fields) is read as absent.
	 */
	FIELD_POINTER = 1 << 2,
	/*
	 * JSON keys stand in the parent; protobuf nests a message of number `number`
	 * (VolumeSource).
	 */
	FIELD_INLINE = 1 << 3,
	/*
	 * Strategic merge patch (patchStrategy). Without either, lists and maps follow the default.
	 */
	FIELD_PATCH_MERGE = 1 << 4, /* merge; lists by merge_key, or as a set without one */
	FIELD_PATCH_RETAIN_KEYS = 1 << 5, /* retainKeys */
	FIELD_PATCH_REPLACE = 1 << 6, /* replace */
	/* x-kubernetes-list-type / x-kubernetes-map-type, for OpenAPI. */
	FIELD_LIST_ATOMIC = 1 << 7,
	FIELD_LIST_SET = 1 << 8,
	FIELD_LIST_MAP = 1 << 9, /* keys in list_keys */
	FIELD_MAP_ATOMIC = 1 << 10,
	/*
	 * Stands in OpenAPI's "required" list like FIELD_REQUIRED, but absent reads as the zero
	 * value (a count in a status, a port whose own check says what is wrong): never "Required
	 * value".
	 */
	FIELD_EXPECTED = 1 << 11,
};

/*
 * Checks on a present, non-empty string (each element of a list; each key of a map, but
 * FORMAT_LABEL_VALUE on a map says that it is a map of labels). Messages follow Kubernetes.
 */
enum field_format {
	FORMAT_NONE,
	FORMAT_DNS_LABEL, /* RFC 1123 label, ≤ 63 */
	FORMAT_DNS_LABEL_1035, /* RFC 1035 label, ≤ 63: starts with a letter */
	FORMAT_DNS_SUBDOMAIN, /* RFC 1123 subdomain, ≤ 253 */
	FORMAT_QUALIFIED_NAME, /* [prefix/]name, label and annotation keys */
	FORMAT_LABEL_VALUE,
	FORMAT_PORT_NAME, /* IANA_SVC_NAME, ≤ 15 */
	FORMAT_CONFIG_KEY,
	FORMAT_ENV_NAME,
	FORMAT_IP,
	FORMAT_CIDR,
	FORMAT_PORT, /* integer 1–65535 */
	FORMAT_PORT_OR_NAME, /* int-or-string: port or IANA_SVC_NAME */
	FORMAT_NON_NEGATIVE, /* integer ≥ 0 */
	FORMAT_PATH, /* non-empty, absolute */
	FORMAT_PERCENT_OR_INT, /* int-or-string: ≥ 0 or "N%" */
};

struct field {
	const char *name; /* JSON key; "" for FIELD_INLINE */
	const char *doc; /* a sentence of our own, for `kubectl explain` and OpenAPI */
	const struct type *message;
	const char *merge_key; /* patchMergeKey: "name" */
	const char *list_keys; /* x-kubernetes-list-map-keys, comma-separated */
	const char *default_json; /* JSON text put in when the field is absent: "\"TCP\"" */
	const char *one_of; /* allowed values, '|'-separated: "TCP|UDP|SCTP" */
	/*
	 * protobuf field number; 0 for what only JSON has (apiVersion and kind of a whole object)
	 */
	uint16_t number;
	uint16_t flags; /* FIELD_… bits */
	uint8_t type; /* enum field_type */
	uint8_t shape; /* enum field_shape */
	uint8_t format; /* enum field_format */
};

struct type {
	const char *name; /* as in OpenAPI: "io.k8s.api.core.v1.PodSpec" */
	const char *doc;
	const struct field *fields;
	size_t n_fields;
	/* x-kubernetes-map-type: atomic for the whole message (selectors, references). */
	bool atomic;
	/*
	 * Defaults and checks that a row cannot say, or NULL. Called bottom-up on every instance of
	 * the type: complete() after the row defaults, check() after the row checks. `path` is the
	 * instance's place ("spec.ports[0]"); errors go to `errors`.
	 */
	void (*complete)(json_t *value);
	void (*check)(const json_t *value, const char *path, struct field_errors *errors);
};

/* One printed column of a Table (kubectl get); spec: Table columns. */
struct column {
	const char *name; /* "Cluster-IP" */
	const char *type; /* "string", "integer", "date" */
	const char *format; /* "name" for the first column, else NULL */
	int priority; /* 0, or 1 for -o wide */
	const char *doc;
	/*
	 * Returns the cell as a new reference (string, integer…). `now` is Unix seconds, for ages
	 * ("5m", "2y45d" as kubectl prints them).
	 */
	json_t *(*cell)(const json_t *object, int64_t now);
};

/* A field that field selectors may name, beside metadata.name and metadata.namespace. */
struct selectable {
	const char *name; /* "spec.nodeName" */
	/* Writes the value into `out` (nothing for absent). NULL: the string at that path. */
	void (*value)(const json_t *object, struct buffer *out);
};

enum {
	KIND_NAMESPACED = 1 << 0,
	KIND_STATUS = 1 << 1, /* has the status subresource: plain writes leave status alone */
	KIND_SCALE = 1 << 2, /* has the scale subresource (autoscaling/v1 Scale) */
	KIND_GENERATION = 1 << 3, /* metadata.generation counts changes of spec */
	KIND_GRACEFUL = 1 << 4, /* deletion waits for deletionGracePeriodSeconds (Pod) */
	KIND_UNCONDITIONAL_UPDATE = 1 << 5, /* PUT without resourceVersion is allowed */
	KIND_CREATE_ON_UPDATE = 1 << 6, /* PUT of a missing object creates it */
};

struct kind {
	const char *group; /* "" for core, "apps", "discovery.k8s.io" */
	const char *version; /* "v1" */
	const char *kind; /* "Pod" */
	const char *plural; /* "pods" */
	const char *singular; /* "pod" */
	const char *short_names; /* comma-separated, or NULL: "po" */
	const char *categories; /* comma-separated, or NULL: "all" */
	const struct type *type;
	uint16_t flags;
	uint8_t name_format; /* enum field_format of metadata.name */
	const struct column *columns;
	size_t n_columns;
	const struct selectable *selectables;
	size_t n_selectables;
	/*
	 * Hooks; each may be NULL.
	 * create(): before defaults; drops what a client may not set (status, …).
	 * update(): before defaults; keeps what an update may not change silently.
	 * check(): rules over the whole new object.
	 * check_update(): rules over old and new: immutability, allowed transitions.
	 */
	void (*create)(json_t *object);
	void (*update)(json_t *object, const json_t *old);
	void (*check)(const json_t *object, struct field_errors *errors);
	void (*check_update)(const json_t *object, const json_t *old, struct field_errors *errors);
	/* Paths for KIND_SCALE: label selector as text of status.selector is derived from it. */
	const char *scale_replicas_path; /* "spec.replicas" */
	const char *scale_status_replicas_path; /* "status.replicas" */
	const char *scale_selector_path; /* "spec.selector" (a LabelSelector) */
};

#define SCHEMA_TABLE(rows) .fields = (rows), .n_fields = sizeof(rows) / sizeof((rows)[0])

/* The row of `type` for JSON key `name`, looked for in inlined messages too; NULL if unknown. */
const struct field *type_field(const struct type *type, const char *name);

/* All kinds served, in the order of discovery. */
extern const struct kind *const kinds[];
extern const size_t n_kinds;

/* NULL when not served. `group` "" is core. */
const struct kind *kind_find(const char *group, const char *version, const char *kind);
const struct kind *kind_find_resource(const char *group, const char *version, const char *plural);

/* "v1" or "apps/v1". */
void kind_api_version(const struct kind *kind, struct buffer *out);
