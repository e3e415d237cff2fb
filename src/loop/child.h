/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A program that is kept running beside us: started, started again after an end that nobody asked
 * for (100 ms, doubling to 10 s; back to 100 ms once it has run for a minute), and stopped at the
 * end. No shell is involved; descriptors but 0, 1 and 2 are not inherited, and 0 is /dev/null; it
 * gets default signals and a session of its own. Loop's thread, which ends with the process: the
 * kernel ends children with the thread that has started them.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct child;
struct loop;

struct child_config {
	const char *name; /* for logs: "containerd" */
	const char *const
		*argv; /* ends with NULL; [0] is found in PATH when it has no '/'; copied */
	const char *log_file; /* where its output goes, appended, mode 0600; NULL: to ours */
	bool outlives_us; /* it is not killed when we are; false: the kernel ends it with us */
	/* Told after each end, with the status of waitpid(2). May be NULL. May stop the child. */
	void (*ended)(void *userdata, int status);
	/* Told after each start, never before child_start() returns. May be NULL. */
	void (*started)(void *userdata, pid_t pid);
	void *userdata;
};

/* Where the program is (heap), by PATH when `name` has no '/'; NULL: nowhere. */
char *child_find_program(const char *name);

/* Returns 0, or a negative errno when the program could not even be started for the first time. */
int child_start(struct loop *loop, const struct child_config *config, struct child **ret);

/*
 * Stops it for good: SIGTERM, SIGKILL after `grace` ns; `done` (may be NULL) is told when it has
 * ended. The child is gone then; nothing may be called on it from now on.
 */
void child_stop(struct child *child, uint64_t grace, void (*done)(void *userdata), void *userdata);

/* Stops it and waits, at most `grace` ns and the moment that SIGKILL takes. NULL is fine; returns
 * NULL. */
struct child *child_free(struct child *child, uint64_t grace);
