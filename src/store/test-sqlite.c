/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/conformance.h"

static char directory[] = "/tmp/headlessd-store-XXXXXX";
static char path[sizeof(directory) + 16];

static int reopen(struct store **ret)
{
	return store_sqlite_new(path, ret);
}

static void destroy(void)
{
	char wal[sizeof(path) + 8];

	snprintf(wal, sizeof(wal), "%s-wal", path);
	unlink(wal);
	unlink(path);
}

int main(void)
{
	const struct conformance_backend sqlite = {
		.name = "sqlite",
		.create = reopen,
		.reopen = reopen,
		.destroy = destroy,
	};
	int failed;

	if (mkdtemp(directory) == NULL) {
		return 1;
	}
	snprintf(path, sizeof(path), "%s/store.db", directory);
	failed = conformance_run(&sqlite);
	rmdir(directory);
	return failed;
}
