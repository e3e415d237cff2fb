/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Why a name, or a type of a name, is absent. Kept by the zone beside every absence, so that a
 * client with EDNS is told (RFC 8914) and `headlessd explain` can begin from the same word.
 */

#include <stddef.h>
#include <stdint.h>

#include "zone/name.h"

enum zone_cause {
	ZONE_CAUSE_NONE,
	ZONE_CAUSE_UNSYNCED, /* not everything is known yet */
	ZONE_CAUSE_NO_SUCH_NAME, /* nothing of ours has this form */
	ZONE_CAUSE_NO_NAMESPACE,
	ZONE_CAUSE_NO_SERVICE,
	ZONE_CAUSE_NO_ENDPOINTS, /* headless, and its selector matches no pod with an address */
	ZONE_CAUSE_NO_SLICES, /* headless without a selector, and nobody made endpoints for it */
	ZONE_CAUSE_NOT_READY, /* headless, `total` endpoints of which none is ready */
	ZONE_CAUSE_NO_FAMILY, /* addresses, but none of the family */
	ZONE_CAUSE_HOST_NOT_READY, /* the endpoint exists, but is not ready */
	ZONE_CAUSE_NO_HOST, /* no endpoint of the Service has this hostname */
	ZONE_CAUSE_NO_PORT, /* the Service has no port of this name and protocol */
	ZONE_CAUSE_NO_PORTS, /* it has no ports at all */
	ZONE_CAUSE_NO_TYPE, /* the name has other records, none of this type */
	ZONE_CAUSE_INNER_NAME, /* only names below it have records */
	ZONE_CAUSE_ALIAS_ADDRESS, /* an ExternalName that is an IP address */
	ZONE_CAUSE_ALIAS_LOOP, /* aliases that lead back, or too many */
	ZONE_CAUSE_ALIAS_DANGLING, /* the alias' target has no such records */
	ZONE_CAUSE_BELOW_ALIAS, /* a name below an ExternalName */
	ZONE_CAUSE_PODS_DISABLED,
	ZONE_CAUSE_NO_POD,
	ZONE_CAUSE_NO_ADDRESS, /* no name for this address */
	ZONE_CAUSE_NAMESPACE_HIDDEN, /* not among the namespaces that have names here */
	ZONE_CAUSE_ENDPOINTS_OFF, /* endpoints have no names here */
	ZONE_CAUSE_NO_ZONE, /* no ready endpoint is in this topology zone */
	ZONE_CAUSE_NO_EXPORTS, /* headless, of other clusters, and none has endpoints for it */
	ZONE_CAUSE_NOT_HEADLESS, /* only headless Services have names of topology zones */
	ZONE_CAUSES,
};

struct zone_reason {
	uint8_t cause; /* enum zone_cause */
	uint8_t label; /* which label of the name the cause is about: mostly the Service's */
	uint32_t ready; /* ready endpoints */
	uint32_t total; /* endpoints */
};

/* "no-service": a stable word for programs. */
const char *zone_cause_word(enum zone_cause cause);

/* Its INFO-CODE in an Extended DNS Error; docs/reasons.md has the table. */
uint16_t zone_cause_code(enum zone_cause cause);

/*
 * A sentence in `out` (not NUL-terminated), made for `name`; returns its length ≤ size. Printable
 * ASCII; long labels are cut, so that no sentence needs more than ZONE_REASON_TEXT. No allocation.
 */
enum { ZONE_REASON_TEXT = 144 };
size_t zone_reason_text(const struct zone_reason *reason, const struct name *name, char *out,
			size_t size);
