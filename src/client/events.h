/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Writes core/v1 Events and counts repeats into the same Event. Fire and forget: an event that
 * cannot be written is dropped, and nobody waits for one.
 */

#include <stddef.h>

#include "object/object.h"

struct client;
struct clock;
struct event_recorder;

struct event_recorder *event_recorder_new(struct client *client, const struct clock *clock);
struct event_recorder *event_recorder_free(struct event_recorder *recorder); /* NULL is fine */

/* What happened, and who says so; `host` "" for none. All borrowed for the call. */
struct event_text {
	const char *component;
	const char *host;
	const char *type;
	const char *reason;
	const char *message;
};

void event_recorder_send(struct event_recorder *recorder, struct object *about,
			 const struct event_text *text);
