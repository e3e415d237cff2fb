/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What this machine is and has, as a Node says it. Reads small files of the system. */

#include <stdbool.h>

#include <jansson.h>

/* status.capacity: cpu, memory, ephemeral-storage (of the disk that `directory` is on), pods. */
json_t *machine_capacity(const char *directory);

/* The same without what the system keeps for itself. */
json_t *machine_allocatable(const char *directory);

/* status.nodeInfo but for what is not the machine's: versions of runtime and agent. */
json_t *machine_info(void);

/* Little is left; thresholds are kubelet's (100 MiB, 10 %, and 10 % of process numbers). */
bool machine_is_short_of_memory(void);
bool machine_is_short_of_disk(const char *directory);
bool machine_is_short_of_pids(void);
