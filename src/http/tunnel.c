/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A joined pair reads a block from one end and writes it to the other at once; only what was not
 * taken is kept, and until that has gone nothing more is read. So an idle pair holds no buffer, and
 * a busy one a block for each direction.
 *
 * An end that has no halves (TLS) and ends has ended altogether. Then what is still to be written
 * to the other one is written, and its answers are heard (and dropped) for a moment: closing a
 * socket with unread bytes would reset it, and the last bytes, an exit status perhaps, be lost.
 */
#include "http/tunnel.h"

#include <assert.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "loop/loop.h"

enum {
	BLOCK = 32 * 1024,
	ROUNDS = 8, /* blocks moved before others have their turn */
	LINGER_SECONDS = 2,
};
#define NS UINT64_C(1000000000)

int64_t tunnel_read(struct tunnel *tunnel, char *out, size_t size)
{
	return tunnel->ops->read(tunnel, out, size);
}

int64_t tunnel_write(struct tunnel *tunnel, const char *bytes, size_t n)
{
	return tunnel->ops->write(tunnel, bytes, n);
}

int64_t tunnel_finish(struct tunnel *tunnel)
{
	return tunnel->ops->finish(tunnel);
}

void tunnel_want(struct tunnel *tunnel, unsigned events,
		 void (*ready)(void *userdata, unsigned events), void *userdata)
{
	tunnel->ready = ready;
	tunnel->userdata = userdata;
	tunnel->ops->want(tunnel, events);
}

struct tunnel *tunnel_free(struct tunnel *tunnel)
{
	if (tunnel != NULL) {
		tunnel->ops->free(tunnel);
	}
	return NULL;
}

/* ---- pairs ---- */

/* One end, and what is on its way to it. */
struct side {
	struct tunnel_pair *pair;
	struct tunnel *tunnel;
	struct buffer pending; /* to be written to it */
	bool ended; /* it sends no more */
	bool closing; /* nothing more will be written to it */
	bool finished; /* and it knows */
};

struct tunnel_pair {
	struct side sides[2];
	struct loop_timer *linger;
	void (*ended)(void *userdata);
	void *userdata;
	bool lingering;
};

static struct side *other(struct side *side)
{
	struct side *sides = side->pair->sides;

	return side == &sides[0] ? &sides[1] : &sides[0];
}

struct tunnel_pair *tunnel_pair_free(struct tunnel_pair *pair)
{
	if (pair == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < 2; i++) {
		tunnel_free(pair->sides[i].tunnel);
		buffer_deinit(&pair->sides[i].pending);
	}
	loop_timer_free(pair->linger);
	return mem_free(pair);
}

static void end(struct tunnel_pair *pair)
{
	void (*ended)(void *userdata) = pair->ended;
	void *userdata = pair->userdata;

	tunnel_pair_free(pair);
	if (ended != NULL) {
		ended(userdata);
	}
}

static void linger_over(void *userdata)
{
	end(userdata);
}

/* Writes what waits for `side`. False: the pair is broken. */
static bool flush(struct side *side)
{
	while (side->pending.n != 0) {
		int64_t n = tunnel_write(side->tunnel, side->pending.p, side->pending.n);

		if (n == TUNNEL_BROKEN) {
			return false;
		}
		if (n == TUNNEL_WAIT) {
			return true;
		}
		buffer_consume(&side->pending, (size_t)n);
	}
	buffer_deinit(&side->pending);
	if (side->closing && !side->finished) {
		int64_t n = tunnel_finish(side->tunnel);

		side->finished = n == TUNNEL_END;
		return n != TUNNEL_BROKEN;
	}
	return true;
}

/* It will send no more: the other one is told when all the rest is there. */
static void side_ended(struct side *side)
{
	struct side *to = other(side);

	side->ended = true;
	to->closing = true;
	if (!side->tunnel->ops->has_halves) {
		/* Nobody is there any more to write to. */
		side->closing = side->finished = true;
		buffer_deinit(&side->pending);
	}
}

/* Moves what `from` has to the other side. False: the pair is broken. */
static bool move(struct side *from)
{
	struct side *to = other(from);
	char block[BLOCK];

	if (!flush(to)) {
		return false;
	}
	for (int round = 0; round < ROUNDS && !from->ended && to->pending.n == 0; round++) {
		int64_t n = tunnel_read(from->tunnel, block, sizeof(block));
		int64_t taken = 0;

		if (n == TUNNEL_WAIT) {
			break;
		}
		if (n == TUNNEL_BROKEN) {
			return false;
		}
		if (n == TUNNEL_END) {
			side_ended(from);
			break;
		}
		if (!to->closing) {
			taken = tunnel_write(to->tunnel, block, (size_t)n);
			if (taken == TUNNEL_BROKEN) {
				return false;
			}
			buffer_append(&to->pending, block + taken, (size_t)(n - taken));
		}
	}
	return flush(to);
}

static void side_ready(void *userdata, unsigned events);

static void want(struct side *side)
{
	const struct side *to = other(side);
	unsigned events = 0;

	events |= !side->ended && to->pending.n == 0 ? (unsigned)LOOP_READ : 0;
	events |= side->pending.n != 0 || (side->closing && !side->finished) ? (unsigned)LOOP_WRITE
									     : 0;
	tunnel_want(side->tunnel, events, side_ready, side);
}

/* One side has gone altogether and the other has all that it is going to get. */
static bool is_lingering(const struct tunnel_pair *pair)
{
	const struct side *a = &pair->sides[0];
	const struct side *b = &pair->sides[1];

	return a->finished && b->finished && (a->ended || b->ended);
}

static void advance(struct tunnel_pair *pair)
{
	struct side *a = &pair->sides[0];
	struct side *b = &pair->sides[1];

	if (!move(a) || !move(b) || (a->ended && b->ended && a->finished && b->finished)) {
		end(pair);
		return;
	}
	if (is_lingering(pair) && !pair->lingering) {
		pair->lingering = true;
		loop_timer_set(pair->linger, LINGER_SECONDS * NS);
	}
	want(a);
	want(b);
}

static void side_ready(void *userdata, unsigned events)
{
	struct side *side = userdata;

	advance(side->pair);
}

struct tunnel_pair *tunnel_join(struct loop *loop, struct tunnel *a, struct tunnel *b,
				void (*ended)(void *userdata), void *userdata)
{
	struct tunnel_pair *pair = MEM_NEW(struct tunnel_pair);
	struct tunnel *tunnels[] = { a, b };

	pair->ended = ended;
	pair->userdata = userdata;
	pair->linger = loop_timer_new(loop, linger_over, pair);
	for (size_t i = 0; i < 2; i++) {
		pair->sides[i].pair = pair;
		pair->sides[i].tunnel = tunnels[i];
		buffer_init(&pair->sides[i].pending, BLOCK);
	}
	/* The first move is made from the loop, too, so that `ended` comes after this returns. */
	tunnel_want(a, LOOP_READ | LOOP_WRITE, side_ready, &pair->sides[0]);
	tunnel_want(b, LOOP_READ, side_ready, &pair->sides[1]);
	return pair;
}
