/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite back-end: the control thread mails operations to the writer thread, which alone
 * touches the database and mails them back with their results.
 *
 * The writer goes in rounds: take what came in, commit the waiting writes as one batch, do one
 * slice of a list, or, while none is under way, one slice of compaction; sleep only when nothing is
 * left. So writers wait for at most one slice, and a list never sees rows swept from under it.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "store/history_intern.h"
#include "store/sqlite_intern.h"

enum { SWEEP_LEAST = 256 };

_Static_assert(2 * LIMIT_STORE_BATCH <= LIMIT_STORE_SLICE, "sweeping outruns writing");

/* Mail in order. */
struct fifo {
	struct mail *first;
	struct mail **last;
};

struct sqlite_store {
	struct front front;
	struct mailbox *inbox;
	struct thread *thread;
	/* The writer thread's, while it runs. */
	struct database database;
	struct history history;
	struct fifo writes;
	struct fifo lists; /* and compactions */
	uint64_t writes_taken;
	uint64_t writes_done;
	struct sqlite_listing listing;
	bool is_listing;
	int batch; /* writes of the last one */
	bool sweep_paused; /* it failed: not again before a write succeeds */
	bool stopping;
};

static void fifo_init(struct fifo *fifo)
{
	fifo->first = NULL;
	fifo->last = &fifo->first;
}

static void fifo_put(struct fifo *fifo, struct mail *mail)
{
	mail->next = NULL;
	*fifo->last = mail;
	fifo->last = &mail->next;
}

static struct mail *fifo_get(struct fifo *fifo)
{
	struct mail *mail = fifo->first;

	fifo->first = mail->next;
	if (fifo->first == NULL) {
		fifo->last = &fifo->first;
	}
	mail->next = NULL;
	return mail;
}

static struct operation *operation_of(struct mail *mail)
{
	return container_of(mail, struct operation, mail);
}

/* The results' mailbox holds as many as may be pending, so it is never full. */
static void post(struct sqlite_store *store, struct operation *operation)
{
	(void)mailbox_send(store->front.results, &operation->mail);
}

static void compact(struct sqlite_store *store, uint64_t revision)
{
	int result = sqlite_compact(&store->database, revision);

	if (result < 0) {
		log_warning("store", "cannot compact %s: %s", store->database.path,
			    strerror(-result));
	}
	store->history.compacted = store->database.compacted;
}

static void sort_mail(struct sqlite_store *store, struct mail *mail)
{
	while (mail != NULL) {
		struct mail *next = mail->next;
		struct operation *operation = operation_of(mail);

		switch (operation->kind) {
		case OPERATION_WRITE:
			store->writes_taken++;
			fifo_put(&store->writes, mail);
			break;
		case OPERATION_LIST:
		case OPERATION_COMPACT:
			operation->behind = store->writes_taken;
			fifo_put(&store->lists, mail);
			break;
		case OPERATION_STOP:
			store->stopping = true;
			break;
		}
		mail = next;
	}
}

/* Commits the next batch and posts its results. */
static void write_round(struct sqlite_store *store)
{
	struct fifo batch;
	uint64_t before = store->database.revision;
	uint64_t target = 0;
	size_t bytes = 0;
	int n = 0;

	fifo_init(&batch);
	while (store->writes.first != NULL && n < LIMIT_STORE_BATCH &&
	       bytes < LIMIT_STORE_BATCH_BYTES) {
		struct mail *mail = fifo_get(&store->writes);

		bytes += operation_of(mail)->bytes;
		fifo_put(&batch, mail);
		n++;
	}
	store->batch = n;
	sqlite_write_batch(&store->database, batch.first);
	while (batch.first != NULL) {
		struct operation *operation = operation_of(fifo_get(&batch));

		if (operation->result == 0) {
			uint64_t due =
				history_note(&store->history, operation->write.event.revision,
					     operation->bytes);

			target = due > target ? due : target;
		}
		store->writes_done++;
		post(store, operation);
	}
	if (store->database.revision != before) {
		store->sweep_paused = false;
	}
	if (target != 0) {
		compact(store, target);
	}
}

/* One slice of the list under way, or starts the next. */
static void list_round(struct sqlite_store *store)
{
	struct operation *operation;

	if (!store->is_listing) {
		operation = operation_of(fifo_get(&store->lists));
		if (operation->kind == OPERATION_COMPACT) {
			compact(store, operation->compact);
			post(store, operation);
			return;
		}
		store->is_listing = sqlite_list_start(&store->database, operation, &store->listing);
		if (!store->is_listing) {
			post(store, operation);
			return;
		}
	}
	operation = store->listing.operation;
	store->is_listing = sqlite_list_step(&store->database, &store->listing);
	if (!store->is_listing) {
		post(store, operation);
	}
}

/* A list sees the writes that were handed in before it. */
static bool list_due(const struct sqlite_store *store)
{
	return store->is_listing ||
	       (store->lists.first != NULL &&
		operation_of(store->lists.first)->behind <= store->writes_done);
}

static bool sweep_due(const struct sqlite_store *store)
{
	return !store->sweep_paused && !store->is_listing &&
	       store->database.swept < store->database.compacted;
}

static void sweep_round(struct sqlite_store *store)
{
	/* Faster than writers, whatever they do, and so short that they hardly notice. */
	int limit = 2 * store->batch > SWEEP_LEAST ? 2 * store->batch : SWEEP_LEAST;
	int result = sqlite_sweep(&store->database, limit);

	if (result < 0) {
		log_warning("store", "cannot compact %s: %s", store->database.path,
			    strerror(-result));
		store->sweep_paused = true;
	}
}

static void writer_run(void *argument)
{
	struct sqlite_store *store = argument;

	for (;;) {
		bool waiting = store->writes.first != NULL || list_due(store) || sweep_due(store);

		if (!waiting && store->stopping) {
			return;
		}
		sort_mail(store, waiting || store->stopping ? mailbox_receive(store->inbox)
							    : mailbox_wait(store->inbox));
		if (store->writes.first != NULL) {
			write_round(store);
			database_checkpoint(&store->database);
		}
		if (sweep_due(store)) {
			sweep_round(store);
			database_checkpoint(&store->database);
		}
		if (list_due(store)) {
			list_round(store);
		}
	}
}

static void submit(struct front *front, struct operation *operation)
{
	struct sqlite_store *store = container_of(front, struct sqlite_store, front);

	/* One place more than may be pending is kept for the stop. */
	(void)mailbox_send(store->inbox, &operation->mail);
}

static struct sqlite_store *sqlite_store_free(struct sqlite_store *store)
{
	if (store->thread != NULL) {
		struct operation *stop = MEM_NEW(struct operation);

		store->front.closing = true;
		front_drain(&store->front.store);
		stop->kind = OPERATION_STOP;
		(void)mailbox_send(store->inbox, &stop->mail);
		store->thread = thread_join(store->thread);
		operation_free(stop);
	}
	database_close(&store->database);
	store->inbox = mailbox_free(store->inbox);
	if (store->front.results != NULL) {
		front_deinit(&store->front);
	}
	return mem_free(store);
}

static void sqlite_free(struct store *store)
{
	struct front *front = container_of(store, struct front, store);

	sqlite_store_free(container_of(front, struct sqlite_store, front));
}

static const struct store_ops sqlite_ops = {
	.name = "sqlite",
	.free = sqlite_free,
	.write = front_write,
	.list = front_list,
	.watch = front_watch,
	.compact = front_compact,
	.fd = front_fd,
	.dispatch = front_dispatch,
	.drain = front_drain,
};

static int start(struct sqlite_store *store, const char *path, const char *vfs)
{
	struct database *database = &store->database;
	int result = database_open(database, path, vfs);

	if (result < 0) {
		return error_trace(result);
	}
	history_init(&store->history, database->compacted, database->revision);
	fifo_init(&store->writes);
	fifo_init(&store->lists);
	result = front_init(&store->front, &sqlite_ops);
	if (result < 0) {
		return error_trace(result);
	}
	store->front.submit = submit;
	result = mailbox_new(LIMIT_STORE_QUEUE + 1, &store->inbox);
	if (result < 0) {
		return error_trace(result);
	}
	return thread_start("store", writer_run, store, &store->thread);
}

int store_sqlite_open(const char *path, const char *vfs, struct store **ret)
{
	struct sqlite_store *store = MEM_NEW(struct sqlite_store);
	int result = start(store, path, vfs);

	if (result < 0) {
		sqlite_store_free(store);
		return error_trace(result);
	}
	*ret = &store->front.store;
	return 0;
}

int store_sqlite_new(const char *path, struct store **ret)
{
	return store_sqlite_open(path, NULL, ret);
}
