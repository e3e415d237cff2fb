/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one event loop, one libunbound context that is made with the first question, so that
 * a server which is never asked for a foreign name pays nothing for it.
 *
 * A question under way is a struct pending. It ends when libunbound calls back; its client is
 * answered then, or when the time is over, whichever is first. libunbound cannot be made to forget
 * a question safely, so one whose client is gone stays, counted, until the callback.
 */
#include "dns/resolver.h"

#include <assert.h>
#include <stdio.h>
#include <unbound.h>

#include <unbound-event.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/thread.h"
#include "dns/upstreams.h"
#include "dns/wire.h"
#include "loop/loop.h"

enum {
	TIMEOUT_MS = 4000,
	/* As many as all workers together can have under way, and two letters of our own. */
	MAIL_MAX = LIMIT_DNS_WORKERS * LIMIT_RESOLVER_PENDING + 2,
};

#define COMPONENT "resolver"

/* A question that libunbound has. */
struct pending {
	struct list link; /* in resolver->pending, or ->orphans once its client is answered */
	struct dns_resolver *resolver;
	struct dns_query *query; /* NULL: nobody waits any more */
	uint64_t began;
	uint64_t deadline;
};

struct forget {
	struct mail mail;
	struct mailbox *whose;
	struct mail done;
};

struct dns_resolver {
	struct thread *thread;
	const struct sandbox *sandbox;
	struct mailbox *mailbox;
	struct mailbox *replies; /* to dns_resolver_forget() */
	struct mail stop;
	struct forget forget;

	/* The thread's own. */
	struct loop *loop;
	struct loop_watch *mail_watch;
	struct loop_timer *timer;
	struct ub_ctx *context;
	bool failed; /* no context can be made */
	struct list pending; /* in order of deadlines */
	struct list orphans;
	size_t n_pending; /* in both */
	struct pending *asking; /* within ub_resolve_event() and not answered yet */
	uint64_t timeout;
	char (*upstreams)[UPSTREAM_TEXT];
	size_t n_upstreams;

	struct dns_resolver_stats stats; /* written by the thread, read by anybody */
};

/* ---- answering ---- */

static void reply(struct dns_query *query)
{
	/* The owner's mailbox has room for all its questions. */
	int result = mailbox_send(query->answer_to, &query->mail);

	assert(result == 0);
	(void)result;
}

static void reply_failure(struct dns_query *query, const char *why, uint16_t code)
{
	query->packet = NULL;
	query->n = 0;
	query->failure = why;
	query->failure_code = code;
	reply(query);
}

/* Nobody waits for it any more. */
static void orphan(struct pending *pending)
{
	pending->query = NULL;
	list_unlink(&pending->link);
	list_append(&pending->resolver->orphans, &pending->link);
}

static void free_all(struct list *list)
{
	list_for_each (pending, list, struct pending, link) {
		list_unlink(&pending->link);
		mem_free(pending);
	}
}

static void note_time(struct dns_resolver *resolver, const struct pending *pending, unsigned rcode)
{
	dns_times_note(&resolver->stats.times[rcode],
		       clock_monotonic(&clock_system) - pending->began, 1);
}

/*
 * libunbound does not say whether it asked anybody. What it knows is answered within
 * ub_resolve_event(), everything else after it.
 */
static void note(const struct pending *pending, const uint8_t *packet)
{
	struct dns_resolver *resolver = pending->resolver;
	unsigned rcode = packet != NULL ? packet[3] & DNS_RCODE : DNS_SERVFAIL;
	bool denial = rcode != DNS_NOERROR || get_u16(packet + 6) == 0;

	if (resolver->asking == pending) {
		counter_add(&resolver->stats.hits[denial], 1);
	} else {
		note_time(resolver, pending, rcode);
	}
}

static void resolved(void *userdata, int rcode, void *packet, int packet_n, int security,
		     char *why_bogus, int was_rate_limited)
{
	struct pending *pending = userdata;
	struct dns_query *query = pending->query;
	bool sound = packet != NULL && packet_n >= DNS_HEADER && packet_n <= LIMIT_DNS_TCP;

	if (query != NULL) {
		note(pending, sound ? packet : NULL);
	}
	pending->resolver->n_pending--;
	list_unlink(&pending->link);
	mem_free(pending);
	if (query == NULL) {
		return;
	}
	if (sound) {
		query->packet = mem_copy(packet, (size_t)packet_n);
		query->n = (size_t)packet_n;
		reply(query);
		return;
	}
	reply_failure(query, "no upstream answered", EDE_NO_REACHABLE_AUTHORITY);
}

static void set_timer(struct dns_resolver *resolver)
{
	uint64_t now = clock_monotonic(&clock_system);
	struct pending *first;

	if (list_is_empty(&resolver->pending)) {
		loop_timer_stop(resolver->timer);
		return;
	}
	first = list_entry(resolver->pending.next, struct pending, link);
	loop_timer_set(resolver->timer, first->deadline > now ? first->deadline - now : 0);
}

static void time_is_over(void *userdata)
{
	struct dns_resolver *resolver = userdata;
	uint64_t now = clock_monotonic(&clock_system);

	list_for_each (pending, &resolver->pending, struct pending, link) {
		if (pending->deadline > now) {
			break;
		}
		note_time(resolver, pending, DNS_SERVFAIL);
		reply_failure(pending->query, "no upstream answered in time",
			      EDE_NO_REACHABLE_AUTHORITY);
		orphan(pending);
	}
	set_timer(resolver);
}

/* ---- asking ---- */

/* The name as libunbound reads it: bytes that are not plain are \DDD. */
static void escape_name(const struct name *name, char text[4 * LIMIT_DNS_NAME + 2])
{
	char *out = text;

	for (size_t i = 0; i < name->n_labels; i++) {
		struct str label = name_label(name, i);

		for (size_t k = 0; k < label.n; k++) {
			uint8_t c = (uint8_t)label.p[k];
			bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
				     c == '_';

			if (plain) {
				*out++ = (char)c;
			} else {
				out += sprintf(out, "\\%03u", c);
			}
		}
		*out++ = '.';
	}
	if (name->n_labels == 0) {
		*out++ = '.';
	}
	*out = '\0';
}

static const struct {
	const char *name;
	const char *value;
} settings[] = {
	/* Upstreams may well be on this machine, and say what they like about private networks. */
	{ "do-not-query-localhost:", "no" },
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
	/* A forwarder: no validation of its own. */
	{ "module-config:", "iterator" },
	{ "qname-minimisation:", "no" },
	{ "num-queries-per-thread:", "1024" },
	{ "outgoing-range:", "256" },
	{ "edns-buffer-size:", "1232" },
	{ "msg-cache-size:", "2m" },
	{ "rrset-cache-size:", "4m" },
	/* An upstream that is lost is tried again soon. */
	{ "infra-host-ttl:", "30" },
};

static void make_context(struct dns_resolver *resolver)
{
	struct ub_ctx *context = ub_ctx_create_event(loop_base(resolver->loop));
	int result = 0;

	if (context == NULL) {
		log_error(COMPONENT, "libunbound cannot be set up: names outside the cluster fail");
		resolver->failed = true;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		result = ub_ctx_set_option(context, settings[i].name, settings[i].value);
		if (result != 0) {
			log_warning(COMPONENT, "libunbound does not take %s %s: %s",
				    settings[i].name, settings[i].value, ub_strerror(result));
		}
	}
	for (size_t i = 0; i < resolver->n_upstreams; i++) {
		result = ub_ctx_set_fwd(context, resolver->upstreams[i]);
		if (result != 0) {
			log_error(COMPONENT, "upstream %s is not usable: %s",
				  resolver->upstreams[i], ub_strerror(result));
		}
	}
	resolver->context = context;
}

static void ask(struct dns_resolver *resolver, struct dns_query *query)
{
	char text[4 * LIMIT_DNS_NAME + 2];
	struct pending *pending;
	int result;

	if (resolver->context == NULL && !resolver->failed && resolver->n_upstreams != 0) {
		make_context(resolver);
	}
	if (resolver->context == NULL) {
		reply_failure(query,
			      resolver->failed ? "the resolver does not work"
					       : "no upstream resolver is configured",
			      EDE_NO_REACHABLE_AUTHORITY);
		return;
	}
	if (resolver->n_pending >= LIMIT_RESOLVER_PENDING) {
		counter_add(&resolver->stats.rejects, 1);
		reply_failure(query, "too many names outside the cluster are being looked up",
			      EDE_OTHER);
		return;
	}
	escape_name(&query->question.name, text);
	pending = MEM_NEW(struct pending);
	pending->resolver = resolver;
	pending->query = query;
	pending->began = clock_monotonic(&clock_system);
	pending->deadline = pending->began + resolver->timeout;
	list_init(&pending->link);
	list_append(&resolver->pending, &pending->link);
	resolver->n_pending++;
	counter_add(&resolver->stats.questions, 1);
	/* It may call back before it returns, and then `pending` is gone. */
	resolver->asking = pending;
	result = ub_resolve_event(resolver->context, text, query->question.type, DNS_CLASS_IN,
				  pending, resolved, NULL);
	resolver->asking = NULL;
	if (result != 0) {
		log_debug(COMPONENT, "libunbound does not take %s: %s", text, ub_strerror(result));
		resolver->n_pending--;
		list_unlink(&pending->link);
		mem_free(pending);
		reply_failure(query, "the name cannot be looked up", EDE_OTHER);
	}
}

static void forget(struct dns_resolver *resolver, struct mailbox *whose)
{
	list_for_each (pending, &resolver->pending, struct pending, link) {
		if (pending->query->answer_to == whose) {
			orphan(pending);
		}
	}
	(void)mailbox_send(resolver->replies, &resolver->forget.done);
}

static void read_mail(void *userdata, unsigned events)
{
	struct dns_resolver *resolver = userdata;
	struct mail *mail = mailbox_receive(resolver->mailbox);

	while (mail != NULL) {
		struct mail *next = mail->next;

		if (mail == &resolver->stop) {
			loop_stop(resolver->loop);
		} else if (mail == &resolver->forget.mail) {
			forget(resolver, resolver->forget.whose);
		} else {
			ask(resolver, container_of(mail, struct dns_query, mail));
		}
		mail = next;
	}
	set_timer(resolver);
}

static void resolver_run(void *argument)
{
	struct dns_resolver *resolver = argument;

	(void)sandbox_enter(resolver->sandbox, SANDBOX_THREAD);
	(void)loop_run(resolver->loop);
	/* Kills what is under way, without callbacks: nobody waits for it by now. */
	if (resolver->context != NULL) {
		ub_ctx_delete(resolver->context);
	}
	free_all(&resolver->pending);
	free_all(&resolver->orphans);
}

/* ---- life ---- */

static int read_upstreams(struct dns_resolver *resolver, const struct dns_resolver_config *config,
			  char message[DNS_RESOLVER_MESSAGE])
{
	if (config->n_upstreams > DNS_RESOLVER_UPSTREAMS) {
		snprintf(message, DNS_RESOLVER_MESSAGE, "%zu upstreams are more than %d",
			 config->n_upstreams, DNS_RESOLVER_UPSTREAMS);
		return DNS_RESOLVER_BAD;
	}
	resolver->upstreams = mem_alloc_array(config->n_upstreams + 1, UPSTREAM_TEXT);
	for (size_t i = 0; i < config->n_upstreams; i++) {
		if (!upstream_parse(str_from(config->upstreams[i]), resolver->upstreams[i])) {
			snprintf(message, DNS_RESOLVER_MESSAGE,
				 "\"%s\" is no address of an upstream: write ADDRESS, ADDRESS:PORT "
				 "or [ADDRESS]:PORT",
				 config->upstreams[i]);
			return DNS_RESOLVER_BAD;
		}
		resolver->n_upstreams++;
	}
	return 0;
}

static int start(struct dns_resolver *resolver)
{
	int result = mailbox_new(MAIL_MAX, &resolver->mailbox);

	if (result == 0) {
		result = mailbox_new(1, &resolver->replies);
	}
	if (result == 0) {
		result = loop_new(&resolver->loop);
	}
	if (result == 0) {
		resolver->timer = loop_timer_new(resolver->loop, time_is_over, resolver);
		result = loop_watch_new(resolver->loop, mailbox_fd(resolver->mailbox), LOOP_READ,
					read_mail, resolver, &resolver->mail_watch);
	}
	if (result == 0) {
		result = thread_start("resolver", resolver_run, resolver, &resolver->thread);
	}
	return error_trace(result);
}

int dns_resolver_new(const struct dns_resolver_config *config, struct dns_resolver **ret,
		     char ret_message[DNS_RESOLVER_MESSAGE])
{
	struct dns_resolver *resolver = MEM_NEW(struct dns_resolver);
	int result = read_upstreams(resolver, config, ret_message);

	resolver->sandbox = config->sandbox;
	list_init(&resolver->pending);
	list_init(&resolver->orphans);
	resolver->timeout = (config->timeout_ms != 0 ? config->timeout_ms : TIMEOUT_MS) * NS_PER_MS;
	if (result == 0) {
		result = start(resolver);
	}
	if (result != 0) {
		dns_resolver_free(resolver);
		return result;
	}
	*ret = resolver;
	return 0;
}

struct dns_resolver *dns_resolver_free(struct dns_resolver *resolver)
{
	if (resolver == NULL) {
		return NULL;
	}
	if (resolver->thread != NULL) {
		(void)mailbox_send(resolver->mailbox, &resolver->stop);
		resolver->thread = thread_join(resolver->thread);
	}
	loop_watch_free(resolver->mail_watch);
	loop_timer_free(resolver->timer);
	loop_free(resolver->loop);
	mailbox_free(resolver->mailbox);
	mailbox_free(resolver->replies);
	mem_free(resolver->upstreams);
	return mem_free(resolver);
}

int dns_resolver_ask(struct dns_resolver *resolver, struct dns_query *query)
{
	return mailbox_send(resolver->mailbox, &query->mail) == 0 ? 0 : DNS_RESOLVER_FULL;
}

size_t dns_resolver_upstreams(const struct dns_resolver *resolver)
{
	return resolver->n_upstreams;
}

void dns_resolver_upstream(const struct dns_resolver *resolver, size_t i,
			   char ret_text[DNS_UPSTREAM_TEXT])
{
	struct str port = str_from(resolver->upstreams[i]);
	struct str host = str_cut(&port, '@');
	bool six = memchr(host.p, ':', host.n) != NULL;

	snprintf(ret_text, DNS_UPSTREAM_TEXT, six ? "[%.*s]:%.*s" : "%.*s:%.*s", STR_ARG(host),
		 STR_ARG(port));
}

const struct dns_resolver_stats *dns_resolver_stats(const struct dns_resolver *resolver)
{
	return &resolver->stats;
}

void dns_resolver_forget(struct dns_resolver *resolver, struct mailbox *mailbox)
{
	resolver->forget.whose = mailbox;
	(void)mailbox_send(resolver->mailbox, &resolver->forget.mail);
	(void)mailbox_wait(resolver->replies);
}
