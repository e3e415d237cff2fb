/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What every back-end of the store does alike on the control thread: admit operations against the
 * limits, keep their results in order, call the callbacks. A back-end embeds `struct front` first,
 * takes operations through `submit`, fills in their results, and mails them to `results`.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mailbox.h"
#include "base/str.h"
#include "store/store.h"

enum operation_kind {
	OPERATION_WRITE,
	OPERATION_LIST,
	OPERATION_COMPACT,
	OPERATION_STOP, /* the back-end's own: its thread ends */
};

struct operation_write {
	store_done_fn done;
	struct str key;
	struct str value;
	uint64_t expected;
	struct store_event event; /* the result */
	void *found; /* heap bytes that the event points into, or NULL */
};

struct operation_list {
	store_listed_fn listed;
	struct str prefix;
	struct str after;
	uint64_t revision; /* once it runs: the revision listed */
	size_t limit;
	bool uncounted;
	/* The result. */
	struct store_record *records;
	size_t n;
	size_t size;
	size_t bytes;
	bool more;
	uint64_t remaining;
};

struct operation {
	struct mail mail;
	enum operation_kind kind;
	int result;
	size_t bytes; /* counted against LIMIT_STORE_QUEUE_BYTES */
	uint64_t behind; /* the back-end's own: how many writes came before it */
	void *userdata;
	union {
		struct operation_write write;
		struct operation_list list;
		uint64_t compact;
	};
	char text[]; /* key and value, or prefix and after */
};

struct front {
	struct store store;
	struct mailbox *results;
	struct mail *ready; /* received, not yet delivered */
	struct mail **ready_last;
	size_t pending; /* admitted, not yet delivered */
	size_t pending_bytes;
	bool closing;
	store_event_fn changed;
	void *userdata;
	/* Takes an operation over, in order. */
	void (*submit)(struct front *front, struct operation *operation);
	/* Fills in the result just before delivery; NULL where that happened elsewhere. */
	void (*execute)(struct front *front, struct operation *operation);
};

/* Returns 0 or a negative errno. */
int front_init(struct front *front, const struct store_ops *ops);

/* Nothing may be pending. */
void front_deinit(struct front *front);

/* The callbacks of struct store_ops that a back-end takes from here. */
int front_write(struct store *store, const struct store_write *write, store_done_fn done,
		void *userdata);
int front_list(struct store *store, const struct store_list *list, store_listed_fn listed,
	       void *userdata);
void front_watch(struct store *store, store_event_fn changed, void *userdata);
int front_compact(struct store *store, uint64_t revision);
int front_fd(const struct store *store);
void front_dispatch(struct store *store);
void front_drain(struct store *store);

struct operation *operation_free(struct operation *operation); /* returns NULL */

/* Any thread that owns the operation: where a list begins (the first key that is ≥ this). Heap. */
char *operation_list_start(const struct operation_list *list, size_t *ret_n);

/* Whether the next live key is beyond the limit. */
bool operation_list_full(const struct operation_list *list);

/* A live key beyond the limit: counts it. Returns whether the back-end should go on counting. */
bool operation_list_cut(struct operation_list *list);

/* Adds a record (copied). */
void operation_list_add(struct operation_list *list, const struct store_record *record);
