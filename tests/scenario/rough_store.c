/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One queue of operations in the order in which they came. An operation reaches the store behind
 * only when it is released, and is then carried out to its end, so whatever waits here has not
 * happened.
 */
#include "rough_store.h"

#include <errno.h>
#include <stdbool.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store.h"

enum what { WHAT_WRITE, WHAT_LIST, WHAT_COMPACT };

struct waiting {
	struct list link;
	enum what what;
	struct store_write write;
	store_done_fn done;
	struct store_list list;
	store_listed_fn listed;
	uint64_t compact;
	void *userdata;
	char text[];
};

struct rough {
	struct store store;
	struct store *inner;
	struct list queue;
	size_t n;
	bool dead;
	struct random_state *random;
	unsigned busy;
	unsigned failed;
	store_event_fn changed;
	void *userdata;
};

static struct rough *of(struct store *store)
{
	return container_of(store, struct rough, store);
}

static bool strikes(struct rough *rough, unsigned per_mille)
{
	return rough->random != NULL && per_mille != 0 &&
	       random_below(rough->random, 1000) < per_mille;
}

/* With two texts inside it; NULL when nothing is accepted. */
static struct waiting *admit(struct rough *rough, enum what what, struct str *first,
			     struct str *second)
{
	struct waiting *waiting;

	if (rough->dead || rough->n == LIMIT_STORE_QUEUE) {
		return NULL;
	}
	waiting = mem_alloc(sizeof(*waiting) + first->n + second->n + 1);
	waiting->what = what;
	if (first->n != 0) {
		memcpy(waiting->text, first->p, first->n);
	}
	if (second->n != 0) {
		memcpy(waiting->text + first->n, second->p, second->n);
	}
	first->p = waiting->text;
	/* An empty value is still a value: only a missing one has no pointer. */
	second->p = second->p != NULL ? waiting->text + first->n : NULL;
	list_init(&waiting->link);
	list_append(&rough->queue, &waiting->link);
	rough->n++;
	return waiting;
}

static int rough_write(struct store *store, const struct store_write *write, store_done_fn done,
		       void *userdata)
{
	struct rough *rough = of(store);
	struct store_write copy = *write;
	struct waiting *waiting;

	if (strikes(rough, rough->busy)) {
		return STORE_BUSY;
	}
	waiting = admit(rough, WHAT_WRITE, &copy.key, &copy.value);
	if (waiting == NULL) {
		return STORE_BUSY;
	}
	waiting->write = copy;
	waiting->done = done;
	waiting->userdata = userdata;
	return 0;
}

static int rough_list(struct store *store, const struct store_list *list, store_listed_fn listed,
		      void *userdata)
{
	struct store_list copy = *list;
	struct waiting *waiting = admit(of(store), WHAT_LIST, &copy.prefix, &copy.after);

	if (waiting == NULL) {
		return STORE_BUSY;
	}
	waiting->list = copy;
	waiting->listed = listed;
	waiting->userdata = userdata;
	return 0;
}

static int rough_compact(struct store *store, uint64_t revision)
{
	struct str none = STR_NONE;
	struct waiting *waiting = admit(of(store), WHAT_COMPACT, &none, &none);

	if (waiting == NULL) {
		return STORE_BUSY;
	}
	waiting->compact = revision;
	return 0;
}

static void changed(void *userdata, const struct store_event *event)
{
	struct rough *rough = userdata;

	if (rough->changed != NULL && !rough->dead) {
		rough->changed(rough->userdata, event);
	}
}

static void rough_watch(struct store *store, store_event_fn changed_, void *userdata)
{
	struct rough *rough = of(store);

	rough->changed = changed_;
	rough->userdata = userdata;
}

static struct waiting *take_first(struct rough *rough)
{
	struct waiting *waiting = list_entry(rough->queue.next, struct waiting, link);

	list_unlink(&waiting->link);
	rough->n--;
	return waiting;
}

static void fail(struct waiting *waiting)
{
	const struct store_event event = { .key = waiting->write.key };

	if (waiting->what == WHAT_WRITE && waiting->done != NULL) {
		waiting->done(waiting->userdata, -EIO, &event);
	} else if (waiting->what == WHAT_LIST) {
		waiting->listed(waiting->userdata, -EIO, NULL, 0, 0, false, 0);
	}
	mem_free(waiting);
}

static void carry_out(struct rough *rough, struct waiting *waiting)
{
	switch (waiting->what) {
	case WHAT_WRITE:
		if (strikes(rough, rough->failed)) {
			fail(waiting);
			return;
		}
		log_debug("store", "%.*s %.*s", STR_ARG(waiting->write.key),
			  STR_ARG(waiting->write.value));
		store_write(rough->inner, &waiting->write, waiting->done, waiting->userdata);
		break;
	case WHAT_LIST:
		store_list(rough->inner, &waiting->list, waiting->listed, waiting->userdata);
		break;
	case WHAT_COMPACT:
		store_compact(rough->inner, waiting->compact);
		break;
	}
	store_drain(rough->inner);
	mem_free(waiting);
}

size_t rough_store_waiting(const struct store *store)
{
	return container_of(store, const struct rough, store)->n;
}

size_t rough_store_release(struct store *store, size_t n)
{
	struct rough *rough = of(store);
	size_t done = 0;

	for (; done < n && rough->n != 0; done++) {
		carry_out(rough, take_first(rough));
	}
	return done;
}

void rough_store_faults(struct store *store, struct random_state *random, unsigned busy,
			unsigned failed)
{
	struct rough *rough = of(store);

	rough->random = random;
	rough->busy = busy;
	rough->failed = failed;
}

void rough_store_crash(struct store *store, size_t kept)
{
	struct rough *rough = of(store);
	struct list *next = rough->queue.next;

	rough->dead = true;
	for (; kept > 0 && next != &rough->queue; kept--, next = next->next) {
		struct waiting *waiting = list_entry(next, struct waiting, link);

		if (waiting->what == WHAT_WRITE) {
			store_write(rough->inner, &waiting->write, NULL, NULL);
		}
	}
	store_drain(rough->inner);
	while (rough->n != 0) {
		fail(take_first(rough));
	}
}

void rough_store_revive(struct store *store)
{
	of(store)->dead = false;
}

static int rough_fd(const struct store *store)
{
	return store_fd(container_of(store, const struct rough, store)->inner);
}

static void rough_dispatch(struct store *store)
{
	rough_store_release(store, SIZE_MAX);
}

static void rough_free(struct store *store)
{
	struct rough *rough = of(store);

	rough_dispatch(store);
	store_free(rough->inner);
	mem_free(rough);
}

static const struct store_ops rough_ops = {
	.name = "rough",
	.free = rough_free,
	.write = rough_write,
	.list = rough_list,
	.watch = rough_watch,
	.compact = rough_compact,
	.fd = rough_fd,
	.dispatch = rough_dispatch,
	.drain = rough_dispatch,
};

struct store *rough_store_new(struct store *inner)
{
	struct rough *rough = MEM_NEW(struct rough);

	rough->store.ops = &rough_ops;
	rough->inner = inner;
	list_init(&rough->queue);
	store_watch(inner, changed, rough);
	return &rough->store;
}
