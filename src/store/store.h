/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The store: keys, bytes and revisions. It knows no kinds and no JSON. Every successful write takes
 * the next revision (64 bits, from 1, growing, gaps allowed); a write that did not happen takes
 * none that anybody sees.
 *
 * Operations are asynchronous. They are called on the control thread; their callbacks run on the
 * control thread inside store_dispatch(), which the owner calls whenever store_fd() is readable.
 * Never does a call wait for a disk.
 *
 * What holds for every back-end (store/conformance.c proves it):
 *  1. A write is acknowledged only when it is durable as the back-end defines it (SQLite: WAL,
 *     synchronous=FULL, after the commit's fsync).
 *  2. Events arrive in revision order, each once, and before the `done` of the write that caused
 *     it.
 *  3. A list at revision R shows exactly the writes ≤ R.
 *  4. Writes handed in on one thread take effect in that order.
 *  5. After a crash the store holds every acknowledged write and no torn one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct store;

enum {
	STORE_CONFLICT = 1, /* the key's revision is not the expected one; nothing was written */
	STORE_COMPACTED = 2, /* the revision asked for is gone */
	STORE_BUSY = 3, /* LIMIT_STORE_QUEUE operations wait already; nothing was queued */
};

/* Expectations of a write. A positive revision: the key must stand at just that revision. */
#define STORE_MUST_BE_ABSENT UINT64_C(0)
#define STORE_ANY UINT64_MAX

struct store_write {
	struct str key; /* ≤ LIMIT_STORE_KEY bytes */
	struct str value; /* p == NULL: remove the key (which must exist, else STORE_CONFLICT) */
	uint64_t expected; /* STORE_MUST_BE_ABSENT, STORE_ANY or a revision */
};

/* One change. Valid during the callback. */
struct store_event {
	uint64_t revision;
	uint64_t previous; /* revision of the value before; 0: the key was absent */
	uint64_t created; /* revision at which the key was last created */
	struct str key;
	struct str value; /* p == NULL: removed */
	struct str old; /* of a removal: the value that was removed; else p == NULL */
};

/*
 * Result of a write: `result` 0 with `event` set; STORE_CONFLICT with event->revision the key's
 * present revision (0: absent) and event->value its present value; or a negative errno (-ENOSPC,
 * -EIO…): the write did not happen.
 */
typedef void (*store_done_fn)(void *userdata, int result, const struct store_event *event);

struct store_record {
	struct str key;
	struct str value;
	uint64_t revision;
	uint64_t created;
};

struct store_list {
	struct str prefix;
	struct str after; /* only keys > this; empty: from the start */
	uint64_t revision; /* state at this revision; 0: now */
	size_t limit; /* 0: all */
	bool uncounted; /* nobody needs `remaining`: leave it 0 and save the counting */
};

/*
 * Result of a list: 0, STORE_COMPACTED, or a negative errno (-ERANGE: the revision has not happened
 * yet). `revision` is the one listed; `more` says that the limit cut it, or that its values reached
 * LIMIT_STORE_LIST_BYTES; `remaining` counts what was cut. At least one record comes when there is
 * one. Records are valid during the callback.
 */
typedef void (*store_listed_fn)(void *userdata, int result, const struct store_record *records,
				size_t n, uint64_t revision, bool more, uint64_t remaining);

/* Every committed change, own or foreign, from the moment of store_watch() on. */
typedef void (*store_event_fn)(void *userdata, const struct store_event *event);

/* A back-end. Each callback has the contract of the function of the same name below. */
struct store_ops {
	const char *name;
	void (*free)(struct store *store);
	int (*write)(struct store *store, const struct store_write *write, store_done_fn done,
		     void *userdata);
	int (*list)(struct store *store, const struct store_list *list, store_listed_fn listed,
		    void *userdata);
	void (*watch)(struct store *store, store_event_fn changed, void *userdata);
	int (*compact)(struct store *store, uint64_t revision);
	int (*fd)(const struct store *store);
	void (*dispatch)(struct store *store);
	void (*drain)(struct store *store);
};

/* Back-ends embed this first. */
struct store {
	const struct store_ops *ops;
};

/* Everything in memory: tests, and `--store memory`. */
int store_memory_new(struct store **ret);

/*
 * SQLite in `path` (created 0600): WAL, synchronous=FULL, one writer thread with group commit. A
 * damaged or foreign file gives -EUCLEAN and one that another process has open -EBUSY, each with a
 * log line that says what to do.
 */
int store_sqlite_new(const char *path, struct store **ret);

/*
 * Waits for what is queued, then closes; what callbacks hand in meanwhile gets STORE_BUSY. NULL is
 * fine; returns NULL.
 */
struct store *store_free(struct store *store);

/*
 * Queues one write (key and value are copied). Returns 0 (then `done`, unless NULL, is called once)
 * or STORE_BUSY, which also means that more than LIMIT_STORE_QUEUE_BYTES wait.
 */
int store_write(struct store *store, const struct store_write *write, store_done_fn done,
		void *userdata);

/* Queues a list. Returns 0 (then `listed` is called once) or STORE_BUSY. */
int store_list(struct store *store, const struct store_list *list, store_listed_fn listed,
	       void *userdata);

/* Sets the one receiver of events; NULL ends it. */
void store_watch(struct store *store, store_event_fn changed, void *userdata);

/*
 * Forgets what only lists at revisions < `revision` could see. Returns 0 or STORE_BUSY. Nobody
 * needs to call it to keep a store small: each forgets by itself what is behind
 * LIMIT_STORE_HISTORY.
 */
int store_compact(struct store *store, uint64_t revision);

/* Readable when store_dispatch() has something to do. */
int store_fd(const struct store *store);
void store_dispatch(struct store *store);

/* Blocks until every queued operation has been dispatched: start-up and shutdown only. */
void store_drain(struct store *store);
