/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One process serves the socket: a child of ours, or one that an earlier life of ours has left. The
 * latter is known by the other end of its socket and watched through a pidfd; when it ends a child
 * takes its place, and from then on loop/child keeps that running. One that was started with
 * another configuration than ours is asked to end first: pods do not notice.
 */
#include "node/containerd.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "node/containerd_intern.h"

#define COMPONENT "containerd"
#define SANDBOX_IMAGE "registry.k8s.io/pause:3.9"

enum {
	/* A socket's path has 107 bytes; containerd makes others beside its own. */
	RUN_DIR_LENGTH = 60,
	END_SECONDS = 10, /* what it is given to end */
};

struct containerd {
	struct loop *loop;
	struct child *child; /* NULL while one that was left serves */
	int left; /* a pidfd of that; -1: none */
	struct loop_watch *left_watch;
	char *data; /* DATA/containerd */
	char *run;
	char *socket;
	char *config;
	char *cni_conf;
	char *log;
};

/* ---- one that was left ---- */

/* Who serves the socket: a pidfd, or -1. */
static int find_left(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred peer;
	socklen_t size = sizeof(peer);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0) {
		return -1;
	}
	return pidfd_open(peer.pid, 0);
}

/* Asks a process that is no child of ours to end, and waits for that. */
static void end_left(int pidfd)
{
	struct pollfd waits = { .fd = pidfd, .events = POLLIN };

	pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
	if (poll(&waits, 1, END_SECONDS * 1000) <= 0) {
		pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
		(void)poll(&waits, 1, END_SECONDS * 1000);
	}
}

static void forget_left(struct containerd *containerd)
{
	containerd->left_watch = loop_watch_free(containerd->left_watch);
	file_close_pointer(&containerd->left);
	containerd->left = -1;
}

/* ---- our own ---- */

/* What it has said is kept once over, so that it does not fill the disk over the years. */
static void turn_log(const struct containerd *containerd)
{
	_cleanup_free_ char *old = mem_printf("%s.1", containerd->log);
	struct stat log;

	if (stat(containerd->log, &log) == 0 && log.st_size > LIMIT_CONTAINERD_LOG) {
		(void)rename(containerd->log, old);
	}
}

static int start(struct containerd *containerd)
{
	const char *const argv[] = { "containerd", "--config", containerd->config, NULL };
	const struct child_config config = {
		.name = "containerd",
		.argv = argv,
		.log_file = containerd->log,
		.outlives_us = true,
	};

	turn_log(containerd);
	return error_trace(child_start(containerd->loop, &config, &containerd->child));
}

static void left_ended(void *userdata, unsigned events)
{
	struct containerd *containerd = userdata;
	int result;

	log_warning(COMPONENT, "the containerd that was taken over has ended; starting our own");
	forget_left(containerd);
	result = start(containerd);
	if (result < 0) {
		log_error(COMPONENT, "cannot start containerd: %s", strerror(-result));
	}
}

/* Takes over the one that serves the socket already. False: there is none that will do. */
static bool take_over(struct containerd *containerd, bool config_changed)
{
	containerd->left = find_left(containerd->socket);
	if (containerd->left < 0) {
		return false;
	}
	if (config_changed) {
		log_info(COMPONENT, "its configuration has changed, so containerd is restarted");
		end_left(containerd->left);
		forget_left(containerd);
		return false;
	}
	if (loop_watch_new(containerd->loop, containerd->left, LOOP_READ, left_ended, containerd,
			   &containerd->left_watch) < 0) {
		forget_left(containerd);
		return false;
	}
	log_info(COMPONENT, "taken over at %s", containerd->socket);
	return true;
}

/* ---- files ---- */

static bool is_written(const char *path, struct str text)
{
	_cleanup_free_ char *old = NULL;
	size_t n = 0;

	return file_read(path, LIMIT_CONTAINERD_CONFIG, &old, &n) == 0 &&
	       str_eq((struct str){ .p = old, .n = n }, text);
}

static int write_config(const struct containerd *containerd, const char *sandbox_image,
			bool *ret_changed)
{
	_cleanup_free_ char *root = mem_printf("%s/root", containerd->data);
	_cleanup_free_ char *state = mem_printf("%s/state", containerd->run);
	_cleanup_free_ char *runc = mem_printf("%s/runc", containerd->run);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_CONTAINERD_CONFIG);
	const struct containerd_paths paths = {
		.root = root,
		.state = state,
		.socket = containerd->socket,
		.cni_conf = containerd->cni_conf,
		.cni_bin = containerd_find_plugins(),
		.runc = runc,
		.sandbox_image = sandbox_image,
		.overlay = containerd_overlay_works(containerd->data),
		.scores = containerd_has_capability(CAP_SYS_RESOURCE),
	};

	containerd_write_config(&paths, &text);
	*ret_changed = !is_written(containerd->config, buffer_str(&text));
	return *ret_changed ? file_write(containerd->config, buffer_str(&text), 0600) : 0;
}

static int make_directories(const struct containerd *containerd)
{
	int result = file_make_directory(containerd->data, 0700);

	result = result < 0 ? result : file_make_directory(containerd->cni_conf, 0700);
	return result < 0 ? result : file_make_directory(containerd->run, 0711);
}

static void set_paths(struct containerd *containerd, const struct containerd_config *config)
{
	static const uint8_t key[SIPHASH_KEY] = "headlessd's run";
	uint64_t digits = siphash24(key, config->data_dir, strlen(config->data_dir));

	containerd->data = mem_printf("%s/containerd", config->data_dir);
	containerd->run = config->run_dir != NULL ? mem_strdup(config->run_dir)
						  : mem_printf("/run/headlessd/%08x",
							       (unsigned)(digits & 0xffffffff));
	containerd->socket = mem_printf("%s/containerd.sock", containerd->run);
	containerd->config = mem_printf("%s/config.toml", containerd->data);
	containerd->cni_conf = mem_printf("%s/cni", containerd->data);
	containerd->log = mem_printf("%s/containerd.log", containerd->data);
}

static bool paths_are_fine(const struct containerd *containerd, const char *image,
			   char ret_message[CONTAINERD_MESSAGE])
{
	_cleanup_free_ char *as_path = mem_printf("/%s", image);

	if (!containerd_path_is_plain(containerd->data) ||
	    !containerd_path_is_plain(containerd->run) || !containerd_path_is_plain(as_path)) {
		snprintf(ret_message, CONTAINERD_MESSAGE,
			 "paths for containerd are absolute and without quotes, backslashes and "
			 "control characters: %.60s, %.60s",
			 containerd->data, containerd->run);
		return false;
	}
	if (strlen(containerd->run) > RUN_DIR_LENGTH) {
		snprintf(ret_message, CONTAINERD_MESSAGE,
			 "the directory for sockets is longer than %d bytes: %.100s",
			 RUN_DIR_LENGTH, containerd->run);
		return false;
	}
	return true;
}

/* ---- the interface ---- */

static void destroy(struct containerd *containerd)
{
	forget_left(containerd);
	mem_free(containerd->data);
	mem_free(containerd->run);
	mem_free(containerd->socket);
	mem_free(containerd->config);
	mem_free(containerd->cni_conf);
	mem_free(containerd->log);
	mem_free(containerd);
}

static int begin(struct containerd *containerd, const char *image,
		 char ret_message[CONTAINERD_MESSAGE])
{
	bool changed = false;
	int result;

	if (!paths_are_fine(containerd, image, ret_message)) {
		return error_origin(-EINVAL);
	}
	result = make_directories(containerd);
	result = result < 0 ? result : write_config(containerd, image, &changed);
	if (result < 0) {
		snprintf(ret_message, CONTAINERD_MESSAGE, "cannot write below %.60s and %.60s: %s",
			 containerd->data, containerd->run, strerror(-result));
		return error_trace(result);
	}
	if (take_over(containerd, changed)) {
		return 0;
	}
	result = start(containerd);
	if (result < 0) {
		snprintf(ret_message, CONTAINERD_MESSAGE, "cannot start containerd: %s",
			 strerror(-result));
	}
	return error_trace(result);
}

int containerd_new(struct loop *loop, const struct containerd_config *config,
		   char ret_message[CONTAINERD_MESSAGE], struct containerd **ret)
{
	const char *image = config->sandbox_image != NULL ? config->sandbox_image : SANDBOX_IMAGE;
	struct containerd *containerd;
	int result;

	if (!containerd_available(ret_message)) {
		return error_origin(-EPERM);
	}
	containerd = MEM_NEW(struct containerd);
	containerd->loop = loop;
	containerd->left = -1;
	set_paths(containerd, config);
	result = begin(containerd, image, ret_message);
	if (result < 0) {
		destroy(containerd);
		return error_trace(result);
	}
	*ret = containerd;
	return 0;
}

const char *containerd_socket(const struct containerd *containerd)
{
	return containerd->socket;
}

int containerd_set_network(struct containerd *containerd, const char *const *cidrs, unsigned mtu)
{
	_cleanup_free_ char *path = mem_printf("%s/10-headlessd.conflist", containerd->cni_conf);
	_cleanup_free_ char *addresses = mem_printf("%s/cni", containerd->run);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_CONTAINERD_CONFIG);
	int result = 0;

	if (!containerd_write_network(cidrs, mtu, addresses, &text)) {
		return error_origin(-EINVAL);
	}
	/* containerd watches the directory, and reads it at its start. */
	if (!is_written(path, buffer_str(&text))) {
		result = file_write(path, buffer_str(&text), 0600);
	}
	return error_trace(result);
}

struct containerd *containerd_free(struct containerd *containerd)
{
	if (containerd == NULL) {
		return NULL;
	}
	if (containerd->left >= 0) {
		end_left(containerd->left);
	}
	child_free(containerd->child, END_SECONDS * NS_PER_S);
	destroy(containerd);
	return NULL;
}
