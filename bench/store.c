/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the store and the hub:  store [DIRECTORY]  (the disk to measure; default /var/tmp)
 *
 *  - durable creates a second on SQLite with 1 and with 64 clients, each waiting for its
 *    acknowledgement before the next; runs alternate, medians count; beside them what the disk does
 *    for one small write and fdatasync;
 *  - one event to 1,000 watchers: from handing the write to a store in memory until the last of
 *    them has read it, and the same with 1,000 watchers of other prefixes;
 *  - a hub of 150,000 items loaded from SQLite.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"
#include "watch/hub.h"

enum {
	RUNS = 5,
	CREATES_ALONE = 1000,
	CREATES_TOGETHER = 20000,
	CLIENTS = 64,
	SYNCS = 500,
	VALUE = 1000, /* bytes, about a small pod */
	WATCHERS = 1000,
	EVENTS = 2000,
	ITEMS = 150000,
	PATH = 4096,
};

static char value[VALUE];
static char path[PATH];

static void check(int result, const char *what)
{
	if (result != 0) {
		fprintf(stderr, "bench: %s failed (%d)\n", what, result);
		exit(1);
	}
}

static double now(void)
{
	return (double)clock_monotonic(&clock_system) / (double)NS_PER_S;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts, too. `part` of 100. */
static double percentile(double *values, size_t n, size_t part)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n * part / 100 < n ? n * part / 100 : n - 1];
}

static void remove_files(void)
{
	char wal[PATH + 8];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(wal);
	unlink(path);
}

static double sync_time(void)
{
	static double times[SYNCS];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	check(fd < 0, "open");
	for (int i = 0; i < SYNCS; i++) {
		double start = now();

		check(pwrite(fd, value, sizeof(value), (off_t)i * VALUE) != VALUE, "write");
		check(fdatasync(fd), "fdatasync");
		times[i] = now() - start;
	}
	close(fd);
	remove_files();
	return percentile(times, SYNCS, 50);
}

struct load {
	struct store *store;
	int next;
	int total;
	int done;
};

static void create_next(struct load *load);

static void created(void *userdata, int result, const struct store_event *event)
{
	struct load *load = userdata;

	check(result, "write");
	load->done++;
	create_next(load);
}

static void create_next(struct load *load)
{
	char key[64];
	struct store_write write = {
		.value = { .p = value, .n = sizeof(value) },
		.expected = STORE_MUST_BE_ABSENT,
	};

	if (load->next == load->total) {
		return;
	}
	snprintf(key, sizeof(key), "/registry/core/pods/namespace-%d/pod-%d", load->next % 100,
		 load->next);
	load->next++;
	write.key = str_from(key);
	check(store_write(load->store, &write, created, load), "store_write");
}

static void run(struct load *load, int clients)
{
	for (int i = 0; i < clients; i++) {
		create_next(load);
	}
	while (load->done != load->total) {
		struct pollfd waiting = { .fd = store_fd(load->store), .events = POLLIN };

		(void)poll(&waiting, 1, -1);
		store_dispatch(load->store);
	}
}

/* Creates a second. */
static double creates(int clients, int total)
{
	struct load load = { .total = total };
	double start;

	remove_files();
	check(store_sqlite_new(path, &load.store), "open");
	start = now();
	run(&load, clients);
	start = now() - start;
	store_free(load.store);
	remove_files();
	return total / start;
}

static void measure_creates(void)
{
	double alone[RUNS];
	double together[RUNS];
	double disk = sync_time();

	for (int i = 0; i < RUNS; i++) {
		alone[i] = creates(1, CREATES_ALONE);
		together[i] = creates(CLIENTS, CREATES_TOGETHER);
	}
	printf("disk: write and fdatasync of %d bytes: %.0f us\n", VALUE, disk * 1e6);
	printf("durable creates, 1 client: %.0f/s\n", percentile(alone, RUNS, 50));
	printf("durable creates, %d clients: %.0f/s (%.1f x one client)\n", CLIENTS,
	       percentile(together, RUNS, 50),
	       percentile(together, RUNS, 50) / percentile(alone, RUNS, 50));
}

static void describe(void *userdata, struct str key, struct str bytes, uint64_t revision,
		     struct buffer *text, void **ret_extra)
{
	buffer_append_str(text, bytes);
}

static const struct hub_ops ops = { .describe = describe };

struct reader {
	struct hub_watcher *watcher;
	int *left;
};

static void read_all(void *userdata)
{
	struct reader *reader = userdata;
	struct hub_event event;

	while (hub_watcher_next(reader->watcher, &event) == 0) {
		(*reader->left)--;
	}
}

/*
 * Times of `EVENTS` events below /own/, each until all watchers of `prefix` that should have it do.
 */
static void fan_out(const char *prefix, int readers_of_each, double *ret_times)
{
	static struct reader readers[WATCHERS];
	struct store_write write = {
		.key = STR("/own/key"),
		.value = { .p = value, .n = sizeof(value) },
		.expected = STORE_ANY,
	};
	struct store *store;
	struct hub *hub;
	int left = 0;

	check(store_memory_new(&store), "store");
	check(hub_new(store, &ops, NULL, &hub), "hub");
	for (int i = 0; i < WATCHERS; i++) {
		readers[i].left = &left;
		check(hub_watch(hub, str_from(prefix), 0, read_all, &readers[i],
				&readers[i].watcher),
		      "watch");
		read_all(&readers[i]);
	}
	for (int i = 0; i < EVENTS; i++) {
		double start = now();

		left = readers_of_each;
		check(store_write(store, &write, NULL, NULL), "write");
		store_dispatch(store);
		ret_times[i] = now() - start;
		check(left, "fan-out");
	}
	for (int i = 0; i < WATCHERS; i++) {
		hub_watcher_free(readers[i].watcher);
	}
	hub_free(hub);
	store_free(store);
}

static void measure_fan_out(void)
{
	static double times[EVENTS];

	fan_out("/own/", WATCHERS, times);
	printf("one event to %d watchers: p50 %.0f us, p99 %.0f us\n", WATCHERS,
	       percentile(times, EVENTS, 50) * 1e6, percentile(times, EVENTS, 99) * 1e6);
	fan_out("/other/", 0, times);
	printf("one event past %d watchers of other prefixes: p50 %.1f us, p99 %.1f us\n", WATCHERS,
	       percentile(times, EVENTS, 50) * 1e6, percentile(times, EVENTS, 99) * 1e6);
}

/* Resident memory in KiB. */
static long resident(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (file != NULL) {
		check(fscanf(file, "%*d %ld", &pages) != 1, "statm");
		fclose(file);
	}
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void measure_load(void)
{
	struct load load = { .total = ITEMS };
	struct hub *hub;
	struct hub_item *item;
	struct str after = STR_NONE;
	double start;
	long before;
	int n = 0;

	remove_files();
	check(store_sqlite_new(path, &load.store), "open");
	run(&load, 1000);
	store_free(load.store);
	before = resident();
	start = now();
	check(store_sqlite_new(path, &load.store), "open");
	printf("open a store of %d items: %.1f ms\n", ITEMS, (now() - start) * 1e3);
	start = now();
	check(hub_new(load.store, &ops, NULL, &hub), "hub");
	printf("load a hub of %d items of %d bytes: %.0f ms, %ld MiB resident (%d of text)\n",
	       ITEMS, VALUE, (now() - start) * 1e3, (resident() - before) / 1024,
	       (int)((double)ITEMS * VALUE / 1048576));
	start = now();
	while (n < 10000 && (item = hub_next(hub, STR_NONE, after)) != NULL) {
		after = item->key;
		n++;
	}
	printf("walk %d items of them: %.1f ms\n", n, (now() - start) * 1e3);
	hub_free(hub);
	store_free(load.store);
	remove_files();
}

int main(int argc, char **argv)
{
	snprintf(path, sizeof(path), "%s/headlessd-bench-%d.db", argc > 1 ? argv[1] : "/var/tmp",
		 (int)getpid());
	memset(value, 'x', sizeof(value));
	measure_creates();
	measure_fan_out();
	measure_load();
	return 0;
}
