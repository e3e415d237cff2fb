/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of service accounts: asked of the API for one pod, audience and life, kept in memory, and
 * asked for again when four fifths of their life are over (or a day). A token that cannot be had
 * again stays as long as it is good.
 * https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#launch-a-pod-using-service-account-token-projection
 */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/client.h"
#include "node/volumes_intern.h"
#include "object/kinds.h"
#include "json/json.h"

enum {
	SECONDS_DEFAULT = 3600,
	SECONDS_A_DAY = 24 * 3600,
	RETRY_SECONDS = 10,
};

/* One question under way. The pod may go meanwhile: it is found again by its uid. */
struct request {
	struct list link;
	struct volumes *volumes; /* NULL: nobody listens any more */
	char *uid;
	char *audience;
	int64_t seconds;
};

static struct volume_token *find(const struct volumes_pod *pod, const char *audience,
				 int64_t seconds)
{
	list_for_each (token, (struct list *)&pod->tokens, struct volume_token, link) {
		if (token->seconds == seconds && strcmp(token->audience, audience) == 0) {
			return token;
		}
	}
	return NULL;
}

const struct volume_token *volume_token_find(const struct volumes_pod *pod, const char *audience,
					     int64_t seconds)
{
	return find(pod, audience, seconds);
}

/* ---- answers ---- */

static void keep(struct volumes_pod *pod, struct volume_token *token,
		 const struct client_response *response)
{
	const char *text = json_string_at(response->answer, "status.token");
	int64_t life = json_int_at(response->answer, "spec.expirationSeconds", token->seconds);
	uint64_t now = clock_monotonic(pod->volumes->clock);

	token->failure = mem_free(token->failure);
	if (text[0] == '\0') {
		token->failure = mem_strdup(response->message != NULL ? response->message
								      : "the answer has no token");
		token->renew_at = now + RETRY_SECONDS * NS_PER_S;
		if (token->text != NULL && now >= token->expires_at) {
			token->text = mem_free(token->text);
		}
		return;
	}
	int64_t wait = life / 5 * 4;

	mem_free(token->text);
	token->text = mem_strdup(text);
	token->expires_at = now + (uint64_t)(life > 0 ? life : 0) * NS_PER_S;
	wait = wait > SECONDS_A_DAY ? SECONDS_A_DAY : wait < RETRY_SECONDS ? RETRY_SECONDS : wait;
	token->renew_at = now + (uint64_t)wait * NS_PER_S;
}

static void answered(void *userdata, const struct client_response *response)
{
	struct request *request = userdata;
	struct volumes *volumes = request->volumes;
	struct volumes_pod *pod =
		volumes != NULL ? map_get(&volumes->pods, str_from(request->uid)) : NULL;
	struct volume_token *token =
		pod != NULL ? find(pod, request->audience, request->seconds) : NULL;

	list_unlink(&request->link);
	mem_free(request->uid);
	mem_free(request->audience);
	mem_free(request);
	if (token != NULL) {
		token->asked = false;
		keep(pod, token, response);
		volumes_token_came(pod, token->failure == NULL);
	}
}

void volume_requests_forget(struct volumes *volumes)
{
	list_for_each (request, &volumes->requests, struct request, link) {
		request->volumes = NULL;
		list_unlink(&request->link);
	}
}

/* ---- questions ---- */

static void ask(struct volumes_pod *pod, struct volume_token *token)
{
	struct object *object = pod->pod;
	const char *account = json_string_at(object_tree(object), "spec.serviceAccountName");
	struct request *request = MEM_NEW(struct request);
	json_t *audiences =
		token->audience[0] != '\0' ? json_pack("[s]", token->audience) : json_array();
	json_t *body _cleanup_json_ =
		json_pack("{s:s, s:s, s:{s:o, s:I, s:{s:s, s:s, s:s%, s:s}}}", "apiVersion",
			  "authentication.k8s.io/v1", "kind", "TokenRequest", "spec", "audiences",
			  audiences, "expirationSeconds", (json_int_t)token->seconds,
			  "boundObjectRef", "apiVersion", "v1", "kind", "Pod", "name",
			  object->name.p, object->name.n, "uid", object_uid(object));

	*request = (struct request){
		.volumes = pod->volumes,
		.uid = mem_strdup(pod->uid),
		.audience = mem_strdup(token->audience),
		.seconds = token->seconds,
	};
	list_init(&request->link);
	list_append(&pod->volumes->requests, &request->link);
	token->asked = true;
	client_request(pod->volumes->client,
		       &(struct client_request){
			       .verb = CLIENT_CREATE,
			       .kind = &kind_service_account,
			       .space = object->space,
			       .name = str_from(account[0] != '\0' ? account : "default"),
			       .subresource = "token",
			       .body = body,
		       },
		       answered, request);
}

static void note(struct volumes_pod *pod, const json_t *source)
{
	const char *audience = json_string_at(source, "audience");
	int64_t seconds = json_int_at(source, "expirationSeconds", SECONDS_DEFAULT);
	struct volume_token *token = find(pod, audience, seconds);

	if (token == NULL) {
		token = MEM_NEW(struct volume_token);
		token->audience = mem_strdup(audience);
		token->seconds = seconds;
		list_init(&token->link);
		list_append(&pod->tokens, &token->link);
	}
}

static void note_all(struct volumes_pod *pod)
{
	const json_t *volumes = json_at(object_tree(pod->pod), "spec.volumes");
	const json_t *volume;
	const json_t *source;
	size_t i;
	size_t j;

	json_array_foreach (volumes, i, volume) {
		json_array_foreach (json_at(volume, "projected.sources"), j, source) {
			const json_t *token = json_object_get(source, "serviceAccountToken");

			if (token != NULL) {
				note(pod, token);
			}
		}
	}
}

bool volume_tokens_ask(struct volumes_pod *pod)
{
	uint64_t now = clock_monotonic(pod->volumes->clock);
	bool missing = false;

	note_all(pod);
	list_for_each (token, &pod->tokens, struct volume_token, link) {
		if (!token->asked && (token->text == NULL || now >= token->renew_at)) {
			ask(pod, token);
		}
	}
	list_for_each (token, &pod->tokens, struct volume_token, link) {
		missing = missing || (token->asked && token->text == NULL);
	}
	return missing;
}

void volume_tokens_free(struct volumes_pod *pod)
{
	list_for_each (token, &pod->tokens, struct volume_token, link) {
		list_unlink(&token->link);
		mem_free(token->audience);
		mem_free(token->text);
		mem_free(token->failure);
		mem_free(token);
	}
}
