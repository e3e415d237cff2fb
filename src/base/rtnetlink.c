/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is built in a small buffer, sent over a socket of its own and answered by one
 * acknowledgement; lists end with NLMSG_DONE. The kernel answers within send(2), so nothing waits.
 */
#include "base/rtnetlink.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

enum { REQUEST = 512, RECEIVE = 32 * 1024 };

struct request {
	union {
		struct nlmsghdr header;
		char bytes[REQUEST];
	};
};

static void *begin(struct request *request, uint16_t type, uint16_t flags, size_t body)
{
	memset(request, 0, sizeof(*request));
	request->header.nlmsg_type = type;
	request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
	return NLMSG_DATA(&request->header);
}

/* Everything that is added here is short: a request always has room. */
static struct rtattr *add(struct request *request, uint16_t type, const void *bytes, size_t n)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
	struct rtattr *attribute = (void *)(request->bytes + at);

	attribute->rta_type = type;
	attribute->rta_len = (uint16_t)RTA_LENGTH(n);
	if (n != 0) {
		memcpy(RTA_DATA(attribute), bytes, n);
	}
	request->header.nlmsg_len = (uint32_t)(at + RTA_ALIGN(attribute->rta_len));
	return attribute;
}

static void add_ip(struct request *request, uint16_t type, const struct ip *ip)
{
	add(request, type, ip->bytes, ip->n);
}

static uint8_t family_of(const struct ip *ip)
{
	return ip->n == 4 ? AF_INET : AF_INET6;
}

/* ---- conversation ---- */

typedef void (*message_fn)(void *userdata, const struct nlmsghdr *message);

/* One datagram of answers: > 0 more come, 0 the end, or a negative errno. */
static int read_answers(const char *bytes, size_t n, message_fn found, void *userdata)
{
	struct str rest = { .p = bytes, .n = n };

	while (rest.n >= NLMSG_HDRLEN) {
		const struct nlmsghdr *message = (const void *)rest.p;

		if (message->nlmsg_len < NLMSG_HDRLEN || message->nlmsg_len > rest.n) {
			return -EBADMSG;
		}
		if (message->nlmsg_type == NLMSG_DONE) {
			return 0;
		}
		if (message->nlmsg_type == NLMSG_ERROR) {
			return ((const struct nlmsgerr *)NLMSG_DATA(message))->error;
		}
		if (found != NULL) {
			found(userdata, message);
		}
		rest = str_skip(rest, NLMSG_ALIGN(message->nlmsg_len));
	}
	return 1;
}

static int ask(struct request *request, message_fn found, void *userdata)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	_cleanup_free_ char *bytes = mem_alloc(RECEIVE);
	int result = 1;

	if (fd < 0 || send(fd, request, request->header.nlmsg_len, 0) < 0) {
		return -errno;
	}
	while (result > 0) {
		ssize_t n = recv(fd, bytes, RECEIVE, 0);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		result = n < 0 ? 1 : read_answers(bytes, (size_t)n, found, userdata);
	}
	return result;
}

/* ---- links and addresses ---- */

static int set_up(const char *name)
{
	struct request request;
	struct ifinfomsg *link = begin(&request, RTM_NEWLINK, NLM_F_ACK, sizeof(*link));

	link->ifi_index = (int)if_nametoindex(name);
	if (link->ifi_index == 0) {
		return error_origin(-ENODEV);
	}
	link->ifi_flags = link->ifi_change = IFF_UP;
	return error_origin(ask(&request, NULL, NULL));
}

int rtnetlink_dummy(const char *name)
{
	static const char kind[] = "dummy";
	struct request request;
	struct rtattr *info;
	int result;

	if (strlen(name) >= IFNAMSIZ) {
		return error_origin(-EINVAL);
	}
	begin(&request, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
	      sizeof(struct ifinfomsg));
	add(&request, IFLA_IFNAME, name, strlen(name) + 1);
	info = add(&request, IFLA_LINKINFO, NULL, 0);
	add(&request, IFLA_INFO_KIND, kind, sizeof(kind) - 1);
	info->rta_len = (uint16_t)(request.bytes + request.header.nlmsg_len - (char *)info);
	result = ask(&request, NULL, NULL);
	if (result < 0 && result != -EEXIST) {
		return error_origin(result);
	}
	return error_trace(set_up(name));
}

int rtnetlink_link_remove(const char *name)
{
	struct request request;
	struct ifinfomsg *link = begin(&request, RTM_DELLINK, NLM_F_ACK, sizeof(*link));

	link->ifi_index = (int)if_nametoindex(name);
	return link->ifi_index == 0 ? 0 : error_origin(ask(&request, NULL, NULL));
}

static int change_address(uint16_t type, uint16_t flags, const char *name, const struct ip *ip)
{
	struct request request;
	struct ifaddrmsg *address =
		begin(&request, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*address));

	address->ifa_index = if_nametoindex(name);
	if (address->ifa_index == 0) {
		return -ENODEV;
	}
	address->ifa_family = family_of(ip);
	address->ifa_prefixlen = (uint8_t)(ip->n * 8);
	address->ifa_scope = RT_SCOPE_UNIVERSE;
	/* It is nobody else's: no time is lost looking for doubles (RFC 4862). */
	address->ifa_flags = ip->n == 4 ? 0 : IFA_F_NODAD;
	add_ip(&request, IFA_LOCAL, ip);
	add_ip(&request, IFA_ADDRESS, ip);
	return ask(&request, NULL, NULL);
}

int rtnetlink_address(const char *name, const struct ip *ip)
{
	return error_origin(change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, name, ip));
}

int rtnetlink_address_remove(const char *name, const struct ip *ip)
{
	int result = change_address(RTM_DELADDR, 0, name, ip);

	return result == -EADDRNOTAVAIL || result == -ENODEV ? 0 : error_origin(result);
}

/* ---- routes ---- */

static void fill_route(struct request *request, uint16_t type, uint16_t flags,
		       const struct rtnetlink_route *route, uint8_t protocol)
{
	struct rtmsg *message =
		begin(request, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*message));

	message->rtm_family = family_of(&route->to.ip);
	message->rtm_dst_len = route->to.bits;
	message->rtm_table = RT_TABLE_MAIN;
	message->rtm_protocol = protocol;
	message->rtm_scope = RT_SCOPE_UNIVERSE;
	message->rtm_type = RTN_UNICAST;
	add_ip(request, RTA_DST, &route->to.ip);
	add_ip(request, RTA_GATEWAY, &route->via);
}

int rtnetlink_route_set(const struct rtnetlink_route *route, uint8_t protocol)
{
	struct request request;

	fill_route(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, protocol);
	return error_origin(ask(&request, NULL, NULL));
}

int rtnetlink_route_remove(const struct rtnetlink_route *route, uint8_t protocol)
{
	struct request request;
	int result;

	fill_route(&request, RTM_DELROUTE, 0, route, protocol);
	result = ask(&request, NULL, NULL);
	return result == -ESRCH ? 0 : error_origin(result);
}

struct listing {
	uint8_t protocol;
	void (*found)(void *userdata, const struct rtnetlink_route *route);
	void *userdata;
};

static bool read_ip(const struct rtattr *attribute, uint8_t n, struct ip *ret)
{
	if (RTA_PAYLOAD(attribute) != n) {
		return false;
	}
	*ret = (struct ip){ .n = n };
	memcpy(ret->bytes, RTA_DATA(attribute), n);
	return true;
}

static void found_route(void *userdata, const struct nlmsghdr *message)
{
	const struct listing *listing = userdata;
	const struct rtmsg *body = NLMSG_DATA(message);
	struct rtnetlink_route route = { .to = { .bits = body->rtm_dst_len } };
	size_t n = message->nlmsg_len - NLMSG_LENGTH(sizeof(*body));
	uint8_t bytes = body->rtm_family == AF_INET ? 4 : 16;
	bool to = false;
	bool via = false;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof(*body)) ||
	    body->rtm_protocol != listing->protocol || body->rtm_table != RT_TABLE_MAIN) {
		return;
	}
	for (const struct rtattr *each = RTM_RTA(body); RTA_OK(each, n); each = RTA_NEXT(each, n)) {
		if (each->rta_type == RTA_DST) {
			to = read_ip(each, bytes, &route.to.ip);
		} else if (each->rta_type == RTA_GATEWAY) {
			via = read_ip(each, bytes, &route.via);
		}
	}
	if (to && via) {
		listing->found(listing->userdata, &route);
	}
}

int rtnetlink_routes(uint8_t protocol,
		     void (*found)(void *userdata, const struct rtnetlink_route *route),
		     void *userdata)
{
	struct listing listing = { .protocol = protocol, .found = found, .userdata = userdata };
	struct request request;
	struct rtmsg *message = begin(&request, RTM_GETROUTE, NLM_F_DUMP, sizeof(*message));

	message->rtm_family = AF_UNSPEC;
	return error_origin(ask(&request, found_route, &listing));
}
