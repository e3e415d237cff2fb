/* SPDX-License-Identifier: Apache-2.0 */
/* What each call does to the sandboxes and containers of a fake runtime. */
#include "node/fake_intern.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

static struct fake_sandbox *find_sandbox(struct fake_runtime *fake, const char *id)
{
	list_for_each (sandbox, &fake->sandboxes, struct fake_sandbox, link) {
		if (strcmp(sandbox->id, id) == 0) {
			return sandbox;
		}
	}
	return NULL;
}

/* ---- answers ---- */

static const ProtobufCMessageDescriptor *const nothing = &runtime__v1__nothing__descriptor;

static void answer_with(struct answer *answer, const ProtobufCMessage *message)
{
	answer->type = message->descriptor;
	answer->n = protobuf_c_message_get_packed_size(message);
	answer->packed = mem_alloc(answer->n + 1);
	protobuf_c_message_pack(message, answer->packed);
}

static void answer_nothing(struct answer *answer)
{
	answer->type = nothing;
	answer->packed = mem_alloc(1);
}

void fake_answer_failure(struct answer *answer, enum grpc_code code, const char *message)
{
	answer->code = code;
	snprintf(answer->message, sizeof(answer->message), "%s", message);
}

static void answer_missing(struct answer *answer)
{
	fake_answer_failure(answer, GRPC_NOT_FOUND, "not found");
}

/* ---- sandboxes ---- */

static void run_sandbox(struct fake_runtime *fake, const ProtobufCMessage *message,
			struct answer *answer)
{
	const Runtime__V1__RunPodSandboxRequest *request =
		(const Runtime__V1__RunPodSandboxRequest *)message;
	const Runtime__V1__PodSandboxMetadata *metadata = request->config->metadata;
	Runtime__V1__RunPodSandboxResponse made = RUNTIME__V1__RUN_POD_SANDBOX_RESPONSE__INIT;
	struct fake_sandbox *sandbox = MEM_NEW(struct fake_sandbox);

	sandbox->number = ++fake->ids;
	snprintf(sandbox->id, sizeof(sandbox->id), "sandbox%u", sandbox->number);
	snprintf(sandbox->name, sizeof(sandbox->name), "%s", metadata->name);
	snprintf(sandbox->uid, sizeof(sandbox->uid), "%s", metadata->uid);
	snprintf(sandbox->space, sizeof(sandbox->space), "%s", metadata->namespace_);
	sandbox->attempt = metadata->attempt;
	sandbox->ready = true;
	sandbox->created_at = clock_wall(fake->clock);
	list_init(&sandbox->link);
	list_append(&fake->sandboxes, &sandbox->link);
	made.pod_sandbox_id = sandbox->id;
	answer_with(answer, &made.base);
}

static void stop_sandbox(struct fake_runtime *fake, const ProtobufCMessage *message,
			 struct answer *answer)
{
	struct fake_sandbox *sandbox =
		find_sandbox(fake,
			     ((const Runtime__V1__StopPodSandboxRequest *)message)->pod_sandbox_id);

	if (sandbox != NULL) {
		sandbox->ready = false;
		list_for_each (container, &fake->containers, struct fake_container, link) {
			if (strcmp(container->sandbox, sandbox->id) == 0) {
				fake_end_container(fake, container, 137);
			}
		}
	}
	answer_nothing(answer);
}

void fake_container_free(struct fake_container *container)
{
	list_unlink(&container->link);
	for (size_t i = 0; i < ENTRIES; i++) {
		mem_free(container->labels[i].key);
		mem_free(container->labels[i].value);
		mem_free(container->annotations[i].key);
		mem_free(container->annotations[i].value);
	}
	mem_free(container);
}

static void remove_sandbox(struct fake_runtime *fake, const ProtobufCMessage *message,
			   struct answer *answer)
{
	struct fake_sandbox *sandbox = find_sandbox(
		fake, ((const Runtime__V1__RemovePodSandboxRequest *)message)->pod_sandbox_id);

	if (sandbox != NULL) {
		list_for_each (container, &fake->containers, struct fake_container, link) {
			if (strcmp(container->sandbox, sandbox->id) == 0) {
				fake_container_free(container);
			}
		}
		list_unlink(&sandbox->link);
		mem_free(sandbox);
	}
	answer_nothing(answer);
}

static void sandbox_status(struct fake_runtime *fake, const ProtobufCMessage *message,
			   struct answer *answer)
{
	Runtime__V1__PodSandboxStatusResponse response =
		RUNTIME__V1__POD_SANDBOX_STATUS_RESPONSE__INIT;
	Runtime__V1__PodSandboxStatus status = RUNTIME__V1__POD_SANDBOX_STATUS__INIT;
	Runtime__V1__PodSandboxNetworkStatus network =
		RUNTIME__V1__POD_SANDBOX_NETWORK_STATUS__INIT;
	struct fake_sandbox *sandbox = find_sandbox(
		fake, ((const Runtime__V1__PodSandboxStatusRequest *)message)->pod_sandbox_id);
	char ip[32];

	if (sandbox == NULL) {
		answer_missing(answer);
		return;
	}
	snprintf(ip, sizeof(ip), "10.244.0.%u", sandbox->number % 250 + 2);
	network.ip = ip;
	status.id = sandbox->id;
	status.state = sandbox->ready ? RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_READY
				      : RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_NOTREADY;
	status.network = &network;
	response.status = &status;
	answer_with(answer, &response.base);
}

static const char *wanted_uid(Runtime__V1__Entry *const *labels, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(labels[i]->key, "io.kubernetes.pod.uid") == 0) {
			return labels[i]->value;
		}
	}
	return NULL;
}

static void list_sandboxes(struct fake_runtime *fake, const ProtobufCMessage *message,
			   struct answer *answer)
{
	const Runtime__V1__PodSandboxFilter *filter =
		((const Runtime__V1__ListPodSandboxRequest *)message)->filter;
	const char *uid = filter != NULL
				  ? wanted_uid(filter->label_selector, filter->n_label_selector)
				  : NULL;
	Runtime__V1__ListPodSandboxResponse response = RUNTIME__V1__LIST_POD_SANDBOX_RESPONSE__INIT;
	Runtime__V1__PodSandbox *items[64];
	Runtime__V1__PodSandbox rows[64];
	Runtime__V1__PodSandboxMetadata metadata[64];

	response.items = items;
	list_for_each (sandbox, &fake->sandboxes, struct fake_sandbox, link) {
		size_t i = response.n_items;

		if (uid != NULL && strcmp(sandbox->uid, uid) != 0) {
			continue;
		}
		assert(i < ARRAY_SIZE(rows));
		rows[i] = (Runtime__V1__PodSandbox)RUNTIME__V1__POD_SANDBOX__INIT;
		metadata[i] =
			(Runtime__V1__PodSandboxMetadata)RUNTIME__V1__POD_SANDBOX_METADATA__INIT;
		metadata[i].name = sandbox->name;
		metadata[i].uid = sandbox->uid;
		metadata[i].namespace_ = sandbox->space;
		metadata[i].attempt = sandbox->attempt;
		rows[i].id = sandbox->id;
		rows[i].metadata = &metadata[i];
		rows[i].state = sandbox->ready ? RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_READY
					       : RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_NOTREADY;
		rows[i].created_at = sandbox->created_at;
		items[i] = &rows[i];
		response.n_items++;
	}
	answer_with(answer, &response.base);
}

/* ---- containers ---- */

static size_t copy_entries(Runtime__V1__Entry *const *from, size_t n, struct fake_entry *to)
{
	assert(n <= ENTRIES);
	for (size_t i = 0; i < n; i++) {
		to[i].key = mem_strdup(from[i]->key);
		to[i].value = mem_strdup(from[i]->value);
	}
	return n;
}

static void create_container(struct fake_runtime *fake, const ProtobufCMessage *message,
			     struct answer *answer)
{
	const Runtime__V1__CreateContainerRequest *request =
		(const Runtime__V1__CreateContainerRequest *)message;
	const Runtime__V1__ContainerConfig *config = request->config;
	Runtime__V1__CreateContainerResponse made = RUNTIME__V1__CREATE_CONTAINER_RESPONSE__INIT;
	struct fake_container *container;

	if (find_sandbox(fake, request->pod_sandbox_id) == NULL) {
		answer_missing(answer);
		return;
	}
	container = MEM_NEW(struct fake_container);
	snprintf(container->id, sizeof(container->id), "container%u", ++fake->ids);
	snprintf(container->sandbox, sizeof(container->sandbox), "%s", request->pod_sandbox_id);
	snprintf(container->name, sizeof(container->name), "%s", config->metadata->name);
	snprintf(container->image, sizeof(container->image), "%s", config->image->image);
	container->attempt = config->metadata->attempt;
	container->created_at = clock_wall(fake->clock);
	container->n_labels = copy_entries(config->labels, config->n_labels, container->labels);
	container->n_annotations =
		copy_entries(config->annotations, config->n_annotations, container->annotations);
	list_init(&container->link);
	list_append(&fake->containers, &container->link);
	made.container_id = container->id;
	answer_with(answer, &made.base);
}

static void start_container(struct fake_runtime *fake, const ProtobufCMessage *message,
			    struct answer *answer)
{
	struct fake_container *container = fake_find_container(
		fake, ((const Runtime__V1__StartContainerRequest *)message)->container_id);
	int at_once;

	if (container == NULL) {
		answer_missing(answer);
		return;
	}
	container->state = RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING;
	container->started_at = clock_wall(fake->clock);
	answer_nothing(answer);
	fake_happens(fake, RUNTIME_STARTED, container->id);
	at_once = fake_habit(fake, container->name)->exit_at_once;
	if (at_once >= 0) {
		fake_end_container(fake, container, at_once);
	}
}

static void stop_container(struct fake_runtime *fake, const ProtobufCMessage *message,
			   struct answer *answer)
{
	const Runtime__V1__StopContainerRequest *request =
		(const Runtime__V1__StopContainerRequest *)message;
	struct fake_container *container = fake_find_container(fake, request->container_id);
	uint64_t now = clock_monotonic(fake->clock);
	uint64_t grace = (uint64_t)request->timeout * NS_PER_S;
	uint64_t takes;

	fake->last_timeout = request->timeout;
	answer_nothing(answer);
	if (container == NULL ||
	    container->state != RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING) {
		return;
	}
	buffer_printf(&fake->stops, "%s%s", fake->stops.n > 0 ? "," : "", container->name);
	takes = fake_habit(fake, container->name)->takes;
	if (takes == 0) {
		fake_end_container(fake, container, 0);
		return;
	}
	takes = takes < grace ? takes : grace;
	if (container->exits_at == 0 || now + takes < container->exits_at) {
		container->exits_at = now + takes;
	}
	snprintf(answer->stopping, sizeof(answer->stopping), "%s", container->id);
	answer->due = container->exits_at;
	list_for_each (other, &fake->answers, struct answer, link) {
		if (strcmp(other->stopping, container->id) == 0) {
			other->due = container->exits_at;
		}
	}
}

static void remove_container(struct fake_runtime *fake, const ProtobufCMessage *message,
			     struct answer *answer)
{
	struct fake_container *container = fake_find_container(
		fake, ((const Runtime__V1__RemoveContainerRequest *)message)->container_id);

	if (container != NULL) {
		fake_container_free(container);
	}
	answer_nothing(answer);
}

static void reopen_log(struct fake_runtime *fake, const ProtobufCMessage *message,
		       struct answer *answer)
{
	struct fake_container *container = fake_find_container(
		fake, ((const Runtime__V1__ReopenContainerLogRequest *)message)->container_id);
	int fd;

	if (container == NULL) {
		answer_missing(answer);
		return;
	}
	fd = fake->log != NULL ? open(fake->log, O_CREAT | O_APPEND | O_WRONLY, 0640) : -1;
	if (fd >= 0) {
		close(fd);
	}
	answer_nothing(answer);
}

static void container_status(struct fake_runtime *fake, const ProtobufCMessage *message,
			     struct answer *answer)
{
	Runtime__V1__ContainerStatusResponse response =
		RUNTIME__V1__CONTAINER_STATUS_RESPONSE__INIT;
	Runtime__V1__ContainerStatus status = RUNTIME__V1__CONTAINER_STATUS__INIT;
	Runtime__V1__ContainerMetadata metadata = RUNTIME__V1__CONTAINER_METADATA__INIT;
	Runtime__V1__ImageSpec image = RUNTIME__V1__IMAGE_SPEC__INIT;
	struct fake_container *container = fake_find_container(
		fake, ((const Runtime__V1__ContainerStatusRequest *)message)->container_id);

	if (container == NULL) {
		answer_missing(answer);
		return;
	}
	metadata.name = container->name;
	metadata.attempt = container->attempt;
	image.image = container->image;
	status.id = container->id;
	status.metadata = &metadata;
	status.image = &image;
	status.image_ref = (char *)"sha256:1";
	status.state = container->state;
	status.created_at = container->created_at;
	status.started_at = container->started_at;
	status.finished_at = container->finished_at;
	status.exit_code = container->exit_code;
	status.log_path = fake->log != NULL ? fake->log : (char *)"";
	if (container->lag > 0) {
		container->lag--;
		status.state = RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING;
	}
	if (container->state == RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED) {
		status.reason = (char *)(container->out_of_memory    ? "OOMKilled"
					 : container->exit_code == 0 ? "Completed"
								     : "Error");
	}
	response.status = &status;
	answer_with(answer, &response.base);
}

struct rows {
	Runtime__V1__Container rows[64];
	Runtime__V1__Container *items[64];
	Runtime__V1__ContainerMetadata metadata[64];
	Runtime__V1__ImageSpec images[64];
	Runtime__V1__Entry entries[64][2 * ENTRIES];
	Runtime__V1__Entry *pointers[64][2 * ENTRIES];
};

static Runtime__V1__Entry **point(struct rows *rows, size_t row, size_t from,
				  const struct fake_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		Runtime__V1__Entry *entry = &rows->entries[row][from + i];

		*entry = (Runtime__V1__Entry)RUNTIME__V1__ENTRY__INIT;
		entry->key = entries[i].key;
		entry->value = entries[i].value;
		rows->pointers[row][from + i] = entry;
	}
	return &rows->pointers[row][from];
}

static void list_containers(struct fake_runtime *fake, const ProtobufCMessage *message,
			    struct answer *answer)
{
	const Runtime__V1__ContainerFilter *filter =
		((const Runtime__V1__ListContainersRequest *)message)->filter;
	const char *uid = filter != NULL
				  ? wanted_uid(filter->label_selector, filter->n_label_selector)
				  : NULL;
	Runtime__V1__ListContainersResponse response = RUNTIME__V1__LIST_CONTAINERS_RESPONSE__INIT;
	struct rows *rows = MEM_NEW(struct rows);

	response.containers = rows->items;
	list_for_each (container, &fake->containers, struct fake_container, link) {
		struct fake_sandbox *sandbox = find_sandbox(fake, container->sandbox);
		size_t i = response.n_containers;

		if (uid != NULL && (sandbox == NULL || strcmp(sandbox->uid, uid) != 0)) {
			continue;
		}
		assert(i < ARRAY_SIZE(rows->rows));
		rows->rows[i] = (Runtime__V1__Container)RUNTIME__V1__CONTAINER__INIT;
		rows->metadata[i] =
			(Runtime__V1__ContainerMetadata)RUNTIME__V1__CONTAINER_METADATA__INIT;
		rows->images[i] = (Runtime__V1__ImageSpec)RUNTIME__V1__IMAGE_SPEC__INIT;
		rows->metadata[i].name = container->name;
		rows->metadata[i].attempt = container->attempt;
		rows->images[i].image = container->image;
		rows->rows[i].id = container->id;
		rows->rows[i].pod_sandbox_id = container->sandbox;
		rows->rows[i].metadata = &rows->metadata[i];
		rows->rows[i].image = &rows->images[i];
		rows->rows[i].state = container->state;
		rows->rows[i].created_at = container->created_at;
		rows->rows[i].n_labels = container->n_labels;
		rows->rows[i].labels = point(rows, i, 0, container->labels, container->n_labels);
		rows->rows[i].n_annotations = container->n_annotations;
		rows->rows[i].annotations =
			point(rows, i, ENTRIES, container->annotations, container->n_annotations);
		rows->items[i] = &rows->rows[i];
		response.n_containers++;
	}
	answer_with(answer, &response.base);
	mem_free(rows);
}

/* ---- the rest ---- */

static void version(struct fake_runtime *fake, const ProtobufCMessage *message,
		    struct answer *answer)
{
	Runtime__V1__VersionResponse response = RUNTIME__V1__VERSION_RESPONSE__INIT;

	response.runtime_name = (char *)"containerd";
	response.runtime_version = (char *)"1.6.20";
	answer_with(answer, &response.base);
}

static void runtime_status(struct fake_runtime *fake, const ProtobufCMessage *message,
			   struct answer *answer)
{
	Runtime__V1__StatusResponse response = RUNTIME__V1__STATUS_RESPONSE__INIT;
	Runtime__V1__RuntimeStatus status = RUNTIME__V1__RUNTIME_STATUS__INIT;
	Runtime__V1__RuntimeCondition runtime = RUNTIME__V1__RUNTIME_CONDITION__INIT;
	Runtime__V1__RuntimeCondition network = RUNTIME__V1__RUNTIME_CONDITION__INIT;
	Runtime__V1__RuntimeCondition *conditions[] = { &runtime, &network };

	runtime.type = (char *)"RuntimeReady";
	runtime.status = true;
	network.type = (char *)"NetworkReady";
	network.status = true;
	status.n_conditions = ARRAY_SIZE(conditions);
	status.conditions = conditions;
	response.status = &status;
	answer_with(answer, &response.base);
}

static void exec_sync(struct fake_runtime *fake, const ProtobufCMessage *message,
		      struct answer *answer)
{
	Runtime__V1__ExecSyncResponse response = RUNTIME__V1__EXEC_SYNC_RESPONSE__INIT;
	const Runtime__V1__ExecSyncRequest *request = (const Runtime__V1__ExecSyncRequest *)message;
	uint64_t most = (uint64_t)request->timeout * NS_PER_S;

	if (most > 0 && fake->command_takes > most) {
		answer->due += most;
		fake_answer_failure(answer, GRPC_DEADLINE_EXCEEDED, "timeout");
		return;
	}
	answer->due += fake->command_takes;
	response.exit_code = fake->command_code;
	answer_with(answer, &response.base);
}

static bool has_image(const struct fake_runtime *fake, const char *image)
{
	return strcmp(fake->pulled, image) == 0 ||
	       (fake->images != NULL && strncmp(image, fake->images, strlen(fake->images)) == 0);
}

static void image_status(struct fake_runtime *fake, const ProtobufCMessage *message,
			 struct answer *answer)
{
	const Runtime__V1__ImageStatusRequest *request =
		(const Runtime__V1__ImageStatusRequest *)message;
	Runtime__V1__ImageStatusResponse response = RUNTIME__V1__IMAGE_STATUS_RESPONSE__INIT;
	Runtime__V1__Image image = RUNTIME__V1__IMAGE__INIT;
	char *digest = (char *)"example.org/i@sha256:1";

	image.id = (char *)"sha256:1";
	image.size = 7;
	image.repo_digests = &digest;
	image.n_repo_digests = fake->loaded ? 0 : 1;
	response.image = has_image(fake, request->image->image) ? &image : NULL;
	answer_with(answer, &response.base);
}

static void pull_image(struct fake_runtime *fake, const ProtobufCMessage *message,
		       struct answer *answer)
{
	const Runtime__V1__PullImageRequest *request =
		(const Runtime__V1__PullImageRequest *)message;
	Runtime__V1__PullImageResponse response = RUNTIME__V1__PULL_IMAGE_RESPONSE__INIT;

	if (!fake->pulls) {
		fake_answer_failure(answer, GRPC_UNKNOWN, "no such registry");
		return;
	}
	snprintf(fake->pulled, sizeof(fake->pulled), "%s", request->image->image);
	response.image_ref = (char *)"sha256:1";
	answer_with(answer, &response.base);
}

static void list_images(struct fake_runtime *fake, const ProtobufCMessage *message,
			struct answer *answer)
{
	Runtime__V1__ListImagesResponse response = RUNTIME__V1__LIST_IMAGES_RESPONSE__INIT;

	answer_with(answer, &response.base);
}

static void (*const methods[RUNTIME_N_METHODS])(struct fake_runtime *fake,
						const ProtobufCMessage *message,
						struct answer *answer) = {
	[RUNTIME_VERSION] = version,
	[RUNTIME_STATUS] = runtime_status,
	[RUNTIME_RUN_POD_SANDBOX] = run_sandbox,
	[RUNTIME_STOP_POD_SANDBOX] = stop_sandbox,
	[RUNTIME_REMOVE_POD_SANDBOX] = remove_sandbox,
	[RUNTIME_POD_SANDBOX_STATUS] = sandbox_status,
	[RUNTIME_LIST_POD_SANDBOX] = list_sandboxes,
	[RUNTIME_CREATE_CONTAINER] = create_container,
	[RUNTIME_START_CONTAINER] = start_container,
	[RUNTIME_STOP_CONTAINER] = stop_container,
	[RUNTIME_REMOVE_CONTAINER] = remove_container,
	[RUNTIME_LIST_CONTAINERS] = list_containers,
	[RUNTIME_CONTAINER_STATUS] = container_status,
	[RUNTIME_REOPEN_CONTAINER_LOG] = reopen_log,
	[RUNTIME_EXEC_SYNC] = exec_sync,
	[RUNTIME_LIST_IMAGES] = list_images,
	[RUNTIME_IMAGE_STATUS] = image_status,
	[RUNTIME_PULL_IMAGE] = pull_image,
};

void fake_carry_out(struct fake_runtime *fake, enum runtime_method method,
		    const ProtobufCMessage *request, struct answer *answer)
{
	fake->calls[method]++;
	if (!fake->connected) {
		fake_answer_failure(answer, GRPC_UNAVAILABLE, "nobody listens");
	} else if (fake->fail[method] > 0) {
		fake->fail[method]--;
		fake_answer_failure(answer, fake->fail_code[method], fake->fail_message[method]);
	} else if (methods[method] == NULL) {
		fake_answer_failure(answer, GRPC_UNIMPLEMENTED, "not here");
	} else {
		methods[method](fake, request, answer);
		if (fake->lose[method]) {
			fake->lose[method] = false;
			fake_answer_failure(answer, GRPC_UNAVAILABLE, "connection reset");
		}
	}
}
