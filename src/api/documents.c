/* SPDX-License-Identifier: Apache-2.0 */
#include "api/documents.h"

#include <stdio.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/exchange.h"
#include "object/openapi.h"

enum { DOCUMENTS_MAX = 64, TAG_TEXT = 24 };

static const char proto_v2[] = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

struct document {
	const char *content_type;
	char tag[TAG_TEXT];
	struct buffer body;
};

static void release(void *value)
{
	struct document *document = value;

	buffer_deinit(&document->body);
	mem_free(document);
}

void documents_init(struct documents *documents)
{
	map_init(&documents->made, DOCUMENTS_MAX);
}

void documents_deinit(struct documents *documents)
{
	map_deinit(&documents->made, release);
}

/* FNV-1a: the tag has to differ when the document does, no more. */
static uint64_t hash(struct str bytes)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes.n; i++) {
		h = (h ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001b3);
	}
	return h;
}

/* "api/v1", "apis/apps/v1" */
static bool make_v3(struct str path, struct buffer *out)
{
	struct str rest = path;
	struct str root = str_cut(&rest, '/');
	_cleanup_free_ char *group =
		str_is(root, "apis") ? str_dup(str_cut(&rest, '/')) : mem_strdup("");
	_cleanup_free_ char *version = str_dup(rest);

	return (str_is(root, "api") || str_is(root, "apis")) &&
	       openapi_v3_document(group, version, out);
}

static bool make(struct str path, bool protobuf, struct document *document)
{
	static const struct str v3 = { .p = "/openapi/v3/", .n = sizeof("/openapi/v3/") - 1 };

	document->content_type = "application/json";
	if (str_is(path, "/openapi/v2") && protobuf) {
		document->content_type = proto_v2;
		openapi_v2_protobuf(&document->body);
	} else if (str_is(path, "/openapi/v2")) {
		openapi_v2_json(&document->body);
	} else if (str_is(path, "/openapi/v3")) {
		openapi_v3_index(&document->body);
	} else if (!str_starts(path, v3) || !make_v3(str_skip(path, v3.n), &document->body)) {
		return false;
	}
	return true;
}

static struct document *find(struct documents *documents, struct str path, bool protobuf)
{
	_cleanup_free_ char *key = mem_printf("%.*s%s", STR_ARG(path), protobuf ? "#protobuf" : "");
	struct document *document = map_get(&documents->made, str_from(key));

	if (document != NULL) {
		return document;
	}
	document = MEM_NEW(struct document);
	buffer_init(&document->body, LIMIT_RESPONSE);
	if (documents->made.n == DOCUMENTS_MAX || !make(path, protobuf, document)) {
		release(document);
		return NULL;
	}
	snprintf(document->tag, sizeof(document->tag), "\"%016llX\"",
		 (unsigned long long)hash(buffer_str(&document->body)));
	map_put(&documents->made, str_from(key), document);
	return document;
}

bool documents_answer(struct documents *documents, struct http_exchange *exchange, struct str path)
{
	const char *accept = http_header(exchange, "accept");
	const char *known = http_header(exchange, "if-none-match");
	bool protobuf = str_is(path, "/openapi/v2") && accept != NULL &&
			strstr(accept, "com.github.proto-openapi.spec.v2") != NULL;

	const struct document *document = find(documents, path, protobuf);
	if (document == NULL) {
		return false;
	}
	http_set_header(exchange, "ETag", document->tag);
	http_set_header(exchange, "Vary", "Accept");
	if (known != NULL && strcmp(known, document->tag) == 0) {
		http_reply(exchange, 304, NULL, NULL);
		return true;
	}
	struct buffer body = BUFFER_INIT(LIMIT_RESPONSE);
	buffer_append_str(&body, buffer_str(&document->body));
	http_reply(exchange, 200, document->content_type, &body);
	return true;
}
