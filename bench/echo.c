/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor under every DNS server on this machine:  bench-echo PORT [WORKERS]
 *
 * Sends each datagram back with the QR bit set: SO_REUSEPORT workers, recvmmsg and sendmmsg in
 * batches as large as ours, and nothing between them. What a DNS server costs above this is its
 * own; what this costs is the kernel's. Two system calls a batch: the receive waits by itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/thread.h"

enum {
	ROOM = 512,
	RECEIVE_BUFFER = 1024 * 1024, /* as our DNS workers ask for */
	QR = 0x80, /* in the third octet of a header (RFC 1035, 4.1.1) */
};

struct batch {
	struct mmsghdr messages[LIMIT_DNS_BATCH];
	struct iovec parts[LIMIT_DNS_BATCH];
	struct sockaddr_in peers[LIMIT_DNS_BATCH];
	uint8_t bytes[LIMIT_DNS_BATCH][ROOM];
};

static int die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)) != 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		die("bench-echo: socket");
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){ RECEIVE_BUFFER }, sizeof(int)) !=
	    0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ RECEIVE_BUFFER }, sizeof(int));
	}
	return fd;
}

static int receive(int fd, struct batch *batch)
{
	for (size_t i = 0; i < LIMIT_DNS_BATCH; i++) {
		batch->messages[i].msg_hdr.msg_namelen = sizeof(batch->peers[i]);
		batch->parts[i].iov_len = ROOM;
	}
	return recvmmsg(fd, batch->messages, LIMIT_DNS_BATCH, MSG_WAITFORONE, NULL);
}

static void serve(void *argument)
{
	int fd = *(const int *)argument;
	struct batch *batch = MEM_NEW(struct batch);

	for (size_t i = 0; i < LIMIT_DNS_BATCH; i++) {
		batch->parts[i].iov_base = batch->bytes[i];
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->peers[i],
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
		};
	}
	for (;;) {
		int n = receive(fd, batch);
		int sent = 0;

		for (int i = 0; i < n; i++) {
			batch->parts[i].iov_len = batch->messages[i].msg_len;
			batch->bytes[i][2] |= QR;
		}
		while (sent < n) {
			int some = sendmmsg(fd, batch->messages + sent, (unsigned)(n - sent), 0);

			sent += some > 0 ? some : 1; /* what cannot be sent is lost */
		}
	}
}

int main(int argc, char **argv)
{
	static int fds[LIMIT_DNS_WORKERS];
	uint64_t workers = thread_cpus();
	uint64_t port;
	struct thread *thread;

	if (argc < 2 || argc > 3 || !str_to_u64(str_from(argv[1]), UINT16_MAX, &port) ||
	    (argc == 3 && !str_to_u64(str_from(argv[2]), LIMIT_DNS_WORKERS, &workers))) {
		fprintf(stderr, "usage: bench-echo PORT [WORKERS]\n");
		return 2;
	}
	for (size_t i = 0; i < workers; i++) {
		fds[i] = open_socket((uint16_t)port);
	}
	for (size_t i = 0; i < workers; i++) {
		if (thread_start("echo", serve, &fds[i], &thread) != 0) {
			die("bench-echo: thread");
		}
	}
	for (;;) {
		(void)pause(); /* until a signal ends us */
	}
}
