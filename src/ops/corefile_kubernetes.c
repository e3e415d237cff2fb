/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes [ZONES…] { options }. The zone has one domain; reverse zones are networks or names
 * below in-addr.arpa and ip6.arpa.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ops/corefile_intern.h"
#include "zone/address.h"

static int expect_one(struct parsing *parsing, const struct corefile_line *line)
{
	return line->n == 2 ? 0
			    : corefile_bad(parsing, line, "\"%s\" takes one value", line->words[0]);
}

static int set_pods(struct parsing *parsing, const struct corefile_line *line)
{
	static const char *const modes[] = {
		[ZONE_PODS_DISABLED] = "disabled",
		[ZONE_PODS_INSECURE] = "insecure",
		[ZONE_PODS_VERIFIED] = "verified",
	};
	int result = expect_one(parsing, line);

	for (size_t i = 0; i < ARRAY_SIZE(modes) && result == 0; i++) {
		if (strcmp(line->words[1], modes[i]) == 0) {
			parsing->corefile->pods = (enum zone_pods)i;
			return 0;
		}
	}
	return result != 0 ? result
			   : corefile_bad(parsing, line,
					  "pods \"%s\": expected disabled, insecure or verified",
					  line->words[1]);
}

static int set_ttl(struct parsing *parsing, const struct corefile_line *line)
{
	uint64_t ttl;

	if (line->n != 2 || !str_to_u64(str_from(line->words[1]), ZONE_TTL_MAX, &ttl)) {
		return corefile_bad(parsing, line, "ttl: expected a number from 0 to %d",
				    ZONE_TTL_MAX);
	}
	parsing->corefile->ttl = (uint32_t)ttl;
	return 0;
}

static bool is_reverse(struct str zone)
{
	struct network network;

	return network_parse(zone, &network) || str_eq_nocase(zone, STR("in-addr.arpa")) ||
	       str_eq_nocase(zone, STR("ip6.arpa")) || str_ends(zone, STR(".in-addr.arpa")) ||
	       str_ends(zone, STR(".ip6.arpa"));
}

/* Names that are not there belong to somebody else: everywhere, or in the zones that are named. */
static int set_fallthrough(struct parsing *parsing, const struct corefile_line *line)
{
	struct corefile *corefile = parsing->corefile;
	struct str zone;
	uint16_t port;

	corefile->fallthrough = line->n == 1;
	corefile->reverse_fallthrough = line->n == 1;
	for (size_t i = 1; i < line->n; i++) {
		corefile_split_key(str_from(line->words[i]), &zone, &port);
		if (is_reverse(zone)) {
			corefile->reverse_fallthrough = true;
		} else {
			corefile->fallthrough = true;
		}
	}
	return 0;
}

static int set_namespaces(struct parsing *parsing, const struct corefile_line *line)
{
	struct corefile *corefile = parsing->corefile;
	size_t n = corefile->n_namespaces + line->n - 1;

	if (line->n == 1 || n > ZONE_NAMESPACES_MAX) {
		return corefile_bad(parsing, line, "namespaces: expected 1 to %d names",
				    ZONE_NAMESPACES_MAX);
	}
	corefile->namespaces = mem_resize(corefile->namespaces, n * sizeof(char *));
	for (size_t i = 1; i < line->n; i++) {
		corefile->namespaces[corefile->n_namespaces++] = mem_strdup(line->words[i]);
	}
	return 0;
}

/* An option that is a word alone. */
static int set_switch(struct parsing *parsing, const struct corefile_line *line, bool *ret)
{
	if (line->n != 1) {
		return corefile_bad(parsing, line, "%s takes no value", line->words[0]);
	}
	*ret = true;
	return 0;
}

static int set_no_endpoints(struct parsing *parsing, const struct corefile_line *line)
{
	return set_switch(parsing, line, &parsing->corefile->no_endpoints);
}

static int set_zonal(struct parsing *parsing, const struct corefile_line *line)
{
	return set_switch(parsing, line, &parsing->corefile->zonal);
}

static int set_ignore(struct parsing *parsing, const struct corefile_line *line)
{
	if (line->n != 2 || strcmp(line->words[1], "empty_service") != 0) {
		return corefile_bad(parsing, line, "ignore: expected empty_service");
	}
	parsing->corefile->ignore_empty_service = true;
	return 0;
}

static int set_pod_names(struct parsing *parsing, const struct corefile_line *line)
{
	return set_switch(parsing, line, &parsing->corefile->endpoint_pod_names);
}

static int set_kubeconfig(struct parsing *parsing, const struct corefile_line *line)
{
	struct corefile *corefile = parsing->corefile;

	if (line->n != 2 && line->n != 3) {
		return corefile_bad(parsing, line, "kubeconfig: expected FILE [CONTEXT]");
	}
	mem_free(corefile->kubeconfig);
	mem_free(corefile->context);
	corefile->kubeconfig = mem_strdup(line->words[1]);
	corefile->context = line->n == 3 ? mem_strdup(line->words[2]) : NULL;
	return 0;
}

static int set_startup(struct parsing *parsing, const struct corefile_line *line)
{
	if (line->n != 2 || !corefile_duration(line->words[1], &parsing->corefile->startup_ms)) {
		return corefile_bad(parsing, line, "startup_timeout: expected a time such as 5s");
	}
	return 0;
}

#define CREDENTIALS "the API server and who we are come from a kubeconfig (--kubeconfig)"
#define EVERYTHING "every object of the cluster has names"

static const struct corefile_word options[] = {
	{ "apiserver_burst", NULL, NULL },
	{ "apiserver_max_inflight", NULL, NULL },
	{ "apiserver_qps", NULL, NULL },
	{ "endpoint", NULL, CREDENTIALS },
	{ "endpoint_pod_names", set_pod_names, NULL },
	{ "fallthrough", set_fallthrough, NULL },
	{ "ignore", set_ignore, NULL },
	{ "kubeconfig", set_kubeconfig, NULL },
	{ "labels", NULL, EVERYTHING },
	{ "multicluster", NULL, "names of ServiceImports do not exist" },
	{ "namespace_labels", NULL, "every namespace has names" },
	{ "namespaces", set_namespaces, NULL },
	{ "noendpoints", set_no_endpoints, NULL },
	{ "pods", set_pods, NULL },
	{ "resyncperiod", NULL, NULL },
	{ "startup_timeout", set_startup, NULL },
	{ "tls", NULL, CREDENTIALS },
	{ "transfer", NULL, "it is a plugin of its own: transfer { to … }" },
	{ "ttl", set_ttl, NULL },
	{ "upstream", NULL, NULL },
	{ "zonal", set_zonal, NULL },
};

static int add_zone(struct parsing *parsing, const struct corefile_line *line, const char *word)
{
	struct corefile *corefile = parsing->corefile;
	struct str zone;
	uint16_t port;

	corefile_split_key(str_from(word), &zone, &port);
	if (zone.n == 0) {
		return 0;
	}
	if (!is_reverse(zone)) {
		if (corefile->domain != NULL && !str_is(zone, corefile->domain)) {
			corefile_warn(
				parsing, line,
				"a second domain is not served: names below %.*s are somebody "
				"else's",
				STR_ARG(zone));
			return 0;
		}
		mem_free(corefile->domain);
		corefile->domain = str_dup(zone);
		return 0;
	}
	if (corefile->n_reverse == ZONE_REVERSE_MAX) {
		return corefile_bad(parsing, line, "more than %d reverse zones", ZONE_REVERSE_MAX);
	}
	corefile->reverse[corefile->n_reverse++] = str_dup(zone);
	return 0;
}

int corefile_kubernetes(struct parsing *parsing, const struct corefile_line *line)
{
	/* Without zones of its own it has those of its server block. */
	const struct corefile_line *from = line->n > 1 ? line : parsing->block;

	for (size_t i = line->n > 1 ? 1 : 0; i < from->n; i++) {
		int result = add_zone(parsing, line, from->words[i]);

		if (result != 0) {
			return result;
		}
	}
	int result = corefile_apply(parsing, line->block, options, ARRAY_SIZE(options),
				    "option of kubernetes");
	return result == 0 && parsing->corefile->zonal && parsing->corefile->no_endpoints
		       ? corefile_bad(parsing, line, "zonal and noendpoints exclude each other")
		       : result;
}
