/* SPDX-License-Identifier: Apache-2.0 */
#include "object/kinds.h"

#include <string.h>

#include "object/field_errors.h"
#include "object/kinds/cells.h"
#include "object/kinds/rules.h"
#include "object/kinds/storage.h"
#include "object/kinds/types.h"
#include "json/json.h"

/*
 * A claim as an object of its own; its rows (volume_claim.c) are those of claim templates too.
 */

#define FINALIZER "kubernetes.io/pvc-protection"

static json_t *cell_volume(const json_t *claim, int64_t now)
{
	return cell_string_at(claim, "spec.volumeName", "");
}

static bool has_volume(const json_t *claim)
{
	return json_string_at(claim, "spec.volumeName")[0] != '\0';
}

static json_t *cell_capacity(const json_t *claim, int64_t now)
{
	return has_volume(claim) ? cell_string_at(claim, "status.capacity.storage", "0")
				 : json_string("");
}

static json_t *cell_modes(const json_t *claim, int64_t now)
{
	return storage_modes_cell(has_volume(claim) ? json_at(claim, "status.accessModes") : NULL);
}

static json_t *cell_class(const json_t *claim, int64_t now)
{
	return cell_string_at(claim, "spec.storageClassName", "");
}

static const struct column claim_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", "string", storage_phase_cell, "Pending, Bound or Lost."),
	COLUMN("Volume", "string", cell_volume, "The volume it is bound to."),
	COLUMN("Capacity", "string", cell_capacity, "How much the volume holds."),
	COLUMN("Access Modes", "string", cell_modes, "How the volume can be mounted."),
	COLUMN("StorageClass", "string", cell_class, "Class of the storage."),
	COLUMN("VolumeAttributesClass", "string", storage_attributes_cell,
	       "Class of attributes that can be changed later."),
	COLUMN_AGE,
	COLUMN("VolumeMode", "string", storage_mode_cell, "File system or raw device.",
	       .priority = 1),
};

static void claim_create(json_t *claim)
{
	json_object_del(claim, "status");
	storage_add_finalizer(claim, FINALIZER);
}

static void claim_check(const json_t *claim, struct field_errors *errors)
{
	const json_t *spec = json_object_get(claim, "spec");

	if (json_array_size(json_object_get(spec, "accessModes")) == 0) {
		field_errors_add(errors, FIELD_ERROR_REQUIRED, "spec.accessModes", NULL,
				 "at least 1 access mode is required");
	}
	storage_check_exclusive(spec, errors);
	storage_check_amount(json_at(spec, "resources.requests.storage"), "spec.resources[storage]",
			     errors);
}

/*
 * What was asked for stands. A volume may be named once, a class put in where none was said, and
 * the size of a bound claim may grow.
 */
static void claim_check_update(const json_t *claim, const json_t *old, struct field_errors *errors)
{
	const json_t *spec = json_object_get(claim, "spec");
	const json_t *old_spec = json_object_get(old, "spec");
	const char *allowed[4] = { "resources", "volumeAttributesClassName" };
	size_t n = 2;

	if (!has_volume(old)) {
		allowed[n++] = "volumeName";
	}
	if (json_object_get(old_spec, "storageClassName") == NULL) {
		allowed[n++] = "storageClassName";
	}
	const char *const list[] = { allowed[0], allowed[1], n > 2 ? allowed[2] : NULL,
				     n > 3 ? allowed[3] : NULL, NULL };

	if (!rule_only_changes(spec, old_spec, list)) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec", NULL,
				 "spec is immutable after creation except resources.requests and "
				 "volumeAttributesClassName for bound claims");
	}
	const json_t *size = json_at(spec, "resources.requests.storage");

	/* The volume that was found may be larger than what was asked for all along. */
	if (storage_is_less(size, json_at(old_spec, "resources.requests.storage")) &&
	    storage_is_less(size, json_at(old, "status.capacity.storage"))) {
		field_errors_add(errors, FIELD_ERROR_FORBIDDEN, "spec.resources.requests.storage",
				 NULL, "field can not be less than status.capacity");
	}
}

const struct kind kind_persistent_volume_claim = {
	.group = "",
	.version = "v1",
	.kind = "PersistentVolumeClaim",
	.plural = "persistentvolumeclaims",
	.singular = "persistentvolumeclaim",
	.short_names = "pvc",
	.type = &type_persistent_volume_claim,
	.flags = KIND_NAMESPACED | KIND_STATUS | KIND_UNCONDITIONAL_UPDATE,
	.name_format = FORMAT_DNS_SUBDOMAIN,
	KIND_COLUMNS(claim_columns),
	.create = claim_create,
	.check = claim_check,
	.check_update = claim_check_update,
};
