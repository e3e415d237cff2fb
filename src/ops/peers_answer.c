/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every reader of a set sends the same bytes, so there is one text a serial, counted by reference.
 * A reader that is slow holds the text it began with; all texts together are bounded, and when they
 * are too many the readers of the oldest one that is no longer true are cut off.
 */
#include "ops/peers_intern.h"

#include "base/limits.h"
#include "base/mem.h"

struct answer *answer_new(struct peers *peers, struct peer_set *set, struct buffer *text)
{
	struct answer *answer = MEM_NEW(struct answer);

	answer->peers = peers;
	answer->set = set;
	answer->refs = 1;
	answer->text = buffer_take(text, &answer->n);
	list_init(&answer->readers);
	list_init(&answer->link);
	list_append(&peers->answers, &answer->link);
	peers->answer_bytes += answer->n;
	return answer;
}

struct answer *answer_ref(struct answer *answer)
{
	answer->refs++;
	return answer;
}

struct answer *answer_unref(struct answer *answer)
{
	if (answer != NULL && --answer->refs == 0) {
		answer->peers->answer_bytes -= answer->n;
		list_unlink(&answer->link);
		mem_free(answer->text);
		mem_free(answer);
	}
	return NULL;
}

/* An answer that nobody sends, kept for whoever asks next. */
static bool is_spare(const struct answer *answer)
{
	return answer->set != NULL && list_is_empty(&answer->readers) &&
	       list_is_empty(&answer->set->waiters) && list_is_empty(&answer->set->unseen);
}

static void cut_readers(struct answer *answer)
{
	struct peers *peers = answer->peers;

	answer_ref(answer);
	list_for_each (waiter, &answer->readers, struct waiter, reader) {
		peers->cut_off++;
		waiter_break(waiter);
	}
	answer_unref(answer);
}

void answers_reclaim(struct peers *peers)
{
	if (peers->answer_bytes <= LIMIT_PEERS_HELD) {
		return;
	}
	list_for_each (answer, &peers->answers, struct answer, link) {
		if (peers->answer_bytes > LIMIT_PEERS_HELD && is_spare(answer)) {
			answer->set->text_stale = true;
			answer->set->answer = answer_unref(answer->set->answer);
		}
	}
	list_for_each (old, &peers->answers, struct answer, link) {
		if (peers->answer_bytes > LIMIT_PEERS_HELD && old->set == NULL) {
			cut_readers(old);
		}
	}
}
