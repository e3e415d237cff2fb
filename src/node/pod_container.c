/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container, put together from the parts in the other files.
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/siphash.h"
#include "node/pod_config_intern.h"
#include "json/json.h"

/*
 * Never another key: containers that run carry what came of it, and are replaced when it differs.
 */
static const uint8_t hash_key[SIPHASH_KEY] = "headlessd  spec";

/*
 * Of what may change in a container that is there, and of nothing that a newer API might add by
 * itself: its name and its image.
 */
void pod_container_hash(const json_t *container, char ret_hash[POD_CONTAINER_HASH])
{
	const char *name = json_string_at(container, "name");
	char *text _cleanup_free_ = mem_printf("%s\n%s", name, json_string_at(container, "image"));

	snprintf(ret_hash, POD_CONTAINER_HASH, "%016llx",
		 (unsigned long long)siphash24(hash_key, text, strlen(text)));
}

static char **expand_all(struct pod_config *config, struct pod_environment *environment,
			 const json_t *texts, size_t *ret_n)
{
	char **expanded =
		arena_alloc(config->arena, (json_array_size(texts) + 1) * sizeof(*expanded));
	const json_t *text;
	size_t i;

	json_array_foreach (texts, i, text) {
		expanded[i] = (char *)pod_environment_expand(environment, config,
							     json_string_value(text));
	}
	*ret_n = json_array_size(texts);
	return expanded;
}

static void put_identity(struct pod_config *config, const json_t *container, uint32_t attempt,
			 Runtime__V1__ContainerConfig *ret)
{
	struct arena *arena = config->arena;
	char *name = arena_printf(arena, "%s", json_string_at(container, "name"));
	char hash[POD_CONTAINER_HASH];
	struct pod_entries entries;

	ret->metadata = arena_alloc(arena, sizeof(*ret->metadata));
	runtime__v1__container_metadata__init(ret->metadata);
	ret->metadata->name = name;
	ret->metadata->attempt = attempt;
	ret->log_path = arena_printf(arena, "%s/%u.log", name, attempt);

	pod_entries_init(&entries, arena, 4);
	pod_entries_add_identity(&entries, config->inputs->pod);
	pod_entries_add(&entries, LABEL_CONTAINER_NAME, name);
	ret->labels = entries.items;
	ret->n_labels = entries.n;

	pod_container_hash(container, hash);
	pod_entries_init(&entries, arena, 4);
	pod_entries_add(&entries, ANNOTATION_SPEC_HASH, hash);
	pod_entries_add(&entries, ANNOTATION_RESTART_COUNT, arena_printf(arena, "%u", attempt));
	pod_entries_add(&entries, ANNOTATION_TERMINATION_PATH,
			json_string_at(container, "terminationMessagePath"));
	pod_entries_add(&entries, ANNOTATION_TERMINATION_POLICY,
			json_string_at(container, "terminationMessagePolicy"));
	ret->annotations = entries.items;
	ret->n_annotations = entries.n;
}

static void put_image(struct pod_config *config, const json_t *container,
		      const Runtime__V1__Image *image, Runtime__V1__ContainerConfig *ret)
{
	struct arena *arena = config->arena;
	char *name = arena_printf(arena, "%s", json_string_at(container, "image"));

	ret->image = arena_alloc(arena, sizeof(*ret->image));
	runtime__v1__image_spec__init(ret->image);
	ret->image->image =
		image != NULL && image->id[0] != '\0' ? arena_printf(arena, "%s", image->id) : name;
	ret->image->user_specified_image = name;
}

static void put_log_directory(struct pod_config *config, const char *name)
{
	const struct pod_inputs *inputs = config->inputs;
	char *directory = arena_printf(config->arena, "%s/%.*s_%.*s_%s/%s", inputs->node->log_dir,
				       STR_ARG(inputs->pod->space), STR_ARG(inputs->pod->name),
				       object_uid(inputs->pod), name);
	int r = file_make_directory(directory, 0755);

	if (r < 0) {
		pod_config_fail(config, POD_CONFIG_WAIT, "%s: %s", directory, strerror(-r));
	}
}

enum pod_config_outcome pod_container_config(const struct pod_inputs *inputs,
					     const json_t *container, uint32_t attempt,
					     const Runtime__V1__Image *image, struct arena *arena,
					     Runtime__V1__ContainerConfig **ret,
					     char ret_message[POD_CONFIG_MESSAGE])
{
	Runtime__V1__ContainerConfig *message = arena_alloc(arena, sizeof(*message));
	struct pod_environment environment;
	struct pod_config config;

	pod_config_init(&config, inputs, arena, ret_message);
	runtime__v1__container_config__init(message);
	put_identity(&config, container, attempt, message);
	put_image(&config, container, image, message);
	pod_environment_init(&environment, &config, container);
	message->command = expand_all(&config, &environment, json_object_get(container, "command"),
				      &message->n_command);
	message->args = expand_all(&config, &environment, json_object_get(container, "args"),
				   &message->n_args);
	message->working_dir = arena_printf(arena, "%s", json_string_at(container, "workingDir"));
	message->envs = environment.items;
	message->n_envs = environment.n;
	message->stdin = json_bool_at(container, "stdin", false);
	message->stdin_once = json_bool_at(container, "stdinOnce", false);
	message->tty = json_bool_at(container, "tty", false);
	message->on_linux = arena_alloc(arena, sizeof(*message->on_linux));
	runtime__v1__linux_container_config__init(message->on_linux);
	message->on_linux->resources = pod_resources(&config, container);
	message->on_linux->security_context = pod_container_security(&config, container, image);
	if (config.outcome == POD_CONFIG_FINE) {
		/* What makes files comes last: nothing is left of a container that cannot be. */
		put_log_directory(&config, message->metadata->name);
		pod_mounts(&config, container, attempt, &environment, message);
	}
	pod_environment_deinit(&environment);
	if (config.outcome == POD_CONFIG_FINE) {
		*ret = message;
	}
	return config.outcome;
}
