/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-zone [SERVICES [ENDPOINTS [LARGE]]]: the zone at scale. Feeds that many headless Services
 * with that many endpoints in all, in three topology zones, and one more Service of LARGE endpoints
 * in slices of 100; prints what the zone takes and what a change costs, from the object to the
 * published name.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/snapshot.h"
#include "dns/answer.h"
#include "dns/wire.h"
#include "object/kinds.h"
#include "object/object.h"
#include "zone/zone.h"

enum { SLICE = 100, CHANGES = 300, JSON_MAX = 1 << 20, QUESTIONS = 4096, ASKED = 2000000 };

static double ms(uint64_t since)
{
	return (double)(clock_monotonic(&clock_system) - since) / 1e6;
}

/* Bytes in use on the heap, mapped blocks included. */
static double heap_mb(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd) / 1e6;
}

static double resident_mb(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (file != NULL) {
		(void)!fscanf(file, "%*d %ld", &pages);
		fclose(file);
	}
	return (double)pages * 4096 / 1e6;
}

static struct object *parse(const struct kind *kind, struct buffer *json)
{
	struct object *object;

	if (object_new(kind, buffer_str(json), &object) != 0) {
		abort();
	}
	/* The tree is the object's cost, not the zone's. */
	(void)object_tree(object);
	return object;
}

static void feed(struct zone *zone, const struct kind *kind, struct buffer *json)
{
	struct object *object = parse(kind, json);

	zone_change(zone, NULL, object);
	object_unref(object);
}

static void service_json(struct buffer *json, int service)
{
	buffer_clear(json);
	buffer_printf(
		json,
		"{\"metadata\":{\"name\":\"service-%d\",\"namespace\":\"space-%d\"},\"spec\":{"
		"\"clusterIP\":\"None\",\"selector\":{\"app\":\"a\"},\"ports\":[{\"name\":"
		"\"http\",\"port\":80}]}}",
		service, service % 50);
}

/* `n` endpoints from number `first` on; `bump` moves the last one's address. */
static void slice_json(struct buffer *json, int service, int slice, int first, int n, int bump)
{
	buffer_clear(json);
	buffer_printf(
		json,
		"{\"metadata\":{\"name\":\"service-%d-%d\",\"namespace\":\"space-%d\",\"labels\""
		":{\"kubernetes.io/service-name\":\"service-%d\"}},\"addressType\":\"IPv4\","
		"\"ports\":[{\"name\":\"http\",\"protocol\":\"TCP\",\"port\":80}],"
		"\"endpoints\":[",
		service, slice, service % 50, service);
	for (int i = 0; i < n; i++) {
		int number = first + i + (i == n - 1 ? bump : 0);

		buffer_printf(json,
			      "%s{\"addresses\":[\"10.%d.%d.%d\"],\"hostname\":\"pod-%d\","
			      "\"zone\":\"zone-%c\",\"conditions\":{\"ready\":true}}",
			      i != 0 ? "," : "", number >> 16 & 255, number >> 8 & 255,
			      number & 255, first + i, "abc"[i % 3]);
	}
	buffer_append_text(json, "]}");
}

static int feed_service(struct zone *zone, struct buffer *json, int service, int first, int n)
{
	service_json(json, service);
	feed(zone, &kind_service, json);
	for (int at = 0; at < n; at += SLICE) {
		slice_json(json, service, at / SLICE, first + at, n - at < SLICE ? n - at : SLICE,
			   0);
		feed(zone, &kind_endpoint_slice, json);
	}
	return first + n;
}

static int compare(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : 1;
}

/* Moves one endpoint's address to and fro and prints what zone_change() takes. */
static void time_changes(struct zone *zone, struct buffer *json, int service, int first, int n,
			 const char *what)
{
	double times[CHANGES];

	for (int i = 0; i < CHANGES; i++) {
		slice_json(json, service, 0, first, n < SLICE ? n : SLICE,
			   i % 2 == 0 ? 1 << 22 : 0);
		struct object *object = parse(&kind_endpoint_slice, json);
		uint64_t start = clock_monotonic(&clock_system);

		zone_change(zone, NULL, object);
		times[i] = ms(start);
		object_unref(object);
	}
	qsort(times, CHANGES, sizeof(times[0]), compare);
	printf("%-40s p50 %.3f ms, p99 %.3f ms\n", what, times[CHANGES / 2],
	       times[CHANGES * 99 / 100]);
}

/* A query for one of the names, without EDNS, as most stub resolvers ask. */
static size_t make_question(struct random_state *random, int services, int each, uint8_t *packet)
{
	struct dns_writer writer = { .p = packet, .limit = 512 };
	int service = (int)random_below(random, (uint32_t)services);
	int pod = 1 + service * each + (int)random_below(random, (uint32_t)each);
	uint32_t dice = random_below(random, 10);
	char text[256];
	int n;

	n = snprintf(text, sizeof(text), "%s%d%sservice-%d.space-%d.svc.cluster.local",
		     dice == 9                ? "nope-"
		     : dice == 6 || dice == 7 ? "pod-"
					      : "",
		     pod, ".", service, service % 50);
	struct str rest = { .p = text, .n = (size_t)n };

	if (dice < 6 || dice == 8) {
		(void)str_cut(&rest, '.');
	}
	put_u32(&writer, 0x12340100);
	put_u32(&writer, 0x00010000);
	put_u32(&writer, 0);
	if (dice == 8) {
		put_str(&writer, STR("\5_http\4_tcp"));
	}
	writer.n += name_labels_write(rest, packet + writer.n, 255);
	packet[writer.n++] = 0;
	put_u16(&writer, dice == 8 ? RR_SRV : RR_A);
	put_u16(&writer, DNS_CLASS_IN);
	return writer.n;
}

static void time_answers(const struct zone *zone, int services, int each)
{
	static uint8_t packets[QUESTIONS][512];
	static size_t sizes[QUESTIONS];
	static uint8_t out[DNS_ANSWER_MAX];
	const struct dns_options options = { .udp_size = LIMIT_DNS_UDP };
	struct random_state random;
	struct dns_report report;
	uint64_t records = 0;
	uint64_t start;

	random_state_seed(&random, 1);
	for (int i = 0; i < QUESTIONS; i++) {
		sizes[i] = make_question(&random, services, each, packets[i]);
	}
	start = clock_monotonic(&clock_system);
	for (int i = 0; i < ASKED; i++) {
		size_t n = 0;

		(void)dns_answer(&options, zone, packets[i % QUESTIONS], sizes[i % QUESTIONS],
				 (struct dns_transport){ .tcp = false }, &random, out, NULL,
				 &report, &n);
		records += get_u16(out + 6);
	}
	printf("an answer: %.0f ns, %.1f records\n", ms(start) * 1e6 / ASKED,
	       (double)records / ASKED);
}

int main(int argc, char **argv)
{
	int services = argc > 1 ? atoi(argv[1]) : 10000;
	int endpoints = argc > 2 ? atoi(argv[2]) : 150000;
	int large = argc > 3 ? atoi(argv[3]) : 10000;
	static const char *const reverse[] = { "10.0.0.0/8" };
	struct zone_config config = {
		.domain = "cluster.local",
		.ttl = 5,
		.reverse = reverse,
		.n_reverse = 1,
		.zonal = true,
	};
	_cleanup_buffer_ struct buffer json = BUFFER_INIT(JSON_MAX);
	char message[ZONE_MESSAGE];
	struct zone *zone;
	double before;
	int each;
	int next = 1;

	if (services < 1 || endpoints < 1 || large < 1 || zone_new(&config, &zone, message) != 0) {
		fprintf(stderr, "usage: bench-zone [SERVICES [ENDPOINTS [LARGE]]]\n");
		return 2;
	}
	slice_json(&json, 0, 0, 0, SLICE, 0); /* the buffer is no part of the zone */
	before = heap_mb();
	for (int i = 0; i < 50; i++) {
		buffer_clear(&json);
		buffer_printf(&json, "{\"metadata\":{\"name\":\"space-%d\"}}", i);
		feed(zone, &kind_namespace, &json);
	}
	uint64_t start = clock_monotonic(&clock_system);

	each = endpoints / services;
	for (int i = 0; i < services; i++) {
		next = feed_service(zone, &json, i, next, each);
	}
	printf("%d services, %d endpoints read in %.0f ms (parsing included)\n", services,
	       each * services, ms(start));
	snapshot_barrier();
	printf("heap %.1f MB, resident %.1f MB\n", heap_mb() - before, resident_mb());
	zone_synced(zone);
	time_answers(zone, services, each);
	time_changes(zone, &json, 1, 1 + each, each, "one endpoint of a small Service:");
	start = clock_monotonic(&clock_system);
	(void)feed_service(zone, &json, services, next, large);
	printf("a Service of %d endpoints read in %.0f ms\n", large, ms(start));
	time_changes(zone, &json, services, next, large, "one endpoint of the large Service:");
	time_changes(zone, &json, 1, 1 + each, each, "one endpoint of a small Service again:");
	snapshot_barrier();
	printf("heap %.1f MB, resident %.1f MB\n", heap_mb() - before, resident_mb());
	zone_free(zone);
	return 0;
}
