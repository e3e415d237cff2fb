/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Subcommands of this very program as children. */

struct child;
struct loop;

/*
 * Starts `argv` (ends with NULL; [0] is filled in) and keeps it running; its output goes to
 * DIRECTORY/NAME.log. Returns 0, or a negative errno after one line on standard error.
 */
int own_child_start(struct loop *loop, const char *directory, const char *name, const char **argv,
		    struct child **ret);
