/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The options --ttl-KIND, for each settings struct with `int64_t ttls[ZONE_TTLS]`. */

#include "cmd/options.h"
#include "zone/zone.h"

#define TTL_OPTION(settings, kind, what, index)                                                    \
	{                                                                                          \
		"ttl-" kind, "SECONDS", "the TTL of " what, OPTION_NUMBER,                         \
			offsetof(settings, ttls[index]), 0, ZONE_TTL_MAX, NULL                     \
	}

#define TTL_OPTIONS(settings)                                                                      \
	TTL_OPTION(settings, "service", "Services with an address of their own",                   \
		   ZONE_TTL_SERVICE),                                                              \
		TTL_OPTION(settings, "headless", "headless Services", ZONE_TTL_HEADLESS),          \
		TTL_OPTION(settings, "endpoint", "endpoints, such as pods of StatefulSets",        \
			   ZONE_TTL_ENDPOINT),                                                     \
		TTL_OPTION(settings, "pod", "names made of pods' addresses", ZONE_TTL_POD),        \
		TTL_OPTION(settings, "external", "ExternalName Services", ZONE_TTL_EXTERNAL),      \
		TTL_OPTION(settings, "ptr", "names of addresses", ZONE_TTL_POINTER),               \
		TTL_OPTION(settings, "negative", "absence, where nothing is about to appear",      \
			   ZONE_TTL_NEGATIVE)
