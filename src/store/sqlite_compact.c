/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compaction: first the promise (lists below are refused), then the work in slices.
 *
 * A row names the revision it superseded, so sweeping walks just the revisions that have become
 * old: each takes its predecessor with it, and a removal itself as well. What it leaves is the
 * invariant that makes this enough: up to `swept` there is at most one row a key, and it is a
 * value.
 */
#include <assert.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/sqlite_intern.h"

int sqlite_compact(struct database *database, uint64_t revision)
{
	int result;

	if (revision > database->revision) {
		revision = database->revision;
	}
	if (revision <= database->compacted) {
		return 0;
	}
	result = database_begin(database);
	if (result == 0) {
		result = database_set(database, "compacted", revision);
	}
	if (result == 0) {
		result = database_commit(database);
	}
	if (result < 0) {
		database_rollback(database);
		return error_trace(result);
	}
	database->compacted = revision;
	return 0;
}

/* What goes of the next `limit` rows. Returns how many, or a negative errno. */
static int choose(struct database *database, int limit, uint64_t *ret_gone, uint64_t *ret_swept)
{
	sqlite3_stmt *history = database_statement(database, STATEMENT_HISTORY);
	int n = 0;
	int rows = 0;
	int step;

	database_bind_revision(history, 1, database->swept);
	database_bind_revision(history, 2, database->compacted);
	sqlite3_bind_int(history, 3, limit);
	*ret_swept = database->compacted;
	while ((step = sqlite3_step(history)) == SQLITE_ROW) {
		uint64_t revision = database_revision(history, 0);
		uint64_t previous = database_revision(history, 1);

		if (previous != 0) {
			ret_gone[n++] = previous;
		}
		if (database_revision(history, 2) == 0) {
			ret_gone[n++] = revision;
		}
		if (++rows == limit) {
			*ret_swept = revision;
		}
	}
	database_reset(history);
	return step == SQLITE_DONE ? n : database_error(database, step);
}

int sqlite_sweep(struct database *database, int limit)
{
	uint64_t gone[2 * LIMIT_STORE_SLICE];
	uint64_t swept;
	int result;
	int n;

	assert(limit <= LIMIT_STORE_SLICE);
	n = choose(database, limit, gone, &swept);
	if (n < 0) {
		return error_trace(n);
	}
	result = database_begin(database);
	for (int i = 0; result == 0 && i < n; i++) {
		sqlite3_stmt *forget = database_statement(database, STATEMENT_FORGET);

		database_bind_revision(forget, 1, gone[i]);
		result = database_run(database, forget);
	}
	if (result == 0) {
		result = database_set(database, "swept", swept);
	}
	if (result == 0) {
		result = database_commit(database);
	}
	if (result < 0) {
		database_rollback(database);
		return error_trace(result);
	}
	database->swept = swept;
	return 0;
}
