# SPDX-License-Identifier: Apache-2.0
"""Our containerd for real, in namespaces of its own, and the images that demos use."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

import pytest

from conftest import HEADLESSD, ROOT

PROGRAM = pathlib.Path(HEADLESSD).resolve().parents[1] / "node/test-containerd"
SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
ENTER = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         "--propagation", "private"]


def why_not():
    if os.geteuid() != 0:
        return "needs root"
    for program in ("containerd", "runc", "ctr", "nginx", "busybox", "unshare"):
        if shutil.which(program, path=SBIN) is None:
            return f"needs {program}"
    if subprocess.run([*ENTER, "true"], capture_output=True, check=False).returncode != 0:
        return "may not make namespaces"
    return "" if os.access("/sys/fs/cgroup", os.W_OK) else "needs cgroups that can be written"


@pytest.fixture(scope="module", name="archive")
def make_archive(tmp_path_factory):
    if shutil.which("nginx", path=SBIN) is None or shutil.which("busybox") is None:
        pytest.skip("needs nginx and busybox")
    path = tmp_path_factory.mktemp("images") / "images.tar"
    subprocess.run([ROOT / "tools/demo-images", "--output", path], check=True)
    return path


def remove_cgroups(name):
    for folder, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
        if f"/{name}" in folder:
            os.rmdir(folder)


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_pods_run_and_outlive_their_containerd():
    """In a PID namespace: whatever is left when the test ends is killed with it."""
    folder = tempfile.mkdtemp(prefix="hd-")
    try:
        result = subprocess.run(
            [*ENTER, "sh", "-ec", 'ip link set lo up; "$@"', "sh", PROGRAM, f"{folder}/data",
             f"{folder}/run", ROOT / "tools/demo-images"],
            capture_output=True, text=True, check=False, timeout=600,
            env=dict(os.environ, PATH=SBIN))
        assert result.returncode == 0, result.stdout + result.stderr
        assert folder not in pathlib.Path("/proc/self/mounts").read_text()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        remove_cgroups("headlessd-test")


def read_archive(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def blob(files, described):
    data = files["blobs/" + described["digest"].replace(":", "/")]
    assert described["digest"] == "sha256:" + hashlib.sha256(data).hexdigest()
    assert described["size"] == len(data)
    return data


def test_demo_images_are_whole_and_say_what_they_are(archive):
    files = read_archive(archive)
    for manifest in json.loads(files["index.json"])["manifests"]:
        image = json.loads(blob(files, manifest))
        config = json.loads(blob(files, image["config"]))
        assert "stand-in" in config["config"]["Labels"]["org.opencontainers.image.description"]
        layers = [blob(files, layer) for layer in image["layers"]]
        assert config["rootfs"]["diff_ids"] == [
            "sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]


def test_demo_images_are_the_same_each_time(archive, tmp_path):
    again = tmp_path / "again.tar"
    subprocess.run([ROOT / "tools/demo-images", "--output", again], check=True)
    assert again.read_bytes() == archive.read_bytes()


def full_name(name):
    first = name.split("/")[0]
    if "/" not in name:
        name = "docker.io/library/" + name
    elif "." not in first and ":" not in first:
        name = "docker.io/" + name
    return name if ":" in name.rsplit("/", 1)[1] else name + ":latest"


def test_every_image_of_the_examples_has_a_stand_in():
    output = subprocess.run([ROOT / "tools/demo-images", "--list"], capture_output=True, text=True,
                            check=True).stdout
    listed = {line.split("\t")[0] for line in output.splitlines()}
    wanted = set()
    for path in (ROOT / "examples").rglob("*.yaml"):
        wanted |= {full_name(name) for name in re.findall(r"\bimage: *(\S+)", path.read_text())}
    assert wanted and wanted <= listed
    for name in ("giantswarm/tiny-tools", "busybox:1.28", "nginx:alpine", "registry.k8s.io/pause:3.9"):
        assert full_name(name) in listed


def test_old_nslookup_names_each_address(archive, tmp_path):
    files = read_archive(archive)
    manifests = json.loads(files["index.json"])["manifests"]
    manifest = next(m for m in manifests
                    if m["annotations"]["io.containerd.image.name"].endswith("busybox:1.28"))
    layer = tmp_path / "layer.tar"
    layer.write_bytes(blob(files, json.loads(blob(files, manifest))["layers"][-1]))
    with tarfile.open(layer) as tar:
        program = tmp_path / "nslookup"
        program.write_bytes(tar.extractfile("usr/bin/nslookup").read())
    program.chmod(0o755)
    output = subprocess.run([program, "localhost"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"^Name: +localhost\n(Address \d+: ::1.*\n)?Address \d: 127\.0\.0\.1 localhost$",
                     output, re.M), output
    failed = subprocess.run([program, "no..name"], capture_output=True, text=True,
                            check=False)
    assert failed.returncode == 1
    assert failed.stderr == "nslookup: can't resolve 'no..name'\n"
