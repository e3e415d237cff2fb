/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nslookup as old busyboxes had it: by the resolver of the C library, and with the name of each
 * address behind it. Texts about DNS for Kubernetes show its output.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static int print_addresses(const char *label, const char *name, int is_server)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = is_server ? AI_NUMERICHOST : 0 };
	struct addrinfo *all = NULL;
	unsigned n = 0;

	if (getaddrinfo(name, NULL, &hints, &all) != 0) {
		return -1;
	}
	printf("%-10s %s\n", label, name);
	for (const struct addrinfo *one = all; one != NULL; one = one->ai_next) {
		char address[NI_MAXHOST];
		char host[NI_MAXHOST];

		getnameinfo(one->ai_addr, one->ai_addrlen, address, sizeof(address), NULL, 0,
			    NI_NUMERICHOST);
		if (getnameinfo(one->ai_addr, one->ai_addrlen, host, sizeof(host), NULL, 0,
				NI_NAMEREQD) != 0) {
			host[0] = '\0';
		}
		printf("Address %u: %s%s%s\n", ++n, address, host[0] != '\0' ? " " : "", host);
	}
	freeaddrinfo(all);
	return 0;
}

static void print_server(void)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[512];
	char server[256];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "nameserver %255s", server) == 1) {
			print_addresses("Server:", server, 1);
			break;
		}
	}
	if (file != NULL) {
		fclose(file);
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "Usage: nslookup HOST\n");
		return 1;
	}
	print_server();
	fflush(stdout);
	if (print_addresses("Name:", argv[1], 0) < 0) {
		fprintf(stderr, "nslookup: can't resolve '%s'\n", argv[1]);
		return 1;
	}
	return 0;
}
