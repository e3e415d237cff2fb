/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

enum { LINE_MAX_BYTES = 2048 };

static enum log_level current_level = LOG_INFO;

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARNING] = "warning",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

void log_set_level(enum log_level level)
{
	current_level = level;
}

enum log_level log_get_level(void)
{
	return current_level;
}

void log_line(enum log_level level, const char *component, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list arguments;
	size_t used;
	int n;

	if (level > current_level) {
		return;
	}
	n = snprintf(line, sizeof(line), "%s %s: ", level_names[level], component);
	used = (size_t)n;
	va_start(arguments, format);
	n = vsnprintf(line + used, sizeof(line) - used - 1, format, arguments);
	va_end(arguments);
	used += n > 0 ? (size_t)n : 0;
	if (used > sizeof(line) - 2) {
		used = sizeof(line) - 2;
	}
	for (size_t i = 0; i < used; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 127) {
			line[i] = '?';
		}
	}
	line[used++] = '\n';
	/* Nothing can be done about a log that cannot be written. */
	(void)!write(STDERR_FILENO, line, used);
}

int error_trace_at(int error, const char *file, int line)
{
	if (error < 0) {
		log_debug("trace", "%s:%d: %s", file, line, strerror(-error));
	}
	return error;
}
