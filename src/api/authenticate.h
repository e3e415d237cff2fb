/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who asks: a client certificate, a service account's token, or the admin token. */

#include <stdbool.h>

#include "api/call.h"

/* Fills call->user; false when nobody (or nobody we believe) asks. */
bool authenticate(struct call *call);

/* The user that a bearer token stands for; texts go into the arena. */
bool token_user(struct api *api, struct arena *arena, struct str token, struct user *ret);
