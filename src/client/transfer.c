/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a kubeconfig goes into a transfer (loop/curl.h): server, way there, trust, credentials.
 *
 * GnuTLS behind this libcurl reads certificates from files alone, so texts lie in sealed memory
 * files that have a path below /proc/self/fd and never touch a disk.
 */
#include "client/transfer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "client/kubeconfig.h"
#include "loop/loop.h"

#define COMPONENT "remote"

enum {
	CONNECT_SECONDS = 10,
	TOKEN_SECONDS = 60, /* a token file is read again when what we know is older */
	DEAD_SECONDS = 20, /* a connection whose other end is silent on TCP's level, too */
};

/* A PEM that libcurl can open: a file of the machine, or one in memory. */
struct pem_file {
	int fd; /* -1: not ours */
	char *path; /* NULL: none */
};

struct transfers {
	struct transfer_loop *on_loop;
	char *server;
	char *proxy;
	char *connect_to; /* "name:port:host:port" when the certificate has another name */
	char *host_header;
	struct pem_file ca;
	struct pem_file certificate;
	struct pem_file key;
	char *token;
	char *token_file;
	uint64_t token_read; /* monotonic ns */
};

/* ---- one connection ---- */

/* A peer that is gone without a word is found out: watches may be silent for long. */
static int socket_made(void *userdata, curl_socket_t fd, curlsocktype purpose)
{
	static const int on = 1;
	static const int idle = DEAD_SECONDS / 2;
	static const int interval = DEAD_SECONDS / 4;
	static const unsigned timeout = DEAD_SECONDS * 1000;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	return CURL_SOCKOPT_OK;
}

/* ---- credentials ---- */

/* A file in memory that nobody can change any more. */
static int pem_open(const struct kubeconfig_pem *pem, const char *name, struct pem_file *ret)
{
	const char *rest = pem->text;
	ssize_t n;

	ret->fd = -1;
	if (pem->text == NULL) {
		ret->path = mem_strdup(pem->file);
		return 0;
	}
	_cleanup_close_ int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		return error_origin(-errno);
	}
	while (*rest != '\0') {
		n = write(fd, rest, strlen(rest));
		if (n < 0) {
			return error_origin(-errno);
		}
		rest += n;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	ret->path = mem_printf("/proc/self/fd/%d", fd);
	ret->fd = fd;
	fd = -1;
	return 0;
}

static void pem_close(struct pem_file *pem)
{
	if (pem->path != NULL && pem->fd >= 0) {
		close(pem->fd);
	}
	pem->path = mem_free(pem->path);
}

/* The token as it is now: a file is renewed by somebody else while we run. */
static const char *current_token(struct transfers *transfers)
{
	uint64_t now = clock_monotonic(&clock_system);
	char *text;
	int result;

	if (transfers->token_file == NULL ||
	    (transfers->token_read != 0 &&
	     now - transfers->token_read < TOKEN_SECONDS * NS_PER_S)) {
		return transfers->token;
	}
	result = file_read(transfers->token_file, LIMIT_KUBECONFIG, &text, NULL);
	if (result < 0) {
		log_warning(COMPONENT, "cannot read token file %s: %s; using what it held before",
			    transfers->token_file, strerror(-result));
		return transfers->token;
	}
	text[strcspn(text, "\r\n")] = '\0';
	mem_free(transfers->token);
	transfers->token = text;
	transfers->token_read = now;
	return transfers->token;
}

/* ---- all of them ---- */

/* "https://host:port/…" taken apart: the host with its brackets, and the port. */
static void split_server(const char *server, struct str *ret_host, char ret_port[8])
{
	const char *host = strstr(server, "://") + strlen("://");
	size_t n = strcspn(host, "/");
	const char *colon = memrchr(host, ':', n);

	if (colon == NULL || memchr(colon, ']', n - (size_t)(colon - host)) != NULL) {
		*ret_host = (struct str){ .p = host, .n = n };
		snprintf(ret_port, 8, "443");
		return;
	}
	*ret_host = (struct str){ .p = host, .n = (size_t)(colon - host) };
	snprintf(ret_port, 8, "%.*s", (int)(n - ret_host->n - 1), colon + 1);
}

static bool is_loopback(struct str host)
{
	return str_is(host, "localhost") || str_is(host, "[::1]") || str_starts(host, STR("127."));
}

/* URL, name and way of the server. */
static void set_server(struct transfers *transfers, const struct kubeconfig *config)
{
	struct str host;
	char port[8];

	split_server(config->server, &host, port);
	transfers->server = mem_strdup(config->server);
	transfers->proxy = mem_strdup(config->proxy);
	/* A proxy of the environment is for the world outside this machine. */
	if (config->proxy == NULL && is_loopback(host)) {
		transfers->proxy = mem_strdup("");
	}
	if (config->server_name != NULL) {
		const char *path = strchr(config->server + strlen("https://"), '/');

		mem_free(transfers->server);
		transfers->server = mem_printf("https://%s:%s%s", config->server_name, port,
					       path != NULL ? path : "");
		transfers->connect_to = mem_printf("::%.*s:%s", STR_ARG(host), port);
		transfers->host_header = mem_printf("Host: %.*s:%s", STR_ARG(host), port);
	}
}

/* Perhaps the token was renewed. */
static void answered(void *userdata, int status)
{
	struct transfers *transfers = userdata;

	transfers->token_read = status == 401 ? 0 : transfers->token_read;
}

int transfers_new(struct loop *loop, const struct kubeconfig *config, struct transfers **ret)
{
	struct transfers *transfers = MEM_NEW(struct transfers);
	CURLM *multi;
	int result;

	transfers->on_loop = transfer_loop_new(loop, answered, transfers);
	multi = transfer_loop_multi(transfers->on_loop);
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)LIMIT_REMOTE_CONNECTIONS);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_REMOTE_CONNECTIONS);
	set_server(transfers, config);
	transfers->token = mem_strdup(config->token);
	transfers->token_file = mem_strdup(config->token_file);
	if ((result = pem_open(&config->ca, "ca", &transfers->ca)) < 0 ||
	    (result = pem_open(&config->certificate, "certificate", &transfers->certificate)) < 0 ||
	    (result = pem_open(&config->key, "key", &transfers->key)) < 0) {
		transfers_free(transfers);
		return error_trace(result);
	}
	*ret = transfers;
	return 0;
}

struct transfers *transfers_free(struct transfers *transfers)
{
	if (transfers == NULL) {
		return NULL;
	}
	transfer_loop_free(transfers->on_loop);
	pem_close(&transfers->ca);
	pem_close(&transfers->certificate);
	pem_close(&transfers->key);
	mem_free(transfers->server);
	mem_free(transfers->proxy);
	mem_free(transfers->connect_to);
	mem_free(transfers->host_header);
	mem_free(transfers->token);
	mem_free(transfers->token_file);
	return mem_free(transfers);
}

/* ---- one ---- */

static void set_trust(const struct transfers *transfers, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (transfers->ca.path != NULL) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, transfers->ca.path);
		/* That CA and no other. */
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if (transfers->certificate.path != NULL) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, transfers->certificate.path);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, transfers->key.path);
	}
}

static void add_header(struct transfer_setup *setup, const char *header)
{
	setup->headers = curl_slist_append(setup->headers, header);
}

static void set_headers(struct transfers *transfers, const struct transfer_request *request,
			struct transfer_setup *setup)
{
	const char *token = current_token(transfers);
	_cleanup_free_ char *authorization = NULL;
	_cleanup_free_ char *type = NULL;

	add_header(setup, "Accept: application/json");
	add_header(setup, "Expect:");
	if (token != NULL) {
		authorization = mem_printf("Authorization: Bearer %s", token);
		add_header(setup, authorization);
	}
	if (transfers->host_header != NULL) {
		add_header(setup, transfers->host_header);
		setup->connect_to = curl_slist_append(NULL, transfers->connect_to);
	}
	if (request->content_type != NULL) {
		type = mem_printf("Content-Type: %s", request->content_type);
		add_header(setup, type);
		setup->has_body = true;
		setup->body = request->body;
	}
}

static void set_target(const struct transfers *transfers, const struct transfer_request *request,
		       CURL *easy)
{
	_cleanup_free_ char *url = mem_printf("%s%s", transfers->server, request->target);

	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "headlessd");
	/* A kubeconfig has none but https; http is for what its maker asks for in the open. */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
			 str_starts(str_from(transfers->server), STR("http://")) ? "http"
										 : "https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* A connection under way may turn out to carry several streams. */
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)request->seconds);
	if (request->quiet_seconds != 0) {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)request->quiet_seconds);
	}
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_made);
	if (transfers->proxy != NULL) {
		curl_easy_setopt(easy, CURLOPT_PROXY, transfers->proxy);
	}
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
				const struct transfer_ops *ops, void *userdata)
{
	struct transfer_setup setup = { .easy = curl_easy_init() };

	set_target(transfers, request, setup.easy);
	set_trust(transfers, setup.easy);
	set_headers(transfers, request, &setup);
	return transfer_loop_start(transfers->on_loop, &setup, ops, userdata);
}
