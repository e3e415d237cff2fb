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
