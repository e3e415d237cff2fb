/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processes may do: the pod's security context with the container's over it.
 * https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
 *
 * Where nobody names a seccomp profile it is the runtime's default one, as with a kubelet's
 * --seccomp-default (docs/decisions/2026-11-20-seccomp-default.md).
 */
#include <string.h>

#include "base/mem.h"
#include "node/pod_config_intern.h"
#include "json/json.h"

static const char *const masked_paths[] = {
	"/proc/asound",
	"/proc/acpi",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/proc/scsi",
	"/sys/firmware",
	"/sys/devices/virtual/powercap",
};

static const char *const read_only_paths[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* A member of the container's context, or of the pod's. */
static const json_t *effective(const struct pod_config *config, const json_t *container,
			       const char *key)
{
	const json_t *own = json_object_get(json_object_get(container, "securityContext"), key);

	return own != NULL ? own
			   : json_object_get(json_object_get(config->spec, "securityContext"), key);
}

static Runtime__V1__Int64Value *number(struct arena *arena, const json_t *value)
{
	if (!json_is_integer(value)) {
		return NULL;
	}
	Runtime__V1__Int64Value *message = arena_alloc(arena, sizeof(*message));

	runtime__v1__int64_value__init(message);
	message->value = json_integer_value(value);
	return message;
}

/* ---- namespaces and sysctls ---- */

Runtime__V1__NamespaceOption *pod_namespaces(struct pod_config *config)
{
	Runtime__V1__NamespaceOption *option = arena_alloc(config->arena, sizeof(*option));
	bool shared = json_bool_at(config->spec, "shareProcessNamespace", false);

	runtime__v1__namespace_option__init(option);
	option->network = json_bool_at(config->spec, "hostNetwork", false)
				  ? RUNTIME__V1__NAMESPACE_MODE__NODE
				  : RUNTIME__V1__NAMESPACE_MODE__POD;
	option->ipc = json_bool_at(config->spec, "hostIPC", false)
			      ? RUNTIME__V1__NAMESPACE_MODE__NODE
			      : RUNTIME__V1__NAMESPACE_MODE__POD;
	option->pid = json_bool_at(config->spec, "hostPID", false)
			      ? RUNTIME__V1__NAMESPACE_MODE__NODE
		      : shared ? RUNTIME__V1__NAMESPACE_MODE__POD
			       : RUNTIME__V1__NAMESPACE_MODE__CONTAINER;
	return option;
}

/*
 * Namespaced, and harmless to the node and other pods.
 * https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
 */
const char *pod_unsafe_sysctl(const json_t *spec)
{
	static const char *const safe[] = {
		"kernel.shm_rmid_forced",
		"net.ipv4.ip_local_port_range",
		"net.ipv4.tcp_syncookies",
		"net.ipv4.ping_group_range",
		"net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.ip_local_reserved_ports",
		"net.ipv4.tcp_keepalive_time",
		"net.ipv4.tcp_fin_timeout",
		"net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes",
		"net.ipv4.tcp_rmem",
		"net.ipv4.tcp_wmem",
	};
	bool host = json_bool_at(spec, "hostNetwork", false);
	const json_t *sysctl;
	size_t i;

	json_array_foreach (json_at(spec, "securityContext.sysctls"), i, sysctl) {
		const char *name = json_string_at(sysctl, "name");
		bool is_safe = false;

		for (size_t j = 0; j < ARRAY_SIZE(safe); j++) {
			const char *a = safe[j];
			const char *b = name;

			while (*a != '\0' && (*a == *b || (*a == '.' && *b == '/'))) {
				a++;
				b++;
			}
			is_safe = is_safe || (*a == '\0' && *b == '\0');
		}
		if (!is_safe || (host && strncmp(name, "net", 3) == 0) ||
		    (json_bool_at(spec, "hostIPC", false) && strncmp(name, "kernel", 6) == 0)) {
			return name;
		}
	}
	return NULL;
}

/* ---- profiles ---- */

static Runtime__V1__SecurityProfile *profile(struct pod_config *config, const json_t *wanted)
{
	Runtime__V1__SecurityProfile *message = arena_alloc(config->arena, sizeof(*message));
	const char *type = json_string_at(wanted, "type");

	runtime__v1__security_profile__init(message);
	if (strcmp(type, "Unconfined") == 0) {
		message->profile_type = RUNTIME__V1__SECURITY_PROFILE__PROFILE_TYPE__Unconfined;
	} else if (strcmp(type, "Localhost") == 0) {
		/* Below one directory of the node, as kubelet has it; the API refuses "..". */
		const char *file = json_string_at(wanted, "localhostProfile");

		if (file[0] == '/' || strstr(file, "..") != NULL) {
			pod_config_fail(config, POD_CONFIG_IMPOSSIBLE,
					"localhostProfile \"%s\" is not below seccomp", file);
		}
		message->profile_type = RUNTIME__V1__SECURITY_PROFILE__PROFILE_TYPE__Localhost;
		message->localhost_ref = arena_printf(config->arena, "%s/seccomp/%s",
						      config->inputs->node->data_dir, file);
	}
	return message;
}

/* AppArmor names profiles that are loaded; nobody names one: the runtime decides. */
static Runtime__V1__SecurityProfile *app_armor(struct pod_config *config, const json_t *wanted)
{
	if (wanted == NULL) {
		return NULL;
	}
	Runtime__V1__SecurityProfile *message = profile(config, wanted);

	if (message->profile_type == RUNTIME__V1__SECURITY_PROFILE__PROFILE_TYPE__Localhost) {
		message->localhost_ref = arena_printf(config->arena, "%s",
						      json_string_at(wanted, "localhostProfile"));
	}
	return message;
}

static Runtime__V1__SELinuxOption *selinux(struct pod_config *config, const json_t *wanted)
{
	struct {
		const char *key;
		size_t offset;
	} parts[] = {
		{ "user", offsetof(Runtime__V1__SELinuxOption, user) },
		{ "role", offsetof(Runtime__V1__SELinuxOption, role) },
		{ "type", offsetof(Runtime__V1__SELinuxOption, type) },
		{ "level", offsetof(Runtime__V1__SELinuxOption, level) },
	};

	if (wanted == NULL) {
		return NULL;
	}
	Runtime__V1__SELinuxOption *option = arena_alloc(config->arena, sizeof(*option));

	runtime__v1__selinux_option__init(option);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char **member = (char **)((char *)option + parts[i].offset);

		*member = arena_printf(config->arena, "%s", json_string_at(wanted, parts[i].key));
	}
	return option;
}

/* ---- groups ---- */

static int64_t *groups(struct pod_config *config, size_t *ret_n)
{
	const json_t *context = json_object_get(config->spec, "securityContext");
	const json_t *others = json_object_get(context, "supplementalGroups");
	const json_t *volumes = json_object_get(context, "fsGroup");
	int64_t *ids = arena_alloc(config->arena, (json_array_size(others) + 1) * sizeof(*ids));
	const json_t *group;
	size_t i;

	*ret_n = 0;
	if (json_is_integer(volumes)) {
		ids[(*ret_n)++] = json_integer_value(volumes);
	}
	json_array_foreach (others, i, group) {
		ids[(*ret_n)++] = json_integer_value(group);
	}
	return ids;
}

/* ---- the sandbox ---- */

static bool is_privileged(const json_t *container)
{
	return json_bool_at(container, "securityContext.privileged", false);
}

static bool any_privileged(const json_t *spec)
{
	static const char *const lists[] = { "containers", "initContainers" };
	const json_t *container;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		json_array_foreach (json_object_get(spec, lists[k]), i, container) {
			if (is_privileged(container)) {
				return true;
			}
		}
	}
	return false;
}

Runtime__V1__LinuxSandboxSecurityContext *pod_sandbox_security(struct pod_config *config)
{
	Runtime__V1__LinuxSandboxSecurityContext *security =
		arena_alloc(config->arena, sizeof(*security));
	const json_t *context = json_object_get(config->spec, "securityContext");

	runtime__v1__linux_sandbox_security_context__init(security);
	security->namespace_options = pod_namespaces(config);
	security->privileged = any_privileged(config->spec);
	security->run_as_user = number(config->arena, json_object_get(context, "runAsUser"));
	/* A group alone is nothing that a runtime takes. */
	if (security->run_as_user != NULL) {
		security->run_as_group =
			number(config->arena, json_object_get(context, "runAsGroup"));
	}
	security->supplemental_groups = groups(config, &security->n_supplemental_groups);
	security->selinux_options = selinux(config, json_object_get(context, "seLinuxOptions"));
	/* Its one process just waits: the default profile is always enough for it. */
	security->seccomp = profile(config, NULL);
	return security;
}

/* ---- containers ---- */

static void put_user(struct pod_config *config, const json_t *container,
		     const Runtime__V1__Image *image,
		     Runtime__V1__LinuxContainerSecurityContext *security)
{
	struct arena *arena = config->arena;
	const json_t *user = effective(config, container, "runAsUser");
	bool wants_other = json_is_true(effective(config, container, "runAsNonRoot"));
	const char *name = image != NULL ? image->username : "";
	json_t *zero _cleanup_json_ = json_integer(0);

	security->run_as_group = number(arena, effective(config, container, "runAsGroup"));
	if (user != NULL) {
		security->run_as_user = number(arena, user);
		if (wants_other && json_integer_value(user) == 0) {
			pod_config_fail(config, POD_CONFIG_IMPOSSIBLE,
					"container's runAsUser breaks non-root policy");
		}
		return;
	}
	if (image != NULL && image->uid != NULL) {
		security->run_as_user = number(arena, zero);
		security->run_as_user->value = image->uid->value;
	} else if (name[0] != '\0') {
		security->run_as_username = arena_printf(arena, "%s", name);
		if (wants_other) {
			pod_config_fail(config, POD_CONFIG_IMPOSSIBLE,
					"container has runAsNonRoot and image has non-numeric user "
					"(%s), cannot verify user is non-root",
					name);
		}
		return;
	} else {
		security->run_as_user = number(arena, zero);
	}
	if (wants_other && security->run_as_user->value == 0) {
		pod_config_fail(config, POD_CONFIG_IMPOSSIBLE,
				"container has runAsNonRoot and image will run as root");
	}
}

static char **static_strings(struct arena *arena, const char *const *texts, size_t n)
{
	char **copies = arena_alloc(arena, (n + 1) * sizeof(*copies));

	for (size_t i = 0; i < n; i++) {
		copies[i] = (char *)texts[i];
	}
	return copies;
}

static void put_paths(struct pod_config *config, const json_t *container,
		      Runtime__V1__LinuxContainerSecurityContext *security)
{
	const char *mount = json_string_at(container, "securityContext.procMount");

	if (strcmp(mount, "Unmasked") == 0 || security->privileged) {
		return;
	}
	security->n_masked_paths = ARRAY_SIZE(masked_paths);
	security->masked_paths =
		static_strings(config->arena, masked_paths, ARRAY_SIZE(masked_paths));
	security->n_readonly_paths = ARRAY_SIZE(read_only_paths);
	security->readonly_paths =
		static_strings(config->arena, read_only_paths, ARRAY_SIZE(read_only_paths));
}

static Runtime__V1__Capability *capabilities(struct pod_config *config, const json_t *wanted)
{
	if (wanted == NULL) {
		return NULL;
	}
	Runtime__V1__Capability *message = arena_alloc(config->arena, sizeof(*message));

	runtime__v1__capability__init(message);
	message->add_capabilities = pod_config_strings(config, json_object_get(wanted, "add"),
						       &message->n_add_capabilities);
	message->drop_capabilities = pod_config_strings(config, json_object_get(wanted, "drop"),
							&message->n_drop_capabilities);
	return message;
}

Runtime__V1__LinuxContainerSecurityContext *pod_container_security(struct pod_config *config,
								   const json_t *container,
								   const Runtime__V1__Image *image)
{
	Runtime__V1__LinuxContainerSecurityContext *security =
		arena_alloc(config->arena, sizeof(*security));
	const json_t *own = json_object_get(container, "securityContext");

	runtime__v1__linux_container_security_context__init(security);
	security->namespace_options = pod_namespaces(config);
	security->privileged = is_privileged(container);
	security->capabilities = capabilities(config, json_object_get(own, "capabilities"));
	security->readonly_rootfs = json_bool_at(own, "readOnlyRootFilesystem", false);
	security->no_new_privs = !json_bool_at(own, "allowPrivilegeEscalation", true);
	security->supplemental_groups = groups(config, &security->n_supplemental_groups);
	security->seccomp = profile(config, effective(config, container, "seccompProfile"));
	security->apparmor = app_armor(config, effective(config, container, "appArmorProfile"));
	security->selinux_options = selinux(config, effective(config, container, "seLinuxOptions"));
	put_user(config, container, image, security);
	put_paths(config, container, security);
	return security;
}
