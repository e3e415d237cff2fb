/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd explain: reads Namespaces, Services, EndpointSlices and Pods once, explains, and
 * ends. One request goes ahead of the lists, so that a server that is not there or refuses us is
 * told at once with its own words; whatever happens afterwards, a timer ends it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/cache.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "cmd/cmd.h"
#include "cmd/explain_settings.h"
#include "cmd/kubeconfig.h"
#include "cmd/options.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "ops/explain.h"
#include "zone/name.h"

enum { TIMEOUT_DEFAULT = 10, TIMEOUT_MAX = 3600, UNSAID = -1 };

struct explaining {
	const char *space;
	const char *kubeconfig;
	const char *context;
	const char *domain;
	const char *output;
	const char *dns_metrics;
	int64_t ttl;
	int64_t timeout;
	bool help;

	const char *name;
	struct kubeconfig config;
	struct loop *loop;
	struct loop_timer *timer;
	struct client *client;
	struct cache *cache;
	struct learning *learning;
	struct zone_settings settings;
	int code;
};

#define AT(member) offsetof(struct explaining, member)

static const struct option options[] = {
	{ "namespace", "NAME", "where the asking pod would be (the kubeconfig's, or default)",
	  OPTION_TEXT, AT(space), .letter = 'n' },
	{ "output", "FORM", "text or json (text)", OPTION_TEXT, AT(output), .one_of = "text|json",
	  .letter = 'o' },
	{ "kubeconfig", "FILE", "how to reach the API ($KUBECONFIG, standalone's, ~/.kube/config)",
	  OPTION_TEXT, AT(kubeconfig) },
	{ "context", "NAME", "of the kubeconfig (its current-context)", OPTION_TEXT, AT(context) },
	{ "dns-metrics", "ADDR:PORT",
	  "the metrics port of the DNS server, which tells its settings", OPTION_TEXT,
	  AT(dns_metrics) },
	{ "cluster-domain", "NAME", "the zone of the cluster (as the DNS server says)", OPTION_TEXT,
	  AT(domain) },
	{ "ttl", "SECONDS", "the TTL of every answer (as the DNS server says)", OPTION_NUMBER,
	  AT(ttl), 0, ZONE_TTL_MAX },
	{ "timeout", "SECONDS", "give up on the API after this (10)", OPTION_NUMBER, AT(timeout), 1,
	  TIMEOUT_MAX },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), .letter = 'h' },
};

static void print_help(void)
{
	printf("usage: headlessd explain [OPTIONS] NAME | svc/NAME | pod/NAME | ADDRESS\n\n"
	       "Says why a name of the cluster resolves, or which link of the chain from its "
	       "Service to\nthe record is broken and how to mend it. Ends with 0 when the name "
	       "resolves.\n\n");
	options_help(options, ARRAY_SIZE(options));
	printf("\nexamples:\n"
	       "  headlessd explain nginx-headless\n"
	       "  headlessd explain web-0.nginx-headless -n default\n"
	       "  headlessd explain _http._tcp.web.default.svc.cluster.local -o json\n"
	       "  headlessd explain pod/web-0\n"
	       "  headlessd explain 10.244.0.5\n");
}

static void end(struct explaining *all, int code)
{
	all->code = code;
	loop_stop(all->loop);
}

/* ---- reading ---- */

static void print(struct explaining *all, const struct explanation *explanation)
{
	_cleanup_buffer_ struct buffer out = BUFFER_INIT(LIMIT_EXPLAIN_OUTPUT);

	if (strcmp(all->output, "json") == 0) {
		explanation_json(explanation, &out);
	} else {
		explanation_text(explanation, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), &out);
	}
	fwrite(out.p, 1, out.n, stdout);
	if (fflush(stdout) != 0) {
		all->code = EXIT_FAILED;
	}
}

static struct explain_question question_of(const struct explaining *all)
{
	return (struct explain_question){
		.name = all->name,
		.space = all->space,
		.domain = all->settings.config.domain,
		.zone = &all->settings.config,
	};
}

static void on_synced(void *userdata)
{
	struct explaining *all = userdata;
	struct explain_question question = question_of(all);
	struct explanation *explanation;
	char *message;

	if (explain(all->cache, &question, &explanation, &message) != 0) {
		fprintf(stderr, "headlessd: %s\n", message);
		mem_free(message);
		end(all, EXIT_USAGE);
		return;
	}
	end(all, explanation->resolves ? EXIT_FINE : EXIT_FAILED);
	print(all, explanation);
	explanation_free(explanation);
}

/* What the command line says counts more than what the server does. */
static void apply_options(struct explaining *all)
{
	struct zone_config *config = &all->settings.config;

	if (all->domain != NULL) {
		config->domain = all->domain;
	}
	if (all->ttl != UNSAID) {
		config->ttl = (uint32_t)all->ttl;
		for (size_t i = 0; i < ZONE_TTLS; i++) {
			config->ttls[i].set = false;
		}
	}
}

/* ServiceImports are a kind that many clusters do not have: only who asks for one needs them. */
static bool asks_for_import(const struct explaining *all)
{
	const char *domain = all->settings.config.clusterset_domain;
	struct name name, zone;
	size_t left;

	return domain != NULL && name_parse(str_from(domain), &zone) == 0 &&
	       name_parse(str_from(all->name), &name) == 0 && name_is_below(&name, &zone, &left);
}

static void on_learned(void *userdata, struct zone_settings *settings, const char *message)
{
	struct explaining *all = userdata;

	if (settings == NULL) {
		fprintf(stderr, "headlessd: %s\n", message);
		end(all, EXIT_FAILED);
		return;
	}
	zone_settings_deinit(&all->settings);
	all->settings = *settings;
	apply_options(all);
	cache_want(all->cache, &kind_namespace);
	cache_want(all->cache, &kind_service);
	cache_want(all->cache, &kind_endpoint_slice);
	if (asks_for_import(all)) {
		cache_want(all->cache, &kind_service_import);
	}
	cache_keep(all->cache, &kind_pod, explain_keep_pod);
	cache_on_synced(all->cache, on_synced, all);
}

static void on_greeted(void *userdata, const struct client_response *response)
{
	struct explaining *all = userdata;

	if (all->cache == NULL) {
		return; /* cut short: the timeout has said so */
	}
	if (response->code == 0) {
		fprintf(stderr, "headlessd: cannot reach the API at %s (from %s): %s\n",
			all->config.server, all->config.path, response->message);
		end(all, EXIT_FAILED);
		return;
	}
	if (response->code != 200 && response->code != 404) {
		fprintf(stderr, "headlessd: the API at %s refuses: %d %s: %s\n", all->config.server,
			response->code, response->reason != NULL ? response->reason : "",
			response->message != NULL ? response->message : "");
		end(all, EXIT_FAILED);
		return;
	}
	if (learning_start(all->loop, all->client, &all->config, all->dns_metrics, on_learned, all,
			   &all->learning) < 0) {
		fprintf(stderr, "headlessd: cannot ask for the settings of the DNS server\n");
		end(all, EXIT_FAILED);
	}
}

static void on_timeout(void *userdata)
{
	struct explaining *all = userdata;

	fprintf(stderr,
		"headlessd: the API at %s (from %s) has not told everything within %" PRId64
		" s; see that it is up, or give it more with --timeout\n",
		all->config.server, all->config.path, all->timeout);
	end(all, EXIT_FAILED);
}

static int run_loop(struct explaining *all)
{
	const struct client_request greeting = {
		.verb = CLIENT_GET,
		.kind = &kind_namespace,
		.name = str_from(all->space),
	};

	all->timer = loop_timer_new(all->loop, on_timeout, all);
	loop_timer_set(all->timer, (uint64_t)all->timeout * NS_PER_S);
	all->cache = cache_new(all->client);
	client_request(all->client, &greeting, on_greeted, all);
	all->code = EXIT_FAILED;
	if (loop_run(all->loop) < 0) {
		fprintf(stderr, "headlessd: the event loop failed\n");
	}
	return all->code;
}

/* ---- wiring ---- */

static int connect_and_run(struct explaining *all)
{
	int code = EXIT_FAILED;

	if (loop_new(&all->loop) < 0) {
		fprintf(stderr, "headlessd: cannot make an event loop\n");
		return code;
	}
	if (remote_client_new(all->loop, &all->config, &all->client) < 0) {
		fprintf(stderr, "headlessd: cannot make a client for %s\n", all->config.server);
	} else {
		code = run_loop(all);
	}
	all->learning = learning_free(all->learning);
	all->cache = cache_free(all->cache);
	if (all->timer != NULL) {
		all->timer = loop_timer_free(all->timer);
	}
	all->client = client_free(all->client);
	all->loop = loop_free(all->loop);
	return code;
}

/* Whether the question makes sense, before anybody is bothered with it: asked of an empty world. */
static bool check_question(const struct explaining *all)
{
	struct explain_question question = question_of(all);
	struct cache *nothing = cache_new(NULL);
	struct explanation *explanation = NULL;
	_cleanup_free_ char *message = NULL;

	cache_want(nothing, &kind_namespace);
	cache_want(nothing, &kind_service);
	cache_want(nothing, &kind_endpoint_slice);
	cache_want(nothing, &kind_pod);
	if (explain(nothing, &question, &explanation, &message) != 0) {
		fprintf(stderr, "headlessd: %s\n", message);
	}
	bool fine = explanation != NULL;

	explanation_free(explanation);
	cache_free(nothing);
	return fine;
}

static int run(int argc, char **argv)
{
	struct explaining all = {
		.output = "text",
		.ttl = UNSAID,
		.timeout = TIMEOUT_DEFAULT,
	};
	struct option_list words = { .n = 0 };
	_cleanup_free_ char *path = NULL;
	char message[KUBECONFIG_MESSAGE];
	int code;

	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, &all, &words)) {
		return EXIT_USAGE;
	}
	if (all.help) {
		print_help();
		return EXIT_FINE;
	}
	if (words.n != 1) {
		fprintf(stderr, "headlessd: explain takes one name, such as web-0.nginx-headless, "
				"svc/web, pod/web-0 or 10.244.0.5; --help tells more\n");
		return EXIT_USAGE;
	}
	all.name = words.items[0];
	path = kubeconfig_choose(all.kubeconfig);
	if (kubeconfig_read(path, all.context, &all.config, message) != 0) {
		fprintf(stderr, "headlessd: %s\n", message);
		return EXIT_FAILED;
	}
	if (all.space == NULL) {
		all.space = all.config.space != NULL ? all.config.space : "default";
	}
	zone_settings_init(&all.settings);
	apply_options(&all);
	log_set_level(LOG_WARNING);
	code = check_question(&all) ? connect_and_run(&all) : EXIT_USAGE;
	zone_settings_deinit(&all.settings);
	kubeconfig_deinit(&all.config);
	return code;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.usage = "[OPTIONS] NAME | svc/NAME | pod/NAME | ADDRESS",
	.help = "say why a name resolves, or which link is broken",
	.run = run,
};
