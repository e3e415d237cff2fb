/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the DNS part counted, under the names that dashboards and alerts for CoreDNS know, and
 * beside it what CoreDNS has no name for. CoreDNS labels a query with the zone of the server block
 * that took it; here that is the cluster's domain, in-addr.arpa, ip6.arpa, or "." for names
 * outside.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/dns_part.h"
#include "dns/resolver.h"
#include "dns/server.h"
#include "ops/metrics.h"
#include "zone/lookup.h"
#include "zone/programming.h"
#include "zone/zone.h"

enum {
	ZONE_TEXT = 4 * LIMIT_DNS_NAME,
	LABELS_TEXT = 2 * ZONE_TEXT,
	BOUNDS_MAX = 32,
};

/* One server label and what was counted under it. */
struct block {
	const char *server;
	struct dns_stats stats;
};

struct writer {
	struct buffer *out;
	struct block *blocks;
	size_t n_blocks;
	char zones[DNS_PLACES][ZONE_TEXT];
};

static const char *const protos[DNS_PROTOS] = { "udp", "tcp" };
static const char *const families[DNS_FAMILIES] = { "1", "2" };

/* Who answers in a place: the `plugin` label. */
static const char *const plugins[DNS_PLACES] = {
	[DNS_PLACE_CLUSTER] = "kubernetes",
	[DNS_PLACE_IN_ADDR] = "kubernetes",
	[DNS_PLACE_IP6] = "kubernetes",
	[DNS_PLACE_OUTSIDE] = "forward",
	[DNS_PLACE_NONE] = "",
};

/* Bytes that a label value cannot hold as they are do not occur in a configured domain. */
static void print_domain(const struct name *name, char text[ZONE_TEXT])
{
	size_t n = 0;

	for (size_t i = 0; i < name->n_labels; i++) {
		struct str label = name_label(name, i);

		n += (size_t)snprintf(text + n, ZONE_TEXT - n, "%.*s.", STR_ARG(label));
	}
}

/* "server, zone, view" and what comes behind them. */
__attribute__((format(printf, 5, 6))) static const char *labels(const struct writer *writer,
								const struct block *block,
								size_t place, char *text,
								const char *more, ...)
{
	va_list arguments;
	int n = snprintf(text, LABELS_TEXT, "server=\"%s\",zone=\"%s\",view=\"\"", block->server,
			 writer->zones[place]);

	va_start(arguments, more);
	vsnprintf(text + n, LABELS_TEXT - (size_t)n, more, arguments);
	va_end(arguments);
	return text;
}

/* Calls `write` for every place of every block. */
static void each_place(const struct writer *writer,
		       void (*write)(const struct writer *writer, const struct block *block,
				     size_t place, const struct dns_place_stats *stats))
{
	for (size_t i = 0; i < writer->n_blocks; i++) {
		for (size_t place = 0; place < DNS_PLACES; place++) {
			write(writer, &writer->blocks[i], place,
			      &writer->blocks[i].stats.places[place]);
		}
	}
}

static void write_requests(const struct writer *writer, const struct block *block, size_t place,
			   const struct dns_place_stats *stats)
{
	const struct counter *counters = &stats->requests[0][0][0];
	char text[LABELS_TEXT];

	for (size_t i = 0; i < (size_t)DNS_PROTOS * DNS_FAMILIES * DNS_TYPES; i++) {
		uint64_t value = counter_get(&counters[i]);

		if (value != 0) {
			labels(writer, block, place, text,
			       ",proto=\"%s\",family=\"%s\",type=\"%s\"",
			       protos[i / DNS_TYPES / DNS_FAMILIES],
			       families[i / DNS_TYPES % DNS_FAMILIES],
			       dns_type_names[i % DNS_TYPES]);
			metrics_sample(writer->out, "coredns_dns_requests_total", text,
				       (double)value);
		}
	}
}

static void write_responses(const struct writer *writer, const struct block *block, size_t place,
			    const struct dns_place_stats *stats)
{
	char text[LABELS_TEXT];
	char number[8];

	for (size_t i = 0; i < DNS_RCODES; i++) {
		uint64_t value = counter_get(&stats->responses[i]);

		if (value != 0) {
			snprintf(number, sizeof(number), "%zu", i);
			labels(writer, block, place, text, ",rcode=\"%s\",plugin=\"%s\"",
			       dns_rcode_names[i] != NULL ? dns_rcode_names[i] : number,
			       plugins[place]);
			metrics_sample(writer->out, "coredns_dns_responses_total", text,
				       (double)value);
		}
	}
}

static void write_dnssec_ok(const struct writer *writer, const struct block *block, size_t place,
			    const struct dns_place_stats *stats)
{
	uint64_t value = counter_get(&stats->dnssec_ok);
	char text[LABELS_TEXT];

	if (value != 0) {
		metrics_sample(writer->out, "coredns_dns_do_requests_total",
			       labels(writer, block, place, text, "%s", ""), (double)value);
	}
}

/* Copies counters; returns their sum. */
static uint64_t copy(const struct counter *counters, size_t n, uint64_t *ret)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		ret[i] = counter_get(&counters[i]);
		total += ret[i];
	}
	return total;
}

static void write_times(struct buffer *out, const char *name, const char *text,
			const struct dns_times *times)
{
	uint64_t counts[DNS_TIME_BUCKETS + 1];
	double bounds[DNS_TIME_BUCKETS];

	if (copy(times->buckets, DNS_TIME_BUCKETS + 1, counts) == 0) {
		return;
	}
	for (size_t i = 0; i < DNS_TIME_BUCKETS; i++) {
		bounds[i] = (double)dns_time_bounds[i] / 1e9;
	}
	metrics_histogram(out, name, text, bounds, DNS_TIME_BUCKETS, counts,
			  (double)counter_get(&times->sum) / 1e9);
}

static void write_durations(const struct writer *writer, const struct block *block, size_t place,
			    const struct dns_place_stats *stats)
{
	char text[LABELS_TEXT];

	write_times(writer->out, "coredns_dns_request_duration_seconds",
		    labels(writer, block, place, text, "%s", ""), &stats->duration);
}

static void write_sizes(const struct writer *writer, const struct block *block, size_t place,
			const char *name, const struct dns_sizes sizes[DNS_PROTOS])
{
	uint64_t counts[DNS_SIZE_BUCKETS + 1];
	double bounds[DNS_SIZE_BUCKETS];
	char text[LABELS_TEXT];

	for (size_t i = 0; i < DNS_SIZE_BUCKETS; i++) {
		bounds[i] = (double)dns_size_bounds[i];
	}
	for (size_t proto = 0; proto < DNS_PROTOS; proto++) {
		if (copy(sizes[proto].buckets, DNS_SIZE_BUCKETS + 1, counts) != 0) {
			labels(writer, block, place, text, ",proto=\"%s\"", protos[proto]);
			metrics_histogram(writer->out, name, text, bounds, DNS_SIZE_BUCKETS, counts,
					  (double)counter_get(&sizes[proto].sum));
		}
	}
}

static void write_request_sizes(const struct writer *writer, const struct block *block,
				size_t place, const struct dns_place_stats *stats)
{
	write_sizes(writer, block, place, "coredns_dns_request_size_bytes", stats->request_size);
}

static void write_response_sizes(const struct writer *writer, const struct block *block,
				 size_t place, const struct dns_place_stats *stats)
{
	write_sizes(writer, block, place, "coredns_dns_response_size_bytes", stats->response_size);
}

/* ---- the server ---- */

static void write_server(const struct writer *writer)
{
	static const struct {
		const char *name;
		const char *type;
		const char *help;
		void (*write)(const struct writer *writer, const struct block *block, size_t place,
			      const struct dns_place_stats *stats);
	} rows[] = {
		{ "coredns_dns_requests_total", "counter", "DNS queries.", write_requests },
		{ "coredns_dns_responses_total", "counter", "DNS answers.", write_responses },
		{ "coredns_dns_do_requests_total", "counter", "DNS queries with DO.",
		  write_dnssec_ok },
		{ "coredns_dns_request_duration_seconds", "histogram",
		  "From the receipt of a query to its answer.", write_durations },
		{ "coredns_dns_request_size_bytes", "histogram", "Sizes of queries.",
		  write_request_sizes },
		{ "coredns_dns_response_size_bytes", "histogram", "Sizes of answers.",
		  write_response_sizes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		metrics_family(writer->out, rows[i].name, rows[i].type, rows[i].help);
		each_place(writer, rows[i].write);
	}
}

static void write_plugins(const struct writer *writer)
{
	static const struct {
		const char *name;
		size_t place;
	} rows[] = {
		{ "kubernetes", DNS_PLACE_CLUSTER }, { "forward", DNS_PLACE_OUTSIDE },
		{ "cache", DNS_PLACE_OUTSIDE },      { "loadbalance", DNS_PLACE_CLUSTER },
		{ "prometheus", DNS_PLACE_OUTSIDE }, { "health", DNS_PLACE_OUTSIDE },
		{ "ready", DNS_PLACE_OUTSIDE },
	};
	char text[LABELS_TEXT];

	metrics_family(writer->out, "coredns_plugin_enabled", "gauge",
		       "What CoreDNS would need a plugin for.");
	for (size_t i = 0; i < writer->n_blocks; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			labels(writer, &writer->blocks[i], rows[k].place, text, ",name=\"%s\"",
			       rows[k].name);
			metrics_sample(writer->out, "coredns_plugin_enabled", text, 1);
		}
	}
	metrics_family(writer->out, "coredns_build_info", "gauge", "What is running.");
	metrics_sample(writer->out, "coredns_build_info",
		       "version=\"" HEADLESSD_VERSION "\",revision=\"\",goversion=\"\"", 1);
	/* A bug ends the process, so that nobody who asks for this gets another answer. */
	metrics_single(writer->out, "coredns_panics_total", "counter", "Survived bugs.", 0);
}

static void write_own(const struct dns_server_stats *stats, struct buffer *out)
{
	const struct {
		const char *name;
		const char *help;
		uint64_t value;
	} rows[] = {
		{ "headlessd_dns_dropped_total",
		  "Packets that got no answer: no queries, or from port 0.", stats->dropped },
		{ "headlessd_dns_limited_total",
		  "Queries without an answer because of --rate-limit.", stats->limited },
		{ "headlessd_dns_hinted_total",
		  "The same, but told to come back over TCP or with a cookie.", stats->hinted },
		{ "headlessd_dns_truncated_total", "Answers with TC.", stats->truncated },
		{ "headlessd_dns_send_failed_total", "Answers that could not be sent.",
		  stats->send_failed },
		{ "headlessd_dns_forwarded_total", "Queries for names outside the cluster.",
		  stats->forwarded },
		{ "headlessd_dns_log_lost_total",
		  "Lines of the log of queries that were lost: nobody took them fast enough.",
		  stats->log_lost },
		{ "headlessd_dns_dnstap_lost_total",
		  "Messages for dnstap that were lost: nobody took them fast enough.",
		  stats->tap.lost },
		{ "headlessd_dns_dnstap_frames_total", "Messages given to dnstap.",
		  stats->tap.frames },
		{ "headlessd_dns_shed_total",
		  "Queries not forwarded because too many were under way.", stats->shed },
		{ "headlessd_dns_tcp_connections_total", "TCP connections that were accepted.",
		  stats->tcp_connections },
		{ "headlessd_dns_tcp_refused_total", "TCP connections that were closed at once.",
		  stats->tcp_refused },
		{ "headlessd_dns_tcp_evicted_total",
		  "TCP connections that were closed to make room for others.", stats->tcp_evicted },
		{ "headlessd_dns_transfers_total", "Zone transfers that were begun.",
		  stats->transfers },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		metrics_single(out, rows[i].name, "counter", rows[i].help, (double)rows[i].value);
	}
	metrics_single(out, "headlessd_dns_dnstap_connected", "gauge",
		       "1 while a receiver of dnstap is there.", stats->tap.connected);
}

/* ---- names outside ---- */

/* The upstreams share a context that chooses among them, so they share a label. */
static void print_upstreams(const struct dns_resolver *resolver, struct buffer *out)
{
	char text[DNS_UPSTREAM_TEXT];

	for (size_t i = 0; i < dns_resolver_upstreams(resolver); i++) {
		dns_resolver_upstream(resolver, i, text);
		buffer_printf(out, "%s%s", i != 0 ? "," : "", text);
	}
}

static void write_forward(const struct dns_resolver_stats *stats, const char *to, uint64_t rejects,
			  struct buffer *out)
{
	static const char *const times[] = { "coredns_proxy_request_duration_seconds",
					     "coredns_forward_request_duration_seconds" };
	uint64_t counts[DNS_TIME_BUCKETS + 1];
	char text[LABELS_TEXT];
	uint64_t asked = 0;

	metrics_family(out, "coredns_forward_responses_total", "counter", "Upstreams' answers.");
	for (size_t i = 0; i < DNS_RCODES; i++) {
		uint64_t n = copy(stats->times[i].buckets, DNS_TIME_BUCKETS + 1, counts);

		if (n != 0) {
			snprintf(text, sizeof(text), "to=\"%s\",rcode=\"%s\"", to,
				 dns_rcode_names[i] != NULL ? dns_rcode_names[i] : "other");
			metrics_sample(out, "coredns_forward_responses_total", text, (double)n);
		}
		asked += n;
	}
	metrics_family(out, "coredns_forward_requests_total", "counter", "Questions to upstreams.");
	snprintf(text, sizeof(text), "to=\"%s\"", to);
	metrics_sample(out, "coredns_forward_requests_total", text, (double)asked);
	for (size_t family = 0; family < ARRAY_SIZE(times); family++) {
		metrics_family(out, times[family], "histogram", "What upstreams took.");
		for (size_t i = 0; i < DNS_RCODES; i++) {
			snprintf(text, sizeof(text), "%sto=\"%s\",rcode=\"%s\"",
				 family == 0 ? "proxy_name=\"forward\"," : "", to,
				 dns_rcode_names[i] != NULL ? dns_rcode_names[i] : "other");
			write_times(out, times[family], text, &stats->times[i]);
		}
	}
	metrics_single(out, "coredns_forward_max_concurrent_rejects_total", "counter",
		       "Questions refused because too many were under way.", (double)rejects);
}

/* libunbound keeps one cache for all addresses we listen on; it stands under the first. */
static void write_cache(const struct writer *writer, const struct dns_resolver_stats *stats)
{
	static const char *const types[] = { "success", "denial" };
	uint64_t asked = counter_get(&stats->questions);
	uint64_t hits = 0;
	char text[LABELS_TEXT];

	metrics_family(writer->out, "coredns_cache_hits_total", "counter",
		       "Names outside that were known.");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		uint64_t n = counter_get(&stats->hits[i]);

		snprintf(text, sizeof(text), "server=\"%s\",type=\"%s\",zones=\".\",view=\"\"",
			 writer->blocks[0].server, types[i]);
		metrics_sample(writer->out, "coredns_cache_hits_total", text, (double)n);
		hits += n;
	}
	snprintf(text, sizeof(text), "server=\"%s\",zones=\".\",view=\"\"",
		 writer->blocks[0].server);
	metrics_family(writer->out, "coredns_cache_misses_total", "counter",
		       "Names outside that were not known.");
	metrics_sample(writer->out, "coredns_cache_misses_total", text,
		       (double)(asked > hits ? asked - hits : 0));
	metrics_family(writer->out, "coredns_cache_requests_total", "counter",
		       "Names outside that were asked for.");
	metrics_sample(writer->out, "coredns_cache_requests_total", text, (double)asked);
}

/* ---- the zone ---- */

static void write_programming(const struct zone *zone, struct buffer *out)
{
	static const char *const name = "coredns_kubernetes_dns_programming_duration_seconds";
	static const char *const kinds[ZONE_SERVICE_KINDS] = {
		[ZONE_SERVICE_CLUSTER_IP] = "service_kind=\"cluster_ip\"",
		[ZONE_SERVICE_HEADLESS] = "service_kind=\"headless_with_selector\"",
		[ZONE_SERVICE_HEADLESS_BY_HAND] = "service_kind=\"headless_without_selector\"",
	};
	double bounds[ZONE_PROGRAMMING_BUCKETS];

	for (size_t i = 0; i < ZONE_PROGRAMMING_BUCKETS; i++) {
		bounds[i] = (double)(UINT64_C(1) << i) / 1e3;
	}
	metrics_family(out, name, "histogram",
		       "From a change of a Service or pod to its names, by the slice's trigger.");
	for (size_t i = 0; i < ZONE_SERVICE_KINDS; i++) {
		const struct zone_programming *programming =
			zone_programming(zone, (enum zone_service_kind)i);

		metrics_histogram(out, name, kinds[i], bounds, ZONE_PROGRAMMING_BUCKETS,
				  programming->buckets, (double)programming->sum / 1e9);
	}
}

static void write_zone(const struct zone *zone, struct buffer *out)
{
	struct zone_stats stats;

	zone_stats(zone, &stats);
	metrics_single(out, "headlessd_zone_services", "gauge", "Services with names.",
		       (double)stats.services);
	metrics_single(out, "headlessd_zone_endpoints", "gauge", "Ready addresses of Services.",
		       (double)stats.endpoints);
	metrics_single(out, "headlessd_zone_images", "gauge",
		       "Moments of the zone that zone transfers have open.", (double)stats.images);
	metrics_single(out, "headlessd_zone_kept_bytes", "gauge",
		       "Memory of what was replaced since and is kept for them.",
		       (double)stats.kept);
	metrics_single(out, "headlessd_zone_serial", "gauge", "Serial number of the zone.",
		       (double)stats.serial);
}

static void writer_init(struct writer *writer, const struct dns_part *part, struct buffer *out)
{
	*writer = (struct writer){
		.out = out,
		.n_blocks = dns_server_labels(part->server),
		.zones = {
			[DNS_PLACE_IN_ADDR] = "in-addr.arpa.",
			[DNS_PLACE_IP6] = "ip6.arpa.",
			[DNS_PLACE_OUTSIDE] = ".",
			[DNS_PLACE_NONE] = "dropped",
		},
	};
	print_domain(zone_domain(part->zone), writer->zones[DNS_PLACE_CLUSTER]);
	writer->blocks = mem_alloc_array(writer->n_blocks, sizeof(struct block));
	for (size_t i = 0; i < writer->n_blocks; i++) {
		writer->blocks[i].server = dns_server_label(part->server, i);
		dns_server_label_stats(part->server, i, &writer->blocks[i].stats);
	}
}

void dns_part_metrics(void *userdata, struct buffer *out)
{
	struct dns_part *part = userdata;
	_cleanup_buffer_ struct buffer upstreams =
		BUFFER_INIT(DNS_RESOLVER_UPSTREAMS * DNS_UPSTREAM_TEXT);
	struct dns_server_stats server;
	struct writer writer;

	writer_init(&writer, part, out);
	dns_server_stats(part->server, &server);
	write_server(&writer);
	write_plugins(&writer);
	write_own(&server, out);
	if (part->resolver != NULL) {
		const struct dns_resolver_stats *stats = dns_resolver_stats(part->resolver);

		print_upstreams(part->resolver, &upstreams);
		write_forward(stats, buffer_text(&upstreams),
			      server.shed + counter_get(&stats->rejects), out);
		write_cache(&writer, stats);
	}
	write_programming(part->zone, out);
	write_zone(part->zone, out);
	mem_free(writer.blocks);
}
