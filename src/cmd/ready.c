/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/ready.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"

/* sd_notify(3), without its library: one datagram to the socket that the service manager names. */
static void notify_manager(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = -1;
	size_t n;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    strlen(path) >= sizeof(address.sun_path)) {
		return;
	}
	n = strlen(path);
	memcpy(address.sun_path, path, n);
	if (path[0] == '@') {
		address.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		(void)!sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	}
}

void ready_say(const char *api, const char *dns, const char *metrics, const char *kubeconfig)
{
	printf("ready api=%s dns=%s metrics=%s kubeconfig=%s\n", api, dns, metrics, kubeconfig);
	fflush(stdout);
	notify_manager();
}

void ready_say_node(const char *name, const char *api, const char *kubeconfig)
{
	printf("ready node=%s api=%s kubeconfig=%s\n", name, api, kubeconfig);
	fflush(stdout);
	notify_manager();
}
