/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/meta.h"
#include "object/prepare.h"
#include "object/protobuf_intern.h"
#include "json/json.h"

/*
 * A conformed tree to Kubernetes protobuf. What is in the tree is written, zero or not; what is
 * not, is not: Go reads an absent field as its zero value, and a pointer as nil.
 *
 * A nested message is written behind where its length will stand, then moved to make room for it;
 * so one pass and one buffer do, and small messages move few bytes. A buffer that overflows makes
 * all of it void: callers look at `overflowed` once.
 */

static void encode_message(const struct type *type, const json_t *tree, struct buffer *out);

/* ---- wire ---- */

enum { VARINT_MAX = 10 };

static size_t format_varint(uint64_t value, unsigned char ret_bytes[VARINT_MAX])
{
	size_t n = 0;

	for (; value > 0x7f; value >>= 7) {
		ret_bytes[n++] = (unsigned char)(value | 0x80);
	}
	ret_bytes[n++] = (unsigned char)value;
	return n;
}

static void put_varint(struct buffer *out, uint64_t value)
{
	unsigned char bytes[VARINT_MAX];

	buffer_append(out, bytes, format_varint(value, bytes));
}

static void put_tag(struct buffer *out, uint32_t number, uint32_t wire)
{
	put_varint(out, (uint64_t)number << 3 | wire);
}

static void put_number(struct buffer *out, uint32_t number, int64_t value)
{
	put_tag(out, number, WIRE_VARINT);
	put_varint(out, (uint64_t)value); /* negative ones take ten bytes */
}

static void put_bytes(struct buffer *out, uint32_t number, struct str bytes)
{
	put_tag(out, number, WIRE_BYTES);
	put_varint(out, bytes.n);
	buffer_append_str(out, bytes);
}

/* Everything appended up to nested_end() becomes the message of field `number`. */
static size_t nested_begin(struct buffer *out, uint32_t number)
{
	put_tag(out, number, WIRE_BYTES);
	return out->n;
}

static void nested_end(struct buffer *out, size_t start)
{
	unsigned char bytes[VARINT_MAX];
	size_t size = out->n - start;
	size_t n = format_varint(size, bytes);

	buffer_append(out, bytes, n); /* makes the room */
	if (!out->overflowed) {
		memmove(out->p + start + n, out->p + start, size);
		memcpy(out->p + start, bytes, n);
	}
}

/* ---- values ---- */

static struct str str_of(const json_t *value)
{
	return (struct str){ .p = json_string_value(value), .n = json_string_length(value) };
}

static void encode_bytes(uint32_t number, const json_t *value, struct buffer *out)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(LIMIT_OBJECT);

	base64_decode(str_of(value), &bytes);
	put_bytes(out, number, buffer_str(&bytes));
}

static void encode_time(uint32_t number, const json_t *value, bool micro, struct buffer *out)
{
	size_t start = nested_begin(out, number);
	int64_t nanoseconds;

	if (json_is_string(value) && timestamp_parse(json_string_value(value), &nanoseconds) == 0) {
		int64_t rest = nanoseconds % (int64_t)NS_PER_S;

		rest += rest < 0 ? (int64_t)NS_PER_S : 0; /* nanos count forward */
		put_number(out, TIME_SECONDS, (nanoseconds - rest) / (int64_t)NS_PER_S);
		put_number(out, TIME_NANOS, micro ? rest : 0);
	}
	nested_end(out, start);
}

static void encode_int_or_string(uint32_t number, const json_t *value, struct buffer *out)
{
	size_t start = nested_begin(out, number);

	put_number(out, INT_OR_STRING_TYPE, json_is_string(value) ? 1 : 0);
	put_number(out, INT_OR_STRING_INT, json_integer_value(value));
	put_bytes(out, INT_OR_STRING_STRING, str_of(value));
	nested_end(out, start);
}

static void encode_raw(uint32_t number, const json_t *value, struct buffer *out)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	size_t start = nested_begin(out, number);

	json_write(value, &text);
	put_bytes(out, ONLY_FIELD, buffer_str(&text));
	nested_end(out, start);
}

static void encode_value(const struct field *field, uint32_t number, const json_t *value,
			 struct buffer *out)
{
	size_t start;

	switch ((enum field_type)field->type) {
	case FIELD_STRING:
		put_bytes(out, number, str_of(value));
		return;
	case FIELD_BOOL:
		put_number(out, number, json_is_true(value) ? 1 : 0);
		return;
	case FIELD_INT32:
	case FIELD_INT64:
		put_number(out, number, json_integer_value(value));
		return;
	case FIELD_BYTES:
		encode_bytes(number, value, out);
		return;
	case FIELD_TIME:
		encode_time(number, value, /* micro= */ false, out);
		return;
	case FIELD_MICRO_TIME:
		encode_time(number, value, /* micro= */ true, out);
		return;
	case FIELD_QUANTITY:
		start = nested_begin(out, number);
		put_bytes(out, ONLY_FIELD, str_of(value));
		nested_end(out, start);
		return;
	case FIELD_INT_OR_STRING:
		encode_int_or_string(number, value, out);
		return;
	case FIELD_RAW:
		encode_raw(number, value, out);
		return;
	case FIELD_MESSAGE:
		start = nested_begin(out, number);
		encode_message(field->message, value, out);
		nested_end(out, start);
		return;
	}
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Entries in the order of their keys, as Go writes them: equal objects have equal bytes. */
static void encode_map(const struct field *field, const json_t *map, struct buffer *out)
{
	size_t n = json_object_size(map);
	_cleanup_free_ const char **keys = mem_alloc_array(n + 1, sizeof(*keys));
	const char *key;
	json_t *value;
	size_t i = 0;

	json_object_foreach ((json_t *)map, key, value) {
		keys[i++] = key;
	}
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 0; i < n; i++) {
		size_t start = nested_begin(out, field->number);

		put_bytes(out, ENTRY_KEY, str_from(keys[i]));
		encode_value(field, ENTRY_VALUE, json_object_get(map, keys[i]), out);
		nested_end(out, start);
	}
}

static void encode_field(const struct field *field, const json_t *value, struct buffer *out)
{
	const json_t *element;
	size_t i;

	switch ((enum field_shape)field->shape) {
	case FIELD_ONE:
		encode_value(field, field->number, value, out);
		return;
	case FIELD_LIST:
		json_array_foreach (value, i, element) {
			encode_value(field, field->number, element, out);
		}
		return;
	case FIELD_MAP:
		encode_map(field, value, out);
		return;
	}
}

static void encode_message(const struct type *type, const json_t *tree, struct buffer *out)
{
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct field *field = &type->fields[i];
		const json_t *value = json_object_get(tree, field->name);

		if ((field->flags & FIELD_INLINE) != 0) {
			size_t start = nested_begin(out, field->number);

			encode_message(field->message, tree, out);
			nested_end(out, start);
		} else if (field->number != 0 && value != NULL && !json_is_null(value)) {
			encode_field(field, value, out);
		}
	}
}

/* ---- envelope ---- */

static size_t envelope_begin(const char *api_version, const char *kind, struct buffer *out)
{
	size_t start;

	buffer_append_str(out, PROTOBUF_MAGIC);
	start = nested_begin(out, UNKNOWN_TYPE_META);
	put_bytes(out, TYPE_META_API_VERSION, str_from(api_version));
	put_bytes(out, TYPE_META_KIND, str_from(kind));
	nested_end(out, start);
	return nested_begin(out, UNKNOWN_RAW);
}

static void envelope_end(struct buffer *out, size_t start)
{
	nested_end(out, start);
	put_bytes(out, UNKNOWN_CONTENT_ENCODING, STR(""));
	put_bytes(out, UNKNOWN_CONTENT_TYPE, STR(""));
}

void protobuf_encode_type(const struct type *type, const char *api_version, const char *kind,
			  const json_t *tree, struct buffer *out)
{
	size_t start = envelope_begin(api_version, kind, out);

	encode_message(type, tree, out);
	envelope_end(out, start);
}

void protobuf_encode(const struct kind *kind, const json_t *tree, struct buffer *out)
{
	_cleanup_buffer_ struct buffer api_version = BUFFER_INIT(LIMIT_ERROR_MESSAGE);

	kind_api_version(kind, &api_version);
	protobuf_encode_type(kind->type, buffer_text(&api_version), kind->kind, tree, out);
}

void protobuf_encode_list(const struct kind *kind, const json_t *list, struct buffer *out)
{
	_cleanup_buffer_ struct buffer api_version = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_free_ char *name = mem_printf("%sList", kind->kind);
	const json_t *item;
	size_t start;
	size_t nested;
	size_t i;

	kind_api_version(kind, &api_version);
	start = envelope_begin(buffer_text(&api_version), name, out);
	nested = nested_begin(out, LIST_METADATA);
	encode_message(&type_list_meta, json_object_get(list, "metadata"), out);
	nested_end(out, nested);
	json_array_foreach (json_object_get(list, "items"), i, item) {
		nested = nested_begin(out, LIST_ITEMS);
		encode_message(kind->type, item, out);
		nested_end(out, nested);
	}
	envelope_end(out, start);
}

void protobuf_encode_watch_event(const char *type, struct str object, struct buffer *out)
{
	size_t start = out->n;
	size_t nested;
	size_t n;

	buffer_append(out, "\0\0\0\0", 4);
	put_bytes(out, WATCH_EVENT_TYPE, str_from(type));
	nested = nested_begin(out, WATCH_EVENT_OBJECT);
	put_bytes(out, ONLY_FIELD, object);
	nested_end(out, nested);
	if (!out->overflowed) {
		n = out->n - start - 4;
		for (unsigned i = 0; i < 4; i++) {
			out->p[start + i] = (char)(n >> (24 - 8 * i) & 0xff);
		}
	}
}
