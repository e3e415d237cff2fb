/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that containerd and the CNI plugins read, and the check before anything is started. */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/file.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/child.h"
#include "node/containerd.h"
#include "node/containerd_intern.h"

const char containerd_bridge[] = "headlessd0";

enum {
	PROC_TEXT = 64 * 1024,
};

/* ---- texts ---- */

bool containerd_path_is_plain(const char *path)
{
	if (path[0] != '/') {
		return false;
	}
	for (const char *p = path; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '"' || *p == '\\') {
			return false;
		}
	}
	return true;
}

void containerd_write_config(const struct containerd_paths *paths, struct buffer *text)
{
	static const char cri[] = "plugins.\"io.containerd.grpc.v1.cri\"";

	buffer_printf(text,
		      "# Written by headlessd at each start; changes are lost.\n"
		      "version = 2\n"
		      "root = \"%s\"\n"
		      "state = \"%s\"\n"
		      "disabled_plugins = [\n"
		      "\t\"io.containerd.snapshotter.v1.aufs\",\n"
		      "\t\"io.containerd.snapshotter.v1.btrfs\",\n"
		      "\t\"io.containerd.snapshotter.v1.devmapper\",\n"
		      "\t\"io.containerd.snapshotter.v1.zfs\",\n"
		      "]\n\n"
		      "[grpc]\naddress = \"%s\"\n\n"
		      "[debug]\nlevel = \"warn\"\n\n",
		      paths->root, paths->state, paths->socket);
	buffer_printf(text,
		      "[%s]\n"
		      "sandbox_image = \"%s\"\n"
		      "stream_server_address = \"127.0.0.1\"\n"
		      "stream_server_port = \"0\"\n"
		      "restrict_oom_score_adj = %s\n"
		      "netns_mounts_under_state_dir = true\n\n"
		      "[%s.containerd]\n"
		      "snapshotter = \"%s\"\n"
		      "default_runtime_name = \"runc\"\n\n",
		      cri, paths->sandbox_image, paths->scores ? "false" : "true", cri,
		      paths->overlay ? "overlayfs" : "native");
	buffer_printf(text,
		      "[%s.containerd.runtimes.runc]\n"
		      "runtime_type = \"io.containerd.runc.v2\"\n\n"
		      "[%s.containerd.runtimes.runc.options]\n"
		      "SystemdCgroup = false\n"
		      "Root = \"%s\"\n\n"
		      "[%s.cni]\n"
		      "bin_dir = \"%s\"\n"
		      "conf_dir = \"%s\"\n\n"
		      "[%s.registry]\n"
		      "config_path = \"/etc/containerd/certs.d\"\n",
		      cri, cri, paths->runc, cri, paths->cni_bin, paths->cni_conf, cri);
}

bool containerd_write_network(const char *const *cidrs, unsigned mtu, const char *data_dir,
			      struct buffer *text)
{
	bool seen[2] = { false, false };
	const char *comma = "";

	/* No masquerading: that is the proxy's, which knows what is outside. */
	buffer_printf(text,
		      "{\"cniVersion\":\"0.4.0\",\"name\":\"headlessd\",\"plugins\":["
		      "{\"type\":\"bridge\",\"bridge\":\"%s\",\"isGateway\":true,"
		      "\"forceAddress\":true,\"ipMasq\":false,\"hairpinMode\":true,",
		      containerd_bridge);
	if (mtu != 0) {
		buffer_printf(text, "\"mtu\":%u,", mtu);
	}
	buffer_printf(text, "\"ipam\":{\"type\":\"host-local\",\"dataDir\":\"%s\",\"ranges\":[",
		      data_dir);
	for (size_t i = 0; cidrs[i] != NULL; i++) {
		struct ip_network network;
		char written[IP_NETWORK_TEXT];
		bool is_v6;

		if (!ip_network_parse(str_from(cidrs[i]), &network)) {
			return false;
		}
		is_v6 = network.ip.n == 16;
		/* Network, gateway, a pod, broadcast. */
		if (seen[is_v6] || ip_network_size(&network) < 4) {
			return false;
		}
		seen[is_v6] = true;
		ip_network_text(&network, written);
		buffer_printf(text, "%s[{\"subnet\":\"%s\"}]", comma, written);
		comma = ",";
	}
	buffer_printf(text, "],\"routes\":[%s%s%s]}}]}\n", seen[0] ? "{\"dst\":\"0.0.0.0/0\"}" : "",
		      seen[0] && seen[1] ? "," : "", seen[1] ? "{\"dst\":\"::/0\"}" : "");
	return seen[0] || seen[1];
}

/* ---- what is there ---- */

const char *containerd_find_plugins(void)
{
	static const char *const folders[] = { "/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni" };
	static const char *const names[] = { "bridge", "host-local", "loopback" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		size_t found = 0;

		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			_cleanup_free_ char *path = mem_printf("%s/%s", folders[i], names[j]);

			found += access(path, X_OK) == 0 ? 1 : 0;
		}
		if (found == ARRAY_SIZE(names)) {
			return folders[i];
		}
	}
	return NULL;
}

bool containerd_overlay_works(const char *folder)
{
	static const char *const parts[] = { "lower", "upper", "work", "merged" };
	_cleanup_free_ char *check = mem_printf("%s/overlay-check", folder);
	_cleanup_free_ char *inner = mem_printf("%s/work/work", check);
	_cleanup_free_ char *merged = mem_printf("%s/merged", check);
	_cleanup_free_ char *options = mem_printf("lowerdir=%s/lower,upperdir=%s/upper,workdir=%s"
						  "/work",
						  check, check, check);
	bool works = true;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		_cleanup_free_ char *part = mem_printf("%s/%s", check, parts[i]);

		works = works && file_make_directory(part, 0700) == 0;
	}
	works = works && mount("overlay", merged, "overlay", MS_NODEV | MS_NOSUID, options) == 0;
	if (works) {
		umount2(merged, MNT_DETACH);
	}
	rmdir(inner);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		_cleanup_free_ char *part = mem_printf("%s/%s", check, parts[i]);

		rmdir(part);
	}
	rmdir(check);
	return works;
}

bool containerd_has_capability(unsigned number)
{
	_cleanup_free_ char *text = NULL;
	const char *line;
	unsigned long long has;

	return file_read("/proc/self/status", PROC_TEXT, &text, NULL) == 0 &&
	       (line = strstr(text, "\nCapEff:")) != NULL &&
	       sscanf(line, "\nCapEff: %llx", &has) == 1 && (has >> number & 1) != 0;
}

/* Also in a container that was not given all of root's rights. */
static bool has_rights(void)
{
	return geteuid() == 0 && containerd_has_capability(CAP_NET_ADMIN) &&
	       containerd_has_capability(CAP_SYS_ADMIN);
}

static bool has_cgroups(void)
{
	return access("/sys/fs/cgroup/cgroup.procs", W_OK) == 0 || /* v2 */
	       access("/sys/fs/cgroup/memory/cgroup.procs", W_OK) == 0; /* v1, hybrid */
}

bool containerd_available(char ret_message[CONTAINERD_MESSAGE])
{
	static const struct {
		const char *program;
		const char *package;
	} programs[] = {
		{ "containerd", "containerd" },
		{ "containerd-shim-runc-v2", "containerd" },
		{ "runc", "runc" },
	};

	if (!has_rights()) {
		snprintf(ret_message, CONTAINERD_MESSAGE,
			 "real pods need root (CAP_SYS_ADMIN and CAP_NET_ADMIN)");
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *path = child_find_program(programs[i].program);

		if (path == NULL) {
			snprintf(ret_message, CONTAINERD_MESSAGE,
				 "real pods need the program %s (Debian: apt install %s)",
				 programs[i].program, programs[i].package);
			return false;
		}
	}
	if (containerd_find_plugins() == NULL) {
		snprintf(ret_message, CONTAINERD_MESSAGE,
			 "real pods need the CNI plugins bridge, host-local and loopback in "
			 "/usr/lib/cni or /opt/cni/bin (Debian: apt install "
			 "containernetworking-plugins)");
		return false;
	}
	if (!has_cgroups()) {
		snprintf(ret_message, CONTAINERD_MESSAGE,
			 "real pods need cgroups that can be written, at /sys/fs/cgroup");
		return false;
	}
	return true;
}
