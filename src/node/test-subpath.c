/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parts of volumes, and the ways out of them that containers may try.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "node/pod_config_intern.h"
#include "node/test-pod-rig.h"

static char *at(struct pod_rig *rig, const char *path)
{
	return arena_printf(&rig->arena, "%s/%s", rig->directory, path);
}

static int open_part(struct pod_rig *rig, const char *path, bool make)
{
	int fd = subpath_open(at(rig, "volume"), path, make);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	return fd;
}

static void links_never_lead_out_of_a_volume(void **state)
{
	struct pod_rig *rig = *state;

	assert_int_equal(file_make_directory(at(rig, "volume/a/b"), 0755), 0);
	assert_int_equal(file_make_directory(at(rig, "secret"), 0755), 0);
	assert_int_equal(symlink("b", at(rig, "volume/a/inner")), 0);
	assert_int_equal(symlink("../../secret", at(rig, "volume/a/up")), 0);
	assert_int_equal(symlink(at(rig, "secret"), at(rig, "volume/abs")), 0);
	assert_int_equal(symlink("/", at(rig, "volume/root")), 0);
	assert_int_equal(symlink("/proc/self/root", at(rig, "volume/magic")), 0);
	assert_int_equal(symlink("nowhere", at(rig, "volume/dangling")), 0);

	assert_int_equal(open_part(rig, "a/b", false), 0);
	assert_int_equal(open_part(rig, "a/inner", false), 0);
	assert_int_equal(open_part(rig, "a/up", false), -EXDEV);
	assert_int_equal(open_part(rig, "abs", false), -EXDEV);
	assert_int_equal(open_part(rig, "root", false), -EXDEV);
	assert_int_equal(open_part(rig, "root/etc", true), -EXDEV);
	assert_int_equal(open_part(rig, "a/../../secret", false), -EXDEV);
	assert_int_equal(open_part(rig, "magic", false), -EXDEV);
	assert_int_equal(open_part(rig, "none", false), -ENOENT);
	assert_true(open_part(rig, "dangling/x", true) < 0);
	assert_int_equal(access(at(rig, "secret/x"), F_OK), -1);
}

static void missing_parts_are_made_like_the_volume(void **state)
{
	struct pod_rig *rig = *state;
	struct stat made;

	assert_int_equal(file_make_directory(at(rig, "volume"), 0755), 0);
	assert_int_equal(chmod(at(rig, "volume"), 02775), 0);
	assert_int_equal(open_part(rig, "x/y/z", true), 0);
	assert_int_equal(stat(at(rig, "volume/x/y/z"), &made), 0);
	assert_int_equal(made.st_mode & 07777, 02775);
	assert_int_equal(open_part(rig, "x/y/z", true), 0);
	pod_rig_write(at(rig, "volume/file"), "text");
	assert_int_equal(open_part(rig, "file", true), 0);
	assert_true(open_part(rig, "file/below", true) < 0);
}

static void a_mounted_part_stays_what_it_was(void **state)
{
	struct pod_rig *rig = *state;

	if (geteuid() != 0) {
		print_message("not root: no mounts are tried\n");
		skip();
	}
	assert_int_equal(file_make_directory(at(rig, "volume/part"), 0755), 0);
	pod_rig_write(at(rig, "volume/part/text"), "kept");
	int r = subpath_mount(at(rig, "volume"), "part", at(rig, "target/0"));
	if (r == -EPERM) {
		print_message("no right to mount here: not tried\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_string_equal(pod_rig_read(rig, "target/0/text"), "kept");

	/* A link that is put there later changes nothing. */
	assert_int_equal(rename(at(rig, "volume/part"), at(rig, "volume/moved")), 0);
	assert_int_equal(symlink("/etc", at(rig, "volume/part")), 0);
	assert_string_equal(pod_rig_read(rig, "target/0/text"), "kept");
	assert_int_equal(subpath_mount(at(rig, "volume"), "part", at(rig, "target/1")), -EXDEV);

	/* The next container gets what is there then; a file as well as a directory. */
	assert_int_equal(subpath_mount(at(rig, "volume"), "moved/text", at(rig, "target/0")), 0);
	assert_string_equal(pod_rig_read(rig, "target/0"), "kept");
	assert_int_equal(subpath_mount(at(rig, "volume"), "moved", at(rig, "target/0")), 0);
	assert_string_equal(pod_rig_read(rig, "target/0/text"), "kept");
}

static void a_container_mounts_a_part_by_expression(void **state)
{
	struct pod_rig *rig = *state;
	enum pod_config_outcome outcome;

	pod_rig_pod(rig,
		    "{'volumes': [{'name': 'h', 'hostPath': {'path': '%s'}}], 'containers': "
		    "[{'name': 'c', 'image': 'i', 'volumeMounts': [{'name': 'h', 'mountPath': "
		    "'/h', 'subPathExpr': '$(NO)'}]}]}",
		    rig->directory);
	assert_null(pod_rig_made(rig, NULL, &outcome));
	assert_string_equal(rig->message, "missing value for \"NO\"");
	assert_int_equal(outcome, POD_CONFIG_IMPOSSIBLE);
	pod_rig_pod(rig,
		    "{'volumes': [{'name': 'h', 'hostPath': {'path': '%s'}}], 'containers': "
		    "[{'name': 'c', 'image': 'i', 'env': [{'name': 'UP', 'value': '..'}], "
		    "'volumeMounts': [{'name': 'h', 'mountPath': '/h', 'subPathExpr': "
		    "'a/$(UP)/$(UP)/b'}]}]}",
		    rig->directory);
	assert_null(pod_rig_made(rig, NULL, &outcome));
	assert_non_null(strstr(rig->message, "without '..'"));
	if (geteuid() != 0) {
		print_message("not root: no mounts are tried\n");
		return;
	}
	pod_rig_pod(rig,
		    "{'volumes': [{'name': 'h', 'hostPath': {'path': '%s'}}], 'containers': "
		    "[{'name': 'c', 'image': 'i', 'env': [{'name': 'P', 'valueFrom': "
		    "{'fieldRef': {'fieldPath': 'metadata.name'}}}], 'volumeMounts': [{'name': "
		    "'h', 'mountPath': '/h', 'subPathExpr': 'at/$(P)'}]}]}",
		    rig->directory);
	Runtime__V1__ContainerConfig *config = pod_rig_made(rig, NULL, &outcome);
	if (config == NULL && strstr(rig->message, "permitted") != NULL) {
		print_message("no right to mount here: not tried\n");
		return;
	}
	assert_non_null(config);
	assert_string_equal(config->mounts[0]->host_path,
			    at(rig, "data/pods/uid-1/volume-subpaths/h/c/0"));
	assert_int_equal(access(at(rig, "at/web-0"), F_OK), 0);
}

int main(void)
{
#define RIG_TEST(name) cmocka_unit_test_setup_teardown(name, pod_rig_setup, pod_rig_teardown)
	const struct CMUnitTest tests[] = {
		RIG_TEST(links_never_lead_out_of_a_volume),
		RIG_TEST(missing_parts_are_made_like_the_volume),
		RIG_TEST(a_mounted_part_stays_what_it_was),
		RIG_TEST(a_container_mounts_a_part_by_expression),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
