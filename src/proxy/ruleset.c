/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three maps: what owners want, what the kernel has, and the names of what may differ between the
 * two. A transaction goes through the last. Its parts come in an order in which nothing is named
 * before it is there, or is taken away while it is named:
 *
 *   sets, chains; rules of new and changed chains; emptied chains; elements out; elements in;
 *   chains and sets that nobody wants
 *
 * Invariant: an item that is not dirty is the same in both, or in neither.
 */
#include "proxy/ruleset_intern.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "base/mem.h"

enum { ELEMENTS_PER_COMMAND = 256 };

/* ---- texts ---- */

static struct text *text_new(struct str s)
{
	struct text *text = mem_alloc(sizeof(*text) + s.n + 1);

	text->refs = 1;
	if (s.n != 0) {
		memcpy(text->s, s.p, s.n);
	}
	return text;
}

static struct text *text_ref(struct text *text)
{
	text->refs++;
	return text;
}

static void text_unref(void *value)
{
	struct text *text = value;

	if (text != NULL && --text->refs == 0) {
		mem_free(text);
	}
}

static void map_set_text(struct map *map, struct str key, struct text *text)
{
	text_unref(map_put(map, key, text_ref(text)));
}

/* ---- owners ---- */

void pieces_add(struct pieces *pieces, struct str text, const char *item_format, ...)
{
	char item[RULESET_ITEM];
	va_list arguments;
	int n;

	va_start(arguments, item_format);
	n = vsnprintf(item, sizeof(item), item_format, arguments);
	va_end(arguments);
	if (n <= 0 || (size_t)n >= sizeof(item) || pieces->items.n >= LIMIT_PROXY_ITEMS) {
		return;
	}
	text_unref(
		map_put(&pieces->items, (struct str){ .p = item, .n = (size_t)n }, text_new(text)));
}

static void wanted_key(struct str item, struct str owner, struct buffer *out)
{
	buffer_clear(out);
	buffer_append_str(out, item);
	buffer_append_char(out, '\n');
	buffer_append_str(out, owner);
}

static void mark_dirty(struct ruleset *ruleset, struct str item)
{
	map_put(&ruleset->dirty, item, ruleset);
}

static void owner_free(void *value)
{
	map_deinit(value, text_unref);
	mem_free(value);
}

void ruleset_own(struct ruleset *ruleset, struct str owner, struct pieces *pieces)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(2 * RULESET_ITEM);
	struct map *old = map_get(&ruleset->owners, owner);
	struct map *now = MEM_NEW(struct map);

	*now = pieces->items;
	map_init(&pieces->items, LIMIT_PROXY_ITEMS);
	map_for_each (entry, now) {
		struct text *before = old != NULL ? map_get(old, entry->key) : NULL;
		struct text *text = entry->value;

		if (before == NULL || strcmp(before->s, text->s) != 0) {
			wanted_key(entry->key, owner, &key);
			map_set_text(&ruleset->wanted, buffer_str(&key), text);
			mark_dirty(ruleset, entry->key);
		}
	}
	for (const struct map_entry *entry = old != NULL ? map_first(old) : NULL; entry != NULL;
	     entry = map_after(old, entry->key)) {
		if (map_get(now, entry->key) == NULL) {
			wanted_key(entry->key, owner, &key);
			text_unref(map_remove(&ruleset->wanted, buffer_str(&key)));
			mark_dirty(ruleset, entry->key);
		}
	}
	if (now->n == 0) {
		map_remove(&ruleset->owners, owner);
		owner_free(now);
	} else {
		map_put(&ruleset->owners, owner, now);
	}
	if (str_starts(owner, STR("svc "))) {
		bool was = old != NULL;
		bool is = map_get(&ruleset->owners, owner) != NULL;

		ruleset->services = ruleset->services + (is ? 1 : 0) - (was ? 1 : 0);
	}
	if (old != NULL) {
		owner_free(old);
	}
}

/* What the first owner says of an item; NULL: nobody wants it. */
static struct text *wanted(const struct ruleset *ruleset, struct str item)
{
	char key[RULESET_ITEM + 1];

	memcpy(key, item.p, item.n);
	key[item.n] = '\n';
	struct str prefix = { .p = key, .n = item.n + 1 };
	const struct map_entry *entry = map_from(&ruleset->wanted, prefix);

	return entry != NULL && str_starts(entry->key, prefix) ? entry->value : NULL;
}

/* ---- a transaction ---- */

/* What is to be done about one dirty item. */
struct change {
	struct str item;
	struct str name; /* without the letter */
	struct text *old;
	struct text *now;
};

static struct change change_of(const struct ruleset *ruleset, struct str item)
{
	struct change change = {
		.item = item,
		.name = str_skip(item, 2),
		.old = map_get(&ruleset->installed, item),
		.now = wanted(ruleset, item),
	};

	if (change.old != NULL && change.now != NULL && strcmp(change.old->s, change.now->s) == 0) {
		change.old = change.now = NULL;
	}
	return change;
}

/* "DEFINITION\nRULE\n…" */
static void write_rules(const struct change *change, struct buffer *out)
{
	struct str rest = str_from(change->now->s);

	str_cut(&rest, '\n');
	while (rest.n != 0) {
		struct str rule = str_cut(&rest, '\n');

		buffer_printf(out, "add rule " RULESET_TABLE " %.*s %.*s\n", STR_ARG(change->name),
			      STR_ARG(rule));
	}
}

static void add_set(const struct change *change, struct buffer *out)
{
	if (change->old == NULL && change->now != NULL) {
		struct str rest = str_from(change->now->s);
		struct str type = str_cut(&rest, ' ');

		buffer_printf(out, "add %.*s " RULESET_TABLE " %.*s %.*s\n", STR_ARG(type),
			      STR_ARG(change->name), STR_ARG(rest));
	}
}

static void remove_set(const struct change *change, struct buffer *out)
{
	if (change->old != NULL && change->now == NULL) {
		struct str rest = str_from(change->old->s);
		struct str type = str_cut(&rest, ' ');

		buffer_printf(out, "delete %.*s " RULESET_TABLE " %.*s\n", STR_ARG(type),
			      STR_ARG(change->name));
	}
}

static void add_chain(const struct change *change, struct buffer *out)
{
	if (change->old == NULL && change->now != NULL) {
		struct str rest = str_from(change->now->s);
		struct str definition = str_cut(&rest, '\n');

		buffer_printf(out, "add chain " RULESET_TABLE " %.*s%s%.*s\n",
			      STR_ARG(change->name), definition.n != 0 ? " " : "",
			      STR_ARG(definition));
	}
}

static void fill_chain(const struct change *change, struct buffer *out)
{
	if (change->old != NULL) {
		buffer_printf(out, "flush chain " RULESET_TABLE " %.*s\n", STR_ARG(change->name));
	}
	if (change->now != NULL) {
		write_rules(change, out);
	}
}

static void remove_chain(const struct change *change, struct buffer *out)
{
	if (change->old != NULL && change->now == NULL) {
		buffer_printf(out, "delete chain " RULESET_TABLE " %.*s\n", STR_ARG(change->name));
	}
}

static void for_changes(const struct ruleset *ruleset, struct str prefix, struct buffer *out,
			void (*write)(const struct change *change, struct buffer *out))
{
	for (const struct map_entry *entry = map_from(&ruleset->dirty, prefix);
	     entry != NULL && str_starts(entry->key, prefix);
	     entry = map_after(&ruleset->dirty, entry->key)) {
		struct change change = change_of(ruleset, entry->key);

		if (change.old != NULL || change.now != NULL) {
			write(&change, out);
		}
	}
}

/* Elements of one map share a command. */
static void write_elements(const struct ruleset *ruleset, bool add, struct buffer *out)
{
	struct str open = STR_NONE;
	size_t n = 0;

	for (const struct map_entry *entry = map_from(&ruleset->dirty, STR("e "));
	     entry != NULL && str_starts(entry->key, STR("e "));
	     entry = map_after(&ruleset->dirty, entry->key)) {
		struct change change = change_of(ruleset, entry->key);
		struct text *text = add ? change.now : change.old;
		struct str key = change.name;
		struct str map = str_cut(&key, ' ');

		if (text == NULL) {
			continue;
		}
		if (!str_eq(map, open) || n == ELEMENTS_PER_COMMAND) {
			buffer_printf(out, "%s%s element " RULESET_TABLE " %.*s { ",
				      open.p != NULL ? " }\n" : "", add ? "add" : "delete",
				      STR_ARG(map));
			open = map;
			n = 0;
		}
		buffer_printf(out, "%s%.*s%s%s", n != 0 ? ", " : "", STR_ARG(key),
			      text->s[0] != '\0' ? " : " : "", text->s);
		n++;
	}
	if (open.p != NULL) {
		buffer_append_text(out, " }\n");
	}
}

/* ---- UDP ---- */

/* "u ADDR PORT ADDR PORT" without the second half. */
static struct str front_of(struct str pair)
{
	struct str rest = str_skip(pair, 2);
	struct str address = str_cut(&rest, ' ');
	struct str port = str_cut(&rest, ' ');

	return (struct str){ .p = address.p, .n = (size_t)(port.p + port.n - address.p) };
}

static void note_udp(struct ruleset *ruleset)
{
	for (const struct map_entry *entry = map_from(&ruleset->dirty, STR("u "));
	     entry != NULL && str_starts(entry->key, STR("u "));
	     entry = map_after(&ruleset->dirty, entry->key)) {
		struct change change = change_of(ruleset, entry->key);

		ruleset->udp_changed |= change.old != NULL || change.now != NULL;
		if (change.old != NULL && change.now == NULL &&
		    ruleset->vanished.n < LIMIT_PROXY_ITEMS) {
			map_put(&ruleset->vanished, front_of(entry->key), ruleset);
		}
	}
}

bool ruleset_udp_is_changed(const struct ruleset *ruleset)
{
	return ruleset->udp_changed;
}

void ruleset_udp_done(struct ruleset *ruleset)
{
	map_deinit(&ruleset->vanished, NULL);
	map_init(&ruleset->vanished, LIMIT_PROXY_ITEMS);
	ruleset->udp_changed = false;
}

/* Whether a front is ours (or was until now), and whether it leads to where the flow goes. */
static bool leads_astray(const struct ruleset *ruleset, const char *front,
			 const struct udp_flow *flow)
{
	char from[IP_TEXT];
	char text[RULESET_ITEM];

	ip_text(&flow->from, from);
	snprintf(text, sizeof(text), "u %s %s %u", front, from, flow->from_port);
	if (wanted(ruleset, str_from(text)) != NULL) {
		return false;
	}
	snprintf(text, sizeof(text), "u %s ", front);
	return map_count(&ruleset->wanted, str_from(text)) != 0 ||
	       map_get(&ruleset->vanished, str_from(front)) != NULL;
}

bool ruleset_udp_is_stale(const struct ruleset *ruleset, const struct udp_flow *flow)
{
	char to[IP_TEXT];
	char front[IP_TEXT + 16];
	bool direct = ip_eq(&flow->to, &flow->from) && flow->to_port == flow->from_port;

	ip_text(&flow->to, to);
	snprintf(front, sizeof(front), "%s %u", to, flow->to_port);
	if (leads_astray(ruleset, front, flow)) {
		return true;
	}
	/* A port of the node has many addresses; a flow that was never turned is none of ours. */
	snprintf(front, sizeof(front), "%s %u", flow->to.n == 4 ? "*4" : "*6", flow->to_port);
	return !direct && leads_astray(ruleset, front, flow);
}

/* ---- the whole ---- */

static void settle(struct ruleset *ruleset)
{
	map_for_each (entry, &ruleset->dirty) {
		struct text *now = wanted(ruleset, entry->key);

		if (now != NULL) {
			map_set_text(&ruleset->installed, entry->key, now);
		} else {
			text_unref(map_remove(&ruleset->installed, entry->key));
		}
	}
	map_deinit(&ruleset->dirty, NULL);
	map_init(&ruleset->dirty, LIMIT_PROXY_ITEMS);
}

/* The kernel has nothing, so everything is to be told. */
static void forget_installed(struct ruleset *ruleset)
{
	map_deinit(&ruleset->installed, text_unref);
	map_init(&ruleset->installed, LIMIT_PROXY_ITEMS);
	map_for_each (owner, &ruleset->owners) {
		map_for_each (entry, (struct map *)owner->value) {
			mark_dirty(ruleset, entry->key);
		}
	}
}

void ruleset_transaction(struct ruleset *ruleset, bool whole, struct buffer *out)
{
	if (whole) {
		/* UDP fronts that are given up just now must not be forgotten with the rest. */
		note_udp(ruleset);
		forget_installed(ruleset);
		ruleset_cleanup(out);
		buffer_append_text(out, "add table " RULESET_TABLE "\n");
	}
	note_udp(ruleset);
	for_changes(ruleset, STR("s "), out, add_set);
	for_changes(ruleset, STR("c "), out, add_chain);
	for_changes(ruleset, STR("c "), out, fill_chain);
	write_elements(ruleset, /* add= */ false, out);
	write_elements(ruleset, /* add= */ true, out);
	for_changes(ruleset, STR("c "), out, remove_chain);
	for_changes(ruleset, STR("s "), out, remove_set);
	settle(ruleset);
}

void ruleset_cleanup(struct buffer *out)
{
	/* Deleting what is not there is an error, adding what is there is none. */
	buffer_append_text(out, "add table " RULESET_TABLE "\ndelete table " RULESET_TABLE "\n");
}

bool ruleset_is_changed(const struct ruleset *ruleset)
{
	map_for_each (entry, &ruleset->dirty) {
		struct change change = change_of(ruleset, entry->key);

		if (change.old != NULL || change.now != NULL) {
			return true;
		}
	}
	return false;
}

size_t ruleset_services(const struct ruleset *ruleset)
{
	return ruleset->services;
}

struct ruleset *ruleset_new(const struct ruleset_config *config)
{
	struct ruleset *ruleset = MEM_NEW(struct ruleset);
	struct pieces pieces = { .items = MAP_INIT(LIMIT_PROXY_ITEMS) };

	ruleset->node_name = mem_strdup(config->node_name);
	ruleset->n_pods = config->n_pods;
	memcpy(ruleset->pods, config->pods, sizeof(ruleset->pods));
	ruleset->masquerade_pods = config->masquerade_pods;
	map_init(&ruleset->owners, LIMIT_CACHE_OBJECTS);
	map_init(&ruleset->wanted, LIMIT_PROXY_ITEMS);
	map_init(&ruleset->installed, LIMIT_PROXY_ITEMS);
	map_init(&ruleset->dirty, LIMIT_PROXY_ITEMS);
	map_init(&ruleset->vanished, LIMIT_PROXY_ITEMS);
	ruleset_base(ruleset, &pieces);
	ruleset_own(ruleset, STR("base"), &pieces);
	return ruleset;
}

struct ruleset *ruleset_free(struct ruleset *ruleset)
{
	if (ruleset != NULL) {
		map_deinit(&ruleset->owners, owner_free);
		map_deinit(&ruleset->wanted, text_unref);
		map_deinit(&ruleset->installed, text_unref);
		map_deinit(&ruleset->dirty, NULL);
		map_deinit(&ruleset->vanished, NULL);
		mem_free(ruleset->node_name);
		mem_free(ruleset);
	}
	return NULL;
}
