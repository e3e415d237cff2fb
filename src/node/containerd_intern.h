/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What our containerd is told: its configuration, and the pods' network. Pure, but for a look. */

#include <stdbool.h>

#include "base/buffer.h"

/* All paths are without characters that TOML or JSON would take for something else. */
struct containerd_paths {
	const char *root; /* images and snapshots */
	const char *state;
	const char *socket;
	const char *cni_conf;
	const char *cni_bin;
	const char *runc; /* runc's own state */
	const char *sandbox_image;
	bool overlay; /* overlayfs works at `root` */
	bool scores; /* we may protect processes from the kernel's killer (CAP_SYS_RESOURCE) */
};

bool containerd_path_is_plain(const char *path);
void containerd_write_config(const struct containerd_paths *paths, struct buffer *text);

/*
 * The CNI configuration list for pods with addresses of `cidrs` (up to the first NULL), which are
 * remembered below `data_dir`. False: not networks, two of one family, or too small.
 */
bool containerd_write_network(const char *const *cidrs, unsigned mtu, const char *data_dir,
			      struct buffer *text);

/* Where the CNI plugins that we use are: a folder that has them all, or NULL. */
const char *containerd_find_plugins(void);

/* Whether we have a capability (of capabilities(7), by its number). */
bool containerd_has_capability(unsigned number);

/* Whether overlayfs can be mounted on top of `folder`; tries it. */
bool containerd_overlay_works(const char *folder);
