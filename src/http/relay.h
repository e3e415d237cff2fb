/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One server's answer as our own: status, headers and body, passed on at the pace of the client.
 * Loop's thread.
 */

#include <stdbool.h>

#include "http/head.h"

struct http_exchange;
struct tunnel;

/*
 * Answers with `head` and the body that follows in `tunnel` (taken). Headers that concern one
 * connection only (RFC 9110 section 7.6.1) stay behind; so do those that `exchange` has already
 * been given by http_set_header(), and what does not fit. An answer that is cut short cuts ours.
 */
void http_relay(struct http_exchange *exchange, const struct http_head *head,
		struct tunnel *tunnel);
