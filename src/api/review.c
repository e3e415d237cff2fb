/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reviews: questions that are asked by creating an object which is never stored (kubectl auth
 * can-i, kubectl auth whoami), and the token subresource of service accounts. Who has proved who he
 * is may do everything, so every answer is yes.
 */
#include "api/authenticate.h"
#include "api/call.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/messages.h"
#include "api/status.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/kinds.h"
#include "watch/hub.h"
#include "json/json.h"

static json_t *user_tree(const struct user *user)
{
	json_t *tree = json_pack("{s:s}", "username", user->name);
	json_t *groups = json_array();

	if (user->uid[0] != '\0') {
		json_object_set_new(tree, "uid", json_string(user->uid));
	}
	for (size_t i = 0; i < USER_GROUPS && user->groups[i] != NULL; i++) {
		json_array_append_new(groups, json_string(user->groups[i]));
	}
	json_object_set_new(tree, "groups", groups);
	return tree;
}

static json_t *answer_access(struct call *call, const json_t *review)
{
	if (json_at(review, "spec.resourceAttributes") == NULL &&
	    json_at(review, "spec.nonResourceAttributes") == NULL) {
		return NULL;
	}
	return json_pack("{s:b, s:s}", "allowed", 1, "reason",
			 "whoever is authenticated may do everything");
}

static json_t *answer_rules(struct call *call, const json_t *review)
{
	return json_pack("{s:[{s:[s], s:[s], s:[s]}], s:[{s:[s], s:[s]}], s:b}", "resourceRules",
			 "verbs", "*", "apiGroups", "*", "resources", "*", "nonResourceRules",
			 "verbs", "*", "nonResourceURLs", "*", "incomplete", 0);
}

static json_t *answer_self(struct call *call, const json_t *review)
{
	return json_pack("{s:o}", "userInfo", user_tree(&call->user));
}

static json_t *answer_token_review(struct call *call, const json_t *review)
{
	struct user user;
	struct str token = str_from(json_string_at(review, "spec.token"));

	if (!token_user(call->api, &call->exchange->arena, token, &user)) {
		return json_pack("{s:b, s:s}", "authenticated", 0, "error", "invalid bearer token");
	}
	return json_pack("{s:b, s:o}", "authenticated", 1, "user", user_tree(&user));
}

static const struct {
	const struct kind *kind;
	/* The status; NULL: the question is not complete. */
	json_t *(*answer)(struct call *call, const json_t *review);
} reviews[] = {
	{ &kind_self_subject_access_review, answer_access },
	{ &kind_subject_access_review, answer_access },
	{ &kind_local_subject_access_review, answer_access },
	{ &kind_self_subject_rules_review, answer_rules },
	{ &kind_self_subject_review, answer_self },
	{ &kind_token_review, answer_token_review },
};

void verb_review(struct call *call)
{
	_cleanup_json_ json_t *review = NULL;
	json_t *status = NULL;

	if (!call_negotiate(call, 0)) {
		return;
	}
	json_t *refusal = body_object(call, call->kind, &review);
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(reviews); i++) {
		if (reviews[i].kind == call->kind) {
			status = reviews[i].answer(call, review);
		}
	}
	if (status == NULL) {
		answer_refused(call, status_invalid_field(call->kind, STR_NONE, FIELD_ERROR_INVALID,
							  "spec.resourceAttributes", NULL,
							  "exactly one of nonResourceAttributes or "
							  "resourceAttributes must be specified"));
		return;
	}
	json_object_set_new(review, "status", status);
	answer_tree(call, 201, call->kind, review);
}

/* ---- serviceaccounts/token ---- */

enum { TOKEN_SECONDS_MIN = 600, TOKEN_SECONDS_DEFAULT = 3600 };

/* The object that a token shall be bound to, by its name and, if said, its uid. */
static json_t *bind(struct call *call, const json_t *wanted, json_t **ret_object,
		    struct token_terms *terms)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);
	const char *kind_name = json_string_at(wanted, "kind");
	const char *name = json_string_at(wanted, "name");
	const char *uid = json_string_at(wanted, "uid");
	const struct kind *kind = strcmp(kind_name, "Pod") == 0      ? &kind_pod
				  : strcmp(kind_name, "Secret") == 0 ? &kind_secret
								     : NULL;
	struct json_read_error error;

	if (wanted == NULL) {
		return NULL;
	}
	if (kind == NULL) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "cannot bind token for serviceaccount \"%.*s\" to object with "
				  "kind \"%s\"",
				  STR_ARG(call->name), kind_name);
	}
	key_of(kind, call->space, str_from(name), &key);
	const struct hub_item *item = hub_get(call->api->hub, buffer_str(&key));
	if (item == NULL || json_read(item->text, NULL, ret_object, &error) != 0) {
		return status_not_found(kind, str_from(name));
	}
	const char *found = json_string_at(*ret_object, "metadata.uid");
	if (uid[0] != '\0' && strcmp(uid, found) != 0) {
		return status_conflict(kind, str_from(name),
				       "the UID in the bound object reference (%s) does not match "
				       "the UID in record. The object might have been deleted and "
				       "then recreated",
				       uid);
	}
	if (kind == &kind_pod &&
	    !str_is(call->name, json_string_at(*ret_object, "spec.serviceAccountName"))) {
		return status_new(OUTCOME_BAD_REQUEST,
				  "cannot bind token for serviceaccount \"%.*s\" to pod running "
				  "with different serviceaccount name",
				  STR_ARG(call->name));
	}
	terms->bound_kind = kind->kind;
	terms->bound_name = name;
	terms->bound_uid = found;
	return NULL;
}

static json_t *issue(struct call *call, json_t *request)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);
	_cleanup_json_ json_t *account = NULL;
	struct json_read_error error;
	int64_t seconds = json_int_at(request, "spec.expirationSeconds", TOKEN_SECONDS_DEFAULT);

	key_of(&kind_service_account, call->space, call->name, &key);
	const struct hub_item *item = hub_get(call->api->hub, buffer_str(&key));
	if (item == NULL || json_read(item->text, NULL, &account, &error) != 0) {
		return status_not_found(&kind_service_account, call->name);
	}
	if (seconds < TOKEN_SECONDS_MIN || seconds > UINT32_MAX) {
		return status_invalid_field(call->kind, call->name, FIELD_ERROR_INVALID,
					    "spec.expirationSeconds",
					    json_at(request, "spec.expirationSeconds"),
					    "may not specify a duration less than 10 minutes");
	}
	_cleanup_json_ json_t *bound = NULL;
	struct token_terms terms = { .audiences = json_at(request, "spec.audiences") };
	json_t *refusal = bind(call, json_at(request, "spec.boundObjectRef"), &bound, &terms);
	if (refusal != NULL) {
		return refusal;
	}
	_cleanup_free_ char *token =
		api_token_for(call->api, json_string_at(account, "metadata.namespace"),
			      json_string_at(account, "metadata.name"),
			      json_string_at(account, "metadata.uid"), seconds, &terms);
	if (token == NULL) {
		return status_new(OUTCOME_UNAVAILABLE,
				  "this server has no key to sign tokens with");
	}
	char expires[TIMESTAMP_TEXT];
	timestamp_format(clock_wall_seconds(call->api->clock) + seconds, expires);
	json_put(request, "spec.expirationSeconds", json_integer(seconds));
	json_put(request, "metadata.name", json_stringn(call->name.p, call->name.n));
	json_put(request, "metadata.namespace", json_stringn(call->space.p, call->space.n));
	json_object_set_new(request, "status",
			    json_pack("{s:s, s:s}", "token", token, "expirationTimestamp",
				      expires));
	return NULL;
}

void verb_token(struct call *call)
{
	_cleanup_json_ json_t *request = NULL;

	if (!call_negotiate(call, 0)) {
		return;
	}
	json_t *refusal = body_object(call, &kind_token_request, &request);
	if (refusal == NULL) {
		refusal = issue(call, request);
	}
	if (refusal != NULL) {
		answer_refused(call, refusal);
		return;
	}
	answer_tree(call, 201, &kind_token_request, request);
}
