/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Discovery: which groups, versions, resources and verbs there are. */

#include <stdbool.h>

#include "api/call.h"

/* Answers /api, /apis, /api/v1, /apis/G, /apis/G/V; false when the path is none of these. */
bool discovery_answer(struct call *call, const char *path);
