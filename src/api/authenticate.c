/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens are JWTs (RFC 7519) signed with ES256. One is good while it has not expired and its
 * service account is the one it was made for (same uid): deleting the account ends its tokens, and
 * deleting the pod or secret that one is bound to ends that one.
 */
#include "api/authenticate.h"

#include <string.h>
#include <strings.h>

#include "api/intern.h"
#include "api/keys.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/random.h"
#include "http/pki.h"
#include "object/kinds.h"
#include "watch/hub.h"
#include "json/json.h"

enum { TOKEN_MAX = 16 * 1024 };

/* ---- base64url (RFC 4648 section 5), without padding ---- */

static void encode_part(struct str bytes, struct buffer *out)
{
	size_t start = out->n;

	base64_encode(bytes, out);
	while (out->n > start && out->p[out->n - 1] == '=') {
		out->n--;
	}
	for (size_t i = start; i < out->n; i++) {
		out->p[i] = out->p[i] == '+' ? '-' : out->p[i] == '/' ? '_' : out->p[i];
	}
}

static bool decode_part(struct str text, struct buffer *out)
{
	_cleanup_buffer_ struct buffer standard = BUFFER_INIT(TOKEN_MAX);

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		buffer_append_char(&standard, c == '-' ? '+' : c == '_' ? '/' : c);
	}
	while (standard.n % 4 != 0) {
		buffer_append_char(&standard, '=');
	}
	return !standard.overflowed && base64_decode(buffer_str(&standard), out);
}

/* ---- making ---- */

static const char *issuer_of(const struct api *api)
{
	return api->issuer;
}

/* What the API takes for itself: its issuer's name. */
static json_t *audiences_of(const struct api *api, const struct token_terms *terms)
{
	return json_array_size(terms->audiences) != 0 ? json_deep_copy(terms->audiences)
						      : json_pack("[s]", issuer_of(api));
}

char *api_token(struct api *api, const char *space, const char *name, const char *uid,
		int64_t seconds)
{
	return api_token_for(api, space, name, uid, seconds, &(struct token_terms){ 0 });
}

char *api_token_for(struct api *api, const char *space, const char *name, const char *uid,
		    int64_t seconds, const struct token_terms *terms)
{
	_cleanup_buffer_ struct buffer token = BUFFER_INIT(TOKEN_MAX);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(TOKEN_MAX);
	_cleanup_free_ char *subject = mem_printf("system:serviceaccount:%s:%s", space, name);
	unsigned char signature[PKI_SIGNATURE];
	char id[RANDOM_UUID_TEXT];
	json_int_t now = clock_wall_seconds(api->clock);

	if (api->token_key == NULL) {
		return NULL;
	}
	random_uuid(id);
	_cleanup_json_ json_t *claims =
		json_pack("{s:o, s:I, s:I, s:s, s:s, s:{s:s, s:{s:s, s:s}}, s:I, s:s}", "aud",
			  audiences_of(api, terms), "exp", now + (json_int_t)seconds, "iat", now,
			  "iss", issuer_of(api), "jti", id, "kubernetes.io", "namespace", space,
			  "serviceaccount", "name", name, "uid", uid, "nbf", now, "sub", subject);
	if (terms->bound_kind != NULL) {
		const char *key = strcmp(terms->bound_kind, "Pod") == 0 ? "pod" : "secret";

		json_object_set_new(json_object_get(claims, "kubernetes.io"), key,
				    json_pack("{s:s, s:s}", "name", terms->bound_name, "uid",
					      terms->bound_uid));
	}
	encode_part(STR("{\"alg\":\"ES256\",\"typ\":\"JWT\"}"), &token);
	buffer_append_char(&token, '.');
	json_write(claims, &text);
	encode_part(buffer_str(&text), &token);
	if (pki_sign(api->token_key, token.p, token.n, signature) != 0) {
		return NULL;
	}
	buffer_append_char(&token, '.');
	encode_part((struct str){ .p = (const char *)signature, .n = sizeof(signature) }, &token);
	return buffer_take(&token, NULL);
}

/* ---- checking ---- */

static bool is_signed(struct api *api, struct str signed_part, struct str signature)
{
	_cleanup_buffer_ struct buffer bytes = BUFFER_INIT(PKI_SIGNATURE * 2);

	return decode_part(signature, &bytes) && bytes.n == PKI_SIGNATURE &&
	       pki_verify(api->token_key, signed_part.p, signed_part.n,
			  (const unsigned char *)bytes.p) == 0;
}

static json_t *read_claims(struct api *api, struct str token)
{
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(TOKEN_MAX);
	struct str rest = token;
	struct str header = str_cut(&rest, '.');
	struct str claims = str_cut(&rest, '.');
	struct json_read_error error;
	json_t *tree = NULL;

	if (api->token_key == NULL || rest.n == 0 || token.n > TOKEN_MAX) {
		return NULL;
	}
	struct str signed_part = { .p = token.p, .n = header.n + 1 + claims.n };
	if (!is_signed(api, signed_part, rest) || !decode_part(claims, &text) ||
	    json_read(buffer_str(&text), NULL, &tree, &error) != 0) {
		return NULL;
	}
	return tree;
}

/* There is an object of that name, and it is the same one. */
static bool object_is(struct api *api, const struct kind *kind, const char *space, const char *name,
		      const char *uid)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);
	_cleanup_json_ json_t *object = NULL;
	struct json_read_error error;

	key_of(kind, str_from(space), str_from(name), &key);
	const struct hub_item *item = hub_get(api->hub, buffer_str(&key));
	return item != NULL && json_read(item->text, NULL, &object, &error) == 0 &&
	       strcmp(json_string_at(object, "metadata.uid"), uid) == 0;
}

/* Claims have keys with dots, so they are no paths. */
static const char *member(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

/* A token ends with the account it is of, and with the object that it is bound to. */
static bool owners_stand(struct api *api, const json_t *about)
{
	static const struct {
		const char *key;
		const struct kind *kind;
		bool is_optional;
	} owners[] = {
		{ "serviceaccount", &kind_service_account, false },
		{ "pod", &kind_pod, true },
		{ "secret", &kind_secret, true },
	};

	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		const json_t *owner = json_object_get(about, owners[i].key);

		if (owner == NULL && owners[i].is_optional) {
			continue;
		}
		if (!object_is(api, owners[i].kind, member(about, "namespace"),
			       member(owner, "name"), member(owner, "uid"))) {
			return false;
		}
	}
	return true;
}

/* It was made for us, and not for somebody whom it was shown to. */
static bool is_for_us(struct api *api, const json_t *audiences)
{
	const json_t *audience;
	size_t i;

	json_array_foreach (audiences, i, audience) {
		const char *text = json_string_value(audience);

		if (text != NULL && strcmp(text, issuer_of(api)) == 0) {
			return true;
		}
	}
	return false;
}

static const char *keep(struct arena *arena, const char *text)
{
	return arena_str(arena, str_from(text)).p;
}

static bool same_secret(struct str a, struct str b)
{
	unsigned char difference = a.n != b.n;

	for (size_t i = 0; i < a.n && i < b.n; i++) {
		difference |= (unsigned char)(a.p[i] ^ b.p[i]);
	}
	return difference == 0;
}

/* ---- bootstrap tokens ---- */

/*
 * "abcdef.0123456789abcdef": an id and a secret, kept in kube-system as Secret bootstrap-token-ID
 * (Kubernetes: bootstrap tokens). Good while that is there, says so, and has not expired.
 */
enum { BOOTSTRAP_ID = 6, BOOTSTRAP_SECRET = 16 };

static bool is_bootstrap_token(struct str token)
{
	if (token.n != BOOTSTRAP_ID + 1 + BOOTSTRAP_SECRET || token.p[BOOTSTRAP_ID] != '.') {
		return false;
	}
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if (i != BOOTSTRAP_ID && (c < 'a' || c > 'z') && (c < '0' || c > '9')) {
			return false;
		}
	}
	return true;
}

/* A value of a Secret, decoded; false when it is missing. */
static bool secret_value(const json_t *secret, const char *key, struct buffer *out)
{
	const json_t *data = json_object_get(secret, "data");
	const char *text = json_string_value(json_object_get(data, key));

	buffer_clear(out);
	return text != NULL && base64_decode(str_from(text), out);
}

static bool bootstrap_is_good(struct api *api, const json_t *secret, struct str id,
			      struct str password)
{
	_cleanup_buffer_ struct buffer value = BUFFER_INIT(TOKEN_MAX);
	int64_t until;

	if (strcmp(json_string_at(secret, "type"), "bootstrap.kubernetes.io/token") != 0 ||
	    !secret_value(secret, "token-secret", &value) ||
	    !same_secret(buffer_str(&value), password) ||
	    !secret_value(secret, "token-id", &value) || !str_eq(buffer_str(&value), id) ||
	    !secret_value(secret, "usage-bootstrap-authentication", &value) ||
	    !str_is(buffer_str(&value), "true")) {
		return false;
	}
	return !secret_value(secret, "expiration", &value) || value.n == 0 ||
	       (timestamp_parse(buffer_text(&value), &until) == 0 &&
		until > clock_wall(api->clock));
}

static bool bootstrap_user(struct api *api, struct arena *arena, struct str token, struct user *ret)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);
	_cleanup_json_ json_t *secret = NULL;
	struct json_read_error error;
	struct str id = { .p = token.p, .n = BOOTSTRAP_ID };

	if (!is_bootstrap_token(token)) {
		return false;
	}
	_cleanup_free_ char *name = mem_printf("bootstrap-token-%.*s", STR_ARG(id));
	_cleanup_free_ char *user = mem_printf("system:bootstrap:%.*s", STR_ARG(id));

	key_of(&kind_secret, STR("kube-system"), str_from(name), &key);
	const struct hub_item *item = hub_get(api->hub, buffer_str(&key));

	if (item == NULL || json_read(item->text, NULL, &secret, &error) != 0 ||
	    !bootstrap_is_good(api, secret, id, str_skip(token, BOOTSTRAP_ID + 1))) {
		return false;
	}
	*ret = (struct user){
		.name = keep(arena, user),
		.uid = "",
		.groups = { USER_BOOTSTRAPPERS, "system:authenticated" },
	};
	return true;
}

bool user_is_newcomer(const struct user *user)
{
	return user->groups[0] != NULL && strcmp(user->groups[0], USER_BOOTSTRAPPERS) == 0;
}

bool token_user(struct api *api, struct arena *arena, struct str token, struct user *ret)
{
	if (api->admin_token != NULL && same_secret(token, str_from(api->admin_token))) {
		*ret = (struct user){
			.name = "kubernetes-admin",
			.uid = "",
			.groups = { "system:masters", "system:authenticated" },
		};
		return true;
	}
	if (bootstrap_user(api, arena, token, ret)) {
		return true;
	}
	_cleanup_json_ json_t *claims = read_claims(api, token);
	const json_t *about = json_object_get(claims, "kubernetes.io");
	const json_t *account = json_object_get(about, "serviceaccount");
	const char *space = member(about, "namespace");
	const char *uid = member(account, "uid");
	json_int_t expires = json_integer_value(json_object_get(claims, "exp"));
	if (claims == NULL || strcmp(member(claims, "iss"), issuer_of(api)) != 0 ||
	    expires <= clock_wall_seconds(api->clock) ||
	    !is_for_us(api, json_object_get(claims, "aud")) || !owners_stand(api, about)) {
		return false;
	}
	_cleanup_free_ char *group = mem_printf("system:serviceaccounts:%s", space);
	*ret = (struct user){
		.name = keep(arena, member(claims, "sub")),
		.uid = keep(arena, uid),
		.groups = { "system:serviceaccounts", keep(arena, group), "system:authenticated" },
	};
	return true;
}

/* Who may do everything may also be somebody else (kubectl --as). */
static void impersonate(struct call *call)
{
	const struct http_exchange *exchange = call->exchange;
	const char *name = http_header(exchange, "impersonate-user");
	size_t n = 0;

	if (name == NULL || name[0] == '\0') {
		return;
	}
	call->user = (struct user){ .name = name, .uid = "" };
	for (size_t i = 0; i < exchange->n_headers && n < USER_GROUPS - 1; i++) {
		if (strcmp(exchange->headers[i].name, "impersonate-group") == 0) {
			call->user.groups[n++] = exchange->headers[i].value;
		}
	}
	call->user.groups[n] = "system:authenticated";
}

static bool identify(struct call *call)
{
	static const char scheme[] = "Bearer ";
	const struct http_peer *peer = &call->exchange->peer;
	const char *header = http_header(call->exchange, "authorization");

	if (peer->user != NULL) {
		size_t n = 0;
		call->user.name = peer->user;
		call->user.uid = "";
		for (; n < HTTP_PEER_GROUPS && peer->groups[n] != NULL; n++) {
			call->user.groups[n] = peer->groups[n];
		}
		call->user.groups[n] = "system:authenticated";
		return true;
	}
	if (header == NULL || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0) {
		return false;
	}
	return token_user(call->api, &call->exchange->arena,
			  str_trim(str_from(header + sizeof(scheme) - 1)), &call->user);
}

bool authenticate(struct call *call)
{
	if (!identify(call)) {
		return false;
	}
	if (!user_is_newcomer(&call->user)) {
		impersonate(call);
	}
	return true;
}
