/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pod's /etc/resolv.conf, by dnsPolicy and dnsConfig.
 * https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
 *
 * What is beyond the limits of the resolver (3 servers, 32 domains, 2048 signs of domains) is left
 * out from the end. Lists are JSON arrays while they are put together.
 */
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "node/pod_config_intern.h"
#include "json/json.h"

enum {
	SERVERS_MAX = 3,
	SEARCHES_MAX = 32,
	SEARCH_TEXT_MAX = 2048,
	DOMAIN_MAX = 253,
};

struct resolv {
	json_t *servers;
	json_t *searches;
	json_t *options; /* name -> value, "" for none; a copy wins over what stands before */
};

static bool has(const json_t *list, struct str text)
{
	const json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (str_is(text, json_string_value(item))) {
			return true;
		}
	}
	return false;
}

static void add(json_t *list, struct str text)
{
	if (text.n != 0 && !has(list, text)) {
		json_array_append_new(list, json_stringn(text.p, text.n));
	}
}

static void add_option(json_t *options, struct str option)
{
	struct str value = option;
	struct str name = str_cut(&value, ':');
	char *key _cleanup_free_ = str_dup(name);

	if (name.n != 0) {
		json_object_set_new(options, key,
				    json_stringn(value.p != NULL ? value.p : "", value.n));
	}
}

/* ---- the node's own file (resolv.conf(5)) ---- */

static struct str word(struct str *rest)
{
	while (rest->n != 0 && (rest->p[0] == ' ' || rest->p[0] == '\t')) {
		*rest = str_skip(*rest, 1);
	}
	size_t n = 0;

	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t' && rest->p[n] != '\r') {
		n++;
	}
	struct str found = { .p = rest->p, .n = n };

	*rest = str_skip(*rest, n);
	return found;
}

/* The last "search" and "options" lines win; servers add up. A last dot of a domain goes. */
static void read_line(struct resolv *resolv, struct str line)
{
	struct str key = word(&line);
	struct str item = word(&line);

	if (str_is(key, "nameserver")) {
		add(resolv->servers, item);
	} else if (str_is(key, "search")) {
		json_array_clear(resolv->searches);
		for (; item.n != 0; item = word(&line)) {
			if (item.n > 1 && item.p[item.n - 1] == '.') {
				item.n--;
			}
			add(resolv->searches, item);
		}
	} else if (str_is(key, "options")) {
		json_object_clear(resolv->options);
		for (; item.n != 0; item = word(&line)) {
			add_option(resolv->options, item);
		}
	}
}

static void read_node(struct resolv *resolv, const char *path)
{
	char *text _cleanup_free_ = NULL;
	size_t n = 0;
	int r = file_read(path, LIMIT_RESOLV_CONF, &text, &n);

	if (r < 0) {
		log_warning("node", "%s: %s; pods get no name servers or domains from it", path,
			    strerror(-r));
		return;
	}
	struct str rest = { .p = text, .n = n };

	while (rest.p != NULL) {
		read_line(resolv, str_cut(&rest, '\n'));
	}
}

/* ---- by policy ---- */

/* The cluster's names first; the node's domains behind them, its servers and options not at all. */
static void put_cluster(struct resolv *resolv, const struct pod_config *config)
{
	const struct node_config *node = config->inputs->node;
	struct str space = config->inputs->pod->space;
	json_t *before _cleanup_json_ = resolv->searches;
	const json_t *search;
	size_t i;

	json_array_clear(resolv->servers);
	json_object_clear(resolv->options);
	resolv->searches = json_array();
	for (i = 0; i < 2 && node->cluster_dns[i] != NULL; i++) {
		add(resolv->servers, str_from(node->cluster_dns[i]));
	}
	if (node->cluster_domain[0] != '\0') {
		char *own _cleanup_free_ =
			mem_printf("%.*s.svc.%s", STR_ARG(space), node->cluster_domain);

		add(resolv->searches, str_from(own));
		add(resolv->searches, str_from(own + space.n + 1));
		add(resolv->searches, str_from(node->cluster_domain));
	}
	json_array_foreach (before, i, search) {
		add(resolv->searches, str_from(json_string_value(search)));
	}
	add_option(resolv->options, STR("ndots:5"));
}

static bool wants_cluster(const struct pod_config *config, const char *policy)
{
	bool host = json_bool_at(config->spec, "hostNetwork", false);

	return config->inputs->node->cluster_dns[0] != NULL &&
	       (strcmp(policy, "ClusterFirstWithHostNet") == 0 ||
		((strcmp(policy, "ClusterFirst") == 0 || policy[0] == '\0') && !host));
}

static void put_config(struct resolv *resolv, const json_t *given)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(given, "nameservers"), i, item) {
		add(resolv->servers, str_from(json_string_value(item)));
	}
	json_array_foreach (json_object_get(given, "searches"), i, item) {
		add(resolv->searches, str_from(json_string_value(item)));
	}
	json_array_foreach (json_object_get(given, "options"), i, item) {
		const char *name = json_string_at(item, "name");

		if (name[0] != '\0') {
			json_object_set_new(resolv->options, name,
					    json_string(json_string_at(item, "value")));
		}
	}
}

/* ---- limits, and the message ---- */

static void cut_list(json_t *list, size_t keep)
{
	while (json_array_size(list) > keep) {
		json_array_remove(list, json_array_size(list) - 1);
	}
}

static void cut(struct resolv *resolv)
{
	size_t length = 0;
	size_t keep = 0;

	cut_list(resolv->servers, SERVERS_MAX);
	cut_list(resolv->searches, SEARCHES_MAX);
	while (keep < json_array_size(resolv->searches)) {
		size_t n = json_string_length(json_array_get(resolv->searches, keep));

		/* Some resolvers abort at a domain that is too long. */
		if (n > DOMAIN_MAX) {
			json_array_remove(resolv->searches, keep);
			continue;
		}
		length += n + (keep != 0);
		if (length > SEARCH_TEXT_MAX) {
			break;
		}
		keep++;
	}
	cut_list(resolv->searches, keep);
}

static Runtime__V1__DNSConfig *message_of(struct pod_config *config, const struct resolv *resolv)
{
	Runtime__V1__DNSConfig *dns = arena_alloc(config->arena, sizeof(*dns));
	const char *name;
	json_t *value;

	runtime__v1__dnsconfig__init(dns);
	dns->servers = pod_config_strings(config, resolv->servers, &dns->n_servers);
	dns->searches = pod_config_strings(config, resolv->searches, &dns->n_searches);
	dns->options = arena_alloc(config->arena,
				   (json_object_size(resolv->options) + 1) * sizeof(char *));
	json_object_foreach (resolv->options, name, value) {
		const char *text = json_string_value(value);

		dns->options[dns->n_options++] = arena_printf(config->arena, "%s%s%s", name,
							      text[0] != '\0' ? ":" : "", text);
	}
	return dns;
}

Runtime__V1__DNSConfig *pod_resolv(struct pod_config *config)
{
	const char *policy = json_string_at(config->spec, "dnsPolicy");
	struct resolv resolv = {
		.servers = json_array(),
		.searches = json_array(),
		.options = json_object(),
	};

	if (strcmp(policy, "None") != 0) {
		read_node(&resolv, config->inputs->node->resolv_conf);
	}
	if (wants_cluster(config, policy)) {
		put_cluster(&resolv, config);
	}
	put_config(&resolv, json_object_get(config->spec, "dnsConfig"));
	cut(&resolv);
	Runtime__V1__DNSConfig *dns = message_of(config, &resolv);

	json_decref(resolv.servers);
	json_decref(resolv.searches);
	json_decref(resolv.options);
	return dns;
}
