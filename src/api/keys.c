/* SPDX-License-Identifier: Apache-2.0 */
#include "api/keys.h"

static const struct str root = { .p = "/registry/", .n = sizeof("/registry/") - 1 };

static const char *group_of(const struct kind *kind)
{
	return kind->group[0] != '\0' ? kind->group : "core";
}

void key_prefix(const struct kind *kind, struct str space, struct buffer *out)
{
	buffer_append_str(out, root);
	buffer_printf(out, "%s/%s/", group_of(kind), kind->plural);
	if (space.n != 0) {
		buffer_append_str(out, space);
		buffer_append_char(out, '/');
	}
}

void key_of(const struct kind *kind, struct str space, struct str name, struct buffer *out)
{
	key_prefix(kind, space, out);
	buffer_append_str(out, name);
}

static const struct kind *find_kind(struct str group, struct str plural)
{
	for (size_t i = 0; i < n_kinds; i++) {
		if (str_is(plural, kinds[i]->plural) && str_is(group, group_of(kinds[i]))) {
			return kinds[i];
		}
	}
	return NULL;
}

bool key_parts_of(struct str key, struct key_parts *ret)
{
	if (!str_starts(key, root)) {
		return false;
	}
	struct str rest = str_skip(key, root.n);
	struct str group = str_cut(&rest, '/');
	struct str plural = str_cut(&rest, '/');
	const struct kind *kind = find_kind(group, plural);

	if (kind == NULL || rest.n == 0) {
		return false;
	}
	ret->kind = kind;
	ret->space = STR_NONE;
	if (kind->flags & KIND_NAMESPACED) {
		ret->space = str_cut(&rest, '/');
	}
	ret->name = rest;
	return rest.n != 0;
}
