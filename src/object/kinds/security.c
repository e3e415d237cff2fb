/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds/types.h"

/*
 * What the processes of a container or pod may do.
 */

static const struct field capabilities_fields[] = {
	ROW(STRING, "add", 1, "Capabilities to give.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "drop", 2, "Capabilities to take away; ALL for all of them.",
	    .shape = FIELD_LIST, .flags = FIELD_LIST_ATOMIC),
};

static const struct type type_capabilities = {
	.name = "io.k8s.api.core.v1.Capabilities",
	.doc = "Linux capabilities beside those the runtime gives.",
	SCHEMA_TABLE(capabilities_fields),
};

static const struct field selinux_options_fields[] = {
	ROW(STRING, "user", 1, "User part."),
	ROW(STRING, "role", 2, "Role part."),
	ROW(STRING, "type", 3, "Type part."),
	ROW(STRING, "level", 4, "Level part."),
};

static const struct type type_selinux_options = {
	.name = "io.k8s.api.core.v1.SELinuxOptions",
	.doc = "The SELinux label of processes.",
	SCHEMA_TABLE(selinux_options_fields),
};

static const struct field windows_security_context_options_fields[] = {
	ROW(STRING, "gmsaCredentialSpecName", 1, "Name of the GMSA credential spec.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "gmsaCredentialSpec", 2, "The GMSA credential spec itself.",
	    .flags = FIELD_POINTER),
	ROW(STRING, "runAsUserName", 3, "User to run as.", .flags = FIELD_POINTER),
	ROW(BOOL, "hostProcess", 4, "Run on the host, outside of any container.",
	    .flags = FIELD_POINTER),
};

static const struct type type_windows_security_context_options = {
	.name = "io.k8s.api.core.v1.WindowsSecurityContextOptions",
	.doc = "Settings for Windows.",
	SCHEMA_TABLE(windows_security_context_options_fields),
};

static const struct field seccomp_profile_fields[] = {
	ROW(STRING, "type", 1, "RuntimeDefault, Localhost or Unconfined.", .flags = FIELD_REQUIRED,
	    .one_of = "Localhost|RuntimeDefault|Unconfined"),
	ROW(STRING, "localhostProfile", 2, "File of the profile on the node, for Localhost.",
	    .flags = FIELD_POINTER),
};

static const struct type type_seccomp_profile = {
	.name = "io.k8s.api.core.v1.SeccompProfile",
	.doc = "Which system calls are allowed.",
	SCHEMA_TABLE(seccomp_profile_fields),
};

static const struct field app_armor_profile_fields[] = {
	ROW(STRING, "type", 1, "RuntimeDefault, Localhost or Unconfined.", .flags = FIELD_REQUIRED,
	    .one_of = "Localhost|RuntimeDefault|Unconfined"),
	ROW(STRING, "localhostProfile", 2, "Name of a profile loaded on the node, for Localhost.",
	    .flags = FIELD_POINTER),
};

static const struct type type_app_armor_profile = {
	.name = "io.k8s.api.core.v1.AppArmorProfile",
	.doc = "Which AppArmor profile holds.",
	SCHEMA_TABLE(app_armor_profile_fields),
};

static const struct field security_context_fields[] = {
	ROW(MESSAGE, "capabilities", 1, "Linux capabilities to add and drop.",
	    .message = &type_capabilities, .flags = FIELD_POINTER),
	ROW(BOOL, "privileged", 2, "Run with all the rights of the node's root.",
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "seLinuxOptions", 3, "SELinux label.", .message = &type_selinux_options,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "windowsOptions", 10, "Settings for Windows.",
	    .message = &type_windows_security_context_options, .flags = FIELD_POINTER),
	ROW(INT64, "runAsUser", 4, "User ID to run as; the image's own when absent.",
	    .flags = FIELD_POINTER),
	ROW(INT64, "runAsGroup", 8, "Group ID to run as.", .flags = FIELD_POINTER),
	ROW(BOOL, "runAsNonRoot", 5, "Refuse to start as user 0.", .flags = FIELD_POINTER),
	ROW(BOOL, "readOnlyRootFilesystem", 6, "Make the container's root file system read-only.",
	    .flags = FIELD_POINTER),
	ROW(BOOL, "allowPrivilegeEscalation", 7,
	    "Whether a process may gain more rights than its parent.", .flags = FIELD_POINTER),
	ROW(STRING, "procMount", 9, "How /proc is mounted: Default or Unmasked.",
	    .flags = FIELD_POINTER, .one_of = "Default|Unmasked"),
	ROW(MESSAGE, "seccompProfile", 11, "Which system calls are allowed; wins over the pod's.",
	    .message = &type_seccomp_profile, .flags = FIELD_POINTER),
	ROW(MESSAGE, "appArmorProfile", 12, "Which AppArmor profile holds; wins over the pod's.",
	    .message = &type_app_armor_profile, .flags = FIELD_POINTER),
};

const struct type type_security_context = {
	.name = "io.k8s.api.core.v1.SecurityContext",
	.doc = "What the processes of a container may do.",
	SCHEMA_TABLE(security_context_fields),
};

static const struct field sysctl_fields[] = {
	ROW(STRING, "name", 1, "Name of the parameter.", .flags = FIELD_REQUIRED),
	ROW(STRING, "value", 2, "Its value.", .flags = FIELD_EXPECTED),
};

static const struct type type_sysctl = {
	.name = "io.k8s.api.core.v1.Sysctl",
	.doc = "A kernel parameter of the pod.",
	SCHEMA_TABLE(sysctl_fields),
};

static const struct field pod_security_context_fields[] = {
	ROW(MESSAGE, "seLinuxOptions", 1, "SELinux label.", .message = &type_selinux_options,
	    .flags = FIELD_POINTER),
	ROW(MESSAGE, "windowsOptions", 8, "Settings for Windows.",
	    .message = &type_windows_security_context_options, .flags = FIELD_POINTER),
	ROW(INT64, "runAsUser", 2, "User ID to run as.", .flags = FIELD_POINTER),
	ROW(INT64, "runAsGroup", 6, "Group ID to run as.", .flags = FIELD_POINTER),
	ROW(BOOL, "runAsNonRoot", 3, "Refuse to start as user 0.", .flags = FIELD_POINTER),
	ROW(INT64, "supplementalGroups", 4,
	    "Further groups of the first process of each container.", .shape = FIELD_LIST,
	    .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "supplementalGroupsPolicy", 12,
	    "Whether groups of the image are added: Merge, or Strict for not.",
	    .flags = FIELD_POINTER, .one_of = "Merge|Strict"),
	ROW(INT64, "fsGroup", 5, "Group that owns the files of volumes.", .flags = FIELD_POINTER),
	ROW(MESSAGE, "sysctls", 7, "Kernel parameters of the pod.", .shape = FIELD_LIST,
	    .message = &type_sysctl, .flags = FIELD_LIST_ATOMIC),
	ROW(STRING, "fsGroupChangePolicy", 9,
	    "When volumes change their group: Always, or OnRootMismatch.", .flags = FIELD_POINTER,
	    .one_of = "Always|OnRootMismatch"),
	ROW(MESSAGE, "seccompProfile", 10, "Which system calls are allowed.",
	    .message = &type_seccomp_profile, .flags = FIELD_POINTER),
	ROW(MESSAGE, "appArmorProfile", 11, "Which AppArmor profile holds.",
	    .message = &type_app_armor_profile, .flags = FIELD_POINTER),
	ROW(STRING, "seLinuxChangePolicy", 13,
	    "How volumes get their label: MountOption or Recursive.", .flags = FIELD_POINTER,
	    .one_of = "MountOption|Recursive"),
};

const struct type type_pod_security_context = {
	.name = "io.k8s.api.core.v1.PodSecurityContext",
	.doc = "What the processes of all containers may do.",
	SCHEMA_TABLE(pod_security_context_fields),
};
