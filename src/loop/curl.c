/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl says which descriptors and which moment it waits for; the loop tells it when they are
 * there. Its callbacks only note what has come and put the transfer on the list `dirty`; settle(),
 * which runs when libcurl has returned, hands that on. A transfer whose buffer is full is paused
 * until then, so what waits between the socket and its reader is at most LIMIT_TRANSFER_PENDING.
 */
#include "loop/curl.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "loop/loop.h"

struct transfer_loop {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct list all;
	struct list dirty;
	struct transfer *current; /* whose calls are being made */
	void (*answered)(void *userdata, int status);
	void *userdata;
};

struct transfer {
	struct transfer_loop *transfers;
	struct list link;
	struct list dirty;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	const struct transfer_ops *ops;
	void *userdata;
	struct buffer body;
	struct buffer pending;
	char error[CURL_ERROR_SIZE];
	long status;
	bool head_due;
	bool paused;
	bool finished;
	bool cancelled; /* while it was `current` */
	CURLcode result;
};

static void settle(struct transfer_loop *transfers);

/* ---- what libcurl waits for ---- */

static void act(struct transfer_loop *transfers, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(transfers->multi, fd, mask, &running);
	settle(transfers);
}

static void timer_fired(void *userdata)
{
	act(userdata, CURL_SOCKET_TIMEOUT, 0);
}

static int timer_wanted(CURLM *multi, long ms, void *userdata)
{
	struct transfer_loop *transfers = userdata;

	if (ms < 0) {
		loop_timer_stop(transfers->timer);
	} else {
		loop_timer_set(transfers->timer, (uint64_t)ms * NS_PER_MS);
	}
	return 0;
}

struct watched {
	struct transfer_loop *transfers;
	curl_socket_t fd;
	struct loop_watch *watch;
};

static void socket_ready(void *userdata, unsigned events)
{
	const struct watched *watched = userdata;
	int mask = 0;

	mask |= (events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0;
	mask |= (events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0;
	act(watched->transfers, watched->fd, mask);
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *of_socket)
{
	struct transfer_loop *transfers = userdata;
	struct watched *watched = of_socket;
	unsigned events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (watched != NULL) {
			loop_watch_free(watched->watch);
			mem_free(watched);
		}
		curl_multi_assign(transfers->multi, fd, NULL);
		return 0;
	}
	events |= what != CURL_POLL_OUT ? (unsigned)LOOP_READ : 0;
	events |= what != CURL_POLL_IN ? (unsigned)LOOP_WRITE : 0;
	if (watched != NULL) {
		loop_watch_set(watched->watch, events);
		return 0;
	}
	watched = MEM_NEW(struct watched);
	watched->transfers = transfers;
	watched->fd = fd;
	if (loop_watch_new(transfers->loop, fd, events, socket_ready, watched, &watched->watch) <
	    0) {
		mem_free(watched);
		return -1;
	}
	curl_multi_assign(transfers->multi, fd, watched);
	return 0;
}

/* ---- what libcurl brings ---- */

static void mark(struct transfer *transfer)
{
	if (list_is_empty(&transfer->dirty)) {
		list_append(&transfer->transfers->dirty, &transfer->dirty);
	}
}

static size_t header_came(char *line, size_t size, size_t n, void *userdata)
{
	struct transfer *transfer = userdata;
	long status = 0;

	if (transfer->ops->header != NULL && !transfer->cancelled) {
		transfer->ops->header(transfer->userdata, (struct str){ .p = line, .n = n * size });
	}
	/* The empty line behind the headers; those of 1xx answers are followed by others. */
	if (n * size <= 2 && transfer->status == 0) {
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		if (status >= 200) {
			transfer->status = status;
			transfer->head_due = true;
			mark(transfer);
		}
	}
	return n * size;
}

static size_t body_came(char *bytes, size_t size, size_t n, void *userdata)
{
	struct transfer *transfer = userdata;

	if (transfer->cancelled) {
		return 0;
	}
	if (transfer->pending.n + n * size > transfer->pending.max) {
		transfer->paused = true;
		mark(transfer);
		return CURL_WRITEFUNC_PAUSE;
	}
	buffer_append(&transfer->pending, bytes, n * size);
	mark(transfer);
	return n * size;
}

static void collect_finished(struct transfer_loop *transfers)
{
	const CURLMsg *message;
	struct transfer *transfer;
	int left;

	while ((message = curl_multi_info_read(transfers->multi, &left)) != NULL) {
		if (message->msg == CURLMSG_DONE) {
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
			transfer->finished = true;
			transfer->result = message->data.result;
			mark(transfer);
		}
	}
}

static void destroy(struct transfer *transfer)
{
	curl_multi_remove_handle(transfer->transfers->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	buffer_deinit(&transfer->body);
	buffer_deinit(&transfer->pending);
	list_unlink(&transfer->dirty);
	list_unlink(&transfer->link);
	mem_free(transfer);
}

static void finish(struct transfer *transfer, const char *error)
{
	struct transfer_loop *transfers = transfer->transfers;

	transfers->current = transfer;
	transfer->ops->done(transfer->userdata, (int)transfer->status, error);
	transfers->current = NULL;
	destroy(transfer);
}

static const char *error_of(const struct transfer *transfer)
{
	if (transfer->result == CURLE_OK) {
		return NULL;
	}
	return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(transfer->result);
}

/* Makes the calls that are due; destroys the transfer when it has ended. */
static void deliver(struct transfer *transfer)
{
	struct transfer_loop *transfers = transfer->transfers;
	bool refused = false;

	transfers->current = transfer;
	if (transfer->head_due) {
		transfer->head_due = false;
		if (transfers->answered != NULL) {
			transfers->answered(transfers->userdata, (int)transfer->status);
		}
		if (transfer->ops->head != NULL) {
			transfer->ops->head(transfer->userdata, (int)transfer->status);
		}
	}
	if (transfer->pending.n != 0 && !transfer->cancelled) {
		refused = !transfer->ops->received(transfer->userdata,
						   buffer_str(&transfer->pending));
		buffer_clear(&transfer->pending);
	}
	transfers->current = NULL;
	if (transfer->cancelled) {
		destroy(transfer);
	} else if (refused) {
		finish(transfer, "the answer makes no sense");
	} else if (transfer->paused) {
		/* Brings what libcurl held back, and so marks it again. */
		transfer->paused = false;
		curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	} else if (transfer->finished) {
		finish(transfer, error_of(transfer));
	}
}

static void settle(struct transfer_loop *transfers)
{
	/*
	 * Somebody called from here asks for libcurl's work again: the outer call goes on with it.
	 */
	if (transfers->current != NULL) {
		return;
	}
	collect_finished(transfers);
	while (!list_is_empty(&transfers->dirty)) {
		struct transfer *transfer =
			list_entry(transfers->dirty.next, struct transfer, dirty);

		list_unlink(&transfer->dirty);
		deliver(transfer);
		collect_finished(transfers);
	}
}

/* ---- the interface ---- */

struct transfer_loop *
transfer_loop_new(struct loop *loop, void (*answered)(void *userdata, int status), void *userdata)
{
	struct transfer_loop *transfers = MEM_NEW(struct transfer_loop);

	curl_global_init(CURL_GLOBAL_DEFAULT);
	transfers->loop = loop;
	transfers->timer = loop_timer_new(loop, timer_fired, transfers);
	transfers->answered = answered;
	transfers->userdata = userdata;
	list_init(&transfers->all);
	list_init(&transfers->dirty);
	transfers->multi = curl_multi_init();
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	return transfers;
}

struct transfer_loop *transfer_loop_free(struct transfer_loop *transfers)
{
	if (transfers == NULL) {
		return NULL;
	}
	list_for_each (transfer, &transfers->all, struct transfer, link) {
		destroy(transfer);
	}
	curl_multi_cleanup(transfers->multi);
	loop_timer_free(transfers->timer);
	curl_global_cleanup();
	return mem_free(transfers);
}

CURLM *transfer_loop_multi(struct transfer_loop *transfers)
{
	return transfers->multi;
}

struct transfer *transfer_loop_start(struct transfer_loop *transfers,
				     const struct transfer_setup *setup,
				     const struct transfer_ops *ops, void *userdata)
{
	struct transfer *transfer = MEM_NEW(struct transfer);
	CURL *easy = setup->easy;

	transfer->transfers = transfers;
	transfer->easy = easy;
	transfer->headers = setup->headers;
	transfer->connect_to = setup->connect_to;
	transfer->ops = ops;
	transfer->userdata = userdata;
	buffer_init(&transfer->pending, LIMIT_TRANSFER_PENDING);
	buffer_init(&transfer->body, LIMIT_TRANSFER_BODY);
	list_init(&transfer->dirty);
	list_init(&transfer->link);
	list_append(&transfers->all, &transfer->link);
	if (setup->has_body) {
		buffer_append_str(&transfer->body, setup->body);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.n);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, buffer_text(&transfer->body));
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
	if (transfer->connect_to != NULL) {
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, transfer->connect_to);
	}
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_came);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_multi_add_handle(transfers->multi, easy);
	return transfer;
}

struct transfer *transfer_cancel(struct transfer *transfer)
{
	if (transfer != NULL && transfer->transfers->current == transfer) {
		transfer->cancelled = true;
	} else if (transfer != NULL) {
		destroy(transfer);
	}
	return NULL;
}
