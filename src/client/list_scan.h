/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reads a list ("kind": "PodList", "metadata": {…}, "items": […]) as it comes in: each item is
 * handed over as soon as its last byte is there, so a list of any length costs the memory of its
 * largest item. Only the structure is looked at; what is handed over is checked by whoever parses
 * it. Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/str.h"

enum {
	LIST_SCAN_SYNTAX = 1, /* not JSON, or items that are no objects */
	LIST_SCAN_LIMIT = 2, /* an item above LIMIT_OBJECT, or too much beside the items */
	LIST_SCAN_STOPPED = 3, /* item() said so */
};

struct list_scan {
	/* An item's text, borrowed for the call. False: stop. */
	bool (*item)(void *userdata, struct str text);
	void *userdata;
	/* Inside; see list_scan.c. */
	struct buffer head;
	struct buffer text;
	char key[8];
	size_t key_n;
	size_t n_items;
	unsigned depth;
	bool in_string;
	bool escaped;
	bool is_key; /* the string that begins next at depth 1 is a key */
	bool in_key;
	bool in_items;
	bool in_item;
	bool ended;
};

void list_scan_init(struct list_scan *scan, bool (*item)(void *userdata, struct str text),
		    void *userdata);
void list_scan_deinit(struct list_scan *scan);

/* The next bytes. Returns 0 or one of the above; after that the scan is over. */
int list_scan_feed(struct list_scan *scan, struct str bytes);

/* Everything but the items, once the last byte has come; false when the text has not ended. */
bool list_scan_head(const struct list_scan *scan, struct str *ret);
