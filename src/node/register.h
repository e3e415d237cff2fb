/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What real and simulated nodes have in common when they register. Pure. */

#include <jansson.h>

#include "client/reconcile.h"

/* The labels that a kubelet gives its Node; new reference. */
json_t *node_labels(const char *name);

/* "amd64", "arm64", … of this machine. */
const char *node_architecture(void);

/* What nodes of this program say they run: "v1.35.0-headlessd.0.1"; new reference. */
json_t *node_kubelet_version(const char *version);

/*
 * Makes or renews the lease of `node` (kind Lease is in the view's cache), on the wall clock's full
 * tens of seconds, and asks to come back.
 */
void node_plan_lease(const struct view *view, struct object *node, struct plan *plan);
