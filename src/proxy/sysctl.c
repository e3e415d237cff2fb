/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

enum { VALUE_MAX = 64 };

/* Whether `path` holds 1 in the end. */
static bool turn_on(const char *path)
{
	_cleanup_free_ char *value = NULL;
	_cleanup_close_ int fd = -1;

	if (file_read(path, VALUE_MAX, &value, NULL) < 0) {
		return false;
	}
	if (strncmp(value, "0", 1) != 0) {
		return true;
	}
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1\n", 2) != 2) {
		log_warning("proxy", "cannot set %s to 1: %s", path, strerror(errno));
		return false;
	}
	return true;
}

void sysctl_prepare(bool v6, bool *ret_bridges)
{
	(void)turn_on("/proc/sys/net/ipv4/ip_forward");
	*ret_bridges = turn_on("/proc/sys/net/bridge/bridge-nf-call-iptables");
	if (v6) {
		(void)turn_on("/proc/sys/net/ipv6/conf/all/forwarding");
		*ret_bridges =
			turn_on("/proc/sys/net/bridge/bridge-nf-call-ip6tables") && *ret_bridges;
	}
}
