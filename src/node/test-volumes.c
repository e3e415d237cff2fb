/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volumes in a directory that is removed afterwards, with an API that answers when it is told to.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "client/client.h"
#include "loop/loop.h"
#include "node/test-pod-rig.h"
#include "node/volumes_intern.h"
#include "object/kinds.h"
#include "object/well_known.h"
#include "json/json.h"

/* ---- an API of tokens ---- */

struct asked {
	json_t *body;
	char *path;
	client_done_fn done;
	void *userdata;
};

struct rig {
	struct pod_rig *pod;
	struct client client;
	struct asked asked[8];
	size_t n_asked;
	struct clock_manual clock;
	struct loop *loop;
	struct volumes *volumes;
	/* Of the last prepare. */
	unsigned n_done;
	enum pod_config_outcome outcome;
	char message[POD_CONFIG_MESSAGE];
};

static void request(struct client *client, const struct client_request *wanted, client_done_fn done,
		    void *userdata)
{
	struct rig *rig = container_of(client, struct rig, client);
	struct asked *asked = &rig->asked[rig->n_asked++];

	assert_true(rig->n_asked <= ARRAY_SIZE(rig->asked));
	asked->body = json_deep_copy(wanted->body);
	asked->path = mem_printf("%.*s/%s/%.*s/%s", STR_ARG(wanted->space), wanted->kind->plural,
				 STR_ARG(wanted->name),
				 wanted->subresource != NULL ? wanted->subresource : "");
	asked->done = done;
	asked->userdata = userdata;
}

static void free_client(struct client *client)
{
}

static const struct client_ops ops = { .request = request, .free = free_client };

/* Answers the first question; `token` NULL: refused. */
static void answer(struct rig *rig, const char *token)
{
	struct asked asked = rig->asked[0];
	struct client_response response = { .code = 201 };

	assert_true(rig->n_asked > 0);
	memmove(rig->asked, rig->asked + 1, --rig->n_asked * sizeof(asked));
	if (token != NULL) {
		json_put(asked.body, "status.token", json_string(token));
		response.answer = asked.body;
	} else {
		response.code = 403;
		response.message = "not today";
	}
	asked.done(asked.userdata, &response);
	json_decref(asked.body);
	mem_free(asked.path);
}

static int setup(void **state)
{
	struct rig *rig = MEM_NEW(struct rig);
	void *pod = NULL;

	pod_rig_setup(&pod);
	rig->pod = pod;
	rig->client.ops = &ops;
	clock_manual_init(&rig->clock, 1000 * NS_PER_S);
	assert_int_equal(loop_new(&rig->loop), 0);
	rig->volumes = volumes_new(rig->loop, &rig->client, rig->pod->cache, &rig->pod->node,
				   &rig->clock.clock);
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;
	void *pod = rig->pod;

	volumes_remove(rig->volumes, "uid-1");
	rig->volumes = volumes_free(rig->volumes);
	while (rig->n_asked != 0) {
		answer(rig, NULL); /* whoever asked is gone */
	}
	loop_free(rig->loop);
	pod_rig_teardown(&pod);
	mem_free(rig);
	return 0;
}

static void done(void *userdata, enum pod_config_outcome outcome, const char *message)
{
	struct rig *rig = userdata;

	rig->n_done++;
	rig->outcome = outcome;
	snprintf(rig->message, sizeof(rig->message), "%s", message);
}

static void prepare(struct rig *rig)
{
	rig->n_done = 0;
	rig->message[0] = '\0';
	volumes_prepare(rig->volumes, rig->pod->pod, done, rig);
}

#define VOLUMES "data/pods/uid-1/volumes/kubernetes.io~"

static char *at(struct rig *rig, const char *path)
{
	return arena_printf(&rig->pod->arena, "%s/%s", rig->pod->directory, path);
}

static mode_t mode_of(struct rig *rig, const char *path)
{
	struct stat status;

	assert_int_equal(stat(at(rig, path), &status), 0);
	return status.st_mode & 07777;
}

static void assert_text(struct rig *rig, const char *path, const char *text)
{
	const char *found = pod_rig_read(rig->pod, path);

	if (text == NULL) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, text);
}

/* ---- written volumes ---- */

static void entries_become_files(void **state)
{
	struct rig *rig = *state;

	pod_rig_put(rig->pod, &kind_config_map,
		    "{'metadata': {'name': 'm'}, 'data': {'a': 'one', 'b.conf': 'two'}, "
		    "'binaryData': {'c': 'AAEC'}}");
	pod_rig_put(rig->pod, &kind_secret,
		    "{'metadata': {'name': 's'}, 'data': {'p': 'c2VjcmV0'}}");
	pod_rig_pod(rig->pod,
		    "{'volumes': [{'name': 'all', 'configMap': {'name': 'm', 'defaultMode': 420}}, "
		    "{'name': 'some', 'configMap': {'name': 'm', 'items': [{'key': 'a', 'path': "
		    "'deep/er/a', 'mode': 256}]}}, {'name': 's', 'secret': {'secretName': 's', "
		    "'defaultMode': 256}}, {'name': 'no', 'configMap': {'name': 'none', "
		    "'optional': true}}]}");
	prepare(rig);
	assert_int_equal(rig->n_done, 1);
	assert_string_equal(rig->message, "");
	assert_int_equal(rig->outcome, POD_CONFIG_FINE);
	assert_text(rig, VOLUMES "configmap/all/a", "one");
	assert_text(rig, VOLUMES "configmap/all/b.conf", "two");
	assert_int_equal(access(at(rig, VOLUMES "configmap/all/c"), F_OK), 0);
	assert_text(rig, VOLUMES "configmap/some/deep/er/a", "one");
	assert_text(rig, VOLUMES "configmap/some/a", NULL);
	assert_int_equal(mode_of(rig, VOLUMES "configmap/some/deep/er/a"), 0400);
	assert_int_equal(mode_of(rig, VOLUMES "configmap/all/a"), 0644);
	assert_text(rig, VOLUMES "secret/s/p", "secret");
	assert_int_equal(mode_of(rig, VOLUMES "secret/s/p"), 0400);
	assert_int_equal(access(at(rig, VOLUMES "configmap/no"), F_OK), 0);
	assert_int_equal(mode_of(rig, "data/pods/uid-1"), 0750);
}

static void a_change_is_seen_all_at_once(void **state)
{
	struct rig *rig = *state;
	char before[256] = "";
	char after[256] = "";

	pod_rig_put(rig->pod, &kind_config_map,
		    "{'metadata': {'name': 'm'}, 'data': {'a': 'one', 'gone': 'x'}}");
	pod_rig_pod(rig->pod, "{'volumes': [{'name': 'v', 'configMap': {'name': 'm'}}]}");
	prepare(rig);
	assert_true(readlink(at(rig, VOLUMES "configmap/v/..data"), before, 255) > 0);
	assert_true(readlink(at(rig, VOLUMES "configmap/v/a"), after, 255) > 0);
	assert_string_equal(after, "..data/a");
	int held = open(at(rig, VOLUMES "configmap/v/a"), O_RDONLY | O_CLOEXEC);
	assert_true(held >= 0);

	/* Nothing new: nothing is written. */
	memset(after, 0, sizeof(after));
	volumes_refresh(rig->volumes, rig->pod->pod);
	assert_true(readlink(at(rig, VOLUMES "configmap/v/..data"), after, 255) > 0);
	assert_string_equal(before, after);

	pod_rig_put(rig->pod, &kind_config_map,
		    "{'metadata': {'name': 'm'}, 'data': {'a': 'three', 'new': 'y'}}");
	volumes_refresh(rig->volumes, rig->pod->pod);
	memset(after, 0, sizeof(after));
	assert_true(readlink(at(rig, VOLUMES "configmap/v/..data"), after, 255) > 0);
	assert_string_not_equal(before, after);
	assert_text(rig, VOLUMES "configmap/v/a", "three");
	assert_text(rig, VOLUMES "configmap/v/new", "y");
	assert_text(rig, VOLUMES "configmap/v/gone", NULL);
	assert_int_equal(faccessat(AT_FDCWD, at(rig, VOLUMES "configmap/v/gone"), F_OK,
				   AT_SYMLINK_NOFOLLOW),
			 -1);
	char *old = arena_printf(&rig->pod->arena, VOLUMES "configmap/v/%s", before);
	assert_int_equal(access(at(rig, old), F_OK), -1);
	close(held);

	/* What has gone from the API stays in a pod that runs. */
	cache_unfeed(rig->pod->cache, &kind_config_map, STR("ns"), STR("m"));
	volumes_refresh(rig->volumes, rig->pod->pod);
	assert_text(rig, VOLUMES "configmap/v/a", "three");
}

static void what_is_missing_is_named(void **state)
{
	static const struct {
		const char *volume;
		enum pod_config_outcome outcome;
		const char *message;
	} cases[] = {
		{ "{'name': 'v', 'configMap': {'name': 'none'}}", POD_CONFIG_WAIT,
		  "MountVolume.SetUp failed for volume \"v\" : configmap \"none\" not found" },
		{ "{'name': 'v', 'secret': {'secretName': 'none'}}", POD_CONFIG_WAIT,
		  "MountVolume.SetUp failed for volume \"v\" : secret \"none\" not found" },
		{ "{'name': 'v', 'configMap': {'name': 'm', 'items': [{'key': 'k', 'path': 'k'}]}}",
		  POD_CONFIG_WAIT,
		  "MountVolume.SetUp failed for volume \"v\" : references non-existent config "
		  "key: k" },
		{ "{'name': 'v', 'configMap': {'name': 'm', 'items': [{'key': 'a', 'path': "
		  "'../../x'}]}}",
		  POD_CONFIG_IMPOSSIBLE,
		  "MountVolume.SetUp failed for volume \"v\" : \"../../x\" is no path below a "
		  "volume" },
		{ "{'name': 'v', 'hostPath': {'path': '/etc/hostname', 'type': 'Directory'}}",
		  POD_CONFIG_WAIT,
		  "MountVolume.SetUp failed for volume \"v\" : hostPath type check failed: "
		  "/etc/hostname is not a Directory" },
		{ "{'name': 'v', 'persistentVolumeClaim': {'claimName': 'none'}}", POD_CONFIG_WAIT,
		  "persistentvolumeclaim \"none\" not found" },
		{ "{'name': 'v', 'iscsi': {}}", POD_CONFIG_IMPOSSIBLE,
		  "volume \"v\" is of a sort that this node does not know" },
	};
	struct rig *rig = *state;

	pod_rig_put(rig->pod, &kind_config_map, "{'metadata': {'name': 'm'}, 'data': {'a': ''}}");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pod_rig_pod(rig->pod, "{'volumes': [%s]}", cases[i].volume);
		prepare(rig);
		assert_int_equal(rig->n_done, 1);
		assert_int_equal(rig->outcome, cases[i].outcome);
		assert_string_equal(rig->message, cases[i].message);
	}
}

static void fields_and_parts_share_a_directory(void **state)
{
	struct rig *rig = *state;

	pod_rig_put(rig->pod, &kind_config_map,
		    "{'metadata': {'name': 'm'}, 'data': {'a': 'one'}}");
	pod_rig_pod(rig->pod,
		    "{'volumes': [{'name': 'p', 'projected': {'sources': [{'configMap': {'name': "
		    "'m'}}, {'downwardAPI': {'items': [{'path': 'labels', 'fieldRef': "
		    "{'fieldPath': 'metadata.labels'}}]}}]}}, {'name': 'd', 'downwardAPI': "
		    "{'items': [{'path': 'name', 'fieldRef': {'fieldPath': 'metadata.name'}}]}}]}");
	prepare(rig);
	assert_int_equal(rig->outcome, POD_CONFIG_FINE);
	assert_text(rig, VOLUMES "projected/p/a", "one");
	assert_text(rig, VOLUMES "projected/p/labels", "app=\"web\"");
	assert_text(rig, VOLUMES "downward-api/d/name", "web-0");
}

static void immutable_ones_are_written_once(void **state)
{
	struct rig *rig = *state;

	pod_rig_put(rig->pod, &kind_config_map,
		    "{'metadata': {'name': 'm'}, 'immutable': true, 'data': {'a': 'one'}}");
	pod_rig_pod(rig->pod, "{'volumes': [{'name': 'v', 'configMap': {'name': 'm'}}]}");
	prepare(rig);
	pod_rig_put(rig->pod, &kind_config_map,
		    "{'metadata': {'name': 'm'}, 'immutable': true, 'data': {'a': 'two'}}");
	volumes_refresh(rig->volumes, rig->pod->pod);
	assert_text(rig, VOLUMES "configmap/v/a", "one");
}

/* ---- tokens ---- */

#define TOKEN_POD                                                                                  \
	"{'serviceAccountName': 'acc', 'volumes': [{'name': 't', 'projected': {'sources': "        \
	"[{'serviceAccountToken': {'path': 'token', 'expirationSeconds': 1000}}, "                 \
	"{'serviceAccountToken': {'path': 'vault', 'audience': 'vault', 'expirationSeconds': "     \
	"600}}]}}]}"

static void tokens_are_asked_for_and_renewed_in_time(void **state)
{
	struct rig *rig = *state;

	pod_rig_pod(rig->pod, TOKEN_POD);
	prepare(rig);
	assert_int_equal(rig->n_done, 0);
	assert_int_equal(rig->n_asked, 2);
	assert_string_equal(rig->asked[0].path, "ns/serviceaccounts/acc/token");
	assert_string_equal(json_string_at(rig->asked[0].body, "spec.boundObjectRef.uid"), "uid-1");
	assert_int_equal(json_int_at(rig->asked[0].body, "spec.expirationSeconds", 0), 1000);
	assert_int_equal(json_array_size(json_at(rig->asked[0].body, "spec.audiences")), 0);
	assert_string_equal(
		json_string_value(json_array_get(json_at(rig->asked[1].body, "spec.audiences"), 0)),
		"vault");
	answer(rig, "first");
	assert_int_equal(rig->n_done, 0);
	answer(rig, "second");
	assert_int_equal(rig->n_done, 1);
	assert_int_equal(rig->outcome, POD_CONFIG_FINE);
	assert_text(rig, VOLUMES "projected/t/token", "first");
	assert_text(rig, VOLUMES "projected/t/vault", "second");

	/* Prepared again: what is good is not asked for again. */
	prepare(rig);
	assert_int_equal(rig->n_done, 1);
	assert_int_equal(rig->n_asked, 0);

	/* Four fifths of 600 s. */
	rig->clock.now += 479 * NS_PER_S;
	prepare(rig);
	assert_int_equal(rig->n_asked, 0);
	rig->clock.now += 1 * NS_PER_S;
	prepare(rig);
	assert_int_equal(rig->n_done, 1); /* the old one is still good */
	assert_int_equal(rig->n_asked, 1);
	answer(rig, "third");
	assert_text(rig, VOLUMES "projected/t/vault", "third");
	assert_text(rig, VOLUMES "projected/t/token", "first");

	/* Refused: what there is stays. */
	rig->clock.now += 480 * NS_PER_S;
	prepare(rig);
	assert_int_equal(rig->n_asked, 2);
	answer(rig, NULL);
	answer(rig, NULL);
	assert_text(rig, VOLUMES "projected/t/vault", "third");
}

static void a_token_that_is_refused_is_waited_for(void **state)
{
	struct rig *rig = *state;

	pod_rig_pod(rig->pod, TOKEN_POD);
	prepare(rig);
	answer(rig, NULL);
	answer(rig, "second");
	assert_int_equal(rig->n_done, 1);
	assert_int_equal(rig->outcome, POD_CONFIG_WAIT);
	assert_string_equal(rig->message, "MountVolume.SetUp failed for volume \"t\" : failed to "
					  "fetch token: not today");
	prepare(rig);
	answer(rig, "first");
	assert_int_equal(rig->outcome, POD_CONFIG_FINE);
}

static void an_answer_may_come_after_the_pod_has_gone(void **state)
{
	struct rig *rig = *state;

	pod_rig_pod(rig->pod, TOKEN_POD);
	prepare(rig);
	assert_int_equal(volumes_remove(rig->volumes, "uid-1"), 0);
	assert_int_equal(rig->n_done, 1);
	assert_int_equal(rig->outcome, POD_CONFIG_WAIT);
	answer(rig, "first");
	assert_int_equal(rig->n_done, 1);
	assert_int_equal(access(at(rig, "data/pods/uid-1"), F_OK), -1);
}

static void tokens_are_for_one_user_and_group(void **state)
{
	struct rig *rig = *state;
	struct stat status;

	if (geteuid() != 0) {
		print_message("not root: files are given to nobody\n");
		skip();
	}
	pod_rig_pod(rig->pod,
		    "{'securityContext': {'runAsUser': 1234, 'fsGroup': 4321}, 'volumes': "
		    "[{'name': 't', 'projected': {'sources': [{'serviceAccountToken': {'path': "
		    "'token'}}]}}, {'name': 'e', 'emptyDir': {}}]}");
	prepare(rig);
	answer(rig, "first");
	assert_int_equal(rig->outcome, POD_CONFIG_FINE);
	assert_int_equal(stat(at(rig, VOLUMES "projected/t/token"), &status), 0);
	assert_int_equal(status.st_uid, 1234);
	assert_int_equal(status.st_gid, 4321);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(stat(at(rig, VOLUMES "empty-dir/e"), &status), 0);
	assert_int_equal(status.st_gid, 4321);
	assert_int_equal(status.st_mode & 07777, 02777);
}

/* ---- other volumes ---- */

static void directories_are_made_as_they_are_asked_for(void **state)
{
	struct rig *rig = *state;

	pod_rig_put(rig->pod, &kind_persistent_volume_claim,
		    "{'metadata': {'name': 'data'}, 'spec': {'volumeName': 'pvc-1'}, 'status': "
		    "{'phase': 'Bound'}}");
	pod_rig_put(rig->pod, &kind_persistent_volume,
		    "{'metadata': {'name': 'pvc-1', 'annotations': {'%s': '%s'}}, 'spec': "
		    "{'hostPath': {'path': '%s'}, 'claimRef': {'uid': 'uid-data'}}}",
		    ANNOTATION_PROVISIONED_BY, PROVISIONER_LOCAL_PATH, at(rig, "pv/pvc-1"));
	pod_rig_pod(
		rig->pod,
		"{'volumes': [{'name': 'e', 'emptyDir': {}}, {'name': 'h', 'hostPath': {'path': "
		"'%s', 'type': 'DirectoryOrCreate'}}, {'name': 'f', 'hostPath': {'path': '%s', "
		"'type': 'FileOrCreate'}}, {'name': 'c', 'persistentVolumeClaim': "
		"{'claimName': 'data'}}]}",
		at(rig, "host/dir"), at(rig, "host/dir/file"));
	prepare(rig);
	assert_string_equal(rig->message, "");
	assert_int_equal(mode_of(rig, VOLUMES "empty-dir/e"), 0777);
	assert_int_equal(mode_of(rig, "host/dir"), 0755);
	assert_int_equal(access(at(rig, "host/dir/file"), F_OK), 0);
	assert_int_equal(mode_of(rig, "pv/pvc-1"), 0777);

	/* What a pod put there outlives the pod. */
	pod_rig_write(at(rig, "pv/pvc-1/text"), "kept");
	pod_rig_write(at(rig, VOLUMES "empty-dir/e/text"), "gone");
	prepare(rig);
	assert_text(rig, VOLUMES "empty-dir/e/text", "gone");
	assert_int_equal(volumes_remove(rig->volumes, "uid-1"), 0);
	assert_text(rig, "pv/pvc-1/text", "kept");
	assert_text(rig, "host/dir/file", "");
	assert_int_equal(access(at(rig, "data/pods/uid-1"), F_OK), -1);
}

static void volumes_in_memory_are_mounted_and_go(void **state)
{
	struct rig *rig = *state;
	struct statfs status;

	if (geteuid() != 0) {
		print_message("not root: no mounts are tried\n");
		skip();
	}
	pod_rig_put(rig->pod, &kind_secret, "{'metadata': {'name': 's'}, 'data': {'p': 'eA=='}}");
	pod_rig_pod(rig->pod,
		    "{'volumes': [{'name': 'e', 'emptyDir': {'medium': 'Memory', 'sizeLimit': "
		    "'1Mi'}}, {'name': 's', 'secret': {'secretName': 's'}}]}");
	prepare(rig);
	if (strstr(rig->message, "permitted") != NULL) {
		print_message("no right to mount here: not tried\n");
		skip();
	}
	assert_string_equal(rig->message, "");
	assert_int_equal(statfs(at(rig, VOLUMES "empty-dir/e"), &status), 0);
	assert_int_equal(status.f_type, 0x01021994); /* TMPFS_MAGIC */
	assert_int_equal(status.f_blocks * (uint64_t)status.f_bsize, 1024 * 1024);
	assert_int_equal(statfs(at(rig, VOLUMES "secret/s"), &status), 0);
	assert_int_equal(status.f_type, 0x01021994);
	pod_rig_write(at(rig, VOLUMES "empty-dir/e/text"), "kept");
	prepare(rig);
	assert_text(rig, VOLUMES "empty-dir/e/text", "kept");
	assert_int_equal(volumes_remove(rig->volumes, "uid-1"), 0);
	assert_int_equal(access(at(rig, "data/pods/uid-1"), F_OK), -1);
}

/* ---- removal ---- */

static void removal_follows_no_link_and_ends_at_mounts(void **state)
{
	struct rig *rig = *state;
	int mounted = -1;

	pod_rig_pod(rig->pod, "{'volumes': [{'name': 'e', 'emptyDir': {}}]}");
	prepare(rig);
	assert_int_equal(file_make_directory(at(rig, "outside"), 0755), 0);
	pod_rig_write(at(rig, "outside/text"), "kept");
	assert_int_equal(symlink(at(rig, "outside"), at(rig, VOLUMES "empty-dir/e/link")), 0);
	assert_int_equal(file_make_directory(at(rig, VOLUMES "empty-dir/e/on"), 0755), 0);
	if (geteuid() == 0) {
		mounted = mount(at(rig, "outside"), at(rig, VOLUMES "empty-dir/e/on"), NULL,
				MS_BIND, NULL);
		/* Twice on one place, as a bind of a bind makes it. */
		mount(at(rig, "outside"), at(rig, VOLUMES "empty-dir/e/on"), NULL, MS_BIND, NULL);
	}
	if (mounted != 0) {
		print_message("no right to mount here: links alone are tried\n");
	}
	json_t *left = volumes_leftovers(rig->volumes);
	assert_int_equal(json_array_size(left), 1);
	assert_string_equal(json_string_value(json_array_get(left, 0)), "uid-1");
	json_decref(left);
	assert_int_equal(volumes_remove(rig->volumes, "uid-1"), 0);
	assert_int_equal(volumes_remove(rig->volumes, "uid-1"), 0);
	assert_int_equal(volumes_remove(rig->volumes, "../outside"), 0);
	assert_text(rig, "outside/text", "kept");
	left = volumes_leftovers(rig->volumes);
	assert_int_equal(json_array_size(left), 0);
	json_decref(left);
}

static void however_deep_a_container_nests_it_goes(void **state)
{
	struct rig *rig = *state;

	pod_rig_pod(rig->pod, "{'volumes': [{'name': 'e', 'emptyDir': {}}]}");
	prepare(rig);
	int fd = open(at(rig, VOLUMES "empty-dir/e"), O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		int below = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);

		assert_true(below >= 0);
		close(fd);
		fd = below;
	}
	close(fd);
	assert_int_equal(volumes_remove(rig->volumes, "uid-1"), 0);
	assert_int_equal(access(at(rig, "data/pods/uid-1"), F_OK), -1);
}

/* ---- local volumes of the node ---- */

static void put_deleted(struct rig *rig, const char *name, const char *path, const char *host)
{
	pod_rig_put(rig->pod, &kind_persistent_volume,
		    "{'metadata': {'name': '%s', 'deletionTimestamp': '2026-01-01T00:00:00Z', "
		    "'finalizers': ['%s', 'other'], 'annotations': {'%s': '%s'}}, 'spec': "
		    "{'hostPath': {'path': '%s'}, 'nodeAffinity': {'required': "
		    "{'nodeSelectorTerms': [{'matchExpressions': [{'key': "
		    "'kubernetes.io/hostname', 'operator': 'In', 'values': ['%s']}]}]}}}}",
		    name, FINALIZER_LOCAL_PATH, ANNOTATION_PROVISIONED_BY, PROVISIONER_LOCAL_PATH,
		    at(rig, path), host);
}

static void a_deleted_volumes_directory_goes(void **state)
{
	struct rig *rig = *state;

	pod_rig_put(rig->pod, &kind_node,
		    "{'metadata': {'name': 'node-a', 'labels': {'kubernetes.io/hostname': "
		    "'host-a'}}}");
	assert_int_equal(file_make_directory(at(rig, "pv/pvc-1/in"), 0755), 0);
	assert_int_equal(file_make_directory(at(rig, "pv/pvc-2"), 0755), 0);
	assert_int_equal(file_make_directory(at(rig, "pv/precious"), 0755), 0);
	/* Another node's; and paths that are no volume's. */
	put_deleted(rig, "pvc-2", "pv/pvc-2", "host-b");
	put_deleted(rig, "pvc-3", "pv/precious", "host-a");
	put_deleted(rig, "precious", "pv/precious", "host-a");
	assert_int_equal(rig->n_asked, 0);
	put_deleted(rig, "pvc-1", "pv/pvc-1", "host-a");
	assert_int_equal(rig->n_asked, 1);
	assert_string_equal(rig->asked[0].path, "/persistentvolumes/pvc-1/");
	const json_t *left = json_at(rig->asked[0].body, "metadata.finalizers");
	assert_int_equal(json_array_size(left), 1);
	assert_int_equal(access(at(rig, "pv/pvc-1"), F_OK), -1);
	assert_int_equal(access(at(rig, "pv/pvc-2"), F_OK), 0);
	assert_int_equal(access(at(rig, "pv/precious"), F_OK), 0);
	answer(rig, NULL);
}

/* ---- hosts ---- */

#define HEAD                                                                                       \
	"# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost "    \
	"ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\n"   \
	"fe00::2\tip6-allrouters\n"

static void hosts_names_the_pod_and_its_aliases(void **state)
{
	static const char *const both[] = { "10.244.0.7", "fd00::7", NULL };
	struct rig *rig = *state;
	const char *path = "data/pods/uid-1/etc-hosts";

	pod_rig_pod(rig->pod, "{}");
	assert_int_equal(volumes_write_hosts(rig->volumes, rig->pod->pod, both), 0);
	assert_text(rig, path, HEAD "10.244.0.7\tweb-0\nfd00::7\tweb-0\n");
	assert_int_equal(mode_of(rig, path), 0644);
	pod_rig_pod(rig->pod, "{'subdomain': 'pg', 'hostAliases': [{'ip': '192.0.2.9', "
			      "'hostnames': ['a.example', 'b']}]}");
	assert_int_equal(volumes_write_hosts(rig->volumes, rig->pod->pod, both), 0);
	assert_text(rig, path,
		    HEAD "10.244.0.7\tweb-0.pg.ns.svc.cluster.local\tweb-0\n"
			 "fd00::7\tweb-0.pg.ns.svc.cluster.local\tweb-0\n"
			 "\n# Entries added by HostAliases.\n192.0.2.9\ta.example\tb\n");
	pod_rig_pod(rig->pod, "{'hostNetwork': true}");
	assert_int_equal(volumes_write_hosts(rig->volumes, rig->pod->pod, both), 0);
	const char *text = pod_rig_read(rig->pod, path);
	assert_non_null(text);
	assert_true(str_starts(str_from(text),
			       STR("# Kubernetes-managed hosts file (host network).\n")));
	assert_null(strstr(text, "10.244.0.7"));
}

int main(void)
{
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		RIG_TEST(entries_become_files),
		RIG_TEST(a_change_is_seen_all_at_once),
		RIG_TEST(what_is_missing_is_named),
		RIG_TEST(fields_and_parts_share_a_directory),
		RIG_TEST(immutable_ones_are_written_once),
		RIG_TEST(tokens_are_asked_for_and_renewed_in_time),
		RIG_TEST(a_token_that_is_refused_is_waited_for),
		RIG_TEST(an_answer_may_come_after_the_pod_has_gone),
		RIG_TEST(tokens_are_for_one_user_and_group),
		RIG_TEST(directories_are_made_as_they_are_asked_for),
		RIG_TEST(volumes_in_memory_are_mounted_and_go),
		RIG_TEST(removal_follows_no_link_and_ends_at_mounts),
		RIG_TEST(however_deep_a_container_nests_it_goes),
		RIG_TEST(a_deleted_volumes_directory_goes),
		RIG_TEST(hosts_names_the_pod_and_its_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
