/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file. Table `log` has a row for every revision that is still known, `created` 0 in a removal;
 * the index answers everything but the value. Table `number` keeps what the log alone cannot tell.
 *
 * Opening looks before it touches: nothing is written into a file that is not ours. The exclusive
 * locking mode keeps other processes out for as long as we live, and spares the shared-memory file.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/sqlite_intern.h"

enum {
	APPLICATION = 0x48444c53, /* "HDLS" */
	FORMAT = 1,
	OBJECTS = 3, /* what the schema below creates */
};

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE log (revision INTEGER PRIMARY KEY, key BLOB NOT NULL,"
	" created INTEGER NOT NULL, previous INTEGER NOT NULL, value BLOB);"
	"CREATE UNIQUE INDEX log_key ON log (key, revision, created);"
	"CREATE TABLE number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO number VALUES ('compacted', 0), ('swept', 0), ('nonce', 0);"
	"PRAGMA application_id = 1212435539;"
	"PRAGMA user_version = 1;"
	"COMMIT;";

static const char *const statement_texts[STATEMENTS] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_LATEST] = "SELECT revision, created FROM log INDEXED BY log_key WHERE key = ?1"
			     " ORDER BY revision DESC LIMIT 1",
	[STATEMENT_INSERT] = "INSERT INTO log (revision, key, created, previous, value)"
			     " VALUES (?1, ?2, ?3, ?4, ?5)",
	[STATEMENT_VALUE] = "SELECT value FROM log WHERE revision = ?1",
	[STATEMENT_WALK] = "SELECT key, revision, created FROM log INDEXED BY log_key"
			   " WHERE key >= ?1 ORDER BY key, revision",
	[STATEMENT_HISTORY] = "SELECT revision, previous, created FROM log"
			      " WHERE revision > ?1 AND revision <= ?2 ORDER BY revision LIMIT ?3",
	[STATEMENT_FORGET] = "DELETE FROM log WHERE revision = ?1",
	[STATEMENT_SET] = "UPDATE number SET value = ?2 WHERE name = ?1",
};

int database_error(const struct database *database, int sqlite_result)
{
	int system = database->handle != NULL ? sqlite3_system_errno(database->handle) : 0;
	int error;

	switch (sqlite_result & 0xff) {
	case SQLITE_FULL:
		error = -ENOSPC;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		error = -EUCLEAN;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		error = -EBUSY;
		break;
	case SQLITE_NOMEM:
		error = -ENOMEM;
		break;
	case SQLITE_READONLY:
		error = -EROFS;
		break;
	case SQLITE_CANTOPEN:
		error = system > 0 ? -system : -ENOENT;
		break;
	default:
		error = system == ENOSPC || system == EDQUOT ? -system : -EIO;
		break;
	}
	log_debug("store", "sqlite: %s (%d)", sqlite3_errstr(sqlite_result), sqlite_result);
	return error_origin(error);
}

sqlite3_stmt *database_statement(struct database *database, enum statement which)
{
	return database->statements[which];
}

void database_bind_bytes(sqlite3_stmt *statement, int column, struct str bytes)
{
	/* The caller's bytes outlive the step; an empty text needs a pointer, else it is NULL. */
	sqlite3_bind_blob64(statement, column, bytes.n != 0 ? bytes.p : "", bytes.n, SQLITE_STATIC);
}

void database_bind_revision(sqlite3_stmt *statement, int column, uint64_t revision)
{
	sqlite3_bind_int64(statement, column, (sqlite3_int64)revision);
}

uint64_t database_revision(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

void database_reset(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

int database_run(struct database *database, sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);

	database_reset(statement);
	return result == SQLITE_DONE ? 0 : database_error(database, result);
}

int database_begin(struct database *database)
{
	return database_run(database, database->statements[STATEMENT_BEGIN]);
}

int database_commit(struct database *database)
{
	int result = database_run(database, database->statements[STATEMENT_COMMIT]);

	/*
	 * A commit that failed while syncing may have left complete frames behind: after a crash
	 * they would count. The next transaction that commits overwrites them.
	 */
	database->tainted = result < 0;
	return result;
}

void database_rollback(struct database *database)
{
	/* Some errors have rolled back already. */
	if (!sqlite3_get_autocommit(database->handle)) {
		(void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
	}
}

int database_set(struct database *database, const char *name, uint64_t value)
{
	sqlite3_stmt *statement = database_statement(database, STATEMENT_SET);

	sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	database_bind_revision(statement, 2, value);
	return database_run(database, statement);
}

int database_value(struct database *database, uint64_t revision, void **ret_value, size_t *ret_n)
{
	sqlite3_stmt *statement = database_statement(database, STATEMENT_VALUE);
	int step;
	int result = 0;

	database_bind_revision(statement, 1, revision);
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW) {
		const void *bytes = sqlite3_column_blob(statement, 0);
		size_t n = (size_t)sqlite3_column_bytes(statement, 0);

		/* Length without bytes: they could not be read. */
		if (bytes == NULL && (n != 0 || sqlite3_errcode(database->handle) != SQLITE_ROW)) {
			result = database_error(database, sqlite3_errcode(database->handle));
		} else {
			*ret_value = mem_copy(bytes, n);
			*ret_n = n;
		}
	} else {
		/* The index knows the row, so it is there in a sound file. */
		result = database_error(database, step == SQLITE_DONE ? SQLITE_CORRUPT : step);
	}
	database_reset(statement);
	return result;
}

void database_checkpoint(struct database *database)
{
	int result;

	if (database->wal_pages < database->wal_due) {
		return;
	}
	result = sqlite3_wal_checkpoint_v2(database->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
					   NULL);
	database->wal_due = LIMIT_STORE_WAL_PAGES;
	if (result != SQLITE_OK) {
		/* What was acknowledged is safe in the WAL; it goes on growing for a while. */
		(void)database_error(database, result);
		log_warning("store", "%s: cannot move the log into the file: %s", database->path,
			    sqlite3_errstr(result));
		database->wal_due = database->wal_pages + LIMIT_STORE_WAL_PAGES;
	}
	database->wal_pages = 0;
}

static int wal_grew(void *userdata, sqlite3 *handle, const char *name, int pages)
{
	struct database *database = userdata;

	database->wal_pages = pages;
	return SQLITE_OK;
}

/* Says once, for people, why the file cannot be used, and what to do. */
static int refuse(const struct database *database, int error)
{
	const char *path = database->path;

	switch (-error) {
	case EUCLEAN:
		log_error("store",
			  "%s is damaged or not a store of headlessd: restore it from a backup, "
			  "or move it and its -wal file away to start empty",
			  path);
		break;
	case EBUSY:
		log_error("store",
			  "%s is in use by another process: stop that one, or choose another "
			  "--data-dir",
			  path);
		break;
	default:
		log_error("store", "cannot open %s: %s", path, strerror(-error));
		break;
	}
	return error;
}

static int execute(struct database *database, const char *text)
{
	int result = sqlite3_exec(database->handle, text, NULL, NULL, NULL);

	return result == SQLITE_OK ? 0 : database_error(database, result);
}

/* One number from a query that gives one row. */
static int query(struct database *database, const char *text, uint64_t *ret)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(database->handle, text, -1, &statement, NULL);

	if (result == SQLITE_OK) {
		result = sqlite3_step(statement);
		if (result == SQLITE_ROW) {
			*ret = database_revision(statement, 0);
		}
		sqlite3_finalize(statement);
	}
	/* No row, or no such table: not what we wrote. */
	if (result == SQLITE_DONE || result == SQLITE_ERROR) {
		result = SQLITE_CORRUPT;
	}
	return result == SQLITE_ROW ? 0 : database_error(database, result);
}

/* Whose file is it? Looks without writing. */
static int identify(struct database *database, bool *ret_empty)
{
	uint64_t application;
	uint64_t format;
	uint64_t objects;
	int result = query(database, "SELECT count(*) FROM sqlite_schema", &objects);

	if (result < 0 || (result = query(database, "PRAGMA application_id", &application)) < 0 ||
	    (result = query(database, "PRAGMA user_version", &format)) < 0) {
		return refuse(database, error_trace(result));
	}
	*ret_empty = objects == 0 && application == 0 && format == 0;
	if (*ret_empty) {
		return 0;
	}
	if (application != APPLICATION) {
		log_error("store",
			  "%s is not a store of headlessd: move it away, or choose another "
			  "--data-dir",
			  database->path);
		return error_origin(-EUCLEAN);
	}
	if (format != FORMAT) {
		log_error("store",
			  "%s has format %llu, this headlessd knows %d: use the version that wrote "
			  "it",
			  database->path, (unsigned long long)format, FORMAT);
		return error_origin(-EUCLEAN);
	}
	return objects == OBJECTS ? 0 : refuse(database, error_origin(-EUCLEAN));
}

/* The mode that all durability rests on: SQLite answers with the one it could set. */
static int set_wal(struct database *database)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(database->handle, "PRAGMA journal_mode = WAL", -1,
					&statement, NULL);

	if (result == SQLITE_OK) {
		result = sqlite3_step(statement);
		if (result == SQLITE_ROW &&
		    strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0) {
			result = SQLITE_IOERR;
		}
		sqlite3_finalize(statement);
	}
	return result == SQLITE_ROW ? 0 : database_error(database, result);
}

static int configure(struct database *database)
{
	char text[256];
	int result = set_wal(database);

	if (result < 0) {
		return error_trace(result);
	}
	snprintf(text, sizeof(text),
		 "PRAGMA synchronous = FULL;"
		 "PRAGMA temp_store = MEMORY;"
		 "PRAGMA cell_size_check = ON;"
		 "PRAGMA cache_size = %d;"
		 "PRAGMA max_page_count = %d;",
		 LIMIT_STORE_CACHE_PAGES, LIMIT_STORE_PAGES);
	sqlite3_wal_hook(database->handle, wal_grew, database);
	database->wal_due = LIMIT_STORE_WAL_PAGES;
	return execute(database, text);
}

static int prepare(struct database *database)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		int result = sqlite3_prepare_v3(database->handle, statement_texts[i], -1,
						SQLITE_PREPARE_PERSISTENT, &database->statements[i],
						NULL);

		if (result != SQLITE_OK) {
			/* A statement that does not fit the tables: they are not ours. */
			return database_error(database,
					      result == SQLITE_ERROR ? SQLITE_CORRUPT : result);
		}
	}
	return 0;
}

static int read_numbers(struct database *database)
{
	static const char number[] = "SELECT value FROM number WHERE name = '%s'";
	const struct {
		const char *name;
		uint64_t *value;
	} numbers[] = {
		{ "compacted", &database->compacted },
		{ "swept", &database->swept },
		{ "nonce", &database->nonce },
	};
	int result;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		_cleanup_free_ char *text = mem_printf(number, numbers[i].name);

		result = query(database, text, numbers[i].value);
		if (result < 0) {
			return error_trace(result);
		}
	}
	result = query(database, "SELECT ifnull(max(revision), 0) FROM log", &database->revision);
	if (result < 0) {
		return error_trace(result);
	}
	/* A removal that was compacted took the newest revision with it. */
	if (database->revision < database->compacted) {
		database->revision = database->compacted;
	}
	if (database->revision > INT64_MAX || database->swept > database->compacted) {
		return error_origin(-EUCLEAN);
	}
	return 0;
}

static int open_file(struct database *database, const char *vfs)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
	int result;

	if (vfs == NULL) {
		/* SQLite would create it readable for all; its other files take this mode over. */
		int fd = open(database->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		if (fd < 0 && errno != EEXIST) {
			return error_origin(-errno);
		}
		if (fd >= 0) {
			close(fd);
		}
	}
	result = sqlite3_open_v2(database->path, &database->handle, flags, vfs);
	if (result != SQLITE_OK) {
		return database_error(database, result);
	}
	return execute(database, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;");
}

static int open_checked(struct database *database, const char *vfs)
{
	bool empty;
	int result = open_file(database, vfs);

	if (result < 0) {
		return refuse(database, result);
	}
	result = identify(database, &empty);
	if (result < 0) {
		return error_trace(result);
	}
	result = configure(database);
	if (result == 0 && empty) {
		result = execute(database, schema);
	}
	if (result == 0) {
		result = prepare(database);
	}
	if (result == 0) {
		result = read_numbers(database);
	}
	return result == 0 ? 0 : refuse(database, error_trace(result));
}

int database_open(struct database *database, const char *path, const char *vfs)
{
	int result;

	*database = (struct database){ .path = mem_strdup(path) };
	result = open_checked(database, vfs);
	if (result < 0) {
		database_close(database);
	}
	return result;
}

void database_close(struct database *database)
{
	for (size_t i = 0; i < STATEMENTS; i++) {
		sqlite3_finalize(database->statements[i]);
	}
	/* Also moves the WAL into the file. */
	sqlite3_close(database->handle);
	mem_free(database->path);
	*database = (struct database){ 0 };
}
