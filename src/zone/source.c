/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding happens in two buffers, arrays and text, that are then packed into one allocation, so
 * that a slice costs little more than its addresses and comparing two is comparing bytes. An
 * endpoint without a hostname gets its label here, once.
 */
#include "zone/source.h"

#include <jansson.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/object.h"
#include "json/json.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

/* Appends a wire label in lower case and returns where. */
static uint32_t add_label(struct buffer *text, struct str label)
{
	uint32_t at = (uint32_t)text->n;

	buffer_append_char(text, (char)label.n);
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];

		buffer_append_char(text, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
	}
	return at;
}

static bool is_label(struct str s)
{
	return s.n != 0 && s.n <= LIMIT_DNS_LABEL && memchr(s.p, '.', s.n) == NULL;
}

static struct str string_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return (struct str){ .p = json_string_value(value), .n = json_string_length(value) };
}

static void add_ports(const json_t *list, struct buffer *ports, struct buffer *text)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		struct str name = string_of(item, "name");
		struct str protocol = string_of(item, "protocol");
		const json_t *number = json_object_get(item, "port");
		json_int_t value = json_integer_value(number);
		bool has_number = json_is_integer(number) && value > 0 && value <= UINT16_MAX;

		if (i >= LIMIT_ZONE_PORTS || name.n > LIMIT_DNS_LABEL ||
		    protocol.n > LIMIT_DNS_LABEL) {
			continue;
		}
		struct source_port port = {
			.number = has_number ? (uint16_t)value : 0,
			.has_number = has_number,
			.name = add_label(text, name),
			.protocol = add_label(text, protocol.n != 0 ? protocol : STR("tcp")),
		};

		buffer_append(ports, &port, sizeof(port));
	}
}

static size_t pad(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* ---- slices ---- */

struct str slice_service_name(struct object *object)
{
	return str_from(object_label(object, SERVICE_LABEL));
}

/* `ready` absent or null means ready (the API's words for consumers: unknown is ready). */
static bool endpoint_is_ready(const json_t *endpoint)
{
	const json_t *ready = json_object_get(json_object_get(endpoint, "conditions"), "ready");

	return !json_is_false(ready);
}

/* The label of an endpoint, written once for all its addresses unless it is made of the address. */
static bool endpoint_label(const json_t *endpoint, bool pod_names, struct buffer *text,
			   uint32_t *ret_label)
{
	struct str name = string_of(endpoint, "hostname");

	if (!is_label(name) && pod_names) {
		name = string_of(json_object_get(endpoint, "targetRef"), "name");
	}
	if (!is_label(name)) {
		return false;
	}
	*ret_label = add_label(text, name);
	return true;
}

static void add_endpoint(const json_t *endpoint, uint8_t family, bool pod_names,
			 struct buffer *records, struct buffer *text)
{
	bool ready = endpoint_is_ready(endpoint);
	char dashed[ADDRESS_LABEL];
	uint32_t label = 0;
	bool named = endpoint_label(endpoint, pod_names, text, &label);
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(endpoint, "addresses"), i, item) {
		struct str spelled = { .p = json_string_value(item),
				       .n = json_string_length(item) };
		struct address address;

		if (!address_parse(spelled, &address) || address.n != family) {
			continue;
		}
		if (!named) {
			struct str own = { .p = dashed, .n = address_dashed(spelled, dashed) };

			label = add_label(text, own);
		}
		label = ready ? label | (uint32_t)SOURCE_READY : label;
		buffer_append(records, &label, sizeof(label));
		buffer_append(records, address.bytes, family);
		label &= ~(uint32_t)SOURCE_READY;
	}
}

static struct slice *slice_pack(uint8_t family, const struct buffer *ports,
				const struct buffer *records, const struct buffer *text)
{
	size_t at_records = pad(ports->n);
	size_t at_text = at_records + pad(records->n);
	size_t size = at_text + text->n;
	struct slice *slice = mem_alloc(sizeof(struct slice) + size);

	list_init(&slice->link);
	slice->family = family;
	slice->n_ports = (uint16_t)(ports->n / sizeof(struct source_port));
	slice->n_records = (uint32_t)(records->n / (sizeof(struct source_record) + family));
	slice->size = (uint32_t)size;
	memcpy(slice->bytes, ports->p != NULL ? ports->p : "", ports->n);
	memcpy(slice->bytes + at_records, records->p != NULL ? records->p : "", records->n);
	memcpy(slice->bytes + at_text, text->p != NULL ? text->p : "", text->n);
	slice->ports = (const struct source_port *)(const void *)slice->bytes;
	slice->records = slice->bytes + at_records;
	slice->text = slice->bytes + at_text;
	for (uint32_t i = 0; i < slice->n_records; i++) {
		slice->n_ready += source_is_ready(slice_record(slice, i));
	}
	return slice;
}

struct slice *slice_new(struct object *object, bool pod_names)
{
	_cleanup_buffer_ struct buffer ports = BUFFER_INIT(LIMIT_OBJECT * 4);
	_cleanup_buffer_ struct buffer records = BUFFER_INIT(LIMIT_OBJECT * 4);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT * 4);
	const json_t *tree = object_tree(object);
	struct str type = string_of(tree, "addressType");
	uint8_t family = str_is(type, "IPv4") ? 4 : str_is(type, "IPv6") ? 16 : 0;
	size_t i;
	json_t *item;

	if (family == 0) {
		return NULL;
	}
	add_ports(json_object_get(tree, "ports"), &ports, &text);
	json_array_foreach (json_object_get(tree, "endpoints"), i, item) {
		add_endpoint(item, family, pod_names, &records, &text);
	}
	if (ports.overflowed || records.overflowed || text.overflowed) {
		return NULL;
	}
	return slice_pack(family, &ports, &records, &text);
}

struct slice *slice_free(struct slice *slice)
{
	if (slice != NULL) {
		list_unlink(&slice->link);
		mem_free(slice);
	}
	return NULL;
}

bool slice_eq(const struct slice *a, const struct slice *b)
{
	return a->family == b->family && a->n_ports == b->n_ports && a->n_records == b->n_records &&
	       a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* ---- services ---- */

static void read_addresses(const json_t *spec, struct service_spec *service)
{
	const json_t *list = json_object_get(spec, "clusterIPs");
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		struct str text = { .p = json_string_value(item), .n = json_string_length(item) };

		if (service->n_addresses < ARRAY_SIZE(service->addresses) &&
		    address_parse(text, &service->addresses[service->n_addresses])) {
			service->n_addresses++;
		}
	}
	/* Objects from before dual stack have the singular only. */
	if (json_array_size(list) == 0 &&
	    address_parse(string_of(spec, "clusterIP"), &service->addresses[0])) {
		service->n_addresses = 1;
	}
	if (service->n_addresses == 2 &&
	    memcmp(&service->addresses[0], &service->addresses[1], sizeof(struct address)) == 0) {
		service->n_addresses = 1;
	}
}

static bool is_headless(const json_t *spec)
{
	const json_t *first = json_array_get(json_object_get(spec, "clusterIPs"), 0);

	return str_is(str_from(json_string_value(first)), "None") ||
	       str_is(string_of(spec, "clusterIP"), "None");
}

static void read_alias(const json_t *spec, struct service_spec *service, struct name *ret)
{
	struct str text = string_of(spec, "externalName");
	struct address address;

	*ret = (struct name){ 0 };
	service->alias_is_address = address_parse(text, &address);
	if (service->alias_is_address || text.n == 0 || name_parse(text, ret) != 0 ||
	    ret->n_labels == 0) {
		ret->n = 0;
	}
}

struct service_spec *service_spec_new(struct object *object)
{
	_cleanup_buffer_ struct buffer ports = BUFFER_INIT(LIMIT_OBJECT * 4);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT * 4);
	const json_t *spec = json_object_get(object_tree(object), "spec");
	struct service_spec head = { 0 };
	struct service_spec *service;
	struct name alias = { 0 };

	head.has_selector = json_object_size(json_object_get(spec, "selector")) != 0;
	if (str_is(string_of(spec, "type"), "ExternalName")) {
		head.type = SERVICE_EXTERNAL;
		read_alias(spec, &head, &alias);
	} else if (is_headless(spec)) {
		head.type = SERVICE_HEADLESS;
	} else {
		head.type = SERVICE_CLUSTER;
		read_addresses(spec, &head);
	}
	add_ports(json_object_get(spec, "ports"), &ports, &text);
	size_t at_alias = pad(ports.n);
	size_t at_text = at_alias + alias.n;

	head.n_ports = (uint16_t)(ports.n / sizeof(struct source_port));
	head.size = (uint32_t)(at_text + text.n);
	service = mem_alloc(sizeof(struct service_spec) + head.size);
	*service = head;
	memcpy(service->bytes, ports.p != NULL ? ports.p : "", ports.n);
	memcpy(service->bytes + at_alias, alias.wire, alias.n);
	memcpy(service->bytes + at_text, text.p != NULL ? text.p : "", text.n);
	service->ports = (const struct source_port *)(const void *)service->bytes;
	service->alias = (struct str){ .p = (const char *)service->bytes + at_alias, .n = alias.n };
	service->text = service->bytes + at_text;
	return service;
}

bool service_spec_eq(const struct service_spec *a, const struct service_spec *b)
{
	return a->type == b->type && a->alias_is_address == b->alias_is_address &&
	       a->has_selector == b->has_selector && a->n_addresses == b->n_addresses &&
	       a->n_ports == b->n_ports && a->size == b->size &&
	       memcmp(a->addresses, b->addresses, sizeof(a->addresses)) == 0 &&
	       memcmp(a->bytes, b->bytes, a->size) == 0;
}
