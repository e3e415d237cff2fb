/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* sandbox_filter.c: the system calls a thread may make. */

#include <stdbool.h>

#include "base/sandbox.h"

/* For the calling thread, from now on; false when the kernel does not take it. */
bool sandbox_filter_install(enum sandbox_role role);

/* Whether it would. */
bool sandbox_filter_is_known(void);
