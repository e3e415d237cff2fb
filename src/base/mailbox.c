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
#include <stdlib.h>
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

/* ---- rings ---- */

/* Head and tail count on for ever; each has a cache line and a writer of its own. */
struct ring {
	size_t mask;
	size_t slot_size;
	uint8_t *slots;
	_Alignas(64) size_t head; /* the writer's */
	_Alignas(64) size_t tail; /* the reader's */
};

struct ring *ring_new(size_t slots, size_t slot_size)
{
	struct ring *ring = aligned_alloc(64, sizeof(struct ring));

	assert(ring != NULL && (slots & (slots - 1)) == 0);
	*ring = (struct ring){
		.mask = slots - 1,
		.slot_size = slot_size,
		.slots = mem_alloc_array(slots, slot_size),
	};
	return ring;
}

struct ring *ring_free(struct ring *ring)
{
	if (ring != NULL) {
		mem_free(ring->slots);
		free(ring);
	}
	return NULL;
}

size_t ring_room(const struct ring *ring)
{
	size_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	return ring->mask + 1 - (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE));
}

void *ring_begin(struct ring *ring)
{
	size_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) > ring->mask) {
		return NULL;
	}
	return ring->slots + (head & ring->mask) * ring->slot_size;
}

void ring_commit(struct ring *ring)
{
	size_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

const void *ring_peek(const struct ring *ring)
{
	size_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);

	if (__atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) == tail) {
		return NULL;
	}
	return ring->slots + (tail & ring->mask) * ring->slot_size;
}

void ring_drop(struct ring *ring)
{
	size_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);

	__atomic_store_n(&ring->tail, tail + 1, __ATOMIC_RELEASE);
}

/*
 * The reader says that it sleeps and then looks at the rings; a writer commits and then looks
 * whether the reader sleeps. In this order (sequentially consistent) one of them sees the other.
 */
struct bell {
	int fd;
	bool asleep;
};

int bell_new(struct bell **ret)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0) {
		return error_origin(-errno);
	}
	*ret = MEM_NEW(struct bell);
	(*ret)->fd = fd;
	return 0;
}

struct bell *bell_free(struct bell *bell)
{
	if (bell != NULL) {
		close(bell->fd);
		mem_free(bell);
	}
	return NULL;
}

void bell_ring(struct bell *bell)
{
	static const uint64_t one = 1;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&bell->asleep, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&bell->asleep, false, __ATOMIC_SEQ_CST)) {
		(void)!write(bell->fd, &one, sizeof(one));
	}
}

void bell_sleep(struct bell *bell)
{
	__atomic_store_n(&bell->asleep, true, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void bell_wake(struct bell *bell)
{
	uint64_t ignored;

	__atomic_store_n(&bell->asleep, false, __ATOMIC_SEQ_CST);
	(void)!read(bell->fd, &ignored, sizeof(ignored));
}

int bell_fd(const struct bell *bell)
{
	return bell->fd;
}
