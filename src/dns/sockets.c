/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that listen. Each worker has its own for each address, joined by SO_REUSEPORT, and the
 * kernel spreads packets over them. SO_REUSEPORT would also let a second server of the same user
 * join in silently, so the first socket is bound without it, which fails when anybody is there, and
 * gets it afterwards.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "dns/server_intern.h"

enum {
	BACKLOG = 512,
	RECEIVE_BUFFER = 1024 * 1024,
	PORT_TRIES = 16, /* to find a port that is free for UDP and TCP */
};

static uint16_t *port_of(struct listen_address *address)
{
	return address->address.ss_family == AF_INET
		       ? &((struct sockaddr_in *)(void *)&address->address)->sin_port
		       : &((struct sockaddr_in6 *)(void *)&address->address)->sin6_port;
}

int listen_address_parse(const char *text, struct listen_address *ret)
{
	struct listen_address address = { 0 };
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)&address.address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)&address.address;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	uint64_t port;
	bool brackets = text[0] == '[';
	size_t n;

	if (colon == NULL || !str_to_u64(str_from(colon + 1), UINT16_MAX, &port)) {
		return DNS_SERVER_BAD;
	}
	n = (size_t)(colon - text);
	if (brackets) {
		if (n < 2 || text[n - 1] != ']') {
			return DNS_SERVER_BAD;
		}
		text++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof(host)) {
		return DNS_SERVER_BAD;
	}
	memcpy(host, text, n);
	host[n] = '\0';
	if (!brackets && inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		address.n = sizeof(*four);
		address.wildcard = four->sin_addr.s_addr == INADDR_ANY;
	} else if (brackets && inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		address.n = sizeof(*six);
		address.wildcard = IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr);
	} else {
		return DNS_SERVER_BAD;
	}
	*ret = address;
	return 0;
}

static void address_print(struct listen_address *address, char text[DNS_LISTEN_TEXT])
{
	char host[INET6_ADDRSTRLEN];
	bool four = address->address.ss_family == AF_INET;
	const void *bytes =
		four ? (const void *)&((struct sockaddr_in *)(void *)&address->address)->sin_addr
		     : (const void *)&((struct sockaddr_in6 *)(void *)&address->address)->sin6_addr;

	(void)inet_ntop(address->address.ss_family, bytes, host, sizeof(host));
	snprintf(text, DNS_LISTEN_TEXT, four ? "%s:%u" : "[%s]:%u", host, ntohs(*port_of(address)));
}

static void set_option(int fd, int level, int option, int value)
{
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void set_udp_options(int fd, const struct listen_address *address)
{
	bool four = address->address.ss_family == AF_INET;

	/* More when we may, else what the system grants. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ RECEIVE_BUFFER }, sizeof(int)) !=
	    0) {
		set_option(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	}
	/* Answers are small enough; a forged "fragmentation needed" must not make them smaller. */
	if (four) {
		set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	} else {
		set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
	}
	if (address->wildcard && four) {
		set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
	} else if (address->wildcard) {
		set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	}
}

/* Returns a bound socket or a negative errno. */
static int bind_one(const struct listen_address *address, int type, bool first)
{
	int fd = socket(address->address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int result;

	if (fd < 0) {
		return -errno;
	}
	if (address->address.ss_family == AF_INET6) {
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	}
	if (type == SOCK_STREAM) {
		/* Old connections in TIME_WAIT do not count. */
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	} else {
		set_udp_options(fd, address);
	}
	if (address->early) {
		bool four = address->address.ss_family == AF_INET;

		set_option(fd, four ? IPPROTO_IP : IPPROTO_IPV6, four ? IP_FREEBIND : IPV6_FREEBIND,
			   1);
	}
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, first ? 0 : 1);
	if (bind(fd, (const struct sockaddr *)(const void *)&address->address, address->n) != 0 ||
	    (type == SOCK_STREAM && first && listen(fd, BACKLOG) != 0)) {
		result = -errno;
		close(fd);
		return result;
	}
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (type == SOCK_STREAM && !first && listen(fd, BACKLOG) != 0) {
		result = -errno;
		close(fd);
		return result;
	}
	return fd;
}

/* Binds the first worker's pair; a port 0 becomes one that both have. */
static int bind_first(struct listen_address *address, int *ret_udp, int *ret_tcp)
{
	bool any = *port_of(address) == 0;

	for (int tries = 1;; tries++) {
		socklen_t n = sizeof(address->address);
		int udp;
		int tcp;

		*port_of(address) = any ? 0 : *port_of(address);
		udp = bind_one(address, SOCK_DGRAM, /* first= */ true);
		if (udp < 0) {
			return udp;
		}
		(void)getsockname(udp, (struct sockaddr *)(void *)&address->address, &n);
		tcp = bind_one(address, SOCK_STREAM, /* first= */ true);
		if (tcp >= 0) {
			*ret_udp = udp;
			*ret_tcp = tcp;
			return 0;
		}
		close(udp);
		if (!any || tcp != -EADDRINUSE || tries == PORT_TRIES) {
			return tcp;
		}
	}
}

static int explain(int error, struct listen_address *address, char message[DNS_MESSAGE])
{
	char text[DNS_LISTEN_TEXT];
	const char *what;

	address_print(address, text);
	switch (-error) {
	case EADDRINUSE:
		what = "something listens there already; stop it or choose another address or port";
		break;
	case EACCES:
		what = "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one or run as "
		       "root";
		break;
	case EADDRNOTAVAIL:
		what = "this machine does not have that address";
		break;
	default:
		what = strerror(-error);
	}
	snprintf(message, DNS_MESSAGE, "cannot listen for DNS on %s: %s", text, what);
	return DNS_SERVER_BAD;
}

int sockets_open(struct dns_server *server, size_t index, struct listen_address *address,
		 char message[DNS_MESSAGE])
{
	for (unsigned i = 0; i < server->n_workers; i++) {
		struct udp_socket *udp = &server->workers[i].udp[index];
		struct source *listener = &server->workers[i].listeners[index];
		int result = 0;

		udp->wildcard = address->wildcard;
		if (i == 0) {
			result = bind_first(address, &udp->source.fd, &listener->fd);
		} else {
			udp->source.fd = bind_one(address, SOCK_DGRAM, /* first= */ false);
			listener->fd = bind_one(address, SOCK_STREAM, /* first= */ false);
			result = udp->source.fd < 0 ? udp->source.fd
				 : listener->fd < 0 ? listener->fd
						    : 0;
		}
		if (result != 0) {
			return explain(result, address, message);
		}
	}
	address_print(address, server->addresses[index]);
	return 0;
}
