/* SPDX-License-Identifier: Apache-2.0 */
#include "control/pod_template.h"

#include <stdio.h>

#include "control/owner.h"
#include "json/json.h"

/* FNV-1a, 32 bits. */
static int hash_bytes(const char *bytes, size_t n, void *userdata)
{
	uint32_t *hash = userdata;

	for (size_t i = 0; i < n; i++) {
		*hash = (*hash ^ (unsigned char)bytes[i]) * UINT32_C(16777619);
	}
	return 0;
}

void template_hash(const json_t *value, int64_t collisions, char ret_text[TEMPLATE_HASH_TEXT])
{
	/* Ten letters of the generated-name alphabet, one a decimal digit: no vowels, no words. */
	static const char letters[] = "456789bcdf";
	uint32_t hash = UINT32_C(2166136261);

	json_dump_callback(value, hash_bytes, &hash,
			   JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	if (collisions > 0) {
		hash_bytes((const char *)&collisions, sizeof(collisions), &hash);
	}
	snprintf(ret_text, TEMPLATE_HASH_TEXT, "%u", hash);
	for (char *c = ret_text; *c != '\0'; c++) {
		*c = letters[*c - '0'];
	}
}

json_t *template_pod(struct object *owner, const json_t *template)
{
	static const char *const kept[] = { "labels", "annotations", "finalizers" };
	const json_t *from = json_object_get(template, "metadata");
	json_t *metadata = json_pack("{s:s%, s:[o]}", "namespace", owner->space.p, owner->space.n,
				     "ownerReferences", owner_reference(owner));
	json_t *spec = json_deep_copy(json_object_get(template, "spec"));

	json_object_set_new(metadata, "generateName", json_sprintf("%.*s-", STR_ARG(owner->name)));
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(from, kept[i]);

		if (value != NULL) {
			json_object_set_new(metadata, kept[i], json_deep_copy(value));
		}
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Pod", "metadata",
			 metadata, "spec", spec != NULL ? spec : json_object());
}
