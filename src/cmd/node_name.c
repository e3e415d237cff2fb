/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/node_name.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <unistd.h>

const char *node_name_of_host(void)
{
	static char name[HOST_NAME_MAX + 1];

	if (gethostname(name, sizeof(name) - 1) < 0 || name[0] == '\0') {
		return "localhost";
	}
	for (char *c = name; *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	return name;
}
