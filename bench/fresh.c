/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the API's acknowledgement of a change to the first right answer of DNS:
 *
 *   bench-fresh FOLDER URL DNS-PORT FILE     FOLDER holds the credentials (https.h)
 *
 * Each line of FILE names an EndpointSlice and one of its endpoints: path, index and the DNS name,
 * tabs between. The endpoint gets an address it never had. The clock starts when the head of the
 * API's answer is here and stops with the first DNS answer that has the new address; queries follow
 * one another at once. Afterwards each of several sockets (and with them every DNS worker) is asked
 * again: an answer without the new address is counted as stale. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "https.h"
#include "times.h"

enum {
	SOCKETS = 8,
	PACKET = 4096,
	FILE_MAX = 64 * 1024 * 1024,
	PATCH_MAX = 256,
	HEADER = 12,
	GIVE_UP_S = 10,
};

struct change {
	const char *path;
	const char *index;
	const char *name;
};

struct run {
	struct https *https;
	int sockets[SOCKETS];
	uint16_t id;
	size_t n;
	uint64_t *acknowledged; /* ns from the request to its acknowledgement */
	uint64_t *answered; /* ns from there to the right answer */
	uint64_t *round_trips; /* ns of one query when nothing changes */
	size_t first_try; /* the first query had it right */
	size_t stale;
};

static void die(const char *what, const char *about)
{
	fprintf(stderr, "bench-fresh: %s: %s\n", what, about);
	exit(1);
}

static int open_socket(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct timeval patience = { .tv_sec = 1 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
		die("socket", strerror(errno));
	}
	return fd;
}

/* A query for A records without EDNS (RFC 1035, 4.1). Returns its size. */
static size_t make_query(uint8_t *packet, uint16_t id, const char *name)
{
	size_t n = HEADER;

	memset(packet, 0, HEADER);
	packet[0] = (uint8_t)(id >> 8);
	packet[1] = (uint8_t)id;
	packet[5] = 1; /* QDCOUNT */
	while (*name != '\0') {
		size_t label = strcspn(name, ".");

		packet[n++] = (uint8_t)label;
		memcpy(packet + n, name, label);
		n += label;
		name += label + (name[label] == '.');
	}
	memcpy(packet + n, "\0\0\1\0\1", 5); /* root, A, IN */
	return n + 5;
}

/*
 * Asks once. An A record ends in its length and its address; no other record of such an answer can
 * hold those six bytes, because every address is used once.
 */
static bool ask(struct run *run, int fd, const char *name, struct in_addr expected)
{
	uint8_t packet[PACKET];
	uint8_t record[6] = { 0, 4 };
	uint16_t id = ++run->id;
	size_t n = make_query(packet, id, name);
	ssize_t got;

	memcpy(record + 2, &expected, 4);
	if (send(fd, packet, n, 0) < 0) {
		die("cannot ask", strerror(errno));
	}
	do {
		got = recv(fd, packet, sizeof(packet), 0);
		if (got < 0) {
			die("DNS does not answer", name);
		}
	} while (got < HEADER || packet[0] != id >> 8 || packet[1] != (id & 0xff));
	return memmem(packet + HEADER, (size_t)got - HEADER, record, sizeof(record)) != NULL;
}

static void measure(struct run *run, const struct change *change, size_t i)
{
	struct in_addr address = { .s_addr = htonl((uint32_t)(0x0a800001 + i)) }; /* 10.128.0.1 … */
	int fd = run->sockets[i % SOCKETS];
	char patch[PATCH_MAX];
	uint64_t start;
	uint64_t acknowledged;
	size_t tries = 0;
	int status;

	snprintf(patch, sizeof(patch),
		 "[{\"op\":\"replace\",\"path\":\"/endpoints/%s/addresses/0\",\"value\":\"%s\"}]",
		 change->index, inet_ntoa(address));
	start = times_now();
	https_send(run->https, "PATCH", change->path, "application/json-patch+json",
		   str_from(patch));
	status = https_read_head(run->https);
	acknowledged = times_now();
	if (status != 200) {
		die("the API refused a change", change->path);
	}
	while (!ask(run, fd, change->name, address)) {
		tries++;
		if (times_now() - acknowledged > GIVE_UP_S * UINT64_C(1000000000)) {
			die("DNS never had the change", change->name);
		}
	}
	run->answered[i] = times_now() - acknowledged;
	run->acknowledged[i] = acknowledged - start;
	run->first_try += tries == 0;
	https_read_body(run->https, NULL);
	start = times_now();
	run->stale += !ask(run, fd, change->name, address);
	run->round_trips[i] = times_now() - start;
	for (size_t s = 0; s < SOCKETS; s++) {
		run->stale += !ask(run, run->sockets[s], change->name, address);
	}
}

/* The next field of a line, NUL-terminated in place; ends the program when there is none. */
static const char *field(char **rest)
{
	char *start = *rest;
	size_t n = strcspn(start, "\t\n");

	if (n == 0 || start[n] == '\0') {
		die("a line is no change", start);
	}
	start[n] = '\0';
	*rest = start + n + 1;
	return start;
}

static void print(struct run *run)
{
	printf("{\"changes\":%zu,\"first_try\":%zu,\"stale\":%zu", run->n, run->first_try,
	       run->stale);
	times_print("acknowledged_us", run->acknowledged, run->n);
	times_print("answered_us", run->answered, run->n);
	times_print("round_trip_us", run->round_trips, run->n);
	printf("}\n");
}

int main(int argc, char **argv)
{
	struct run run = { 0 };
	char *text;
	char *rest;
	size_t size;
	uint64_t port;

	if (argc != 5 || !str_to_u64(str_from(argv[3]), UINT16_MAX, &port) ||
	    file_read(argv[4], FILE_MAX, &text, &size) < 0) {
		fprintf(stderr, "usage: bench-fresh FOLDER URL DNS-PORT FILE\n");
		return 2;
	}
	for (size_t i = 0; i < size; i++) {
		run.n += text[i] == '\n';
	}
	if (run.n == 0) {
		die("no changes in", argv[4]);
	}
	run.https = https_connect(https_login(argv[1], argv[2]));
	for (size_t i = 0; i < SOCKETS; i++) {
		run.sockets[i] = open_socket((uint16_t)port);
	}
	run.acknowledged = mem_alloc_array(run.n, sizeof(uint64_t));
	run.answered = mem_alloc_array(run.n, sizeof(uint64_t));
	run.round_trips = mem_alloc_array(run.n, sizeof(uint64_t));
	rest = text;
	for (size_t i = 0; i < run.n; i++) {
		const char *path = field(&rest);
		const char *index = field(&rest);
		struct change change = { .path = path, .index = index, .name = field(&rest) };

		measure(&run, &change, i);
	}
	print(&run);
	return 0;
}
