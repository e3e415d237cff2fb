/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * What the processes of a container or pod may do.
 */

static const struct field capabilities_fields[] = {
	ROW(STRING, "add", 1, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "drop", 2, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_capabilities = {
	.name = "io.k8s.api.core.v1.Capabilities",
	.doc = "",
	SCHEMA_TABLE(capabilities_fields),
};

static const struct field selinux_options_fields[] = {
	ROW(STRING, "user", 1, ""),
	ROW(STRING, "role", 2, ""),
	ROW(STRING, "type", 3, ""),
	ROW(STRING, "level", 4, ""),
};

static const struct type type_selinux_options = {
	.name = "io.k8s.api.core.v1.SELinuxOptions",
	.doc = "",
	SCHEMA_TABLE(selinux_options_fields),
};

static const struct field windows_security_context_options_fields[] = {
	ROW(STRING, "gmsaCredentialSpecName", 1, "", .flags = FIELD_POINTER),
	ROW(STRING, "gmsaCredentialSpec", 2, "", .flags = FIELD_POINTER),
	ROW(STRING, "runAsUserName", 3, "", .flags = FIELD_POINTER),
	ROW(BOOL, "hostProcess", 4, "", .flags = FIELD_POINTER),
};

static const struct type type_windows_security_context_options = {
	.name = "io.k8s.api.core.v1.WindowsSecurityContextOptions",
	.doc = "",
	SCHEMA_TABLE(windows_security_context_options_fields),
};

static const struct field seccomp_profile_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_REQUIRED,
	    .one_of = "Localhost|RuntimeDefault|Unconfined"),
	ROW(STRING, "localhostProfile", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_seccomp_profile = {
	.name = "io.k8s.api.core.v1.SeccompProfile",
	.doc = "",
	SCHEMA_TABLE(seccomp_profile_fields),
};

static const struct field app_armor_profile_fields[] = {
	ROW(STRING, "type", 1, "", .flags = FIELD_REQUIRED,
	    .one_of = "Localhost|RuntimeDefault|Unconfined"),
	ROW(STRING, "localhostProfile", 2, "", .flags = FIELD_POINTER),
};

static const struct type type_app_armor_profile = {
	.name = "io.k8s.api.core.v1.AppArmorProfile",
	.doc = "",
	SCHEMA_TABLE(app_armor_profile_fields),
};

static const struct field security_context_fields[] = {
	ROW(MESSAGE, "capabilities", 1, "", .message = &type_capabilities, .flags = FIELD_POINTER),
	ROW(BOOL, "privileged", 2, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "seLinuxOptions", 3, "", .message = &type_selinux_options,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "windowsOptions", 10, "", .message = &type_windows_security_context_options,
	    .flags = FIELD_POINTER),
	ROW(INT64, "runAsUser", 4, "", .flags = FIELD_POINTER),
	ROW(INT64, "runAsGroup", 8, "", .flags = FIELD_POINTER),
	ROW(BOOL, "runAsNonRoot", 5, "", .flags = FIELD_POINTER),
	ROW(BOOL, "readOnlyRootFilesystem", 6, "", .flags = FIELD_POINTER),
	ROW(BOOL, "allowPrivilegeEscalation", 7, "", .flags = FIELD_POINTER),
	ROW(STRING, "procMount", 9, "", .flags = FIELD_POINTER, .one_of = "Default|Unmasked"),
	ROW(MESSAGE, "seccompProfile", 11, "", .message = &type_seccomp_profile,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "appArmorProfile", 12, "", .message = &type_app_armor_profile,
	    .flags = FIELD_POINTER),
};

const struct type type_security_context = {
	.name = "io.k8s.api.core.v1.SecurityContext",
	.doc = "",
	SCHEMA_TABLE(security_context_fields),
};

static const struct field sysctl_fields[] = {
	ROW(STRING, "name", 1, "", .flags = FIELD_REQUIRED),
	ROW(STRING, "value", 2, "", .flags = FIELD_EXPECTED),
};

static const struct type type_sysctl = {
	.name = "io.k8s.api.core.v1.Sysctl",
	.doc = "",
	SCHEMA_TABLE(sysctl_fields),
};

static const struct field pod_security_context_fields[] = {
	ROW(MESSAGE, "seLinuxOptions", 1, "", .message = &type_selinux_options,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "windowsOptions", 8, "", .message = &type_windows_security_context_options,
	    .flags = FIELD_POINTER),
	ROW(INT64, "runAsUser", 2, "", .flags = FIELD_POINTER),
	ROW(INT64, "runAsGroup", 6, "", .flags = FIELD_POINTER),
	ROW(BOOL, "runAsNonRoot", 3, "", .flags = FIELD_POINTER),
	ROW(INT64, "supplementalGroups", 4, "", .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "supplementalGroupsPolicy", 12, "", .flags = FIELD_POINTER,
	    .one_of = "Merge|Strict"),
	ROW(INT64, "fsGroup", 5, "", .flags = FIELD_POINTER),
	ROW(MESSAGE, "sysctls", 7, "", .shape = FIELD_LIST, .message = &type_sysctl,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "fsGroupChangePolicy", 9, "", .flags = FIELD_POINTER,
	    .one_of = "Always|OnRootMismatch"),
	ROW(MESSAGE, "seccompProfile", 10, "", .message = &type_seccomp_profile,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "appArmorProfile", 11, "", .message = &type_app_armor_profile,
	    .flags = FIELD_POINTER),
	ROW(STRING, "seLinuxChangePolicy", 13, "", .flags = FIELD_POINTER,
	    .one_of = "MountOption|Recursive"),
};

const struct type type_pod_security_context = {
	.name = "io.k8s.api.core.v1.PodSecurityContext",
	.doc = "",
	SCHEMA_TABLE(pod_security_context_fields),
};
