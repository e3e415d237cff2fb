/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short critical section around a linked queue; the eventfd is written when the queue stops being
 * empty and read when it is emptied, so a burst costs one wake-up.
 */
#include "base/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first;
	struct mail **last;
	size_t n;
	size_t max;
	int fd;
};

int mailbox_new(size_t max, struct mailbox **ret)
{
	struct mailbox *mailbox;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0) {
		return error_origin(-errno);
	}
	mailbox = MEM_NEW(struct mailbox);
	pthread_mutex_init(&mailbox->lock, NULL);
	mailbox->last = &mailbox->first;
	mailbox->max = max;
	mailbox->fd = fd;
	*ret = mailbox;
	return 0;
}

struct mailbox *mailbox_free(struct mailbox *mailbox)
{
	if (mailbox != NULL) {
		close(mailbox->fd);
		pthread_mutex_destroy(&mailbox->lock);
		mem_free(mailbox);
	}
	return NULL;
}

int mailbox_send(struct mailbox *mailbox, struct mail *mail)
{
	static const uint64_t one = 1;
	bool was_empty;

	pthread_mutex_lock(&mailbox->lock);
	if (mailbox->n == mailbox->max) {
		pthread_mutex_unlock(&mailbox->lock);
		return MAILBOX_FULL;
	}
	was_empty = mailbox->n == 0;
	mail->next = NULL;
	*mailbox->last = mail;
	mailbox->last = &mail->next;
	mailbox->n++;
	if (was_empty) {
		/* Inside the lock: the receiver must not clear the descriptor before it is set. */
		ssize_t written = write(mailbox->fd, &one, sizeof(one));

		assert(written == (ssize_t)sizeof(one));
		(void)written;
	}
	pthread_mutex_unlock(&mailbox->lock);
	return 0;
}

struct mail *mailbox_receive(struct mailbox *mailbox)
{
	struct mail *mail;
	uint64_t count;

	pthread_mutex_lock(&mailbox->lock);
	mail = mailbox->first;
	if (mail != NULL) {
		mailbox->first = NULL;
		mailbox->last = &mailbox->first;
		mailbox->n = 0;
		(void)!read(mailbox->fd, &count, sizeof(count));
	}
	pthread_mutex_unlock(&mailbox->lock);
	return mail;
}

struct mail *mailbox_wait(struct mailbox *mailbox)
{
	for (;;) {
		struct pollfd waiting = { .fd = mailbox->fd, .events = POLLIN };
		struct mail *mail = mailbox_receive(mailbox);

		if (mail != NULL) {
			return mail;
		}
		(void)poll(&waiting, 1, -1);
	}
}

int mailbox_fd(const struct mailbox *mailbox)
{
	return mailbox->fd;
}
