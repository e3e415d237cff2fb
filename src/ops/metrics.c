/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/metrics.h"

#include <assert.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum {
	METRICS_TEXT_MAX = 16 * 1024 * 1024,
	PROC_MAX = 16 * 1024,
};

struct metrics_source {
	void (*write)(void *userdata, struct buffer *out);
	void *userdata;
};

struct metrics {
	struct metrics_source sources[METRICS_SOURCES];
	size_t n;
	void (*unready)(void *userdata, struct buffer *lines);
	const char *prefix;
	http_handler_fn extension;
	void *extension_userdata;
	void *unready_userdata;
	void (*note)(void *userdata, struct buffer *lines);
	void *note_userdata;
};

struct metrics *metrics_new(void)
{
	return MEM_NEW(struct metrics);
}

struct metrics *metrics_free(struct metrics *metrics)
{
	return mem_free(metrics);
}

void metrics_add(struct metrics *metrics, void (*write)(void *userdata, struct buffer *out),
		 void *userdata)
{
	assert(metrics->n < METRICS_SOURCES);
	metrics->sources[metrics->n++] =
		(struct metrics_source){ .write = write, .userdata = userdata };
}

void metrics_on_ready(struct metrics *metrics,
		      void (*unready)(void *userdata, struct buffer *lines), void *userdata)
{
	metrics->unready = unready;
	metrics->unready_userdata = userdata;
}

void metrics_on_note(struct metrics *metrics, void (*note)(void *userdata, struct buffer *lines),
		     void *userdata)
{
	metrics->note = note;
	metrics->note_userdata = userdata;
}

void metrics_family(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_sample(struct buffer *out, const char *name, const char *labels, double value)
{
	buffer_append_text(out, name);
	if (labels != NULL) {
		buffer_printf(out, "{%s}", labels);
	}
	buffer_printf(out, " %.17g\n", value);
}

void metrics_single(struct buffer *out, const char *name, const char *type, const char *help,
		    double value)
{
	metrics_family(out, name, type, help);
	metrics_sample(out, name, NULL, value);
}

void metrics_histogram(struct buffer *out, const char *name, const char *labels,
		       const double *bounds, size_t n, const uint64_t *counts, double sum)
{
	const char *before = labels != NULL ? labels : "";
	const char *comma = labels != NULL ? "," : "";
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++) {
		total += counts[i];
		buffer_printf(out, "%s_bucket{%s%sle=\"%.9g\"} %" PRIu64 "\n", name, before, comma,
			      bounds[i], total);
	}
	total += counts[n];
	buffer_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, before, comma, total);
	buffer_printf(out, labels != NULL ? "%s_sum{%s} %.17g\n" : "%s_sum%s %.17g\n", name, before,
		      sum);
	buffer_printf(out,
		      labels != NULL ? "%s_count{%s} %" PRIu64 "\n" : "%s_count%s %" PRIu64 "\n",
		      name, before, total);
}

static void reply_metrics(struct metrics *metrics, struct http_exchange *exchange)
{
	struct buffer body = BUFFER_INIT(METRICS_TEXT_MAX);

	for (size_t i = 0; i < metrics->n; i++) {
		metrics->sources[i].write(metrics->sources[i].userdata, &body);
	}
	http_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
}

static void reply_ready(struct metrics *metrics, struct http_exchange *exchange)
{
	struct buffer body = BUFFER_INIT(METRICS_TEXT_MAX);
	int status = 200;

	if (metrics->unready != NULL) {
		metrics->unready(metrics->unready_userdata, &body);
	}
	if (body.n != 0) {
		status = 503;
	} else {
		buffer_append_text(&body, "OK");
		if (metrics->note != NULL) {
			metrics->note(metrics->note_userdata, &body);
		}
	}
	http_reply(exchange, status, "text/plain; charset=utf-8", &body);
}

static void reply_text(struct http_exchange *exchange, int status, const char *text)
{
	struct buffer body = BUFFER_INIT(METRICS_TEXT_MAX);

	buffer_append_text(&body, text);
	http_reply(exchange, status, "text/plain; charset=utf-8", &body);
}

void metrics_extend(struct metrics *metrics, const char *prefix, http_handler_fn handler,
		    void *userdata)
{
	metrics->prefix = prefix;
	metrics->extension = handler;
	metrics->extension_userdata = userdata;
}

void metrics_handle(void *userdata, struct http_exchange *exchange)
{
	struct metrics *metrics = userdata;

	if (exchange->method != HTTP_GET && exchange->method != HTTP_HEAD) {
		reply_text(exchange, 405, "only GET\n");
	} else if (strcmp(exchange->path, "/metrics") == 0) {
		reply_metrics(metrics, exchange);
	} else if (strcmp(exchange->path, "/health") == 0) {
		reply_text(exchange, 200, "OK");
	} else if (strcmp(exchange->path, "/ready") == 0) {
		reply_ready(metrics, exchange);
	} else if (metrics->extension != NULL &&
		   strncmp(exchange->path, metrics->prefix, strlen(metrics->prefix)) == 0) {
		metrics->extension(metrics->extension_userdata, exchange);
	} else {
		reply_text(exchange, 404, "here are /metrics, /health and /ready\n");
	}
}

/* ---- the process itself ---- */

static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t n = 0;

	if (folder == NULL) {
		return 0;
	}
	while (readdir(folder) != NULL) {
		n++;
	}
	closedir(folder);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

/* proc(5): the fields of /proc/self/stat behind the command's closing parenthesis. */
struct process_facts {
	unsigned long user_ticks;
	unsigned long system_ticks;
	unsigned long threads;
	unsigned long long start_ticks;
	unsigned long virtual_bytes;
	long resident_pages;
};

static bool read_process(struct process_facts *ret)
{
	_cleanup_free_ char *text = NULL;
	const char *rest;

	if (file_read("/proc/self/stat", PROC_MAX, &text, NULL) < 0 ||
	    (rest = strrchr(text, ')')) == NULL) {
		return false;
	}
	return sscanf(rest + 1,
		      " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %lu "
		      "%*d "
		      "%llu %lu %ld",
		      &ret->user_ticks, &ret->system_ticks, &ret->threads, &ret->start_ticks,
		      &ret->virtual_bytes, &ret->resident_pages) == 6;
}

static double boot_time(void)
{
	struct timespec wall;
	struct timespec since_boot;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &since_boot);
	return (double)(wall.tv_sec - since_boot.tv_sec);
}

void metrics_process(void *userdata, struct buffer *out)
{
	struct process_facts facts;
	double tick = (double)sysconf(_SC_CLK_TCK);

	if (!read_process(&facts)) {
		return;
	}
	metrics_single(out, "process_cpu_seconds_total", "counter", "CPU time, user and system.",
		       (double)(facts.user_ticks + facts.system_ticks) / tick);
	metrics_single(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
		       (double)facts.resident_pages * (double)sysconf(_SC_PAGESIZE));
	metrics_single(out, "process_virtual_memory_bytes", "gauge", "Virtual memory.",
		       (double)facts.virtual_bytes);
	metrics_single(out, "process_start_time_seconds", "gauge", "Start, in Unix seconds.",
		       boot_time() + (double)facts.start_ticks / tick);
	metrics_single(out, "process_open_fds", "gauge", "Open file descriptors.",
		       (double)count_descriptors());
	metrics_single(out, "process_threads", "gauge", "Threads.", (double)facts.threads);
}
