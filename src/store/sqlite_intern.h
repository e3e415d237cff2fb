/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of the SQLite back-end. `struct database` is the file with its prepared statements and
 * the three revisions that say what is in it; whoever holds it is its one user (first the thread
 * that opens it, then the writer thread).
 */

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "store/front_intern.h"

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_COMMIT,
	STATEMENT_LATEST, /* key → revision, created of its newest row */
	STATEMENT_INSERT,
	STATEMENT_VALUE, /* revision → value */
	STATEMENT_WALK, /* first key → key, revision, created, in this order */
	STATEMENT_HISTORY, /* behind, up to, how many → revision, previous, created */
	STATEMENT_FORGET, /* revision */
	STATEMENT_SET, /* name, value */
	STATEMENTS,
};

struct database {
	sqlite3 *handle;
	sqlite3_stmt *statements[STATEMENTS];
	char *path;
	uint64_t revision; /* the newest durable one */
	uint64_t compacted; /* lists below it are refused */
	uint64_t swept; /* rows up to it are gone; ≤ compacted, the rest is being done */
	uint64_t nonce; /* of the last void transaction */
	int wal_pages;
	int wal_due; /* a checkpoint is due at so many pages */
	bool tainted; /* the end of the WAL may hold a transaction that we called failed */
	bool failing; /* the last write failed, and the log says so */
};

/*
 * Opens, creates or refuses `path`, with a log line in the last case. `vfs` is NULL but in tests.
 */
int database_open(struct database *database, const char *path, const char *vfs);
void database_close(struct database *database);

/* The negative errno of a failed call, with a trace. */
int database_error(const struct database *database, int sqlite_result);

/* A statement ready to bind. */
sqlite3_stmt *database_statement(struct database *database, enum statement which);

void database_bind_bytes(sqlite3_stmt *statement, int column, struct str bytes);
void database_bind_revision(sqlite3_stmt *statement, int column, uint64_t revision);
uint64_t database_revision(sqlite3_stmt *statement, int column);

/* Runs a bound statement without rows. Returns 0 or a negative errno. */
int database_run(struct database *database, sqlite3_stmt *statement);

/* Gives the bytes of the bound value back to their owner and ends its read. */
void database_reset(sqlite3_stmt *statement);

int database_begin(struct database *database);
/* On failure nothing happened, as far as we can see: look at `tainted`. */
int database_commit(struct database *database);
void database_rollback(struct database *database);

/* Sets a number in the table of numbers, inside a transaction. */
int database_set(struct database *database, const char *name, uint64_t value);

/* The stored value of a revision, on the heap. Returns 0 or a negative errno. */
int database_value(struct database *database, uint64_t revision, void **ret_value, size_t *ret_n);

/* Moves the WAL into the file when it has grown enough. */
void database_checkpoint(struct database *database);

/* The newest version of a key; revision and created are 0 when there is none. */
struct latest {
	uint64_t revision; /* of the value; 0: absent */
	uint64_t created;
};

/*
 * Runs writes (linked by `next`) as one transaction and fills in their results. When it fails,
 * every one is tried alone, so that just those that cannot be written fail.
 */
void sqlite_write_batch(struct database *database, struct mail *first);

/* A list under way, some rows at a time. */
struct sqlite_listing {
	struct operation *operation;
	char *next; /* the first key not yet seen */
	size_t n;
};

/* Starts a list; its result may be clear at once. Returns whether it goes on. */
bool sqlite_list_start(struct database *database, struct operation *operation,
		       struct sqlite_listing *ret);
/* Goes on with it. Returns whether there is more to do; else the result is filled in. */
bool sqlite_list_step(struct database *database, struct sqlite_listing *listing);

/* Lists at revisions < `revision` are refused from now on. Returns 0 or a negative errno. */
int sqlite_compact(struct database *database, uint64_t revision);
/*
 * Looks at `limit` (≤ LIMIT_STORE_SLICE) of the rows that have become old, and removes what nobody
 * can see any more. Returns 0 or a negative errno.
 */
int sqlite_sweep(struct database *database, int limit);

/* store_sqlite_new() through a VFS of the tests. */
int store_sqlite_open(const char *path, const char *vfs, struct store **ret);
