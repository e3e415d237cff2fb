/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl says which descriptors and which moment it waits for; the loop tells it when they are
 * there. Its callbacks only note what has come and put the transfer on the list `dirty`; settle(),
 * which runs when libcurl has returned, hands that on. A transfer whose buffer is full is paused
 * until then, so what waits between the socket and its reader is at most LIMIT_TRANSFER_PENDING.
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

#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/list.h"
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
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct list all;
	struct list dirty;
	struct transfer *current; /* whose calls are being made */
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

struct transfer {
	struct transfers *transfers;
	struct list link;
	struct list dirty;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	const struct transfer_ops *ops;
	void *userdata;
	struct buffer body;
	struct buffer pending;
	char error[CURL_ERROR_SIZE];
	long status;
	bool head_due;
	bool paused;
	bool finished;
	bool cancelled; /* while it was `current` */
	CURLcode result;
};

static void settle(struct transfers *transfers);

/* ---- what libcurl waits for ---- */

static void act(struct transfers *transfers, curl_socket_t fd, int mask)
{
	int running;

	curl_multi_socket_action(transfers->multi, fd, mask, &running);
	settle(transfers);
}

static void timer_fired(void *userdata)
{
	act(userdata, CURL_SOCKET_TIMEOUT, 0);
}

static int timer_wanted(CURLM *multi, long ms, void *userdata)
{
	struct transfers *transfers = userdata;

	if (ms < 0) {
		loop_timer_stop(transfers->timer);
	} else {
		loop_timer_set(transfers->timer, (uint64_t)ms * NS_PER_MS);
	}
	return 0;
}

struct watched {
	struct transfers *transfers;
	curl_socket_t fd;
	struct loop_watch *watch;
};

static void socket_ready(void *userdata, unsigned events)
{
	const struct watched *watched = userdata;
	int mask = 0;

	mask |= (events & LOOP_READ) != 0 ? CURL_CSELECT_IN : 0;
	mask |= (events & LOOP_WRITE) != 0 ? CURL_CSELECT_OUT : 0;
	act(watched->transfers, watched->fd, mask);
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *of_socket)
{
	struct transfers *transfers = userdata;
	struct watched *watched = of_socket;
	unsigned events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (watched != NULL) {
			loop_watch_free(watched->watch);
			mem_free(watched);
		}
		curl_multi_assign(transfers->multi, fd, NULL);
		return 0;
	}
	events |= what != CURL_POLL_OUT ? (unsigned)LOOP_READ : 0;
	events |= what != CURL_POLL_IN ? (unsigned)LOOP_WRITE : 0;
	if (watched != NULL) {
		loop_watch_set(watched->watch, events);
		return 0;
	}
	watched = MEM_NEW(struct watched);
	watched->transfers = transfers;
	watched->fd = fd;
	if (loop_watch_new(transfers->loop, fd, events, socket_ready, watched, &watched->watch) <
	    0) {
		mem_free(watched);
		return -1;
	}
	curl_multi_assign(transfers->multi, fd, watched);
	return 0;
}

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

/* ---- what libcurl brings ---- */

static void mark(struct transfer *transfer)
{
	if (list_is_empty(&transfer->dirty)) {
		list_append(&transfer->transfers->dirty, &transfer->dirty);
	}
}

static size_t header_came(char *line, size_t size, size_t n, void *userdata)
{
	struct transfer *transfer = userdata;
	long status = 0;

	/* The empty line behind the headers; those of 1xx answers are followed by others. */
	if (n * size <= 2 && transfer->status == 0) {
		curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
		if (status >= 200) {
			transfer->status = status;
			transfer->head_due = true;
			mark(transfer);
		}
	}
	return n * size;
}

static size_t body_came(char *bytes, size_t size, size_t n, void *userdata)
{
	struct transfer *transfer = userdata;

	if (transfer->cancelled) {
		return 0;
	}
	if (transfer->pending.n + n * size > transfer->pending.max) {
		transfer->paused = true;
		mark(transfer);
		return CURL_WRITEFUNC_PAUSE;
	}
	buffer_append(&transfer->pending, bytes, n * size);
	mark(transfer);
	return n * size;
}

static void collect_finished(struct transfers *transfers)
{
	const CURLMsg *message;
	struct transfer *transfer;
	int left;

	while ((message = curl_multi_info_read(transfers->multi, &left)) != NULL) {
		if (message->msg == CURLMSG_DONE) {
			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
			transfer->finished = true;
			transfer->result = message->data.result;
			mark(transfer);
		}
	}
}

static void destroy(struct transfer *transfer)
{
	curl_multi_remove_handle(transfer->transfers->multi, transfer->easy);
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	curl_slist_free_all(transfer->connect_to);
	buffer_deinit(&transfer->body);
	buffer_deinit(&transfer->pending);
	list_unlink(&transfer->dirty);
	list_unlink(&transfer->link);
	mem_free(transfer);
}

static void finish(struct transfer *transfer, const char *error)
{
	struct transfers *transfers = transfer->transfers;

	transfers->current = transfer;
	transfer->ops->done(transfer->userdata, (int)transfer->status, error);
	transfers->current = NULL;
	destroy(transfer);
}

static const char *error_of(const struct transfer *transfer)
{
	if (transfer->result == CURLE_OK) {
		return NULL;
	}
	return transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(transfer->result);
}

/* Makes the calls that are due; destroys the transfer when it has ended. */
static void deliver(struct transfer *transfer)
{
	struct transfers *transfers = transfer->transfers;
	bool refused = false;

	transfers->current = transfer;
	if (transfer->head_due) {
		transfer->head_due = false;
		/* Perhaps the token was renewed. */
		transfers->token_read = transfer->status == 401 ? 0 : transfers->token_read;
		if (transfer->ops->head != NULL) {
			transfer->ops->head(transfer->userdata, (int)transfer->status);
		}
	}
	if (transfer->pending.n != 0 && !transfer->cancelled) {
		refused = !transfer->ops->received(transfer->userdata,
						   buffer_str(&transfer->pending));
		buffer_clear(&transfer->pending);
	}
	transfers->current = NULL;
	if (transfer->cancelled) {
		destroy(transfer);
	} else if (refused) {
		finish(transfer, "the answer makes no sense");
	} else if (transfer->paused) {
		/* Brings what libcurl held back, and so marks it again. */
		transfer->paused = false;
		curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
	} else if (transfer->finished) {
		finish(transfer, error_of(transfer));
	}
}

static void settle(struct transfers *transfers)
{
	/*
	 * Somebody called from here asks for libcurl's work again: the outer call goes on with it.
	 */
	if (transfers->current != NULL) {
		return;
	}
	collect_finished(transfers);
	while (!list_is_empty(&transfers->dirty)) {
		struct transfer *transfer =
			list_entry(transfers->dirty.next, struct transfer, dirty);

		list_unlink(&transfer->dirty);
		deliver(transfer);
		collect_finished(transfers);
	}
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

int transfers_new(struct loop *loop, const struct kubeconfig *config, struct transfers **ret)
{
	struct transfers *transfers = MEM_NEW(struct transfers);
	int result;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	transfers->loop = loop;
	transfers->timer = loop_timer_new(loop, timer_fired, transfers);
	list_init(&transfers->all);
	list_init(&transfers->dirty);
	transfers->multi = curl_multi_init();
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	curl_multi_setopt(transfers->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  (long)LIMIT_REMOTE_CONNECTIONS);
	curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)LIMIT_REMOTE_CONNECTIONS);
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
	list_for_each (transfer, &transfers->all, struct transfer, link) {
		destroy(transfer);
	}
	curl_multi_cleanup(transfers->multi);
	loop_timer_free(transfers->timer);
	pem_close(&transfers->ca);
	pem_close(&transfers->certificate);
	pem_close(&transfers->key);
	mem_free(transfers->server);
	mem_free(transfers->proxy);
	mem_free(transfers->connect_to);
	mem_free(transfers->host_header);
	mem_free(transfers->token);
	mem_free(transfers->token_file);
	curl_global_cleanup();
	return mem_free(transfers);
}

/* ---- one ---- */

static void set_trust(struct transfer *transfer)
{
	struct transfers *transfers = transfer->transfers;
	CURL *easy = transfer->easy;

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

static void add_header(struct transfer *transfer, const char *header)
{
	transfer->headers = curl_slist_append(transfer->headers, header);
}

static void set_headers(struct transfer *transfer, const struct transfer_request *request)
{
	struct transfers *transfers = transfer->transfers;
	const char *token = current_token(transfers);
	_cleanup_free_ char *authorization = NULL;
	_cleanup_free_ char *type = NULL;

	add_header(transfer, "Accept: application/json");
	add_header(transfer, "Expect:");
	if (token != NULL) {
		authorization = mem_printf("Authorization: Bearer %s", token);
		add_header(transfer, authorization);
	}
	if (transfers->host_header != NULL) {
		add_header(transfer, transfers->host_header);
		transfer->connect_to = curl_slist_append(NULL, transfers->connect_to);
		curl_easy_setopt(transfer->easy, CURLOPT_CONNECT_TO, transfer->connect_to);
	}
	if (request->content_type != NULL) {
		type = mem_printf("Content-Type: %s", request->content_type);
		add_header(transfer, type);
		curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)transfer->body.n);
		curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, buffer_text(&transfer->body));
	}
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_target(struct transfer *transfer, const struct transfer_request *request)
{
	const struct transfers *transfers = transfer->transfers;
	_cleanup_free_ char *url = mem_printf("%s%s", transfers->server, request->target);
	CURL *easy = transfer->easy;

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
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)request->seconds);
	if (request->quiet_seconds != 0) {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)request->quiet_seconds);
	}
	if (transfers->proxy != NULL) {
		curl_easy_setopt(easy, CURLOPT_PROXY, transfers->proxy);
	}
}

struct transfer *transfer_start(struct transfers *transfers, const struct transfer_request *request,
				const struct transfer_ops *ops, void *userdata)
{
	struct transfer *transfer = MEM_NEW(struct transfer);
	CURL *easy = curl_easy_init();

	transfer->transfers = transfers;
	transfer->easy = easy;
	transfer->ops = ops;
	transfer->userdata = userdata;
	buffer_init(&transfer->pending, LIMIT_TRANSFER_PENDING);
	buffer_init(&transfer->body, LIMIT_BODY);
	buffer_append_str(&transfer->body, request->body);
	list_init(&transfer->dirty);
	list_init(&transfer->link);
	list_append(&transfers->all, &transfer->link);
	set_target(transfer, request);
	set_trust(transfer);
	set_headers(transfer, request);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, socket_made);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_came);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_multi_add_handle(transfers->multi, easy);
	return transfer;
}

struct transfer *transfer_cancel(struct transfer *transfer)
{
	if (transfer != NULL && transfer->transfers->current == transfer) {
		transfer->cancelled = true;
	} else if (transfer != NULL) {
		destroy(transfer);
	}
	return NULL;
}
