/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A lease: somebody holds something until a time (leader election, node heartbeats).
 */

static const struct field lease_spec_fields[] = {
	ROW(STRING, "holderIdentity", 1, "Who holds it.", .flags = FIELD_POINTER),
	ROW(INT32, "leaseDurationSeconds", 2,
	    "Seconds without a renewal after which another may take it.", .flags = FIELD_POINTER),
	ROW(MICRO_TIME, "acquireTime", 3, "When the holder got it.", .flags = FIELD_POINTER),
	ROW(MICRO_TIME, "renewTime", 4, "When the holder last renewed it.", .flags = FIELD_POINTER),
	ROW(INT32, "leaseTransitions", 5, "How often it has changed hands.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "strategy", 6, "How a holder is chosen, when somebody else chooses.",
	    .flags = FIELD_POINTER, .one_of = "OldestEmulationVersion"),
	ROW(STRING, "preferredHolder", 7, "Who should hold it instead of the one who does.",
	    .flags = FIELD_POINTER),
};

static const struct type type_lease_spec = {
	.name = "io.k8s.api.coordination.v1.LeaseSpec",
	.doc = "Who holds a lease, and how long.",
	SCHEMA_TABLE(lease_spec_fields),
};

static const struct field lease_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "Who holds it, and how long.", .message = &type_lease_spec),
};

static const struct type type_lease = {
	.name = "io.k8s.api.coordination.v1.Lease",
	.doc = "Somebody holds something for a time.",
	SCHEMA_TABLE(lease_fields),
};

static json_t *cell_holder(const json_t *lease, int64_t now)
{
	return cell_string_at(lease, "spec.holderIdentity", "");
}

static const struct column lease_columns[] = {
	COLUMN_NAME,
	COLUMN("Holder", "string", cell_holder, "Who holds the lease."),
	COLUMN_AGE,
};

static void lease_check(const json_t *lease, struct field_errors *errors)
{
	const json_t *duration = json_at(lease, "spec.leaseDurationSeconds");
	const json_t *transitions = json_at(lease, "spec.leaseTransitions");

	if (duration != NULL && json_integer_value(duration) <= 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.leaseDurationSeconds", duration,
				 "must be greater than 0");
	}
	if (transitions != NULL && json_integer_value(transitions) < 0) {
		field_errors_add(errors, FIELD_ERROR_INVALID, "spec.leaseTransitions", transitions,
				 "must be greater than or equal to 0");
	}
	if (json_at(lease, "spec.preferredHolder") != NULL &&
	    json_string_at(lease, "spec.strategy")[0] == '\0') {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.preferredHolder", NULL,
				 "may only be specified if strategy is set");
	}
}

const struct kind kind_lease = {
	.group = "coordination.k8s.io",
	.version = "v1",
	.kind = "Lease",
	.plural = "leases",
	.singular = "lease",
	.type = &type_lease,
	.flags = KIND_NAMESPACED | KIND_CREATE_ON_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(lease_columns),
	.check = lease_check,
};
