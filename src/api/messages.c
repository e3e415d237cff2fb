/* SPDX-License-Identifier: Apache-2.0 */
#include "api/messages.h"

#include "object/kinds/types.h"
#include "object/meta.h"

#define MESSAGE_TYPE(identifier, type_name, rows)                                                  \
	static const struct type identifier = { .name = (type_name), .doc = "", SCHEMA_TABLE(rows) }

#define MESSAGE_KIND(identifier, kind_group, kind_version, kind_name, kind_plural, kind_type,      \
		     kind_flags)                                                                   \
	const struct kind identifier = {                                                           \
		.group = (kind_group),                                                             \
		.version = (kind_version),                                                         \
		.kind = (kind_name),                                                               \
		.plural = (kind_plural),                                                           \
		.singular = "",                                                                    \
		.type = &(kind_type),                                                              \
		.flags = (kind_flags),                                                             \
	}

MESSAGE_KIND(kind_delete_options, "meta.k8s.io", "v1", "DeleteOptions", "", type_delete_options, 0);
MESSAGE_KIND(kind_status, "", "v1", "Status", "", type_status, 0);

/* ---- subresources ---- */

MESSAGE_KIND(kind_scale, "autoscaling", "v1", "Scale", "scale", type_scale, KIND_NAMESPACED);

static const struct field binding_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "target", 2, "", .message = &type_object_reference),
};
MESSAGE_TYPE(type_binding, "io.k8s.api.core.v1.Binding", binding_fields);
MESSAGE_KIND(kind_binding, "", "v1", "Binding", "bindings", type_binding, KIND_NAMESPACED);

static const struct field eviction_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "deleteOptions", 2, "", .message = &type_delete_options,
	    .flags = FIELD_POINTER),
};
MESSAGE_TYPE(type_eviction, "io.k8s.api.policy.v1.Eviction", eviction_fields);
MESSAGE_KIND(kind_eviction, "policy", "v1", "Eviction", "pods", type_eviction, KIND_NAMESPACED);

/* ---- authorization.k8s.io ---- */

static const struct field selector_requirement_fields[] = {
	ROW(STRING, "key", 1, ""),
	ROW(STRING, "operator", 2, ""),
	ROW(STRING, "values", 3, "", .shape = FIELD_LIST),
};
MESSAGE_TYPE(type_selector_requirement,
	     "io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement",
	     selector_requirement_fields);

static const struct field selector_attributes_fields[] = {
	ROW(STRING, "rawSelector", 1, ""),
	ROW(MESSAGE, "requirements", 2, "", .shape = FIELD_LIST,
	    .message = &type_selector_requirement),
};
MESSAGE_TYPE(type_selector_attributes, "io.k8s.api.authorization.v1.SelectorAttributes",
	     selector_attributes_fields);

static const struct field resource_attributes_fields[] = {
	ROW(STRING, "namespace", 1, ""),
	ROW(STRING, "verb", 2, ""),
	ROW(STRING, "group", 3, ""),
	ROW(STRING, "version", 4, ""),
	ROW(STRING, "resource", 5, ""),
	ROW(STRING, "subresource", 6, ""),
	ROW(STRING, "name", 7, ""),
	ROW(MESSAGE, "fieldSelector", 8, "", .message = &type_selector_attributes,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "labelSelector", 9, "", .message = &type_selector_attributes,
	    .flags = FIELD_POINTER),
};
MESSAGE_TYPE(type_resource_attributes, "io.k8s.api.authorization.v1.ResourceAttributes",
	     resource_attributes_fields);

static const struct field path_attributes_fields[] = {
	ROW(STRING, "path", 1, ""),
	ROW(STRING, "verb", 2, ""),
};
MESSAGE_TYPE(type_path_attributes, "io.k8s.api.authorization.v1.NonResourceAttributes",
	     path_attributes_fields);

/* The self reviews ask for whoever asks, the others name a user. One message serves them all. */
static const struct field access_spec_fields[] = {
	ROW(MESSAGE, "resourceAttributes", 1, "", .message = &type_resource_attributes,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "nonResourceAttributes", 2, "", .message = &type_path_attributes,
	    .flags = FIELD_POINTER),
	ROW(STRING, "user", 3, ""),
	ROW(STRING, "groups", 4, "", .shape = FIELD_LIST),
	ROW(STRING, "uid", 6, ""),
};
MESSAGE_TYPE(type_access_spec, "io.k8s.api.authorization.v1.SubjectAccessReviewSpec",
	     access_spec_fields);

static const struct field access_status_fields[] = {
	ROW(BOOL, "allowed", 1, "", .flags = FIELD_EXPECTED),
	ROW(BOOL, "denied", 4, ""),
	ROW(STRING, "reason", 2, ""),
	ROW(STRING, "evaluationError", 3, ""),
};
MESSAGE_TYPE(type_access_status, "io.k8s.api.authorization.v1.SubjectAccessReviewStatus",
	     access_status_fields);

static const struct field access_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_access_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_access_status),
};
MESSAGE_TYPE(type_access, "io.k8s.api.authorization.v1.SubjectAccessReview", access_fields);
MESSAGE_KIND(kind_self_subject_access_review, "authorization.k8s.io", "v1",
	     "SelfSubjectAccessReview", "selfsubjectaccessreviews", type_access, 0);
MESSAGE_KIND(kind_subject_access_review, "authorization.k8s.io", "v1", "SubjectAccessReview",
	     "subjectaccessreviews", type_access, 0);
MESSAGE_KIND(kind_local_subject_access_review, "authorization.k8s.io", "v1",
	     "LocalSubjectAccessReview", "localsubjectaccessreviews", type_access, KIND_NAMESPACED);

static const struct field resource_rule_fields[] = {
	ROW(STRING, "verbs", 1, "", .shape = FIELD_LIST),
	ROW(STRING, "apiGroups", 2, "", .shape = FIELD_LIST),
	ROW(STRING, "resources", 3, "", .shape = FIELD_LIST),
	ROW(STRING, "resourceNames", 4, "", .shape = FIELD_LIST),
};
MESSAGE_TYPE(type_resource_rule, "io.k8s.api.authorization.v1.ResourceRule", resource_rule_fields);

static const struct field path_rule_fields[] = {
	ROW(STRING, "verbs", 1, "", .shape = FIELD_LIST),
	ROW(STRING, "nonResourceURLs", 2, "", .shape = FIELD_LIST),
};
MESSAGE_TYPE(type_path_rule, "io.k8s.api.authorization.v1.NonResourceRule", path_rule_fields);

static const struct field rules_status_fields[] = {
	ROW(MESSAGE, "resourceRules", 1, "", .shape = FIELD_LIST, .message = &type_resource_rule),
	ROW(MESSAGE, "nonResourceRules", 2, "", .shape = FIELD_LIST, .message = &type_path_rule),
	ROW(BOOL, "incomplete", 3, "", .flags = FIELD_EXPECTED),
	ROW(STRING, "evaluationError", 4, ""),
};
MESSAGE_TYPE(type_rules_status, "io.k8s.api.authorization.v1.SubjectRulesReviewStatus",
	     rules_status_fields);

static const struct field rules_spec_fields[] = {
	ROW(STRING, "namespace", 1, ""),
};
MESSAGE_TYPE(type_rules_spec, "io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec",
	     rules_spec_fields);

static const struct field rules_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_rules_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_rules_status),
};
MESSAGE_TYPE(type_rules, "io.k8s.api.authorization.v1.SelfSubjectRulesReview", rules_fields);
MESSAGE_KIND(kind_self_subject_rules_review, "authorization.k8s.io", "v1", "SelfSubjectRulesReview",
	     "selfsubjectrulesreviews", type_rules, 0);

/* ---- authentication.k8s.io ---- */

static const struct field user_fields[] = {
	ROW(STRING, "username", 1, ""),
	ROW(STRING, "uid", 2, ""),
	ROW(STRING, "groups", 3, "", .shape = FIELD_LIST),
};
MESSAGE_TYPE(type_user, "io.k8s.api.authentication.v1.UserInfo", user_fields);

static const struct field self_status_fields[] = {
	ROW(MESSAGE, "userInfo", 1, "", .message = &type_user),
};
MESSAGE_TYPE(type_self_status, "io.k8s.api.authentication.v1.SelfSubjectReviewStatus",
	     self_status_fields);

static const struct field self_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "status", 2, "", .message = &type_self_status),
};
MESSAGE_TYPE(type_self, "io.k8s.api.authentication.v1.SelfSubjectReview", self_fields);
MESSAGE_KIND(kind_self_subject_review, "authentication.k8s.io", "v1", "SelfSubjectReview",
	     "selfsubjectreviews", type_self, 0);

static const struct field token_review_spec_fields[] = {
	ROW(STRING, "token", 1, ""),
	ROW(STRING, "audiences", 2, "", .shape = FIELD_LIST),
};
MESSAGE_TYPE(type_token_review_spec, "io.k8s.api.authentication.v1.TokenReviewSpec",
	     token_review_spec_fields);

static const struct field token_review_status_fields[] = {
	ROW(BOOL, "authenticated", 1, ""),
	ROW(MESSAGE, "user", 2, "", .message = &type_user),
	ROW(STRING, "error", 3, ""),
	ROW(STRING, "audiences", 4, "", .shape = FIELD_LIST),
};
MESSAGE_TYPE(type_token_review_status, "io.k8s.api.authentication.v1.TokenReviewStatus",
	     token_review_status_fields);

static const struct field token_review_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_token_review_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_token_review_status),
};
MESSAGE_TYPE(type_token_review, "io.k8s.api.authentication.v1.TokenReview", token_review_fields);
MESSAGE_KIND(kind_token_review, "authentication.k8s.io", "v1", "TokenReview", "tokenreviews",
	     type_token_review, 0);

static const struct field bound_object_fields[] = {
	ROW(STRING, "kind", 1, ""),
	ROW(STRING, "apiVersion", 2, ""),
	ROW(STRING, "name", 3, ""),
	ROW(STRING, "uid", 4, ""),
};
MESSAGE_TYPE(type_bound_object, "io.k8s.api.authentication.v1.BoundObjectReference",
	     bound_object_fields);

static const struct field token_request_spec_fields[] = {
	ROW(STRING, "audiences", 1, "", .shape = FIELD_LIST),
	ROW(INT64, "expirationSeconds", 4, "", .flags = FIELD_POINTER, .default_json = "3600"),
	ROW(MESSAGE, "boundObjectRef", 3, "", .message = &type_bound_object,
	    .flags = FIELD_POINTER),
};
MESSAGE_TYPE(type_token_request_spec, "io.k8s.api.authentication.v1.TokenRequestSpec",
	     token_request_spec_fields);

static const struct field token_request_status_fields[] = {
	ROW(STRING, "token", 1, "", .flags = FIELD_EXPECTED),
	ROW(TIME, "expirationTimestamp", 2, ""),
};
MESSAGE_TYPE(type_token_request_status, "io.k8s.api.authentication.v1.TokenRequestStatus",
	     token_request_status_fields);

static const struct field token_request_fields[] = {
	KIND_ROWS,
	ROW(MESSAGE, "spec", 2, "", .message = &type_token_request_spec),
	ROW(MESSAGE, "status", 3, "", .message = &type_token_request_status),
};
MESSAGE_TYPE(type_token_request, "io.k8s.api.authentication.v1.TokenRequest", token_request_fields);
MESSAGE_KIND(kind_token_request, "authentication.k8s.io", "v1", "TokenRequest", "serviceaccounts",
	     type_token_request, KIND_NAMESPACED);
