/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a pod asks of its node: its containers together, or its largest init container.
 * https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
 */
#include "control/resources.h"

#include "object/quantity.h"
#include "json/json.h"

static int64_t number_of(const json_t *numbers, const char *name)
{
	return json_integer_value(json_object_get(numbers, name));
}

/* The requests of one container as numbers; new reference. */
static json_t *numbers_of(const json_t *quantities)
{
	json_t *numbers = json_object();
	const char *name;
	json_t *quantity;

	json_object_foreach ((json_t *)quantities, name, quantity) {
		json_object_set_new(numbers, name, json_integer(quantity_milli(quantity)));
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
