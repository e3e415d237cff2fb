/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes and containers are lists; an answer is a message of its own, packed when the call is
 * carried out and unpacked when it is delivered, so nothing is shared between the two.
 */
#include "node/fake_intern.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/str.h"

/* ---- finding ---- */

struct fake_container *fake_find_container(struct fake_runtime *fake, const char *id)
{
	list_for_each (container, &fake->containers, struct fake_container, link) {
		if (strcmp(container->id, id) == 0) {
			return container;
		}
	}
	return NULL;
}

static struct fake_container *newest(const struct fake_runtime *fake, const char *name)
{
	struct fake_container *found = NULL;

	list_for_each (container, &fake->containers, struct fake_container, link) {
		if (strcmp(container->name, name) == 0) {
			found = container;
		}
	}
	return found;
}

struct habit *fake_habit(struct fake_runtime *fake, const char *name)
{
	struct habit *habit;

	list_for_each (known, &fake->habits, struct habit, link) {
		if (strcmp(known->name, name) == 0) {
			return known;
		}
	}
	habit = MEM_NEW(struct habit);
	snprintf(habit->name, sizeof(habit->name), "%s", name);
	habit->exit_at_once = -1;
	list_init(&habit->link);
	list_append(&fake->habits, &habit->link);
	return habit;
}

void fake_happens(struct fake_runtime *fake, enum runtime_event event, const char *id)
{
	struct happening *happening = MEM_NEW(struct happening);

	happening->event = event;
	snprintf(happening->id, sizeof(happening->id), "%s", id);
	list_init(&happening->link);
	list_append(&fake->happenings, &happening->link);
}

void fake_end_container(struct fake_runtime *fake, struct fake_container *container, int code)
{
	if (container->state != RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING) {
		return;
	}
	container->state = RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED;
	container->exit_code = code;
	container->lag = fake->lag;
	container->finished_at = clock_wall(fake->clock);
	container->exits_at = 0;
	fake_happens(fake, RUNTIME_EXITED, container->id);
}

/* ---- calls ---- */

static void fake_call(struct runtime *runtime, enum runtime_method method,
		      const ProtobufCMessage *request, uint64_t timeout, grpc_done_fn done,
		      void *userdata)
{
	struct connection *connection = container_of(runtime, struct connection, runtime);
	struct fake_runtime *fake = connection->fake;
	struct answer *answer = MEM_NEW(struct answer);

	answer->connection = connection;
	answer->done = done;
	answer->userdata = userdata;
	answer->due = clock_monotonic(fake->clock);
	fake_carry_out(fake, method, request, answer);
	list_init(&answer->link);
	list_append(&fake->answers, &answer->link);
}

static void deliver(struct answer *answer)
{
	struct grpc_outcome outcome = { .code = answer->code, .message = answer->message };
	ProtobufCMessage *message = NULL;

	list_unlink(&answer->link);
	if (answer->code == GRPC_OK) {
		message = protobuf_c_message_unpack(answer->type, NULL, answer->n, answer->packed);
		assert(message != NULL);
	}
	answer->done(answer->userdata, &outcome, message);
	if (message != NULL) {
		protobuf_c_message_free_unpacked(message, NULL);
	}
	mem_free(answer->packed);
	mem_free(answer);
}

static void fake_listen(struct runtime *runtime, const struct runtime_sink *sink, void *userdata)
{
	struct connection *connection = container_of(runtime, struct connection, runtime);

	connection->sink = sink;
	connection->userdata = userdata;
}

static void fail_all(struct fake_runtime *fake)
{
	list_for_each (answer, &fake->answers, struct answer, link) {
		fake_answer_failure(answer, GRPC_UNAVAILABLE, "connection lost");
		answer->due = 0;
	}
}

static void fake_free(struct runtime *runtime)
{
	struct connection *connection = container_of(runtime, struct connection, runtime);
	struct fake_runtime *fake = connection->fake;

	fail_all(fake);
	while (!list_is_empty(&fake->answers)) {
		deliver(list_entry(fake->answers.next, struct answer, link));
	}
	fake->connection = NULL;
	mem_free(connection);
}

static const struct runtime_ops ops = {
	.call = fake_call,
	.listen = fake_listen,
	.free = fake_free,
};

struct fake_runtime *fake_runtime_new(const struct clock *clock)
{
	struct fake_runtime *fake = MEM_NEW(struct fake_runtime);

	fake->clock = clock;
	fake->images = "";
	fake->pulls = true;
	fake->connected = true;
	list_init(&fake->sandboxes);
	list_init(&fake->containers);
	list_init(&fake->answers);
	list_init(&fake->happenings);
	list_init(&fake->habits);
	buffer_init(&fake->stops, FAKE_TEXT);
	return fake;
}

static void drop_happenings(struct fake_runtime *fake)
{
	list_for_each (happening, &fake->happenings, struct happening, link) {
		list_unlink(&happening->link);
		mem_free(happening);
	}
}

struct fake_runtime *fake_runtime_free(struct fake_runtime *fake)
{
	assert(fake->connection == NULL);
	drop_happenings(fake);
	list_for_each (container, &fake->containers, struct fake_container, link) {
		fake_container_free(container);
	}
	list_for_each (sandbox, &fake->sandboxes, struct fake_sandbox, link) {
		list_unlink(&sandbox->link);
		mem_free(sandbox);
	}
	list_for_each (habit, &fake->habits, struct habit, link) {
		list_unlink(&habit->link);
		mem_free(habit);
	}
	buffer_deinit(&fake->stops);
	mem_free(fake->log);
	return mem_free(fake);
}

struct runtime *fake_runtime_open(struct fake_runtime *fake)
{
	struct connection *connection = MEM_NEW(struct connection);

	assert(fake->connection == NULL);
	connection->runtime.ops = &ops;
	connection->fake = fake;
	fake->connection = connection;
	drop_happenings(fake);
	return &connection->runtime;
}

/* Containers whose time to stop is over. */
static void run_clock(struct fake_runtime *fake)
{
	uint64_t now = clock_monotonic(fake->clock);

	list_for_each (container, &fake->containers, struct fake_container, link) {
		if (container->exits_at != 0 && container->exits_at <= now) {
			fake_end_container(fake, container, 137);
		}
	}
}

static bool tell_connection(struct fake_runtime *fake)
{
	struct connection *connection = fake->connection;

	if (connection == NULL || connection->sink == NULL || connection->told == fake->connected) {
		return false;
	}
	connection->told = fake->connected;
	connection->sink->connected(connection->userdata, fake->connected);
	return true;
}

bool fake_runtime_step(struct fake_runtime *fake)
{
	uint64_t now = clock_monotonic(fake->clock);
	struct happening *happening;
	struct connection *connection = fake->connection;

	run_clock(fake);
	if (connection == NULL || tell_connection(fake)) {
		return connection != NULL;
	}
	if (!list_is_empty(&fake->happenings) && connection->sink != NULL && connection->told) {
		happening = list_entry(fake->happenings.next, struct happening, link);
		list_unlink(&happening->link);
		connection->sink->happened(connection->userdata, happening->event, happening->id);
		mem_free(happening);
		return true;
	}
	list_for_each (answer, &fake->answers, struct answer, link) {
		if (answer->due <= now) {
			deliver(answer);
			return true;
		}
	}
	return false;
}

uint64_t fake_runtime_next_due(const struct fake_runtime *fake)
{
	uint64_t next = UINT64_MAX;

	list_for_each (answer, &fake->answers, struct answer, link) {
		next = answer->due < next ? answer->due : next;
	}
	return next;
}

/* ---- what goes wrong, what happens ---- */

void fake_runtime_fail(struct fake_runtime *fake, enum runtime_method method, size_t n,
		       enum grpc_code code, const char *message)
{
	fake->fail[method] = n;
	fake->fail_code[method] = code;
	snprintf(fake->fail_message[method], sizeof(fake->fail_message[method]), "%s", message);
}

void fake_runtime_lose(struct fake_runtime *fake, enum runtime_method method)
{
	fake->lose[method] = true;
}

void fake_runtime_connect(struct fake_runtime *fake, bool connected)
{
	fake->connected = connected;
	if (!connected) {
		fail_all(fake);
		drop_happenings(fake);
	}
}

void fake_runtime_exit(struct fake_runtime *fake, const char *container, int code)
{
	fake_end_container(fake, newest(fake, container), code);
}

void fake_runtime_out_of_memory(struct fake_runtime *fake, const char *container)
{
	struct fake_container *found = newest(fake, container);

	found->out_of_memory = true;
	fake_happens(fake, RUNTIME_OUT_OF_MEMORY, found->id);
	fake_end_container(fake, found, 137);
}

void fake_runtime_exit_at_once(struct fake_runtime *fake, const char *container, int code)
{
	fake_habit(fake, container)->exit_at_once = code;
}

void fake_runtime_stubborn(struct fake_runtime *fake, const char *container, uint64_t ns)
{
	fake_habit(fake, container)->takes = ns;
}

void fake_runtime_kill_sandbox(struct fake_runtime *fake, const char *pod)
{
	list_for_each (sandbox, &fake->sandboxes, struct fake_sandbox, link) {
		if (strcmp(sandbox->name, pod) == 0 && sandbox->ready) {
			sandbox->ready = false;
			fake_happens(fake, RUNTIME_EXITED, sandbox->id);
		}
	}
}

void fake_runtime_lag(struct fake_runtime *fake, unsigned looks)
{
	fake->lag = looks;
}

void fake_runtime_commands(struct fake_runtime *fake, int exit_code, uint64_t takes)
{
	fake->command_code = exit_code;
	fake->command_takes = takes;
}

void fake_runtime_log(struct fake_runtime *fake, const char *path)
{
	mem_free(fake->log);
	fake->log = mem_strdup(path);
}

void fake_runtime_images(struct fake_runtime *fake, const char *prefix)
{
	fake->images = prefix;
}

void fake_runtime_loaded(struct fake_runtime *fake, bool by_hand)
{
	fake->loaded = by_hand;
}

void fake_runtime_pulls(struct fake_runtime *fake, bool work)
{
	fake->pulls = work;
}

/* ---- looking ---- */

size_t fake_runtime_sandboxes(const struct fake_runtime *fake, bool ready_only)
{
	size_t n = 0;

	list_for_each (sandbox, &fake->sandboxes, struct fake_sandbox, link) {
		n += sandbox->ready || !ready_only ? 1 : 0;
	}
	return n;
}

size_t fake_runtime_running(const struct fake_runtime *fake, const char *name)
{
	size_t n = 0;

	list_for_each (container, &fake->containers, struct fake_container, link) {
		n += strcmp(container->name, name) == 0 &&
				     container->state ==
					     RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING
			     ? 1
			     : 0;
	}
	return n;
}

size_t fake_runtime_count(const struct fake_runtime *fake, const char *name)
{
	size_t n = 0;

	list_for_each (container, &fake->containers, struct fake_container, link) {
		n += strcmp(container->name, name) == 0 ? 1 : 0;
	}
	return n;
}

size_t fake_runtime_calls(const struct fake_runtime *fake, enum runtime_method method)
{
	return fake->calls[method];
}

const char *fake_runtime_stops(struct fake_runtime *fake)
{
	return buffer_text(&fake->stops);
}

int64_t fake_runtime_last_timeout(const struct fake_runtime *fake)
{
	return fake->last_timeout;
}
