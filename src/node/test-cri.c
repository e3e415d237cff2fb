/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime against a containerd of the test's own, which does what it is told to. */
#include "node/runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "rpc/containerd.pb-c.h"
#include "rpc/fake_server.h"

#define EVENTS "/containerd.services.events.v1.Events/"

struct seen {
	struct loop *loop;
	struct runtime *runtime;
	struct fake_server *server;
	char folder[64];
	char *socket;
	/* The server's side. */
	struct fake_call *subscription; /* NULL: not in effect */
	struct fake_call *late; /* a subscription that is not in effect yet */
	bool subscribe_late;
	size_t hellos;
	size_t status_refused; /* how often it is still to be */
	char filters[1024];
	/* The client's side. */
	size_t connected;
	size_t lost;
	size_t told;
	enum runtime_event event;
	char id[64];
	size_t done;
	int code;
};

static void send_event(struct seen *seen, const char *space, const char *topic, const void *bytes,
		       size_t n)
{
	Containerd__Envelope envelope = CONTAINERD__ENVELOPE__INIT;
	Containerd__Any any = CONTAINERD__ANY__INIT;
	uint8_t packed[512];

	envelope.namespace_ = (char *)space;
	envelope.topic = (char *)topic;
	envelope.event = &any;
	any.value = (ProtobufCBinaryData){ .data = (uint8_t *)bytes, .len = n };
	n = containerd__envelope__pack(&envelope, packed);
	fake_call_send(seen->subscription, (struct str){ .p = (const char *)packed, .n = n });
}

static void send_exit(struct seen *seen, const char *space, const char *container, const char *id)
{
	Containerd__TaskExit event = CONTAINERD__TASK_EXIT__INIT;
	uint8_t packed[256];

	event.container_id = (char *)container;
	event.id = (char *)id;
	event.exit_status = 1;
	send_event(seen, space, "/tasks/exit", packed, containerd__task_exit__pack(&event, packed));
}

static void on_subscribe(struct seen *seen, struct fake_call *call)
{
	struct str message = fake_call_message(call);
	Containerd__SubscribeRequest *request =
		containerd__subscribe_request__unpack(NULL, message.n, (const uint8_t *)message.p);

	assert_non_null(request);
	assert_non_null(strstr(fake_call_headers(call), "containerd-namespace: k8s.io\n"));
	seen->filters[0] = '\0';
	for (size_t i = 0; i < request->n_filters; i++) {
		strncat(seen->filters, request->filters[i],
			sizeof(seen->filters) - strlen(seen->filters) - 1);
	}
	containerd__subscribe_request__free_unpacked(request, NULL);
	if (seen->subscribe_late) {
		seen->late = call;
	} else {
		seen->subscription = call;
	}
}

static void on_publish(struct seen *seen, struct fake_call *call)
{
	struct str message = fake_call_message(call);
	Containerd__PublishRequest *request =
		containerd__publish_request__unpack(NULL, message.n, (const uint8_t *)message.p);

	assert_non_null(request);
	fake_call_send(call, STR_NONE);
	fake_call_end(call, 0, NULL);
	seen->hellos++;
	if (seen->subscription != NULL) {
		send_event(seen, "k8s.io", request->topic, request->event->value.data,
			   request->event->value.len);
	}
	containerd__publish_request__free_unpacked(request, NULL);
}

static void on_called(void *userdata, struct fake_call *call)
{
	struct seen *seen = userdata;
	const char *path = fake_call_path(call);

	if (strcmp(path, EVENTS "Subscribe") == 0) {
		on_subscribe(seen, call);
	} else if (strcmp(path, EVENTS "Publish") == 0) {
		on_publish(seen, call);
	} else if (strcmp(path, "/runtime.v1.RuntimeService/Status") == 0 &&
		   seen->status_refused != 0) {
		seen->status_refused--;
		fake_call_end(call, GRPC_UNKNOWN, "server is not initialized yet");
	} else if (strcmp(path, "/runtime.v1.RuntimeService/StopContainer") == 0) {
		return; /* takes its time */
	} else {
		fake_call_send(call, STR_NONE);
		fake_call_end(call, 0, NULL);
	}
}

static void on_happened(void *userdata, enum runtime_event event, const char *id)
{
	struct seen *seen = userdata;

	seen->told++;
	seen->event = event;
	snprintf(seen->id, sizeof(seen->id), "%s", id);
}

static void on_connected(void *userdata, bool connected)
{
	struct seen *seen = userdata;

	if (connected) {
		seen->connected++;
	} else {
		seen->lost++;
	}
}

static const struct runtime_sink sink = { .happened = on_happened, .connected = on_connected };

static int begin(void **state)
{
	struct seen *seen = MEM_NEW(struct seen);

	log_set_level(LOG_ERROR);
	snprintf(seen->folder, sizeof(seen->folder), "/tmp/test-cri-XXXXXX");
	assert_non_null(mkdtemp(seen->folder));
	seen->socket = mem_printf("%s/socket", seen->folder);
	assert_int_equal(loop_new(&seen->loop), 0);
	assert_int_equal(cri_new(seen->loop, seen->socket, &seen->runtime), 0);
	*state = seen;
	return 0;
}

static int end(void **state)
{
	struct seen *seen = *state;

	runtime_free(seen->runtime);
	fake_server_free(seen->server);
	loop_free(seen->loop);
	unlink(seen->socket);
	rmdir(seen->folder);
	mem_free(seen->socket);
	mem_free(seen);
	return 0;
}

static void serve(struct seen *seen)
{
	seen->server = fake_server_new(seen->loop, seen->socket, on_called, seen);
}

static void until(struct seen *seen, const size_t *count, size_t wanted)
{
	uint64_t limit = clock_monotonic(&clock_system) + 60 * NS_PER_S;

	while (*count < wanted && clock_monotonic(&clock_system) < limit) {
		loop_run_once(seen->loop);
	}
	assert_true(*count >= wanted);
}

static void connect_to_server(struct seen *seen)
{
	serve(seen);
	runtime_listen(seen->runtime, &sink, seen);
	until(seen, &seen->connected, 1);
}

static void what_happens_to_containers_is_told(void **state)
{
	struct seen *seen = *state;
	Containerd__TaskStart started = CONTAINERD__TASK_START__INIT;
	Containerd__TaskOOM oom = CONTAINERD__TASK_OOM__INIT;
	uint8_t packed[256];

	connect_to_server(seen);
	assert_non_null(strstr(seen->filters, "namespace==k8s.io,topic==\"/tasks/exit\""));
	started.container_id = (char *)"one";
	send_event(seen, "k8s.io", "/tasks/start", packed,
		   containerd__task_start__pack(&started, packed));
	until(seen, &seen->told, 1);
	assert_int_equal(seen->event, RUNTIME_STARTED);
	assert_string_equal(seen->id, "one");
	oom.container_id = (char *)"two";
	send_event(seen, "k8s.io", "/tasks/oom", packed, containerd__task_oom__pack(&oom, packed));
	until(seen, &seen->told, 2);
	assert_int_equal(seen->event, RUNTIME_OUT_OF_MEMORY);
	/* The ends of executed commands, of others' containers, and garbage are none. */
	send_exit(seen, "k8s.io", "two", "exec-1");
	send_exit(seen, "moby", "three", "three");
	send_event(seen, "k8s.io", "/tasks/exit", "\xff\xff", 2);
	send_exit(seen, "k8s.io", "two", "two");
	until(seen, &seen->told, 3);
	assert_int_equal(seen->told, 3);
	assert_int_equal(seen->event, RUNTIME_EXITED);
	assert_string_equal(seen->id, "two");
}

static void connected_means_that_events_are_heard(void **state)
{
	struct seen *seen = *state;

	/* The subscription comes into effect after three hellos. */
	seen->subscribe_late = true;
	serve(seen);
	runtime_listen(seen->runtime, &sink, seen);
	until(seen, &seen->hellos, 3);
	assert_int_equal(seen->connected, 0);
	seen->subscription = seen->late;
	send_exit(seen, "k8s.io", "early", "early");
	until(seen, &seen->connected, 1);
	assert_int_equal(seen->told, 0);
	send_exit(seen, "k8s.io", "one", "one");
	until(seen, &seen->told, 1);
	assert_string_equal(seen->id, "one");
}

static void connected_means_that_the_cri_answers(void **state)
{
	struct seen *seen = *state;

	seen->status_refused = 2;
	connect_to_server(seen);
	assert_int_equal(seen->status_refused, 0);
}

static void a_runtime_that_comes_back_is_found(void **state)
{
	struct seen *seen = *state;

	runtime_listen(seen->runtime, &sink, seen); /* nobody is there yet */
	for (int i = 0; i < 100; i++) {
		loop_run_once(seen->loop);
	}
	serve(seen);
	until(seen, &seen->connected, 1);
	for (size_t i = 1; i <= 3; i++) {
		seen->subscription = NULL;
		seen->server = fake_server_free(seen->server);
		until(seen, &seen->lost, i);
		serve(seen);
		until(seen, &seen->connected, i + 1);
	}
	send_exit(seen, "k8s.io", "one", "one");
	until(seen, &seen->told, 1);
	assert_int_equal(seen->lost, 3);
}

static void on_done(void *userdata, const struct grpc_outcome *outcome,
		    const ProtobufCMessage *answer)
{
	struct seen *seen = userdata;

	seen->done++;
	seen->code = outcome->code;
}

static void every_method_has_its_path_and_calls_end_with_the_runtime(void **state)
{
	struct seen *seen = *state;
	Runtime__V1__StopContainerRequest stop = RUNTIME__V1__STOP_CONTAINER_REQUEST__INIT;
	Runtime__V1__Nothing nothing = RUNTIME__V1__NOTHING__INIT;

	serve(seen);
	for (int method = 0; method < RUNTIME_N_METHODS; method++) {
		if (method != RUNTIME_STOP_CONTAINER) {
			runtime_call(seen->runtime, (enum runtime_method)method, &nothing.base,
				     60 * NS_PER_S, on_done, seen);
			until(seen, &seen->done, seen->done + 1);
			assert_int_equal(seen->code, GRPC_OK);
		}
	}
	stop.container_id = (char *)"one";
	runtime_call(seen->runtime, RUNTIME_STOP_CONTAINER, &stop.base, 0, on_done, seen);
	runtime_listen(seen->runtime, &sink, seen);
	until(seen, &seen->connected, 1);
	seen->runtime = runtime_free(seen->runtime);
	assert_int_equal(seen->done, RUNTIME_N_METHODS);
	assert_int_equal(seen->code, GRPC_UNAVAILABLE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_happens_to_containers_is_told),
		TEST(connected_means_that_events_are_heard),
		TEST(connected_means_that_the_cri_answers),
		TEST(a_runtime_that_comes_back_is_found),
		TEST(every_method_has_its_path_and_calls_end_with_the_runtime),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
