/* SPDX-License-Identifier: Apache-2.0 */
#include "dns/test-system.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/thread.h"
#include "dns/wire.h"

static socklen_t to_address(const char *text, struct sockaddr_storage *ret)
{
	struct sockaddr_in *four = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)ret;
	const char *colon = strrchr(text, ':');
	char host[64] = { 0 };
	bool brackets = text[0] == '[';

	memset(ret, 0, sizeof(*ret));
	memcpy(host, text + brackets, (size_t)(colon - text) - 2 * brackets);
	if (brackets) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)atoi(colon + 1));
		assert_int_equal(inet_pton(AF_INET6, host, &six->sin6_addr), 1);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_port = htons((uint16_t)atoi(colon + 1));
	assert_int_equal(inet_pton(AF_INET, host, &four->sin_addr), 1);
	return sizeof(*four);
}

struct system *system_start(const char *listen, unsigned workers, struct dns_resolver *resolver)
{
	struct dns_server_config config = { .listen = &listen, .n_listen = 1, .workers = workers };

	return system_start_config(&config, resolver);
}

struct system *system_start_config(const struct dns_server_config *config,
				   struct dns_resolver *resolver)
{
	struct system *system = MEM_NEW(struct system);
	char message[DNS_MESSAGE];

	system->rig = rig_new();
	rig_namespace(system->rig, "default");
	rig_service(system->rig, "default", "web", "None", "http/TCP/80");
	rig_slice(system->rig, "default", "web-1", "web", "http/TCP/80",
		  "web-0=10.244.0.1 web-1=10.244.0.2");
	rig_external(system->rig, "default", "out", "www.example.org");
	assert_int_equal(
		dns_server_new(config, system->rig->zone, resolver, &system->server, message), 0);
	assert_int_equal(dns_server_start(system->server), 0);
	system->address_n = to_address(dns_server_address(system->server, 0), &system->address);
	return system;
}

void system_stop(struct system *system)
{
	dns_server_free(system->server);
	rig_free(system->rig);
	mem_free(system);
}

int system_dial(const struct system *system, int type)
{
	int fd = socket(system->address.ss_family, type | SOCK_CLOEXEC, 0);
	struct timeval patience = { .tv_sec = 20 };

	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&system->address,
				 system->address_n),
			 0);
	return fd;
}

size_t question(const char *name, uint16_t type, uint16_t id, uint8_t *packet)
{
	struct rig plain = { 0 };
	size_t n = rig_query(&plain, name, type, packet);

	set_u16(packet, id);
	return n;
}

size_t ask_udp(int fd, const char *name, uint16_t type, uint8_t *answer)
{
	uint8_t packet[512];
	size_t n = question(name, type, 7, packet);
	ssize_t got;

	assert_int_equal(send(fd, packet, n, 0), n);
	got = recv(fd, answer, 65535, 0);
	assert_true(got >= DNS_HEADER);
	assert_int_equal(get_u16(answer), 7);
	return (size_t)got;
}

static void read_all(int fd, void *bytes, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t more = recv(fd, (uint8_t *)bytes + got, n - got, 0);

		assert_true(more > 0);
		got += (size_t)more;
	}
}

size_t read_frame(int fd, uint8_t *answer)
{
	uint8_t length[2];

	read_all(fd, length, 2);
	read_all(fd, answer, get_u16(length));
	return get_u16(length);
}

size_t frame(const char *name, uint16_t type, uint16_t id, uint8_t *out)
{
	size_t n = question(name, type, id, out + 2);

	set_u16(out, (uint16_t)n);
	return n + 2;
}

static void upstream_run(void *argument)
{
	struct upstream *upstream = argument;
	uint8_t packet[1024];

	while (counter_get(&upstream->stop) == 0) {
		struct sockaddr_storage from;
		socklen_t from_n = sizeof(from);
		ssize_t n = recvfrom(upstream->fd, packet, 512, 0, (struct sockaddr *)(void *)&from,
				     &from_n);
		struct name name;

		if (n >= DNS_HEADER && upstream->seen < UPSTREAM_SEEN) {
			upstream->ids[upstream->seen] = get_u16(packet);
			upstream->ports[upstream->seen++] =
				ntohs(((struct sockaddr_in *)(void *)&from)->sin_port);
		}
		if (n < DNS_HEADER ||
		    name_read(packet + DNS_HEADER, (size_t)n - DNS_HEADER, &name) ||
		    str_is(name_label(&name, 0), "silent")) {
			continue;
		}
		struct dns_writer writer = { .p = packet,
					     .n = DNS_HEADER + (size_t)name.n + DNS_QUESTION_TAIL };
		bool absent = str_is(name_label(&name, 0), "absent");
		bool a = get_u16(packet + writer.n - 4) == RR_A && !absent;

		set_u16(packet + 2, (uint16_t)(DNS_QR | DNS_RD | DNS_RA | (absent ? 3 : 0)));
		set_u16(packet + 6, a);
		set_u16(packet + 8, 0);
		set_u16(packet + 10, 0);
		if (a) {
			put_pointer(&writer, DNS_HEADER);
			put_record_head(&writer, RR_A, 60, 4);
			put_u32(&writer, 0xc0000201);
		}
		(void)!sendto(upstream->fd, packet, writer.n, 0,
			      (const struct sockaddr *)(const void *)&from, from_n);
	}
}

void upstream_start(struct upstream *upstream)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_usec = 50000 };
	socklen_t n = sizeof(address);

	upstream->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(upstream->fd, (struct sockaddr *)(void *)&address, n), 0);
	(void)setsockopt(upstream->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(getsockname(upstream->fd, (struct sockaddr *)(void *)&address, &n), 0);
	snprintf(upstream->address, sizeof(upstream->address), "127.0.0.1:%u",
		 ntohs(address.sin_port));
	counter_set(&upstream->stop, 0);
	upstream->seen = 0;
	assert_int_equal(thread_start("upstream", upstream_run, upstream, &upstream->thread), 0);
}

void upstream_stop(struct upstream *upstream)
{
	counter_set(&upstream->stop, 1);
	thread_join(upstream->thread);
	close(upstream->fd);
}

struct dns_resolver *resolver_for(const char *upstream, uint32_t timeout_ms)
{
	struct dns_resolver_config config = { .upstreams = &upstream,
					      .n_upstreams = upstream != NULL,
					      .timeout_ms = timeout_ms };
	struct dns_resolver *resolver;
	char message[DNS_RESOLVER_MESSAGE];

	assert_int_equal(dns_resolver_new(&config, &resolver, message), 0);
	return resolver;
}
