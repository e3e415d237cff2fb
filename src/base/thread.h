/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Threads: started, named, joined. A thread owns its data; it meets others in base/mailbox and
 * base/snapshot alone.
 */

struct thread;

/*
 * Starts `run(argument)` on a new thread called `name` (≤ 15 bytes) with all signals blocked.
 * Returns 0 or a negative errno.
 */
int thread_start(const char *name, void (*run)(void *argument), void *argument,
		 struct thread **ret);

/* Waits for the end of the thread and frees it. NULL is fine; returns NULL. */
struct thread *thread_join(struct thread *thread);

/* CPUs this process may run on, ≥ 1. */
unsigned thread_cpus(void);
