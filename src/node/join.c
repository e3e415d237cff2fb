/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States: asking (the request is being made), waiting (a watch of that one request), resting (until
 * it is time to renew, or to try again). The key lives in memory until its certificate is there:
 * both go into one file, so nobody ever finds halves that do not fit.
 *
 * The first certificate is asked for with the bootstrap token, later ones with the one before.
 */
#include "node/join.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/remote.h"
#include "http/pki.h"
#include "loop/loop.h"
#include "object/kinds.h"
#include "json/json.h"

#define COMPONENT "join"
#define PAUSE_MIN NS_PER_S
#define PAUSE_MAX (60 * NS_PER_S)
#define REST_MAX (24 * 3600 * NS_PER_S) /* clocks are set now and then: look once a day */

enum {
	PEM_MAX = 256 * 1024,
	TOKEN = 23, /* "abcdef.0123456789abcdef" */
	RENEW_FROM = 70, /* percent of its life */
	RENEW_SPREAD = 20,
};

struct join {
	struct loop *loop;
	struct kubeconfig cluster; /* with the token: for the first certificate */
	struct client *client; /* of the request under way */
	struct client_watch *watch;
	struct loop_timer *timer;
	struct loop_timer *closing; /* the watch cannot be ended from within its own call */
	char *node_name;
	const char *const *serving; /* NULL: a client's certificate */
	char *pem_path;
	char *kubeconfig_path;
	char *key; /* of the request under way */
	char *request; /* its name */
	uint64_t pause;
	unsigned percent; /* of its life at which the certificate is renewed */
	bool has_certificate;
	bool told;
	void (*joined)(void *userdata, const char *kubeconfig);
	void (*failed)(void *userdata, const char *message);
	void *userdata;
};

bool join_is_wanted(const struct kubeconfig *cluster)
{
	return cluster->token != NULL && strlen(cluster->token) == TOKEN &&
	       cluster->token[6] == '.' && cluster->certificate.text == NULL &&
	       cluster->certificate.file == NULL;
}

static void rest(struct join *join, uint64_t ns)
{
	loop_timer_set(join->closing, 0);
	loop_timer_set(join->timer, ns);
}

static void close_client(void *userdata)
{
	struct join *join = userdata;

	join->watch = client_unwatch(join->watch);
	join->client = client_free(join->client);
}

static void try_again(struct join *join, const char *why)
{
	log_warning(COMPONENT, "%s; trying again in %.0f s", why,
		    (double)join->pause / (double)NS_PER_S);
	rest(join, join->pause);
	join->pause = 2 * join->pause < PAUSE_MAX ? 2 * join->pause : PAUSE_MAX;
}

static void give_up(struct join *join, const char *why)
{
	if (join->has_certificate) {
		try_again(join, why);
		return;
	}
	loop_timer_set(join->closing, 0);
	join->failed(join->userdata, why);
}

/* ---- files ---- */

static void write_pem(struct buffer *out, const char *key, const struct kubeconfig_pem *pem)
{
	if (pem->text != NULL) {
		buffer_printf(out, "    %s-data: ", key);
		base64_encode(str_from(pem->text), out);
		buffer_append_char(out, '\n');
	} else if (pem->file != NULL) {
		buffer_printf(out, "    %s: ", key);
		json_write_string(str_from(pem->file), out);
		buffer_append_char(out, '\n');
	}
}

/* JSON strings are YAML. */
static int write_kubeconfig(struct join *join)
{
	struct buffer text = BUFFER_INIT(2 * LIMIT_KUBECONFIG);
	int result;

	buffer_append_text(&text, "apiVersion: v1\nkind: Config\nclusters:\n- name: headlessd\n"
				  "  cluster:\n    server: ");
	json_write_string(str_from(join->cluster.server), &text);
	buffer_append_char(&text, '\n');
	write_pem(&text, "certificate-authority", &join->cluster.ca);
	buffer_append_text(&text, "users:\n- name: node\n  user:\n    client-certificate: ");
	json_write_string(str_from(join->pem_path), &text);
	buffer_append_text(&text, "\n    client-key: ");
	json_write_string(str_from(join->pem_path), &text);
	buffer_append_text(&text, "\ncontexts:\n- name: node\n  context:\n    cluster: headlessd\n"
				  "    user: node\ncurrent-context: node\n");
	result = file_write(join->kubeconfig_path, buffer_str(&text), 0600);
	buffer_deinit(&text);
	return error_trace(result);
}

static void tell(void *userdata)
{
	struct join *join = userdata;

	if (!join->told) {
		join->told = true;
		join->joined(join->userdata,
			     join->serving != NULL ? join->pem_path : join->kubeconfig_path);
	}
}

/* Uses the certificate that lies there. False: it is none, or good no more. */
static bool use_certificate(struct join *join)
{
	_cleanup_free_ char *pem = NULL;
	int64_t now = clock_wall_seconds(&clock_system);
	int64_t from, until;

	if (file_read(join->pem_path, PEM_MAX, &pem, NULL) < 0 ||
	    pki_validity(pem, &from, &until) != 0 || until <= now ||
	    (join->serving == NULL && write_kubeconfig(join) < 0)) {
		return false;
	}
	join->has_certificate = true;
	int64_t renew = from + (until - from) / 100 * join->percent;
	uint64_t wait = renew > now ? (uint64_t)(renew - now) * NS_PER_S : 0;

	rest(join, wait < REST_MAX ? wait : REST_MAX);
	return true;
}

/* ---- a request ---- */

static void save(struct join *join, const char *text)
{
	_cleanup_buffer_ struct buffer pem = BUFFER_INIT(PEM_MAX);
	int result;

	if (!base64_decode(str_from(text), &pem)) {
		try_again(join, "the signer has sent something that is no certificate");
		return;
	}
	buffer_append_text(&pem, join->key);
	result = file_write(join->pem_path, buffer_str(&pem), 0600);
	explicit_bzero(pem.p, pem.n);
	if (result < 0 || !use_certificate(join)) {
		try_again(join, "the certificate could not be kept in the data directory");
		return;
	}
	log_info(COMPONENT, "%s has a certificate%s", join->node_name,
		 join->serving != NULL ? " for its server" : "");
	join->pause = PAUSE_MIN;
	tell(join);
}

/* "Denied: message", or NULL. */
static char *refusal(const json_t *request)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (json_at(request, "status.conditions"), i, condition) {
		const char *type = json_string_at(condition, "type");

		if (strcmp(type, "Denied") == 0 || strcmp(type, "Failed") == 0) {
			return mem_printf("the request for a certificate was %s: %s",
					  strcmp(type, "Denied") == 0 ? "denied" : "not fulfilled",
					  json_string_at(condition, "message"));
		}
	}
	return NULL;
}

static void changed(void *userdata, struct object *object)
{
	struct join *join = userdata;
	const json_t *request = object_tree(object);
	const char *certificate = json_string_at(request, "status.certificate");
	_cleanup_free_ char *refused = refusal(request);

	if (join->request == NULL || !str_is(object->name, join->request)) {
		return;
	}
	if (certificate[0] == '\0' && refused == NULL) {
		return;
	}
	join->request = mem_free(join->request);
	if (certificate[0] != '\0') {
		save(join, certificate);
	} else {
		give_up(join, refused);
	}
}

static void removed(void *userdata, struct object *last)
{
	struct join *join = userdata;

	if (join->request != NULL && str_is(last->name, join->request)) {
		join->request = mem_free(join->request);
		try_again(join, "the request for a certificate was removed");
	}
}

static void nothing(void *userdata)
{
}

static void seen(void *userdata, uint64_t revision)
{
}

static void connected(void *userdata, bool yes)
{
}

static void asked(void *userdata, const struct client_response *response)
{
	static const struct client_sink sink = {
		.reset = nothing,
		.changed = changed,
		.removed = removed,
		.synced = seen,
		.connected = connected,
	};
	struct join *join = userdata;

	if (response->code == 201 && response->object != NULL) {
		_cleanup_free_ char *selector = NULL;

		join->request = str_dup(response->object->name);
		selector = mem_printf("metadata.name=%s", join->request);
		join->watch = client_watch_fields(join->client, &kind_certificate_signing_request,
						  NULL, selector, &sink, join);
		return;
	}
	_cleanup_free_ char *why = mem_printf("%s does not take the request for a certificate: %s",
					      join->cluster.server, response->message);

	if (response->code == 401 || response->code == 403) {
		give_up(join, why);
	} else {
		try_again(join, why);
	}
}

/* With the certificate that is there, or with the token. */
static int open_client(struct join *join)
{
	char message[KUBECONFIG_MESSAGE];
	_cleanup_kubeconfig_ struct kubeconfig own = { 0 };

	loop_timer_stop(join->closing);
	close_client(join);
	if ((join->has_certificate || join->serving != NULL) &&
	    kubeconfig_read(join->kubeconfig_path, NULL, &own, message) == 0) {
		return error_trace(remote_client_new(join->loop, &own, &join->client));
	}
	return error_trace(remote_client_new(join->loop, &join->cluster, &join->client));
}

static void send_request(struct join *join, const char *csr)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(PEM_MAX);

	base64_encode(str_from(csr), &text);
	bool serving = join->serving != NULL;
	_cleanup_json_ json_t *body =
		json_pack("{ss ss s{ss} s{ss# ss s[sss]}}", "apiVersion", "certificates.k8s.io/v1",
			  "kind", "CertificateSigningRequest", "metadata", "generateName",
			  "node-csr-", "spec", "request", text.p, (int)text.n, "signerName",
			  serving ? "kubernetes.io/kubelet-serving"
				  : "kubernetes.io/kube-apiserver-client-kubelet",
			  "usages", "digital signature", "key encipherment",
			  serving ? "server auth" : "client auth");
	const struct client_request request = {
		.verb = CLIENT_CREATE,
		.kind = &kind_certificate_signing_request,
		.body = body,
	};

	client_request(join->client, &request, asked, join);
}

static void ask(void *userdata)
{
	struct join *join = userdata;
	_cleanup_free_ char *subject = mem_printf("system:node:%s", join->node_name);
	_cleanup_free_ char *csr = NULL;
	const char *const names[] = { join->node_name, NULL };
	struct pki_request request = {
		.common_name = subject,
		.organization = "system:nodes",
		.dns_names = join->serving != NULL ? names : NULL,
		.addresses = join->serving,
	};

	join->key = mem_free(join->key);
	join->request = mem_free(join->request);
	if (pki_csr_new(&request, &csr, &join->key) < 0 || open_client(join) < 0) {
		try_again(join, "no request for a certificate can be made");
		return;
	}
	send_request(join, csr);
}

/* The rest is over: the certificate is due, or was only looked at; or none is there yet. */
static void due(void *userdata)
{
	struct join *join = userdata;
	_cleanup_free_ char *pem = NULL;
	int64_t now = clock_wall_seconds(&clock_system);
	int64_t from, until;

	if (join->has_certificate && file_read(join->pem_path, PEM_MAX, &pem, NULL) == 0 &&
	    pki_validity(pem, &from, &until) == 0 &&
	    now < from + (until - from) / 100 * join->percent) {
		(void)use_certificate(join);
		tell(join);
		return;
	}
	if (join->has_certificate && (pem == NULL || until <= now)) {
		/* Too late for itself: the token may still be good. */
		join->has_certificate = false;
	}
	ask(join);
}

int join_new(const struct join_config *config, struct join **ret)
{
	struct join *join = MEM_NEW(struct join);
	unsigned char spread;

	random_bytes(&spread, 1);
	*join = (struct join){
		.loop = config->loop,
		.node_name = mem_strdup(config->node_name),
		.serving = config->serving,
		.pem_path = mem_printf("%s/%s.pem", config->data_dir,
				       config->serving != NULL ? "kubelet" : "node"),
		.kubeconfig_path = mem_printf("%s/node.kubeconfig", config->data_dir),
		.pause = PAUSE_MIN,
		.percent = RENEW_FROM + spread % (RENEW_SPREAD + 1),
		.joined = config->joined,
		.failed = config->failed,
		.userdata = config->userdata,
	};
	join->cluster.server = mem_strdup(config->cluster->server);
	join->cluster.server_name = mem_strdup(config->cluster->server_name);
	join->cluster.ca.text = mem_strdup(config->cluster->ca.text);
	join->cluster.ca.file = mem_strdup(config->cluster->ca.file);
	join->cluster.token = mem_strdup(config->cluster->token);
	join->timer = loop_timer_new(config->loop, due, join);
	join->closing = loop_timer_new(config->loop, close_client, join);
	join->has_certificate = use_certificate(join);
	loop_timer_set(join->timer, 0);
	*ret = join;
	return 0;
}

struct join *join_free(struct join *join)
{
	if (join != NULL) {
		close_client(join);
		join->timer = loop_timer_free(join->timer);
		join->closing = loop_timer_free(join->closing);
		if (join->key != NULL) {
			explicit_bzero(join->key, strlen(join->key));
		}
		mem_free(join->key);
		mem_free(join->request);
		mem_free(join->node_name);
		mem_free(join->pem_path);
		mem_free(join->kubeconfig_path);
		kubeconfig_deinit(&join->cluster);
		mem_free(join);
	}
	return NULL;
}
