/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group commit. The writes of a batch see each other, share a transaction and its one sync, and
 * learn their results when it is over. If the transaction fails, nothing of it has happened, and
 * what its later writes saw of the earlier ones was never true: so each is judged again, alone.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/sqlite_intern.h"

static int find_latest(struct database *database, struct str key, struct latest *ret)
{
	sqlite3_stmt *statement = database_statement(database, STATEMENT_LATEST);
	int step;

	*ret = (struct latest){ 0 };
	database_bind_bytes(statement, 1, key);
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW) {
		ret->created = database_revision(statement, 1);
		ret->revision = ret->created != 0 ? database_revision(statement, 0) : 0;
	}
	database_reset(statement);
	return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : database_error(database, step);
}

static bool expected(const struct operation_write *write, const struct latest *latest)
{
	if (write->value.p == NULL && latest->revision == 0) {
		return false;
	}
	return write->expected == STORE_ANY || write->expected == latest->revision;
}

/* The value of a revision, kept by the operation. */
static int keep(struct database *database, struct operation_write *write, uint64_t revision,
		struct str *ret)
{
	size_t n;
	int result = database_value(database, revision, &write->found, &n);

	if (result < 0) {
		return error_trace(result);
	}
	*ret = (struct str){ .p = write->found, .n = n };
	return 0;
}

static int insert(struct database *database, const struct operation_write *write, uint64_t revision,
		  uint64_t created, uint64_t previous)
{
	sqlite3_stmt *statement = database_statement(database, STATEMENT_INSERT);

	database_bind_revision(statement, 1, revision);
	database_bind_bytes(statement, 2, write->key);
	database_bind_revision(statement, 3, write->value.p != NULL ? created : 0);
	database_bind_revision(statement, 4, previous);
	if (write->value.p != NULL) {
		database_bind_bytes(statement, 5, write->value);
	}
	return database_run(database, statement);
}

/* One write inside the transaction; takes `*revision` + 1 if it happens. */
static int apply(struct database *database, struct operation *operation, uint64_t *revision)
{
	struct operation_write *write = &operation->write;
	struct store_event *event = &write->event;
	struct latest latest;
	int result = find_latest(database, write->key, &latest);

	write->found = mem_free(write->found);
	*event = (struct store_event){ .key = write->key };
	if (result < 0) {
		return error_trace(result);
	}
	if (!expected(write, &latest)) {
		operation->result = STORE_CONFLICT;
		event->revision = latest.revision;
		event->created = latest.created;
		return latest.revision == 0 ? 0
					    : keep(database, write, latest.revision, &event->value);
	}
	event->revision = *revision + 1;
	event->previous = latest.revision;
	event->created = latest.revision != 0 ? latest.created : event->revision;
	event->value = write->value;
	if (write->value.p == NULL) {
		result = keep(database, write, latest.revision, &event->old);
	}
	if (result == 0) {
		result = insert(database, write, event->revision, event->created, event->previous);
	}
	if (result == 0) {
		operation->result = 0;
		(*revision)++;
	}
	return result;
}

static int transact(struct database *database, struct mail *first, struct mail *end)
{
	uint64_t revision = database->revision;
	int result = database_begin(database);

	for (struct mail *mail = first; result == 0 && mail != end; mail = mail->next) {
		result = apply(database, container_of(mail, struct operation, mail), &revision);
	}
	if (result == 0 && revision == database->revision) {
		/* Conflicts alone: nothing to sync. */
		database_rollback(database);
		return 0;
	}
	if (result == 0) {
		result = database_commit(database);
	}
	if (result < 0) {
		database_rollback(database);
		return error_trace(result);
	}
	database->revision = revision;
	return 0;
}

static void fail(struct database *database, struct operation *operation, int error)
{
	struct operation_write *write = &operation->write;

	write->found = mem_free(write->found);
	write->event = (struct store_event){ .key = write->key };
	operation->result = error;
	if (!database->failing) {
		log_error("store", "cannot write %s: %s; writes fail until that changes",
			  database->path, strerror(-error));
		database->failing = true;
	}
}

/* Overwrites what a failed commit may have left at the end of the WAL. */
static void void_failed(struct database *database)
{
	int result = database_begin(database);

	if (result == 0) {
		result = database_set(database, "nonce", database->nonce + 1);
	}
	if (result == 0) {
		result = database_commit(database);
	}
	if (result < 0) {
		database_rollback(database);
		log_warning("store", "%s: a failed write may reappear after a crash",
			    database->path);
		return;
	}
	database->nonce++;
}

void sqlite_write_batch(struct database *database, struct mail *first)
{
	int result = transact(database, first, NULL);
	bool failed = result < 0;

	for (struct mail *mail = first; result < 0 && mail != NULL; mail = mail->next) {
		bool only = first->next == NULL;
		int alone = only ? result : transact(database, mail, mail->next);

		if (alone < 0) {
			fail(database, container_of(mail, struct operation, mail), alone);
		} else {
			failed = false;
		}
	}
	if (database->tainted) {
		void_failed(database);
	}
	if (!failed && database->failing) {
		log_info("store", "%s can be written again", database->path);
		database->failing = false;
	}
}
