/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The log: one line an event on standard error, "LEVEL component: message". Any thread may log; a
 * line is written with one write(2), so lines never mix. Control characters in messages become '?'.
 */

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

/* Lines above `level` are dropped; LOG_INFO at start. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);

void log_line(enum log_level level, const char *component, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(component, ...) log_line(LOG_ERROR, (component), __VA_ARGS__)
#define log_warning(component, ...) log_line(LOG_WARNING, (component), __VA_ARGS__)
#define log_info(component, ...) log_line(LOG_INFO, (component), __VA_ARGS__)
#define log_debug(component, ...) log_line(LOG_DEBUG, (component), __VA_ARGS__)
