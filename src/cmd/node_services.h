/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Services and their names on a node that has joined: `headlessd proxy` and `headlessd dns` as
 * children of `headlessd node`. Their output goes to DIR/proxy.log and DIR/dns.log.
 */

struct child;
struct loop;

struct node_services {
	struct child *proxy;
	struct child *dns;
};

struct node_services_config {
	struct loop *loop;
	const char *kubeconfig;
	const char *data_dir; /* DIR above; is there */
	const char *node_name;
	const char *cluster_cidr; /* all pods of the cluster: "10.244.0.0/16" */
	const char *cluster_domain;
	const char *const *cluster_dns; /* two, up to the first NULL; none: no DNS server */
	const char *log_level;
};

/*
 * Starts both; the DNS server answers at the address of the cluster's, here. Returns 0, or a
 * negative errno after one line on standard error; node_services_stop() cleans up then, too.
 */
int node_services_start(struct node_services *services, const struct node_services_config *config);

/* Ends both; the rules of the kernel stay. */
void node_services_stop(struct node_services *services);
