/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods come from the API by watch, and what runs from the runtime by a look at everything whenever
 * its events begin to be heard; afterwards by events. Nothing is done to a pod before both are
 * known, so nothing that runs is started again, and what the API no longer knows is only then
 * called left over.
 */
#include "node/agent.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "client/cache.h"
#include "client/events.h"
#include "client/runner.h"
#include "loop/loop.h"
#include "node/agent_intern.h"
#include "node/log_rotation.h"
#include "object/kinds.h"
#include "json/json.h"

#define COMPONENT "agent"

static const uint64_t call_ns = 60 * NS_PER_S;
static const uint64_t retry_ns = NS_PER_S;

static void ask_version(struct agent *agent);

/* ---- calls ---- */

struct agent_call {
	struct agent *agent;
	void (*answered)(struct agent *agent, const struct grpc_outcome *outcome,
			 const ProtobufCMessage *answer);
};

static void call_answered(void *userdata, const struct grpc_outcome *outcome,
			  const ProtobufCMessage *answer)
{
	struct agent_call call = *(struct agent_call *)userdata;

	mem_free(userdata);
	call.agent->calls--;
	if (!call.agent->ended) {
		call.answered(call.agent, outcome, answer);
	} else if (call.agent->calls == 0) {
		mem_free(call.agent);
	}
}

static void ask(struct agent *agent, enum runtime_method method, const ProtobufCMessage *request,
		void (*answered)(struct agent *agent, const struct grpc_outcome *outcome,
				 const ProtobufCMessage *answer))
{
	struct agent_call call = { .agent = agent, .answered = answered };

	agent->calls++;
	runtime_call(agent->config.runtime, method, request, call_ns, call_answered,
		     mem_copy(&call, sizeof(call)));
}

/* ---- what is so ---- */

bool agent_is_ready(const struct agent *agent)
{
	return agent->synced && agent->looked && agent->runtime_ready && agent->network_ready;
}

static void wake_all(struct agent *agent)
{
	map_for_each (entry, &agent->pods) {
		pod_wake(entry->value);
	}
}

static void settle(struct agent *agent)
{
	bool able = agent->connected && agent_is_ready(agent);

	if (able != agent->world.able) {
		agent->world.able = able;
		wake_all(agent);
	}
	agent_node_changed(agent);
}

static void again_later(struct agent *agent)
{
	agent->asking = false;
	alarm_set(&agent->retry, retry_ns);
}

/* ---- looking at everything ---- */

static struct str label_of(Runtime__V1__Entry *const *labels, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(labels[i]->key, key) == 0) {
			return str_from(labels[i]->value);
		}
	}
	return STR_NONE;
}

/* What is left of a pod that nobody knows any more: as much of an object as is needed to end it. */
static struct object *orphan_object(const Runtime__V1__PodSandboxMetadata *metadata,
				    const Runtime__V1__ListContainersResponse *all)
{
	json_t *containers = json_array();
	struct object *object = NULL;

	for (size_t i = 0; i < all->n_containers; i++) {
		const Runtime__V1__Container *each = all->containers[i];

		if (each->metadata != NULL &&
		    str_is(label_of(each->labels, each->n_labels, LABEL_POD_UID), metadata->uid)) {
			json_array_append_new(containers,
					      json_pack("{ss}", "name", each->metadata->name));
		}
	}
	object_new_tree(&kind_pod,
			json_pack("{ss ss s{ss ss ss} s{so}}", "apiVersion", "v1", "kind", "Pod",
				  "metadata", "name", metadata->name, "namespace",
				  metadata->namespace_, "uid", metadata->uid, "spec", "containers",
				  containers),
			&object);
	return object;
}

static void add_orphans(struct agent *agent, const Runtime__V1__ListContainersResponse *all)
{
	for (size_t i = 0; i < agent->seen->n_items; i++) {
		const Runtime__V1__PodSandboxMetadata *metadata = agent->seen->items[i]->metadata;
		struct object *object;
		struct pod *pod;

		if (metadata == NULL || metadata->uid[0] == '\0' ||
		    agent->pods.n >= agent->pods.max ||
		    map_get(&agent->pods, str_from(metadata->uid)) != NULL) {
			continue;
		}
		object = orphan_object(metadata, all);
		if (object == NULL) {
			continue;
		}
		log_info(COMPONENT, "%s/%s: the API has it no more, what is left of it goes",
			 metadata->namespace_, metadata->name);
		pod = pod_new(&agent->world, object);
		object_unref(object);
		map_put(&agent->pods, str_from(metadata->uid), pod);
		pod_removed(pod, /* orphan= */ true);
	}
}

static void remove_leftover_volumes(struct agent *agent)
{
	const struct pod_making *making = agent->config.making;
	_cleanup_json_ json_t *uids = making->leftovers(agent->config.making_data);
	const json_t *uid;
	size_t i;

	json_array_foreach (uids, i, uid) {
		if (map_get(&agent->pods, str_from(json_string_value(uid))) == NULL) {
			making->remove(agent->config.making_data, NULL, json_string_value(uid));
		}
	}
}

static void containers_answered(struct agent *agent, const struct grpc_outcome *outcome,
				const ProtobufCMessage *answer)
{
	const Runtime__V1__ListContainersResponse *all =
		(const Runtime__V1__ListContainersResponse *)answer;

	if (outcome->code != GRPC_OK) {
		again_later(agent);
		return;
	}
	agent->asking = false;
	add_orphans(agent, all);
	map_for_each (entry, &agent->pods) {
		pod_observe(entry->value, agent->seen, all);
	}
	protobuf_c_message_free_unpacked(&agent->seen->base, NULL);
	agent->seen = NULL;
	if (!agent->looked) {
		agent->looked = true;
		remove_leftover_volumes(agent);
	}
	settle(agent);
	if (!agent->network_ready || !agent->runtime_ready) {
		alarm_set(&agent->retry, retry_ns);
	}
}

static Runtime__V1__ListPodSandboxResponse *copy(const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	_cleanup_free_ uint8_t *packed = mem_alloc(size + 1);

	protobuf_c_message_pack(message, packed);
	return runtime__v1__list_pod_sandbox_response__unpack(NULL, size, packed);
}

static void sandboxes_answered(struct agent *agent, const struct grpc_outcome *outcome,
			       const ProtobufCMessage *answer)
{
	Runtime__V1__ListContainersRequest request = RUNTIME__V1__LIST_CONTAINERS_REQUEST__INIT;

	if (outcome->code != GRPC_OK) {
		again_later(agent);
		return;
	}
	if (agent->seen != NULL) {
		protobuf_c_message_free_unpacked(&agent->seen->base, NULL);
	}
	agent->seen = copy(answer);
	ask(agent, RUNTIME_LIST_CONTAINERS, &request.base, containers_answered);
}

static void look(struct agent *agent)
{
	Runtime__V1__ListPodSandboxRequest request = RUNTIME__V1__LIST_POD_SANDBOX_REQUEST__INIT;

	map_for_each (entry, &agent->pods) {
		pod_look_begins(entry->value);
	}
	ask(agent, RUNTIME_LIST_POD_SANDBOX, &request.base, sandboxes_answered);
}

/* ---- the runtime ---- */

static void status_answered(struct agent *agent, const struct grpc_outcome *outcome,
			    const ProtobufCMessage *answer)
{
	const Runtime__V1__StatusResponse *response = (const Runtime__V1__StatusResponse *)answer;

	if (outcome->code != GRPC_OK || response->status == NULL) {
		again_later(agent);
		return;
	}
	for (size_t i = 0; i < response->status->n_conditions; i++) {
		const Runtime__V1__RuntimeCondition *condition = response->status->conditions[i];

		if (strcmp(condition->type, "RuntimeReady") == 0) {
			agent->runtime_ready = condition->status;
		} else if (strcmp(condition->type, "NetworkReady") == 0) {
			agent->network_ready = condition->status;
		}
	}
	if (!agent->looked) {
		look(agent);
		return;
	}
	agent->asking = false;
	settle(agent);
	if (!agent->network_ready || !agent->runtime_ready) {
		alarm_set(&agent->retry, retry_ns);
	}
}

static void version_answered(struct agent *agent, const struct grpc_outcome *outcome,
			     const ProtobufCMessage *answer)
{
	const Runtime__V1__VersionResponse *version = (const Runtime__V1__VersionResponse *)answer;
	Runtime__V1__StatusRequest request = RUNTIME__V1__STATUS_REQUEST__INIT;

	if (outcome->code != GRPC_OK) {
		again_later(agent);
		return;
	}
	snprintf(agent->runtime_version, sizeof(agent->runtime_version), "%.40s://%.40s",
		 version->runtime_name, version->runtime_version);
	ask(agent, RUNTIME_STATUS, &request.base, status_answered);
}

static void ask_version(struct agent *agent)
{
	Runtime__V1__VersionRequest request = RUNTIME__V1__VERSION_REQUEST__INIT;

	if (!agent->asking && agent->connected && agent->synced) {
		agent->asking = true;
		alarm_stop(&agent->retry);
		ask(agent, RUNTIME_VERSION, &request.base, version_answered);
	}
}

static void retry_rings(void *userdata)
{
	ask_version(userdata);
}

static void runtime_happened(void *userdata, enum runtime_event event, const char *id)
{
	struct agent *agent = userdata;

	map_for_each (entry, &agent->pods) {
		if (pod_happened(entry->value, event, id)) {
			break;
		}
	}
	if (agent->config.happened != NULL) {
		agent->config.happened(agent->config.userdata, id);
	}
}

static void runtime_connected(void *userdata, bool connected)
{
	struct agent *agent = userdata;

	log_info(COMPONENT, "the runtime is %s", connected ? "there" : "lost");
	agent->connected = connected;
	agent->looked = false; /* what happened meanwhile was not heard */
	if (!connected) {
		agent->runtime_ready = false;
	}
	settle(agent);
	ask_version(agent);
}

static const struct runtime_sink runtime_sink = {
	.happened = runtime_happened,
	.connected = runtime_connected,
};

/* ---- pods ---- */

static void pod_gone(void *userdata, struct pod *pod)
{
	struct agent *agent = userdata;

	map_remove(&agent->pods, str_from(pod_uid(pod)));
	pod_forget(pod);
}

static void pod_appeared(struct agent *agent, struct object *object)
{
	static const Runtime__V1__ListPodSandboxResponse no_sandboxes =
		RUNTIME__V1__LIST_POD_SANDBOX_RESPONSE__INIT;
	static const Runtime__V1__ListContainersResponse no_containers =
		RUNTIME__V1__LIST_CONTAINERS_RESPONSE__INIT;
	struct str uid = str_from(object_uid(object));
	struct pod *pod = map_get(&agent->pods, uid);

	if (pod != NULL) {
		pod_renew(pod, object);
		return;
	}
	if (agent->pods.n >= LIMIT_AGENT_PODS) {
		log_error(COMPONENT, "more than %d pods: %.*s/%.*s is left alone", LIMIT_AGENT_PODS,
			  STR_ARG(object->space), STR_ARG(object->name));
		return;
	}
	pod = pod_new(&agent->world, object);
	map_put(&agent->pods, uid, pod);
	log_rotation_begin(agent->rotation);
	if (agent->looked) {
		/* Whatever runs has been looked at, and it is nobody's of this name. */
		pod_observe(pod, &no_sandboxes, &no_containers);
	}
}

static void pod_vanished(struct agent *agent, const char *uid)
{
	struct pod *pod = map_get(&agent->pods, str_from(uid));

	if (pod != NULL) {
		pod_removed(pod, /* orphan= */ false);
	}
}

static void pod_changed(void *userdata, struct object *old, struct object *now)
{
	struct agent *agent = userdata;

	if (old != NULL && (now == NULL || strcmp(object_uid(old), object_uid(now)) != 0)) {
		pod_vanished(agent, object_uid(old));
	}
	if (now != NULL) {
		pod_appeared(agent, now);
	}
}

/* A ConfigMap or Secret: its namespace's pods may show it, or wait for it. */
static void input_changed(void *userdata, struct object *old, struct object *now)
{
	struct agent *agent = userdata;
	struct str space = (now != NULL ? now : old)->space;

	map_for_each (entry, &agent->pods) {
		if (str_eq(pod_object(entry->value)->space, space)) {
			pod_inputs_changed(entry->value);
		}
	}
}

static void cache_synced(void *userdata)
{
	struct agent *agent = userdata;

	agent->synced = true;
	ask_version(agent);
}

/* ---- beginning and end ---- */

static void want_kinds(struct agent *agent)
{
	_cleanup_free_ char *mine = mem_printf("spec.nodeName=%s", agent->config.node->node_name);
	struct cache *cache = agent->config.cache;

	cache_select(cache, &kind_pod, mine);
	cache_subscribe(cache, &kind_pod, pod_changed, agent);
	cache_subscribe(cache, &kind_config_map, input_changed, agent);
	cache_subscribe(cache, &kind_secret, input_changed, agent);
	cache_want(cache, &kind_service);
}

struct agent *agent_new(const struct agent_config *config)
{
	struct agent *agent = MEM_NEW(struct agent);

	agent->config = *config;
	agent->started_at = clock_wall(config->clock);
	map_init(&agent->pods, LIMIT_AGENT_PODS + LIMIT_AGENT_ORPHANS);
	agent->timetable = timetable_new(config->loop, config->clock);
	alarm_init(&agent->retry, agent->timetable, retry_rings, agent);
	agent->rotation = log_rotation_new(&(struct log_rotation_config){
		.timetable = agent->timetable,
		.clock = config->clock,
		.runtime = config->runtime,
		.visit = agent_visit_logs,
		.userdata = agent,
	});
	agent->world = (struct pod_world){
		.loop = config->loop,
		.clock = config->clock,
		.timetable = agent->timetable,
		.runtime = config->runtime,
		.client = config->client,
		.cache = config->cache,
		.events = event_recorder_new(config->client, config->clock),
		.node = config->node,
		.making = config->making,
		.making_data = config->making_data,
		.probing = config->probing,
		.gone = pod_gone,
		.userdata = agent,
	};
	list_init(&agent->world.pods);
	agent->runner = runner_new(config->loop, config->client, config->cache, config->clock);
	want_kinds(agent);
	agent_node_add(agent);
	runner_start(agent->runner);
	cache_on_synced(config->cache, cache_synced, agent);
	runtime_listen(config->runtime, &runtime_sink, agent);
	return agent;
}

struct agent *agent_free(struct agent *agent)
{
	if (agent == NULL) {
		return NULL;
	}
	cache_unsubscribe(agent->config.cache, agent);
	agent->runner = runner_free(agent->runner);
	alarm_stop(&agent->retry);
	agent->rotation = log_rotation_free(agent->rotation);
	while (agent->pods.n > 0) {
		pod_gone(agent, map_first(&agent->pods)->value);
	}
	map_deinit(&agent->pods, NULL);
	event_recorder_free(agent->world.events);
	timetable_free(agent->timetable);
	if (agent->seen != NULL) {
		protobuf_c_message_free_unpacked(&agent->seen->base, NULL);
	}
	agent->ended = true;
	if (agent->calls == 0) {
		mem_free(agent);
	}
	return NULL;
}

void agent_serves_at(struct agent *agent, uint16_t port)
{
	agent->config.kubelet_port = port;
	agent_node_changed(agent);
}

bool agent_run_due(struct agent *agent)
{
	return timetable_run_due(agent->timetable);
}

uint64_t agent_next_due(const struct agent *agent)
{
	uint64_t runner = runner_next_due(agent->runner);
	uint64_t alarms = timetable_next_due(agent->timetable);

	return alarms < runner ? alarms : runner;
}

struct runner *agent_runner(const struct agent *agent)
{
	return agent->runner;
}
