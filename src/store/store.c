/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

struct store *store_free(struct store *store)
{
	if (store != NULL) {
		store->ops->free(store);
	}
	return NULL;
}

int store_write(struct store *store, const struct store_write *write, store_done_fn done,
		void *userdata)
{
	return store->ops->write(store, write, done, userdata);
}

int store_list(struct store *store, const struct store_list *list, store_listed_fn listed,
	       void *userdata)
{
	return store->ops->list(store, list, listed, userdata);
}

void store_watch(struct store *store, store_event_fn changed, void *userdata)
{
	store->ops->watch(store, changed, userdata);
}

int store_compact(struct store *store, uint64_t revision)
{
	return store->ops->compact(store, revision);
}

int store_fd(const struct store *store)
{
	return store->ops->fd(store);
}

void store_dispatch(struct store *store)
{
	store->ops->dispatch(store);
}

void store_drain(struct store *store)
{
	store->ops->drain(store);
}
