/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operation is one allocation that travels: control thread → back-end → control thread, its key
 * and value inside it. `pending` bounds how many travel, so neither mailbox can be full.
 *
 * Delivery takes from `ready`, which belongs to the store and not to the call, so that a callback
 * may drain the store and still everything is delivered once and in order.
 */
#include "store/front_intern.h"

#include <assert.h>
#include <errno.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

static struct front *front_of(struct store *store)
{
	return container_of(store, struct front, store);
}

int front_init(struct front *front, const struct store_ops *ops)
{
	int result = mailbox_new(LIMIT_STORE_QUEUE, &front->results);

	if (result < 0) {
		return error_trace(result);
	}
	front->store.ops = ops;
	front->ready_last = &front->ready;
	return 0;
}

void front_deinit(struct front *front)
{
	assert(front->pending == 0 && front->ready == NULL);
	front->results = mailbox_free(front->results);
}

/* An operation with two texts inside it; NULL when too much waits already. */
static struct operation *admit(struct front *front, struct str first, struct str second,
			       struct str *ret_first, struct str *ret_second)
{
	size_t bytes = first.n + second.n;
	struct operation *operation;

	if (front->closing || front->pending == LIMIT_STORE_QUEUE ||
	    (front->pending != 0 && front->pending_bytes + bytes > LIMIT_STORE_QUEUE_BYTES)) {
		return NULL;
	}
	operation = mem_alloc(sizeof(*operation) + bytes + 1);
	if (first.n != 0) {
		memcpy(operation->text, first.p, first.n);
	}
	if (second.n != 0) {
		memcpy(operation->text + first.n, second.p, second.n);
	}
	*ret_first = (struct str){ .p = operation->text, .n = first.n };
	/* An empty value is still a value: only a missing one has no pointer. */
	*ret_second = second.p != NULL
			      ? (struct str){ .p = operation->text + first.n, .n = second.n }
			      : STR_NONE;
	operation->bytes = bytes;
	front->pending++;
	front->pending_bytes += bytes;
	return operation;
}

int front_write(struct store *store, const struct store_write *write, store_done_fn done,
		void *userdata)
{
	struct front *front = front_of(store);
	struct operation *operation;
	struct str key;
	struct str value;

	assert(write->key.n <= LIMIT_STORE_KEY);
	operation = admit(front, write->key, write->value, &key, &value);
	if (operation == NULL) {
		return STORE_BUSY;
	}
	operation->kind = OPERATION_WRITE;
	operation->userdata = userdata;
	operation->write = (struct operation_write){
		.done = done,
		.key = key,
		.value = value,
		.expected = write->expected,
	};
	front->submit(front, operation);
	return 0;
}

int front_list(struct store *store, const struct store_list *list, store_listed_fn listed,
	       void *userdata)
{
	struct front *front = front_of(store);
	struct str prefix;
	struct str after;
	struct operation *operation = admit(front, list->prefix, list->after, &prefix, &after);

	if (operation == NULL) {
		return STORE_BUSY;
	}
	operation->kind = OPERATION_LIST;
	operation->userdata = userdata;
	operation->list = (struct operation_list){
		.listed = listed,
		.prefix = prefix,
		.after = after,
		.revision = list->revision,
		.limit = list->limit,
		.uncounted = list->uncounted,
	};
	front->submit(front, operation);
	return 0;
}

void front_watch(struct store *store, store_event_fn changed, void *userdata)
{
	struct front *front = front_of(store);

	front->changed = changed;
	front->userdata = userdata;
}

int front_compact(struct store *store, uint64_t revision)
{
	struct front *front = front_of(store);
	struct str none;
	struct operation *operation = admit(front, STR_NONE, STR_NONE, &none, &none);

	if (operation == NULL) {
		return STORE_BUSY;
	}
	operation->kind = OPERATION_COMPACT;
	operation->compact = revision;
	front->submit(front, operation);
	return 0;
}

int front_fd(const struct store *store)
{
	return mailbox_fd(container_of(store, const struct front, store)->results);
}

static void deliver_write(struct front *front, struct operation *operation)
{
	struct operation_write *write = &operation->write;

	if (operation->result == 0 && front->changed != NULL) {
		front->changed(front->userdata, &write->event);
	}
	if (write->done != NULL) {
		write->done(operation->userdata, operation->result, &write->event);
	}
}

static void deliver(struct front *front, struct operation *operation)
{
	struct operation_list *list = &operation->list;

	if (front->execute != NULL) {
		front->execute(front, operation);
	}
	/* Before the callback, which may hand in the next operation. */
	front->pending--;
	front->pending_bytes -= operation->bytes;
	switch (operation->kind) {
	case OPERATION_WRITE:
		deliver_write(front, operation);
		break;
	case OPERATION_LIST:
		list->listed(operation->userdata, operation->result, list->records, list->n,
			     list->revision, list->more, list->remaining);
		break;
	case OPERATION_COMPACT:
	case OPERATION_STOP:
		break;
	}
	operation_free(operation);
}

/* Delivers `mail` behind what was received before. */
static void deliver_all(struct front *front, struct mail *mail)
{
	*front->ready_last = mail;
	while (*front->ready_last != NULL) {
		front->ready_last = &(*front->ready_last)->next;
	}
	while (front->ready != NULL) {
		struct operation *operation = container_of(front->ready, struct operation, mail);

		front->ready = operation->mail.next;
		if (front->ready == NULL) {
			front->ready_last = &front->ready;
		}
		deliver(front, operation);
	}
}

void front_dispatch(struct store *store)
{
	struct front *front = front_of(store);

	deliver_all(front, mailbox_receive(front->results));
}

void front_drain(struct store *store)
{
	struct front *front = front_of(store);

	deliver_all(front, NULL);
	while (front->pending != 0) {
		deliver_all(front, mailbox_wait(front->results));
	}
}

struct operation *operation_free(struct operation *operation)
{
	if (operation->kind == OPERATION_WRITE) {
		mem_free(operation->write.found);
	} else if (operation->kind == OPERATION_LIST) {
		for (size_t i = 0; i < operation->list.n; i++) {
			/* Key and value are one allocation. */
			mem_free((char *)(uintptr_t)operation->list.records[i].key.p);
		}
		mem_free(operation->list.records);
	}
	return mem_free(operation);
}

char *operation_list_start(const struct operation_list *list, size_t *ret_n)
{
	char *start;

	if (str_cmp(list->after, list->prefix) < 0) {
		*ret_n = list->prefix.n;
		return mem_copy(list->prefix.p, list->prefix.n);
	}
	if (list->after.n == 0) {
		*ret_n = 0;
		return mem_alloc(1);
	}
	/* The smallest key behind `after` is `after` with a NUL. */
	start = mem_alloc(list->after.n + 1);
	memcpy(start, list->after.p, list->after.n);
	*ret_n = list->after.n + 1;
	return start;
}

bool operation_list_full(const struct operation_list *list)
{
	return list->n != 0 && ((list->limit != 0 && list->n >= list->limit) ||
				list->bytes >= LIMIT_STORE_LIST_BYTES);
}

bool operation_list_cut(struct operation_list *list)
{
	list->more = true;
	if (list->uncounted) {
		return false;
	}
	list->remaining++;
	return true;
}

void operation_list_add(struct operation_list *list, const struct store_record *record)
{
	char *bytes = mem_alloc(record->key.n + record->value.n + 1);
	struct store_record *copy;

	if (list->n == list->size) {
		list->size = list->size != 0 ? list->size * 2 : 16;
		list->records = mem_resize(list->records, list->size * sizeof(list->records[0]));
	}
	memcpy(bytes, record->key.p, record->key.n);
	if (record->value.n != 0) {
		memcpy(bytes + record->key.n, record->value.p, record->value.n);
	}
	copy = &list->records[list->n++];
	*copy = *record;
	copy->key.p = bytes;
	copy->value.p = bytes + record->key.n;
	list->bytes += record->key.n + record->value.n;
}
