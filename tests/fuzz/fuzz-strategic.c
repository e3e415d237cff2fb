/* SPDX-License-Identifier: Apache-2.0 */
/* {"target": …, "patch": …} as merge patches of a Pod, which leave their target alone. */
#include <assert.h>

#include "fuzz.h"
#include "object/kinds.h"
#include "object/prepare.h"
#include "json/json.h"
#include "json/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *input = NULL;
	_cleanup_json_ json_t *strategic = NULL;
	struct json_read_error error;
	struct patch_message message;

	json_read((struct str){ .p = (const char *)data, .n = size }, NULL, &input, &error);
	const json_t *target = json_at(input, "target");
	const json_t *patch = json_at(input, "patch");
	if (target != NULL && patch != NULL) {
		_cleanup_json_ json_t *same = json_clone(target);
		_cleanup_json_ json_t *merged = json_merge_patch(same, patch);
		json_strategic_patch(same, patch, &schema_strategic, kind_pod.type, &strategic,
				     &message);
		assert(merged != NULL && json_equal(same, target));
	}
	return 0;
}
