/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control frame, when there is one, goes before the frames of messages, so START is the first
 * thing after ACCEPT and STOP the last thing of all. Frames are not forgotten before the kernel has
 * them whole: after a loss, the one that was cut goes again as a whole, so a receiver sees each
 * frame once or, if it threw the half one away as it should, just the second time.
 */
#include "dns/dnstap_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "dns/server_intern.h"
#include "dns/wire.h"

enum { NO_FD = -1 };

#define COMPONENT "dnstap"

_Static_assert((int)LIMIT_DNSTAP_OUTPUT >= (int)DNSTAP_FRAME_MAX, "a frame fits");

bool dnstap_address_parse(const char *socket, struct sockaddr_storage *ret, socklen_t *ret_n)
{
	struct str text = str_from(socket);
	struct sockaddr_un local = { .sun_family = AF_UNIX };

	if (str_starts(text, STR("tcp://"))) {
		struct listen_address address;

		if (listen_address_parse(socket + 6, &address) != 0) {
			return false;
		}
		const struct sockaddr_in *four = (const void *)&address.address;
		const struct sockaddr_in6 *six = (const void *)&address.address;

		if ((four->sin_family == AF_INET ? four->sin_port : six->sin6_port) == 0) {
			return false;
		}
		*ret = address.address;
		*ret_n = address.n;
		return true;
	}
	text = str_skip(text, str_starts(text, STR("unix://")) ? 7 : 0);
	if (text.n < 2 || text.p[0] != '/' || text.n >= sizeof(local.sun_path)) {
		return false;
	}
	memcpy(local.sun_path, text.p, text.n);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret, &local, sizeof(local));
	*ret_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + text.n + 1);
	return true;
}

struct dnstap_link *dnstap_link_new(const char *socket)
{
	struct dnstap_link *link = MEM_NEW(struct dnstap_link);

	link->state = LINK_DOWN;
	link->fd = NO_FD;
	link->name = mem_strdup(socket);
	link->pause = LIMIT_DNSTAP_PAUSE_MS * NS_PER_MS;
	(void)dnstap_address_parse(socket, &link->address, &link->address_n);
	return link;
}

struct dnstap_link *dnstap_link_free(struct dnstap_link *link)
{
	if (link != NULL) {
		if (link->fd >= 0) {
			close(link->fd);
		}
		mem_free(link->name);
		mem_free(link);
	}
	return NULL;
}

/* ---- states ---- */

static void enter(struct dnstap_link *link, enum dnstap_link_state state)
{
	link->state = state;
	counter_set(&link->connected, state == LINK_OPEN);
}

static void hang_up(struct dnstap_link *link, enum dnstap_link_state state)
{
	if (link->fd >= 0) {
		close(link->fd);
		link->fd = NO_FD;
	}
	link->control_n = link->control_sent = link->in_n = 0;
	enter(link, state);
}

/* Forgets the frames that went whole. */
static void keep_unsent(struct dnstap_link *link)
{
	size_t at = 0;

	while (at < link->out_n) {
		size_t end = at + 4 + get_u32(link->out + at);

		if (end > link->out_sent) {
			break;
		}
		at = end;
	}
	memmove(link->out, link->out + at, link->out_n - at);
	link->out_n -= at;
	link->out_sent = 0;
}

static void lose(struct dnstap_link *link, const char *why, uint64_t now)
{
	uint64_t longest = LIMIT_DNSTAP_PAUSE_MAX_MS * NS_PER_MS;

	if (!link->told && link->end_by == 0) {
		log_warning(COMPONENT, "%s: %s; trying again until it works", link->name, why);
		link->told = true;
	}
	keep_unsent(link);
	hang_up(link, link->end_by != 0 ? LINK_ENDED : LINK_DOWN);
	link->deadline = now + link->pause;
	link->pause = 2 * link->pause < longest ? 2 * link->pause : longest;
}

static void say(struct dnstap_link *link, enum dnstap_control type, enum dnstap_link_state state)
{
	link->control_n = dnstap_control_write(type, link->control);
	link->control_sent = 0;
	enter(link, state);
}

static void dial(struct dnstap_link *link, uint64_t now)
{
	link->fd = socket(link->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0) {
		lose(link, strerror(errno), now);
		return;
	}
	link->deadline = now + LIMIT_DNSTAP_HANDSHAKE_MS * NS_PER_MS;
	if (connect(link->fd, (const struct sockaddr *)&link->address, link->address_n) == 0) {
		say(link, DNSTAP_READY, LINK_READY);
	} else if (errno == EINPROGRESS) {
		enter(link, LINK_DIALING);
	} else {
		lose(link, strerror(errno), now);
	}
}

static void dialed(struct dnstap_link *link, uint64_t now)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0) {
		error = errno;
	}
	if (error != 0) {
		lose(link, strerror(error), now);
	} else {
		say(link, DNSTAP_READY, LINK_READY);
	}
}

/* ---- reading ---- */

static void heard(struct dnstap_link *link, const struct dnstap_control_read *read, uint64_t now)
{
	if (link->state == LINK_READY && read->type == DNSTAP_ACCEPT && read->ours &&
	    link->control_sent == link->control_n) {
		say(link, DNSTAP_START, LINK_OPEN);
		log_info(COMPONENT, "%s takes what is asked and answered", link->name);
		link->told = false;
		link->pause = LIMIT_DNSTAP_PAUSE_MS * NS_PER_MS;
		link->deadline = 0;
	} else if (link->state == LINK_ENDING && read->type == DNSTAP_FINISH) {
		hang_up(link, LINK_ENDED);
	} else if (link->state == LINK_READY && read->type == DNSTAP_ACCEPT) {
		lose(link, "it does not take " DNSTAP_CONTENT_TYPE, now);
	} else {
		lose(link, "it said something out of turn", now);
	}
}

static void listen_to(struct dnstap_link *link, uint64_t now)
{
	ssize_t n =
		recv(link->fd, link->in + link->in_n, sizeof(link->in) - link->in_n, MSG_DONTWAIT);
	struct dnstap_control_read read;
	int result;

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			lose(link, strerror(errno), now);
		}
		return;
	}
	if (n == 0) {
		lose(link, "it closed the connection", now);
		return;
	}
	link->in_n += (size_t)n;
	while (link->fd >= 0 && link->in_n != 0) {
		result = dnstap_control_read(link->in, link->in_n, &read);
		if (result == DNSTAP_MORE) {
			return;
		}
		if (result == DNSTAP_BAD) {
			lose(link, "it does not speak Frame Streams", now);
			return;
		}
		link->in_n -= read.used;
		memmove(link->in, link->in + read.used, link->in_n);
		heard(link, &read, now);
	}
}

/* ---- writing ---- */

static bool has_unsent(const struct dnstap_link *link)
{
	return link->control_n != 0 || (link->state == LINK_OPEN && link->out_n != 0);
}

/* Sends of `bytes`; false when no more is taken now. */
static bool send_some(struct dnstap_link *link, const uint8_t *bytes, size_t n, size_t *sent,
		      uint64_t now)
{
	ssize_t taken = send(link->fd, bytes + *sent, n - *sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (taken < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			lose(link, strerror(errno), now);
		}
		return false;
	}
	*sent += (size_t)taken;
	if (link->state == LINK_OPEN) {
		link->deadline = now + LIMIT_DNSTAP_STALL_MS * NS_PER_MS;
	}
	return *sent == n;
}

static void write_out(struct dnstap_link *link, uint64_t now)
{
	if (link->state == LINK_OPEN && has_unsent(link) && link->deadline == 0) {
		link->deadline = now + LIMIT_DNSTAP_STALL_MS * NS_PER_MS;
	}
	if (link->control_n != 0) {
		if (!send_some(link, link->control, link->control_n, &link->control_sent, now)) {
			return;
		}
		link->control_n = link->control_sent = 0;
	}
	if (link->state == LINK_OPEN && link->out_n != 0 &&
	    send_some(link, link->out, link->out_n, &link->out_sent, now)) {
		link->out_n = link->out_sent = 0;
	}
	if (link->state == LINK_OPEN && !has_unsent(link)) {
		link->deadline = 0;
	}
}

uint8_t *dnstap_link_room(struct dnstap_link *link)
{
	bool room = link->state == LINK_OPEN && link->out_sent == 0 &&
		    link->out_n + DNSTAP_FRAME_MAX <= sizeof(link->out);

	return room ? link->out + link->out_n : NULL;
}

void dnstap_link_add(struct dnstap_link *link, size_t n)
{
	link->out_n += n;
}

/* ---- one step ---- */

static bool is_due(const struct dnstap_link *link, uint64_t now)
{
	return link->deadline != 0 && now >= link->deadline;
}

void dnstap_link_step(struct dnstap_link *link, short events, uint64_t now)
{
	if (link->state == LINK_DOWN) {
		if (link->deadline <= now) {
			dial(link, now);
		}
	} else if (link->state == LINK_DIALING && events != 0) {
		dialed(link, now);
	}
	if (link->state > LINK_DIALING && link->state < LINK_ENDED) {
		if ((events & (POLLIN | POLLERR | POLLHUP)) != 0) {
			listen_to(link, now);
		}
		if (link->fd >= 0) {
			write_out(link, now);
		}
	}
	if (link->fd >= 0 && is_due(link, now)) {
		lose(link, "it takes too long", now);
	}
}

void dnstap_link_end(struct dnstap_link *link, bool more, uint64_t now)
{
	if (link->end_by == 0) {
		link->end_by = now + LIMIT_DNSTAP_END_MS * NS_PER_MS;
	}
	if (link->state < LINK_OPEN || now >= link->end_by) {
		hang_up(link, LINK_ENDED);
	} else if (link->state == LINK_OPEN && !more && !has_unsent(link)) {
		say(link, DNSTAP_STOP, LINK_ENDING);
	}
}

short dnstap_link_events(const struct dnstap_link *link)
{
	bool writing = link->state == LINK_DIALING || has_unsent(link);

	return (short)((link->state == LINK_DIALING ? 0 : POLLIN) | (writing ? POLLOUT : 0));
}

int dnstap_link_timeout(const struct dnstap_link *link, uint64_t now)
{
	uint64_t until = link->deadline;

	if (link->end_by != 0 && (until == 0 || link->end_by < until)) {
		until = link->end_by;
	}
	if (until == 0) {
		return -1;
	}
	return until <= now ? 0 : (int)((until - now + NS_PER_MS - 1) / NS_PER_MS);
}
