/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks one after the other. Only a server that was named must have the answer: an API server of
 * somebody else knows no /dns/settings, and who may not read the ConfigMap is told what is usual.
 */
#include "cmd/explain_settings.h"

#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/kubeconfig.h"
#include "client/transfer.h"
#include "object/kinds.h"
#include "json/json.h"

enum { PATIENCE_S = 10 };

struct learning {
	struct client *client;
	const char *metrics;
	struct transfers *transfers;
	struct transfer *transfer;
	struct buffer text;
	learned_fn done;
	void *userdata;
	bool closing;
};

static void finish(struct learning *learning, struct zone_settings *settings)
{
	learning->done(learning->userdata, settings, NULL);
}

static void corefile_came(void *userdata, const struct client_response *response)
{
	struct learning *learning = userdata;
	struct zone_settings settings;
	const char *text = response->object != NULL
				   ? json_string_value(json_object_get(
					     json_object_get(object_tree(response->object), "data"),
					     "Corefile"))
				   : NULL;

	if (learning->closing) {
		return;
	}
	if (response->code == 200 && text != NULL &&
	    zone_settings_read_corefile(str_from(text), &settings) == 0) {
		finish(learning, &settings);
		return;
	}
	zone_settings_init(&settings);
	finish(learning, &settings);
}

static void ask_corefile(struct learning *learning)
{
	const struct client_request request = {
		.verb = CLIENT_GET,
		.kind = &kind_config_map,
		.space = STR("kube-system"),
		.name = STR("coredns"),
	};

	client_request(learning->client, &request, corefile_came, learning);
}

static bool received(void *userdata, struct str bytes)
{
	struct learning *learning = userdata;

	buffer_append(&learning->text, bytes.p, bytes.n);
	return !learning->text.overflowed;
}

static void done(void *userdata, int status, const char *error)
{
	struct learning *learning = userdata;
	struct zone_settings settings;
	char message[256];

	learning->transfer = NULL;
	if (error == NULL && status == 200 &&
	    zone_settings_read((struct str){ learning->text.p, learning->text.n }, &settings) ==
		    0) {
		finish(learning, &settings);
	} else if (learning->metrics == NULL) {
		ask_corefile(learning);
	} else {
		snprintf(message, sizeof(message),
			 "http://%s" ZONE_SETTINGS_PATH
			 " does not tell what the DNS server was told: "
			 "%s (--dns-metrics)",
			 learning->metrics,
			 error != NULL   ? error
			 : status == 200 ? "that is no headlessd"
					 : "it answers something else");
		learning->done(learning->userdata, NULL, message);
	}
}

int learning_start(struct loop *loop, struct client *client, const struct kubeconfig *config,
		   const char *metrics, learned_fn learned, void *userdata, struct learning **ret)
{
	static const struct transfer_ops ops = { .received = received, .done = done };
	const struct transfer_request request = {
		.method = "GET",
		.target = ZONE_SETTINGS_PATH,
		.seconds = PATIENCE_S,
	};
	struct learning *learning = MEM_NEW(struct learning);
	_cleanup_free_ char *url = mem_printf("http://%s", metrics != NULL ? metrics : "");
	struct kubeconfig open = { .server = url };
	int result;

	*learning = (struct learning){
		.client = client,
		.metrics = metrics,
		.text = BUFFER_INIT(LIMIT_ZONE_SETTINGS),
		.done = learned,
		.userdata = userdata,
	};
	result = transfers_new(loop, metrics != NULL ? &open : config, &learning->transfers);
	if (result < 0) {
		mem_free(learning);
		return error_trace(result);
	}
	learning->transfer = transfer_start(learning->transfers, &request, &ops, learning);
	*ret = learning;
	return 0;
}

struct learning *learning_free(struct learning *learning)
{
	if (learning != NULL) {
		learning->closing = true;
		transfer_cancel(learning->transfer);
		transfers_free(learning->transfers);
		buffer_deinit(&learning->text);
		mem_free(learning);
	}
	return NULL;
}
