/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Errors are ints: 0 is fine; a negative errno is fatal and is forwarded with a trace, never
 * matched on; a positive value is a named outcome of the one function that returns it and is
 * handled by its caller, never forwarded.
 */

/* Where a fatal error begins: logs file and line at debug level, returns `error` (negative). */
#define error_origin(error) error_trace_at((error), __FILE__, __LINE__)

/* Where a fatal error passes by: logs at debug level when negative, returns it. */
#define error_trace(error) error_trace_at((error), __FILE__, __LINE__)

int error_trace_at(int error, const char *file, int line);
