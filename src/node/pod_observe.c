/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the runtime has of a pod, put together with what is known of it: after a start of the agent
 * (adoption), after the runtime was lost, and when an outcome is in doubt. The newest sandbox is
 * the pod's; of each container the newest life counts, the one before it is kept for its logs, and
 * everything else is left over.
 */
#include "node/pod_intern.h"

#include <stdlib.h>
#include <string.h>

#include "json/json.h"

typedef Runtime__V1__Container found_container;
typedef Runtime__V1__PodSandbox found_sandbox;

static const uint64_t call_ns = 60 * NS_PER_S;
static const uint64_t look_again_ns = NS_PER_S;

static const char *entry_of(Runtime__V1__Entry *const *entries, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(entries[i]->key, key) == 0) {
			return entries[i]->value;
		}
	}
	return "";
}

/* ---- instances ---- */

struct instance *instance_free(struct instance *instance)
{
	if (instance == NULL) {
		return NULL;
	}
	mem_free(instance->id);
	mem_free(instance->sandbox);
	mem_free(instance->reason);
	mem_free(instance->message);
	mem_free(instance->image);
	mem_free(instance->image_ref);
	mem_free(instance->log_path);
	mem_free(instance->hash);
	return mem_free(instance);
}

static struct instance *instance_new(const found_container *found)
{
	struct instance *instance = MEM_NEW(struct instance);

	instance->id = mem_strdup(found->id);
	instance->sandbox = mem_strdup(found->pod_sandbox_id);
	instance->attempt = found->metadata != NULL ? found->metadata->attempt : 0;
	instance->state = found->state;
	instance->created_at = found->created_at;
	instance->reason = mem_strdup("");
	instance->message = mem_strdup("");
	instance->image = mem_strdup(found->image != NULL ? found->image->image : "");
	instance->image_ref = mem_strdup(found->image_ref);
	instance->log_path = mem_strdup("");
	instance->hash = mem_strdup(
		entry_of(found->annotations, found->n_annotations, ANNOTATION_SPEC_HASH));
	return instance;
}

static void set_text(char **text, const char *now)
{
	mem_free(*text);
	*text = mem_strdup(now != NULL ? now : "");
}

void instance_learn(struct container *container, const Runtime__V1__ContainerStatus *status)
{
	struct instance *instance = container->now;

	instance->state = status->state;
	instance->created_at = status->created_at;
	instance->started_at = status->started_at;
	instance->finished_at = status->finished_at;
	instance->exit_code = status->exit_code;
	set_text(&instance->reason, status->reason);
	set_text(&instance->message, status->message);
	set_text(&instance->log_path, status->log_path);
	if (status->image != NULL) {
		set_text(&instance->image, status->image->image);
	}
	set_text(&instance->image_ref, status->image_ref);
	if (status->state != RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED) {
		return;
	}
	if (instance->finished_at <= 0) {
		instance->finished_at = pod_wall(container->pod);
	}
	if (container->out_of_memory && instance->exit_code != 0) {
		set_text(&instance->reason, "OOMKilled");
	}
}

void instance_lost(struct container *container)
{
	struct instance *instance = container->now;

	instance->state = RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED;
	instance->finished_at = pod_wall(container->pod);
	instance->exit_code = 137;
	set_text(&instance->reason, "ContainerStatusUnknown");
	set_text(&instance->message,
		 "The container could not be located when the pod was terminated");
}

/* ---- containers ---- */

static struct container *container_named(struct pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->n_containers; i++) {
		if (strcmp(pod->containers[i].name, name) == 0) {
			return &pod->containers[i];
		}
	}
	return NULL;
}

/* Newest first. */
static int compare(const void *a, const void *b)
{
	const found_container *x = *(const found_container *const *)a;
	const found_container *y = *(const found_container *const *)b;
	uint32_t i = x->metadata != NULL ? x->metadata->attempt : 0;
	uint32_t j = y->metadata != NULL ? y->metadata->attempt : 0;

	if (i != j) {
		return i < j ? 1 : -1;
	}
	return (x->created_at < y->created_at) - (x->created_at > y->created_at);
}

/* Whether what is known of it stands as it was. */
static bool stands(const struct container *container, const found_container *found)
{
	if (container->now == NULL || strcmp(container->now->id, found->id) != 0) {
		return false;
	}
	if (found->state == RUNTIME__V1__CONTAINER_STATE__CONTAINER_RUNNING) {
		return container_is_up(container);
	}
	return found->state == container->now->state && container->state != CONTAINER_LOOKING &&
	       found->state == RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED;
}

static void observe_newest(struct container *container, const found_container *found)
{
	if (stands(container, found)) {
		return;
	}
	if (container->now == NULL || strcmp(container->now->id, found->id) != 0) {
		if (container->now != NULL) {
			if (container->before != NULL) {
				leftover_add(container->pod, container->before->id, false);
			}
			instance_free(container->before);
			container->before = container->now;
		}
		container->now = instance_new(found);
		container->restarts = container->now->attempt;
	}
	container_look(container);
}

/* The runtime has none of it (any more). */
static void observe_none(struct container *container)
{
	if (container->now == NULL || container->state == CONTAINER_ENDED) {
		return;
	}
	if (container->state == CONTAINER_WAITING) {
		return;
	}
	instance_lost(container);
	hook_cancel(container);
	alarm_stop(&container->alarm);
	container->turn++;
	container->stop = false;
	container->state = CONTAINER_ENDED;
}

/* What was begun and came to nothing. */
static void observe_idle(struct container *container)
{
	if (container->state == CONTAINER_CREATING) {
		container_move(container,
			       container->now != NULL ? CONTAINER_ENDED : CONTAINER_IDLE);
	}
}

static void observe_container(struct container *container, const found_container **found, size_t n)
{
	bool newest = true;

	for (size_t i = 0; i < n; i++) {
		const found_container *each = found[i];

		if (each == NULL || each->metadata == NULL ||
		    strcmp(each->metadata->name, container->name) != 0) {
			continue;
		}
		found[i] = NULL;
		if (newest) {
			newest = false;
			observe_newest(container, each);
		} else if (container->before == NULL) {
			container->before = instance_new(each);
		} else if (strcmp(container->before->id, each->id) != 0) {
			leftover_add(container->pod, each->id, /* sandbox= */ false);
		}
	}
	if (newest) {
		observe_none(container);
	}
	observe_idle(container);
}

static void observe_containers(struct pod *pod, const Runtime__V1__ListContainersResponse *all)
{
	const found_container **found = mem_alloc_array(all->n_containers + 1, sizeof(*found));
	size_t n = 0;

	for (size_t i = 0; i < all->n_containers; i++) {
		const found_container *each = all->containers[i];

		if (strcmp(entry_of(each->labels, each->n_labels, LABEL_POD_UID), pod->uid) == 0 &&
		    !leftover_is(pod, each->id)) {
			found[n++] = each;
		}
	}
	qsort(found, n, sizeof(*found), compare);
	for (size_t i = 0; i < pod->n_containers; i++) {
		observe_container(&pod->containers[i], found, n);
	}
	for (size_t i = 0; i < n; i++) {
		if (found[i] != NULL) {
			leftover_add(pod, found[i]->id, /* sandbox= */ false);
		}
	}
	mem_free(found);
}

/* ---- sandboxes ---- */

static bool is_newer(const found_sandbox *a, const found_sandbox *b)
{
	if (a->metadata->attempt != b->metadata->attempt) {
		return a->metadata->attempt > b->metadata->attempt;
	}
	return a->created_at > b->created_at;
}

static void take_sandbox(struct pod *pod, const found_sandbox *found)
{
	bool ready = found->state == RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_READY;

	if (pod->sandbox.id == NULL || strcmp(pod->sandbox.id, found->id) != 0) {
		mem_free(pod->sandbox.id);
		pod->sandbox.id = mem_strdup(found->id);
		pod->sandbox.attempt = found->metadata->attempt;
		pod->sandbox.looked = false;
	}
	pod->sandbox.ready = ready;
	if (ready && !pod->sandbox.looked) {
		sandbox_look(pod);
	}
}

static void observe_sandboxes(struct pod *pod, const Runtime__V1__ListPodSandboxResponse *all)
{
	const found_sandbox *newest = NULL;

	for (size_t i = 0; i < all->n_items; i++) {
		const found_sandbox *each = all->items[i];

		if (each->metadata == NULL || strcmp(each->metadata->uid, pod->uid) != 0 ||
		    leftover_is(pod, each->id)) {
			continue;
		}
		if (newest == NULL || is_newer(each, newest)) {
			if (newest != NULL) {
				leftover_add(pod, newest->id, /* sandbox= */ true);
			}
			newest = each;
		} else {
			leftover_add(pod, each->id, /* sandbox= */ true);
		}
	}
	if (newest != NULL && pod->state < POD_CLEANING) {
		take_sandbox(pod, newest);
	} else if (newest != NULL) {
		leftover_add(pod, newest->id, /* sandbox= */ true);
	} else {
		pod->sandbox.id = mem_free(pod->sandbox.id);
		pod->sandbox.ready = false;
	}
}

/* Main containers have been begun in this very sandbox, so the init containers are through. */
static void learn_progress(struct pod *pod)
{
	for (size_t i = pod->n_init; i < pod->n_containers; i++) {
		const struct instance *now = pod->containers[i].now;

		if (now != NULL && pod->sandbox.id != NULL &&
		    strcmp(now->sandbox, pod->sandbox.id) == 0) {
			pod->has_been_inited = true;
		}
	}
}

/* What the API remembers of containers that the runtime has forgotten. */
static void learn_restarts(struct pod *pod)
{
	static const char *const lists[] = { "status.initContainerStatuses",
					     "status.containerStatuses" };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const json_t *status;
		size_t i;

		json_array_foreach (json_at(object_tree(pod->object), lists[l]), i, status) {
			struct container *container =
				container_named(pod, json_string_at(status, "name"));
			bool ran = json_string_at(status, "containerID")[0] != '\0';

			if (container != NULL && container->now == NULL) {
				container->restarts =
					(uint32_t)json_int_at(status, "restartCount", 0) +
					(ran ? 1 : 0);
			}
		}
	}
}

void pod_look_begins(struct pod *pod)
{
	pod->touched = false;
}

void pod_observe(struct pod *pod, const Runtime__V1__ListPodSandboxResponse *sandboxes,
		 const Runtime__V1__ListContainersResponse *containers)
{
	if (pod->touched || pod->changes > 0) {
		pod->look = true; /* what was seen may be older than what is known */
		pod_wake(pod);
		return;
	}
	pod->look = false;
	observe_sandboxes(pod, sandboxes);
	observe_containers(pod, containers);
	if (!pod->observed) {
		pod->observed = true;
		learn_restarts(pod);
	}
	learn_progress(pod);
	pod_wake(pod);
}

/* ---- a look of its own ---- */

static void look_failed(struct pod *pod)
{
	pod->looking = false;
	alarm_set(&pod->look_again, look_again_ns);
}

static void containers_answered(struct pod_call *call, const struct grpc_outcome *outcome,
				const ProtobufCMessage *answer)
{
	struct pod *pod = call->pod;
	Runtime__V1__ListPodSandboxResponse *seen = take(pod->seen);

	pod->looking = false;
	if (outcome->code != GRPC_OK) {
		look_failed(pod);
	} else {
		pod_observe(pod, seen, (const Runtime__V1__ListContainersResponse *)answer);
	}
	protobuf_c_message_free_unpacked(&seen->base, NULL);
}

static Runtime__V1__ListPodSandboxResponse *copy(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *packed = mem_alloc(size + 1);
	Runtime__V1__ListPodSandboxResponse *copied;

	protobuf_c_message_pack(message, packed);
	copied = runtime__v1__list_pod_sandbox_response__unpack(NULL, size, packed);
	mem_free(packed);
	return copied;
}

static void sandboxes_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			       const ProtobufCMessage *answer)
{
	Runtime__V1__ListContainersRequest request = RUNTIME__V1__LIST_CONTAINERS_REQUEST__INIT;
	Runtime__V1__ContainerFilter filter = RUNTIME__V1__CONTAINER_FILTER__INIT;
	Runtime__V1__Entry label = RUNTIME__V1__ENTRY__INIT;
	Runtime__V1__Entry *labels[] = { &label };
	struct pod *pod = call->pod;

	if (outcome->code != GRPC_OK) {
		look_failed(pod);
		return;
	}
	pod->seen = copy(answer);
	label.key = (char *)LABEL_POD_UID;
	label.value = pod->uid;
	filter.n_label_selector = ARRAY_SIZE(labels);
	filter.label_selector = labels;
	request.filter = &filter;
	pod_ask(pod, (struct pod_call){ .answered = containers_answered }, RUNTIME_LIST_CONTAINERS,
		&request.base, call_ns);
}

void pod_look_again(struct pod *pod)
{
	Runtime__V1__ListPodSandboxRequest request = RUNTIME__V1__LIST_POD_SANDBOX_REQUEST__INIT;
	Runtime__V1__PodSandboxFilter filter = RUNTIME__V1__POD_SANDBOX_FILTER__INIT;
	Runtime__V1__Entry label = RUNTIME__V1__ENTRY__INIT;
	Runtime__V1__Entry *labels[] = { &label };

	if (pod->looking || pod->changes > 0 || alarm_is_set(&pod->look_again)) {
		return;
	}
	pod->looking = true;
	pod_look_begins(pod);
	label.key = (char *)LABEL_POD_UID;
	label.value = pod->uid;
	filter.n_label_selector = ARRAY_SIZE(labels);
	filter.label_selector = labels;
	request.filter = &filter;
	pod_ask(pod, (struct pod_call){ .answered = sandboxes_answered }, RUNTIME_LIST_POD_SANDBOX,
		&request.base, call_ns);
}

/* ---- events ---- */

static bool has_id(const struct instance *instance, const char *id)
{
	return instance != NULL && strcmp(instance->id, id) == 0;
}

bool pod_happened(struct pod *pod, enum runtime_event event, const char *id)
{
	if (pod->sandbox.id != NULL && strcmp(pod->sandbox.id, id) == 0) {
		if (event == RUNTIME_EXITED) {
			sandbox_look(pod);
		}
		return true;
	}
	for (size_t i = 0; i < pod->n_containers; i++) {
		struct container *container = &pod->containers[i];

		if (!has_id(container->now, id)) {
			continue;
		}
		if (event == RUNTIME_OUT_OF_MEMORY) {
			container->out_of_memory = true;
		} else if (event == RUNTIME_EXITED) {
			container->exited = true;
			container->looks = 0;
			if (container_is_up(container) && container->state != CONTAINER_STOPPING) {
				container_look(container);
			}
		}
		return true;
	}
	return false;
}
