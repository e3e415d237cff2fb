/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Who asks: a client certificate, a service account's token, or the admin token. */

#include <stdbool.h>

#include "api/call.h"

/* Fills call->user; false when nobody (or nobody we believe) asks. */
bool authenticate(struct call *call);

/*
 * Somebody with a bootstrap token, who may ask for a certificate and do nothing else. (Nobody
 * else's first group is this one: certificates with it are not issued.)
 */
#define USER_BOOTSTRAPPERS "system:bootstrappers"
bool user_is_newcomer(const struct user *user);

/* The user that a bearer token stands for; texts go into the arena. */
bool token_user(struct api *api, struct arena *arena, struct str token, struct user *ret);
