/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same thing said again about the same object is one Event with a count. What was said lately
 * is remembered (the oldest is forgotten first), keyed by everything that kubectl describe shows
 * but the times. One request an Event is under way at most; repeats meanwhile are counted and
 * written later.
 */
#include "client/events.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "client/client.h"
#include "object/kinds.h"
#include "object/schema.h"

#define COMPONENT "events"

/* Events live for an hour (kube-apiserver --event-ttl); a repeat after that is a new one. */
static const int64_t remembered_seconds = 3600;

struct said {
	struct list link; /* in recorder->by_age, newest last */
	struct str key; /* the map's copy */
	char *space;
	char *name;
	int64_t last; /* Unix seconds */
	int64_t count;
	bool writing;
	bool dirty; /* counted on since the request under way was made */
};

struct event_write {
	struct list link;
	struct event_recorder *recorder; /* NULL: it is gone */
	struct said *said;
};

struct event_recorder {
	struct client *client;
	const struct clock *clock;
	struct map said; /* what was said -> struct said */
	struct list by_age;
	struct list writes;
	size_t n_writes;
	int64_t last_id; /* of names: the time, made unique */
};

struct event_recorder *event_recorder_new(struct client *client, const struct clock *clock)
{
	struct event_recorder *recorder = MEM_NEW(struct event_recorder);

	recorder->client = client;
	recorder->clock = clock;
	map_init(&recorder->said, LIMIT_EVENTS_REMEMBERED);
	list_init(&recorder->by_age);
	list_init(&recorder->writes);
	return recorder;
}

static void said_free(void *value)
{
	struct said *said = value;

	mem_free(said->space);
	mem_free(said->name);
	mem_free(said);
}

struct event_recorder *event_recorder_free(struct event_recorder *recorder)
{
	if (recorder == NULL) {
		return NULL;
	}
	list_for_each (write, &recorder->writes, struct event_write, link) {
		list_unlink(&write->link);
		write->recorder = NULL;
	}
	map_deinit(&recorder->said, said_free);
	return mem_free(recorder);
}

static void forget(struct event_recorder *recorder, struct said *said)
{
	list_unlink(&said->link);
	map_remove(&recorder->said, said->key);
	said_free(said);
}

static void write_count(struct event_recorder *recorder, struct said *said);

static void written(void *userdata, const struct client_response *response)
{
	struct event_write *write = userdata;
	struct event_recorder *recorder = write->recorder;
	struct said *said = write->said;

	list_unlink(&write->link);
	mem_free(write);
	if (recorder == NULL) {
		return;
	}
	recorder->n_writes--;
	said->writing = false;
	if (response->code < 200 || response->code > 299) {
		log_debug(COMPONENT, "%s/%s not written: %s", said->space, said->name,
			  response->message != NULL ? response->message : "");
		forget(recorder, said);
	} else if (said->dirty) {
		write_count(recorder, said);
	}
}

static void send_write(struct event_recorder *recorder, struct said *said, enum client_verb verb,
		       json_t *body)
{
	struct event_write *write = MEM_NEW(struct event_write);
	struct client_request request = {
		.verb = verb,
		.kind = &kind_event,
		.space = str_from(said->space),
		.name = str_from(said->name),
		.body = body,
	};

	write->recorder = recorder;
	write->said = said;
	list_init(&write->link);
	list_append(&recorder->writes, &write->link);
	recorder->n_writes++;
	said->writing = true;
	said->dirty = false;
	client_request(recorder->client, &request, written, write);
	json_decref(body);
}

static void write_count(struct event_recorder *recorder, struct said *said)
{
	char last[TIMESTAMP_TEXT];

	timestamp_format(said->last, last);
	send_write(recorder, said, CLIENT_PATCH_MERGE,
		   json_pack("{sI ss}", "count", (json_int_t)said->count, "lastTimestamp", last));
}

/* At most LIMIT_EVENT_MESSAGE bytes, cut between characters. */
static struct str bounded_message(const char *message)
{
	struct str text = str_from(message);

	if (text.n > LIMIT_EVENT_MESSAGE) {
		text.n = LIMIT_EVENT_MESSAGE;
		while (text.n > 0 && ((unsigned char)text.p[text.n] & 0xC0) == 0x80) {
			text.n--;
		}
	}
	return text;
}

static json_t *event_body(const struct said *said, struct object *about,
			  const struct event_text *text)
{
	struct buffer api_version = BUFFER_INIT(512);
	struct str message = bounded_message(text->message);
	char revision[24];
	char now[TIMESTAMP_TEXT];
	json_t *involved;
	json_t *source;

	timestamp_format(said->last, now);
	kind_api_version(about->kind, &api_version);
	snprintf(revision, sizeof(revision), "%" PRIu64, about->revision);
	involved = json_pack("{ss ss%}", "kind", about->kind->kind, "name", about->name.p,
			     about->name.n);
	json_object_set_new(involved, "apiVersion", json_string(buffer_text(&api_version)));
	buffer_deinit(&api_version);
	if (about->space.n > 0) {
		json_object_set_new(involved, "namespace",
				    json_stringn(about->space.p, about->space.n));
	}
	json_object_set_new(involved, "uid", json_string(object_uid(about)));
	if (about->revision != 0) {
		json_object_set_new(involved, "resourceVersion", json_string(revision));
	}
	source = json_pack("{ss}", "component", text->component);
	if (text->host[0] != '\0') {
		json_object_set_new(source, "host", json_string(text->host));
	}
	return json_pack("{ss ss s{ss ss} so ss ss% so ss ss si ss ss ss}", "apiVersion", "v1",
			 "kind", "Event", "metadata", "name", said->name, "namespace", said->space,
			 "involvedObject", involved, "reason", text->reason, "message", message.p,
			 message.n, "source", source, "firstTimestamp", now, "lastTimestamp", now,
			 "count", 1, "type", text->type, "reportingComponent", text->component,
			 "reportingInstance", text->host);
}

static void evict_oldest(struct event_recorder *recorder)
{
	list_for_each (said, &recorder->by_age, struct said, link) {
		if (!said->writing) {
			forget(recorder, said);
			return;
		}
	}
}

/* "<object>.<time in hex>", within the 253 bytes of a name. */
static char *event_name(struct event_recorder *recorder, struct object *about)
{
	enum { OBJECT_PART_MAX = 253 - 1 - 16 };
	int64_t id = clock_wall(recorder->clock);

	id = id <= recorder->last_id ? recorder->last_id + 1 : id;
	recorder->last_id = id;
	return mem_printf("%.*s.%" PRIx64,
			  (int)(about->name.n < OBJECT_PART_MAX ? about->name.n : OBJECT_PART_MAX),
			  about->name.p, (uint64_t)id);
}

static void say_first(struct event_recorder *recorder, struct str key, struct object *about,
		      const struct event_text *text)
{
	struct said *said;

	if (recorder->n_writes >= LIMIT_EVENT_REQUESTS) {
		return;
	}
	if (recorder->said.n >= recorder->said.max) {
		evict_oldest(recorder);
	}
	said = MEM_NEW(struct said);
	said->space = about->space.n > 0 ? str_dup(about->space) : mem_strdup("default");
	said->name = event_name(recorder, about);
	said->last = clock_wall_seconds(recorder->clock);
	said->count = 1;
	map_put(&recorder->said, key, said);
	said->key = map_from(&recorder->said, key)->key;
	list_init(&said->link);
	list_append(&recorder->by_age, &said->link);
	send_write(recorder, said, CLIENT_CREATE, event_body(said, about, text));
}

static void say_again(struct event_recorder *recorder, struct said *said)
{
	said->count++;
	said->last = clock_wall_seconds(recorder->clock);
	list_unlink(&said->link);
	list_append(&recorder->by_age, &said->link);
	if (said->writing || recorder->n_writes >= LIMIT_EVENT_REQUESTS) {
		said->dirty = true;
	} else {
		write_count(recorder, said);
	}
}

void event_recorder_send(struct event_recorder *recorder, struct object *about,
			 const struct event_text *text)
{
	struct buffer key = BUFFER_INIT(LIMIT_EVENT_MESSAGE * 8);
	struct said *said;

	buffer_printf(&key, "%s\n%s\n%s\n%.*s/%.*s\n%s\n%s\n%s\n%s", text->component, text->host,
		      about->kind->plural, STR_ARG(about->space), STR_ARG(about->name),
		      object_uid(about), text->type, text->reason, text->message);
	said = map_get(&recorder->said, buffer_str(&key));
	if (said != NULL && !said->writing &&
	    clock_wall_seconds(recorder->clock) - said->last > remembered_seconds) {
		forget(recorder, said);
		said = NULL;
	}
	if (said != NULL) {
		say_again(recorder, said);
	} else {
		say_first(recorder, buffer_str(&key), about, text);
	}
	buffer_deinit(&key);
}
