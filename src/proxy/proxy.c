/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States: waiting for the first complete list; idle; nft runs; pausing after a failure. A change
 * only notes the name of its Service (`pending`); the rules of all noted ones are worked out when a
 * transaction is made, so a Service of many slices is looked at once.
 *
 * After a failure nothing is known of what the kernel has, so the next transaction is whole.
 */
#include "proxy/proxy.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "client/cache.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "object/object.h"
#include "proxy/conntrack.h"
#include "proxy/nft.h"
#include "proxy/ruleset.h"
#include "proxy/sysctl.h"

#define COMPONENT "proxy"
#define GATHER (50 * NS_PER_MS)
#define PAUSE_MIN NS_PER_S
#define PAUSE_MAX (30 * NS_PER_S)
#define TRIGGER "endpoints.kubernetes.io/last-change-trigger-time"

enum { TRIGGERS = 1024 }; /* of one transaction that are measured */

const double proxy_programming_bounds[PROXY_PROGRAMMING_BUCKETS] = {
	0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300,
};

struct proxy {
	struct loop *loop;
	struct cache *cache;
	struct ruleset *rules;
	struct nft *nft;
	struct loop_timer *timer;
	struct map pending; /* "namespace/name" of Services to look at again */
	struct buffer text;
	char *node_name;
	void (*ready)(void *userdata);
	void *userdata;
	uint64_t began; /* when the last transaction did, monotonic */
	uint64_t pause; /* after the next failure */
	int64_t triggers[TRIGGERS]; /* ns since 1970: what waits to be measured */
	size_t n_triggers; /* … of the next transaction */
	size_t n_measured; /* … the first of them, which run now */
	bool synced;
	bool running;
	bool whole; /* the next transaction is */
	bool told; /* ready was */
	struct proxy_metrics metrics;
};

/* ---- measuring ---- */

static void note_trigger(struct proxy *proxy, struct object *slice)
{
	const char *text = slice != NULL ? object_annotation(slice, TRIGGER) : "";
	int64_t when;

	if (proxy->synced && proxy->n_triggers < TRIGGERS && text[0] != '\0' &&
	    timestamp_parse(text, &when) == 0) {
		proxy->triggers[proxy->n_triggers++] = when;
	}
}

static void measure(struct proxy *proxy)
{
	int64_t now = clock_wall(&clock_system);

	for (size_t i = 0; i < proxy->n_measured; i++) {
		double seconds = (double)(now - proxy->triggers[i]) / (double)NS_PER_S;
		size_t bucket = 0;

		seconds = seconds > 0 ? seconds : 0;
		while (bucket < PROXY_PROGRAMMING_BUCKETS &&
		       seconds > proxy_programming_bounds[bucket]) {
			bucket++;
		}
		proxy->metrics.programming[bucket]++;
		proxy->metrics.programming_sum += seconds;
	}
	proxy->n_triggers -= proxy->n_measured;
	memmove(proxy->triggers, proxy->triggers + proxy->n_measured,
		proxy->n_triggers * sizeof(proxy->triggers[0]));
	proxy->n_measured = 0;
}

void proxy_metrics(const struct proxy *proxy, struct proxy_metrics *ret)
{
	*ret = proxy->metrics;
	ret->services = ruleset_services(proxy->rules);
	ret->in_step = proxy->told && !proxy->running && !proxy->whole && proxy->pending.n == 0;
}

/* ---- transactions ---- */

static bool is_stale(void *userdata, const struct udp_flow *flow)
{
	return ruleset_udp_is_stale(userdata, flow);
}

static void forget_flows(struct proxy *proxy)
{
	size_t n = 0;
	int result;

	if (!ruleset_udp_is_changed(proxy->rules)) {
		return;
	}
	result = conntrack_forget_udp(is_stale, proxy->rules, &n);
	if (result < 0) {
		log_warning(COMPONENT, "cannot look at tracked connections: %s", strerror(-result));
	}
	proxy->metrics.forgotten_flows += n;
	ruleset_udp_done(proxy->rules);
}

static void schedule(struct proxy *proxy)
{
	uint64_t now = clock_monotonic(&clock_system);
	uint64_t due = proxy->began + GATHER;

	if (proxy->synced && !proxy->running) {
		loop_timer_set(proxy->timer, due > now ? due - now : 0);
	}
}

static void look_at_pending(struct proxy *proxy)
{
	map_for_each (entry, &proxy->pending) {
		struct str space, name = entry->key;

		space = str_cut(&name, '/');
		ruleset_service(proxy->rules, proxy->cache, space, name);
	}
	map_deinit(&proxy->pending, NULL);
	map_init(&proxy->pending, LIMIT_CACHE_OBJECTS);
}

static void failed(struct proxy *proxy, const char *error)
{
	proxy->metrics.failures++;
	log_error(COMPONENT, "%s; trying again with all rules in %.0f s", error,
		  (double)proxy->pause / (double)NS_PER_S);
	proxy->whole = true;
	loop_timer_set(proxy->timer, proxy->pause);
	proxy->pause = 2 * proxy->pause < PAUSE_MAX ? 2 * proxy->pause : PAUSE_MAX;
}

static void succeeded(struct proxy *proxy)
{
	proxy->pause = PAUSE_MIN;
	measure(proxy);
	forget_flows(proxy);
	if (!proxy->told) {
		proxy->told = true;
		log_info(COMPONENT, "rules of %zu services are in place after %.0f ms",
			 ruleset_services(proxy->rules),
			 (double)(clock_monotonic(&clock_system) - proxy->began) /
				 (double)NS_PER_MS);
		if (proxy->ready != NULL) {
			proxy->ready(proxy->userdata);
		}
	}
	if (proxy->pending.n != 0 || ruleset_is_changed(proxy->rules)) {
		schedule(proxy);
	}
}

static void nft_done(void *userdata, const char *error)
{
	struct proxy *proxy = userdata;

	proxy->running = false;
	if (error != NULL) {
		failed(proxy, error);
	} else {
		succeeded(proxy);
	}
}

static void run(void *userdata)
{
	struct proxy *proxy = userdata;
	int result;

	look_at_pending(proxy);
	buffer_clear(&proxy->text);
	proxy->text.overflowed = false;
	ruleset_transaction(proxy->rules, proxy->whole, &proxy->text);
	proxy->n_measured = proxy->n_triggers;
	proxy->began = clock_monotonic(&clock_system);
	if (proxy->text.n == 0) {
		/* Whatever has changed asks for the same rules. */
		measure(proxy);
		forget_flows(proxy);
		return;
	}
	proxy->whole = false;
	proxy->metrics.transactions++;
	result = proxy->text.overflowed ? -EFBIG : nft_run(proxy->nft, buffer_str(&proxy->text));
	if (result < 0) {
		failed(proxy, result == -ENOENT ? "the program nft is missing (Debian: nftables)"
						: strerror(-result));
		return;
	}
	proxy->running = true;
	/* A first text of many megabytes is not kept for later ones of a few lines. */
	buffer_deinit(&proxy->text);
}

/* ---- what is heard ---- */

static void note_service(struct proxy *proxy, struct str space, struct str name)
{
	char key[LIMIT_CACHE_KEY];

	if (name.n == 0 || space.n + 1 + name.n > sizeof(key)) {
		return;
	}
	memcpy(key, space.p, space.n);
	key[space.n] = '/';
	memcpy(key + space.n + 1, name.p, name.n);
	struct str whole = { .p = key, .n = space.n + 1 + name.n };

	if (map_get(&proxy->pending, whole) == NULL && proxy->pending.n < LIMIT_CACHE_OBJECTS) {
		map_put(&proxy->pending, whole, proxy);
	}
	schedule(proxy);
}

static void service_changed(void *userdata, struct object *old, struct object *now)
{
	struct object *either = now != NULL ? now : old;

	note_service(userdata, either->space, either->name);
}

static void slice_changed(void *userdata, struct object *old, struct object *now)
{
	struct object *const both[] = { old, now };

	note_trigger(userdata, now);
	for (size_t i = 0; i < 2; i++) {
		if (both[i] != NULL) {
			note_service(userdata, both[i]->space,
				     str_from(object_label(both[i], "kubernetes.io/service-name")));
		}
	}
}

static void pod_changed(void *userdata, struct object *old, struct object *now)
{
	struct proxy *proxy = userdata;
	struct object *either = now != NULL ? now : old;

	ruleset_pod(proxy->rules, either->space, either->name, now);
	if (ruleset_is_changed(proxy->rules)) {
		schedule(proxy);
	}
}

static void synced(void *userdata)
{
	struct proxy *proxy = userdata;

	proxy->synced = true;
	schedule(proxy);
}

/* ---- life ---- */

static struct ruleset *new_rules(const struct proxy_config *config)
{
	struct ruleset_config rules = { .node_name = config->node_name, .n_pods = config->n_pods };
	bool bridges;
	bool v6 = false;

	_Static_assert((int)PROXY_NETWORKS == (int)RULESET_NETWORKS, "the same networks");
	memcpy(rules.pods, config->pods, sizeof(rules.pods));
	for (size_t i = 0; i < config->n_pods; i++) {
		v6 |= config->pods[i].ip.n == 16;
	}
	sysctl_prepare(v6, &bridges);
	rules.masquerade_pods = !bridges;
	if (!bridges) {
		log_warning(COMPONENT,
			    "the kernel does not track what bridges carry (br_netfilter): pods see "
			    "this node's address in place of each other's behind Services");
	}
	return ruleset_new(&rules);
}

struct proxy *proxy_new(const struct proxy_config *config)
{
	struct proxy *proxy = MEM_NEW(struct proxy);
	_cleanup_free_ char *selector = mem_printf("spec.nodeName=%s", config->node_name);

	proxy->loop = config->loop;
	proxy->cache = config->cache;
	proxy->node_name = mem_strdup(config->node_name);
	proxy->ready = config->ready;
	proxy->userdata = config->userdata;
	proxy->pause = PAUSE_MIN;
	proxy->whole = true;
	map_init(&proxy->pending, LIMIT_CACHE_OBJECTS);
	buffer_init(&proxy->text, LIMIT_PROXY_TRANSACTION);
	proxy->rules = new_rules(config);
	proxy->nft = nft_new(config->loop, nft_done, proxy);
	proxy->timer = loop_timer_new(config->loop, run, proxy);
	cache_subscribe(proxy->cache, &kind_service, service_changed, proxy);
	cache_subscribe(proxy->cache, &kind_endpoint_slice, slice_changed, proxy);
	if (config->node_name[0] != '\0') {
		cache_select(proxy->cache, &kind_pod, selector);
		cache_subscribe(proxy->cache, &kind_pod, pod_changed, proxy);
	}
	cache_on_synced(proxy->cache, synced, proxy);
	return proxy;
}

struct proxy *proxy_free(struct proxy *proxy)
{
	if (proxy != NULL) {
		proxy->timer = loop_timer_free(proxy->timer);
		proxy->nft = nft_free(proxy->nft);
		proxy->rules = ruleset_free(proxy->rules);
		map_deinit(&proxy->pending, NULL);
		buffer_deinit(&proxy->text);
		mem_free(proxy->node_name);
		mem_free(proxy);
	}
	return NULL;
}
