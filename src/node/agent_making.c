/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwards to pod_config and volumes. Its own are the last words of containers, read as kubelet
 * does (4 KiB of the file, or the end of the log when that is empty and the policy says so), and
 * the removal of logs.
 * https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
#include "node/agent_making.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "object/object.h"
#include "json/json.h"

enum { WORDS_MOST = 4096, LOG_MOST = 2048, LOG_LINES = 80 };

static const char *admission(void *data, struct object *pod, char ret_message[POD_CONFIG_MESSAGE])
{
	return pod_admission(pod, ret_message);
}

static enum pod_config_outcome sandbox(void *data, const struct pod_inputs *inputs,
				       uint32_t attempt, struct arena *arena,
				       Runtime__V1__PodSandboxConfig **ret,
				       char ret_message[POD_CONFIG_MESSAGE])
{
	return pod_sandbox_config(inputs, attempt, arena, ret, ret_message);
}

static enum pod_config_outcome container(void *data, const struct pod_inputs *inputs,
					 const json_t *spec, uint32_t attempt,
					 const Runtime__V1__Image *image, struct arena *arena,
					 Runtime__V1__ContainerConfig **ret,
					 char ret_message[POD_CONFIG_MESSAGE])
{
	return pod_container_config(inputs, spec, attempt, image, arena, ret, ret_message);
}

static void hash(void *data, const json_t *spec, char ret_hash[POD_CONTAINER_HASH])
{
	pod_container_hash(spec, ret_hash);
}

static void prepare(void *data, struct object *pod, volumes_done_fn done, void *userdata)
{
	volumes_prepare(((struct making *)data)->volumes, pod, done, userdata);
}

static void refresh(void *data, struct object *pod)
{
	volumes_refresh(((struct making *)data)->volumes, pod);
}

static int write_hosts(void *data, struct object *pod, const char *const *pod_ips)
{
	return volumes_write_hosts(((struct making *)data)->volumes, pod, pod_ips);
}

static json_t *leftovers(void *data)
{
	return volumes_leftovers(((struct making *)data)->volumes);
}

/* ---- logs ---- */

static char *log_directory(const struct making *making, struct object *pod)
{
	return mem_printf("%s/%.*s_%.*s_%s", making->node->log_dir, STR_ARG(pod->space),
			  STR_ARG(pod->name), object_uid(pod));
}

/* Everything in a directory of files, and the directory. Links are removed, not followed. */
static void remove_files(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (directory == NULL) {
		if (fd >= 0) {
			close(fd);
		}
		return;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			(void)unlinkat(fd, entry->d_name, 0);
		}
	}
	closedir(directory);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* The pod's directory has one for each container, with its logs. */
static int remove_logs(const struct making *making, struct object *pod)
{
	_cleanup_free_ char *path = log_directory(making, pod);
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (directory == NULL) {
		return errno == ENOENT ? 0 : -errno;
	}
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			remove_files(dirfd(directory), entry->d_name);
		}
	}
	closedir(directory);
	return rmdir(path) == 0 || errno == ENOENT ? 0 : -errno;
}

static int remove_all(void *data, struct object *pod, const char *uid)
{
	const struct making *making = data;
	int result = volumes_remove(making->volumes, uid);

	return result == 0 && pod != NULL ? remove_logs(making, pod) : result;
}

/* ---- last words ---- */

/* The last `most` bytes of a file; heap, "" when there is none. */
static char *read_end(const char *path, size_t most)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat info;
	char *text;
	ssize_t n;

	if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
		return mem_strdup("");
	}
	text = mem_alloc(most + 1);
	n = pread(fd, text, most,
		  info.st_size > (off_t)most ? info.st_size - (off_t)most : (off_t)0);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* A line of the log is "TIME STREAM TAG TEXT". */
static struct str words_of_line(struct str line)
{
	for (int i = 0; i < 3; i++) {
		str_cut(&line, ' ');
	}
	return line;
}

static char *end_of_log(const struct making *making, struct object *pod, const char *name,
			uint32_t attempt)
{
	_cleanup_free_ char *directory = log_directory(making, pod);
	_cleanup_free_ char *path = mem_printf("%s/%s/%u.log", directory, name, attempt);
	/* Half as much again for times and tags. */
	_cleanup_free_ char *raw = read_end(path, 2 * LOG_MOST);
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(4 * LOG_MOST);
	struct str rest = str_from(raw);
	size_t n;

	if (rest.n == 2 * LOG_MOST) {
		str_cut(&rest, '\n'); /* the first line is not whole */
	}
	while (rest.p != NULL && rest.n > 0) {
		struct str line = words_of_line(str_cut(&rest, '\n'));

		buffer_append_str(&text, line);
		buffer_append_char(&text, '\n');
	}
	n = text.n > LOG_MOST ? text.n - LOG_MOST : 0;
	return mem_strdup(buffer_text(&text) + n);
}

static const json_t *find_container(struct object *pod, const char *name)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const json_t *each;
		size_t i;

		json_array_foreach (json_at(object_tree(pod), lists[l]), i, each) {
			if (strcmp(json_string_at(each, "name"), name) == 0) {
				return each;
			}
		}
	}
	return NULL;
}

static char *last_words(void *data, struct object *pod, const char *name, uint32_t attempt,
			bool failed)
{
	const struct making *making = data;
	const char *policy = json_string_at(find_container(pod, name), "terminationMessagePolicy");
	struct arena arena;
	char *words;

	arena_init(&arena, LIMIT_POD_CONFIG);
	words = read_end(pod_termination_log(making->node, pod, name, attempt, &arena), WORDS_MOST);
	arena_deinit(&arena);
	if (words[0] == '\0' && failed && strcmp(policy, "FallbackToLogsOnError") == 0) {
		mem_free(words);
		words = end_of_log(making, pod, name, attempt);
	}
	/* What is no UTF-8 cannot be told to the API. */
	for (char *c = words; *c != '\0'; c++) {
		if ((unsigned char)*c >= 0x80) {
			json_t *whole = json_string(words);

			if (whole != NULL) {
				json_decref(whole);
				break;
			}
			*c = '?';
		}
	}
	return words;
}

const struct pod_making pod_making_real = {
	.admission = admission,
	.sandbox = sandbox,
	.container = container,
	.hash = hash,
	.prepare = prepare,
	.refresh = refresh,
	.write_hosts = write_hosts,
	.remove = remove_all,
	.leftovers = leftovers,
	.last_words = last_words,
};

/* ---- probes ---- */

static struct knock *start_knock(void *data, const struct knock_request *request,
				 knock_done_fn done, void *userdata)
{
	return knock_start(data, request, done, userdata);
}

struct probing probing_real(struct loop *loop)
{
	return (struct probing){ .start = start_knock, .cancel = knock_cancel, .data = loop };
}
