/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DELETE of a collection: one delete for each object that is selected, a window of them under way.
 * The answer is the list of what was selected, once all are done; the first refusal (other than an
 * object that is gone already) is the answer instead, and stops the rest.
 */
#include "api/call.h"
#include "api/intern.h"
#include "api/keys.h"
#include "api/status.h"
#include "api/summary.h"
#include "base/limits.h"
#include "base/mem.h"
#include "watch/hub.h"
#include "json/json.h"

struct sweep {
	struct call *call;
	struct hub_item **items;
	size_t n;
	size_t next;
	size_t under_way;
	json_t *options;
	json_t *refusal; /* the first */
	bool dry_run;
	bool starting;
};

static void finish(struct sweep *sweep)
{
	struct call *call = sweep->call;
	struct buffer body = BUFFER_INIT(LIMIT_RESPONSE);
	struct list_writer writer;

	list_begin(&writer, &call->form, call->kind, &body);
	for (size_t i = 0; i < sweep->n; i++) {
		list_add(&writer, sweep->items[i]->text);
		hub_item_unref(sweep->items[i]);
	}
	const struct list_meta meta = { .revision = hub_revision(call->api->hub) };
	list_end(&writer, &meta);
	json_t *refusal = sweep->refusal;
	json_decref(sweep->options);
	mem_free(sweep->items);
	mem_free(sweep);
	if (refusal != NULL) {
		buffer_deinit(&body);
		answer_refused(call, refusal);
		return;
	}
	answer_bytes(call, 200, form_content_type(&call->form), &body);
}

static void go_on(struct sweep *sweep);

static void removed(struct write *write, const json_t *refusal)
{
	struct sweep *sweep = write->userdata;

	sweep->under_way--;
	if (refusal != NULL && status_code(refusal) != 404 && sweep->refusal == NULL) {
		sweep->refusal = json_incref((json_t *)refusal);
	}
	if (!sweep->starting) {
		go_on(sweep);
	}
}

static void go_on(struct sweep *sweep)
{
	/* A write may be done before write_run() returns. */
	sweep->starting = true;
	while (sweep->next < sweep->n && sweep->under_way < LIMIT_COLLECTION_WRITES &&
	       sweep->refusal == NULL) {
		struct key_parts parts;
		const struct hub_item *item = sweep->items[sweep->next++];
		if (!key_parts_of(item->key, &parts)) {
			continue;
		}
		struct write *write = write_new(sweep->call->api, sweep->call->kind, parts.space,
						parts.name, json_deep_copy(sweep->options));
		write->dry_run = sweep->dry_run;
		sweep->under_way++;
		write_run(write, delete_change, removed, sweep);
	}
	sweep->starting = false;
	if (sweep->under_way == 0) {
		finish(sweep);
	}
}

static json_t *select_items(struct sweep *sweep)
{
	struct call *call = sweep->call;
	const struct hub *hub = call->api->hub;
	_cleanup_buffer_ struct buffer prefix = BUFFER_INIT(LIMIT_STORE_KEY);
	struct selection selection;

	json_t *refusal =
		selection_init(&selection, call->kind, http_query(call->exchange, "labelSelector"),
			       http_query(call->exchange, "fieldSelector"));
	if (refusal != NULL) {
		selection_deinit(&selection);
		return refusal;
	}
	key_prefix(call->kind, call->space, &prefix);
	size_t size = hub_count(hub, buffer_str(&prefix));
	sweep->items = mem_alloc_array(size + 1, sizeof(sweep->items[0]));
	for (struct hub_item *item = hub_next(hub, buffer_str(&prefix), STR_NONE);
	     item != NULL && sweep->n < size;
	     item = hub_next(hub, buffer_str(&prefix), item->key)) {
		if (selection_has(&selection, item)) {
			sweep->items[sweep->n++] = hub_item_ref(item);
		}
	}
	selection_deinit(&selection);
	return NULL;
}

void verb_delete_collection(struct call *call)
{
	enum field_validation validation;
	json_t *options = NULL;
	bool dry_run = false;

	if (!call_negotiate(call, FORM_TABLES | FORM_PARTIALS)) {
		return;
	}
	json_t *refusal = call_write_options(call, &dry_run, &validation);
	if (refusal == NULL) {
		refusal = body_delete_options(call, &options);
	}
	struct sweep *sweep = MEM_NEW(struct sweep);
	sweep->call = call;
	sweep->options = options;
	sweep->dry_run = dry_run || json_array_size(json_object_get(options, "dryRun")) != 0;
	if (refusal == NULL) {
		refusal = select_items(sweep);
	}
	if (refusal != NULL) {
		json_decref(options);
		mem_free(sweep);
		answer_refused(call, refusal);
		return;
	}
	go_on(sweep);
}
