/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A mailbox: one of the two places where threads meet. Any thread sends, one thread receives. A
 * message is a struct with an embedded `struct mail`; ownership goes with it. Order of one sender
 * is kept. The receiver waits on mailbox_fd() (an eventfd, level-triggered: readable while mail
 * waits).
 */

#include <stddef.h>

struct mailbox;

struct mail {
	struct mail *next;
};

enum { MAILBOX_FULL = 1 };

/* Holds at most `max` messages. Returns 0 or a negative errno (no descriptor left). */
int mailbox_new(size_t max, struct mailbox **ret);

/* Messages still inside are dropped: the owner drains it first. NULL is fine; returns NULL. */
struct mailbox *mailbox_free(struct mailbox *mailbox);

/* Any thread. Returns 0, or MAILBOX_FULL (the caller keeps the message). Never blocks. */
int mailbox_send(struct mailbox *mailbox, struct mail *mail);

/* Receiver only: everything that waits, oldest first, linked by `next`; NULL when empty. */
struct mail *mailbox_receive(struct mailbox *mailbox);

/* Receiver only: waits until mail is there, then the same as mailbox_receive. */
struct mail *mailbox_wait(struct mailbox *mailbox);

int mailbox_fd(const struct mailbox *mailbox);

/*
 * A ring of slots of one size, for records that are copied and may be lost: one thread writes, one
 * reads, no lock, no allocation. The reader is woken through a bell, which many rings may share: a
 * write rings it only when the reader has gone to sleep.
 */
struct ring;
struct bell;

/* `slots` is a power of two. */
struct ring *ring_new(size_t slots, size_t slot_size);
struct ring *ring_free(struct ring *ring); /* NULL is fine; returns NULL */

/* Writer: how many slots can be filled now, at least. */
size_t ring_room(const struct ring *ring);
/* Writer: the next slot to fill, or NULL when the reader is too far behind. */
void *ring_begin(struct ring *ring);
/* Writer: what ring_begin() gave is filled. */
void ring_commit(struct ring *ring);
/* Reader: the oldest record, or NULL. It is good until ring_drop(). */
const void *ring_peek(const struct ring *ring);
void ring_drop(struct ring *ring);

int bell_new(struct bell **ret); /* 0 or a negative errno */
struct bell *bell_free(struct bell *bell); /* NULL is fine; returns NULL */
/* Any thread, after a commit. Never blocks. */
void bell_ring(struct bell *bell);
/*
 * Reader: it is about to sleep. It looks at its rings once more, and if they are empty waits until
 * bell_fd() is readable. Then it is awake again: bell_wake().
 */
void bell_sleep(struct bell *bell);
void bell_wake(struct bell *bell);
int bell_fd(const struct bell *bell);
