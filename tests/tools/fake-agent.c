/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node's agent (node/kubelet.h, as it is) in front of a container runtime that is played here,
 * for end-to-end tests without containers: fake-agent DATA_DIR LOG_DIR. Prints its port.
 *
 * Every pod has containers whose logs are LOG_DIR/POD_CONTAINER.log (and .previous). Commands are
 * understood, not run: `echo WORD…`, `cat`, `exit CODE`, `zeros BYTES`, `size` (what the terminal's
 * size is), `break` (the runtime dies). A forwarded port says its number and then echoes.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "http/pki.h"
#include "http/server.h"
#include "http/spdy.h"
#include "http/tunnel.h"
#include "loop/loop.h"
#include "node/kubelet.h"
#include "node/runtime.h"

enum { STREAMS_MAX = 512, BLOCK = 32 * 1024, PENDING = 64 * 1024, WORDS = 16 };

/* One exec, attach or port forwarding: what was asked, then its connection. */
struct session {
	struct list link;
	unsigned number;
	char *words[WORDS];
	size_t n_words;
	bool forwards;
	bool tty;
	bool wants_stdin;
	size_t expected; /* streams */
	struct tunnel *tunnel;
	struct spdy *spdy;
	struct buffer out;
	struct {
		char type[16];
		char port[16];
		uint32_t stream;
	} streams[STREAMS_MAX];
	size_t n_streams;
	uint64_t zeros; /* still to be sent */
	bool started;
	bool done; /* all is said: close when it is sent */
};

static struct {
	struct loop *loop;
	struct http_server *server;
	struct kubelet *kubelet;
	struct list sessions;
	const char *log_dir;
	unsigned last;
} agent;

/* ---- commands ---- */

static uint32_t stream_of(const struct session *session, const char *type)
{
	for (size_t i = 0; i < session->n_streams; i++) {
		if (strcmp(session->streams[i].type, type) == 0) {
			return session->streams[i].stream;
		}
	}
	return 0;
}

static void finish(struct session *session, int code)
{
	char status[512] = "{\"metadata\":{},\"status\":\"Success\"}";

	if (code != 0) {
		snprintf(status, sizeof(status),
			 "{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command terminated "
			 "with non-zero exit code: exit status %d\",\"reason\":\"NonZeroExitCode\","
			 "\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"%d\"}]}}",
			 code, code);
	}
	spdy_send(session->spdy, stream_of(session, "error"), str_from(status), true);
	spdy_send(session->spdy, stream_of(session, "stdout"), STR_NONE, true);
	session->done = true;
}

static void start_command(struct session *session)
{
	const char *command = session->n_words != 0 ? session->words[0] : "cat";
	uint32_t out = stream_of(session, "stdout");

	if (strcmp(command, "echo") == 0) {
		for (size_t i = 1; i < session->n_words; i++) {
			spdy_send(session->spdy, out, str_from(session->words[i]), false);
			spdy_send(session->spdy, out, STR("\n"), false);
		}
		finish(session, 0);
	} else if (strcmp(command, "exit") == 0) {
		spdy_send(session->spdy, stream_of(session, "stderr"), STR("leaving\n"), false);
		finish(session, atoi(session->words[1]));
	} else if (strcmp(command, "zeros") == 0) {
		session->zeros = strtoull(session->words[1], NULL, 10);
	} else if (strcmp(command, "break") == 0) {
		spdy_send(session->spdy, out, STR("half a li"), false);
		session->done = true;
	}
}

/* As much as there is room for. */
static void go_on(struct session *session)
{
	static const char zeros[BLOCK];

	while (session->zeros != 0 && session->out.n < PENDING) {
		size_t n = session->zeros < BLOCK ? (size_t)session->zeros : BLOCK;

		session->zeros -= n;
		spdy_send(session->spdy, stream_of(session, "stdout"),
			  (struct str){ .p = zeros, .n = n }, false);
		if (session->zeros == 0) {
			finish(session, 0);
		}
	}
}

/* ---- streams ---- */

static const char *header(const struct http_pair *headers, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(headers[i].name, name) == 0) {
			return headers[i].value;
		}
	}
	return "";
}

static void opened(void *userdata, uint32_t stream, const struct http_pair *headers, size_t n)
{
	struct session *session = userdata;
	size_t i = session->n_streams;

	if (i == STREAMS_MAX) {
		abort();
	}
	session->n_streams++;
	session->streams[i].stream = stream;
	snprintf(session->streams[i].type, sizeof(session->streams[i].type), "%s",
		 header(headers, n, "streamtype"));
	snprintf(session->streams[i].port, sizeof(session->streams[i].port), "%s",
		 header(headers, n, "port"));
	spdy_accept(session->spdy, stream);
	if (session->forwards && strcmp(session->streams[i].type, "data") == 0) {
		spdy_send(session->spdy, stream, str_from(session->streams[i].port), false);
		spdy_send(session->spdy, stream, STR("\n"), false);
	}
	if (!session->forwards && session->n_streams == session->expected) {
		start_command(session);
	}
}

static void echo_port(struct session *session, uint32_t stream, struct str bytes, bool last)
{
	for (size_t i = 0; i < session->n_streams; i++) {
		if (session->streams[i].stream == stream &&
		    strcmp(session->streams[i].type, "data") == 0) {
			spdy_send(session->spdy, stream, bytes, last);
			if (last && i > 0) {
				spdy_send(session->spdy, session->streams[i - 1].stream, STR_NONE,
					  true);
			}
		}
	}
}

static void came(void *userdata, uint32_t stream, struct str bytes, bool last)
{
	struct session *session = userdata;
	const char *command = session->n_words != 0 ? session->words[0] : "cat";

	if (session->forwards) {
		echo_port(session, stream, bytes, last);
	} else if (strcmp(command, "cat") == 0 && stream == stream_of(session, "stdin")) {
		if (bytes.n != 0) {
			spdy_send(session->spdy, stream_of(session, "stdout"), bytes, false);
		}
		if (last) {
			finish(session, 0);
		}
	} else if (strcmp(command, "size") == 0 && stream == stream_of(session, "resize") &&
		   bytes.n != 0) {
		spdy_send(session->spdy, stream_of(session, "stdout"), bytes, false);
		finish(session, 0);
	}
}

static const struct spdy_ops spdy_ops = { .opened = opened, .data = came };

static void session_free(struct session *session)
{
	list_unlink(&session->link);
	tunnel_free(session->tunnel);
	spdy_free(session->spdy);
	buffer_deinit(&session->out);
	for (size_t i = 0; i < session->n_words; i++) {
		mem_free(session->words[i]);
	}
	mem_free(session);
}

/* False: the connection is over. */
static bool flush(struct session *session)
{
	while (session->out.n != 0) {
		int64_t n = tunnel_write(session->tunnel, session->out.p, session->out.n);

		if (n == TUNNEL_WAIT) {
			return true;
		}
		if (n < 0) {
			return false;
		}
		buffer_consume(&session->out, (size_t)n);
		go_on(session);
	}
	return !session->done;
}

static void tunnel_ready(void *userdata, unsigned events)
{
	struct session *session = userdata;
	char block[BLOCK];
	int64_t n = TUNNEL_WAIT;

	while (session->out.n < PENDING &&
	       (n = tunnel_read(session->tunnel, block, sizeof(block))) > 0) {
		if (spdy_feed(session->spdy, (struct str){ .p = block, .n = (size_t)n }) != 0) {
			fprintf(stderr, "fake-agent: that is no SPDY\n");
			n = TUNNEL_BROKEN;
			break;
		}
	}
	go_on(session);
	if (!flush(session) || n < 0) {
		session_free(session);
		return;
	}
	tunnel_want(session->tunnel,
		    (session->out.n < PENDING ? LOOP_READ : 0) |
			    (session->out.n != 0 ? LOOP_WRITE : 0),
		    tunnel_ready, session);
}

static void upgraded(void *userdata, struct tunnel *tunnel)
{
	struct session *session = userdata;

	if (tunnel == NULL) {
		session_free(session);
		return;
	}
	session->tunnel = tunnel;
	session->spdy = spdy_new(/* is_client= */ false, &session->out, &spdy_ops, session);
	tunnel_want(tunnel, LOOP_READ, tunnel_ready, session);
}

static void handle(void *userdata, struct http_exchange *exchange)
{
	unsigned number = (unsigned)atoi(exchange->path + 1);
	const char *protocol = http_header(exchange, "x-stream-protocol-version");

	list_for_each (session, &agent.sessions, struct session, link) {
		if (session->number == number && session->tunnel == NULL) {
			http_set_header(exchange, "Upgrade", "SPDY/3.1");
			http_set_header(exchange, "X-Stream-Protocol-Version",
					session->forwards ? "portforward.k8s.io"
							  : "v4.channel.k8s.io");
			if (protocol == NULL) {
				break;
			}
			http_reply_upgrade(exchange, upgraded, session);
			return;
		}
	}
	http_reply(exchange, 404, NULL, NULL);
}

/* ---- the runtime ---- */

struct answering {
	grpc_done_fn done;
	void *userdata;
	unsigned number;
};

static void answer(void *userdata)
{
	struct answering *answering = userdata;
	struct grpc_outcome fine = { .code = GRPC_OK, .message = "" };
	Runtime__V1__ExecResponse response = RUNTIME__V1__EXEC_RESPONSE__INIT;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/%u", http_server_port(agent.server),
		 answering->number);
	response.url = url;
	answering->done(answering->userdata, &fine, &response.base);
	mem_free(answering);
}

static void runtime_called(struct runtime *runtime, enum runtime_method method,
			   const ProtobufCMessage *request, uint64_t timeout, grpc_done_fn done,
			   void *userdata)
{
	struct session *session = MEM_NEW(struct session);
	struct answering *answering = MEM_NEW(struct answering);
	const Runtime__V1__ExecRequest *exec = (const void *)request;
	const Runtime__V1__AttachRequest *attach = (const void *)request;

	session->number = ++agent.last;
	session->forwards = method == RUNTIME_PORT_FORWARD;
	buffer_init(&session->out, LIMIT_BODY);
	list_init(&session->link);
	list_append(&agent.sessions, &session->link);
	if (method == RUNTIME_EXEC) {
		for (size_t i = 0; i < exec->n_cmd && i < WORDS; i++) {
			session->words[session->n_words++] = mem_strdup(exec->cmd[i]);
		}
		session->expected = 1u + (exec->stdin != 0) + (exec->stdout != 0) +
				    (exec->stderr != 0) + (exec->tty != 0);
	} else if (method == RUNTIME_ATTACH) {
		session->expected = 1u + (attach->stdin != 0) + (attach->stdout != 0) +
				    (attach->stderr != 0) + (attach->tty != 0);
	}
	*answering = (struct answering){ done, userdata, session->number };
	loop_defer(agent.loop, answer, answering);
}

static void listen_to(struct runtime *runtime, const struct runtime_sink *sink, void *userdata)
{
}

static void runtime_end(struct runtime *runtime)
{
}

static const struct runtime_ops runtime_ops = {
	.call = runtime_called,
	.listen = listen_to,
	.free = runtime_end,
};

/* ---- what the agent knows ---- */

static int find_container(void *userdata, struct str space, struct str pod, struct str container,
			  bool previous, struct kubelet_container *ret, char ret_message[512])
{
	struct stat status;
	char ended[1100];

	if (str_is(container, "waiting")) {
		snprintf(ret_message, 512,
			 "container \"waiting\" in pod \"%.*s\" is waiting to start: "
			 "ContainerCreating",
			 STR_ARG(pod));
		return -EAGAIN;
	}
	snprintf(ret->id, sizeof(ret->id), "%.*s", STR_ARG(container));
	snprintf(ret->log_path, sizeof(ret->log_path), "%s/%.*s_%.*s%s", agent.log_dir,
		 STR_ARG(pod), STR_ARG(container), previous ? ".previous" : ".log");
	if (previous && stat(ret->log_path, &status) < 0) {
		snprintf(ret_message, 512,
			 "previous terminated container \"%.*s\" in pod \"%.*s\" not found",
			 STR_ARG(container), STR_ARG(pod));
		return -EAGAIN;
	}
	snprintf(ended, sizeof(ended), "%s.ended", ret->log_path);
	ret->running = stat(ended, &status) < 0;
	return 0;
}

static int find_sandbox(void *userdata, struct str space, struct str pod, char ret_id[80],
			char ret_message[512])
{
	snprintf(ret_id, 80, "%.*s", STR_ARG(pod));
	return 0;
}

static const struct kubelet_lookup lookup = { .container = find_container,
					      .sandbox = find_sandbox };

static void told_to_stop(void *userdata, int signal)
{
	loop_stop(agent.loop);
}

static int serve(const struct pki_pair *ca, const struct pki_pair *own)
{
	static struct runtime runtime = { .ops = &runtime_ops };
	struct http_server_config streams = { .address = "127.0.0.1", .handler = handle };
	struct kubelet_config config = {
		.address = "127.0.0.1",
		.certificate = own->certificate,
		.key = own->key,
		.client_ca = ca->certificate,
		.api_user = "kube-apiserver-kubelet-client",
		.runtime = &runtime,
		.lookup = &lookup,
	};
	char message[256] = "";

	if (loop_new(&agent.loop) < 0 || loop_signal(agent.loop, SIGTERM, told_to_stop, NULL) < 0 ||
	    http_server_new(agent.loop, &streams, message, sizeof(message), &agent.server) < 0 ||
	    kubelet_new(agent.loop, &config, message, &agent.kubelet) < 0) {
		fprintf(stderr, "fake-agent: %s\n", message);
		return 1;
	}
	printf("%u\n", kubelet_port(agent.kubelet));
	fflush(stdout);
	(void)loop_run(agent.loop);
	kubelet_free(agent.kubelet);
	list_for_each (session, &agent.sessions, struct session, link) {
		session_free(session);
	}
	http_server_free(agent.server);
	loop_run_once(agent.loop);
	loop_free(agent.loop);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const addresses[] = { "127.0.0.1", NULL };
	struct pki_request request = {
		.common_name = "system:node:fake", .addresses = addresses, .server = 1, .days = 1
	};
	struct pki_pair ca = { 0 };
	struct pki_pair own = { 0 };
	int code = 1;

	list_init(&agent.sessions);
	if (argc == 3) {
		_cleanup_free_ char *directory = mem_printf("%s/pki", argv[1]);

		agent.log_dir = argv[2];
		if (pki_ca(directory, "ca", "headlessd-ca", &ca) == 0 &&
		    pki_issue(&ca, &request, &own) == 0) {
			code = serve(&ca, &own);
		}
	}
	pki_pair_deinit(&ca);
	pki_pair_deinit(&own);
	return code;
}
