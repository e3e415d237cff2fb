/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in sandbox_enter() matters: capset(2) and landlock_restrict_self(2) are calls that the
 * filter would not let pass, and both landlock and the filter want PR_SET_NO_NEW_PRIVS when there
 * is no CAP_SYS_ADMIN.
 *
 * All threads use one ruleset of landlock; each gets a copy of what it holds when the thread
 * enters.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/sandbox_intern.h"

/* Newer than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { NO_RULESET = -1 };

struct sandbox {
	int ruleset; /* NO_RULESET: no landlock */
	uint64_t rights; /* what the ruleset is about */
};

static const uint64_t file_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;
static const uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t write_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				     LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |
				     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE;

/*
 * What the C library reads to find a host, libunbound and GnuTLS to begin, and we for our metrics.
 * Of /etc just these files: all of it would be the passwords, too.
 */
static const char *const system_paths[] = {
	"/etc/gai.conf",
	"/etc/gnutls",
	"/etc/host.conf",
	"/etc/hosts",
	"/etc/ld.so.cache",
	"/etc/ld.so.conf",
	"/etc/localtime",
	"/etc/nsswitch.conf",
	"/etc/pkcs11",
	"/etc/protocols",
	"/etc/resolv.conf",
	"/etc/services",
	"/etc/ssl",
	"/dev/null",
	"/dev/random",
	"/dev/urandom",
	"/lib",
	"/lib64",
	"/proc",
	"/run/systemd/resolve",
	"/sys/devices/system/cpu",
	"/usr/lib",
	"/usr/local/lib",
	"/usr/local/share/ca-certificates",
	"/usr/share/ca-certificates",
	"/usr/share/gnutls",
	"/usr/share/locale",
	"/usr/share/p11-kit",
	"/usr/share/zoneinfo",
};

static const struct {
	unsigned what;
	const char *name;
} names[] = {
	{ SANDBOX_NO_CAPABILITIES, "no capabilities" },
	{ SANDBOX_NO_NEW_PRIVILEGES, "no new privileges" },
	{ SANDBOX_SECCOMP, "seccomp" },
	{ SANDBOX_LANDLOCK, "landlock" },
};

/* ---- files ---- */

/* The rights that this kernel's landlock knows; 0 when there is none. */
static uint64_t known_rights(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	uint64_t rights = LANDLOCK_ACCESS_FS_REFER - 1;

	if (version < 1) {
		return 0;
	}
	rights |= version >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
	rights |= version >= 3 ? LANDLOCK_ACCESS_FS_TRUNCATE : 0;
	rights |= version >= 5 ? LANDLOCK_ACCESS_FS_IOCTL_DEV : 0;
	return rights;
}

static void allow(struct sandbox *sandbox, const char *path, uint64_t rights)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights & sandbox->rights,
		.parent_fd = fd,
	};
	struct stat info;

	if (sandbox->ruleset < 0 || fd < 0 || fstat(fd, &info) < 0) {
		return;
	}
	if (!S_ISDIR(info.st_mode)) {
		rule.allowed_access &= file_rights;
	}
	(void)syscall(SYS_landlock_add_rule, sandbox->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule,
		      0);
}

void sandbox_allow_read(struct sandbox *sandbox, const char *path)
{
	if (sandbox != NULL && path != NULL) {
		allow(sandbox, path, read_rights);
	}
}

void sandbox_allow_replaced(struct sandbox *sandbox, const char *path)
{
	if (sandbox == NULL || path == NULL) {
		return;
	}
	_cleanup_free_ char *copy = mem_strdup(path);
	_cleanup_free_ char *real = realpath(path, NULL);

	allow(sandbox, dirname(copy), read_rights);
	if (real != NULL) {
		allow(sandbox, dirname(real), read_rights);
	}
}

void sandbox_allow_write(struct sandbox *sandbox, const char *folder)
{
	if (sandbox != NULL && folder != NULL) {
		allow(sandbox, folder, write_rights);
	}
}

/* ---- life ---- */

struct sandbox *sandbox_new(void)
{
	struct sandbox *sandbox = MEM_NEW(struct sandbox);
	struct landlock_ruleset_attr attributes = { 0 };

	sandbox->rights = SANITIZED ? 0 : known_rights();
	sandbox->ruleset = NO_RULESET;
	if (sandbox->rights == 0) {
		return sandbox;
	}
	attributes.handled_access_fs = sandbox->rights;
	/* The descriptor is close-on-exec by itself. */
	sandbox->ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes,
					sizeof(attributes.handled_access_fs), 0);
	for (size_t i = 0; i < ARRAY_SIZE(system_paths); i++) {
		allow(sandbox, system_paths[i], read_rights);
	}
	return sandbox;
}

struct sandbox *sandbox_free(struct sandbox *sandbox)
{
	if (sandbox != NULL && sandbox->ruleset >= 0) {
		close(sandbox->ruleset);
	}
	return mem_free(sandbox);
}

/* ---- entering ---- */

/* The kernel also takes the ambient ones with the permitted ones. */
static unsigned drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) == 0 ? SANDBOX_NO_CAPABILITIES : 0;
}

unsigned sandbox_enter(const struct sandbox *sandbox, enum sandbox_role role)
{
	unsigned in_force;

	if (sandbox == NULL || SANITIZED) {
		return 0;
	}
	in_force = drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
		in_force |= SANDBOX_NO_NEW_PRIVILEGES;
	}
	if (sandbox->ruleset >= 0 &&
	    syscall(SYS_landlock_restrict_self, sandbox->ruleset, 0) == 0) {
		in_force |= SANDBOX_LANDLOCK;
	}
	if (sandbox_filter_install(role)) {
		in_force |= SANDBOX_SECCOMP;
	}
	return in_force;
}

unsigned sandbox_probe(const struct sandbox *sandbox)
{
	if (sandbox == NULL || SANITIZED) {
		return 0;
	}
	return SANDBOX_NO_CAPABILITIES | SANDBOX_NO_NEW_PRIVILEGES |
	       (sandbox->ruleset >= 0 ? SANDBOX_LANDLOCK : 0) |
	       (sandbox_filter_is_known() ? SANDBOX_SECCOMP : 0);
}

void sandbox_describe(unsigned in_force, char ret_text[SANDBOX_TEXT])
{
	size_t used = 0;

	if (in_force == 0) {
		snprintf(ret_text, SANDBOX_TEXT, "nothing");
		return;
	}
	for (int lacking = 0; lacking < 2; lacking++) {
		const char *between = lacking ? "; without " : "";

		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			if (((in_force & names[i].what) == 0) == lacking) {
				used += (size_t)snprintf(ret_text + used, SANDBOX_TEXT - used,
							 "%s%s", between, names[i].name);
				between = ", ";
			}
		}
	}
}
