/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/manifests.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/prepare.h"
#include "object/schema.h"
#include "json/json.h"
#include "json/yaml_read.h"

/* yaml_read_all() hands outcomes on as they are; its own are small. */
enum { REFUSED = 100 };

struct reading {
	struct manifests *manifests;
	const char *file;
};

__attribute__((format(printf, 3, 4))) static int refuse(const struct reading *reading,
							const json_t *tree, const char *format, ...)
{
	_cleanup_buffer_ struct buffer what = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	const char *kind = json_string_at(tree, "kind");
	const char *name = json_string_at(tree, "metadata.name");
	va_list arguments;

	va_start(arguments, format);
	buffer_vprintf(&what, format, arguments);
	va_end(arguments);
	fprintf(stderr, "headlessd: %s: %s%s%s%s%s (--apply)\n", reading->file, kind,
		name[0] != '\0' ? " " : "", name, kind[0] != '\0' ? ": " : "", buffer_text(&what));
	return REFUSED;
}

/* ---- objects ---- */

static const struct kind *find_kind(const json_t *tree)
{
	struct str rest = str_from(json_string_at(tree, "apiVersion"));
	struct str first = str_cut(&rest, '/');
	_cleanup_free_ char *group = rest.p != NULL ? str_dup(first) : mem_strdup("");
	_cleanup_free_ char *version = str_dup(rest.p != NULL ? rest : first);

	return kind_find(group, version, json_string_at(tree, "kind"));
}

/* What the API would refuse or drop is found here, before anything has been changed. */
static int check_fields(const struct reading *reading, const struct kind *kind, const json_t *tree)
{
	_cleanup_strict_ struct strict_report report = { .n = 0 };
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	_cleanup_json_ json_t *copy = json_clone(tree);

	if (object_conform(kind, copy, &report, &message) != 0) {
		return refuse(reading, tree, "%s", buffer_text(&message));
	}
	return report.n != 0 ? refuse(reading, tree, "%s", report.items[0]) : 0;
}

static int add_object(struct reading *reading, const json_t *tree)
{
	struct manifests *manifests = reading->manifests;
	const char *name = json_string_at(tree, "metadata.name");
	const struct kind *kind = find_kind(tree);
	struct manifest *manifest;
	int result;

	if (!json_is_object(tree) || json_string_at(tree, "kind")[0] == '\0') {
		return refuse(reading, NULL,
			      "a document that is no object with apiVersion and kind");
	}
	if (kind == NULL) {
		return refuse(reading, tree, "there is no such kind in apiVersion \"%s\"",
			      json_string_at(tree, "apiVersion"));
	}
	if (name[0] == '\0') {
		return refuse(reading, tree, "metadata.name is missing");
	}
	if (manifests->n == LIMIT_MANIFESTS) {
		return refuse(reading, tree, "more than %d objects", LIMIT_MANIFESTS);
	}
	if ((result = check_fields(reading, kind, tree)) != 0) {
		return result;
	}
	manifests->items = mem_resize(manifests->items, (manifests->n + 1) * sizeof(*manifest));
	manifest = &manifests->items[manifests->n++];
	*manifest = (struct manifest){
		.file = reading->file, .kind = kind, .tree = json_clone(tree), .space = ""
	};
	if ((kind->flags & KIND_NAMESPACED) == 0) {
		json_remove(manifest->tree, "metadata.namespace");
	} else if (json_string_at(tree, "metadata.namespace")[0] == '\0') {
		json_put(manifest->tree, "metadata.namespace", json_string("default"));
	}
	manifest->space = json_string_at(manifest->tree, "metadata.namespace");
	manifest->name = json_string_at(manifest->tree, "metadata.name");
	return 0;
}

/* One document: an object, or a List of them. */
static int add_document(void *userdata, const json_t *tree)
{
	struct reading *reading = userdata;
	const json_t *item;
	size_t i;

	if (strcmp(json_string_at(tree, "kind"), "List") != 0) {
		return add_object(reading, tree);
	}
	json_array_foreach (json_object_get(tree, "items"), i, item) {
		int result = add_object(reading, item);

		if (result != 0) {
			return result;
		}
	}
	return 0;
}

/* ---- files ---- */

static bool ends_in(const char *name, const char *ending)
{
	return str_ends(str_from(name), str_from(ending));
}

static int read_json(struct reading *reading, struct str text)
{
	_cleanup_json_ json_t *tree = NULL;
	struct json_read_error error;

	if (json_read(text, NULL, &tree, &error) != 0) {
		return refuse(reading, NULL, "%s", error.message);
	}
	return add_document(reading, tree);
}

static int read_yaml(struct reading *reading, struct str text)
{
	_cleanup_buffer_ struct buffer message = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	int result = yaml_read_all(text, &message, add_document, reading);

	return result != 0 && result != REFUSED ? refuse(reading, NULL, "%s", buffer_text(&message))
						: result;
}

static int read_file(struct manifests *manifests, const char *path)
{
	struct reading reading = { .manifests = manifests };
	_cleanup_free_ char *text = NULL;
	struct str all = STR_NONE;
	int result = file_read(path, LIMIT_MANIFEST_FILE, &text, &all.n);

	if (result < 0) {
		fprintf(stderr, "headlessd: cannot read %s: %s (--apply)\n", path,
			strerror(-result));
		return error_origin(result);
	}
	all.p = text;
	manifests->files =
		mem_resize(manifests->files, (manifests->n_files + 1) * sizeof(*manifests->files));
	manifests->files[manifests->n_files++] = mem_strdup(path);
	reading.file = manifests->files[manifests->n_files - 1];
	result = ends_in(path, ".json") ? read_json(&reading, all) : read_yaml(&reading, all);
	return result != 0 ? error_origin(-EINVAL) : 0;
}

static int is_manifest(const struct dirent *entry)
{
	return entry->d_name[0] != '.' &&
	       (ends_in(entry->d_name, ".yaml") || ends_in(entry->d_name, ".yml") ||
		ends_in(entry->d_name, ".json"));
}

static int read_directory(struct manifests *manifests, const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_manifest, alphasort);
	int result = 0;

	if (n < 0) {
		fprintf(stderr, "headlessd: cannot read %s: %s (--apply)\n", path, strerror(errno));
		return error_origin(-errno);
	}
	for (int i = 0; i < n; i++) {
		if (result == 0) {
			_cleanup_free_ char *file = mem_printf("%s/%s", path, entries[i]->d_name);

			result = read_file(manifests, file);
		}
		free(entries[i]);
	}
	free(entries);
	return error_trace(result);
}

int manifests_read(struct manifests *manifests, const char *path)
{
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
		return error_trace(read_directory(manifests, path));
	}
	return error_trace(read_file(manifests, path));
}

void manifests_deinit(struct manifests *manifests)
{
	for (size_t i = 0; i < manifests->n; i++) {
		json_decref(manifests->items[i].tree);
	}
	for (size_t i = 0; i < manifests->n_files; i++) {
		mem_free(manifests->files[i]);
	}
	mem_free(manifests->items);
	mem_free(manifests->files);
	*manifests = (struct manifests){ 0 };
}
