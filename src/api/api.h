/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The Kubernetes API: what kubectl, client-go and our own controllers talk to. It answers HTTP
 * exchanges (http/exchange.h), reads from the hub, writes to the store. Control thread only; no
 * call waits, except api_bootstrap() at the start.
 *
 * Who may do what: every client that proves who it is (a certificate of our CA, a service account's
 * token, the admin token) may do everything. Others get /healthz, /livez, /readyz and /version.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/clock.h"
#include "http/exchange.h"

struct api;
struct buffer;
struct client;
struct hub;
struct hub_ops;
struct http_tls;
struct loop;
struct store;

/* How stored objects become text: for hub_new(), with userdata NULL. */
extern const struct hub_ops api_hub_ops;

enum { API_FAMILIES = 2 };

struct api_config {
	struct store *store;
	struct hub *hub; /* made with api_hub_ops */
	const struct clock *clock;
	/* "10.96.0.0/16"; the first family is the default one; the second NULL: single stack. */
	const char *service_cidrs[API_FAMILIES];
	/*
	 * Addresses out of those at which somebody of this cluster answers DNS on port 53: they
	 * become the Service kube-dns. Up to the first NULL.
	 */
	const char *cluster_dns[API_FAMILIES];
	uint16_t node_port_min; /* 0: 30000 */
	uint16_t node_port_max; /* 0: 32767 */
	/* PEM key that signs and checks service account tokens; NULL: none are made or accepted. */
	const char *token_key;
	const char *issuer; /* of tokens; NULL: "https://kubernetes.default.svc.cluster.local" */
	const char *admin_token; /* a bearer token that is system:masters; NULL: none */
	/*
	 * For what goes on to nodes and pods (logs, exec, proxies): the loop that connections run
	 * on, and who we are to nodes, with the CA that theirs are of. Both outlive the API; NULL:
	 * such requests are answered 503.
	 */
	struct loop *loop;
	struct http_tls *node_tls;
	/*
	 * Asks to call api_run_due() at that time of the clock (UINT64_MAX: no need any more);
	 * replaces an earlier wish. NULL: the owner looks at api_next_due() itself.
	 */
	void (*due_changed)(void *userdata, uint64_t at);
	/* Adds one line for each part that is not ready; NULL: always ready. For /readyz. */
	void (*unready)(void *userdata, struct buffer *lines);
	void *userdata;
};

/*
 * Everything in the configuration is copied or outlives the API. Reads the addresses that Services
 * hold. Returns 0, or a negative errno after putting one line for people into `ret_message`.
 */
int api_new(const struct api_config *config, char *ret_message, size_t size, struct api **ret);

/* No exchange may be open any more and no write under way (store_drain()). Returns NULL. */
struct api *api_free(struct api *api);

/*
 * Makes what a cluster is born with: the namespaces default, kube-system, kube-public and
 * kube-node-lease, and in default the Service `kubernetes` with its Endpoints and EndpointSlice,
 * which point to `address`:`port`, where this API is served; and in kube-system the Service
 * kube-dns where the configuration says so. What is there already stays or is brought up to date.
 * Blocks (store_drain). Returns 0 or a negative errno.
 */
int api_bootstrap(struct api *api, const char *address, uint16_t port);

/* The handler for http/server.h and http/loopback.h; `userdata` is the API. */
void api_handle(void *userdata, struct http_exchange *exchange);

/*
 * Hands requests for `prefix` ("/peers") and what is below it to `handler`, once it is known who
 * asks (401 before that). At most API_EXTENSIONS; before the API is served. `prefix` outlives the
 * API.
 */
enum { API_EXTENSIONS = 4 };
void api_extend(struct api *api, const char *prefix, http_handler_fn handler, void *userdata);

/* Bookmarks, ends of watches, compaction: what is due by the clock. */
void api_run_due(struct api *api);

/* The clock's monotonic time at which api_run_due() has something to do; UINT64_MAX: never. */
uint64_t api_next_due(const struct api *api);

/* Ends every watch in an orderly way: before the server stops. */
void api_end_watches(struct api *api);

/* Ends what goes on to nodes and pods, at once: before the server stops. */
void api_end_streams(struct api *api);

/*
 * A token of service account `space`/`name` with `uid`, good for `seconds`, as a heap text; NULL
 * when the API has no key.
 */
char *api_token(struct api *api, const char *space, const char *name, const char *uid,
		int64_t seconds);

/* What a token says beside that. */
struct token_terms {
	const json_t *audiences; /* strings; NULL or empty: this API */
	const char *bound_kind; /* "Pod" or "Secret": the token ends with that object; NULL: none */
	const char *bound_name;
	const char *bound_uid;
};
char *api_token_for(struct api *api, const char *space, const char *name, const char *uid,
		    int64_t seconds, const struct token_terms *terms);
