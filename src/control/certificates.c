/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for nodes: the requests of a joining node (with a bootstrap token) and of nodes
 * about themselves are approved, and what is approved is signed; by whom it was approved does not
 * matter to the signer. Two signers, as Kubernetes names them:
 *
 *   kubernetes.io/kube-apiserver-client-kubelet   a client, system:node:NAME of system:nodes
 *   kubernetes.io/kubelet-serving                 the same as a server, for names and addresses
 *                                                 that its Node object has
 *
 * Anything else waits for somebody with `kubectl certificate approve`, and for a signer of its own.
 */
#include <string.h>

#include "base/base64.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "control/controllers.h"
#include "http/pki.h"
#include "object/kinds.h"
#include "json/json.h"

#define CLIENT_SIGNER "kubernetes.io/kube-apiserver-client-kubelet"
#define SERVING_SIGNER "kubernetes.io/kubelet-serving"
#define NODE_USER "system:node:"
#define NODE_GROUP "system:nodes"
#define BOOTSTRAP_GROUP "system:bootstrappers"

enum {
	REQUEST_MAX = 64 * 1024, /* PEM */
	YEAR = 365 * 24 * 3600,
	KEEP_DECIDED = 3600, /* seconds that requests are kept, as Kubernetes does */
	KEEP_PENDING = 24 * 3600,
};

struct request {
	const json_t *tree;
	const json_t *spec;
	struct buffer pem;
	struct pki_subject subject;
	bool server;
};

static bool has_text(const json_t *list, const char *wanted)
{
	const json_t *text;
	size_t i;

	json_array_foreach (list, i, text) {
		if (strcmp(json_string_value(text), wanted) == 0) {
			return true;
		}
	}
	return false;
}

static bool has_condition(const json_t *tree, const char *type)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (json_at(tree, "status.conditions"), i, condition) {
		if (strcmp(json_string_at(condition, "type"), type) == 0) {
			return true;
		}
	}
	return false;
}

/* ---- who may have what ---- */

/* Usages of a kubelet's key, and not fewer than its purpose. */
static bool usages_fit(const struct request *request)
{
	static const char *const common[] = { "digital signature", "key encipherment" };
	const char *purpose = request->server ? "server auth" : "client auth";
	const json_t *usages = json_object_get(request->spec, "usages");
	const json_t *usage;
	size_t i;

	json_array_foreach (usages, i, usage) {
		const char *text = json_string_value(usage);

		if (strcmp(text, common[0]) != 0 && strcmp(text, common[1]) != 0 &&
		    strcmp(text, purpose) != 0) {
			return false;
		}
	}
	return has_text(usages, purpose);
}

static bool node_has(struct object *node, const char *text)
{
	const json_t *address;
	size_t i;

	json_array_foreach (json_at(object_tree(node), "status.addresses"), i, address) {
		if (strcmp(json_string_at(address, "address"), text) == 0) {
			return true;
		}
	}
	return str_is(node->name, text);
}

/* A node is a server under its own names alone: another's would make it that other. */
static bool names_fit(const struct view *view, const struct request *request)
{
	const struct pki_subject *subject = &request->subject;
	const char *name = subject->common_name + strlen(NODE_USER);
	struct object *node = cache_get(view->cache, &kind_node, STR_NONE, str_from(name));

	if (!request->server) {
		return subject->dns_names[0] == NULL && subject->addresses[0] == NULL;
	}
	if (node == NULL || (subject->dns_names[0] == NULL && subject->addresses[0] == NULL)) {
		return false;
	}
	for (size_t i = 0; subject->dns_names[i] != NULL; i++) {
		if (!node_has(node, subject->dns_names[i])) {
			return false;
		}
	}
	for (size_t i = 0; subject->addresses[i] != NULL; i++) {
		if (!node_has(node, subject->addresses[i])) {
			return false;
		}
	}
	return true;
}

static bool subject_fits(const struct request *request)
{
	const struct pki_subject *subject = &request->subject;

	return str_starts(str_from(subject->common_name), STR(NODE_USER)) &&
	       subject->common_name[strlen(NODE_USER)] != '\0' &&
	       subject->organizations[0] != NULL &&
	       strcmp(subject->organizations[0], NODE_GROUP) == 0 &&
	       subject->organizations[1] == NULL;
}

/* A node for itself; a newcomer, who has nothing but a bootstrap token, as a client. */
static bool asker_fits(const struct request *request)
{
	if (strcmp(json_string_at(request->spec, "username"), request->subject.common_name) == 0) {
		return true;
	}
	return !request->server &&
	       has_text(json_object_get(request->spec, "groups"), BOOTSTRAP_GROUP);
}

static bool may_be_approved(const struct view *view, const struct request *request)
{
	return subject_fits(request) && asker_fits(request) && usages_fit(request) &&
	       names_fit(view, request);
}

/* ---- what is done ---- */

static json_t *condition(const struct view *view, const char *type, const char *reason,
			 const char *message)
{
	char now[TIMESTAMP_TEXT];

	timestamp_format(view->now / (int64_t)NS_PER_S, now);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", type, "status", "True", "reason",
			 reason, "message", message, "lastUpdateTime", now, "lastTransitionTime",
			 now);
}

static void patch_status(struct plan *plan, struct object *object, const char *subresource,
			 const char *member, json_t *value)
{
	plan_patch(plan, &kind_certificate_signing_request, STR_NONE, object->name, subresource,
		   json_pack("{s:{s:o}}", "status", member, value));
	plan_tolerate(plan, "NotFound");
}

static void plan_condition(const struct view *view, struct plan *plan, struct object *object,
			   const char *subresource, json_t *added)
{
	const json_t *old = json_at(object_tree(object), "status.conditions");
	json_t *conditions = old != NULL ? json_deep_copy(old) : json_array();

	json_array_append_new(conditions, added);
	patch_status(plan, object, subresource, "conditions", conditions);
}

static void sign(const struct view *view, struct plan *plan, struct object *object,
		 struct request *request)
{
	const struct controller_settings *settings = view->settings;
	struct pki_pair ca = { .certificate = (char *)settings->ca_certificate,
			       .key = (char *)settings->ca_key };
	int64_t seconds = json_int_at(request->spec, "expirationSeconds", YEAR);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(2 * REQUEST_MAX);
	_cleanup_free_ char *certificate = NULL;

	seconds = seconds < YEAR ? seconds : YEAR;
	if (pki_csr_sign(&ca, buffer_text(&request->pem), request->server, seconds, &certificate) !=
	    0) {
		plan_condition(view, plan, object, "status",
			       condition(view, "Failed", "SigningFailed",
					 "the request could not be signed"));
		return;
	}
	base64_encode(str_from(certificate), &text);
	patch_status(plan, object, "status", "certificate", json_stringn(text.p, text.n));
}

/* What is decided, and what nobody decides, goes after a time. */
static void expire(const struct view *view, struct plan *plan, struct object *object, bool decided)
{
	int64_t created;
	int64_t keep = (decided ? KEEP_DECIDED : KEEP_PENDING) * (int64_t)NS_PER_S;

	if (timestamp_parse(json_string_at(object_tree(object), "metadata.creationTimestamp"),
			    &created) != 0) {
		return;
	}
	if (view->now - created >= keep) {
		plan_delete(plan, object, -1, PLAN_BACKGROUND);
		plan_tolerate(plan, "NotFound");
	} else {
		plan_requeue(plan, (uint64_t)(keep - (view->now - created)));
	}
}

/* Reads what is asked for; false: it is not for us, or no request at all. */
static bool read_request(struct object *object, struct request *ret)
{
	const json_t *tree = object_tree(object);
	const char *signer = json_string_at(tree, "spec.signerName");

	*ret = (struct request){
		.tree = tree,
		.spec = json_object_get(tree, "spec"),
		.pem = BUFFER_INIT(REQUEST_MAX),
		.server = strcmp(signer, SERVING_SIGNER) == 0,
	};
	if (!ret->server && strcmp(signer, CLIENT_SIGNER) != 0) {
		return false;
	}
	if (!base64_decode(str_from(json_string_at(tree, "spec.request")), &ret->pem) ||
	    pki_csr_read(buffer_text(&ret->pem), &ret->subject) != 0) {
		buffer_deinit(&ret->pem);
		return false;
	}
	return true;
}

static void decide(const struct view *view, struct plan *plan, struct object *object)
{
	struct request request;

	if (!read_request(object, &request)) {
		return;
	}
	if (has_condition(request.tree, "Approved")) {
		/* Somebody may approve what no kubelet is to have: it is not signed as one. */
		if (subject_fits(&request) && usages_fit(&request)) {
			sign(view, plan, object, &request);
		}
	} else if (may_be_approved(view, &request)) {
		plan_condition(view, plan, object, "approval",
			       condition(view, "Approved", "AutoApproved",
					 "a node may have this certificate"));
	}
	pki_subject_deinit(&request.subject);
	buffer_deinit(&request.pem);
}

static void reconcile(const struct view *view, struct str key, struct plan *plan)
{
	const struct controller_settings *settings = view->settings;
	struct object *object =
		cache_get(view->cache, &kind_certificate_signing_request, STR_NONE, key);
	bool decided;

	if (object == NULL || object_is_deleting(object)) {
		return;
	}
	const json_t *tree = object_tree(object);

	decided = has_condition(tree, "Denied") || has_condition(tree, "Failed") ||
		  json_string_at(tree, "status.certificate")[0] != '\0';
	if (!decided && settings != NULL && settings->ca_key != NULL) {
		decide(view, plan, object);
	}
	expire(view, plan, object, decided);
}

const struct controller controller_certificates = {
	.name = "certificate-controller",
	.sources = { { .kind = &kind_certificate_signing_request, .keys = source_self } },
	.also = { &kind_node },
	.reconcile = reconcile,
};
