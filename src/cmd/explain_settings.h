/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the DNS server of a cluster was told, found out for `headlessd explain`: from the metrics
 * port of a server that is named, else from the API of `standalone`, else from the Corefile that a
 * cluster keeps in ConfigMap kube-system/coredns, else the usual. Control thread.
 */

#include "client/client.h"
#include "ops/zone_settings.h"

struct kubeconfig;
struct loop;
struct learning;

/*
 * Called once, later: `message` NULL and *settings set (the callee's from then on), or one line
 * that says why a server that was named cannot be asked.
 */
typedef void (*learned_fn)(void *userdata, struct zone_settings *settings, const char *message);

/* `metrics` is "ADDR:PORT" or NULL. All outlive it. Returns 0 or a negative errno. */
int learning_start(struct loop *loop, struct client *client, const struct kubeconfig *config,
		   const char *metrics, learned_fn done, void *userdata, struct learning **ret);

/* Gives up, if it is still under way. NULL is fine; returns NULL. */
struct learning *learning_free(struct learning *learning);
