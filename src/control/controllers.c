/* SPDX-License-Identifier: Apache-2.0 */
#include "control/controllers.h"

#include "base/mem.h"

const struct controller *const controllers[] = {
	&controller_deployment,   &controller_endpoints,   &controller_endpointslice,
	&controller_event_expiry, &controller_mirroring,   &controller_replicaset,
	&controller_scheduler,    &controller_statefulset,
};

const size_t n_controllers = ARRAY_SIZE(controllers);
