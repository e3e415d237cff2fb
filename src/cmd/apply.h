/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Applies manifests as `kubectl apply` does on the client's side: an object that is not there is
 * created; one that is there gets a three-way patch between what was applied last (kept in an
 * annotation that kubectl knows, too), what is wanted and what is there. One after the other, in
 * their order; what fails is told with file and object, and the rest goes on.
 */

struct apply;
struct client;
struct loop;
struct manifests;

/* Begins; `manifests` and `client` outlive it. */
struct apply *apply_start(struct loop *loop, struct client *client,
			  const struct manifests *manifests);

/* No request of it may be under way any more. NULL is fine; returns NULL. */
struct apply *apply_free(struct apply *apply);
