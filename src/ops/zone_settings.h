/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a DNS server was told about its zone, for `headlessd explain`, which has to say what that
 * server answers: one JSON object, served at ZONE_SETTINGS_PATH by the API of `standalone` (to
 * whoever is authenticated) and beside the metrics of every headlessd that answers; or a Corefile.
 * docs/decisions/2026-11-20-explain-asks-the-server.md. Control thread.
 */

#include "base/buffer.h"
#include "base/str.h"
#include "ops/corefile.h"
#include "zone/zone.h"

struct http_exchange;

#define ZONE_SETTINGS_PREFIX "/dns"
#define ZONE_SETTINGS_PATH ZONE_SETTINGS_PREFIX "/settings"

/* Appends them. Reverse zones and the clock are left out: they change no explanation. */
void zone_settings_write(const struct zone_config *config, struct buffer *out);

/* The handler for ZONE_SETTINGS_PREFIX; `userdata` is a struct str, the text. */
void zone_settings_handle(void *userdata, struct http_exchange *exchange);

/* Settings that were read. `config` borrows from the rest. */
struct zone_settings {
	struct zone_config config;
	void *tree;
	const char **namespaces;
	struct corefile corefile;
	bool has_corefile;
};

/* Returns 0, or ZONE_SETTINGS_BAD: the text is none of ours. Deinit in the first case. */
enum { ZONE_SETTINGS_BAD = 1 };
int zone_settings_read(struct str text, struct zone_settings *ret);
/* The same from a Corefile. */
int zone_settings_read_corefile(struct str text, struct zone_settings *ret);
/* The usual ones. */
void zone_settings_init(struct zone_settings *settings);
void zone_settings_deinit(struct zone_settings *settings);
