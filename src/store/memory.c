/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in memory: an operation is mailed to ourselves and happens when it is dispatched, on
 * the control thread, so callers see the same order and the same asynchrony as with a disk.
 *
 * Every key has a row: its versions, newest first. The log links the versions that compaction has
 * not seen yet, in revision order. Once compaction has passed a revision, each row holds at most
 * one version ≤ it, and that is a value: whatever it superseded went with it, and so do removals.
 */
#include <errno.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "store/front_intern.h"
#include "store/history_intern.h"

enum { PAGE = 4096 };

struct row {
	struct version *newest;
	size_t n;
	char key[];
};

struct version {
	struct list log;
	struct row *row;
	struct version *newer;
	struct version *older;
	uint64_t revision;
	uint64_t created;
	bool removed;
	size_t n;
	char value[];
};

struct memory {
	struct front front;
	struct map rows;
	struct list log;
	struct history history;
	uint64_t revision;
	size_t bytes;
};

static struct memory *memory_of(struct front *front)
{
	return container_of(front, struct memory, front);
}

static struct str row_key(const struct row *row)
{
	return (struct str){ .p = row->key, .n = row->n };
}

static struct str version_value(const struct version *version)
{
	return (struct str){ .p = version->value, .n = version->n };
}

static size_t version_bytes(const struct version *version)
{
	return sizeof(*version) + version->n;
}

static size_t row_bytes(size_t key)
{
	/* The map keeps a key of its own. */
	return sizeof(struct row) + 2 * key + 64;
}

static void version_free(struct memory *memory, struct version *version)
{
	struct row *row = version->row;

	list_unlink(&version->log);
	if (version->newer != NULL) {
		version->newer->older = version->older;
	} else {
		row->newest = version->older;
	}
	if (version->older != NULL) {
		version->older->newer = version->newer;
	}
	memory->bytes -= version_bytes(version);
	mem_free(version);
	if (row->newest == NULL) {
		memory->bytes -= row_bytes(row->n);
		map_remove(&memory->rows, row_key(row));
		mem_free(row);
	}
}

static void compact(struct memory *memory, uint64_t revision)
{
	while (!list_is_empty(&memory->log)) {
		struct version *version = list_entry(memory->log.next, struct version, log);

		if (version->revision > revision) {
			break;
		}
		list_unlink(&version->log);
		if (version->older != NULL) {
			version_free(memory, version->older);
		}
		if (version->removed) {
			version_free(memory, version);
		}
	}
}

static struct row *row_of(struct memory *memory, struct str key)
{
	struct row *row = map_get(&memory->rows, key);

	if (row == NULL) {
		row = mem_alloc(sizeof(*row) + key.n + 1);
		memcpy(row->key, key.p, key.n);
		row->n = key.n;
		map_put(&memory->rows, key, row);
		memory->bytes += row_bytes(key.n);
	}
	return row;
}

/* The value that stands, or NULL. */
static struct version *present(const struct memory *memory, struct str key)
{
	const struct row *row = map_get(&memory->rows, key);

	return row != NULL && !row->newest->removed ? row->newest : NULL;
}

static bool expected(const struct operation_write *write, const struct version *old)
{
	if (write->value.p == NULL && old == NULL) {
		return false;
	}
	return write->expected == STORE_ANY || write->expected == (old != NULL ? old->revision : 0);
}

static struct str keep(struct operation_write *write, const struct version *old)
{
	write->found = mem_copy(old->value, old->n);
	return (struct str){ .p = write->found, .n = old->n };
}

static int refuse(struct operation_write *write, const struct version *old)
{
	write->event.key = write->key;
	if (old != NULL) {
		write->event.revision = old->revision;
		write->event.created = old->created;
		write->event.value = keep(write, old);
	}
	return STORE_CONFLICT;
}

static int execute_write(struct memory *memory, struct operation_write *write)
{
	struct version *old = present(memory, write->key);
	struct version *version;

	if (!expected(write, old)) {
		return refuse(write, old);
	}
	if (write->value.p != NULL &&
	    memory->bytes + write->value.n > (size_t)LIMIT_STORE_PAGES * PAGE) {
		write->event.key = write->key;
		return -ENOSPC;
	}
	version = mem_alloc(sizeof(*version) + write->value.n + 1);
	version->row = row_of(memory, write->key);
	version->revision = ++memory->revision;
	version->created = old != NULL ? old->created : version->revision;
	version->removed = write->value.p == NULL;
	version->n = write->value.n;
	if (version->n != 0) {
		memcpy(version->value, write->value.p, version->n);
	}
	write->event = (struct store_event){
		.revision = version->revision,
		.previous = old != NULL ? old->revision : 0,
		.created = version->created,
		.key = write->key,
		.value = write->value,
		.old = version->removed ? keep(write, old) : STR_NONE,
	};
	version->older = version->row->newest;
	if (version->older != NULL) {
		version->older->newer = version;
	}
	version->row->newest = version;
	list_append(&memory->log, &version->log);
	memory->bytes += version_bytes(version);
	compact(memory, history_note(&memory->history, version->revision, version_bytes(version)));
	return 0;
}

/* The version of `row` that a list at `revision` shows, or NULL. */
static const struct version *version_at(const struct row *row, uint64_t revision)
{
	const struct version *version = row->newest;

	while (version != NULL && version->revision > revision) {
		version = version->older;
	}
	return version != NULL && !version->removed ? version : NULL;
}

static int execute_list(struct memory *memory, struct operation_list *list)
{
	_cleanup_free_ char *start = NULL;
	const struct map_entry *entry;
	size_t n;

	if (list->revision > memory->revision) {
		return error_origin(-ERANGE);
	}
	if (list->revision == 0) {
		list->revision = memory->revision;
	}
	if (list->revision < memory->history.compacted) {
		return STORE_COMPACTED;
	}
	start = operation_list_start(list, &n);
	entry = map_from(&memory->rows, (struct str){ .p = start, .n = n });
	for (; entry != NULL && str_starts(entry->key, list->prefix);
	     entry = map_after(&memory->rows, entry->key)) {
		const struct version *version = version_at(entry->value, list->revision);

		if (version == NULL) {
			continue;
		}
		if (operation_list_full(list)) {
			if (!operation_list_cut(list)) {
				break;
			}
			continue;
		}
		operation_list_add(list, &(struct store_record){
						 .key = entry->key,
						 .value = version_value(version),
						 .revision = version->revision,
						 .created = version->created,
					 });
	}
	return 0;
}

static void execute(struct front *front, struct operation *operation)
{
	struct memory *memory = memory_of(front);
	uint64_t revision;

	switch (operation->kind) {
	case OPERATION_WRITE:
		operation->result = execute_write(memory, &operation->write);
		break;
	case OPERATION_LIST:
		operation->result = execute_list(memory, &operation->list);
		break;
	case OPERATION_COMPACT:
		revision = operation->compact < memory->revision ? operation->compact
								 : memory->revision;
		if (revision > memory->history.compacted) {
			memory->history.compacted = revision;
			compact(memory, revision);
		}
		break;
	case OPERATION_STOP:
		break;
	}
}

/* `pending` is bounded by the size of the mailbox, so it is never full. */
static void submit(struct front *front, struct operation *operation)
{
	(void)mailbox_send(front->results, &operation->mail);
}

static void row_free(void *p)
{
	struct row *row = p;

	while (row->newest != NULL) {
		struct version *version = row->newest;

		row->newest = version->older;
		mem_free(version);
	}
	mem_free(row);
}

static void memory_free(struct store *store)
{
	struct memory *memory = memory_of(container_of(store, struct front, store));

	memory->front.closing = true;
	front_drain(store);
	front_deinit(&memory->front);
	map_deinit(&memory->rows, row_free);
	mem_free(memory);
}

static const struct store_ops memory_ops = {
	.name = "memory",
	.free = memory_free,
	.write = front_write,
	.list = front_list,
	.watch = front_watch,
	.compact = front_compact,
	.fd = front_fd,
	.dispatch = front_dispatch,
	.drain = front_drain,
};

int store_memory_new(struct store **ret)
{
	struct memory *memory = MEM_NEW(struct memory);
	int result = front_init(&memory->front, &memory_ops);

	if (result < 0) {
		mem_free(memory);
		return error_trace(result);
	}
	memory->front.submit = submit;
	memory->front.execute = execute;
	/* Bounded by LIMIT_STORE_PAGES. */
	map_init(&memory->rows, SIZE_MAX);
	list_init(&memory->log);
	*ret = &memory->front.store;
	return 0;
}
