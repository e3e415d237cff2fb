/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A continue token is base64 of "v1:REVISION:KEY", the key without its prefix, so that a token is
 * no use for other places than the one it was made for. Clients must not look into it.
 */
#include "api/revisions.h"

#include "api/status.h"
#include "base/base64.h"
#include "base/limits.h"
#include "watch/hub.h"

bool revision_parse(const char *text, uint64_t *ret)
{
	if (text == NULL || text[0] == '\0') {
		*ret = 0;
		return true;
	}
	return str_to_u64(str_from(text), INT64_MAX, ret);
}

static json_t *not_a_number(const char *text)
{
	return status_new(OUTCOME_BAD_REQUEST,
			  "resourceVersion: Invalid value: \"%s\": must be a number", text);
}

static json_t *too_new(uint64_t wanted, uint64_t current)
{
	json_t *status = status_new(OUTCOME_TIMEOUT,
				    "Timeout: Too large resource version: %llu, current: %llu",
				    (unsigned long long)wanted, (unsigned long long)current);

	status_add_cause(status, "ResourceVersionTooLarge", "Too large resource version", NULL);
	status_retry_after(status, 1);
	return status;
}

json_t *revision_check_seen(const struct hub *hub, const char *text)
{
	uint64_t revision;

	if (!revision_parse(text, &revision)) {
		return not_a_number(text);
	}
	return revision > hub_revision(hub) ? too_new(revision, hub_revision(hub)) : NULL;
}

/* ---- tokens ---- */

void continue_token(struct str prefix, struct str key, uint64_t revision, struct buffer *out)
{
	_cleanup_buffer_ struct buffer plain = BUFFER_INIT(LIMIT_STORE_KEY * 2);

	buffer_printf(&plain, "v1:%llu:", (unsigned long long)revision);
	buffer_append_str(&plain, str_skip(key, prefix.n));
	base64_encode(buffer_str(&plain), out);
}

static json_t *read_token(struct snapshot_request *request, struct str prefix, const char *more)
{
	_cleanup_buffer_ struct buffer plain = BUFFER_INIT(LIMIT_STORE_KEY * 2);

	bool read = base64_decode(str_from(more), &plain);
	struct str rest = buffer_str(&plain);
	struct str version = read ? str_cut(&rest, ':') : STR_NONE;
	struct str revision = str_cut(&rest, ':');
	if (!str_is(version, "v1") || rest.n == 0 ||
	    !str_to_u64(revision, INT64_MAX, &request->revision)) {
		return status_new(OUTCOME_BAD_REQUEST, "continue key is not valid");
	}
	request->inconsistent = request->revision == 0;
	buffer_append_str(&request->storage, prefix);
	buffer_append_str(&request->storage, rest);
	request->after = buffer_str(&request->storage);
	return request->storage.overflowed
		       ? status_new(OUTCOME_BAD_REQUEST, "continue key is not valid")
		       : NULL;
}

static json_t *forbidden(const char *why)
{
	return status_new(OUTCOME_BAD_REQUEST, "resourceVersionMatch: Forbidden: %s", why);
}

static json_t *check_match(const char *match, bool has_revision, uint64_t revision)
{
	if (match == NULL || match[0] == '\0') {
		return NULL;
	}
	if (!has_revision) {
		return forbidden("resourceVersionMatch is forbidden unless resourceVersion is "
				 "provided");
	}
	if (strcmp(match, "NotOlderThan") == 0) {
		return NULL;
	}
	if (strcmp(match, "Exact") != 0) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "resourceVersionMatch: Unsupported value: \"%s\": supported "
				  "values: \"Exact\", \"NotOlderThan\"",
				  match);
	}
	return revision == 0 ? forbidden("resourceVersionMatch \"exact\" is forbidden for "
					 "resourceVersion \"0\"")
			     : NULL;
}

json_t *snapshot_request_init(struct snapshot_request *request, const struct hub *hub,
			      struct str prefix, const char *revision, const char *match,
			      const char *more)
{
	uint64_t number;

	*request = (struct snapshot_request){ .revision = 0 };
	buffer_init(&request->storage, LIMIT_STORE_KEY);
	bool has_revision = revision != NULL && revision[0] != '\0';
	if (!revision_parse(revision, &number)) {
		return not_a_number(revision);
	}
	if (more != NULL && more[0] != '\0') {
		if (has_revision && number != 0) {
			return status_new(OUTCOME_BAD_REQUEST,
					  "specifying resource version is not allowed when using "
					  "continue");
		}
		return read_token(request, prefix, more);
	}
	json_t *refusal = check_match(match, has_revision, number);
	if (refusal == NULL) {
		refusal = revision_check_seen(hub, revision);
	}
	if (refusal == NULL && match != NULL && strcmp(match, "Exact") == 0) {
		request->revision = number;
	}
	return refusal;
}

void snapshot_request_deinit(struct snapshot_request *request)
{
	buffer_deinit(&request->storage);
}
