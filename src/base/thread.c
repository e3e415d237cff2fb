/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"

struct thread {
	pthread_t id;
	void (*run)(void *argument);
	void *argument;
	char name[16];
};

static void *thread_main(void *argument)
{
	struct thread *thread = argument;

	pthread_setname_np(pthread_self(), thread->name);
	thread->run(thread->argument);
	return NULL;
}

int thread_start(const char *name, void (*run)(void *argument), void *argument, struct thread **ret)
{
	struct thread *thread = MEM_NEW(struct thread);
	sigset_t all;
	sigset_t before;
	int result;

	thread->run = run;
	thread->argument = argument;
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	/* Signals belong to the control thread; a new thread inherits the mask of this moment. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&thread->id, NULL, thread_main, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0) {
		mem_free(thread);
		return error_origin(-result);
	}
	*ret = thread;
	return 0;
}

struct thread *thread_join(struct thread *thread)
{
	if (thread != NULL) {
		pthread_join(thread->id, NULL);
		mem_free(thread);
	}
	return NULL;
}

unsigned thread_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		return 1;
	}
	return CPU_COUNT(&set) > 0 ? (unsigned)CPU_COUNT(&set) : 1;
}
