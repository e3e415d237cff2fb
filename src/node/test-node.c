/* SPDX-License-Identifier: Apache-2.0 */
#include "node/test-node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/runner.h"
#include "loop/loop.h"
#include "node/probes.h"
#include "object/kinds.h"
#include "json/json.h"
#include "json/patch.h"

#define START UINT64_C(1700000000)

/* ---- what pods are made of ---- */

static Runtime__V1__Entry *entry(struct arena *arena, const char *key, const char *value)
{
	Runtime__V1__Entry *made = arena_alloc(arena, sizeof(*made));

	runtime__v1__entry__init(made);
	made->key = (char *)arena_str(arena, str_from(key)).p;
	made->value = (char *)arena_str(arena, str_from(value)).p;
	return made;
}

static const char *admission(void *data, struct object *pod, char ret_message[POD_CONFIG_MESSAGE])
{
	return "";
}

static enum pod_config_outcome make_sandbox(void *data, const struct pod_inputs *inputs,
					    uint32_t attempt, struct arena *arena,
					    Runtime__V1__PodSandboxConfig **ret,
					    char ret_message[POD_CONFIG_MESSAGE])
{
	Runtime__V1__PodSandboxConfig *config = arena_alloc(arena, sizeof(*config));
	Runtime__V1__PodSandboxMetadata *metadata = arena_alloc(arena, sizeof(*metadata));

	runtime__v1__pod_sandbox_config__init(config);
	runtime__v1__pod_sandbox_metadata__init(metadata);
	metadata->name = (char *)arena_str(arena, inputs->pod->name).p;
	metadata->namespace_ = (char *)arena_str(arena, inputs->pod->space).p;
	metadata->uid = (char *)arena_str(arena, str_from(object_uid(inputs->pod))).p;
	metadata->attempt = attempt;
	config->metadata = metadata;
	*ret = config;
	return POD_CONFIG_FINE;
}

static void make_hash(void *data, const json_t *container, char ret_hash[POD_CONTAINER_HASH])
{
	snprintf(ret_hash, POD_CONTAINER_HASH, "%s", json_string_at(container, "image"));
}

static enum pod_config_outcome make_container(void *data, const struct pod_inputs *inputs,
					      const json_t *container, uint32_t attempt,
					      const Runtime__V1__Image *image, struct arena *arena,
					      Runtime__V1__ContainerConfig **ret,
					      char ret_message[POD_CONFIG_MESSAGE])
{
	struct node *node = data;
	Runtime__V1__ContainerConfig *config = arena_alloc(arena, sizeof(*config));
	char hash[POD_CONTAINER_HASH];

	if (node->wait_for_config) {
		snprintf(ret_message, POD_CONFIG_MESSAGE, "secret \"s\" not found");
		return POD_CONFIG_WAIT;
	}
	make_hash(data, container, hash);
	runtime__v1__container_config__init(config);
	config->metadata = arena_alloc(arena, sizeof(*config->metadata));
	runtime__v1__container_metadata__init(config->metadata);
	config->metadata->name =
		(char *)arena_str(arena, str_from(json_string_at(container, "name"))).p;
	config->metadata->attempt = attempt;
	config->image = arena_alloc(arena, sizeof(*config->image));
	runtime__v1__image_spec__init(config->image);
	config->image->image =
		(char *)arena_str(arena, str_from(json_string_at(container, "image"))).p;
	config->n_labels = 1;
	config->labels = arena_alloc(arena, sizeof(*config->labels));
	config->labels[0] = entry(arena, LABEL_POD_UID, object_uid(inputs->pod));
	config->n_annotations = 1;
	config->annotations = arena_alloc(arena, sizeof(*config->annotations));
	config->annotations[0] = entry(arena, ANNOTATION_SPEC_HASH, hash);
	*ret = config;
	return POD_CONFIG_FINE;
}

static void prepare(void *data, struct object *pod, volumes_done_fn done, void *userdata)
{
	struct node *node = data;

	done(userdata, node->wait_for_volumes ? POD_CONFIG_WAIT : POD_CONFIG_FINE,
	     node->wait_for_volumes ? "configmap \"c\" not found" : "");
}

static void refresh(void *data, struct object *pod)
{
}

static int write_hosts(void *data, struct object *pod, const char *const *pod_ips)
{
	return 0;
}

static int remove_volumes(void *data, struct object *pod, const char *uid)
{
	struct node *node = data;

	node->removals++;
	return 0;
}

static json_t *leftovers(void *data)
{
	return json_array();
}

static char *last_words(void *data, struct object *pod, const char *container, uint32_t attempt,
			bool failed)
{
	return mem_strdup("");
}

static const struct pod_making making = {
	.admission = admission,
	.sandbox = make_sandbox,
	.container = make_container,
	.hash = make_hash,
	.prepare = prepare,
	.refresh = refresh,
	.write_hosts = write_hosts,
	.remove = remove_volumes,
	.leftovers = leftovers,
	.last_words = last_words,
};

/* ---- knocking at doors ---- */

struct knock {
	struct node *node;
	struct loop_timer *timer;
	knock_done_fn done;
	void *userdata;
};

static struct knock *cancel_knock(struct knock *knock)
{
	if (knock != NULL) {
		loop_timer_free(knock->timer);
		mem_free(knock);
	}
	return NULL;
}

static void knocked(void *userdata)
{
	struct knock call = *(struct knock *)userdata;
	int status = call.node->knock_status;

	cancel_knock(userdata);
	call.done(call.userdata, status, status == 0 ? "connect: connection refused" : "");
}

static struct knock *start_knock(void *data, const struct knock_request *request,
				 knock_done_fn done, void *userdata)
{
	struct knock *knock = MEM_NEW(struct knock);

	knock->node = data;
	snprintf(knock->node->knocked, sizeof(knock->node->knocked), "%s:%u", request->address,
		 request->port);
	knock->done = done;
	knock->userdata = userdata;
	knock->timer = loop_timer_new(knock->node->loop, knocked, knock);
	loop_timer_set(knock->timer, 0);
	return knock;
}

/* ---- the node ---- */

static void said_ready(void *userdata)
{
	((struct node *)userdata)->ready++;
}

void node_start_agent(struct node *node)
{
	static const char *const ips[] = { "192.0.2.1", NULL };
	static struct probing probing = { .start = start_knock, .cancel = cancel_knock };
	struct agent_config agent = {
		.loop = node->loop,
		.client = fake_client(node->api),
		.clock = &node->clock.clock,
		.node = &node->config,
		.making = &making,
		.making_data = node,
		.probing = &probing,
		.version = "0.1.0",
		.pod_cidrs = { "10.244.0.0/24" },
		.ready = said_ready,
		.userdata = node,
	};

	probing.data = node;
	node->config.node_name = "n1";
	node->config.data_dir = "/";
	node->config.node_ips = ips;
	node->cache = agent.cache = cache_new(agent.client);
	node->runtime = agent.runtime = fake_runtime_open(node->fake);
	node->agent = agent_new(&agent);
}

void node_kill_agent(struct node *node)
{
	node->agent = agent_free(node->agent);
	node->runtime = runtime_free(node->runtime);
	node->cache = cache_free(node->cache);
}

struct node *node_start(void)
{
	struct node *node = MEM_NEW(struct node);

	log_set_level(LOG_ERROR);
	clock_manual_init(&node->clock, START * NS_PER_S);
	assert_int_equal(loop_new(&node->loop), 0);
	node->api = fake_new(&node->clock.clock, 1);
	node->fake = fake_runtime_new(&node->clock.clock);
	node->knock_status = 200;
	node->config.log_dir = "/nonexistent";
	node_start_agent(node);
	node_run(node, 1);
	assert_int_equal(node->ready, 1);
	return node;
}

void node_stop(struct node *node)
{
	node_kill_agent(node);
	fake_free(node->api);
	fake_runtime_free(node->fake);
	loop_free(node->loop);
	mem_free(node);
}

/* Everything that can happen without time passing. */
static void settle(struct node *node)
{
	enum { STEPS_MOST = 200000, QUIET_ROUNDS = 3 };
	unsigned quiet = 0;

	for (unsigned i = 0; i < STEPS_MOST; i++) {
		bool any = false;

		loop_run_once(node->loop);
		any = fake_step(node->api) || any;
		any = fake_runtime_step(node->fake) || any;
		if (node->agent != NULL) {
			any = agent_run_due(node->agent) || any;
			runner_run_due(agent_runner(node->agent));
		}
		quiet = any ? 0 : quiet + 1;
		if (quiet >= QUIET_ROUNDS) {
			return;
		}
	}
	fail_msg("it does not come to rest");
}

static uint64_t next_due(struct node *node)
{
	uint64_t next = fake_runtime_next_due(node->fake);

	if (node->agent != NULL && agent_next_due(node->agent) < next) {
		next = agent_next_due(node->agent);
	}
	return next;
}

void node_run(struct node *node, uint64_t seconds)
{
	uint64_t end = node->clock.now + seconds * NS_PER_S;

	settle(node);
	while (next_due(node) <= end) {
		uint64_t next = next_due(node);

		/* What is due already and does not happen would be a test that never ends. */
		assert_true(next > node->clock.now);
		node->clock.now = next;
		settle(node);
	}
	node->clock.now = end;
	settle(node);
}

/* ---- pods ---- */

void node_put_pod(struct node *node, const char *name, const char *spec)
{
	_cleanup_free_ char *text = mem_strdup(spec);
	json_t *base = json_pack("{ss s[{ssssss}]}", "nodeName", "n1", "containers", "name", "web",
				 "image", "nginx:1.27", "imagePullPolicy", "IfNotPresent");
	json_t *added;
	json_t *whole;

	for (char *c = text; *c != '\0'; c++) {
		*c = *c == '\'' ? '"' : *c;
	}
	added = json_loads(text, 0, NULL);
	assert_non_null(added);
	whole = json_merge_patch(base, added);
	assert_int_equal(fake_create(node->api, &kind_pod,
				     json_pack("{s{ssss} so s{ss}}", "metadata", "name", name,
					       "namespace", "ns", "spec", whole, "status", "phase",
					       "Pending")),
			 201);
	json_decref(base);
	json_decref(added);
}

const json_t *node_pod(struct node *node, const char *name)
{
	return fake_get(node->api, &kind_pod, "ns", name);
}

const char *node_phase(struct node *node, const char *name)
{
	return json_string_at(node_pod(node, name), "status.phase");
}

const char *node_condition(struct node *node, const char *name, const char *type)
{
	const json_t *it;
	size_t i;

	json_array_foreach (json_at(node_pod(node, name), "status.conditions"), i, it) {
		if (strcmp(json_string_at(it, "type"), type) == 0) {
			return json_string_at(it, "status");
		}
	}
	return "";
}

const json_t *node_container(struct node *node, const char *name, const char *container,
			     const char *path)
{
	static const char *const lists[] = { "status.initContainerStatuses",
					     "status.containerStatuses" };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const json_t *status;
		size_t i;

		json_array_foreach (json_at(node_pod(node, name), lists[l]), i, status) {
			if (strcmp(json_string_at(status, "name"), container) == 0) {
				return json_at(status, path);
			}
		}
	}
	return NULL;
}

const char *node_text(struct node *node, const char *name, const char *container, const char *path)
{
	const char *text = json_string_value(node_container(node, name, container, path));

	return text != NULL ? text : "";
}

int64_t node_restarts(struct node *node, const char *name, const char *container)
{
	return json_integer_value(node_container(node, name, container, "restartCount"));
}

size_t node_events(struct node *node, const char *reason, const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < fake_count(node->api, &kind_event); i++) {
		const json_t *event = fake_nth(node->api, &kind_event, i);

		if (strcmp(json_string_at(event, "reason"), reason) == 0 &&
		    strstr(json_string_at(event, "message"), part) != NULL) {
			n += (size_t)json_int_at(event, "count", 1);
		}
	}
	return n;
}
