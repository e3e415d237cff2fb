/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/own_child.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "loop/child.h"

static int complain(int error, const char *what)
{
	fprintf(stderr, "headlessd: cannot %s: %s\n", what, strerror(-error));
	return error_origin(error);
}

int own_child_start(struct loop *loop, const char *directory, const char *name, const char **argv,
		    struct child **ret)
{
	_cleanup_free_ char *log = mem_printf("%s/%s.log", directory, name);
	struct child_config config = { .name = name, .argv = argv, .log_file = log };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int result;

	if (n < 0) {
		return complain(-errno, "find this program in /proc/self/exe");
	}
	self[n] = '\0';
	argv[0] = self;
	result = child_start(loop, &config, ret);
	argv[0] = NULL;
	return result < 0 ? complain(result, "start a part of this program") : 0;
}
