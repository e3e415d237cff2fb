/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Shared by kubelet.c (the server, streams) and kubelet_log.c (logs). */

#include "base/list.h"
#include "http/exchange.h"
#include "node/kubelet.h"

struct http_server;
struct loop_watch;

struct kubelet {
	struct loop *loop;
	struct http_server *server;
	struct runtime *runtime;
	const struct kubelet_lookup *lookup;
	void *userdata;
	char *api_user;
	struct list sessions; /* of exec, attach and port forwarding */
	struct list followers; /* of logs */
	int inotify; /* of the directories of logs that are followed; -1: none yet */
	struct loop_watch *inotify_watch;
};

/* What /containerLogs/… asks for. */
struct kubelet_place {
	struct str space;
	struct str pod;
	struct str container;
};

void kubelet_answer_text(struct http_exchange *exchange, int status, const char *text);

void kubelet_answer_log(struct kubelet *kubelet, struct http_exchange *exchange,
			const struct kubelet_place *place);
void kubelet_end_logs(struct kubelet *kubelet);
