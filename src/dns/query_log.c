/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ring a worker, one bell for all. The thread empties the rings into a buffer of lines and
 * writes that; where the reader of the lines is slow the rings fill, and then lines are lost and
 * counted.
 */
#include "dns/query_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/error.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/thread.h"
#include "dns/stats.h"
#include "dns/wire.h"

enum { TEXT_MAX = 64 * 1024, LINE_MAX_BYTES = 2048 };

struct query_log {
	int fd;
	unsigned classes;
	unsigned workers;
	struct ring **rings;
	struct counter *lost; /* one for each worker */
	struct bell *bell;
	struct counter stopping;
	struct thread *thread;
	struct buffer text; /* the thread's; of its full size before that begins */
};

/* So that the log allocates nothing once it is there, whenever its thread first runs. */
static void make_room(struct buffer *text)
{
	static const char blank[LINE_MAX_BYTES];

	buffer_init(text, TEXT_MAX);
	while (text->n + sizeof(blank) <= TEXT_MAX) {
		buffer_append(text, blank, sizeof(blank));
	}
	buffer_clear(text);
}

int query_log_new(int fd, unsigned classes, unsigned workers, struct query_log **ret)
{
	struct query_log *log = MEM_NEW(struct query_log);
	int result;

	log->fd = fd;
	log->classes = classes;
	log->workers = workers;
	log->rings = mem_alloc_array(workers, sizeof(struct ring *));
	log->lost = mem_alloc_array(workers, sizeof(struct counter));
	for (unsigned i = 0; i < workers; i++) {
		log->rings[i] = ring_new(LIMIT_QUERY_LOG_RECORDS, sizeof(struct query_record));
	}
	make_room(&log->text);
	result = bell_new(&log->bell);
	if (result < 0) {
		query_log_free(log);
		return error_trace(result);
	}
	*ret = log;
	return 0;
}

/* ---- a worker ---- */

static unsigned class_of(const struct query_record *record)
{
	if (record->rcode == DNS_NXDOMAIN) {
		return QUERY_DENIAL;
	}
	if (record->rcode != DNS_NOERROR) {
		return QUERY_ERROR;
	}
	return record->n_records != 0 ? QUERY_SUCCESS : QUERY_DENIAL;
}

void query_log_put(struct query_log *log, unsigned worker, const struct query_record *record,
		   const uint8_t *query)
{
	size_t kept =
		record->query_n < LIMIT_QUERY_LOG_QUERY ? record->query_n : LIMIT_QUERY_LOG_QUERY;
	struct query_record *slot;

	if ((class_of(record) & log->classes) == 0) {
		return;
	}
	slot = ring_begin(log->rings[worker]);
	if (slot == NULL) {
		counter_add(&log->lost[worker], 1);
		return;
	}
	memcpy(slot, record, offsetof(struct query_record, query));
	memcpy(slot->query, query, kept);
	ring_commit(log->rings[worker]);
	bell_ring(log->bell);
}

uint64_t query_log_lost(const struct query_log *log)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < log->workers; i++) {
		total += counter_get(&log->lost[i]);
	}
	return total;
}

/* ---- lines ---- */

static void put_client(const struct query_record *record, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(record->address_n == 4 ? AF_INET : AF_INET6, record->address, text, sizeof(text));
	buffer_printf(out, record->address_n == 4 ? "%s:%u" : "[%s]:%u", text, record->port);
}

static void put_type(uint16_t type, struct buffer *out)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{ 1, "A" },     { 2, "NS" },     { 5, "CNAME" },  { 6, "SOA" },     { 12, "PTR" },
		{ 15, "MX" },   { 16, "TXT" },   { 28, "AAAA" },  { 33, "SRV" },    { 35, "NAPTR" },
		{ 43, "DS" },   { 46, "RRSIG" }, { 47, "NSEC" },  { 48, "DNSKEY" }, { 50, "NSEC3" },
		{ 52, "TLSA" }, { 64, "SVCB" },  { 65, "HTTPS" }, { 251, "IXFR" },  { 252, "AXFR" },
		{ 255, "ANY" }, { 257, "CAA" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].type == type) {
			buffer_append_text(out, names[i].name);
			return;
		}
	}
	buffer_printf(out, "TYPE%u", type);
}

static void put_flags(uint16_t flags, struct buffer *out)
{
	static const struct {
		uint16_t flag;
		const char *name;
	} names[] = { { DNS_QR, "qr" }, { DNS_AA, "aa" }, { DNS_TC, "tc" }, { DNS_RD, "rd" },
		      { DNS_RA, "ra" }, { 0x20, "ad" },   { DNS_CD, "cd" } };
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if ((flags & names[i].flag) != 0) {
			buffer_printf(out, "%s%s", comma, names[i].name);
			comma = ",";
		}
	}
}

void query_log_line(const struct query_record *record, struct buffer *out)
{
	size_t kept =
		record->query_n < LIMIT_QUERY_LOG_QUERY ? record->query_n : LIMIT_QUERY_LOG_QUERY;
	struct dns_request request;
	char name[NAME_TEXT] = "-";
	uint16_t rcode;

	(void)dns_request_read(record->query, kept, &request, &rcode);
	buffer_append_text(out, "[INFO] ");
	put_client(record, out);
	buffer_printf(out, " - %u \"", get_u16(record->query));
	if (request.has_question) {
		name_text(&request.name, name);
		put_type(request.type, out);
	} else {
		buffer_append_text(out, "-");
	}
	for (char *at = name; *at != '\0'; at++) {
		*at = *at == '"' || *at == '\\' ? '?' : *at;
	}
	if (!request.has_question || request.class == DNS_CLASS_IN) {
		buffer_append_text(out, " IN");
	} else {
		buffer_printf(out, " CLASS%u", request.class);
	}
	buffer_printf(out, " %s %s %u %s %u\" ", name, record->tcp ? "tcp" : "udp", record->query_n,
		      request.edns && request.dnssec_ok ? "true" : "false",
		      request.edns && request.udp_size > DNS_UDP_MIN ? request.udp_size
								     : DNS_UDP_MIN);
	if (record->rcode < DNS_RCODES - 1 && dns_rcode_names[record->rcode] != NULL) {
		buffer_append_text(out, dns_rcode_names[record->rcode]);
	} else {
		buffer_printf(out, "RCODE%u", record->rcode);
	}
	buffer_append_text(out, " ");
	put_flags(record->flags, out);
	buffer_printf(out, " %u %llu.%09llus\n", record->answer_n,
		      (unsigned long long)(record->took / NS_PER_S),
		      (unsigned long long)(record->took % NS_PER_S));
}

/* ---- the thread ---- */

static void write_all(struct query_log *log)
{
	struct buffer *text = &log->text;
	size_t done = 0;

	while (done < text->n) {
		ssize_t n = write(log->fd, text->p + done, text->n - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd writable = { .fd = log->fd, .events = POLLOUT };

			(void)poll(&writable, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			break; /* nobody reads it any more */
		}
	}
	buffer_clear(text);
}

/* False when there was nothing. */
static bool empty_rings(struct query_log *log)
{
	bool any = false;

	for (unsigned i = 0; i < log->workers; i++) {
		const struct query_record *record;

		while ((record = ring_peek(log->rings[i])) != NULL) {
			query_log_line(record, &log->text);
			ring_drop(log->rings[i]);
			any = true;
			if (log->text.n > TEXT_MAX - LINE_MAX_BYTES) {
				write_all(log);
			}
		}
	}
	write_all(log);
	return any;
}

static void run(void *argument)
{
	struct query_log *log = argument;
	struct pollfd rung = { .fd = bell_fd(log->bell), .events = POLLIN };

	while (counter_get(&log->stopping) == 0) {
		bell_sleep(log->bell);
		if (!empty_rings(log) && counter_get(&log->stopping) == 0) {
			(void)poll(&rung, 1, -1);
		}
		bell_wake(log->bell);
	}
	(void)empty_rings(log);
}

int query_log_start(struct query_log *log)
{
	return error_trace(thread_start("dns-log", run, log, &log->thread));
}

struct query_log *query_log_free(struct query_log *log)
{
	if (log == NULL) {
		return NULL;
	}
	if (log->thread != NULL) {
		counter_set(&log->stopping, 1);
		bell_ring(log->bell);
		thread_join(log->thread);
	}
	for (unsigned i = 0; i < log->workers; i++) {
		ring_free(log->rings[i]);
	}
	mem_free(log->rings);
	mem_free(log->lost);
	bell_free(log->bell);
	buffer_deinit(&log->text);
	return mem_free(log);
}
