/* SPDX-License-Identifier: Apache-2.0 */
#include "control/controllers.h"

#include "base/mem.h"

const struct controller *const controllers[] = {
	&controller_bootstrap_tokens,   &controller_certificates,   &controller_pod_networks,
	&controller_deployment,         &controller_endpoints,      &controller_endpointslice,
	&controller_ephemeral_claims,   &controller_event_expiry,   &controller_garbage,
	&controller_mirroring,          &controller_namespace,      &controller_persistent_claims,
	&controller_persistent_volumes, &controller_podgc,          &controller_replicaset,
	&controller_scheduler,          &controller_serviceaccount, &controller_statefulset,
};

const size_t n_controllers = ARRAY_SIZE(controllers);
