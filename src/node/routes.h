/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Routes to the pod networks of the other nodes, by way of their own addresses (host gateway): for
 * nodes that reach each other without a router between them. Routes of ours bear a protocol number
 * of our own; those of nodes that are gone are removed. Needs CAP_NET_ADMIN. Loop's thread.
 */

struct cache;
struct loop;
struct routes;

/* All but `node_name` is borrowed and outlives them. The cache holds Nodes from now on. */
struct routes *routes_new(struct loop *loop, struct cache *cache, const char *node_name);

/* The routes stay: pods go on without us. The cache must not tell it anything any more. */
struct routes *routes_free(struct routes *routes); /* NULL is fine; returns NULL */
