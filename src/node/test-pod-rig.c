/* SPDX-License-Identifier: Apache-2.0 */
#include "node/test-pod-rig.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "json/json.h"

int pod_rig_setup(void **state)
{
	struct pod_rig *rig = MEM_NEW(struct pod_rig);
	static const char *const node_ips[] = { "192.0.2.1", NULL };

	rig->cache = cache_new(NULL);
	pod_config_want(rig->cache);
	arena_init(&rig->arena, 4 * (size_t)LIMIT_POD_CONFIG);
	snprintf(rig->directory, sizeof(rig->directory), "/tmp/headlessd-pod-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	snprintf(rig->resolv, sizeof(rig->resolv), "%s/resolv.conf", rig->directory);
	snprintf(rig->data, sizeof(rig->data), "%s/data", rig->directory);
	snprintf(rig->logs, sizeof(rig->logs), "%s/logs", rig->directory);
	pod_rig_write(rig->resolv, "# the node's\nnameserver 192.0.2.53\n"
				   "search example.net. corp.example\noptions timeout:2 rotate\n");
	rig->node = (struct node_config){
		.node_name = "node-a",
		.data_dir = rig->data,
		.log_dir = rig->logs,
		.cluster_domain = "cluster.local",
		.cluster_dns = { "10.96.0.10" },
		.cgroup_parent = "/headlessd",
		.resolv_conf = rig->resolv,
		.api_host = "10.96.0.1",
		.node_ips = node_ips,
	};
	rig->pod_ips[0] = "10.244.0.7";
	*state = rig;
	return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	if (kind == FTW_DP) {
		umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	}
	return remove(path);
}

int pod_rig_teardown(void **state)
{
	struct pod_rig *rig = *state;

	object_unref(rig->pod);
	cache_free(rig->cache);
	arena_deinit(&rig->arena);
	nftw(rig->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	mem_free(rig);
	return 0;
}

__attribute__((format(printf, 1, 0))) static json_t *parse(const char *format, va_list arguments)
{
	struct buffer text = BUFFER_INIT(LIMIT_OBJECT);
	struct json_read_error error = { "" };
	json_t *tree = NULL;

	buffer_vprintf(&text, format, arguments);
	for (size_t i = 0; i < text.n; i++) {
		text.p[i] = text.p[i] == '\'' ? '"' : text.p[i];
	}
	if (json_read(buffer_str(&text), NULL, &tree, &error) != 0) {
		fail_msg("%s: %s", error.message, buffer_text(&text));
	}
	buffer_deinit(&text);
	return tree;
}

json_t *pod_rig_json(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_t *tree = parse(format, arguments);
	va_end(arguments);
	return tree;
}

static struct object *object_of(struct pod_rig *rig, const struct kind *kind, json_t *tree)
{
	struct object *object = NULL;
	char *uid = mem_printf("uid-%s", json_string_at(tree, "metadata.name"));

	if ((kind->flags & KIND_NAMESPACED) && json_at(tree, "metadata.namespace") == NULL) {
		json_put(tree, "metadata.namespace", json_string("ns"));
	}
	if (json_at(tree, "metadata.uid") == NULL) {
		json_put(tree, "metadata.uid", json_string(uid));
	}
	mem_free(uid);
	json_object_set_new(tree, "apiVersion", json_string("v1"));
	json_object_set_new(tree, "kind", json_string(kind->kind));
	json_put(tree, "metadata.resourceVersion",
		 json_sprintf("%llu", (unsigned long long)++rig->revision));
	assert_int_equal(object_new_tree(kind, tree, &object), 0);
	return object;
}

void pod_rig_put(struct pod_rig *rig, const struct kind *kind, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	cache_feed(rig->cache, object_of(rig, kind, parse(format, arguments)));
	va_end(arguments);
}

static void take_spec(struct pod_rig *rig, json_t *spec)
{
	json_t *pod = pod_rig_json("{'metadata': {'name': 'web-0', 'uid': 'uid-1', 'labels': "
				   "{'app': 'web'}, 'annotations': {'note': 'hi'}}, 'status': "
				   "{'qosClass': 'Burstable'}}");

	if (json_object_get(spec, "containers") == NULL) {
		json_object_set_new(spec, "containers",
				    pod_rig_json("[{'name': 'c', 'image': 'i'}]"));
	}
	json_object_set_new(spec, "nodeName", json_string("node-a"));
	json_object_set_new(pod, "spec", spec);
	object_unref(rig->pod);
	rig->pod = object_of(rig, &kind_pod, pod);
	rig->inputs = (struct pod_inputs){
		.node = &rig->node,
		.cache = rig->cache,
		.pod = rig->pod,
		.pod_ips = rig->pod_ips,
	};
}

void pod_rig_pod(struct pod_rig *rig, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	take_spec(rig, parse(format, arguments));
	va_end(arguments);
}

void pod_rig_container(struct pod_rig *rig, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	json_t *container = parse(format, arguments);
	va_end(arguments);
	json_object_set_new(container, "name", json_string("c"));
	json_object_set_new(container, "image", json_string("i"));
	take_spec(rig, json_pack("{s:[o]}", "containers", container));
}

Runtime__V1__PodSandboxConfig *pod_rig_sandbox(struct pod_rig *rig)
{
	Runtime__V1__PodSandboxConfig *sandbox = NULL;

	pod_sandbox_config(&rig->inputs, 0, &rig->arena, &sandbox, rig->message);
	return sandbox;
}

Runtime__V1__ContainerConfig *pod_rig_made(struct pod_rig *rig, const Runtime__V1__Image *image,
					   enum pod_config_outcome *ret_outcome)
{
	const json_t *containers = json_at(object_tree(rig->pod), "spec.containers");
	Runtime__V1__ContainerConfig *config = NULL;
	enum pod_config_outcome outcome =
		pod_container_config(&rig->inputs, json_array_get(containers, 0), 2, image,
				     &rig->arena, &config, rig->message);

	if (ret_outcome != NULL) {
		*ret_outcome = outcome;
	}
	return config;
}

const char *pod_rig_variable(const Runtime__V1__ContainerConfig *config, const char *name)
{
	for (size_t i = 0; i < config->n_envs; i++) {
		if (strcmp(config->envs[i]->key, name) == 0) {
			return config->envs[i]->value;
		}
	}
	return NULL;
}

const char *pod_rig_join(struct pod_rig *rig, char *const *texts, size_t n)
{
	const char *joined = "";

	for (size_t i = 0; i < n; i++) {
		joined = arena_printf(&rig->arena, "%s%s%s", joined, i == 0 ? "" : " ", texts[i]);
	}
	return joined;
}

void pod_rig_write(const char *path, const char *text)
{
	assert_int_equal(file_write(path, str_from(text), 0644), 0);
}

const char *pod_rig_read(struct pod_rig *rig, const char *path)
{
	char *full = arena_printf(&rig->arena, "%s/%s", rig->directory, path);
	char *text = NULL;
	size_t n;

	if (file_read(full, LIMIT_OBJECT, &text, &n) < 0) {
		return NULL;
	}
	const char *kept = arena_printf(&rig->arena, "%s", text);

	mem_free(text);
	return kept;
}
