/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the files of the peer lookup share. A *request* is what the client said, a *waiter* one
 * request on its way to its answer, a *set* the peers of one Service somebody asked for, an
 * *answer* the text of a set, made once for a serial and shared by all who get it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "http/exchange.h"
#include "ops/peers.h"

struct cache;
struct object;
struct selector;

/* ---- peers_request.c: what the client said ---- */

enum peers_wait {
	PEERS_NONE, /* what is, now */
	PEERS_CHANGED, /* the set is another one than that of `serial` */
	PEERS_COMPLETE, /* as many are ready as are wanted */
};

struct peers_request {
	struct str space;
	struct str name;
	enum peers_wait wait;
	bool stream; /* server-sent events */
	bool has_count;
	bool has_serial;
	uint64_t count;
	uint64_t serial;
	uint64_t timeout; /* ns; UINT64_MAX: none */
};

/* A request that is not served: HTTP status, and reason and message of its Status. */
struct peers_refusal {
	int code;
	const char *reason;
	char message[512];
};

/* Texts are borrowed from the exchange. Returns 0, or PEERS_REFUSED with *ret_refusal filled. */
enum { PEERS_REFUSED = 1 };
int peers_request_read(const struct http_exchange *exchange, struct peers_request *ret,
		       struct peers_refusal *ret_refusal);

void peers_refuse(struct peers_refusal *refusal, int code, const char *reason, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

/* Appends the Status of a refusal as JSON; `name` of the Service may be empty. */
void peers_refusal_write(const struct peers_refusal *refusal, struct str name, struct buffer *out);

/* Answers the exchange with it. */
void peers_refusal_reply(const struct peers_refusal *refusal, struct str name,
			 struct http_exchange *exchange);

/* ---- peers_wanted.c: how many there shall be ---- */

enum wanted_by {
	WANTED_BY_ENDPOINTS, /* no selector: those that are listed */
	WANTED_BY_PODS, /* pods that match, and nothing that makes them */
	WANTED_BY_WORKLOADS, /* replicas of what makes pods that match */
};

struct wanted {
	uint64_t n;
	enum wanted_by by;
	/*
	 * Of one StatefulSet alone: its name ("" otherwise) and first ordinal; they go up to n - 1.
	 */
	char set[254];
	int64_t first;
};

/* `selector` NULL: the Service has none; `n` is then for the caller to fill in. */
void wanted_read(const struct cache *cache, struct str space, const struct selector *selector,
		 struct wanted *ret);

/*
 * Whether a change of a StatefulSet, Deployment or ReplicaSet (or of a pod) can matter to anybody.
 */
bool wanted_workload_changed(struct object *old, struct object *now);
bool wanted_pod_changed(struct object *old, struct object *now);

/* Whether the object, or the pods of its template, are selected. */
bool wanted_selects_workload(const struct selector *selector, struct object *workload);
bool wanted_selects_pod(const struct selector *selector, struct object *pod);

/* ---- peers_members.c: who there is ---- */

struct member;

/* Everything is borrowed from objects of the cache: good until the running callback returns. */
struct members {
	struct member *items;
	size_t n_items;
	struct arena names;
	bool overflowed;

	size_t n; /* peers */
	size_t n_ready; /* ready and not going away */
	size_t n_counted; /* those of them that are wanted, too */
	size_t n_staying; /* ready or not, not going away */
	uint64_t revision; /* the newest of the slices */
};

void members_collect(const struct cache *cache, struct object *service, const struct wanted *wanted,
		     struct members *ret);
void members_deinit(struct members *members);

/* Appends them as a JSON array, in the order of names and ordinals. */
void members_write(const struct members *members, struct object *service, const char *domain,
		   struct buffer *out);

/* ---- peers_answer.c: a text that many get ---- */

struct answer {
	struct list link; /* in peers->answers, oldest first */
	struct list readers; /* waiters that are sending it */
	struct peers *peers;
	struct peer_set *set; /* whose newest it is; NULL when there is a newer one */
	size_t refs;
	char *text;
	size_t n;
};

/* Takes the text. The caller owns one reference. */
struct answer *answer_new(struct peers *peers, struct peer_set *set, struct buffer *text);
struct answer *answer_ref(struct answer *answer);
struct answer *answer_unref(struct answer *answer); /* NULL is fine; returns NULL */

/* Holds no more than LIMIT_PEERS_HELD: whoever is slowest to read an old text is cut off. */
void answers_reclaim(struct peers *peers);

/* ---- peers_set.c: the peers of one Service ---- */

struct peer_set {
	struct peers *peers;
	char *key; /* "namespace/name" */
	struct str space;
	struct str name;
	struct list link; /* in peers->ripe or peers->idle, or in neither */
	struct list waiters; /* who has seen how things are */
	struct list unseen; /* who has still to be told in this round */
	bool again; /* something changed during the round */
	bool ripe;

	/* What is known; see set_refresh(). */
	bool exists;
	bool is_alias; /* ExternalName */
	bool wanted_stale;
	bool counts_stale;
	bool text_stale;
	bool too_large;
	bool hashed; /* there is a serial */
	bool lifted; /* by a client that had seen a greater one; once is enough */
	struct selector *selector;
	struct wanted wanted;
	size_t n_ready;
	size_t n_counted;
	uint64_t newest; /* revision of the newest thing that touched it */
	uint64_t serial;
	uint64_t hash;
	struct answer *answer; /* the text of `serial`; NULL: nobody needs it */

	struct members members; /* while it is being looked at */
	bool has_members;
	size_t cost; /* bytes that this round has moved */
	uint64_t paid_at; /* when its rate has paid for what it has cost so far */
};

/* The set of a Service, made when nobody has asked for it so far. Look at it or rest it. */
struct peer_set *set_get(struct peers *peers, struct str space, struct str name);
struct peer_set *set_find(struct peers *peers, struct str space, struct str name);

enum set_part {
	SET_MEMBERS = 1 << 0, /* an endpoint slice */
	SET_WANTED = 1 << 1, /* the Service, or what makes its pods */
};

/* Something about the set has changed at that revision (0: unknown). */
void set_touch(struct peer_set *set, uint64_t revision, unsigned parts);

/* The time before which no new round begins. */
uint64_t set_next_round(const struct peer_set *set);

/* Will have its turn, as soon as its pace allows. */
void set_ripen(struct peer_set *set);

/* Tells waiters; returns when it has to be called again (UINT64_MAX: not before a change). */
uint64_t set_turn(struct peer_set *set, uint64_t now);

/* Brings the counts, or serial and text, up to date. False: too large to be told. */
void set_refresh(struct peer_set *set);
bool set_refresh_text(struct peer_set *set);

/* Ends a look: lets go of what is borrowed, and sets the pace. */
void set_looked(struct peer_set *set, uint64_t now);

/* A client says it has seen this serial. */
void set_admit_serial(struct peer_set *set, uint64_t serial);

bool set_is_complete(const struct peer_set *set, const struct peers_request *request);

/* A waiter has left: without any the set is idle, or forgotten. */
void set_rest(struct peer_set *set);
struct peer_set *set_free(struct peer_set *set); /* returns NULL */

/* ---- peers_waiter.c: one request on its way ---- */

struct waiter {
	struct list all; /* in peers->waiters */
	struct list link; /* in set->waiters or set->unseen */
	struct list reader; /* in answer->readers */
	struct peers *peers; /* NULL: that has ended */
	struct peer_set *set; /* NULL: has its answer, which may still be under way */
	struct http_exchange *exchange;
	struct peers_request request; /* texts are the set's */
	uint64_t deadline;
	uint64_t beat_at; /* of a stream: when it says that it is alive */
	bool timed; /* stands in peers->due under `due` */
	unsigned char due[16];

	bool answered; /* the exchange is answered with a stream */
	bool sending;
	bool last; /* ends after what is being sent */
	bool broken;
	struct buffer head; /* what is being sent: this, the answer's text, the tail */
	struct answer *answer;
	const char *tail;
	size_t at;
	struct buffer farewell; /* what a stream sends before its end */

	/* What the stream has told. */
	bool told;
	bool told_complete;
	uint64_t told_serial;
	uint64_t told_wanted;
};

/* Takes the exchange. */
struct waiter *waiter_new(struct peers *peers, struct peer_set *set, struct http_exchange *exchange,
			  const struct peers_request *request);

/* Answers if it can be answered now; may free the waiter. The set is looked at (set_looked()). */
void waiter_look(struct waiter *waiter);

/* Its time has come: to end, or to say that it is alive. */
void waiter_due(struct waiter *waiter, uint64_t now);

/* Its text is no longer held. */
void waiter_break(struct waiter *waiter);

/* Nobody is there any more who could answer it. */
void waiter_abandon(struct waiter *waiter);

/* ---- peers.c ---- */

struct peers {
	struct cache *cache;
	const struct clock *clock;
	char *domain;
	void (*due_changed)(void *userdata, uint64_t at);
	void *userdata;
	bool synced; /* what is not in the cache is known to be absent */
	struct map sets; /* "namespace/name" -> struct peer_set */
	struct list idle; /* sets nobody waits for, longest idle first */
	struct list ripe; /* sets that want a turn */
	struct map due; /* waiters by the time at which they want to be called */
	struct list waiters;
	struct list answers;
	size_t answer_bytes;
	size_t n_waiters;
	size_t n_by_pods; /* sets for which pods are counted */
	uint64_t next_id;
	uint64_t due_at;

	uint64_t answered; /* requests, or events of streams */
	uint64_t timed_out;
	uint64_t refused; /* too many waiters */
	uint64_t cut_off; /* slow readers */
};

/* Makes peers_run_due() happen at `at` or earlier. */
void peers_due_by(struct peers *peers, uint64_t at);
