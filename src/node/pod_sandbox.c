/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox of a pod, and what all configurations begin with.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/cache.h"
#include "node/pod_config_intern.h"
#include "object/kinds.h"
#include "json/json.h"

enum {
	HOSTNAME_MAX = 63,
	KERNEL_HOSTNAME_MAX = 64,
};

void pod_config_want(struct cache *cache)
{
	static const struct kind *const read[] = {
		&kind_config_map,        &kind_secret,
		&kind_service,           &kind_node,
		&kind_persistent_volume, &kind_persistent_volume_claim,
	};

	for (size_t i = 0; i < ARRAY_SIZE(read); i++) {
		cache_want(cache, read[i]);
	}
}

void pod_config_init(struct pod_config *config, const struct pod_inputs *inputs,
		     struct arena *arena, char *message)
{
	const json_t *tree = object_tree(inputs->pod);

	*config = (struct pod_config){
		.inputs = inputs,
		.tree = tree,
		.spec = json_object_get(tree, "spec"),
		.arena = arena,
		.message = message,
	};
	message[0] = '\0';
}

void pod_config_fail(struct pod_config *config, enum pod_config_outcome outcome, const char *format,
		     ...)
{
	va_list arguments;

	if (config->outcome != POD_CONFIG_FINE) {
		return;
	}
	config->outcome = outcome;
	va_start(arguments, format);
	vsnprintf(config->message, POD_CONFIG_MESSAGE, format, arguments);
	va_end(arguments);
}

char **pod_config_strings(struct pod_config *config, const json_t *array, size_t *ret_n)
{
	size_t n = json_array_size(array);
	char **texts = arena_alloc(config->arena, (n + 1) * sizeof(*texts));
	const json_t *item;
	size_t i;

	json_array_foreach (array, i, item) {
		const char *text = json_string_value(item);

		texts[i] = (char *)arena_str(config->arena, str_from(text)).p;
	}
	*ret_n = n;
	return texts;
}

/* ---- maps ---- */

void pod_entries_init(struct pod_entries *entries, struct arena *arena, size_t max)
{
	*entries = (struct pod_entries){
		.arena = arena,
		.items = arena_alloc(arena, (max + 1) * sizeof(Runtime__V1__Entry *)),
		.max = max,
	};
}

/* A later value takes the place of an earlier one: keys of a map are unique. */
void pod_entries_add(struct pod_entries *entries, const char *key, const char *value)
{
	Runtime__V1__Entry *entry = NULL;

	for (size_t i = 0; i < entries->n && entry == NULL; i++) {
		if (strcmp(entries->items[i]->key, key) == 0) {
			entry = entries->items[i];
		}
	}
	if (entry == NULL && entries->n < entries->max) {
		entry = arena_alloc(entries->arena, sizeof(*entry));
		runtime__v1__entry__init(entry);
		entry->key = (char *)arena_str(entries->arena, str_from(key)).p;
		entries->items[entries->n++] = entry;
	}
	if (entry != NULL) {
		entry->value = (char *)arena_str(entries->arena, str_from(value)).p;
	}
}

static void add_map(struct pod_entries *entries, const json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)map, key, value) {
		Runtime__V1__Entry *entry = arena_alloc(entries->arena, sizeof(*entry));

		/* Keys of a JSON object are unique already. */
		runtime__v1__entry__init(entry);
		entry->key = (char *)arena_str(entries->arena, str_from(key)).p;
		entry->value =
			(char *)arena_str(entries->arena, str_from(json_string_value(value))).p;
		entries->items[entries->n++] = entry;
	}
}

void pod_entries_add_identity(struct pod_entries *entries, struct object *pod)
{
	struct arena *arena = entries->arena;

	pod_entries_add(entries, LABEL_POD_NAME, arena_str(arena, pod->name).p);
	pod_entries_add(entries, LABEL_POD_NAMESPACE, arena_str(arena, pod->space).p);
	pod_entries_add(entries, LABEL_POD_UID, object_uid(pod));
}

/* ---- the name ---- */

void pod_config_hostname(const struct pod_inputs *inputs, struct arena *arena,
			 const char **ret_name, const char **ret_domain)
{
	const json_t *spec = json_object_get(object_tree(inputs->pod), "spec");
	const char *subdomain = json_string_at(spec, "subdomain");
	const char *wanted = json_string_at(spec, "hostname");
	const char *override = json_string_at(spec, "hostnameOverride");
	struct str name = wanted[0] != '\0' ? str_from(wanted) : inputs->pod->name;

	if (override[0] != '\0') {
		/* The name inside the pod alone: nothing in DNS goes with it. */
		*ret_name = arena_str(arena, str_from(override)).p;
		*ret_domain = "";
		return;
	}
	/* A pod's name may be longer than a host's; what is cut may leave no sign at the end. */
	name.n = name.n < HOSTNAME_MAX ? name.n : HOSTNAME_MAX;
	while (name.n != 0 && (name.p[name.n - 1] == '-' || name.p[name.n - 1] == '.')) {
		name.n--;
	}
	*ret_name = arena_str(arena, name).p;
	*ret_domain = "";
	if (subdomain[0] != '\0') {
		*ret_domain =
			arena_printf(arena, "%s.%.*s.svc.%s", subdomain,
				     STR_ARG(inputs->pod->space), inputs->node->cluster_domain);
	}
}

/* What the kernel is told; on the node's own network that is not ours to say. */
static char *kernel_hostname(struct pod_config *config)
{
	const char *name;
	const char *domain;

	if (json_bool_at(config->spec, "hostNetwork", false)) {
		return (char *)"";
	}
	pod_config_hostname(config->inputs, config->arena, &name, &domain);
	if (json_bool_at(config->spec, "setHostnameAsFQDN", false) && domain[0] != '\0') {
		name = arena_printf(config->arena, "%s.%s", name, domain);
		if (strlen(name) > KERNEL_HOSTNAME_MAX) {
			pod_config_fail(
				config, POD_CONFIG_IMPOSSIBLE,
				"failed to construct FQDN from pod hostname and cluster "
				"domain, FQDN %s is too long (%d characters is the max, %zu "
				"characters requested)",
				name, KERNEL_HOSTNAME_MAX, strlen(name));
		}
	}
	return (char *)name;
}

/* ---- the rest ---- */

static void put_sysctls(struct pod_config *config, Runtime__V1__LinuxPodSandboxConfig *on_linux)
{
	const json_t *sysctls = json_at(config->spec, "securityContext.sysctls");
	struct pod_entries entries;
	const json_t *sysctl;
	size_t i;

	pod_entries_init(&entries, config->arena, json_array_size(sysctls));
	json_array_foreach (sysctls, i, sysctl) {
		char *name = arena_printf(config->arena, "%s", json_string_at(sysctl, "name"));

		/* "net/ipv4/x" and "net.ipv4.x" are one; dots are what the runtime knows. */
		for (char *c = name; *c != '\0'; c++) {
			*c = *c == '/' ? '.' : *c;
		}
		pod_entries_add(&entries, name, json_string_at(sysctl, "value"));
	}
	on_linux->sysctls = entries.items;
	on_linux->n_sysctls = entries.n;
}

static Runtime__V1__LinuxPodSandboxConfig *on_linux_of(struct pod_config *config)
{
	Runtime__V1__LinuxPodSandboxConfig *on_linux =
		arena_alloc(config->arena, sizeof(*on_linux));

	runtime__v1__linux_pod_sandbox_config__init(on_linux);
	on_linux->cgroup_parent = pod_cgroup(config);
	on_linux->security_context = pod_sandbox_security(config);
	put_sysctls(config, on_linux);
	return on_linux;
}

static void put_metadata(struct pod_config *config, uint32_t attempt,
			 Runtime__V1__PodSandboxConfig *sandbox)
{
	struct object *pod = config->inputs->pod;
	Runtime__V1__PodSandboxMetadata *metadata = arena_alloc(config->arena, sizeof(*metadata));
	const json_t *labels = json_at(config->tree, "metadata.labels");
	const json_t *annotations = json_at(config->tree, "metadata.annotations");
	struct pod_entries entries;

	runtime__v1__pod_sandbox_metadata__init(metadata);
	metadata->name = (char *)arena_str(config->arena, pod->name).p;
	metadata->namespace_ = (char *)arena_str(config->arena, pod->space).p;
	metadata->uid = (char *)arena_str(config->arena, str_from(object_uid(pod))).p;
	metadata->attempt = attempt;
	sandbox->metadata = metadata;

	pod_entries_init(&entries, config->arena, json_object_size(labels) + 3);
	add_map(&entries, labels);
	pod_entries_add_identity(&entries, pod);
	sandbox->labels = entries.items;
	sandbox->n_labels = entries.n;
	pod_entries_init(&entries, config->arena, json_object_size(annotations));
	add_map(&entries, annotations);
	sandbox->annotations = entries.items;
	sandbox->n_annotations = entries.n;
}

static void put_port(struct pod_config *config, const json_t *port,
		     Runtime__V1__PodSandboxConfig *sandbox)
{
	const char *protocol = json_string_at(port, "protocol");
	Runtime__V1__PortMapping *mapping;

	if (json_int_at(port, "hostPort", 0) == 0) {
		return;
	}
	mapping = arena_alloc(config->arena, sizeof(*mapping));
	runtime__v1__port_mapping__init(mapping);
	mapping->protocol = strcmp(protocol, "UDP") == 0    ? RUNTIME__V1__PROTOCOL__UDP
			    : strcmp(protocol, "SCTP") == 0 ? RUNTIME__V1__PROTOCOL__SCTP
							    : RUNTIME__V1__PROTOCOL__TCP;
	mapping->container_port = (int32_t)json_int_at(port, "containerPort", 0);
	mapping->host_port = (int32_t)json_int_at(port, "hostPort", 0);
	mapping->host_ip =
		(char *)arena_str(config->arena, str_from(json_string_at(port, "hostIP"))).p;
	sandbox->port_mappings[sandbox->n_port_mappings++] = mapping;
}

/* On the node's own network a port is the node's already. */
static void put_ports(struct pod_config *config, Runtime__V1__PodSandboxConfig *sandbox)
{
	static const char *const lists[] = { "containers", "initContainers" };
	const json_t *container;
	const json_t *port;
	size_t n = 0;
	size_t i;
	size_t j;

	if (json_bool_at(config->spec, "hostNetwork", false)) {
		return;
	}
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_array_foreach (json_object_get(config->spec, lists[k]), i, container) {
			n += json_array_size(json_object_get(container, "ports"));
		}
	}
	sandbox->port_mappings =
		arena_alloc(config->arena, (n + 1) * sizeof(*sandbox->port_mappings));
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_array_foreach (json_object_get(config->spec, lists[k]), i, container) {
			json_array_foreach (json_object_get(container, "ports"), j, port) {
				put_port(config, port, sandbox);
			}
		}
	}
}

enum pod_config_outcome pod_sandbox_config(const struct pod_inputs *inputs, uint32_t attempt,
					   struct arena *arena, Runtime__V1__PodSandboxConfig **ret,
					   char ret_message[POD_CONFIG_MESSAGE])
{
	Runtime__V1__PodSandboxConfig *sandbox = arena_alloc(arena, sizeof(*sandbox));
	struct object *pod = inputs->pod;
	struct pod_config config;

	pod_config_init(&config, inputs, arena, ret_message);
	runtime__v1__pod_sandbox_config__init(sandbox);
	put_metadata(&config, attempt, sandbox);
	sandbox->hostname = kernel_hostname(&config);
	sandbox->log_directory =
		arena_printf(arena, "%s/%.*s_%.*s_%s", inputs->node->log_dir, STR_ARG(pod->space),
			     STR_ARG(pod->name), object_uid(pod));
	sandbox->dns_config = pod_resolv(&config);
	sandbox->on_linux = on_linux_of(&config);
	put_ports(&config, sandbox);
	int r = file_make_directory(sandbox->log_directory, 0755);

	if (r < 0) {
		pod_config_fail(&config, POD_CONFIG_WAIT, "%s: %s", sandbox->log_directory,
				strerror(-r));
	}
	if (config.outcome == POD_CONFIG_FINE) {
		*ret = sandbox;
	}
	return config.outcome;
}

const char *pod_admission(struct object *pod, char ret_message[POD_CONFIG_MESSAGE])
{
	const char *unsafe = pod_unsafe_sysctl(json_object_get(object_tree(pod), "spec"));

	ret_message[0] = '\0';
	if (unsafe == NULL) {
		return "";
	}
	snprintf(ret_message, POD_CONFIG_MESSAGE, "forbidden sysctl: \"%s\" not allowlisted",
		 unsafe);
	return "SysctlForbidden";
}
