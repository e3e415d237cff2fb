/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine of writes: read what is there from the hub, let the verb make what shall be there,
 * store it under the condition that the revision is still the one that was read. Invariants:
 *
 *  - an answer is given only when the store has called back, so it is durable and visible by then;
 *  - what differs in nothing from what is there is not written, and its resourceVersion stays;
 *  - a lost race is repeated against the new state, at most LIMIT_WRITE_TRIES times, unless the
 *    client named the resourceVersion it had seen (then the verb itself refuses);
 *  - a reservation of addresses ends exactly once, with the fate of the store's write.
 */
#include "api/write.h"

#include "api/admission.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/status.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/object.h"
#include "store/store.h"
#include "watch/hub.h"
#include "json/json.h"

static void attempt(struct write *write);

static struct str own(struct str text)
{
	return (struct str){ .p = str_dup(text), .n = text.n };
}

struct write *write_new(struct api *api, const struct kind *kind, struct str space, struct str name,
			json_t *body)
{
	struct write *write = MEM_NEW(struct write);

	write->api = api;
	write->kind = kind;
	write->space = own(space);
	write->name = own(name);
	write->body = body;
	write->code = 200;
	buffer_init(&write->text, LIMIT_OBJECT + LIMIT_STORE_KEY);
	return write;
}

static void finish(struct write *write, const json_t *refusal)
{
	reservation_end(write->api->addresses, &write->reservation, refusal == NULL);
	write->done(write, refusal);
	strict_report_deinit(&write->report);
	buffer_deinit(&write->text);
	json_decref(write->changed);
	json_decref(write->body);
	mem_free((char *)write->space.p);
	mem_free((char *)write->name.p);
	mem_free(write);
}

/* The stored write has failed or succeeded; dry runs and refusals come here too. */
static void finish_refused(struct write *write, json_t *refusal)
{
	finish(write, refusal);
	json_decref(refusal);
}

/* The text of the answer from what is stored, or would be. */
static void describe(struct write *write, struct str canonical, uint64_t revision)
{
	buffer_clear(&write->text);
	if (revision != 0) {
		object_splice_revision(canonical, revision, &write->text);
	} else {
		buffer_append_str(&write->text, canonical);
	}
	write->revision = revision;
}

static void describe_tree(struct write *write, const json_t *tree, uint64_t revision)
{
	_cleanup_buffer_ struct buffer canonical = BUFFER_INIT(LIMIT_OBJECT);

	object_canonical_text(write->kind, tree, &canonical);
	describe(write, buffer_str(&canonical), revision);
}

static void stored(void *userdata, int result, const struct store_event *event)
{
	struct write *write = userdata;

	if (result == STORE_CONFLICT) {
		reservation_end(write->api->addresses, &write->reservation, /* done= */ false);
		attempt(write);
		return;
	}
	if (result != 0) {
		finish_refused(write, status_failed(result));
		return;
	}
	api_note_write(write->api, event->revision);
	if (event->value.p != NULL) {
		describe(write, event->value, event->revision);
	} else {
		describe_tree(write, write->changed, event->revision);
	}
	finish(write, NULL);
}

static bool same(const json_t *old, const json_t *changed)
{
	_cleanup_json_ json_t *a = json_copy((json_t *)old);
	_cleanup_json_ json_t *b = json_copy((json_t *)changed);
	_cleanup_json_ json_t *meta_a = json_copy(json_object_get(old, "metadata"));
	_cleanup_json_ json_t *meta_b = json_copy(json_object_get(changed, "metadata"));

	json_object_del(meta_a, "resourceVersion");
	json_object_del(meta_b, "resourceVersion");
	json_object_set(a, "metadata", meta_a);
	json_object_set(b, "metadata", meta_b);
	return json_equal(a, b);
}

/* Hands `write->changed` to the store. */
static void commit(struct write *write, struct str key, const json_t *old)
{
	_cleanup_buffer_ struct buffer canonical = BUFFER_INIT(LIMIT_OBJECT);

	if (!write->remove && old != NULL && same(old, write->changed)) {
		describe_tree(write, write->changed, write->expected);
		finish(write, NULL);
		return;
	}
	if (!write->remove) {
		object_canonical_text(write->kind, write->changed, &canonical);
		if (canonical.overflowed) {
			finish_refused(write, status_new(OUTCOME_TOO_LARGE,
							 "Request entity too large: the object is "
							 "larger than %d bytes",
							 LIMIT_OBJECT));
			return;
		}
	}
	if (write->dry_run) {
		reservation_end(write->api->addresses, &write->reservation, /* done= */ false);
		describe_tree(write, write->changed, write->expected);
		finish(write, NULL);
		return;
	}
	const struct store_write store_write_ = {
		.key = key,
		.value = write->remove ? STR_NONE : buffer_str(&canonical),
		.expected = write->expected,
	};
	if (store_write(write->api->store, &store_write_, stored, write) != 0) {
		finish_refused(write, status_busy());
	}
}

static json_t *parse(const struct hub_item *item)
{
	json_t *tree = NULL;
	struct json_read_error error;

	if (item != NULL) {
		json_read(item->text, NULL, &tree, &error);
	}
	return tree;
}

/* generateName: "web-" becomes "web-x7k2p"; the base is cut so that the name stays a label. */
static void generate_name(struct write *write)
{
	enum { SUFFIX = 5, BASE_MAX = 63 - SUFFIX };
	struct str base = str_from(json_string_at(write->body, "metadata.generateName"));
	char suffix[SUFFIX + 1];

	base.n = base.n < BASE_MAX ? base.n : BASE_MAX;
	random_name_suffix(suffix, SUFFIX);
	mem_free((char *)write->name.p);
	write->name.p = mem_printf("%.*s%s", STR_ARG(base), suffix);
	write->name.n = base.n + SUFFIX;
}

static json_t *exhausted(const struct write *write)
{
	if (!write->generate) {
		return status_modified(write->kind, write->name);
	}
	json_t *status = status_already_exists(write->kind, write->name);
	status_retry_after(status, 1);
	return status;
}

static void attempt(struct write *write)
{
	_cleanup_buffer_ struct buffer key = BUFFER_INIT(LIMIT_STORE_KEY);

	if (write->tries++ >= LIMIT_WRITE_TRIES) {
		finish_refused(write, exhausted(write));
		return;
	}
	if (write->generate) {
		generate_name(write);
	}
	key_of(write->kind, write->space, write->name, &key);
	if (key.overflowed) {
		finish_refused(write, status_not_found(write->kind, write->name));
		return;
	}
	const struct hub_item *item = hub_get(write->api->hub, buffer_str(&key));
	if (item != NULL && write->generate) {
		attempt(write);
		return;
	}
	_cleanup_json_ json_t *old = parse(item);
	json_decref(write->changed);
	write->changed = NULL;
	write->remove = false;
	write->create = item == NULL;
	write->expected = item != NULL ? item->revision : STORE_MUST_BE_ABSENT;
	strict_report_deinit(&write->report);
	json_t *refusal = write->change(write, old, &write->changed);
	if (refusal != NULL) {
		finish_refused(write, refusal);
		return;
	}
	write->code = write->create ? 201 : write->code;
	commit(write, buffer_str(&key), old);
}

void write_run(struct write *write, write_change_fn change, write_done_fn done, void *userdata)
{
	write->change = change;
	write->done = done;
	write->userdata = userdata;
	attempt(write);
}
