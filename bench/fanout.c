/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One change, a thousand watchers:  bench-fanout FOLDER URL WATCHERS EVENTS
 *
 * Each watcher has a TLS connection of its own to the same list; one ConfigMap is changed again and
 * again, the next time when all of them have read it. Times run from the API's acknowledgement
 * until a watcher has the event in hand, decrypted, and include this program's own work for all of
 * them, which shares the cores with the server. Prints one JSON object.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/mem.h"
#include "https.h"
#include "times.h"

enum {
	WATCHERS_MAX = 4000,
	EVENTS_MAX = 100000,
	PACKET = 32 * 1024,
	MARK = 32,
	READY = 64,
	PATIENCE_MS = 10000,
};

static const char list[] = "/api/v1/namespaces/default/configmaps";
static const char item[] = "/api/v1/namespaces/default/configmaps/bench-fanout";

/* A watcher looks for the mark of the event under way; it may be cut by a record's end. */
struct watcher {
	struct https *https;
	bool has_it;
	char tail[MARK];
	size_t tail_n;
};

struct run {
	struct https *writer;
	struct watcher *watchers;
	size_t n_watchers;
	size_t n_events;
	int epoll;
	uint64_t *deliveries; /* of each watcher of each event */
	uint64_t *lasts; /* of the last watcher of each event */
	uint64_t *acknowledged;
};

static void die(const char *what)
{
	fprintf(stderr, "bench-fanout: %s\n", what);
	exit(1);
}

static void put(struct https *https, const char *method, const char *path, const char *mark)
{
	char body[256];

	snprintf(body, sizeof(body),
		 "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":"
		 "\"bench-fanout\",\"namespace\":\"default\"},\"data\":{\"mark\":\"%s\"}}",
		 mark);
	https_send(https, method, path, "application/json", str_from(body));
}

static void start_watchers(struct run *run, const struct https_login *login)
{
	char path[256];

	snprintf(path, sizeof(path), "%s?watch=true&fieldSelector=metadata.name%%3Dbench-fanout",
		 list);
	for (size_t i = 0; i < run->n_watchers; i++) {
		struct watcher *watcher = &run->watchers[i];
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = watcher };

		watcher->https = https_connect(login);
		https_send(watcher->https, "GET", path, NULL, STR_NONE);
		if (https_read_head(watcher->https) != 200) {
			die("the API refused a watch");
		}
		if (epoll_ctl(run->epoll, EPOLL_CTL_ADD, https_stream(watcher->https), &event) !=
		    0) {
			die("epoll");
		}
	}
}

/* Reads all there is; true when the mark went by for the first time. */
static bool read_watcher(struct watcher *watcher, const char *mark)
{
	char bytes[MARK + PACKET];
	bool found = false;
	size_t n;

	for (;;) {
		memcpy(bytes, watcher->tail, watcher->tail_n);
		n = https_stream_read(watcher->https, bytes + watcher->tail_n, PACKET);
		if (n == 0) {
			break;
		}
		n += watcher->tail_n;
		found |= memmem(bytes, n, mark, strlen(mark)) != NULL;
		watcher->tail_n = n < MARK - 1 ? n : MARK - 1;
		memcpy(watcher->tail, bytes + n - watcher->tail_n, watcher->tail_n);
	}
	found &= !watcher->has_it;
	watcher->has_it |= found;
	return found;
}

/* Waits until every watcher has `mark`; the times of each, from `start`, go to `times`. */
static void read_all(struct run *run, const char *mark, uint64_t start, uint64_t *times)
{
	struct epoll_event ready[READY];
	size_t done = 0;

	while (done < run->n_watchers) {
		int n = epoll_wait(run->epoll, ready, READY, PATIENCE_MS);

		if (n == 0 || (n < 0 && errno != EINTR)) {
			die("a watcher did not get the event");
		}
		for (int i = 0; i < n; i++) {
			if (read_watcher(ready[i].data.ptr, mark)) {
				times[done++] = times_now() - start;
			}
		}
	}
	for (size_t i = 0; i < run->n_watchers; i++) {
		run->watchers[i].has_it = false;
	}
}

static void change(struct run *run, size_t event)
{
	uint64_t *times = run->deliveries + event * run->n_watchers;
	uint64_t start = times_now();
	uint64_t acknowledged;
	char mark[MARK];

	snprintf(mark, sizeof(mark), "event-%08zu", event);
	put(run->writer, "PUT", item, mark);
	if (https_read_head(run->writer) != 200) {
		die("the API refused a change");
	}
	acknowledged = times_now();
	https_read_body(run->writer, NULL);
	read_all(run, mark, acknowledged, times);
	run->acknowledged[event] = acknowledged - start;
	run->lasts[event] = times[run->n_watchers - 1];
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	const struct https_login *login;
	uint64_t watchers;
	uint64_t events;
	int status;

	if (argc != 5 || !str_to_u64(str_from(argv[3]), WATCHERS_MAX, &watchers) ||
	    !str_to_u64(str_from(argv[4]), EVENTS_MAX, &events) || watchers == 0 || events == 0) {
		fprintf(stderr, "usage: bench-fanout FOLDER URL WATCHERS EVENTS\n");
		return 2;
	}
	login = https_login(argv[1], argv[2]);
	run.n_watchers = (size_t)watchers;
	run.n_events = (size_t)events;
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	run.watchers = mem_alloc_array(run.n_watchers, sizeof(*run.watchers));
	run.deliveries = mem_alloc_array(run.n_watchers * run.n_events, sizeof(uint64_t));
	run.lasts = mem_alloc_array(run.n_events, sizeof(uint64_t));
	run.acknowledged = mem_alloc_array(run.n_events, sizeof(uint64_t));
	run.writer = https_connect(login);
	put(run.writer, "POST", list, "none");
	status = https_read_head(run.writer);
	https_read_body(run.writer, NULL);
	if (status != 201 && status != 409) {
		die("the API refused the ConfigMap");
	}
	start_watchers(&run, login);
	for (size_t i = 0; i < run.n_events; i++) {
		change(&run, i);
	}
	printf("{\"watchers\":%zu,\"events\":%zu", run.n_watchers, run.n_events);
	times_print("acknowledged_us", run.acknowledged, run.n_events);
	times_print("delivered_us", run.deliveries, run.n_watchers * run.n_events);
	times_print("last_us", run.lasts, run.n_events);
	printf("}\n");
	return 0;
}
