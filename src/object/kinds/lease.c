/* SPDX-License-Identifier: Apache-2.0 */

#include "object/kinds/kinds.h"
#include "object/kinds/types.h"

static const struct field lease_spec_fields[] = {
	ROW(STRING, "holderIdentity", 1, "", .flags = FIELD_POINTER),
	ROW(INT32, "leaseDurationSeconds", 2, "", .flags = FIELD_POINTER),
	ROW(MICRO_TIME, "acquireTime", 3, "", .flags = FIELD_POINTER),
	ROW(MICRO_TIME, "renewTime", 4, "", .flags = FIELD_POINTER),
	ROW(INT32, "leaseTransitions", 5, "", .flags = FIELD_POINTER),
	ROW(STRING, "strategy", 6, "", .flags = FIELD_POINTER, .one_of = "OldestEmulationVersion"),
	ROW(STRING, "preferredHolder", 7, "", .flags = FIELD_POINTER),
};

static const struct type type_lease_spec = {
	.name = "io.k8s.api.coordination.v1.LeaseSpec",
	.doc = "",
	SCHEMA_TABLE(lease_spec_fields),
};

static const struct field lease_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_lease_spec),
};

static const struct type type_lease = {
	.name = "io.k8s.api.coordination.v1.Lease",
	.doc = "",
	SCHEMA_TABLE(lease_fields),
};

const struct kind kind_lease = {
	.group = "coordination.k8s.io",
	.version = "v1",
	.kind = "Lease",
	.plural = "leases",
	.singular = "lease",
	.type = &type_lease,
	.flags = KIND_NAMESPACED | KIND_CREATE_ON_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
};
