/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A client that lists a resource once and then believes its watch, as informers do: what it knows
 * must be what a list says. It starts over on 410 and when the server was gone, from where it was.
 */

#include <stddef.h>

#include "base/buffer.h"

struct follower;
struct world;

/* `path` of a list in all namespaces: "/api/v1/pods". */
struct follower *follower_new(struct world *world, const char *path);
struct follower *follower_free(struct follower *follower); /* returns NULL */

/* Before the server goes, and when it is there again. */
void follower_hang_up(struct follower *follower);
void follower_resume(struct follower *follower);

/* Reads what has come; appends a line when events come in the wrong order or make no sense. */
void follower_read(struct follower *follower, struct buffer *problems);

/* Appends a line for each difference to what a list says now. */
void follower_compare(struct follower *follower, struct buffer *problems);
