/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list walks the index in slices, between which the writer thread commits what came in. Revisions
 * make that exact: rows newer than the list are skipped, and rows are not swept while a list runs.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/sqlite_intern.h"

static struct str listing_next(const struct sqlite_listing *listing)
{
	return (struct str){ .p = listing->next, .n = listing->n };
}

bool sqlite_list_start(struct database *database, struct operation *operation,
		       struct sqlite_listing *ret)
{
	struct operation_list *list = &operation->list;

	if (list->revision == 0) {
		list->revision = database->revision;
	}
	operation->result = 0;
	if (list->revision > database->revision) {
		operation->result = error_origin(-ERANGE);
	} else if (list->revision < database->compacted) {
		operation->result = STORE_COMPACTED;
	}
	if (operation->result != 0) {
		return false;
	}
	ret->operation = operation;
	ret->next = operation_list_start(list, &ret->n);
	if (!str_starts(listing_next(ret), list->prefix)) {
		/* It would begin behind everything with the prefix. */
		ret->next = mem_free(ret->next);
		return false;
	}
	return true;
}

/* The key of a row, borrowed until the next step. */
static struct str row_key(sqlite3_stmt *walk)
{
	const char *bytes = sqlite3_column_blob(walk, 0);

	return (struct str){ .p = bytes, .n = (size_t)sqlite3_column_bytes(walk, 0) };
}

/*
 * Adds the key whose rows have just been seen, as it stood at `latest`. Returns 1 when the list
 * needs nothing more.
 */
static int settle(struct database *database, struct operation_list *list, struct str key,
		  const struct latest *latest)
{
	_cleanup_free_ void *value = NULL;
	struct store_record record = {
		.key = key,
		.revision = latest->revision,
		.created = latest->created,
	};
	int result;

	if (latest->created == 0) {
		return 0;
	}
	if (operation_list_full(list)) {
		return operation_list_cut(list) ? 0 : 1;
	}
	result = database_value(database, latest->revision, &value, &record.value.n);
	if (result < 0) {
		return error_trace(result);
	}
	record.value.p = value;
	operation_list_add(list, &record);
	return 0;
}

/*
 * Walks whole keys until the slice is used up. Returns 1 at the end of the list, 0 when it goes on
 * at `listing->next`, or a negative errno.
 */
static int walk_slice(struct database *database, struct sqlite_listing *listing, sqlite3_stmt *walk)
{
	struct operation_list *list = &listing->operation->list;
	struct latest latest = { 0 };
	size_t bytes = list->bytes;
	int rows = 0;
	int step;

	while ((step = sqlite3_step(walk)) == SQLITE_ROW) {
		struct str key = row_key(walk);
		uint64_t revision = database_revision(walk, 1);

		if (!str_eq(key, listing_next(listing))) {
			int result = settle(database, list, listing_next(listing), &latest);

			if (result != 0) {
				return result;
			}
			if (!str_starts(key, list->prefix)) {
				return 1;
			}
			latest = (struct latest){ 0 };
			mem_free(listing->next);
			listing->next = mem_copy(key.p, key.n);
			listing->n = key.n;
			if (rows >= LIMIT_STORE_SLICE ||
			    list->bytes - bytes >= LIMIT_STORE_BATCH_BYTES) {
				return 0;
			}
		}
		if (revision <= list->revision) {
			latest.revision = revision;
			latest.created = database_revision(walk, 2);
		}
		rows++;
	}
	if (step != SQLITE_DONE) {
		return database_error(database, step);
	}
	step = settle(database, list, listing_next(listing), &latest);
	return step < 0 ? step : 1;
}

bool sqlite_list_step(struct database *database, struct sqlite_listing *listing)
{
	sqlite3_stmt *walk = database_statement(database, STATEMENT_WALK);
	_cleanup_free_ char *start = listing->next;
	int result;

	/* The walk moves `next` on, so what is bound is a copy of its own. */
	listing->next = mem_copy(start, listing->n);
	database_bind_bytes(walk, 1, (struct str){ .p = start, .n = listing->n });
	result = walk_slice(database, listing, walk);
	database_reset(walk);
	if (result == 0) {
		return true;
	}
	if (result < 0) {
		listing->operation->result = result;
	}
	listing->next = mem_free(listing->next);
	return false;
}
