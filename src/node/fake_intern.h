/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The two halves of the fake: fake_runtime.c has the connection, fake_calls.c what calls do. */

#include "base/buffer.h"
#include "base/list.h"
#include "node/fake_runtime.h"

enum { NAME = 64, ID = 24, FAKE_TEXT = 4096, ENTRIES = 16 };

struct fake_entry {
	char *key;
	char *value;
};

struct fake_sandbox {
	struct list link;
	char id[ID];
	char name[NAME];
	char uid[NAME];
	char space[NAME];
	uint32_t attempt;
	bool ready;
	int64_t created_at;
	unsigned number; /* of its address */
};

struct fake_container {
	struct list link;
	char id[ID];
	char sandbox[ID];
	char name[NAME];
	char image[NAME * 2];
	uint32_t attempt;
	Runtime__V1__ContainerState state;
	int64_t created_at, started_at, finished_at;
	int exit_code;
	unsigned lag; /* looks that still find it running */
	bool out_of_memory;
	uint64_t exits_at; /* it is stopping; 0: it is not */
	struct fake_entry labels[ENTRIES];
	size_t n_labels;
	struct fake_entry annotations[ENTRIES];
	size_t n_annotations;
};

struct answer {
	struct list link;
	struct connection *connection;
	grpc_done_fn done;
	void *userdata;
	uint64_t due;
	char stopping[ID]; /* the container that it waits for */
	enum grpc_code code;
	char message[256];
	const ProtobufCMessageDescriptor *type;
	uint8_t *packed;
	size_t n;
};

struct happening {
	struct list link;
	enum runtime_event event;
	char id[ID];
};

struct connection {
	struct runtime runtime; /* first */
	struct fake_runtime *fake;
	const struct runtime_sink *sink;
	void *userdata;
	bool told; /* that it is connected */
};

struct habit {
	struct list link;
	char name[NAME];
	int exit_at_once; /* -1: no */
	uint64_t takes;
};

struct fake_runtime {
	const struct clock *clock;
	struct list sandboxes;
	struct list containers;
	struct list answers;
	struct list happenings;
	struct list habits;
	struct connection *connection;
	bool connected;
	unsigned ids;
	size_t fail[RUNTIME_N_METHODS];
	enum grpc_code fail_code[RUNTIME_N_METHODS];
	char fail_message[RUNTIME_N_METHODS][128];
	bool lose[RUNTIME_N_METHODS];
	size_t calls[RUNTIME_N_METHODS];
	unsigned lag;
	int command_code;
	uint64_t command_takes;
	const char *images;
	bool loaded;
	bool pulls;
	char pulled[NAME * 2];
	struct buffer stops;
	int64_t last_timeout;
	char *log; /* of every container; NULL: none */
};

/* ---- fake_calls.c ---- */

/* Carries out a call: fills in what will be answered. */
void fake_carry_out(struct fake_runtime *fake, enum runtime_method method,
		    const ProtobufCMessage *request, struct answer *answer);
void fake_answer_failure(struct answer *answer, enum grpc_code code, const char *message);
void fake_container_free(struct fake_container *container);

/* ---- fake_runtime.c ---- */

struct fake_container *fake_find_container(struct fake_runtime *fake, const char *id);
struct habit *fake_habit(struct fake_runtime *fake, const char *name);
void fake_happens(struct fake_runtime *fake, enum runtime_event event, const char *id);
void fake_end_container(struct fake_runtime *fake, struct fake_container *container, int code);
