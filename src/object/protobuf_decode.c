/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/field_intern.h"
#include "object/prepare.h"
#include "object/protobuf_intern.h"
#include "json/json.h"

/*
 * Kubernetes protobuf to the JSON tree that object_conform() expects, driven by the rows' numbers.
 *
 * Invariants: a cursor never leaves its bytes, and a nested message gets a cursor over its own
 * bytes alone; every function that returns non-zero has put a sentence into `message`; recursion
 * ends at LIMIT_JSON_DEPTH and the number of values at LIMIT_PROTOBUF_VALUES, whatever the bytes
 * say.
 *
 * Zero values: proto2 as generated for Go always writes fields that are no pointers, so a zero on
 * the wire says nothing there and becomes an absent key; only a FIELD_POINTER keeps its zero.
 */

struct cursor {
	const unsigned char *p;
	const unsigned char *end;
};

struct decoder {
	struct buffer *message;
	const struct type *type; /* of the message at hand, for errors */
	size_t n_values;
	int depth;
};

static int decode_message(struct decoder *decoder, const struct type *type, struct cursor body,
			  json_t *tree);

static int malformed(struct decoder *decoder, const char *what)
{
	buffer_printf(decoder->message, "not a valid protobuf message%s%s: %s",
		      decoder->type != NULL ? " " : "",
		      decoder->type != NULL ? decoder->type->name : "", what);
	return OBJECT_MALFORMED;
}

/* ---- wire ---- */

static bool read_varint(struct cursor *cursor, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && cursor->p < cursor->end; shift += 7) {
		unsigned char byte = *cursor->p++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool read_tag(struct cursor *cursor, uint32_t *ret_number, unsigned *ret_wire)
{
	uint64_t tag;

	if (!read_varint(cursor, &tag) || tag >> 3 == 0 || tag >> 3 > PROTOBUF_NUMBER_MAX) {
		return false;
	}
	*ret_number = (uint32_t)(tag >> 3);
	*ret_wire = (unsigned)(tag & 7);
	return true;
}

static bool read_bytes(struct cursor *cursor, struct cursor *ret)
{
	uint64_t n;

	if (!read_varint(cursor, &n) || n > (uint64_t)(cursor->end - cursor->p)) {
		return false;
	}
	*ret = (struct cursor){ .p = cursor->p, .end = cursor->p + n };
	cursor->p += n;
	return true;
}

static bool skip_fixed(struct cursor *cursor, ptrdiff_t n)
{
	if (cursor->end - cursor->p < n) {
		return false;
	}
	cursor->p += n;
	return true;
}

/* A value that nobody knows. Groups are counted, not recursed into. */
static bool skip_value(struct cursor *cursor, unsigned wire)
{
	unsigned groups = 0;

	for (;;) {
		struct cursor bytes;
		uint32_t number;
		uint64_t value;
		bool good = true;

		switch (wire) {
		case WIRE_VARINT:
			good = read_varint(cursor, &value);
			break;
		case WIRE_FIXED64:
			good = skip_fixed(cursor, 8);
			break;
		case WIRE_BYTES:
			good = read_bytes(cursor, &bytes);
			break;
		case WIRE_GROUP:
			groups++;
			break;
		case WIRE_GROUP_END:
			good = groups-- > 0;
			break;
		case WIRE_FIXED32:
			good = skip_fixed(cursor, 4);
			break;
		default:
			good = false;
		}
		if (!good || groups == 0) {
			return good;
		}
		if (!read_tag(cursor, &number, &wire)) {
			return false;
		}
	}
}

/* ---- values ---- */

static struct str str_of(struct cursor bytes)
{
	return (struct str){ .p = (const char *)bytes.p, .n = (size_t)(bytes.end - bytes.p) };
}

static int decode_string(struct decoder *decoder, struct cursor bytes, json_t **ret)
{
	struct str text = str_of(bytes);

	/* Trees hold C strings of UTF-8 everywhere. */
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL) {
		return malformed(decoder, "a string with a zero byte");
	}
	*ret = json_stringn(text.n > 0 ? text.p : "", text.n);
	return *ret != NULL ? 0 : malformed(decoder, "a string that is not UTF-8");
}

static json_t *decode_bytes(struct cursor bytes)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(2 * LIMIT_OBJECT);

	base64_encode(str_of(bytes), &text);
	return json_stringn_nocheck(buffer_text(&text), text.n);
}

/* The varints and bytes of a small message of scalars: at most three numbers, others skipped. */
struct scalars {
	uint64_t varint[4];
	struct cursor bytes[4];
};

static bool read_scalars(struct cursor cursor, struct scalars *ret)
{
	*ret = (struct scalars){ 0 };
	while (cursor.p < cursor.end) {
		uint32_t number;
		unsigned wire;
		bool good;

		if (!read_tag(&cursor, &number, &wire)) {
			return false;
		}
		if (number < ARRAY_SIZE(ret->varint) && wire == WIRE_VARINT) {
			good = read_varint(&cursor, &ret->varint[number]);
		} else if (number < ARRAY_SIZE(ret->bytes) && wire == WIRE_BYTES) {
			good = read_bytes(&cursor, &ret->bytes[number]);
		} else {
			good = skip_value(&cursor, wire);
		}
		if (!good) {
			return false;
		}
	}
	return true;
}

/* Time{seconds=1, nanos=2}; an empty message is Go's zero time, which is null. */
static int decode_time(struct decoder *decoder, struct cursor body, bool micro, json_t **ret)
{
	enum { NANOS_MAX = 999999999 };
	const int64_t max = INT64_MAX / (int64_t)NS_PER_S - 1;
	char text[TIMESTAMP_TEXT];
	struct scalars scalars;
	int64_t seconds;
	int64_t nanos;

	if (body.p == body.end) {
		*ret = NULL;
		return 0;
	}
	if (!read_scalars(body, &scalars)) {
		return malformed(decoder, "a time cut short");
	}
	seconds = (int64_t)scalars.varint[TIME_SECONDS];
	nanos = (int32_t)scalars.varint[TIME_NANOS];
	if (seconds < -max || seconds > max || nanos < 0 || nanos > NANOS_MAX) {
		return malformed(decoder, "a time out of range");
	}
	if (micro) {
		timestamp_format_micro(seconds * (int64_t)NS_PER_S + nanos, text);
	} else {
		timestamp_format(seconds, text);
	}
	*ret = json_string(text);
	return 0;
}

static int decode_quantity(struct decoder *decoder, struct cursor body, json_t **ret)
{
	struct scalars scalars;

	if (!read_scalars(body, &scalars)) {
		return malformed(decoder, "a quantity cut short");
	}
	if (scalars.bytes[ONLY_FIELD].p == scalars.bytes[ONLY_FIELD].end) {
		*ret = NULL;
		return 0;
	}
	return decode_string(decoder, scalars.bytes[ONLY_FIELD], ret);
}

/* IntOrString{type=1, intVal=2, strVal=3}. */
static int decode_int_or_string(struct decoder *decoder, struct cursor body, json_t **ret)
{
	struct scalars scalars;

	if (!read_scalars(body, &scalars)) {
		return malformed(decoder, "an int-or-string cut short");
	}
	if (scalars.varint[INT_OR_STRING_TYPE] != 0) {
		return decode_string(decoder, scalars.bytes[INT_OR_STRING_STRING], ret);
	}
	*ret = json_integer((int32_t)scalars.varint[INT_OR_STRING_INT]);
	return 0;
}

static int decode_raw(struct decoder *decoder, struct cursor body, json_t **ret)
{
	_cleanup_json_ json_t *value = NULL;
	struct json_read_error error;
	struct scalars scalars;

	if (!read_scalars(body, &scalars)) {
		return malformed(decoder, "a raw value cut short");
	}
	if (scalars.bytes[ONLY_FIELD].p == scalars.bytes[ONLY_FIELD].end) {
		*ret = NULL;
		return 0;
	}
	if (json_read(str_of(scalars.bytes[ONLY_FIELD]), NULL, &value, &error) != 0) {
		return malformed(decoder, error.message);
	}
	*ret = json_is_null(value) ? NULL : take(value);
	return 0;
}

/* A value whose wire form is bytes. *ret is a new reference, or NULL for "nothing there". */
static int decode_from_bytes(struct decoder *decoder, const struct field *field,
			     struct cursor bytes, json_t *existing, json_t **ret)
{
	switch ((enum field_type)field->type) {
	case FIELD_STRING:
		return decode_string(decoder, bytes, ret);
	case FIELD_BYTES:
		*ret = decode_bytes(bytes);
		return 0;
	case FIELD_TIME:
		return decode_time(decoder, bytes, /* micro= */ false, ret);
	case FIELD_MICRO_TIME:
		return decode_time(decoder, bytes, /* micro= */ true, ret);
	case FIELD_QUANTITY:
		return decode_quantity(decoder, bytes, ret);
	case FIELD_INT_OR_STRING:
		return decode_int_or_string(decoder, bytes, ret);
	case FIELD_RAW:
		return decode_raw(decoder, bytes, ret);
	case FIELD_MESSAGE: {
		/* A message that comes twice is merged, as protobuf has it. */
		_cleanup_json_ json_t *tree =
			existing != NULL ? json_incref(existing) : json_object();
		int outcome = decode_message(decoder, field->message, bytes, tree);

		if (outcome == 0) {
			*ret = take(tree);
		}
		return outcome;
	}
	case FIELD_BOOL:
	case FIELD_INT32:
	case FIELD_INT64:
		break;
	}
	return malformed(decoder, "bytes where a number belongs");
}

static bool is_number(const struct field *field)
{
	return field->type == FIELD_BOOL || field->type == FIELD_INT32 ||
	       field->type == FIELD_INT64;
}

static int decode_number(struct decoder *decoder, const struct field *field, struct cursor *cursor,
			 json_t **ret)
{
	uint64_t value;

	if (!read_varint(cursor, &value)) {
		return malformed(decoder, "a number cut short");
	}
	if (field->type == FIELD_BOOL) {
		*ret = json_boolean(value != 0);
	} else if (field->type == FIELD_INT32) {
		*ret = json_integer((int32_t)value);
	} else {
		*ret = json_integer((int64_t)value);
	}
	return 0;
}

static int count_value(struct decoder *decoder)
{
	if (++decoder->n_values > LIMIT_PROTOBUF_VALUES) {
		buffer_printf(decoder->message, "more than %d values", LIMIT_PROTOBUF_VALUES);
		return OBJECT_TOO_LARGE;
	}
	return 0;
}

static int decode_value(struct decoder *decoder, const struct field *field, unsigned wire,
			struct cursor *cursor, json_t *existing, json_t **ret)
{
	struct cursor bytes;
	int outcome = count_value(decoder);

	if (outcome != 0) {
		return outcome;
	}
	if (wire != (is_number(field) ? WIRE_VARINT : WIRE_BYTES)) {
		return malformed(decoder, "a field with a wire type that is not its own");
	}
	if (is_number(field)) {
		return decode_number(decoder, field, cursor, ret);
	}
	if (!read_bytes(cursor, &bytes)) {
		return malformed(decoder, "a field cut short");
	}
	return decode_from_bytes(decoder, field, bytes, existing, ret);
}

/* What stands in a list or a map where the wire has an empty message. */
static json_t *empty_element(const struct field *field)
{
	switch ((enum field_type)field->type) {
	case FIELD_QUANTITY:
		return json_string("0");
	case FIELD_BOOL:
		return json_false();
	case FIELD_INT32:
	case FIELD_INT64:
	case FIELD_INT_OR_STRING:
		return json_integer(0);
	case FIELD_MESSAGE:
	case FIELD_RAW:
		return json_object();
	case FIELD_TIME:
	case FIELD_MICRO_TIME:
		return json_null();
	case FIELD_STRING:
	case FIELD_BYTES:
		break;
	}
	return json_string("");
}

/* ---- fields ---- */

/* The array or object of a repeated field, made when it is not there. */
static json_t *container_of_field(const struct field *field, json_t *tree)
{
	json_t *container = json_object_get(tree, field->name);

	if (container == NULL) {
		container = field->shape == FIELD_LIST ? json_array() : json_object();
		json_object_set_new_nocheck(tree, field->name, container);
	}
	return container;
}

static int decode_element(struct decoder *decoder, const struct field *field, unsigned wire,
			  struct cursor *cursor, json_t *list)
{
	json_t *value = NULL;
	int outcome = decode_value(decoder, field, wire, cursor, NULL, &value);

	if (outcome == 0) {
		json_array_append_new(list, value != NULL ? value : empty_element(field));
	}
	return outcome;
}

static int decode_list(struct decoder *decoder, const struct field *field, unsigned wire,
		       struct cursor *cursor, json_t *tree)
{
	json_t *list = container_of_field(field, tree);
	struct cursor packed;

	if (!is_number(field) || wire != WIRE_BYTES) {
		return decode_element(decoder, field, wire, cursor, list);
	}
	if (!read_bytes(cursor, &packed)) {
		return malformed(decoder, "a list cut short");
	}
	while (packed.p < packed.end) {
		int outcome = decode_element(decoder, field, WIRE_VARINT, &packed, list);

		if (outcome != 0) {
			return outcome;
		}
	}
	return 0;
}

/* One entry of a map: a message of key=1 and value=2, either may be missing. */
static int decode_entry(struct decoder *decoder, const struct field *field, struct cursor entry,
			json_t *map)
{
	_cleanup_json_ json_t *key = NULL;
	_cleanup_json_ json_t *value = NULL;

	while (entry.p < entry.end) {
		json_t *other = NULL;
		struct cursor bytes;
		uint32_t number;
		unsigned wire;
		int outcome;

		if (!read_tag(&entry, &number, &wire)) {
			return malformed(decoder, "a map entry cut short");
		}
		if (number == ENTRY_KEY && wire == WIRE_BYTES && read_bytes(&entry, &bytes)) {
			outcome = decode_string(decoder, bytes, &other);
			json_decref(key);
			key = other;
		} else if (number == ENTRY_VALUE) {
			outcome = decode_value(decoder, field, wire, &entry, NULL, &other);
			json_decref(value);
			value = other;
		} else {
			outcome = number != ENTRY_KEY && skip_value(&entry, wire)
					  ? 0
					  : malformed(decoder, "a map entry cut short");
		}
		if (outcome != 0) {
			return outcome;
		}
	}
	json_object_set_new(map, key != NULL ? json_string_value(key) : "",
			    value != NULL ? take(value) : empty_element(field));
	return count_value(decoder);
}

static int decode_map(struct decoder *decoder, const struct field *field, unsigned wire,
		      struct cursor *cursor, json_t *tree)
{
	struct cursor entry;

	if (wire != WIRE_BYTES || !read_bytes(cursor, &entry)) {
		return malformed(decoder, "a map entry cut short");
	}
	return decode_entry(decoder, field, entry, container_of_field(field, tree));
}

static int decode_one(struct decoder *decoder, const struct field *field, unsigned wire,
		      struct cursor *cursor, json_t *tree)
{
	json_t *existing = json_object_get(tree, field->name);
	json_t *value = NULL;
	int outcome = decode_value(decoder, field, wire, cursor, existing, &value);

	if (outcome != 0) {
		return outcome;
	}
	if (field_is_unset(field, value)) {
		json_decref(value);
		json_object_del(tree, field->name);
	} else if (value != existing) {
		json_object_set_new_nocheck(tree, field->name, value);
	} else {
		json_decref(value);
	}
	return 0;
}

static int decode_field(struct decoder *decoder, const struct field *field, unsigned wire,
			struct cursor *cursor, json_t *tree)
{
	struct cursor body;

	if ((field->flags & FIELD_INLINE) != 0) {
		if (wire != WIRE_BYTES || !read_bytes(cursor, &body)) {
			return malformed(decoder, "a field cut short");
		}
		return decode_message(decoder, field->message, body, tree);
	}
	switch ((enum field_shape)field->shape) {
	case FIELD_LIST:
		return decode_list(decoder, field, wire, cursor, tree);
	case FIELD_MAP:
		return decode_map(decoder, field, wire, cursor, tree);
	case FIELD_ONE:
		break;
	}
	return decode_one(decoder, field, wire, cursor, tree);
}

/* Rows without a number (apiVersion and kind of whole objects) are not on the wire. */
static const struct field *field_of(const struct type *type, uint32_t number)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		if (type->fields[i].number == number) {
			return &type->fields[i];
		}
	}
	return NULL;
}

static int decode_message(struct decoder *decoder, const struct type *type, struct cursor body,
			  json_t *tree)
{
	const struct type *outer = decoder->type;

	if (decoder->depth == LIMIT_JSON_DEPTH) {
		buffer_printf(decoder->message, "nested deeper than %d levels", LIMIT_JSON_DEPTH);
		return OBJECT_TOO_LARGE;
	}
	decoder->depth++;
	decoder->type = type;
	while (body.p < body.end) {
		const struct field *field;
		uint32_t number;
		unsigned wire;
		int outcome;

		if (!read_tag(&body, &number, &wire)) {
			return malformed(decoder, "a field cut short");
		}
		field = field_of(type, number);
		if (field == NULL) {
			outcome = skip_value(&body, wire)
					  ? 0
					  : malformed(decoder, "an unknown field cut short");
		} else {
			outcome = decode_field(decoder, field, wire, &body, tree);
		}
		if (outcome != 0) {
			return outcome;
		}
	}
	decoder->type = outer;
	decoder->depth--;
	return 0;
}

/* ---- envelope ---- */

struct envelope {
	struct cursor api_version;
	struct cursor kind;
	struct cursor raw;
};

static int open_envelope(struct decoder *decoder, struct str body, struct envelope *ret)
{
	struct cursor cursor = { .p = (const unsigned char *)body.p };
	struct scalars unknown;
	struct scalars meta;

	if (!str_starts(body, PROTOBUF_MAGIC)) {
		return malformed(decoder, "it does not begin with the prefix \"k8s\\0\"");
	}
	cursor.end = cursor.p + body.n;
	cursor.p += PROTOBUF_MAGIC.n;
	if (!read_scalars(cursor, &unknown) ||
	    !read_scalars(unknown.bytes[UNKNOWN_TYPE_META], &meta)) {
		return malformed(decoder, "its envelope is cut short");
	}
	if (unknown.bytes[UNKNOWN_CONTENT_ENCODING].p !=
	    unknown.bytes[UNKNOWN_CONTENT_ENCODING].end) {
		return malformed(decoder, "its content encoding is not supported");
	}
	*ret = (struct envelope){
		.api_version = meta.bytes[TYPE_META_API_VERSION],
		.kind = meta.bytes[TYPE_META_KIND],
		.raw = unknown.bytes[UNKNOWN_RAW],
	};
	return 0;
}

/* A string of the envelope that stands in the tree of every object. */
static int put_string(struct decoder *decoder, json_t *tree, const char *key, struct cursor bytes)
{
	json_t *value = NULL;
	int outcome;

	if (bytes.p == bytes.end) {
		return 0;
	}
	outcome = decode_string(decoder, bytes, &value);
	if (outcome == 0) {
		json_object_set_new_nocheck(tree, key, value);
	}
	return outcome;
}

/* A tree with apiVersion and kind, and where the message itself is. */
static int read_envelope(struct decoder *decoder, struct str body, json_t *tree,
			 struct cursor *ret_raw)
{
	struct envelope envelope;
	int outcome = open_envelope(decoder, body, &envelope);

	if (outcome == 0) {
		outcome = put_string(decoder, tree, "apiVersion", envelope.api_version);
	}
	if (outcome == 0) {
		outcome = put_string(decoder, tree, "kind", envelope.kind);
	}
	if (outcome == 0) {
		*ret_raw = envelope.raw;
	}
	return outcome;
}

int protobuf_decode_type(const struct type *type, struct str body, struct buffer *message,
			 json_t **ret)
{
	struct decoder decoder = { .message = message };
	_cleanup_json_ json_t *tree = json_object();
	struct cursor raw;
	int outcome = read_envelope(&decoder, body, tree, &raw);

	if (outcome == 0) {
		outcome = decode_message(&decoder, type, raw, tree);
	}
	if (outcome == 0) {
		*ret = take(tree);
	}
	return outcome;
}

int protobuf_decode(const struct kind *kind, struct str body, struct buffer *message, json_t **ret)
{
	struct decoder decoder = { .message = message };
	_cleanup_json_ json_t *tree = json_object();
	struct cursor raw;
	int outcome = read_envelope(&decoder, body, tree, &raw);

	/* First, lest the rows are laid over bytes that mean something else. */
	if (outcome == 0) {
		outcome = check_kind(kind, tree, message);
	}
	if (outcome == 0) {
		outcome = decode_message(&decoder, kind->type, raw, tree);
	}
	if (outcome == 0) {
		*ret = take(tree);
	}
	return outcome;
}
