/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Probes of a container that runs: startup, liveness, readiness, as often and as patiently as its
 * spec says. What they find changes the container at once and wakes its pod.
 * https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/
 */

#include "node/knock.h"

struct container;

/* How containers are reached over the network; the agent's is probing_real. */
struct probing {
	/* As knock_start() and knock_cancel(). */
	struct knock *(*start)(void *data, const struct knock_request *request, knock_done_fn done,
			       void *userdata);
	struct knock *(*cancel)(struct knock *knock);
	void *data;
};

/* Begins with all that its spec asks for; from the start of its life. */
void probes_start(struct container *container);
void probes_stop(struct container *container);

/*
 * What a probe or a hook with an `httpGet` or `tcpSocket` knocks at, without the timeout: the pod's
 * own address unless a host is named, and port 0 when no container port has the name that is given.
 * Texts are the handler's and the pod's.
 */
struct knock_request probe_request(const struct container *container, const json_t *handler,
				   bool http);
