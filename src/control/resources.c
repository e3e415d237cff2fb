/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod asks of its node: its containers together, or its largest init container.
 * https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
 */
#include "control/resources.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "object/quantity.h"
#include "json/json.h"

enum { QUANTITY_TEXT = 64 };

/* Thousandths that one of a suffix stands for; 0 when it is none. */
static double suffix_milli(const char *suffix)
{
	static const char decimal[] = "num kMGTPE";
	static const char binary[] = "KMGTPE";
	double milli = 1000;

	if (suffix[0] == 'e' || (suffix[0] == 'E' && suffix[1] != '\0' && suffix[1] != 'i')) {
		for (long n = strtol(suffix + 1, NULL, 10); n > 0; n--) {
			milli *= 10;
		}
		return milli;
	}
	if (suffix[0] != '\0' && suffix[1] == 'i') {
		for (const char *at = binary; *at != '\0'; at++) {
			milli *= 1024;
			if (*at == suffix[0]) {
				return milli;
			}
		}
		return 0;
	}
	const char *at = strchr(decimal, suffix[0] != '\0' ? suffix[0] : ' ');

	milli = 1e-6;
	for (const char *c = decimal; at != NULL && c < at; c++) {
		milli *= 1000;
	}
	return at != NULL ? milli : 0;
}

int64_t resource_milli(const char *quantity)
{
	struct buffer canonical _cleanup_buffer_ = BUFFER_INIT(QUANTITY_TEXT);
	char *suffix = NULL;

	if (!quantity_canonical(str_from(quantity), &canonical)) {
		return 0;
	}
	long long number = strtoll(buffer_text(&canonical), &suffix, 10);
	double milli = (double)number * suffix_milli(suffix);

	return milli >= (double)INT64_MAX / 4 ? INT64_MAX / 4 : (int64_t)(milli + 0.5);
}

static int64_t number_of(const json_t *numbers, const char *name)
{
	return json_integer_value(json_object_get(numbers, name));
}

int64_t resource_number(const json_t *quantity)
{
	return json_is_integer(quantity) ? json_integer_value(quantity) * 1000
					 : resource_milli(json_string_value(quantity));
}

/* The requests of one container as numbers; new reference. */
static json_t *numbers_of(const json_t *quantities)
{
	json_t *numbers = json_object();
	const char *name;
	json_t *quantity;

	json_object_foreach ((json_t *)quantities, name, quantity) {
		json_object_set_new(numbers, name, json_integer(resource_number(quantity)));
	}
	return numbers;
}

void resource_add(json_t *sum, const json_t *more)
{
	const char *name;
	json_t *number;

	json_object_foreach ((json_t *)more, name, number) {
		json_object_set_new(
			sum, name, json_integer(number_of(sum, name) + json_integer_value(number)));
	}
}

json_t *resource_requests(struct object *pod)
{
	const json_t *spec = json_object_get(object_tree(pod), "spec");
	json_t *sum = json_object();
	json_t *overhead = numbers_of(json_object_get(spec, "overhead"));
	const json_t *container;
	size_t i;

	json_array_foreach (json_object_get(spec, "containers"), i, container) {
		json_t *numbers = numbers_of(json_at(container, "resources.requests"));

		resource_add(sum, numbers);
		json_decref(numbers);
	}
	json_array_foreach (json_object_get(spec, "initContainers"), i, container) {
		json_t *numbers = numbers_of(json_at(container, "resources.requests"));
		const char *name;
		json_t *number;

		json_object_foreach (numbers, name, number) {
			if (json_integer_value(number) > number_of(sum, name)) {
				json_object_set(sum, name, number);
			}
		}
		json_decref(numbers);
	}
	resource_add(sum, overhead);
	json_decref(overhead);
	return sum;
}
