/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd peers: the client of the blocking peer lookup (docs/peers.md). One question is one
 * transfer; with --follow the next one carries the serial of the answer before, so nothing is told
 * twice and nothing is missed, over restarts of the server too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/kubeconfig.h"
#include "client/transfer.h"
#include "cmd/cmd.h"
#include "cmd/kubeconfig.h"
#include "cmd/options.h"
#include "loop/loop.h"
#include "json/json.h"

/* Behind the server's own timeout, in which it answers by itself. */
enum { UNSAID = -1, MARGIN_S = 15, RETRY_S = 1, TIMEOUT_S = 300, TARGET_MAX = 1024 };

struct asking {
	const char *space;
	const char *wait;
	const char *kubeconfig;
	const char *context;
	const char *output;
	int64_t since;
	int64_t timeout;
	bool follow;
	bool help;

	const char *service;
	const char *mode; /* "complete", "changed", "none"; NULL: the server's choice */
	uint64_t count; /* 0: as many as the server knows of */
	struct kubeconfig config;
	struct loop *loop;
	struct loop_timer *timer; /* until the next attempt */
	struct transfers *transfers;
	struct transfer *transfer;
	struct buffer text;
	bool lost; /* and that was told */
	int code;
};

#define AT(member) offsetof(struct asking, member)

static const struct option options[] = {
	{ "namespace", "NAME", "of the Service (the kubeconfig's, or default)", OPTION_TEXT,
	  AT(space), .letter = 'n' },
	{ "wait", "WHAT", "complete, N (that many are ready), changed, or none (none)", OPTION_TEXT,
	  AT(wait) },
	{ "since", "SERIAL", "of an earlier answer: waits for another set than that", OPTION_NUMBER,
	  AT(since), 0, INT64_MAX },
	{ "follow", NULL, "goes on with every set that comes after", OPTION_SWITCH, AT(follow),
	  .letter = 'f' },
	{ "timeout", "SECONDS", "how long to wait, 1 to 600 (300); each time with --follow",
	  OPTION_NUMBER, AT(timeout), 1, LIMIT_PEERS_WAIT_SECONDS },
	{ "output", "FORM", "text or json (text)", OPTION_TEXT, AT(output), .one_of = "text|json",
	  .letter = 'o' },
	{ "kubeconfig", "FILE", "how to reach the API ($KUBECONFIG, standalone's, ~/.kube/config)",
	  OPTION_TEXT, AT(kubeconfig) },
	{ "context", "NAME", "of the kubeconfig (its current-context)", OPTION_TEXT, AT(context) },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), .letter = 'h' },
};

static void print_help(void)
{
	printf("usage: headlessd peers [OPTIONS] SERVICE\n\n"
	       "Who the peers of a Service are; waits, without polling, until they are all ready "
	       "or have\nchanged. Ends with 0 when what was waited for is so, 1 when it did not "
	       "come in time.\n\n");
	options_help(options, ARRAY_SIZE(options));
	printf("\nexamples:\n"
	       "  headlessd peers web --wait complete\n"
	       "  headlessd peers db --wait 2 -n prod -o json\n"
	       "  headlessd peers web --follow\n");
}

static void end(struct asking *all, int code)
{
	all->code = code;
	loop_stop(all->loop);
}

/* ---- answers ---- */

static void print_peer(const json_t *peer)
{
	const json_t *addresses = json_object_get(peer, "addresses");
	const char *fqdn = json_string_at(peer, "fqdn");
	const json_t *address;
	size_t i;

	printf("%s  %s  ", json_string_at(peer, "name"),
	       json_is_true(json_object_get(peer, "terminating")) ? "terminating"
	       : json_is_true(json_object_get(peer, "ready"))     ? "ready"
								  : "not-ready");
	json_array_foreach (addresses, i, address) {
		printf("%s%s", i != 0 ? "," : "", json_string_value(address));
	}
	printf("  %s\n", fqdn[0] != '\0' ? fqdn : "-");
}

static void print_set(const struct asking *all, const json_t *set)
{
	const json_t *peers = json_object_get(set, "peers");
	const json_t *peer;
	size_t i;

	if (strcmp(all->output, "json") == 0) {
		fwrite(all->text.p, 1, all->text.n, stdout);
		printf("%s", all->text.n != 0 && all->text.p[all->text.n - 1] == '\n' ? "" : "\n");
		return;
	}
	printf("%s: %" PRId64 " of %" PRId64 " ready, serial %" PRId64 "%s\n",
	       json_string_at(set, "service"), json_int_at(set, "ready", 0),
	       json_int_at(set, "wanted", 0), json_int_at(set, "serial", 0),
	       json_is_true(json_object_get(set, "complete")) ? ", complete" : "");
	json_array_foreach (peers, i, peer) {
		print_peer(peer);
	}
}

static void ask(void *userdata);

static void answered(struct asking *all, const json_t *set)
{
	int64_t serial = json_int_at(set, "serial", UNSAID);
	bool news = serial != all->since;

	all->lost = false;
	/* A timeout of wait=changed repeats what is known. */
	if (news || !all->follow) {
		print_set(all, set);
	}
	if (fflush(stdout) != 0) {
		end(all, EXIT_FAILED);
	} else if (!all->follow) {
		end(all, EXIT_FINE);
	} else {
		all->since = serial;
		if (all->mode == NULL || strcmp(all->mode, "none") == 0) {
			all->mode = "changed";
		}
		ask(all);
	}
}

/* With --follow the server may go and come back. */
static void unreachable(struct asking *all, const char *error)
{
	if (!all->follow) {
		fprintf(stderr, "headlessd: cannot reach the API at %s (from %s): %s\n",
			all->config.server, all->config.path, error);
		end(all, EXIT_FAILED);
		return;
	}
	if (!all->lost) {
		fprintf(stderr, "headlessd: the API at %s is lost: %s; asking again\n",
			all->config.server, error);
	}
	all->lost = true;
	loop_timer_set(all->timer, RETRY_S * NS_PER_S);
}

static void refused(struct asking *all, int status, const json_t *body)
{
	const char *message = json_string_at(body, "message");

	/* Not complete in time is where following goes on; busy and starting, too. */
	if (all->follow && status == 504) {
		ask(all);
	} else if (all->follow && (status == 429 || status == 503)) {
		unreachable(all, message);
	} else {
		fprintf(stderr, "headlessd: %s\n",
			message[0] != '\0' ? message
					   : "the API has no peer lookup (docs/peers.md)");
		end(all, EXIT_FAILED);
	}
}

static void done(void *userdata, int status, const char *error)
{
	struct asking *all = userdata;
	struct json_read_error bad;
	json_t *body = NULL;

	all->transfer = NULL;
	if (error != NULL) {
		unreachable(all, error);
		return;
	}
	if (json_read((struct str){ all->text.p, all->text.n }, NULL, &body, &bad) != 0 ||
	    !json_is_object(body) || (status == 200 && json_object_get(body, "peers") == NULL)) {
		fprintf(stderr,
			"headlessd: the API at %s answers with something else than peers: is it "
			"headlessd's?\n",
			all->config.server);
		end(all, EXIT_FAILED);
	} else if (status == 200) {
		answered(all, body);
	} else {
		refused(all, status, body);
	}
	json_decref(body);
}

static bool received(void *userdata, struct str bytes)
{
	struct asking *all = userdata;

	buffer_append(&all->text, bytes.p, bytes.n);
	return !all->text.overflowed;
}

/* ---- the question ---- */

static void ask(void *userdata)
{
	static const struct transfer_ops ops = { .received = received, .done = done };
	struct asking *all = userdata;
	_cleanup_buffer_ struct buffer target = BUFFER_INIT(TARGET_MAX);
	const struct transfer_request request = {
		.method = "GET",
		.seconds = (uint32_t)all->timeout + MARGIN_S,
	};
	struct transfer_request filled = request;

	buffer_printf(&target, "/peers/%s/%s?timeout=%" PRId64 "s", all->space, all->service,
		      all->timeout);
	if (all->mode != NULL) {
		buffer_printf(&target, "&wait=%s", all->mode);
	}
	if (all->count != 0) {
		buffer_printf(&target, "&count=%" PRIu64, all->count);
	}
	if (all->since != UNSAID) {
		buffer_printf(&target, "&serial=%" PRId64, all->since);
	}
	filled.target = buffer_text(&target);
	buffer_clear(&all->text);
	all->transfer = transfer_start(all->transfers, &filled, &ops, all);
}

/* "complete", "changed", "none", "3" or "3-complete". */
static bool read_wait(struct asking *all)
{
	struct str word = str_from(all->wait);
	struct str number = str_cut(&word, '-');

	if (all->wait[0] >= '0' && all->wait[0] <= '9') {
		all->mode = "complete";
		return str_to_u64(number, LIMIT_PEERS_MEMBERS, &all->count) && all->count != 0 &&
		       (word.p == NULL || str_is(word, "complete"));
	}
	all->mode = all->wait;
	return strcmp(all->wait, "complete") == 0 || strcmp(all->wait, "changed") == 0 ||
	       strcmp(all->wait, "none") == 0;
}

/* What goes into the URL as it is. */
static bool is_label(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n != 0 && text[n] == '\0' && n <= LIMIT_DNS_LABEL;
}

static bool check(struct asking *all, const struct option_list *words)
{
	if (words->n != 1 || !is_label(words->items[0])) {
		fprintf(stderr, "headlessd: peers takes the name of one Service, such as web; "
				"--help tells more\n");
		return false;
	}
	all->service = words->items[0];
	if (all->space != NULL && !is_label(all->space)) {
		fprintf(stderr, "headlessd: \"%s\" is no name of a namespace\n", all->space);
		return false;
	}
	if (all->wait != NULL && !read_wait(all)) {
		fprintf(stderr,
			"headlessd: --wait %s: expected complete, changed, none, or how many are "
			"to be "
			"ready (1 to %d)\n",
			all->wait, LIMIT_PEERS_MEMBERS);
		return false;
	}
	return true;
}

static int run_loop(struct asking *all)
{
	all->code = EXIT_FAILED;
	if (loop_new(&all->loop) < 0) {
		fprintf(stderr, "headlessd: cannot make an event loop\n");
		return all->code;
	}
	if (transfers_new(all->loop, &all->config, &all->transfers) < 0) {
		fprintf(stderr, "headlessd: cannot make a client for %s\n", all->config.server);
	} else {
		all->timer = loop_timer_new(all->loop, ask, all);
		ask(all);
		if (loop_run(all->loop) < 0) {
			fprintf(stderr, "headlessd: the event loop failed\n");
		}
		all->timer = loop_timer_free(all->timer);
	}
	transfer_cancel(all->transfer);
	transfers_free(all->transfers);
	loop_free(all->loop);
	return all->code;
}

static int run(int argc, char **argv)
{
	struct asking all = {
		.output = "text",
		.since = UNSAID,
		.timeout = TIMEOUT_S,
		.text = BUFFER_INIT(LIMIT_PEERS_ANSWER),
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
	if (!check(&all, &words)) {
		return EXIT_USAGE;
	}
	path = kubeconfig_choose(all.kubeconfig);
	if (kubeconfig_read(path, all.context, &all.config, message) != 0) {
		fprintf(stderr, "headlessd: %s\n", message);
		return EXIT_FAILED;
	}
	if (all.space == NULL) {
		all.space = all.config.space != NULL ? all.config.space : "default";
	}
	log_set_level(LOG_WARNING);
	code = run_loop(&all);
	buffer_deinit(&all.text);
	kubeconfig_deinit(&all.config);
	return code;
}

const struct cmd cmd_peers = {
	.name = "peers",
	.usage = "[OPTIONS] SERVICE",
	.help = "wait until the peers of a Service are there, or have changed",
	.run = run,
};
