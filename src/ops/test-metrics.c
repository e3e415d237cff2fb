/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "http/loopback.h"

static const char *waiting_for;

static void unready(void *userdata, struct buffer *lines)
{
	if (waiting_for != NULL) {
		buffer_append_text(lines, waiting_for);
	}
}

static void one_counter(void *userdata, struct buffer *out)
{
	metrics_family(out, "asked_total", "counter", "Questions.");
	metrics_sample(out, "asked_total", "proto=\"udp\"", 3);
}

static struct http_loopback *get(struct metrics *metrics, const char *target)
{
	return http_loopback_send(metrics_handle, metrics, "GET", target, NULL, 0, STR_NONE, NULL,
				  NULL);
}

static void metrics_are_in_the_text_format(void **state)
{
	struct metrics *metrics = metrics_new();
	struct http_loopback *answer;
	struct buffer text = BUFFER_INIT(1 << 20);

	metrics_add(metrics, one_counter, NULL);
	metrics_add(metrics, metrics_process, NULL);
	answer = get(metrics, "/metrics");
	buffer_append_str(&text, http_loopback_body(answer));
	assert_int_equal(http_loopback_status(answer), 200);
	assert_non_null(strstr(buffer_text(&text),
			       "# TYPE asked_total counter\nasked_total{proto=\"udp\"} 3\n"));
	assert_non_null(strstr(buffer_text(&text), "\nprocess_resident_memory_bytes "));
	buffer_deinit(&text);
	http_loopback_free(answer);
	metrics_free(metrics);
}

static void a_histogram_is_cumulative(void **state)
{
	static const double bounds[] = { 0.00025, 0.001, 524.288 };
	static const uint64_t counts[] = { 2, 0, 3, 4 };
	struct buffer text = BUFFER_INIT(1 << 20);

	metrics_histogram(&text, "took_seconds", "zone=\".\"", bounds, 3, counts, 1.5);
	metrics_histogram(&text, "bare", NULL, bounds, 1, counts + 2, 2);
	assert_string_equal(buffer_text(&text), "took_seconds_bucket{zone=\".\",le=\"0.00025\"} 2\n"
						"took_seconds_bucket{zone=\".\",le=\"0.001\"} 2\n"
						"took_seconds_bucket{zone=\".\",le=\"524.288\"} 5\n"
						"took_seconds_bucket{zone=\".\",le=\"+Inf\"} 9\n"
						"took_seconds_sum{zone=\".\"} 1.5\n"
						"took_seconds_count{zone=\".\"} 9\n"
						"bare_bucket{le=\"0.00025\"} 3\n"
						"bare_bucket{le=\"+Inf\"} 7\n"
						"bare_sum 2\nbare_count 7\n");
	buffer_deinit(&text);
}

static void ready_tells_what_is_missing(void **state)
{
	struct metrics *metrics = metrics_new();
	struct http_loopback *answer;

	metrics_on_ready(metrics, unready, NULL);
	waiting_for = "zone: not loaded\n";
	answer = get(metrics, "/ready");
	assert_int_equal(http_loopback_status(answer), 503);
	assert_true(str_is(http_loopback_body(answer), "zone: not loaded\n"));
	http_loopback_free(answer);
	waiting_for = NULL;
	answer = get(metrics, "/ready");
	assert_int_equal(http_loopback_status(answer), 200);
	http_loopback_free(answer);
	answer = get(metrics, "/other");
	assert_int_equal(http_loopback_status(answer), 404);
	http_loopback_free(answer);
	metrics_free(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_are_in_the_text_format),
		cmocka_unit_test(a_histogram_is_cumulative),
		cmocka_unit_test(ready_tells_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
