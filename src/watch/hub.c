/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hub is the sum of the store's events: `items` is what their application gives, `ring` the
 * last of them. Loading lists at one revision, page by page, and then applies what came meanwhile,
 * so the two meet without a gap.
 *
 * An item is one allocation: head, key and text. It is shared by the map, the ring and readers.
 */
#include "watch/hub_intern.h"

#include <assert.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store.h"

enum {
	PAGE = 1024, /* records listed at once while loading */
	KEEP_TEXT = 64 * 1024, /* a larger buffer is not kept between two items */
};

struct item {
	struct hub_item item;
	uint32_t references;
	void (*release_extra)(void *extra);
	char bytes[];
};

/* An event that came while loading, copied. */
struct early {
	struct list list;
	struct store_event event;
	char bytes[];
};

/* One page of the load. */
struct page {
	struct hub *hub;
	int result;
	uint64_t revision;
	bool more;
	char *last;
	size_t last_n;
};

struct hub_item *hub_item_ref(struct hub_item *item)
{
	container_of(item, struct item, item)->references++;
	return item;
}

struct hub_item *hub_item_unref(struct hub_item *item)
{
	struct item *whole;

	if (item == NULL) {
		return NULL;
	}
	whole = container_of(item, struct item, item);
	if (--whole->references == 0) {
		if (item->extra != NULL && whole->release_extra != NULL) {
			whole->release_extra(item->extra);
		}
		mem_free(whole);
	}
	return NULL;
}

static struct hub_item *item_new(struct hub *hub, struct str key, struct str value,
				 uint64_t revision, uint64_t created)
{
	struct buffer *text = &hub->text;
	struct item *whole;
	void *extra = NULL;

	hub->ops->describe(hub->userdata, key, value, revision, text, &extra);
	assert(!text->overflowed);
	whole = mem_alloc(sizeof(*whole) + key.n + text->n + 1);
	memcpy(whole->bytes, key.p, key.n);
	if (text->n != 0) {
		memcpy(whole->bytes + key.n, text->p, text->n);
	}
	whole->references = 1;
	whole->release_extra = hub->ops->release_extra;
	whole->item = (struct hub_item){
		.key = { .p = whole->bytes, .n = key.n },
		.text = { .p = whole->bytes + key.n, .n = text->n },
		.revision = revision,
		.created = created,
		.extra = extra,
	};
	buffer_clear(text);
	if (text->size > KEEP_TEXT) {
		buffer_deinit(text);
	}
	return &whole->item;
}

static void apply(struct hub *hub, const struct store_event *change)
{
	struct hub_event event = { .revision = change->revision };
	uint64_t place = hub->ring.next;

	if (change->revision <= hub->revision) {
		/* The load has seen it. */
		return;
	}
	if (change->value.p != NULL) {
		event.item = item_new(hub, change->key, change->value, change->revision,
				      change->created);
		/* The map's reference of the old item goes to the event. */
		event.previous = map_put(&hub->items, change->key, hub_item_ref(event.item));
		event.type = event.previous != NULL ? HUB_MODIFIED : HUB_ADDED;
	} else {
		event.previous = map_remove(&hub->items, change->key);
		assert(event.previous != NULL);
		event.item =
			item_new(hub, change->key, change->old, change->revision, change->created);
		event.type = HUB_DELETED;
	}
	ring_push(&hub->ring, event);
	hub->revision = change->revision;
	hub_wake(hub, place);
}

static struct str copy_str(char **place, struct str s)
{
	char *p = *place;

	if (s.p == NULL) {
		return STR_NONE;
	}
	memcpy(p, s.p, s.n);
	*place += s.n;
	return (struct str){ .p = p, .n = s.n };
}

static void changed(void *userdata, const struct store_event *event)
{
	struct hub *hub = userdata;

	if (hub->loading) {
		struct early *early = mem_alloc(sizeof(*early) + event->key.n + event->value.n +
						event->old.n + 1);
		char *place = early->bytes;

		early->event = *event;
		early->event.key = copy_str(&place, event->key);
		early->event.value = copy_str(&place, event->value);
		early->event.old = copy_str(&place, event->old);
		list_append(&hub->early, &early->list);
		return;
	}
	apply(hub, event);
}

static void page_listed(void *userdata, int result, const struct store_record *records, size_t n,
			uint64_t revision, bool more, uint64_t remaining)
{
	struct page *page = userdata;
	struct hub *hub = page->hub;

	page->result = result;
	page->revision = revision;
	page->more = more;
	for (size_t i = 0; i < n; i++) {
		const struct store_record *record = &records[i];
		struct hub_item *item = item_new(hub, record->key, record->value, record->revision,
						 record->created);

		hub_item_unref(map_put(&hub->items, record->key, item));
	}
	if (n != 0) {
		page->last = mem_copy(records[n - 1].key.p, records[n - 1].key.n);
		page->last_n = records[n - 1].key.n;
	}
}

static void release_item(void *item)
{
	hub_item_unref(item);
}

/* Returns 0, STORE_COMPACTED when writers outran us, or a negative errno. */
static int load_pages(struct hub *hub)
{
	_cleanup_free_ char *after = NULL;
	struct page page = { .hub = hub, .more = true };
	struct store_list list = { .limit = PAGE, .uncounted = true };

	while (page.more) {
		list.revision = page.revision;
		list.after = (struct str){ .p = after, .n = page.last_n };
		while (store_list(hub->store, &list, page_listed, &page) == STORE_BUSY) {
			store_drain(hub->store);
		}
		store_drain(hub->store);
		if (page.result != 0) {
			mem_free(page.last);
			return page.result;
		}
		mem_free(after);
		after = take(page.last);
	}
	hub->revision = page.revision;
	return 0;
}

static int load(struct hub *hub)
{
	int result;

	hub->loading = true;
	while ((result = load_pages(hub)) == STORE_COMPACTED) {
		map_deinit(&hub->items, release_item);
	}
	hub->loading = false;
	if (result < 0) {
		return error_trace(result);
	}
	ring_init(&hub->ring, hub->revision);
	list_for_each (early, &hub->early, struct early, list) {
		apply(hub, &early->event);
	}
	return 0;
}

int hub_new(struct store *store, const struct hub_ops *ops, void *userdata, struct hub **ret)
{
	struct hub *hub = MEM_NEW(struct hub);
	int result;

	hub->store = store;
	hub->ops = ops;
	hub->userdata = userdata;
	/* What the store can hold bounds this. */
	map_init(&hub->items, SIZE_MAX);
	buffer_init(&hub->text, LIMIT_RESPONSE);
	list_init(&hub->early);
	hub_watchers_init(hub);
	store_watch(store, changed, hub);
	result = load(hub);
	list_for_each (early, &hub->early, struct early, list) {
		list_unlink(&early->list);
		mem_free(early);
	}
	if (result < 0) {
		hub_free(hub);
		log_error("watch", "cannot read the store: %s", strerror(-result));
		return error_trace(result);
	}
	*ret = hub;
	return 0;
}

struct hub *hub_free(struct hub *hub)
{
	if (hub != NULL) {
		store_watch(hub->store, NULL, NULL);
		hub_watchers_deinit(hub);
		ring_deinit(&hub->ring);
		map_deinit(&hub->items, release_item);
		buffer_deinit(&hub->text);
		mem_free(hub);
	}
	return NULL;
}

uint64_t hub_revision(const struct hub *hub)
{
	return hub->revision;
}

struct hub_item *hub_get(const struct hub *hub, struct str key)
{
	return map_get(&hub->items, key);
}

struct hub_item *hub_next(const struct hub *hub, struct str prefix, struct str after)
{
	const struct map_entry *entry = str_cmp(after, prefix) < 0 || after.n == 0
						? map_from(&hub->items, prefix)
						: map_after(&hub->items, after);

	return entry != NULL && str_starts(entry->key, prefix) ? entry->value : NULL;
}

size_t hub_count(const struct hub *hub, struct str prefix)
{
	return map_count(&hub->items, prefix);
}
