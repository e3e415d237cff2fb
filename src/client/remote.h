/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A client of an API server over HTTPS: `headlessd dns` beside any Kubernetes, and our own parts in
 * processes of their own.
 *
 * Watches list in pages and then watch from there, for ever: a broken connection is made again
 * after a pause that doubles (with jitter), a revision that is too old brings a new list. Objects
 * are handed over one by one as they come in, so reading everything again costs the memory of one
 * object. metadata.managedFields is left out of them.
 */

struct client;
struct kubeconfig;
struct loop;

/*
 * `config` is copied. Returns 0 or a negative errno. Nothing is connected before somebody asks.
 *
 * client_free() ends it; requests under way are answered with code 0 then. Watches end before
 * (client_unwatch).
 */
int remote_client_new(struct loop *loop, const struct kubeconfig *config, struct client **ret);
