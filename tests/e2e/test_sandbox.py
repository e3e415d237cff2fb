# SPDX-License-Identifier: Apache-2.0
"""Threads without privileges: what /proc says of them, and that everything still works."""

import base64
import json
import pathlib
import re
import subprocess

import pytest
from conftest import Cluster, fqdn, free_port
from test_operate import Upstream
from test_remote import MANIFEST, Remote

KERNEL_FILTERS = pathlib.Path("/proc/sys/kernel/seccomp/actions_avail")


def threads(process):
    """{thread name: [its fields of /proc/PID/task/TID/status, …]}"""
    found = {}
    for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir():
        fields = dict(line.split(":\t", 1) for line in
                      (task / "status").read_text().splitlines() if ":\t" in line)
        found.setdefault(fields["Name"], []).append(fields)
    return found


def is_confined(thread):
    filtered = thread["Seccomp"] == "2" or not KERNEL_FILTERS.exists()
    return int(thread["CapEff"], 16) == int(thread["CapPrm"], 16) == 0 and \
        thread["NoNewPrivs"] == "1" and filtered


def log_of(cluster):
    return pathlib.Path(cluster.log_path).read_text()


@pytest.fixture(scope="module")
def upstream():
    return Upstream()


@pytest.fixture(scope="module")
def cluster(upstream):
    one = Cluster("--upstream", upstream.address, "--api-listen", f"127.0.0.1:{free_port()}",
                  "--dns-workers", "2")
    if "sandbox: the threads of DNS: nothing" in log_of(one):
        one.stop()
        pytest.skip("built with a sanitizer, which does without")
    one.apply(MANIFEST)
    one.eventually(lambda: len(one.dig(fqdn("web")).records) == 3, "three pods")
    yield one
    assert one.stop() == 0


def as_files(kubeconfig, folder):
    """The same kubeconfig with its keys in files, below a link that is exchanged when they change,
    as the kubelet mounts a Secret. The server has a name."""
    config = json.loads(subprocess.run(
        ["/usr/bin/python3", "-c", "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), "
         "sys.stdout)"], stdin=open(kubeconfig, "rb"), capture_output=True, check=True).stdout)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    cluster["server"] = cluster["server"].replace("127.0.0.1", "localhost")
    keys = {}
    for holder in (cluster, user):
        for name in [name for name in holder if name.endswith("-data")]:
            file = name.removesuffix("-data")
            keys[file] = base64.b64decode(holder.pop(name))
            holder[file] = str(folder / "keys" / file)
    write_keys(folder / "keys", "first", keys)
    for file in keys:
        (folder / "keys" / file).symlink_to(f"..data/{file}")
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path, keys


def write_keys(folder, version, keys):
    (folder / version).mkdir(parents=True)
    for file, content in keys.items():
        (folder / version / file).write_bytes(content)
    fresh = folder / "..fresh"
    fresh.symlink_to(version)
    fresh.rename(folder / "..data")


def remove_keys(folder, version):
    for file in (folder / version).iterdir():
        file.unlink()
    (folder / version).rmdir()


def test_the_threads_of_dns_have_no_privileges(cluster):
    def confined():
        found = threads(cluster.process)
        inside = found["dns-0"] + found["dns-1"] + found["resolver"]
        return all(is_confined(thread) for thread in inside)

    cluster.eventually(confined, "all threads of DNS are confined")
    # The control thread starts nodes and proxies, which need what it has.
    assert threads(cluster.process)["headlessd"][0]["Seccomp"] == "0"
    said = re.search(r"^info sandbox: the threads of DNS: (.*)$", log_of(cluster), re.M).group(1)
    assert said.startswith("no capabilities, no new privileges")


def test_they_do_all_that_they_did(cluster):
    name = fqdn("web")
    assert cluster.dig("www.example.org").records == ["192.0.2.1"]
    assert cluster.dig("www.example.org", tcp=True).records == ["192.0.2.1"]
    for i in range(300):
        assert len(cluster.dig(name, tcp=i % 2 == 0, edns=1232).records) == 3
    cluster.kubectl("scale", "statefulset", "web", "--replicas=6")
    cluster.eventually(lambda: len(cluster.dig(name, tcp=True).records) == 6, "six pods")
    cluster.kubectl("scale", "statefulset", "web", "--replicas=3")
    cluster.eventually(lambda: len(cluster.dig(name).records) == 3, "three pods")


def test_headlessd_dns_confines_every_thread_and_reads_keys_that_change(cluster, upstream,
                                                                        tmp_path):
    kubeconfig, keys = as_files(cluster.kubeconfig, tmp_path)
    corefile = tmp_path / "Corefile"
    corefile.write_text(f".:{free_port()} {{\n bind 127.0.0.1\n kubernetes cluster.local\n"
                        f" forward . {upstream.address}\n}}\n")
    remote = Remote(kubeconfig, tmp_path, "--corefile", str(corefile))
    try:
        cluster.eventually(lambda: all(is_confined(thread) for name in threads(remote.process)
                                       for thread in threads(remote.process)[name]),
                           "all threads are confined")
        assert "info sandbox: all threads: no capabilities, no new privileges" in \
            (tmp_path / "dns.log").read_text()
        assert remote.dig("www.example.org").records == ["192.0.2.1"]
        assert len(remote.dig(fqdn("web"), tcp=True).records) == 3
        assert remote.metric("process_open_fds") > 3
        # Other files under the same names, then a new connection, which reads them.
        write_keys(tmp_path / "keys", "second", keys)
        remove_keys(tmp_path / "keys", "first")
        cluster.restart()
        cluster.kubectl("create", "service", "externalname", "new", "--external-name=a.example")
        cluster.eventually(lambda: remote.dig(fqdn("new"), "CNAME").records == ["a.example."],
                           "a change behind the new connection")
    finally:
        assert remote.stop() == 0


def test_a_token_that_is_renewed_is_read(cluster, tmp_path):
    """The token file of a pod, outdated at first: the next one is seen without a restart."""
    config = json.loads(as_files(cluster.kubeconfig, tmp_path)[0].read_text())
    write_keys(tmp_path / "pod", "first", {"token": b"not this one"})
    (tmp_path / "pod" / "token").symlink_to("..data/token")
    config["users"][0]["user"] = {"tokenFile": str(tmp_path / "pod" / "token")}
    path = tmp_path / "pod.kubeconfig"
    path.write_text(json.dumps(config))
    token = cluster.kubectl("create", "token", "default", check=False)
    if token.code != 0:
        pytest.skip("no tokens are given out here")
    remote = Remote(path, tmp_path)
    try:
        write_keys(tmp_path / "pod", "second", {"token": token.out.strip().encode()})
        cluster.eventually(lambda: remote.dig(fqdn("web")).records, "answers with the new token",
                           180)
    finally:
        assert remote.stop() == 0


def test_without_it_everything_stays_as_it_was(upstream):
    one = Cluster("--upstream", upstream.address, "--no-sandbox")
    try:
        found = threads(one.process)
        assert {thread["Seccomp"] for name in found for thread in found[name]} == {"0"}
        assert "info sandbox: the threads of DNS: nothing" in log_of(one)
    finally:
        one.stop()
