/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One ring a worker, one bell for all. A message takes as many slots as it needs, and goes in whole
 * or not at all. The thread takes from the rings only what the connection has room for: what waits
 * for a slow receiver, or for one that is away, waits in the rings, and what does not fit there is
 * lost and counted. So what was lost is always the newest, at the cost of one look at the ring.
 *
 * The thread waits for the connection and for its order to stop, and for the bell only while it
 * could take something: workers do not wake it for nothing.
 */
#include "dns/dnstap.h"

#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/error.h"
#include "base/mailbox.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/thread.h"
#include "dns/dnstap_link.h"

enum {
	SLOT = 256, /* a query with what is known of it, and most answers */
	RECORD_MAX = sizeof(struct dnstap_event) + UINT16_MAX + SLOT,
};

_Static_assert(sizeof(struct dnstap_event) <= SLOT, "the first slot has the event");

struct dnstap {
	bool full;
	unsigned workers;
	const struct sandbox *sandbox;
	char *identity;
	char *version;
	struct dnstap_speaker speaker;
	struct ring **rings;
	struct counter *lost; /* one for each worker */
	struct bell *bell; /* there are records */
	struct bell *stop; /* nothing comes any more; always asleep */
	struct counter stopping;
	struct thread *thread;

	/* The thread's. */
	struct counter frames;
	struct dnstap_link *link;
	int64_t wall_offset; /* ns from the monotonic time to that of 1970 */
	short events;
	unsigned next; /* the ring to look at first */
	size_t have; /* bytes of a record that is not all there yet, of ring `next` */
	uint8_t *record;
};

bool dnstap_socket_is_valid(const char *socket)
{
	struct sockaddr_storage address;
	socklen_t n;

	return dnstap_address_parse(socket, &address, &n);
}

static char *own_name(const char *identity)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (identity == NULL && gethostname(host, sizeof(host) - 1) == 0) {
		identity = host;
	}
	return mem_strdup(identity != NULL ? identity : "");
}

int dnstap_new(const struct dnstap_config *config, unsigned workers, const struct sandbox *sandbox,
	       struct dnstap **ret)
{
	struct dnstap *tap = MEM_NEW(struct dnstap);
	int result;

	tap->full = config->full;
	tap->workers = workers;
	tap->sandbox = sandbox;
	tap->identity = own_name(config->identity);
	tap->version = mem_strdup(config->version != NULL ? config->version : "");
	tap->speaker.identity = str_from(tap->identity);
	tap->speaker.version = str_from(tap->version);
	tap->rings = mem_alloc_array(workers, sizeof(struct ring *));
	tap->lost = mem_alloc_array(workers, sizeof(struct counter));
	tap->link = dnstap_link_new(config->socket);
	tap->record = mem_alloc(RECORD_MAX);
	for (unsigned i = 0; i < workers; i++) {
		tap->rings[i] = ring_new(LIMIT_DNSTAP_SLOTS, SLOT);
	}
	result = bell_new(&tap->bell);
	if (result == 0) {
		result = bell_new(&tap->stop);
	}
	if (result < 0) {
		dnstap_free(tap);
		return error_trace(result);
	}
	bell_sleep(tap->stop);
	*ret = tap;
	return 0;
}

/* ---- a worker ---- */

void dnstap_put(struct dnstap *tap, unsigned worker, const struct dnstap_event *event,
		const uint8_t *message)
{
	struct ring *ring = tap->rings[worker];
	struct dnstap_event head = *event;
	size_t room = SLOT - sizeof(head);
	uint8_t *slot;

	head.n = tap->full ? event->n : 0;
	if (ring_room(ring) < (sizeof(head) + head.n + SLOT - 1) / SLOT) {
		counter_add(&tap->lost[worker], 1);
		return;
	}
	slot = ring_begin(ring);
	memcpy(slot, &head, sizeof(head));
	slot += sizeof(head);
	for (size_t left = head.n;;) {
		size_t n = left < room ? left : room;

		memcpy(slot, message, n);
		ring_commit(ring);
		message += n;
		left -= n;
		if (left == 0) {
			break;
		}
		slot = ring_begin(ring);
		room = SLOT;
	}
	bell_ring(tap->bell);
}

void dnstap_peer_from(const struct sockaddr_storage *address, struct dnstap_peer *ret)
{
	const struct sockaddr_in *four = (const void *)address;
	const struct sockaddr_in6 *six = (const void *)address;
	bool is_four = address->ss_family == AF_INET;
	const void *bytes = is_four ? (const void *)&four->sin_addr : &six->sin6_addr;

	*ret = (struct dnstap_peer){
		.n = is_four ? 4 : 16,
		.port = ntohs(is_four ? four->sin_port : six->sin6_port),
	};
	if (!is_four && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		ret->n = 4;
		bytes = six->sin6_addr.s6_addr + 12;
	}
	memcpy(ret->address, bytes, ret->n);
}

void dnstap_stats(const struct dnstap *tap, struct dnstap_stats *ret)
{
	*ret = (struct dnstap_stats){
		.frames = counter_get(&tap->frames),
		.connected = counter_get(&tap->link->connected) != 0,
	};
	for (unsigned i = 0; i < tap->workers; i++) {
		ret->lost += counter_get(&tap->lost[i]);
	}
}

/* ---- the thread ---- */

/* Moves slots of ring `next` to the record; true when it is whole. */
static bool take_slots(struct dnstap *tap)
{
	struct ring *ring = tap->rings[tap->next];
	const struct dnstap_event *event = (const void *)tap->record;
	const uint8_t *slot;

	while ((slot = ring_peek(ring)) != NULL) {
		memcpy(tap->record + tap->have, slot, SLOT);
		ring_drop(ring);
		tap->have += SLOT;
		if (tap->have >= sizeof(*event) + event->n) {
			tap->have = 0;
			return true;
		}
	}
	return false;
}

/* The next record, of one ring after the other; a record that is begun comes first. */
static bool take_record(struct dnstap *tap)
{
	for (unsigned i = 0; i < tap->workers; i++) {
		bool whole = take_slots(tap);

		if (tap->have != 0) {
			return false;
		}
		tap->next = (tap->next + 1) % tap->workers;
		if (whole) {
			return true;
		}
	}
	return false;
}

static bool is_waiting(const struct dnstap *tap)
{
	bool any = ring_peek(tap->rings[tap->next]) != NULL;

	for (unsigned i = 0; i < tap->workers && tap->have == 0; i++) {
		any |= ring_peek(tap->rings[i]) != NULL;
	}
	return any;
}

/*
 * Clocks are set now and then, so it is looked at each time; but a query has the same time in its
 * response, so what lies between two looks at two clocks does not count.
 */
static void set_wall_offset(struct dnstap *tap)
{
	int64_t offset = clock_wall(&clock_system) - (int64_t)clock_monotonic(&clock_system);

	if (llabs(offset - tap->wall_offset) > (int64_t)NS_PER_MS) {
		tap->wall_offset = offset;
	}
}

/* False when there was nothing, or no room. */
static bool fill(struct dnstap *tap)
{
	const struct dnstap_event *event = (const void *)tap->record;
	bool any = false;
	uint8_t *out;

	set_wall_offset(tap);
	while ((out = dnstap_link_room(tap->link)) != NULL && take_record(tap)) {
		struct dnstap_message message = {
			.type = event->response_time != 0 ? DNSTAP_CLIENT_RESPONSE
							  : DNSTAP_CLIENT_QUERY,
			.tcp = event->tcp,
			.client = event->client,
			.server = event->server,
			.query_time = (int64_t)event->query_time + tap->wall_offset,
			.response_time = (int64_t)event->response_time + tap->wall_offset,
			.bytes = tap->record + sizeof(*event),
			.n = event->n,
		};

		dnstap_link_add(tap->link, dnstap_frame(&tap->speaker, &message, out));
		counter_add(&tap->frames, 1);
		any = true;
	}
	return any;
}

static void wait_for_something(struct dnstap *tap)
{
	bool hungry = dnstap_link_room(tap->link) != NULL;
	struct pollfd waits[] = {
		{ .fd = tap->link->fd, .events = dnstap_link_events(tap->link) },
		/* An order that came is known. */
		{ .fd = tap->link->end_by != 0 ? -1 : bell_fd(tap->stop), .events = POLLIN },
		{ .fd = hungry ? bell_fd(tap->bell) : -1, .events = POLLIN },
	};

	tap->events = 0;
	if (hungry) {
		bell_sleep(tap->bell);
	}
	if (!hungry || !is_waiting(tap)) {
		uint64_t now = clock_monotonic(&clock_system);

		if (poll(waits, ARRAY_SIZE(waits), dnstap_link_timeout(tap->link, now)) > 0) {
			tap->events = waits[0].revents;
		}
	}
	if (hungry) {
		bell_wake(tap->bell);
	}
}

static void run(void *argument)
{
	struct dnstap *tap = argument;

	(void)sandbox_enter(tap->sandbox, SANDBOX_THREAD);
	for (;;) {
		bool stopping = counter_get(&tap->stopping) != 0;
		bool any = fill(tap);
		uint64_t now = clock_monotonic(&clock_system);

		if (stopping) {
			dnstap_link_end(tap->link, any, now);
		}
		dnstap_link_step(tap->link, tap->events, now);
		if (tap->link->state == LINK_ENDED) {
			break;
		}
		wait_for_something(tap);
	}
}

int dnstap_start(struct dnstap *tap)
{
	return error_trace(thread_start("dns-tap", run, tap, &tap->thread));
}

struct dnstap *dnstap_free(struct dnstap *tap)
{
	if (tap == NULL) {
		return NULL;
	}
	if (tap->thread != NULL) {
		counter_set(&tap->stopping, 1);
		bell_ring(tap->stop);
		thread_join(tap->thread);
	}
	for (unsigned i = 0; i < tap->workers; i++) {
		ring_free(tap->rings[i]);
	}
	mem_free(tap->rings);
	mem_free(tap->lost);
	bell_free(tap->bell);
	bell_free(tap->stop);
	dnstap_link_free(tap->link);
	mem_free(tap->record);
	mem_free(tap->identity);
	mem_free(tap->version);
	return mem_free(tap);
}
