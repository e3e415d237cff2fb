/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All tracked connections are read in one dump, and the stale ones deleted afterwards, each by the
 * tuple that the kernel itself gave for it (kept as it came) and its id, so that a new connection
 * with the same addresses stays.
 */
#include "proxy/conntrack.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "proxy/ruleset.h"

enum {
	RECEIVE = 64 * 1024,
	ATTRIBUTES = 32, /* that one level is asked for */
	DELETION = 512, /* bytes of one request, at most */
	DELETIONS = 64 * 1024 * 1024,
};

struct attributes {
	const struct nlattr *at[ATTRIBUTES];
};

static struct str payload(const struct nlattr *attribute)
{
	return (struct str){ .p = (const char *)attribute + NLA_HDRLEN,
			     .n = attribute->nla_len - NLA_HDRLEN };
}

/* The attributes that lie in `bytes`, by type; later ones win. */
static void split(struct str bytes, struct attributes *ret)
{
	*ret = (struct attributes){ 0 };
	while (bytes.n >= NLA_HDRLEN) {
		const struct nlattr *attribute = (const void *)bytes.p;
		unsigned type = attribute->nla_type & NLA_TYPE_MASK;

		if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > bytes.n) {
			return;
		}
		if (type < ATTRIBUTES) {
			ret->at[type] = attribute;
		}
		bytes = str_skip(bytes, NLA_ALIGN(attribute->nla_len));
	}
}

static bool read_ip(const struct attributes *ips, unsigned v4, unsigned v6, struct ip *ret)
{
	const struct nlattr *attribute = ips->at[v4] != NULL ? ips->at[v4] : ips->at[v6];
	uint8_t n = ips->at[v4] != NULL ? 4 : 16;

	if (attribute == NULL || payload(attribute).n != n) {
		return false;
	}
	*ret = (struct ip){ .n = n };
	memcpy(ret->bytes, payload(attribute).p, n);
	return true;
}

static bool read_port(const struct nlattr *attribute, uint16_t *ret)
{
	uint16_t port;

	if (attribute == NULL || payload(attribute).n != sizeof(port)) {
		return false;
	}
	memcpy(&port, payload(attribute).p, sizeof(port));
	*ret = ntohs(port);
	return true;
}

/* One direction of a connection: its destination, or its source. False when it is not UDP. */
static bool read_tuple(const struct nlattr *tuple, bool destination, struct ip *ret_ip,
		       uint16_t *ret_port)
{
	struct attributes parts, ips, protocol;

	if (tuple == NULL) {
		return false;
	}
	split(payload(tuple), &parts);
	if (parts.at[CTA_TUPLE_IP] == NULL || parts.at[CTA_TUPLE_PROTO] == NULL) {
		return false;
	}
	split(payload(parts.at[CTA_TUPLE_IP]), &ips);
	split(payload(parts.at[CTA_TUPLE_PROTO]), &protocol);
	const struct nlattr *number = protocol.at[CTA_PROTO_NUM];

	if (number == NULL || payload(number).n != 1 || payload(number).p[0] != IPPROTO_UDP) {
		return false;
	}
	return destination ? read_ip(&ips, CTA_IP_V4_DST, CTA_IP_V6_DST, ret_ip) &&
				     read_port(protocol.at[CTA_PROTO_DST_PORT], ret_port)
			   : read_ip(&ips, CTA_IP_V4_SRC, CTA_IP_V6_SRC, ret_ip) &&
				     read_port(protocol.at[CTA_PROTO_SRC_PORT], ret_port);
}

static void append_attribute(struct buffer *out, const struct nlattr *attribute)
{
	static const char zeros[NLA_ALIGNTO];

	if (attribute != NULL) {
		buffer_append(out, attribute, attribute->nla_len);
		buffer_append(out, zeros,
			      NLA_ALIGN(attribute->nla_len) - (size_t)attribute->nla_len);
	}
}

/* A request that deletes the connection with these attributes. */
static void append_deletion(const struct attributes *attributes, uint8_t family, struct buffer *out)
{
	_cleanup_buffer_ struct buffer body = BUFFER_INIT(DELETION);
	struct nfgenmsg generic = { .nfgen_family = family, .version = NFNETLINK_V0 };

	append_attribute(&body, attributes->at[CTA_TUPLE_ORIG]);
	append_attribute(&body, attributes->at[CTA_ZONE]);
	append_attribute(&body, attributes->at[CTA_ID]);
	struct nlmsghdr header = {
		.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + sizeof(generic) + body.n),
		.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
		.nlmsg_flags = NLM_F_REQUEST,
	};

	if (!body.overflowed && out->n + header.nlmsg_len <= out->max) {
		buffer_append(out, &header, sizeof(header));
		buffer_append(out, &generic, sizeof(generic));
		buffer_append_str(out, buffer_str(&body));
	}
}

struct search {
	bool (*is_stale)(void *userdata, const struct udp_flow *flow);
	void *userdata;
	struct buffer deletions;
	size_t n;
};

static void look_at(struct search *search, const struct nlmsghdr *message)
{
	struct udp_flow flow;
	struct attributes attributes;
	struct nfgenmsg generic;
	struct str bytes = { .p = (const char *)message, .n = message->nlmsg_len };

	bytes = str_skip(bytes, NLMSG_HDRLEN);
	if (bytes.n < sizeof(generic)) {
		return;
	}
	memcpy(&generic, bytes.p, sizeof(generic));
	split(str_skip(bytes, NLMSG_ALIGN(sizeof(generic))), &attributes);
	if (read_tuple(attributes.at[CTA_TUPLE_ORIG], /* destination= */ true, &flow.to,
		       &flow.to_port) &&
	    read_tuple(attributes.at[CTA_TUPLE_REPLY], /* destination= */ false, &flow.from,
		       &flow.from_port) &&
	    search->is_stale(search->userdata, &flow)) {
		append_deletion(&attributes, generic.nfgen_family, &search->deletions);
		search->n++;
	}
}

/* One datagram of the dump: > 0 more come, 0 the end, or a negative errno. */
static int read_messages(struct search *search, const char *bytes, size_t n)
{
	struct str rest = { .p = bytes, .n = n };

	while (rest.n >= NLMSG_HDRLEN) {
		const struct nlmsghdr *message = (const void *)rest.p;

		if (message->nlmsg_len < NLMSG_HDRLEN || message->nlmsg_len > rest.n) {
			return error_origin(-EBADMSG);
		}
		if (message->nlmsg_type == NLMSG_DONE) {
			return 0;
		}
		if (message->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = NLMSG_DATA(message);

			return error_origin(error->error < 0 ? error->error : -EIO);
		}
		look_at(search, message);
		rest = str_skip(rest, NLMSG_ALIGN(message->nlmsg_len));
	}
	return 1;
}

static int dump(int fd, struct search *search)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg generic;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.generic = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 },
	};
	_cleanup_free_ char *bytes = mem_alloc(RECEIVE);
	int result = 1;

	if (send(fd, &request, sizeof(request), 0) < 0) {
		return error_origin(-errno);
	}
	while (result > 0) {
		ssize_t n = recv(fd, bytes, RECEIVE, 0);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		result = n < 0 ? -errno : read_messages(search, bytes, (size_t)n);
	}
	return error_trace(result);
}

/* Requests go out one by one: the kernel stops at the first error of a batch. */
static void delete_all(int fd, struct str requests)
{
	while (requests.n >= NLMSG_HDRLEN) {
		struct nlmsghdr header;

		memcpy(&header, requests.p, sizeof(header));
		/* A flow that has ended meanwhile is what was wanted. */
		(void)send(fd, requests.p, header.nlmsg_len, 0);
		requests = str_skip(requests, NLMSG_ALIGN(header.nlmsg_len));
	}
}

int conntrack_forget_udp(bool (*is_stale)(void *userdata, const struct udp_flow *flow),
			 void *userdata, size_t *ret_n)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct search search = { .is_stale = is_stale, .userdata = userdata };
	int result;

	if (fd < 0) {
		return error_origin(-errno);
	}
	buffer_init(&search.deletions, DELETIONS);
	result = dump(fd, &search);
	if (result == 0) {
		delete_all(fd, buffer_str(&search.deletions));
		*ret_n = search.n;
	}
	buffer_deinit(&search.deletions);
	return error_trace(result);
}
