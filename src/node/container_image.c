/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a container: is it there, may it be pulled, with whose credentials, and when again
 * after a failure (10 s, doubling to 300 s, as kubelet does).
 * https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
 */
#include "node/pod_intern.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json/json.h"

static const uint64_t pull_first_ns = 10 * NS_PER_S;
static const uint64_t pull_most_ns = 300 * NS_PER_S;
static const uint64_t shown_ns = 2 * NS_PER_S; /* ErrImagePull, before ImagePullBackOff */
static const uint64_t status_ns = 60 * NS_PER_S;

static const char *image_of(const struct container *container)
{
	return json_string_at(container->spec, "image");
}

/* No digest, and the tag is "latest" or none. */
static bool is_latest(const char *image)
{
	const char *name = strrchr(image, '/');
	const char *tag = strchr(name != NULL ? name : image, ':');

	return strchr(image, '@') == NULL && (tag == NULL || strcmp(tag, ":latest") == 0);
}

static const char *policy_of(const struct container *container)
{
	const char *policy = json_string_at(container->spec, "imagePullPolicy");

	if (policy[0] != '\0') {
		return policy;
	}
	return is_latest(image_of(container)) ? "Always" : "IfNotPresent";
}

static void ask_status(struct container *container, enum image_question question);

/* ---- pulling ---- */

static void pull_failed(struct container *container)
{
	char message[1024];

	container->pull_ns = container->pull_ns == 0 ? pull_first_ns : 2 * container->pull_ns;
	container->pull_ns = container->pull_ns < pull_most_ns ? container->pull_ns : pull_most_ns;
	container->pull_until = pod_now(container->pod) + container->pull_ns;
	snprintf(message, sizeof(message), "failed to pull image \"%s\": %.800s",
		 image_of(container), container->pull_failure);
	pod_event(container->pod, "Warning", "Failed", "Failed to pull image \"%s\": %.800s",
		  image_of(container), container->pull_failure);
	pod_event(container->pod, "Warning", "Failed", "Error: ErrImagePull");
	container_wait(container, "ErrImagePull", message, shown_ns);
}

/* Nothing is known of who asks: what is here may serve when the registry does not. */
static void pull_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			  const ProtobufCMessage *answer)
{
	struct container *container = call->container;

	if (outcome->code == GRPC_OK) {
		container->pull_ns = 0;
		ask_status(container, QUESTION_PULLED);
		return;
	}
	mem_free(container->pull_failure);
	container->pull_failure = mem_strdup(outcome->message);
	ask_status(container, QUESTION_FAILED);
}

static void back_off(struct container *container)
{
	char message[1024];

	snprintf(message, sizeof(message), "Back-off pulling image \"%s\": ErrImagePull: %.800s",
		 image_of(container), container->pull_failure);
	pod_event(container->pod, "Normal", "BackOff", "Back-off pulling image \"%s\"",
		  image_of(container));
	pod_event(container->pod, "Warning", "Failed", "Error: ImagePullBackOff");
	container_wait(container, "ImagePullBackOff", message,
		       container->pull_until - pod_now(container->pod));
}

static void pull(struct container *container)
{
	Runtime__V1__PullImageRequest request = RUNTIME__V1__PULL_IMAGE_REQUEST__INIT;
	Runtime__V1__ImageSpec image = RUNTIME__V1__IMAGE_SPEC__INIT;
	Runtime__V1__AuthConfig auth = RUNTIME__V1__AUTH_CONFIG__INIT;
	struct pod *pod = container->pod;
	_cleanup_json_ json_t *secret = NULL;

	if (container->pull_until > pod_now(pod) && container->pull_ns != 0) {
		back_off(container);
		return;
	}
	image.image = (char *)image_of(container);
	request.image = &image;
	secret = pull_secret(pod->world->cache, pod->object, image.image);
	if (secret != NULL) {
		auth.username = (char *)json_string_at(secret, "username");
		auth.password = (char *)json_string_at(secret, "password");
		auth.auth = (char *)json_string_at(secret, "auth");
		auth.identity_token = (char *)json_string_at(secret, "identitytoken");
		request.auth = &auth;
	}
	pod_event(pod, "Normal", "Pulling", "Pulling image \"%s\"", image.image);
	container->pull_began = pod_now(pod);
	container_move(container, CONTAINER_PULLING);
	/* As long as it takes: the runtime gives up when nothing comes any more. */
	pod_ask(pod, (struct pod_call){ .container = container, .answered = pull_answered },
		RUNTIME_PULL_IMAGE, &request.base, 0);
}

/* ---- is it there? ---- */

static void tell_pulled(struct container *container, const Runtime__V1__Image *image)
{
	double seconds =
		(double)(pod_now(container->pod) - container->pull_began) / (double)NS_PER_S;

	if (container->question == QUESTION_PULLED) {
		pod_event(container->pod, "Normal", "Pulled",
			  "Successfully pulled image \"%s\" in %.3gs (%.3gs including waiting). "
			  "Image size: %" PRIu64 " bytes.",
			  image_of(container), seconds, seconds, image->size);
	} else if (container->question == QUESTION_FAILED) {
		pod_event(container->pod, "Warning", "Failed",
			  "Failed to pull image \"%s\", using the one that is present: %.800s",
			  image_of(container), container->pull_failure);
	} else {
		pod_event(container->pod, "Normal", "Pulled",
			  "Container image \"%s\" already present on machine", image_of(container));
	}
}

static void never_pull(struct container *container)
{
	char message[1024];

	snprintf(message, sizeof(message),
		 "Container image \"%s\" is not present with pull policy of Never",
		 image_of(container));
	pod_event(container->pod, "Warning", "ErrImageNeverPull", "%s", message);
	pod_event(container->pod, "Warning", "Failed", "Error: ErrImageNeverPull");
	container_wait(container, "ErrImageNeverPull", message, pull_first_ns);
}

static void not_there(struct container *container)
{
	if (container->question == QUESTION_FAILED) {
		pull_failed(container);
	} else if (strcmp(policy_of(container), "Never") == 0) {
		never_pull(container);
	} else {
		pull(container);
	}
}

/*
 * Always asks the registry that the image came from. One that was loaded into the runtime by hand
 * came from none (it has no digest of a registry), and is what its owner wants to be run.
 */
static bool may_be_newer(const struct container *container, const Runtime__V1__Image *image)
{
	return container->question == QUESTION_FIRST && image->n_repo_digests > 0 &&
	       strcmp(policy_of(container), "Always") == 0;
}

static void status_answered(struct pod_call *call, const struct grpc_outcome *outcome,
			    const ProtobufCMessage *answer)
{
	const Runtime__V1__ImageStatusResponse *found =
		(const Runtime__V1__ImageStatusResponse *)answer;
	struct container *container = call->container;

	if (outcome->code != GRPC_OK) {
		pod_event(container->pod, "Warning", "InspectFailed",
			  "Failed to inspect image \"%s\": %s", image_of(container),
			  outcome->message);
		container_wait(container, "ImageInspectError", outcome->message, pull_first_ns);
	} else if (found->image != NULL && may_be_newer(container, found->image)) {
		pull(container);
	} else if (found->image != NULL) {
		tell_pulled(container, found->image);
		container_create(container, found->image);
	} else {
		not_there(container);
	}
}

static void ask_status(struct container *container, enum image_question question)
{
	Runtime__V1__ImageStatusRequest request = RUNTIME__V1__IMAGE_STATUS_REQUEST__INIT;
	Runtime__V1__ImageSpec image = RUNTIME__V1__IMAGE_SPEC__INIT;

	image.image = (char *)image_of(container);
	request.image = &image;
	container->question = question;
	container_move(container, CONTAINER_IMAGE);
	pod_ask(container->pod,
		(struct pod_call){ .container = container, .answered = status_answered },
		RUNTIME_IMAGE_STATUS, &request.base, status_ns);
}

void container_get_image(struct container *container)
{
	ask_status(container, QUESTION_FIRST);
}
