/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our containerd, for real: test-containerd DATA RUN DEMO_IMAGES, as root in network and mount
 * namespaces of its own. tests/e2e/test_containerd.py makes those and cleans up behind it.
 */
#include "node/containerd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "node/runtime.h"

#define CGROUP "/headlessd-test"

static const char *const networks[] = { "10.244.7.0/24", "fd00:10:244:7::/64", NULL };
static const char *data_dir;
static const char *run_dir;
static const char *demo_images;

struct world {
	struct loop *loop;
	struct containerd *containerd;
	struct runtime *runtime;
	size_t connected;
	size_t lost;
	char exited[80]; /* whose end is waited for */
	size_t exits;
	/* The call under way. */
	bool done;
	struct grpc_outcome outcome;
	char message[512];
	ProtobufCMessage *answer;
};

static void on_happened(void *userdata, enum runtime_event event, const char *id)
{
	struct world *world = userdata;

	if (event == RUNTIME_EXITED && strcmp(id, world->exited) == 0) {
		world->exits++;
	}
}

static void on_connected(void *userdata, bool connected)
{
	struct world *world = userdata;

	world->connected += connected ? 1 : 0;
	world->lost += connected ? 0 : 1;
}

static const struct runtime_sink sink = { .happened = on_happened, .connected = on_connected };

static void until(struct world *world, const size_t *count, size_t wanted)
{
	uint64_t limit = clock_monotonic(&clock_system) + 120 * NS_PER_S;

	while (*count < wanted && clock_monotonic(&clock_system) < limit) {
		loop_run_once(world->loop);
		usleep(1000);
	}
	assert_true(*count >= wanted);
}

static void on_done(void *userdata, const struct grpc_outcome *outcome,
		    const ProtobufCMessage *answer)
{
	struct world *world = userdata;

	world->done = true;
	world->outcome.code = outcome->code;
	snprintf(world->message, sizeof(world->message), "%s", outcome->message);
	if (answer != NULL) {
		size_t n = protobuf_c_message_get_packed_size(answer);
		_cleanup_free_ uint8_t *bytes = mem_alloc(n + 1);

		protobuf_c_message_pack(answer, bytes);
		world->answer = protobuf_c_message_unpack(answer->descriptor, NULL, n, bytes);
	}
}

/* A call that must succeed; its answer is the caller's. */
static void *call(struct world *world, enum runtime_method method, const ProtobufCMessage *request)
{
	world->done = false;
	world->answer = NULL;
	runtime_call(world->runtime, method, request, 120 * NS_PER_S, on_done, world);
	while (!world->done) {
		loop_run_once(world->loop);
		usleep(1000);
	}
	if (world->outcome.code != GRPC_OK) {
		print_error("method %d: %d %s\n", method, world->outcome.code, world->message);
	}
	assert_int_equal(world->outcome.code, GRPC_OK);
	return world->answer;
}

static void drop(void *message)
{
	protobuf_c_message_free_unpacked(message, NULL);
}

static pid_t pid_at(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
	close(fd);
	return peer.pid;
}

static void begin(struct world *world)
{
	const struct containerd_config config = { .data_dir = data_dir, .run_dir = run_dir };
	char message[CONTAINERD_MESSAGE] = "";

	assert_int_equal(loop_new(&world->loop), 0);
	if (containerd_new(world->loop, &config, message, &world->containerd) < 0) {
		fail_msg("%s", message);
	}
	assert_int_equal(containerd_set_network(world->containerd, networks, 0), 0);
	assert_int_equal(
		cri_new(world->loop, containerd_socket(world->containerd), &world->runtime), 0);
	runtime_listen(world->runtime, &sink, world);
	until(world, &world->connected, 1);
}

/* ---- pods ---- */

struct pod {
	char sandbox[80];
	Runtime__V1__PodSandboxMetadata metadata;
	Runtime__V1__LinuxPodSandboxConfig on_linux;
	Runtime__V1__PodSandboxConfig config;
	char logs[256];
};

static void run_pod(struct world *world, struct pod *pod, const char *name)
{
	Runtime__V1__RunPodSandboxRequest request = RUNTIME__V1__RUN_POD_SANDBOX_REQUEST__INIT;
	Runtime__V1__RunPodSandboxResponse *answer;

	runtime__v1__pod_sandbox_metadata__init(&pod->metadata);
	runtime__v1__linux_pod_sandbox_config__init(&pod->on_linux);
	runtime__v1__pod_sandbox_config__init(&pod->config);
	snprintf(pod->logs, sizeof(pod->logs), "%s/logs", data_dir);
	pod->metadata.name = pod->metadata.uid = (char *)name;
	pod->metadata.namespace_ = (char *)"default";
	pod->on_linux.cgroup_parent = (char *)CGROUP;
	pod->config.metadata = &pod->metadata;
	pod->config.on_linux = &pod->on_linux;
	pod->config.hostname = (char *)name;
	pod->config.log_directory = pod->logs;
	request.config = &pod->config;
	answer = call(world, RUNTIME_RUN_POD_SANDBOX, &request.base);
	snprintf(pod->sandbox, sizeof(pod->sandbox), "%s", answer->pod_sandbox_id);
	drop(answer);
}

/* `command` NULL: the image's own. */
static void start_container(struct world *world, struct pod *pod, const char *name,
			    const char *image, const char *command, char ret_id[80])
{
	Runtime__V1__CreateContainerRequest request = RUNTIME__V1__CREATE_CONTAINER_REQUEST__INIT;
	Runtime__V1__StartContainerRequest start = RUNTIME__V1__START_CONTAINER_REQUEST__INIT;
	Runtime__V1__ContainerConfig config = RUNTIME__V1__CONTAINER_CONFIG__INIT;
	Runtime__V1__ContainerMetadata metadata = RUNTIME__V1__CONTAINER_METADATA__INIT;
	Runtime__V1__ImageSpec spec = RUNTIME__V1__IMAGE_SPEC__INIT;
	Runtime__V1__CreateContainerResponse *answer;
	char *words[] = { (char *)"sh", (char *)"-c", (char *)command };
	_cleanup_free_ char *log = mem_printf("%s.log", name);

	metadata.name = (char *)name;
	spec.image = (char *)image;
	config.metadata = &metadata;
	config.image = &spec;
	config.command = words;
	config.n_command = command != NULL ? 3 : 0;
	config.log_path = log;
	request.pod_sandbox_id = pod->sandbox;
	request.config = &config;
	request.sandbox_config = &pod->config;
	answer = call(world, RUNTIME_CREATE_CONTAINER, &request.base);
	snprintf(ret_id, 80, "%s", answer->container_id);
	drop(answer);
	snprintf(world->exited, sizeof(world->exited), "%s", ret_id);
	start.container_id = ret_id;
	drop(call(world, RUNTIME_START_CONTAINER, &start.base));
}

static Runtime__V1__ContainerStatusResponse *status_of(struct world *world, char *id)
{
	Runtime__V1__ContainerStatusRequest request = RUNTIME__V1__CONTAINER_STATUS_REQUEST__INIT;

	request.container_id = id;
	return call(world, RUNTIME_CONTAINER_STATUS, &request.base);
}

/* Its standard output; what fails is tried again, as programs need a moment to listen. */
static void execute(struct world *world, char *id, const char *command, const char *wanted)
{
	Runtime__V1__ExecSyncRequest request = RUNTIME__V1__EXEC_SYNC_REQUEST__INIT;
	char *words[] = { (char *)"sh", (char *)"-c", (char *)command };
	uint64_t limit = clock_monotonic(&clock_system) + 60 * NS_PER_S;
	bool found = false;

	request.container_id = id;
	request.cmd = words;
	request.n_cmd = 3;
	request.timeout = 30;
	while (!found) {
		Runtime__V1__ExecSyncResponse *answer =
			call(world, RUNTIME_EXEC_SYNC, &request.base);

		found = answer->exit_code == 0 && memmem(answer->stdout.data, answer->stdout.len,
							 wanted, strlen(wanted)) != NULL;
		if (!found && clock_monotonic(&clock_system) > limit) {
			fail_msg("%s: %.*s %.*s", command, (int)answer->stdout.len,
				 answer->stdout.data, (int)answer->stderr.len, answer->stderr.data);
		}
		drop(answer);
	}
}

static void remove_pod(struct world *world, struct pod *pod)
{
	Runtime__V1__StopPodSandboxRequest stop = RUNTIME__V1__STOP_POD_SANDBOX_REQUEST__INIT;
	Runtime__V1__RemovePodSandboxRequest removal =
		RUNTIME__V1__REMOVE_POD_SANDBOX_REQUEST__INIT;

	stop.pod_sandbox_id = removal.pod_sandbox_id = pod->sandbox;
	drop(call(world, RUNTIME_STOP_POD_SANDBOX, &stop.base));
	drop(call(world, RUNTIME_STOP_POD_SANDBOX, &stop.base)); /* idempotent */
	drop(call(world, RUNTIME_REMOVE_POD_SANDBOX, &removal.base));
}

/* ---- what is claimed ---- */

/* In a process that ends without a word, as one that is killed. */
static pid_t leave_a_containerd(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct world world = { 0 };

		begin(&world);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return pid;
}

static void check_addresses(struct world *world, struct pod *pod, char ret_ip[64])
{
	Runtime__V1__PodSandboxStatusRequest request =
		RUNTIME__V1__POD_SANDBOX_STATUS_REQUEST__INIT;
	Runtime__V1__PodSandboxStatusResponse *answer;

	request.pod_sandbox_id = pod->sandbox;
	answer = call(world, RUNTIME_POD_SANDBOX_STATUS, &request.base);
	assert_non_null(strstr(answer->status->network->ip, "10.244.7."));
	assert_int_equal(answer->status->network->n_additional_ips, 1);
	assert_non_null(strstr(answer->status->network->additional_ips[0]->ip, "fd00:10:244:7::"));
	snprintf(ret_ip, 64, "%s", answer->status->network->ip);
	drop(answer);
}

static void check_end_is_told(struct world *world, struct pod *pod)
{
	Runtime__V1__ContainerStatusResponse *status;
	char id[80];

	start_container(world, pod, "short", "docker.io/library/busybox:1.28", "exit 3", id);
	until(world, &world->exits, 1);
	do {
		status = status_of(world, id);
		if (status->status->state != RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED) {
			drop(status);
			status = NULL;
		}
	} while (status == NULL);
	assert_int_equal(status->status->exit_code, 3);
	drop(status);
}

/* kill -9 of containerd: another serves, and the container has not noticed. */
static void check_survival(struct world *world, char *container)
{
	Runtime__V1__ContainerStatusResponse *before = status_of(world, container);
	Runtime__V1__ContainerStatusResponse *after;
	size_t connected = world->connected;
	pid_t pid = pid_at(containerd_socket(world->containerd));

	kill(pid, SIGKILL);
	until(world, &world->connected, connected + 1);
	assert_true(world->lost >= connected);
	assert_int_not_equal(pid_at(containerd_socket(world->containerd)), pid);
	after = status_of(world, container);
	assert_int_equal(after->status->state, RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING);
	assert_int_equal(after->status->started_at, before->status->started_at);
	drop(before);
	drop(after);
}

static void pods_run_and_outlive_their_containerd(void **state)
{
	struct world world = { 0 };
	_cleanup_free_ char *command = NULL;
	_cleanup_free_ char *fetch = NULL;
	struct pod web;
	struct pod client;
	char web_ip[64];
	char nginx[80];
	char shell[80];
	pid_t pid;

	leave_a_containerd();
	command = mem_printf("%s/containerd.sock", run_dir);
	pid = pid_at(command);
	begin(&world);
	assert_int_equal(pid_at(containerd_socket(world.containerd)), pid); /* taken over */
	mem_free(command);
	command = mem_printf("%s --address %s", demo_images, containerd_socket(world.containerd));
	assert_int_equal(system(command), 0);

	run_pod(&world, &web, "web");
	run_pod(&world, &client, "client");
	check_addresses(&world, &web, web_ip);
	start_container(&world, &web, "nginx", "docker.io/library/nginx:alpine", NULL, nginx);
	start_container(&world, &client, "shell", "docker.io/giantswarm/tiny-tools:latest",
			"sleep 10000", shell);
	fetch = mem_printf("curl -sS http://%s && wget -qO- %s", web_ip, web_ip);
	execute(&world, shell, "dig -v 2>&1 && nslookup -version 2>&1", "nslookup 9");
	execute(&world, shell, fetch, "Welcome to nginx!");
	check_end_is_told(&world, &client);
	check_survival(&world, shell); /* of the one that was taken over */
	check_survival(&world, nginx); /* of our own child */
	execute(&world, shell, fetch, "Welcome to nginx!");
	remove_pod(&world, &web);
	remove_pod(&world, &client);

	runtime_free(world.runtime);
	containerd_free(world.containerd);
	loop_free(world.loop);
	/* The bridge has no ports any more, and no namespace is mounted. */
	assert_int_not_equal(system("ls /sys/class/net/headlessd0/brif/* >/dev/null 2>&1"), 0);
	assert_int_not_equal(system("grep -q /netns/ /proc/self/mounts"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods_run_and_outlive_their_containerd),
	};

	if (argc != 4) {
		fprintf(stderr, "Usage: test-containerd DATA RUN DEMO_IMAGES\n");
		return 2;
	}
	data_dir = argv[1];
	run_dir = argv[2];
	demo_images = argv[3];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
