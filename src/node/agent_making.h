/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an agent makes its pods of: the configuration of pod_config.h, the volumes of volumes.h, and
 * their logs. pod_making_real's data is a struct making.
 */

#include "node/pod.h"
#include "node/probes.h"

struct making {
	struct volumes *volumes;
	const struct node_config *node;
};

extern const struct pod_making pod_making_real;

/* Probes over the network; `loop` is borrowed. */
struct probing probing_real(struct loop *loop);
