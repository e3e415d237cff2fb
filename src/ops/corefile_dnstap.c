/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dnstap SOCKET [full] { identity NAME, version TEXT }. We connect to one receiver, without TLS, at
 * a path or an address. Sizes of buffers, which may stand behind `full`, are ours.
 */
#include <string.h>
#include <sys/un.h>

#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ops/corefile_intern.h"

static int set_text(struct parsing *parsing, const struct corefile_line *line, char **text)
{
	if (line->n != 2 || strlen(line->words[1]) > LIMIT_DNSTAP_NAME) {
		return corefile_bad(parsing, line, "\"%s\" takes one value of at most %d bytes",
				    line->words[0], LIMIT_DNSTAP_NAME);
	}
	mem_free(*text);
	*text = mem_strdup(line->words[1]);
	return 0;
}

static int set_identity(struct parsing *parsing, const struct corefile_line *line)
{
	return set_text(parsing, line, &parsing->corefile->tap.identity);
}

static int set_version(struct parsing *parsing, const struct corefile_line *line)
{
	return set_text(parsing, line, &parsing->corefile->tap.version);
}

/* "192.0.2.1:6000", "[2001:db8::1]:6000" */
static bool is_address(struct str text)
{
	const char *colon = text.n != 0 ? memrchr(text.p, ':', text.n) : NULL;
	struct str host = text;
	struct ip ip;
	uint64_t port;

	if (colon == NULL ||
	    !str_to_u64(str_skip(text, (size_t)(colon - text.p) + 1), UINT16_MAX, &port) ||
	    port == 0) {
		return false;
	}
	host.n = (size_t)(colon - text.p);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = (struct str){ .p = host.p + 1, .n = host.n - 2 };
	}
	return ip_parse(host, &ip);
}

static bool is_path(struct str text)
{
	return text.n > 1 && text.p[0] == '/' &&
	       text.n < sizeof(((struct sockaddr_un *)NULL)->sun_path);
}

/* Why nobody is told at this socket; NULL: somebody is. */
static const char *why_not(const struct corefile *corefile, struct str socket)
{
	struct str tcp = str_skip(socket, str_starts(socket, STR("tcp://")) ? 6 : 0);
	struct str path = str_skip(socket, str_starts(socket, STR("unix://")) ? 7 : 0);

	if (corefile->tap.socket != NULL) {
		return "one receiver is told, the first";
	}
	if (str_eq(socket, STR("listen"))) {
		return "receivers are connected to, not waited for";
	}
	if (str_starts(socket, STR("tls://"))) {
		return "receivers are told without TLS";
	}
	if (tcp.n != socket.n) {
		return is_address(tcp) ? NULL : "write an address and a port, names are not asked";
	}
	return is_path(path) ? NULL : "that is no path of a socket";
}

int corefile_dnstap(struct parsing *parsing, const struct corefile_line *line)
{
	static const struct corefile_word options[] = {
		{ "extra", NULL, "the field \"extra\" is left out" },
		{ "identity", set_identity, NULL },
		{ "skipverify", NULL, NULL },
		{ "tls", NULL, "receivers are told without TLS" },
		{ "version", set_version, NULL },
	};
	struct corefile_tap *tap = &parsing->corefile->tap;
	const char *why;

	if (line->n < 2) {
		return corefile_bad(parsing, line, "dnstap: expected a socket");
	}
	why = why_not(parsing->corefile, str_from(line->words[1]));
	if (why != NULL) {
		corefile_warn(parsing, line, "dnstap %.100s is not done: %s", line->words[1], why);
		return 0;
	}
	tap->socket = mem_strdup(line->words[1]);
	tap->full = line->n > 2 && strcmp(line->words[2], "full") == 0;
	return corefile_apply(parsing, line->block, options, ARRAY_SIZE(options),
			      "option of dnstap");
}
