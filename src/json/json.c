/* SPDX-License-Identifier: Apache-2.0 */
/* Access by dotted path. A step is looked up with its length, so no path is ever copied. */

#include "json/json.h"

json_t *json_get(const json_t *object, struct str key)
{
	return key.n > 0 ? json_object_getn(object, key.p, key.n) : json_object_get(object, "");
}

json_t *json_clone(const json_t *value)
{
	json_t *walk = (json_t *)value;
	json_t *copy;

	if (json_is_object(value)) {
		copy = json_object();
		for (void *i = json_object_iter(walk); i != NULL;
		     i = json_object_iter_next(walk, i)) {
			json_object_setn_new_nocheck(copy, json_object_iter_key(i),
						     json_object_iter_key_len(i),
						     json_clone(json_object_iter_value(i)));
		}
	} else if (json_is_array(value)) {
		copy = json_array();
		for (size_t i = 0; i < json_array_size(value); i++) {
			json_array_append_new(copy, json_clone(json_array_get(value, i)));
		}
	} else {
		copy = json_incref(walk); /* NULL stays NULL */
	}
	return copy;
}

json_t *json_at(const json_t *value, const char *path)
{
	struct str rest = str_from(path);

	while (value != NULL && rest.p != NULL) {
		value = json_get(value, str_cut(&rest, '.'));
	}
	return (json_t *)value;
}

const char *json_string_at(const json_t *value, const char *path)
{
	const char *text = json_string_value(json_at(value, path));

	return text != NULL ? text : "";
}

int64_t json_int_at(const json_t *value, const char *path, int64_t otherwise)
{
	const json_t *found = json_at(value, path);

	return json_is_integer(found) ? json_integer_value(found) : otherwise;
}

bool json_bool_at(const json_t *value, const char *path, bool otherwise)
{
	const json_t *found = json_at(value, path);

	return json_is_boolean(found) ? json_is_true(found) : otherwise;
}

void json_put(json_t *value, const char *path, json_t *new_value)
{
	struct str rest = str_from(path);

	for (;;) {
		struct str step = str_cut(&rest, '.');
		if (rest.p == NULL) {
			json_object_setn_new_nocheck(value, step.p, step.n, new_value);
			return;
		}
		json_t *next = json_get(value, step);
		if (!json_is_object(next)) {
			next = json_object();
			json_object_setn_new_nocheck(value, step.p, step.n, next);
		}
		value = next;
	}
}

void json_remove(json_t *value, const char *path)
{
	struct str rest = str_from(path);

	while (value != NULL) {
		struct str step = str_cut(&rest, '.');
		if (rest.p == NULL) {
			json_object_deln(value, step.p, step.n);
			return;
		}
		value = json_get(value, step);
	}
}
