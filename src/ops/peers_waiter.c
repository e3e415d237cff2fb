/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A waiter stands in its set until it has its answer; a stream stands there until its client
 * leaves. Answers are sent as streams of three pieces, so that the middle one, the set itself, is
 * shared: a head that says what this client is told of it, the text, a tail.
 *
 * A stream has no queue. While it sends it is told nothing; when it is through it compares what it
 * has told with how the set is then. So a slow reader skips states, and always gets the last one.
 */
#include "ops/peers_intern.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "json/json.h"

enum { BEAT_SECONDS = 15, HEAD_MAX = 4096 };

static const struct http_stream waiter_stream;

/* ---- time ---- */

static void put_number(unsigned char *out, uint64_t number)
{
	for (int i = 0; i < 8; i++) {
		out[i] = (unsigned char)(number >> (56 - 8 * i));
	}
}

static struct str due_key(const struct waiter *waiter)
{
	return (struct str){ .p = (const char *)waiter->due, .n = sizeof(waiter->due) };
}

static void untime(struct waiter *waiter)
{
	if (waiter->timed) {
		map_remove(&waiter->peers->due, due_key(waiter));
		waiter->timed = false;
	}
}

static void time_next(struct waiter *waiter)
{
	struct peers *peers = waiter->peers;
	uint64_t at = waiter->beat_at < waiter->deadline ? waiter->beat_at : waiter->deadline;

	untime(waiter);
	if (at != UINT64_MAX) {
		put_number(waiter->due, at);
		put_number(waiter->due + 8, peers->next_id++);
		map_put(&peers->due, due_key(waiter), waiter);
		waiter->timed = true;
		peers_due_by(peers, at);
	}
}

/* All streams at once, so that many of them wake the process as seldom as one. */
static uint64_t next_beat(uint64_t now)
{
	return (now / (BEAT_SECONDS * NS_PER_S) + 1) * (BEAT_SECONDS * NS_PER_S);
}

/* ---- life ---- */

static void end_piece(struct waiter *waiter)
{
	list_unlink(&waiter->reader);
	waiter->answer = answer_unref(waiter->answer);
	buffer_deinit(&waiter->head);
	waiter->sending = false;
}

/* It has nothing to wait for any more. The set is not rested: it may be being looked at. */
static void detach(struct waiter *waiter)
{
	untime(waiter);
	list_unlink(&waiter->link);
	waiter->set = NULL;
}

static void waiter_free(struct waiter *waiter)
{
	if (waiter->peers != NULL) {
		detach(waiter);
		waiter->peers->n_waiters--;
	}
	end_piece(waiter);
	buffer_deinit(&waiter->farewell);
	list_unlink(&waiter->all);
	mem_free(waiter);
}

/* The client is not there any more. */
static void leave(struct waiter *waiter)
{
	struct peer_set *set = waiter->set;

	waiter_free(waiter);
	if (set != NULL) {
		set_rest(set);
	}
}

/* Hung up before there was an answer. */
static void client_gone(void *userdata)
{
	struct waiter *waiter = userdata;

	http_reply(waiter->exchange, 499, NULL, NULL);
	leave(waiter);
}

struct waiter *waiter_new(struct peers *peers, struct peer_set *set, struct http_exchange *exchange,
			  const struct peers_request *request)
{
	struct waiter *waiter = MEM_NEW(struct waiter);
	uint64_t now = clock_monotonic(peers->clock);

	waiter->peers = peers;
	waiter->set = set;
	waiter->exchange = exchange;
	waiter->request = *request;
	waiter->request.space = set->space;
	waiter->request.name = set->name;
	waiter->deadline = request->timeout != UINT64_MAX ? now + request->timeout : UINT64_MAX;
	waiter->beat_at = request->stream ? next_beat(now) : UINT64_MAX;
	buffer_init(&waiter->head, HEAD_MAX);
	buffer_init(&waiter->farewell, HEAD_MAX);
	list_init(&waiter->reader);
	list_init(&waiter->link);
	list_append(&set->waiters, &waiter->link);
	list_init(&waiter->all);
	list_append(&peers->waiters, &waiter->all);
	peers->n_waiters++;
	time_next(waiter);
	http_on_gone(exchange, client_gone, waiter);
	return waiter;
}

/* ---- what is sent ---- */

static void begin_words(struct waiter *waiter, struct str words)
{
	buffer_append_str(&waiter->head, words);
	waiter->tail = "";
	waiter->at = 0;
	waiter->sending = true;
}

static void begin_farewell(struct waiter *waiter)
{
	begin_words(waiter, buffer_str(&waiter->farewell));
	buffer_clear(&waiter->farewell);
	waiter->last = true;
}

static void refuse(struct waiter *waiter, const struct peers_refusal *refusal)
{
	struct http_exchange *exchange = waiter->exchange;
	struct str name = waiter->set->name;

	if (waiter->answered) {
		/* Too late for a status: the last event says it. */
		buffer_append_text(&waiter->farewell, "event: gone\ndata: ");
		peers_refusal_write(refusal, name, &waiter->farewell);
		buffer_append_text(&waiter->farewell, "\n\n");
		detach(waiter);
		if (!waiter->sending) {
			begin_farewell(waiter);
			http_wake(exchange);
		}
		return;
	}
	peers_refusal_reply(refusal, name, exchange);
	waiter_free(waiter);
}

static void refuse_missing(struct waiter *waiter)
{
	struct peers_refusal refusal;

	peers_refuse(&refusal, 404, "NotFound", "services \"%.*s\" not found",
		     STR_ARG(waiter->set->name));
	refuse(waiter, &refusal);
}

static void refuse_alias(struct waiter *waiter)
{
	struct peers_refusal refusal;

	peers_refuse(&refusal, 400, "BadRequest",
		     "service \"%.*s\" is another name for a host (ExternalName) and has no peers",
		     STR_ARG(waiter->set->name));
	refuse(waiter, &refusal);
}

static void refuse_size(struct waiter *waiter)
{
	struct peers_refusal refusal;

	peers_refuse(&refusal, 500, "InternalError", "service \"%.*s\" has more than %d endpoints",
		     STR_ARG(waiter->set->name), LIMIT_PEERS_MEMBERS);
	refuse(waiter, &refusal);
}

static uint64_t wanted_of(const struct waiter *waiter)
{
	return waiter->request.has_count ? waiter->request.count : waiter->set->wanted.n;
}

/* Begins to send the set as it is. */
static void begin_answer(struct waiter *waiter)
{
	struct peer_set *set = waiter->set;
	struct buffer *head = &waiter->head;
	bool complete = set_is_complete(set, &waiter->request);

	if (waiter->request.stream) {
		buffer_printf(head, "id: %" PRIu64 "\ndata: ", set->serial);
	}
	buffer_printf(head,
		      "{\"service\":\"%.*s\",\"namespace\":\"%.*s\",\"serial\":%" PRIu64
		      ",\"complete\":%s,\"ready\":%zu,\"wanted\":%" PRIu64 ",\"peers\":",
		      STR_ARG(set->name), STR_ARG(set->space), set->serial,
		      complete ? "true" : "false", set->n_ready, wanted_of(waiter));
	waiter->tail = waiter->request.stream ? "}\n\n" : "}\n";
	waiter->answer = answer_ref(set->answer);
	list_append(&waiter->answer->readers, &waiter->reader);
	waiter->at = 0;
	waiter->sending = true;
	waiter->told = true;
	waiter->told_complete = complete;
	waiter->told_serial = set->serial;
	waiter->told_wanted = wanted_of(waiter);
	set->cost += waiter->answer->n;
	waiter->peers->answered++;
}

/* ---- looking ---- */

static bool has_seen(const struct waiter *waiter)
{
	return waiter->request.has_serial && waiter->request.serial == waiter->set->serial;
}

/* The one answer of a request that is no stream. */
static void answer(struct waiter *waiter)
{
	struct http_exchange *exchange = waiter->exchange;

	begin_answer(waiter);
	detach(waiter);
	waiter->answered = waiter->last = true;
	http_set_header(exchange, "Cache-Control", "no-store");
	http_reply_stream(exchange, 200, "application/json", &waiter_stream, waiter);
}

static void open_stream(struct waiter *waiter)
{
	waiter->answered = true;
	http_set_header(waiter->exchange, "Cache-Control", "no-store");
	/* Proxies that gather answers would hold events back. */
	http_set_header(waiter->exchange, "X-Accel-Buffering", "no");
	http_reply_stream(waiter->exchange, 200, "text/event-stream", &waiter_stream, waiter);
}

static bool has_news(struct waiter *waiter)
{
	const struct peer_set *set = waiter->set;

	if (!waiter->told && has_seen(waiter)) {
		waiter->told = true;
		waiter->told_complete = set_is_complete(set, &waiter->request);
		waiter->told_serial = set->serial;
		waiter->told_wanted = wanted_of(waiter);
	}
	return !waiter->told || waiter->told_serial != set->serial ||
	       waiter->told_wanted != wanted_of(waiter) ||
	       waiter->told_complete != set_is_complete(set, &waiter->request);
}

/* Whoever asks for changes and has seen nothing has seen what is. */
static void learn_serial(struct waiter *waiter)
{
	struct peers_request *request = &waiter->request;

	if (request->has_serial) {
		set_admit_serial(waiter->set, request->serial);
	} else if (request->wait == PEERS_CHANGED && !request->stream) {
		request->has_serial = true;
		request->serial = waiter->set->serial;
	}
}

void waiter_look(struct waiter *waiter)
{
	struct peer_set *set = waiter->set;
	bool patient = waiter->request.wait == PEERS_COMPLETE;

	set_refresh(set);
	if (!set->exists && !patient) {
		refuse_missing(waiter);
		return;
	}
	if (set->exists && set->is_alias) {
		refuse_alias(waiter);
		return;
	}
	if (waiter->request.stream && !waiter->answered) {
		open_stream(waiter);
	}
	if (patient && !set_is_complete(set, &waiter->request)) {
		waiter->told_complete = false;
		return;
	}
	if (!set_refresh_text(set)) {
		refuse_size(waiter);
		return;
	}
	learn_serial(waiter);
	if (waiter->request.stream) {
		if (!waiter->sending && has_news(waiter)) {
			begin_answer(waiter);
			http_wake(waiter->exchange);
		}
	} else if (waiter->request.wait == PEERS_NONE || !has_seen(waiter)) {
		answer(waiter);
	}
}

/* ---- time's up ---- */

/* The set is not complete: no 2xx, so that whoever looks at nothing else does not go on. */
static void refuse_incomplete(struct waiter *waiter)
{
	const struct peer_set *set = waiter->set;
	struct peers_refusal refusal;

	if (!waiter->peers->synced) {
		peers_refuse(&refusal, 503, "ServiceUnavailable",
			     "the Services are still being read");
	} else if (!set->exists) {
		peers_refuse(&refusal, 504, "Timeout", "services \"%.*s\" not found so far",
			     STR_ARG(set->name));
	} else {
		peers_refuse(&refusal, 504, "Timeout",
			     "%zu of %" PRIu64 " peers of service \"%.*s\" are ready", set->n_ready,
			     wanted_of(waiter), STR_ARG(set->name));
	}
	waiter->peers->timed_out++;
	refuse(waiter, &refusal);
}

static void end_stream(struct waiter *waiter)
{
	struct http_exchange *exchange = waiter->exchange;

	detach(waiter);
	waiter->last = true;
	if (!waiter->answered) {
		open_stream(waiter);
	} else {
		http_wake(exchange);
	}
}

static void beat(struct waiter *waiter, uint64_t now)
{
	waiter->beat_at = next_beat(now);
	time_next(waiter);
	if (waiter->answered && !waiter->sending) {
		begin_words(waiter, STR(":\n\n"));
		http_wake(waiter->exchange);
	}
}

void waiter_due(struct waiter *waiter, uint64_t now)
{
	struct peer_set *set = waiter->set;

	if (now < waiter->deadline) {
		beat(waiter, now);
		return;
	}
	if (waiter->peers->synced) {
		set_refresh(set);
	}
	if (waiter->request.stream) {
		end_stream(waiter);
	} else if (waiter->peers->synced && waiter->request.wait != PEERS_COMPLETE &&
		   set_refresh_text(set)) {
		answer(waiter);
	} else {
		refuse_incomplete(waiter);
	}
	set_looked(set, now);
	set_rest(set);
}

void waiter_break(struct waiter *waiter)
{
	struct http_exchange *exchange = waiter->exchange;

	end_piece(waiter);
	waiter->broken = true;
	if (waiter->set != NULL) {
		detach(waiter);
	}
	http_wake(exchange);
}

void waiter_abandon(struct waiter *waiter)
{
	struct http_exchange *exchange = waiter->exchange;
	static const struct peers_refusal refusal = {
		.code = 503,
		.reason = "ServiceUnavailable",
		.message = "this server is stopping",
	};

	if (!waiter->answered) {
		waiter_free(waiter);
		peers_refusal_reply(&refusal, STR_NONE, exchange);
		return;
	}
	end_piece(waiter);
	detach(waiter);
	list_unlink(&waiter->all);
	waiter->broken = true;
	waiter->peers = NULL;
	http_wake(exchange);
}

/* ---- sending ---- */

/* One of the three pieces, what is left of it; the position goes on. */
static size_t copy_piece(struct waiter *waiter, struct str piece, size_t start, char *out,
			 size_t size)
{
	size_t skip = waiter->at - start;
	size_t n;

	if (waiter->at < start || skip >= piece.n) {
		return 0;
	}
	n = piece.n - skip < size ? piece.n - skip : size;
	memcpy(out, piece.p + skip, n);
	waiter->at += n;
	return n;
}

static size_t copy(struct waiter *waiter, char *out, size_t size)
{
	struct str pieces[] = {
		buffer_str(&waiter->head),
		waiter->answer != NULL
			? (struct str){ .p = waiter->answer->text, .n = waiter->answer->n }
			: STR_NONE,
		str_from(waiter->tail),
	};
	size_t start = 0;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pieces) && n < size; i++) {
		n += copy_piece(waiter, pieces[i], start, out + n, size - n);
		start += pieces[i].n;
	}
	if (n < size) {
		end_piece(waiter);
	}
	return n;
}

/* A stream is through: how is the set now? When that is not known yet, its round will tell. */
static void look_again(struct waiter *waiter)
{
	struct peer_set *set = waiter->set;

	if (waiter->farewell.n != 0) {
		begin_farewell(waiter);
	} else if (set != NULL && set->exists && !set->text_stale) {
		waiter_look(waiter);
		set_looked(set, clock_monotonic(waiter->peers->clock));
	}
}

static int64_t read_waiter(void *userdata, char *out, size_t size)
{
	struct waiter *waiter = userdata;
	size_t n = 0;

	while (waiter->sending && n < size) {
		n += copy(waiter, out + n, size - n);
		if (!waiter->sending && !waiter->last && !waiter->broken) {
			look_again(waiter);
		}
	}
	if (waiter->broken) {
		return HTTP_STREAM_BROKEN;
	}
	if (n == 0) {
		return waiter->last ? HTTP_STREAM_END : HTTP_STREAM_WAIT;
	}
	return (int64_t)n;
}

static void close_waiter(void *userdata)
{
	leave(userdata);
}

static const struct http_stream waiter_stream = { .read = read_waiter, .close = close_waiter };
