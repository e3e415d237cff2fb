/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Manifests: objects in YAML or JSON files, looked at as strictly as kubectl does before anything
 * is done with them.
 */

#include <stddef.h>

#include <jansson.h>

struct kind;

struct manifest {
	const char *file; /* good as long as the manifests */
	const struct kind *kind;
	const char *space; /* "" for cluster-scoped; in `tree` */
	const char *name; /* in `tree` */
	json_t *tree; /* as it was written, with its namespace */
};

struct manifests {
	struct manifest *items;
	size_t n;
	char **files;
	size_t n_files;
};

/*
 * Adds what is in `path`: a file with any number of documents (JSON when it ends in .json), or the
 * *.yaml, *.yml and *.json of a directory in the order of their names. Returns 0, or a negative
 * errno after one line on standard error that names file and object.
 */
int manifests_read(struct manifests *manifests, const char *path);

void manifests_deinit(struct manifests *manifests);
