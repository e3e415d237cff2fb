/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What operators look at, over plain HTTP: /metrics (Prometheus text format 0.0.4), /health (200
 * while the process lives) and /ready (200, or 503 with a line for each part that is not). Parts of
 * the program register a source; this file knows none of them. Control thread only.
 */

#include <stdint.h>

#include "base/buffer.h"
#include "http/exchange.h"

struct metrics;

struct metrics *metrics_new(void);
struct metrics *metrics_free(struct metrics *metrics); /* NULL is fine; returns NULL */

/*
 * `write` appends whole families to `out`, in the order of registration. At most METRICS_SOURCES.
 */
enum { METRICS_SOURCES = 32 };
void metrics_add(struct metrics *metrics, void (*write)(void *userdata, struct buffer *out),
		 void *userdata);

/* `unready` appends a line for each part that cannot serve; nothing means ready. */
void metrics_on_ready(struct metrics *metrics,
		      void (*unready)(void *userdata, struct buffer *lines), void *userdata);

/* `note` appends what is good to know beside "OK", a line each: the age of the data. */
void metrics_on_note(struct metrics *metrics, void (*note)(void *userdata, struct buffer *lines),
		     void *userdata);

/*
 * Hands requests for `prefix` and what is below it to `handler`; at most one. `prefix` outlives the
 * metrics.
 */
void metrics_extend(struct metrics *metrics, const char *prefix, http_handler_fn handler,
		    void *userdata);

/* The handler for http/server.h; `userdata` is the metrics. */
void metrics_handle(void *userdata, struct http_exchange *exchange);

/*
 * "# HELP" and "# TYPE" of a family: before its samples. `type`: "counter", "gauge", "histogram".
 */
void metrics_family(struct buffer *out, const char *name, const char *type, const char *help);

/* One sample; `labels` is what stands between the braces, or NULL. */
void metrics_sample(struct buffer *out, const char *name, const char *labels, double value);

/* A family of one sample without labels. */
void metrics_single(struct buffer *out, const char *name, const char *type, const char *help,
		    double value);

/*
 * One histogram of a family: NAME_bucket for each of the `n` upper bounds and +Inf, NAME_sum and
 * NAME_count. `counts` are those of the single buckets, n + 1 of them; `labels` may be NULL.
 */
void metrics_histogram(struct buffer *out, const char *name, const char *labels,
		       const double *bounds, size_t n, const uint64_t *counts, double sum);

/* A source: process_cpu_seconds_total, process_resident_memory_bytes, … of this process. */
void metrics_process(void *userdata, struct buffer *out);
