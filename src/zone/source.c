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
/* Multi-Cluster Services API (KEP-1645). */
#define IMPORT_LABEL "multicluster.kubernetes.io/service-name"
#define CLUSTER_LABEL "multicluster.kubernetes.io/source-cluster"

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

struct str slice_service_name(struct object *object, unsigned wanted)
{
	bool imported = (wanted & SLICE_IMPORTED) != 0;

	return str_from(object_label(object, imported ? IMPORT_LABEL : SERVICE_LABEL));
}

/* `ready` absent or null means ready (the API's words for consumers: unknown is ready). */
static bool endpoint_is_ready(const json_t *endpoint)
{
	const json_t *ready = json_object_get(json_object_get(endpoint, "conditions"), "ready");

	return !json_is_false(ready);
}

/* A slice being read. */
struct reading {
	unsigned wanted;
	uint8_t family;
	struct str cluster; /* it comes from; empty: from ours */
	uint32_t known[8]; /* zones spelled last: offsets into text + 1 */
	size_t n_known; /* that were spelled at all */
	struct buffer ports; /* struct source_port */
	struct buffer records; /* struct source_record */
	struct buffer zones; /* uint32_t */
	struct buffer text;
};

static void reading_deinit(struct reading *reading)
{
	buffer_deinit(&reading->ports);
	buffer_deinit(&reading->records);
	buffer_deinit(&reading->zones);
	buffer_deinit(&reading->text);
}

static uint32_t add_endpoint_label(struct reading *reading, struct str label)
{
	uint32_t at = add_label(&reading->text, label);

	if (reading->cluster.n != 0) {
		(void)add_label(&reading->text, reading->cluster);
	}
	return at;
}

/* The label of an endpoint, written once for all its addresses unless it is made of the address. */
static bool endpoint_label(struct reading *reading, const json_t *endpoint, uint32_t *ret_label)
{
	struct str name = string_of(endpoint, "hostname");

	if (!is_label(name) && (reading->wanted & SLICE_POD_NAMES) != 0) {
		name = string_of(json_object_get(endpoint, "targetRef"), "name");
	}
	if (!is_label(name)) {
		return false;
	}
	*ret_label = add_endpoint_label(reading, name);
	return true;
}

/*
 * The topology zone of an endpoint: an offset into text + 1, 0 for none. Each is spelled once, as
 * long as they are not very many.
 */
static uint32_t endpoint_zone(struct reading *reading, const json_t *endpoint)
{
	struct str zone = reading->cluster.n != 0 ? reading->cluster : string_of(endpoint, "zone");
	uint8_t wire[1 + LIMIT_DNS_NAME];
	size_t n;

	if ((reading->wanted & (SLICE_ZONES | SLICE_IMPORTED)) == 0 || zone.n == 0) {
		return 0;
	}
	n = name_labels_write(zone, wire + 1, LIMIT_DNS_NAME);
	if (n == 0) {
		return 0;
	}
	wire[0] = (uint8_t)n;
	for (size_t i = 0; i < ARRAY_SIZE(reading->known) && reading->known[i] != 0; i++) {
		if (counted_eq((const uint8_t *)reading->text.p + reading->known[i] - 1, wire)) {
			return reading->known[i];
		}
	}
	uint32_t at = (uint32_t)reading->text.n + 1;

	buffer_append(&reading->text, wire, 1 + n);
	reading->known[reading->n_known++ % ARRAY_SIZE(reading->known)] = at;
	return at;
}

static void add_endpoint(struct reading *reading, const json_t *endpoint)
{
	bool ready = endpoint_is_ready(endpoint);
	char dashed[ADDRESS_LABEL];
	uint32_t label = 0;
	bool named = endpoint_label(reading, endpoint, &label);
	uint32_t zone = endpoint_zone(reading, endpoint);
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(endpoint, "addresses"), i, item) {
		struct str spelled = { .p = json_string_value(item),
				       .n = json_string_length(item) };
		struct ip address;

		if (!ip_parse(spelled, &address) || address.n != reading->family) {
			continue;
		}
		if (!named) {
			struct str own = { .p = dashed, .n = address_dashed(spelled, dashed) };

			label = add_endpoint_label(reading, own);
		}
		label = ready ? label | (uint32_t)SOURCE_READY : label;
		buffer_append(&reading->records, &label, sizeof(label));
		buffer_append(&reading->records, address.bytes, reading->family);
		buffer_append(&reading->zones, &zone, sizeof(zone));
		label &= ~(uint32_t)SOURCE_READY;
	}
}

static void copy_part(uint8_t *to, const struct buffer *from, size_t n)
{
	if (n != 0) {
		memcpy(to, from->p, n);
	}
}

static struct slice *slice_pack(const struct reading *reading)
{
	size_t zones = reading->n_known != 0 ? reading->zones.n : 0;
	size_t at_records = pad(reading->ports.n);
	size_t at_zones = at_records + pad(reading->records.n);
	size_t at_text = at_zones + pad(zones);
	size_t size = at_text + reading->text.n;
	struct slice *slice = mem_alloc(sizeof(struct slice) + size);

	list_init(&slice->link);
	slice->family = reading->family;
	slice->imported = reading->cluster.n != 0;
	slice->n_ports = (uint16_t)(reading->ports.n / sizeof(struct source_port));
	slice->n_records =
		(uint32_t)(reading->records.n / (sizeof(struct source_record) + reading->family));
	slice->size = (uint32_t)size;
	copy_part(slice->bytes, &reading->ports, reading->ports.n);
	copy_part(slice->bytes + at_records, &reading->records, reading->records.n);
	copy_part(slice->bytes + at_zones, &reading->zones, zones);
	copy_part(slice->bytes + at_text, &reading->text, reading->text.n);
	slice->ports = (const struct source_port *)(const void *)slice->bytes;
	slice->records = slice->bytes + at_records;
	if (reading->n_known != 0) {
		slice->zones = (const uint32_t *)(const void *)(slice->bytes + at_zones);
	}
	slice->text = slice->bytes + at_text;
	for (uint32_t i = 0; i < slice->n_records; i++) {
		slice->n_ready += source_is_ready(slice_record(slice, i));
	}
	return slice;
}

struct slice *slice_new(struct object *object, unsigned wanted)
{
	__attribute__((cleanup(reading_deinit))) struct reading reading = {
		.wanted = wanted,
		.ports = BUFFER_INIT(LIMIT_OBJECT * 4),
		.records = BUFFER_INIT(LIMIT_OBJECT * 4),
		.zones = BUFFER_INIT(LIMIT_OBJECT * 4),
		.text = BUFFER_INIT(LIMIT_OBJECT * 4),
	};
	const json_t *tree = object_tree(object);
	struct str type = string_of(tree, "addressType");
	size_t i;
	json_t *item;

	reading.family = str_is(type, "IPv4") ? 4 : str_is(type, "IPv6") ? 16 : 0;
	if ((wanted & SLICE_IMPORTED) != 0) {
		reading.cluster = str_from(object_label(object, CLUSTER_LABEL));
	}
	if (reading.family == 0 || ((wanted & SLICE_IMPORTED) != 0 && !is_label(reading.cluster))) {
		return NULL;
	}
	add_ports(json_object_get(tree, "ports"), &reading.ports, &reading.text);
	json_array_foreach (json_object_get(tree, "endpoints"), i, item) {
		add_endpoint(&reading, item);
	}
	if (reading.ports.overflowed || reading.records.overflowed || reading.zones.overflowed ||
	    reading.text.overflowed) {
		return NULL;
	}
	return slice_pack(&reading);
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
	       (a->zones != NULL) == (b->zones != NULL) && a->size == b->size &&
	       memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* ---- services ---- */

/* `key`: where the addresses stand. */
static void read_addresses(const json_t *spec, const char *key, struct service_spec *service)
{
	const json_t *list = json_object_get(spec, key);
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		struct str text = { .p = json_string_value(item), .n = json_string_length(item) };

		if (service->n_addresses < ARRAY_SIZE(service->addresses) &&
		    ip_parse(text, &service->addresses[service->n_addresses])) {
			service->n_addresses++;
		}
	}
	/* Objects from before dual stack have the singular only. */
	if (json_array_size(list) == 0 &&
	    ip_parse(string_of(spec, "clusterIP"), &service->addresses[0])) {
		service->n_addresses = 1;
	}
	if (service->n_addresses == 2 &&
	    memcmp(&service->addresses[0], &service->addresses[1], sizeof(struct ip)) == 0) {
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
	struct ip address;

	*ret = (struct name){ 0 };
	service->alias_is_address = ip_parse(text, &address);
	if (service->alias_is_address || text.n == 0 || name_parse(text, ret) != 0 ||
	    ret->n_labels == 0) {
		ret->n = 0;
	}
}

/* Puts the spec into one allocation: `head`, its ports and their names, and the alias. */
static struct service_spec *spec_pack(const struct service_spec *head, const json_t *list,
				      const struct name *alias)
{
	_cleanup_buffer_ struct buffer ports = BUFFER_INIT(LIMIT_OBJECT * 4);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_OBJECT * 4);

	add_ports(list, &ports, &text);
	size_t at_alias = pad(ports.n);
	size_t at_text = at_alias + alias->n;
	size_t size = at_text + text.n;
	struct service_spec *service = mem_alloc(sizeof(struct service_spec) + size);

	*service = *head;
	service->n_ports = (uint16_t)(ports.n / sizeof(struct source_port));
	service->size = (uint32_t)size;
	copy_part(service->bytes, &ports, ports.n);
	memcpy(service->bytes + at_alias, alias->wire, alias->n);
	copy_part(service->bytes + at_text, &text, text.n);
	service->ports = (const struct source_port *)(const void *)service->bytes;
	service->alias =
		(struct str){ .p = (const char *)service->bytes + at_alias, .n = alias->n };
	service->text = service->bytes + at_text;
	return service;
}

struct service_spec *service_spec_new(struct object *object)
{
	const json_t *spec = json_object_get(object_tree(object), "spec");
	struct service_spec head = { 0 };
	struct name alias = { 0 };

	head.has_selector = json_object_size(json_object_get(spec, "selector")) != 0;
	if (str_is(string_of(spec, "type"), "ExternalName")) {
		head.type = SERVICE_EXTERNAL;
		read_alias(spec, &head, &alias);
	} else if (is_headless(spec)) {
		head.type = SERVICE_HEADLESS;
	} else {
		head.type = SERVICE_CLUSTER;
		read_addresses(spec, "clusterIPs", &head);
	}
	return spec_pack(&head, json_object_get(spec, "ports"), &alias);
}

struct service_spec *service_spec_import(struct object *object)
{
	const json_t *spec = json_object_get(object_tree(object), "spec");
	struct service_spec head = { .imported = true, .type = SERVICE_CLUSTER };
	struct name none = { 0 };

	if (str_is(string_of(spec, "type"), "Headless")) {
		head.type = SERVICE_HEADLESS;
	} else {
		read_addresses(spec, "ips", &head);
	}
	return spec_pack(&head, json_object_get(spec, "ports"), &none);
}

bool service_spec_eq(const struct service_spec *a, const struct service_spec *b)
{
	return a->type == b->type && a->alias_is_address == b->alias_is_address &&
	       a->has_selector == b->has_selector && a->n_addresses == b->n_addresses &&
	       a->n_ports == b->n_ports && a->size == b->size &&
	       memcmp(a->addresses, b->addresses, sizeof(a->addresses)) == 0 &&
	       memcmp(a->bytes, b->bytes, a->size) == 0;
}
