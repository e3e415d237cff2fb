/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs, streamed at the client's pace. A follower that has read everything waits for its directory
 * to change (one inotify instance for all of them, a watch for each directory).
 *
 * The end of a followed log: the runtime closes the file before it says that the container has
 * ended. So a follower looks again when it is told of the container (kubelet_container_changed()),
 * and, from the closing of the file on, every second, should nobody tell.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "node/container_log.h"
#include "node/kubelet_intern.h"

/* After these a log may have come to its end. */
#define ENDING (IN_CLOSE_WRITE | IN_DELETE | IN_IGNORED | IN_Q_OVERFLOW)

struct follower {
	struct list link;
	struct kubelet *kubelet;
	struct http_exchange *exchange;
	struct container_log *log;
	struct loop_timer *timer;
	char *space;
	char *pod;
	char *container;
	char *file; /* the name of the log in its directory */
	char id[80];
	int directory; /* its inotify watch; -1: does not follow */
	bool follows;
	bool ended; /* the container writes no more */
	bool waiting;
};

/* ---- one ---- */

static void stop_watching(struct follower *follower)
{
	struct kubelet *kubelet = follower->kubelet;

	list_unlink(&follower->link);
	if (follower->directory < 0) {
		return;
	}
	list_for_each (other, &kubelet->followers, struct follower, link) {
		if (other->directory == follower->directory) {
			return;
		}
	}
	inotify_rm_watch(kubelet->inotify, follower->directory);
}

static void close_log(void *userdata)
{
	struct follower *follower = userdata;

	stop_watching(follower);
	loop_timer_free(follower->timer);
	container_log_free(follower->log);
	mem_free(follower->space);
	mem_free(follower->pod);
	mem_free(follower->container);
	mem_free(follower->file);
	mem_free(follower);
}

static int64_t read_log(void *userdata, char *out, size_t size)
{
	struct follower *follower = userdata;
	bool ended = follower->ended;
	int64_t n = container_log_read(follower->log, out, size);

	if (n == CONTAINER_LOG_BROKEN) {
		return HTTP_STREAM_BROKEN;
	}
	if (n == CONTAINER_LOG_FULL || (n == 0 && ended)) {
		return HTTP_STREAM_END;
	}
	follower->waiting = n == 0;
	return n == 0 ? HTTP_STREAM_WAIT : n;
}

static const struct http_stream log_stream = { .read = read_log, .close = close_log };

static void wake(struct follower *follower)
{
	if (follower->waiting) {
		follower->waiting = false;
		http_wake(follower->exchange);
	}
}

/* Whether the instance whose log this is still runs. */
static bool still_runs(struct follower *follower)
{
	struct kubelet *kubelet = follower->kubelet;
	struct kubelet_container now = { .running = false };
	char message[512] = "";

	return kubelet->lookup->container(kubelet->userdata, str_from(follower->space),
					  str_from(follower->pod), str_from(follower->container),
					  /* previous= */ false, &now, message) == 0 &&
	       now.running && strcmp(now.id, follower->id) == 0;
}

static void look_again(void *userdata)
{
	struct follower *follower = userdata;

	if (!follower->follows || follower->ended) {
		return;
	}
	follower->ended = !still_runs(follower);
	if (follower->ended) {
		wake(follower);
	} else {
		loop_timer_set(follower->timer, NS_PER_S);
	}
}

void kubelet_container_changed(struct kubelet *kubelet, const char *id)
{
	list_for_each (follower, &kubelet->followers, struct follower, link) {
		if (follower->follows && !follower->ended &&
		    (id == NULL || strcmp(id, follower->id) == 0) && !still_runs(follower)) {
			follower->ended = true;
			wake(follower);
		}
	}
}

void kubelet_end_logs(struct kubelet *kubelet)
{
	kubelet->inotify_watch = loop_watch_free(kubelet->inotify_watch);
	list_for_each (follower, &kubelet->followers, struct follower, link) {
		follower->directory = -1;
		follower->ended = true;
		list_unlink(&follower->link);
	}
	if (kubelet->inotify >= 0) {
		close(kubelet->inotify);
		kubelet->inotify = -1;
	}
}

/* ---- inotify ---- */

/* About its log, and not one that has been put aside; or about everything. */
static bool concerns(const struct follower *follower, const struct inotify_event *event)
{
	return event->len == 0 || strcmp(event->name, follower->file) == 0;
}

static void directory_changed(struct kubelet *kubelet, const struct inotify_event *event)
{
	list_for_each (follower, &kubelet->followers, struct follower, link) {
		/* A queue that overflowed says nothing about anybody: everybody looks. */
		if (follower->directory != event->wd && (event->mask & IN_Q_OVERFLOW) == 0) {
			continue;
		}
		if ((event->mask & ENDING) != 0 && concerns(follower, event)) {
			loop_timer_set(follower->timer, NS_PER_S);
		}
		wake(follower);
	}
}

static void inotify_ready(void *userdata, unsigned events)
{
	struct kubelet *kubelet = userdata;
	union {
		struct inotify_event event;
		char bytes[16 * 1024];
	} block;
	ssize_t n = read(kubelet->inotify, &block, sizeof(block));

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event =
			(const struct inotify_event *)(const void *)(block.bytes + at);

		directory_changed(kubelet, event);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

static int watch_directory(struct kubelet *kubelet, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory =
		str_dup((struct str){ .p = path, .n = slash != NULL ? (size_t)(slash - path) : 0 });
	int watch;

	if (kubelet->inotify < 0) {
		kubelet->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (kubelet->inotify < 0 ||
		    loop_watch_new(kubelet->loop, kubelet->inotify, LOOP_READ, inotify_ready,
				   kubelet, &kubelet->inotify_watch) < 0) {
			return -EMFILE;
		}
	}
	watch = inotify_add_watch(kubelet->inotify, directory,
				  IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE);
	return watch < 0 ? -errno : watch;
}

/* ---- requests ---- */

static bool flag(struct http_exchange *exchange, const char *name)
{
	const char *value = http_query(exchange, name);

	return value != NULL && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

/* A number of the query, or `otherwise`; false: it is none. */
static bool number(struct http_exchange *exchange, const char *name, int64_t otherwise,
		   int64_t *ret)
{
	const char *value = http_query(exchange, name);
	uint64_t n;

	*ret = otherwise;
	if (value == NULL || value[0] == '\0') {
		return true;
	}
	if (!str_to_u64(str_from(value), INT64_MAX / 2, &n)) {
		return false;
	}
	*ret = (int64_t)n;
	return true;
}

static bool read_options(struct http_exchange *exchange, struct container_log_options *ret)
{
	const char *since = http_query(exchange, "sinceTime");
	int64_t seconds;

	ret->timestamps = flag(exchange, "timestamps");
	ret->since = 0;
	if (!number(exchange, "tailLines", -1, &ret->tail) ||
	    !number(exchange, "limitBytes", -1, &ret->limit) ||
	    !number(exchange, "sinceSeconds", -1, &seconds) ||
	    (since != NULL && since[0] != '\0' && timestamp_parse(since, &ret->since) != 0)) {
		return false;
	}
	if (seconds > 0 && seconds < INT64_MAX / (int64_t)NS_PER_S) {
		ret->since = clock_wall(&clock_system) - seconds * (int64_t)NS_PER_S;
	}
	return true;
}

static void start_follower(struct kubelet *kubelet, struct http_exchange *exchange,
			   const struct kubelet_place *place,
			   const struct kubelet_container *container, struct container_log *log)
{
	struct follower *follower = MEM_NEW(struct follower);
	const char *slash = strrchr(container->log_path, '/');
	int watch = -1;

	follower->follows = flag(exchange, "follow");
	if (follower->follows) {
		watch = watch_directory(kubelet, container->log_path);
		if (watch < 0) {
			log_warning("kubelet", "cannot watch %s: %s", container->log_path,
				    strerror(-watch));
		}
	}
	follower->kubelet = kubelet;
	follower->exchange = exchange;
	follower->log = log;
	follower->space = str_dup(place->space);
	follower->pod = str_dup(place->pod);
	follower->container = str_dup(place->container);
	follower->file = mem_strdup(slash != NULL ? slash + 1 : container->log_path);
	memcpy(follower->id, container->id, sizeof(follower->id));
	follower->directory = watch >= 0 ? watch : -1;
	follower->ended = !follower->follows || !container->running;
	follower->timer = loop_timer_new(kubelet->loop, look_again, follower);
	list_init(&follower->link);
	list_append(&kubelet->followers, &follower->link);
	http_reply_stream(exchange, 200, "text/plain", &log_stream, follower);
}

void kubelet_answer_log(struct kubelet *kubelet, struct http_exchange *exchange,
			const struct kubelet_place *place)
{
	struct container_log_options options;
	struct kubelet_container container = { .running = false };
	struct container_log *log;
	char message[512] = "";
	int result;

	if (!read_options(exchange, &options)) {
		kubelet_answer_text(exchange, 422, "a number or time in the query is none");
		return;
	}
	result = kubelet->lookup->container(kubelet->userdata, place->space, place->pod,
					    place->container, flag(exchange, "previous"),
					    &container, message);
	if (result < 0) {
		kubelet_answer_text(exchange, result == -ENOENT ? 404 : 400, message);
		return;
	}
	result = container_log_open(container.log_path, &options, &log);
	if (result < 0) {
		snprintf(message, sizeof(message), "failed to open the log of container %.*s: %s",
			 STR_ARG(place->container), strerror(-result));
		kubelet_answer_text(exchange, 500, message);
		return;
	}
	start_follower(kubelet, exchange, place, &container, log);
}
