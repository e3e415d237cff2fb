/* SPDX-License-Identifier: Apache-2.0 */
#include "http/exchange.h"

#include <assert.h>
#include <string.h>

static const char *find_pair(const struct http_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(pairs[i].name, name) == 0) {
			return pairs[i].value;
		}
	}
	return NULL;
}

const char *http_query(const struct http_exchange *exchange, const char *name)
{
	return find_pair(exchange->query, exchange->n_query, name);
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
	return find_pair(exchange->headers, exchange->n_headers, name);
}

void http_set_header(struct http_exchange *exchange, const char *name, const char *value)
{
	assert(exchange->n_reply_headers < HTTP_REPLY_HEADERS);
	exchange->reply_headers[exchange->n_reply_headers++] = (struct http_pair){
		.name = arena_str(&exchange->arena, str_from(name)).p,
		.value = arena_str(&exchange->arena, str_from(value)).p,
	};
}

void http_reply(struct http_exchange *exchange, int status, const char *content_type,
		struct buffer *body)
{
	struct buffer none = BUFFER_INIT(0);

	if (content_type != NULL) {
		http_set_header(exchange, "Content-Type", content_type);
	}
	exchange->ops->reply(exchange, status, body != NULL ? body : &none);
}

void http_reply_stream(struct http_exchange *exchange, int status, const char *content_type,
		       const struct http_stream *stream, void *userdata)
{
	if (content_type != NULL) {
		http_set_header(exchange, "Content-Type", content_type);
	}
	exchange->ops->stream(exchange, status, stream, userdata);
}

void http_reply_upgrade(struct http_exchange *exchange,
			void (*opened)(void *userdata, struct tunnel *tunnel), void *userdata)
{
	exchange->ops->upgrade(exchange, opened, userdata);
}

void http_wake(struct http_exchange *exchange)
{
	exchange->ops->wake(exchange);
}

void http_on_gone(struct http_exchange *exchange, void (*gone)(void *userdata), void *userdata)
{
	exchange->gone = gone;
	exchange->gone_userdata = userdata;
}
