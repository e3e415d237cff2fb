/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A containerd of our own: a child with configuration, socket, directories and pod network apart
 * from any other containerd of the machine. Pods live on without it, under their shims: when it is
 * killed it is started again, and when we are killed it stays and is taken over by the next of us.
 * Loop's thread.
 *
 *   DATA/containerd/            images, snapshots, config.toml, cni/ (the pod network), log
 *   RUN/containerd.sock         the CRI; RUN/state, RUN/cni: what a reboot may forget
 */

#include <stdbool.h>
#include <stddef.h>

struct containerd;
struct loop;

enum { CONTAINERD_MESSAGE = 256 };

struct containerd_config {
	const char *data_dir; /* absolute; DATA above */
	/* RUN above, absolute, at most 60 bytes; NULL: /run/headlessd/ and 8 digits of `data_dir`.
	 */
	const char *run_dir;
	const char *sandbox_image; /* NULL: "registry.k8s.io/pause:3.9" */
};

/*
 * Whether pods can run on this machine at all: root, containerd, runc, CNI plugins, cgroups. False:
 * one line says what is missing and how to get it. Tries nothing that it would have to undo.
 */
bool containerd_available(char ret_message[CONTAINERD_MESSAGE]);

/*
 * Writes the configuration and starts containerd, or takes over the one that answers at its socket.
 * It is not ready when this returns: the runtime (cri_new() of containerd_socket()) finds out by
 * itself. All of `config` is copied. Returns 0, or -errno after one line in `ret_message`.
 */
int containerd_new(struct loop *loop, const struct containerd_config *config,
		   char ret_message[CONTAINERD_MESSAGE], struct containerd **ret);

/* Where it listens. */
const char *containerd_socket(const struct containerd *containerd);

/*
 * The addresses of the node's pods: `cidrs` up to the first NULL, at most one of each family, as in
 * spec.podCIDRs. Pods get no network before the first call (the runtime says NetworkReady=false);
 * the same again changes nothing, others are for pods from then on. `mtu` 0: the kernel's default.
 * Returns 0 or -errno (-EINVAL: not a network).
 */
int containerd_set_network(struct containerd *containerd, const char *const *cidrs, unsigned mtu);

/* The bridge that pods are connected to: "headlessd0". */
extern const char containerd_bridge[];

/* Stops containerd; pods keep running. NULL is fine; returns NULL. */
struct containerd *containerd_free(struct containerd *containerd);
