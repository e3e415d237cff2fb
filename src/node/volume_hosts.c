/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod's /etc/hosts. Its first line and its order are what people (and conformance tests) know
 * from kubelets.
 * https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/
 *
 * It is written in place: the containers have this very file mounted, and a new one would not be
 * seen by them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "node/volumes_intern.h"
#include "json/json.h"

static void put_own(const struct pod_inputs *inputs, struct arena *arena, struct buffer *out)
{
	const char *name;
	const char *domain;

	pod_config_hostname(inputs, arena, &name, &domain);
	buffer_append_text(out, "# Kubernetes-managed hosts file.\n"
				"127.0.0.1\tlocalhost\n"
				"::1\tlocalhost ip6-localhost ip6-loopback\n"
				"fe00::0\tip6-localnet\n"
				"fe00::0\tip6-mcastprefix\n"
				"fe00::1\tip6-allnodes\n"
				"fe00::2\tip6-allrouters\n");
	for (size_t i = 0; inputs->pod_ips != NULL && inputs->pod_ips[i] != NULL; i++) {
		if (domain[0] != '\0') {
			buffer_printf(out, "%s\t%s.%s\t%s\n", inputs->pod_ips[i], name, domain,
				      name);
		} else {
			buffer_printf(out, "%s\t%s\n", inputs->pod_ips[i], name);
		}
	}
}

/* On the node's network the node's own names hold. */
static void put_node(const char *path, struct buffer *out)
{
	char *text _cleanup_free_ = NULL;
	size_t n = 0;

	buffer_append_text(out, "# Kubernetes-managed hosts file (host network).\n");
	if (file_read(path, LIMIT_HOSTS, &text, &n) == 0) {
		buffer_append(out, text, n);
	}
}

static void put_aliases(const json_t *aliases, struct buffer *out)
{
	const json_t *alias;
	const json_t *name;
	size_t i;
	size_t j;

	if (json_array_size(aliases) != 0) {
		buffer_append_text(out, "\n# Entries added by HostAliases.\n");
	}
	json_array_foreach (aliases, i, alias) {
		buffer_append_text(out, json_string_at(alias, "ip"));
		json_array_foreach (json_object_get(alias, "hostnames"), j, name) {
			buffer_printf(out, "\t%s", json_string_value(name));
		}
		buffer_append_char(out, '\n');
	}
}

static int write_in_place(const char *path, struct str text)
{
	int fd _cleanup_close_ = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0 || fchmod(fd, 0644) < 0) {
		return error_origin(-errno);
	}
	if (pwrite(fd, text.p, text.n, 0) != (ssize_t)text.n || ftruncate(fd, (off_t)text.n) < 0) {
		return error_origin(errno != 0 ? -errno : -EIO);
	}
	return 0;
}

int volumes_write_hosts(struct volumes *volumes, struct object *pod, const char *const *pod_ips)
{
	struct buffer text _cleanup_buffer_ = BUFFER_INIT(LIMIT_OBJECT + LIMIT_HOSTS);
	const json_t *spec = json_object_get(object_tree(pod), "spec");
	struct pod_inputs inputs = {
		.node = volumes->node,
		.cache = volumes->cache,
		.pod = pod,
		.pod_ips = pod_ips,
	};
	char *before _cleanup_free_ = NULL;
	struct arena arena;
	size_t n = 0;

	arena_init(&arena, LIMIT_POD_CONFIG);
	if (json_bool_at(spec, "hostNetwork", false)) {
		put_node("/etc/hosts", &text);
	} else {
		put_own(&inputs, &arena, &text);
	}
	put_aliases(json_object_get(spec, "hostAliases"), &text);
	const char *path = pod_hosts_path(volumes->node, object_uid(pod), &arena);
	int r = file_make_directory(pod_directory(volumes->node, object_uid(pod), &arena), 0750);

	/* A reader sees no half of it unless there is something new. */
	if (r == 0 && (file_read(path, LIMIT_OBJECT + LIMIT_HOSTS, &before, &n) < 0 ||
		       !str_eq((struct str){ .p = before, .n = n }, buffer_str(&text)))) {
		r = write_in_place(path, buffer_str(&text));
	}
	arena_deinit(&arena);
	return r;
}
