/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * All controllers, as one table: a program adds every row to its runner (client/runner.h) with the
 * same settings. A new controller is one file that ends in one `const struct controller`, and a
 * row.
 */

#include <stddef.h>

#include "client/reconcile.h"

/* What controllers need to know beside the objects; the `settings` of their view. May be NULL. */
struct controller_settings {
	/* PEM text of the CA that signs the API's certificate: kube-root-ca.crt. NULL: none. */
	const char *ca_certificate;
	/* Its key, PEM: signs what nodes ask for. NULL: nothing is signed. */
	const char *ca_key;
	/* Networks that nodes' pod networks are cut from, up to the first NULL; none: nobody cuts.
	 */
	const char *pod_cidrs[2];
	/*
	 * Below it nodes make the directories of local volumes, one a volume; NULL:
	 * /var/lib/headlessd/volumes.
	 */
	const char *volume_directory;
};

extern const struct controller *const controllers[];
extern const size_t n_controllers;

extern const struct controller controller_bootstrap_tokens;
extern const struct controller controller_certificates;
extern const struct controller controller_deployment;
extern const struct controller controller_endpoints;
extern const struct controller controller_endpointslice;
extern const struct controller controller_ephemeral_claims;
extern const struct controller controller_event_expiry;
extern const struct controller controller_garbage;
extern const struct controller controller_mirroring;
extern const struct controller controller_namespace;
extern const struct controller controller_pod_networks;
extern const struct controller controller_persistent_claims;
extern const struct controller controller_persistent_volumes;
extern const struct controller controller_podgc;
extern const struct controller controller_replicaset;
extern const struct controller controller_scheduler;
extern const struct controller controller_serviceaccount;
extern const struct controller controller_statefulset;
