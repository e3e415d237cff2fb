/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd token: bootstrap tokens, with which other machines join. A token is a Secret of
 * kube-system, as kubeadm makes them; this is kubectl for just these, and it prints the kubeconfig
 * that a machine joins with.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "json/json.h"

#define SPACE "kube-system"
#define PREFIX "bootstrap-token-"
#define TYPE "bootstrap.kubernetes.io/token"

enum { ID = 6, SECRET = 16, TEXT = 256, DAY = 24 * 3600, LONGEST = 10 * 365 };

struct token_settings {
	const char *kubeconfig;
	const char *server;
	const char *ttl;
	const char *description;
	bool print_kubeconfig;
	bool help;
};

#define AT(member) offsetof(struct token_settings, member)

static const struct option options[] = {
	{ "kubeconfig", "FILE", "the API server, and who we are (as kubectl finds it)", OPTION_TEXT,
	  AT(kubeconfig), 0, 0, NULL },
	{ "ttl", "DURATION", "create: how long it is good; 0: for ever (24h)", OPTION_TEXT, AT(ttl),
	  0, 0, NULL },
	{ "description", "TEXT", "create: what it is for", OPTION_TEXT, AT(description), 0, 0,
	  NULL },
	{ "print-kubeconfig", NULL, "create: print what `headlessd node --kubeconfig` joins with",
	  OPTION_SWITCH, AT(print_kubeconfig), 0, 0, NULL },
	{ "server", "URL", "create: where other machines reach the API (the kubeconfig's)",
	  OPTION_TEXT, AT(server), 0, 0, NULL },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), 0, 0, NULL },
};

struct token_program {
	struct token_settings settings;
	const char *verb;
	const char *name; /* of delete: an id or a whole token */
	struct kubeconfig kubeconfig;
	struct loop *loop;
	struct client *client;
	struct client_watch *watch;
	char token[ID + 1 + SECRET + 1];
	uint64_t ttl; /* ns */
	int code;
};

static void end(struct token_program *program, int code)
{
	program->code = code;
	loop_stop(program->loop);
}

static void complain(struct token_program *program, const struct client_response *response)
{
	fprintf(stderr, "headlessd: %s: %s\n", program->kubeconfig.server, response->message);
	end(program, EXIT_FAILED);
}

/* ---- create ---- */

/* Characters of [a-z0-9], each as likely as the others. */
static void random_text(char *ret_text, size_t n)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	enum { LETTERS = sizeof(alphabet) - 1, EVEN = 256 - 256 % LETTERS };

	for (size_t i = 0; i < n;) {
		unsigned char byte;

		random_bytes(&byte, 1);
		if (byte < EVEN) {
			ret_text[i++] = alphabet[byte % LETTERS];
		}
	}
}

static int read_ca(const struct kubeconfig *config, char **ret_text)
{
	if (config->ca.text != NULL || config->ca.file == NULL) {
		*ret_text = mem_strdup(config->ca.text);
		return 0;
	}
	return error_trace(file_read(config->ca.file, LIMIT_KUBECONFIG, ret_text, NULL));
}

static void print_kubeconfig(struct token_program *program)
{
	const char *server = program->settings.server != NULL ? program->settings.server
							      : program->kubeconfig.server;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(2 * LIMIT_KUBECONFIG);
	_cleanup_free_ char *ca = NULL;

	if (read_ca(&program->kubeconfig, &ca) < 0) {
		fprintf(stderr, "headlessd: cannot read %s\n", program->kubeconfig.ca.file);
		end(program, EXIT_FAILED);
		return;
	}
	buffer_printf(&text,
		      "apiVersion: v1\nkind: Config\nclusters:\n- name: headlessd\n"
		      "  cluster:\n    server: %s\n",
		      server);
	if (ca != NULL) {
		buffer_append_text(&text, "    certificate-authority-data: ");
		base64_encode(str_from(ca), &text);
		buffer_append_char(&text, '\n');
	}
	buffer_printf(&text,
		      "users:\n- name: newcomer\n  user:\n    token: %s\ncontexts:\n"
		      "- name: join\n  context:\n    cluster: headlessd\n    user: newcomer\n"
		      "current-context: join\n",
		      program->token);
	fputs(buffer_text(&text), stdout);
	end(program, EXIT_FINE);
}

static void created(void *userdata, const struct client_response *response)
{
	struct token_program *program = userdata;

	if (response->code != 201) {
		complain(program, response);
	} else if (program->settings.print_kubeconfig) {
		print_kubeconfig(program);
	} else {
		printf("%s\n", program->token);
		end(program, EXIT_FINE);
	}
}

static void create(struct token_program *program)
{
	char id[ID + 1] = "";
	char secret[SECRET + 1] = "";
	char until[TIMESTAMP_TEXT] = "";

	random_text(id, ID);
	random_text(secret, SECRET);
	snprintf(program->token, sizeof(program->token), "%s.%s", id, secret);
	if (program->ttl != 0) {
		timestamp_format(clock_wall_seconds(&clock_system) +
					 (int64_t)(program->ttl / NS_PER_S),
				 until);
	}
	_cleanup_free_ char *name = mem_printf(PREFIX "%s", id);
	_cleanup_json_ json_t *body =
		json_pack("{ss ss s{ss ss} ss s{ss ss ss ss}}", "apiVersion", "v1", "kind",
			  "Secret", "metadata", "name", name, "namespace", SPACE, "type", TYPE,
			  "stringData", "token-id", id, "token-secret", secret,
			  "usage-bootstrap-authentication", "true", "description",
			  program->settings.description != NULL ? program->settings.description
								: "");

	if (until[0] != '\0') {
		json_put(body, "stringData.expiration", json_string(until));
	}
	const struct client_request request = {
		.verb = CLIENT_CREATE,
		.kind = &kind_secret,
		.space = STR(SPACE),
		.body = body,
	};
	client_request(program->client, &request, created, program);
}

/* ---- list ---- */

static const char *value(const json_t *secret, const char *key, struct buffer *out)
{
	const json_t *data = json_object_get(secret, "data");
	const char *text = json_string_value(json_object_get(data, key));

	buffer_clear(out);
	return text != NULL && base64_decode(str_from(text), out) ? buffer_text(out) : "";
}

static void found(void *userdata, struct object *object)
{
	const json_t *secret = object_tree(object);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(LIMIT_DATA);
	_cleanup_free_ char *id = NULL;
	_cleanup_free_ char *until = NULL;

	if (!str_is(object->space, SPACE) || strcmp(json_string_at(secret, "type"), TYPE) != 0) {
		return;
	}
	id = mem_strdup(value(secret, "token-id", &text));
	until = mem_strdup(value(secret, "expiration", &text));
	printf("%-8s  %-20s  %s\n", id, until[0] != '\0' ? until : "never",
	       value(secret, "description", &text));
}

static void listed(void *userdata, uint64_t revision)
{
	end(userdata, EXIT_FINE);
}

static void connected(void *userdata, bool yes)
{
	struct token_program *program = userdata;

	if (!yes) {
		fprintf(stderr, "headlessd: %s cannot be reached, or does not let us in\n",
			program->kubeconfig.server);
		end(program, EXIT_FAILED);
	}
}

static void nothing(void *userdata)
{
}

static void removed(void *userdata, struct object *last)
{
}

static void list(struct token_program *program)
{
	static const struct client_sink sink = {
		.reset = nothing,
		.changed = found,
		.removed = removed,
		.synced = listed,
		.connected = connected,
	};

	printf("%-8s  %-20s  %s\n", "ID", "GOOD UNTIL", "DESCRIPTION");
	program->watch = client_watch_fields(program->client, &kind_secret, NULL, "type=" TYPE,
					     &sink, program);
}

/* ---- delete ---- */

static void gone(void *userdata, const struct client_response *response)
{
	struct token_program *program = userdata;

	if (response->code != 200) {
		complain(program, response);
	} else {
		printf("token %s deleted\n", program->name);
		end(program, EXIT_FINE);
	}
}

static void delete (struct token_program *program)
{
	_cleanup_free_ char *name = mem_printf(PREFIX "%.*s", ID, program->name);
	const struct client_request request = {
		.verb = CLIENT_DELETE,
		.kind = &kind_secret,
		.space = STR(SPACE),
		.name = str_from(name),
	};

	client_request(program->client, &request, gone, program);
}

/* ---- the command ---- */

static const struct {
	const char *name;
	void (*run)(struct token_program *program);
	size_t words; /* behind it */
} verbs[] = { { "create", create, 0 }, { "list", list, 0 }, { "delete", delete, 1 } };

static bool parse(int argc, char **argv, struct token_program *program, int *ret_code)
{
	struct option_list words = { 0 };
	const char *ttl;

	*ret_code = EXIT_USAGE;
	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, &program->settings,
			   &words)) {
		return false;
	}
	if (program->settings.help) {
		printf("usage: headlessd token create|list|delete ID [OPTIONS]\n\n"
		       "Bootstrap tokens, with which other machines join as nodes.\n\n");
		options_help(options, ARRAY_SIZE(options));
		*ret_code = EXIT_FINE;
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs) && words.n != 0; i++) {
		if (strcmp(words.items[0], verbs[i].name) == 0 && words.n == 1 + verbs[i].words) {
			program->verb = words.items[0];
			program->name = words.items[1];
		}
	}
	if (program->verb == NULL) {
		fprintf(stderr, "headlessd: token: expected create, list or delete ID\n");
		return false;
	}
	ttl = program->settings.ttl != NULL ? program->settings.ttl : "24h";
	if (duration_parse(str_from(ttl), (uint64_t)LONGEST * DAY * NS_PER_S, &program->ttl) != 0) {
		fprintf(stderr, "headlessd: --ttl %s: expected a duration such as 24h, or 0\n",
			ttl);
		return false;
	}
	return true;
}

static int start(struct token_program *program)
{
	char message[KUBECONFIG_MESSAGE];
	int result;

	if (kubeconfig_read(program->settings.kubeconfig, NULL, &program->kubeconfig, message) !=
	    0) {
		fprintf(stderr, "headlessd: %s (--kubeconfig)\n", message);
		return error_origin(-EINVAL);
	}
	if ((result = loop_new(&program->loop)) < 0 ||
	    (result = remote_client_new(program->loop, &program->kubeconfig, &program->client)) <
		    0) {
		return error_trace(result);
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(program->verb, verbs[i].name) == 0) {
			verbs[i].run(program);
		}
	}
	return error_trace(loop_run(program->loop));
}

static int run(int argc, char **argv)
{
	static struct token_program program;
	int code;

	if (!parse(argc, argv, &program, &code)) {
		return code;
	}
	if (start(&program) < 0) {
		program.code = EXIT_FAILED;
	}
	program.watch = client_unwatch(program.watch);
	program.client = client_free(program.client);
	program.loop = loop_free(program.loop);
	kubeconfig_deinit(&program.kubeconfig);
	return program.code;
}

const struct cmd cmd_token = {
	.name = "token",
	.usage = "create|list|delete [OPTIONS]",
	.help = "bootstrap tokens, with which other machines join",
	.run = run,
};
