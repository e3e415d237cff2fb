/* SPDX-License-Identifier: Apache-2.0 */
#include "node/machine.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "node/register.h"
#include "json/json.h"

enum { PODS_MOST = 110, FILE_MOST = 64 * 1024 };

static const uint64_t memory_reserve_kib = 100 * 1024;

/* All of a small file without white space at its end; "" when it cannot be read. Heap. */
static char *read_text(const char *path)
{
	char *text = NULL;
	size_t n = 0;

	if (file_read(path, FILE_MOST, &text, &n) < 0) {
		return mem_strdup("");
	}
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) {
		text[--n] = '\0';
	}
	return text;
}

/* The number behind "KEY:" in /proc/meminfo, KiB; 0 when it is not there. */
static uint64_t meminfo(const char *key)
{
	_cleanup_free_ char *text = read_text("/proc/meminfo");
	const char *line = strstr(text, key);

	return line != NULL ? strtoull(line + strlen(key), NULL, 10) : 0;
}

static json_t *resources(const char *directory, uint64_t reserve_kib)
{
	uint64_t memory = meminfo("MemTotal:");
	struct statvfs disk = { 0 };
	uint64_t storage = 0;

	if (statvfs(directory, &disk) == 0) {
		storage = (uint64_t)disk.f_blocks * disk.f_frsize / 1024;
		/* A tenth is where disk pressure begins. */
		storage -= reserve_kib > 0 ? storage / 10 : 0;
	}
	memory -= memory > reserve_kib ? reserve_kib : 0;
	return json_pack("{so so so so}", "cpu", json_sprintf("%ld", sysconf(_SC_NPROCESSORS_ONLN)),
			 "memory", json_sprintf("%" PRIu64 "Ki", memory), "ephemeral-storage",
			 json_sprintf("%" PRIu64 "Ki", storage), "pods",
			 json_sprintf("%d", PODS_MOST));
}

json_t *machine_capacity(const char *directory)
{
	return resources(directory, 0);
}

json_t *machine_allocatable(const char *directory)
{
	return resources(directory, memory_reserve_kib);
}

/* PRETTY_NAME="…" of /etc/os-release. */
static json_t *os_image(void)
{
	_cleanup_free_ char *text = read_text("/etc/os-release");
	struct str rest = str_from(text);

	while (rest.p != NULL) {
		struct str line = str_cut(&rest, '\n');

		if (str_starts(line, STR("PRETTY_NAME="))) {
			line = str_skip(line, 12);
			if (line.n >= 2 && line.p[0] == '"') {
				line = (struct str){ .p = line.p + 1, .n = line.n - 2 };
			}
			return json_stringn(line.p, line.n);
		}
	}
	return json_string("Linux");
}

static json_t *file_or(const char *path, const char *otherwise)
{
	_cleanup_free_ char *text = read_text(path);

	return json_string(text[0] != '\0' ? text : otherwise);
}

json_t *machine_info(void)
{
	struct utsname system;

	uname(&system);
	return json_pack("{so so so ss so ss ss}", "machineID", file_or("/etc/machine-id", ""),
			 "systemUUID", file_or("/sys/class/dmi/id/product_uuid", ""), "bootID",
			 file_or("/proc/sys/kernel/random/boot_id", ""), "kernelVersion",
			 system.release, "osImage", os_image(), "operatingSystem", "linux",
			 "architecture", node_architecture());
}

bool machine_is_short_of_memory(void)
{
	return meminfo("MemAvailable:") < memory_reserve_kib;
}

bool machine_is_short_of_disk(const char *directory)
{
	struct statvfs disk;

	return statvfs(directory, &disk) == 0 && disk.f_bavail < disk.f_blocks / 10;
}

bool machine_is_short_of_pids(void)
{
	_cleanup_free_ char *most = read_text("/proc/sys/kernel/pid_max");
	_cleanup_free_ char *load = read_text("/proc/loadavg");
	const char *slash = strchr(load, '/');
	unsigned long limit = strtoul(most, NULL, 10);

	/* "0.1 0.2 0.3 RUNNING/ALL LAST" */
	return slash != NULL && limit > 0 && strtoul(slash + 1, NULL, 10) > limit / 10 * 9;
}
