/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/test-rig.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "dns/wire.h"
#include "object/kinds.h"
#include "object/object.h"

static struct rig *rig_make(const struct zone_config *config)
{
	static const char *const reverse[] = { "10.96.0.0/16", "10.244.0.0/16", "fd00::/16" };
	struct rig *rig = MEM_NEW(struct rig);
	struct zone_config full = *config;
	char message[ZONE_MESSAGE];

	clock_manual_init(&rig->clock, 1700000000 * NS_PER_S);
	full.domain = full.domain != NULL ? full.domain : "cluster.local";
	full.ttl = full.ttl != 0 ? full.ttl : ZONE_TTL_DEFAULT;
	full.clock = &rig->clock.clock;
	if (full.reverse == NULL) {
		full.reverse = reverse;
		full.n_reverse = ARRAY_SIZE(reverse);
	}
	assert_int_equal(zone_new(&full, &rig->zone, message), 0);
	rig->options = (struct dns_options){ .udp_size = LIMIT_DNS_UDP };
	rig->udp_size = LIMIT_DNS_UDP;
	random_state_seed(&rig->random, 1);
	return rig;
}

struct rig *rig_new_config(const struct zone_config *config)
{
	struct rig *rig = rig_make(config);

	zone_synced(rig->zone);
	return rig;
}

struct rig *rig_new_unsynced(void)
{
	return rig_make(&(struct zone_config){ .pods = ZONE_PODS_INSECURE });
}

struct rig *rig_new(void)
{
	return rig_new_config(&(struct zone_config){ .pods = ZONE_PODS_INSECURE });
}

struct rig *rig_free(struct rig *rig)
{
	zone_free(rig->zone);
	return mem_free(rig);
}

static const struct kind *kind_called(const char *name)
{
	const struct kind *known[] = { &kind_service, &kind_endpoint_slice, &kind_namespace,
				       &kind_pod, &kind_service_import };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i]->kind, name) == 0) {
			return known[i];
		}
	}
	fail_msg("no kind %s", name);
	return NULL;
}

void rig_put(struct rig *rig, const char *kind_name, const char *json)
{
	const struct kind *kind = kind_called(kind_name);
	struct object *object;

	assert_int_equal(object_new(kind, str_from(json), &object), 0);
	zone_change(rig->zone, NULL, object);
	object_unref(object);
}

void rig_remove(struct rig *rig, const char *kind_name, const char *space, const char *name)
{
	const struct kind *kind = kind_called(kind_name);
	char *json =
		mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"}}", name, space);
	struct object *object;

	assert_int_equal(object_new(kind, str_from(json), &object), 0);
	zone_change(rig->zone, object, NULL);
	object_unref(object);
	mem_free(json);
}

void rig_namespace(struct rig *rig, const char *name)
{
	char *json = mem_printf("{\"metadata\":{\"name\":\"%s\"}}", name);

	rig_put(rig, "Namespace", json);
	mem_free(json);
}

static void add_ports(struct buffer *json, const char *ports)
{
	struct str rest = str_from(ports);

	buffer_append_text(json, "[");
	while (rest.n != 0) {
		struct str port = str_cut(&rest, ' ');
		struct str name = str_cut(&port, '/');
		struct str protocol = str_cut(&port, '/');

		buffer_printf(json, "{\"name\":\"%.*s\",\"protocol\":\"%.*s\",\"port\":%.*s}%s",
			      STR_ARG(name), STR_ARG(protocol), STR_ARG(port),
			      rest.n != 0 ? "," : "");
	}
	buffer_append_text(json, "]");
}

void rig_service(struct rig *rig, const char *space, const char *name, const char *addresses,
		 const char *ports)
{
	_cleanup_buffer_ struct buffer json = BUFFER_INIT(1 << 20);
	struct str rest = str_from(addresses);

	buffer_printf(&json,
		      "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"},\"spec\":{\"type\":"
		      "\"ClusterIP\",\"selector\":{\"app\":\"x\"},\"clusterIPs\":[",
		      name, space);
	while (rest.n != 0) {
		struct str address = str_cut(&rest, ',');

		buffer_printf(&json, "\"%.*s\"%s", STR_ARG(address), rest.n != 0 ? "," : "");
	}
	buffer_append_text(&json, "],\"ports\":");
	add_ports(&json, ports);
	buffer_append_text(&json, "}}");
	rig_put(rig, "Service", buffer_text(&json));
}

void rig_external(struct rig *rig, const char *space, const char *name, const char *target)
{
	char *json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\"},\"spec\":{"
				"\"type\":\"ExternalName\",\"externalName\":\"%s\"}}",
				name, space, target);

	rig_put(rig, "Service", json);
	mem_free(json);
}

static void add_endpoint(struct buffer *json, struct str endpoint)
{
	struct str address = endpoint;
	struct str host = str_cut(&address, '=');
	char last = address.p[address.n - 1];

	address.n -= last == '!' || last == '?';
	struct str zone = address;

	address = str_cut(&zone, '@');
	buffer_printf(json, "{\"addresses\":[\"%.*s\"]", STR_ARG(address));
	if (zone.n != 0) {
		buffer_printf(json, ",\"zone\":\"%.*s\"", STR_ARG(zone));
	}
	if (!str_is(host, "-")) {
		buffer_printf(json, ",\"hostname\":\"%.*s\"", STR_ARG(host));
	}
	if (last != '?') {
		buffer_printf(json, ",\"conditions\":{\"ready\":%s}",
			      last == '!' ? "false" : "true");
	}
	buffer_append_text(json, "}");
}

void rig_slice(struct rig *rig, const char *space, const char *slice, const char *service,
	       const char *ports, const char *endpoints)
{
	_cleanup_buffer_ struct buffer json = BUFFER_INIT(16 << 20);
	struct str rest = str_from(endpoints);

	buffer_printf(&json,
		      "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"%s\",\"labels\":{"
		      "\"kubernetes.io/service-name\":\"%s\"}},\"addressType\":\"%s\",\"ports\":",
		      slice, space, service, strchr(endpoints, ':') != NULL ? "IPv6" : "IPv4");
	add_ports(&json, ports);
	buffer_append_text(&json, ",\"endpoints\":[");
	while (rest.n != 0) {
		add_endpoint(&json, str_cut(&rest, ' '));
		buffer_append_text(&json, rest.n != 0 ? "," : "");
	}
	buffer_append_text(&json, "]}");
	rig_put(rig, "EndpointSlice", buffer_text(&json));
}

/* ---- asking ---- */

size_t rig_query(const struct rig *rig, const char *name, uint16_t type, uint8_t *packet)
{
	struct dns_writer writer = { .p = packet, .limit = 512 };
	struct str rest = str_from(name);

	put_u16(&writer, 0x1234);
	put_u16(&writer, DNS_RD);
	put_u16(&writer, 1);
	put_u32(&writer, 0);
	put_u16(&writer, rig->edns);
	while (rest.n != 0) {
		struct str label = str_cut(&rest, '.');

		writer.p[writer.n++] = (uint8_t)label.n;
		put_str(&writer, label);
	}
	writer.p[writer.n++] = 0;
	put_u16(&writer, type);
	put_u16(&writer, DNS_CLASS_IN);
	if (rig->edns) {
		writer.p[writer.n++] = 0;
		put_u16(&writer, RR_OPT);
		put_u16(&writer, rig->udp_size);
		put_u32(&writer, rig->dnssec_ok ? DNS_EDNS_DO : 0);
		put_u16(&writer, 0);
	}
	return writer.n;
}

/* A name of the message as text, case kept. */
static void print_name(struct buffer *out, const uint8_t *packet, size_t n, size_t at)
{
	size_t steps = 0;

	for (;;) {
		assert_true(at < n && ++steps < 300);
		uint8_t length = packet[at];

		if (length >= 0xc0) {
			size_t target = get_u16(packet + at) & DNS_POINTER_MAX;

			assert_true(target < at && target >= DNS_HEADER);
			at = target;
			continue;
		}
		if (length == 0) {
			buffer_append_text(out, steps == 1 ? "." : "");
			return;
		}
		buffer_append(out, packet + at + 1, length);
		buffer_append_char(out, '.');
		at += 1U + length;
	}
}

static void print_soa(struct buffer *out, const uint8_t *p, size_t n,
		      const struct dns_record *record)
{
	size_t cursor = record->data;
	struct name name;

	print_name(out, p, n, cursor);
	assert_int_equal(dns_name_read(p, n, &cursor, &name), 0);
	buffer_append_char(out, ' ');
	print_name(out, p, n, cursor);
	assert_int_equal(dns_name_read(p, n, &cursor, &name), 0);
	assert_int_equal(record->end - cursor, 20);
	/* The serial is left out: it is tested on its own. */
	for (size_t i = 1; i < 5; i++) {
		buffer_printf(out, " %u", get_u32(p + cursor + 4 * i));
	}
}

static void print_option(struct buffer *out, uint16_t code, const uint8_t *data, size_t n)
{
	if (code == DNS_OPTION_NSID) {
		buffer_printf(out, " nsid=\"%.*s\"", (int)n, data);
	} else if (code == DNS_OPTION_KEEPALIVE && n == 2) {
		buffer_printf(out, " keepalive=%u", get_u16(data));
	} else if (code == DNS_OPTION_COOKIE) {
		buffer_append_text(out, " cookie=");
		for (size_t i = 0; i < n; i++) {
			buffer_printf(out, "%02x", data[i]);
		}
	} else {
		buffer_printf(out, " option%u", code);
	}
}

static void print_opt(struct buffer *out, const uint8_t *p, const struct dns_record *record)
{
	buffer_printf(out, "opt size=%u%s", record->class, record->ttl & DNS_EDNS_DO ? " do" : "");
	for (size_t at = record->data; at < record->end; at += 4U + get_u16(p + at + 2)) {
		if (get_u16(p + at) == DNS_OPTION_EDE) {
			buffer_printf(out, " ede=%u \"%.*s\"", get_u16(p + at + 4),
				      get_u16(p + at + 2) - 2, p + at + 6);
		} else {
			print_option(out, get_u16(p + at), p + at + 4, get_u16(p + at + 2));
		}
	}
}

static void print_data(struct buffer *out, const uint8_t *p, size_t n,
		       const struct dns_record *record)
{
	char text[64];

	switch (record->type) {
	case RR_A:
	case RR_AAAA:
		assert_int_equal(record->n, record->type == RR_A ? 4 : 16);
		inet_ntop(record->type == RR_A ? AF_INET : AF_INET6, p + record->data, text,
			  sizeof(text));
		buffer_printf(out, "%s %s", record->type == RR_A ? "A" : "AAAA", text);
		break;
	case RR_SRV:
		buffer_printf(out, "SRV %u %u %u ", get_u16(p + record->data),
			      get_u16(p + record->data + 2), get_u16(p + record->data + 4));
		print_name(out, p, n, record->data + 6);
		break;
	case RR_CNAME:
	case RR_NS:
	case RR_PTR:
		buffer_append_text(out, record->type == RR_CNAME ? "CNAME "
					: record->type == RR_NS  ? "NS "
								 : "PTR ");
		print_name(out, p, n, record->data);
		break;
	case RR_SOA:
		buffer_append_text(out, "SOA ");
		print_soa(out, p, n, record);
		break;
	default:
		buffer_printf(out, "TYPE%u", record->type);
		for (size_t i = record->data; i < record->end; i++) {
			buffer_append_char(out, p[i] >= ' ' && p[i] <= '~' ? (char)p[i] : '/');
		}
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_section(struct buffer *out, const uint8_t *p, size_t n, size_t *cursor,
			  unsigned count, const char *prefix)
{
	char **lines = mem_alloc_array(count + 1, sizeof(char *));

	for (unsigned i = 0; i < count; i++) {
		_cleanup_buffer_ struct buffer line = BUFFER_INIT(4096);
		struct dns_record record;

		assert_int_equal(dns_record_read(p, n, cursor, &record), 0);
		if (record.type == RR_OPT) {
			print_opt(&line, p, &record);
		} else {
			buffer_printf(&line, "%s ", prefix);
			print_name(&line, p, n, record.owner);
			buffer_printf(&line, " %u ", record.ttl);
			print_data(&line, p, n, &record);
		}
		lines[i] = mem_strdup(buffer_text(&line));
	}
	qsort(lines, count, sizeof(char *), compare_lines);
	for (unsigned i = 0; i < count; i++) {
		buffer_printf(out, "\n%s", lines[i]);
		mem_free(lines[i]);
	}
	mem_free(lines);
}

const char *rig_print(struct rig *rig)
{
	static const char *const rcodes[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
					      "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
					      "NXRRSET", "NOTAUTH" };
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(sizeof(rig->text));
	const uint8_t *p = rig->answer;
	size_t n = rig->answer_n;
	uint16_t flags = get_u16(p + 2);
	uint16_t rcode = dns_rcode(p, n);
	size_t cursor = DNS_HEADER;
	struct name name;

	assert_true(n >= DNS_HEADER);
	assert_int_equal(get_u16(p), get_u16(rig->query));
	assert_true((flags & DNS_QR) != 0);
	if (rcode < ARRAY_SIZE(rcodes)) {
		buffer_append_text(&out, rcodes[rcode]);
	} else {
		buffer_printf(&out, "RCODE%u", rcode);
	}
	buffer_printf(&out, "%s%s%s", flags & DNS_AA ? " aa" : "", flags & DNS_TC ? " tc" : "",
		      flags & DNS_RA ? " ra" : "");
	if (get_u16(p + 4) == 1) {
		assert_int_equal(dns_name_read(p, n, &cursor, &name), 0);
		/* The question comes back byte for byte. */
		cursor += DNS_QUESTION_TAIL;
		assert_memory_equal(p + DNS_HEADER, rig->query + DNS_HEADER, cursor - DNS_HEADER);
	}
	print_section(&out, p, n, &cursor, get_u16(p + 6), "an");
	print_section(&out, p, n, &cursor, get_u16(p + 8), "ns");
	print_section(&out, p, n, &cursor, get_u16(p + 10), "ar");
	assert_int_equal(cursor, n);
	memcpy(rig->text, buffer_text(&out), out.n + 1);
	return rig->text;
}

const char *rig_send(struct rig *rig, const uint8_t *packet, size_t n)
{
	static const uint8_t client[4] = { 192, 0, 2, 1 };
	struct dns_transport transport = {
		.tcp = rig->tcp,
		.allowance = rig->allowance,
		.client = client,
		.client_n = sizeof(client),
		.cookies = rig->cookies,
	};

	if (packet != rig->query) {
		memcpy(rig->query, packet, n < sizeof(rig->query) ? n : sizeof(rig->query));
	}
	rig->asked.name.n = 0;
	rig->answer_n = 0;
	switch (dns_answer(&rig->options, rig->zone, packet, n, transport, &rig->random,
			   rig->answer, &rig->asked, &rig->report, &rig->answer_n)) {
	case DNS_DROP:
		return "no answer";
	case DNS_FORWARD:
		rig->answer_n =
			dns_answer_forwarded(&rig->options, rig->zone, packet, n, transport,
					     &rig->random, &rig->reply, rig->answer, &rig->report);
		break;
	case DNS_TRANSFER:
		return "a transfer";
	default:
		break;
	}
	return rig_print(rig);
}

const char *rig_ask(struct rig *rig, const char *name, uint16_t type)
{
	rig->query_n = rig_query(rig, name, type, rig->query);
	return rig_send(rig, rig->query, rig->query_n);
}

void rig_check(struct rig *rig, const struct rig_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *answer = rig_ask(rig, rows[i].name, rows[i].type);

		if (strcmp(answer, rows[i].answer) != 0) {
			print_error("%s type %u\n", rows[i].name, rows[i].type);
		}
		assert_string_equal(answer, rows[i].answer);
	}
}
