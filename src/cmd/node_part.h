/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * This machine as a node of `standalone`: `headlessd node` and `headlessd proxy` as children, each
 * with a certificate of its own. Their output goes to DIR/node.log and DIR/proxy.log.
 */

struct api_part;
struct child;
struct loop;
struct settings;

struct node_part {
	struct child *node;
	struct child *proxy;
};

/*
 * Writes the kubeconfigs and starts both. Returns 0, or a negative errno after one line on standard
 * error. On failure node_part_stop() cleans up, too.
 */
int node_part_start(struct node_part *part, struct loop *loop, const struct settings *settings,
		    const struct api_part *api);

/* Ends both; pods keep running. */
void node_part_stop(struct node_part *part);
