/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A thread gives up what it does not need (capabilities(7), PR_SET_NO_NEW_PRIVS, seccomp(2),
 * landlock(7)), so that who takes it over by a packet has little of it.
 *
 * All four belong to a thread and to the threads and programs that it starts later. So each thread
 * enters by itself, when it has opened what needs privileges; what it had opened stays usable. What
 * the kernel lacks is left out, and the rest still done. There is no way back.
 *
 * In a build with a sanitizer nothing is done: its runtime opens, maps and traces as it likes.
 */

#include <stddef.h>

struct sandbox;

enum sandbox_role {
	/*
	 * Opens files that were allowed, sockets, threads; starts no program, traces nobody,
	 * changes neither mounts nor the kernel.
	 */
	SANDBOX_THREAD,
	/*
	 * Receives, sends, waits, allocates. Opening anything ends the process; what is not known
	 * fails with ENOSYS.
	 */
	SANDBOX_WORKER,
};

/* What is in force. */
enum {
	SANDBOX_NO_CAPABILITIES = 1,
	SANDBOX_NO_NEW_PRIVILEGES = 2,
	SANDBOX_SECCOMP = 4,
	SANDBOX_LANDLOCK = 8,
	SANDBOX_ALL = 15,
	SANDBOX_TEXT = 128,
};

/*
 * Nothing is allowed yet but what the C library and TLS read of the system: shared libraries,
 * resolv.conf and its kin, certificates, time zones, /proc.
 */
struct sandbox *sandbox_new(void);

/* No thread may enter any more. NULL is fine; returns NULL. */
struct sandbox *sandbox_free(struct sandbox *sandbox);

/*
 * For threads that enter later. A path that is not there allows nothing; NULL is fine. A folder
 * counts with all below it.
 */
void sandbox_allow_read(struct sandbox *sandbox, const char *path);
/* A file that is replaced now and then, by renaming or by links: its folders count. */
void sandbox_allow_replaced(struct sandbox *sandbox, const char *path);
/* A folder in which files are made, written, renamed and removed. */
void sandbox_allow_write(struct sandbox *sandbox, const char *folder);

/*
 * The calling thread enters; returns what is in force for it then. NULL: nothing is done, returns
 * 0. Any thread, once each.
 */
unsigned sandbox_enter(const struct sandbox *sandbox, enum sandbox_role role);

/* What sandbox_enter() would return, without entering. */
unsigned sandbox_probe(const struct sandbox *sandbox);

/* "no capabilities, no new privileges, seccomp; without landlock" */
void sandbox_describe(unsigned in_force, char ret_text[SANDBOX_TEXT]);
