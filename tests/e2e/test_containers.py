# SPDX-License-Identifier: Apache-2.0
"""Pods in real containers, on a machine of the test's own: they have names, outlive their agent, and leave
nothing behind."""

import json
import os
import pathlib
import shutil
import signal
import tempfile

import pytest

from conftest import ROOT, Cluster, fqdn
from host import Host, needs_host

pytestmark = [needs_host,
              pytest.mark.skipif(shutil.which("nginx") is None and not os.path.exists("/usr/sbin/nginx"),
                                 reason="needs nginx")]

CGROUPS = pathlib.Path("/sys/fs/cgroup")


def pod_cgroups(uid):
    return [folder for folder, _, _ in os.walk(CGROUPS) if f"pod{uid}" in folder]


class Node:
    """A machine with one address, and a cluster whose pods run on it."""

    def __init__(self):
        self.host = Host("node01")
        for words in ("link add up0 type veth peer name up1", "link set up1 up", "link set up0 up",
                      "address add 192.0.2.1/24 dev up0"):
            self.host.run("ip", *words.split())
        self.data_dir = tempfile.mkdtemp(prefix="headlessd-test-")
        self.cluster = Cluster("--node", "containerd", "--upstream", "127.0.0.1:9",
                               data_dir=self.data_dir, host=self.host)
        (socket,) = self.sh("ls /run/headlessd/*/containerd.sock").split()
        self.host.run(str(ROOT / "tools/demo-images"), "--address", socket, timeout=300)

    def sh(self, script):
        return self.host.run("sh", "-c", script).stdout

    def pods(self):
        return {pod["metadata"]["name"]: pod for pod in self.cluster.get("pods")["items"]}

    def ready_pods(self):
        return {name: pod for name, pod in self.pods().items()
                if {"type": "Ready", "status": "True"}.items() <=
                next((c for c in pod["status"].get("conditions", []) if c["type"] == "Ready"), {}).items()}

    def agent(self):
        """The process of `headlessd node`, as this machine numbers it."""
        (pid,) = self.sh("pgrep -f '[h]eadlessd node --kubeconfig'").split()
        return pid

    def veths(self):
        links = json.loads(self.host.run("ip", "-json", "link", "show", "master", "headlessd0").stdout or "[]")
        return [link["ifname"] for link in links if link]

    def stop(self):
        self.cluster.stop()
        self.host.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)


@pytest.fixture(scope="module", name="node")
def one_node():
    one = Node()
    yield one
    one.stop()


def container_ids(pods):
    return {name: pod["status"]["containerStatuses"][0]["containerID"] for name, pod in pods.items()}


def test_a_statefulset_runs_has_names_outlives_its_agent_and_goes(node):
    cluster = node.cluster
    cluster.apply("statefulset.yaml")
    cluster.eventually(lambda: len(node.ready_pods()) == 3, "three pods ready")
    pods = node.ready_pods()
    for name, pod in pods.items():
        assert cluster.dig(fqdn(f"{name}.nginx-headless")).records == [pod["status"]["podIP"]]
    assert len(cluster.dig(fqdn("nginx-headless")).set) == 3

    # What the agent serves.
    assert "start worker process" in cluster.kubectl("logs", "web-0").out

    # Killed with no chance to say anything, the agent finds everything as it was.
    before, agent = container_ids(pods), node.agent()
    node.sh(f"kill -KILL {agent}")
    cluster.eventually(lambda: node.sh("pgrep -f '[h]eadlessd node --kubeconfig' || true").split() not in
                       ([], [agent]), "another agent")
    cluster.kubectl("delete", "pod", "web-1")
    cluster.eventually(lambda: len(node.ready_pods()) == 3 and
                       container_ids(node.ready_pods())["web-1"] != before["web-1"], "a new web-1")
    after = container_ids(node.ready_pods())
    assert (after["web-0"], after["web-2"]) == (before["web-0"], before["web-2"])
    assert all(pod["status"]["containerStatuses"][0]["restartCount"] == 0 for pod in node.pods().values())

    uids = [pod["metadata"]["uid"] for pod in node.pods().values()]
    cluster.kubectl("delete", "-f", str(ROOT / "examples/statefulset.yaml"))
    cluster.eventually(lambda: not node.pods(), "no pods")
    assert node.veths() == []
    assert node.sh("ls /var/log/pods; pgrep -a nginx || true; pgrep -x pause || true") == ""
    assert node.sh(f"ls {node.data_dir}/node/pods") == ""
    assert node.sh("ls /run/headlessd/*/state/io.containerd.grpc.v1.cri/netns") == ""
    assert node.data_dir not in "".join(line for line in node.sh("cat /proc/mounts").splitlines()
                                        if "/pods/" in line)
    assert [group for uid in uids for group in pod_cgroups(uid)] == []


def test_a_crashing_container_is_started_again_and_says_why(node):
    cluster = node.cluster
    cluster.apply("""\
apiVersion: v1
kind: Pod
metadata:
  name: crash
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: c
    image: busybox:1.36
    command: [sh, -c, "echo last words > /dev/termination-log; exit 3"]
""")
    status = cluster.eventually(
        lambda: (node.pods()["crash"]["status"].get("containerStatuses") or [{}])[0]
        .get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
        and node.pods()["crash"]["status"]["containerStatuses"][0], "CrashLoopBackOff")
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert status["lastState"]["terminated"]["message"] == "last words\n"
    cluster.kubectl("delete", "pod", "crash")
    assert "crash" not in node.pods()


def test_readiness_takes_a_pod_out_of_dns_and_brings_it_back(node):
    cluster = node.cluster
    cluster.apply("""\
apiVersion: v1
kind: Service
metadata:
  name: probed
spec:
  clusterIP: None
  selector: {app: probed}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Pod
metadata:
  name: probed
  labels: {app: probed}
spec:
  terminationGracePeriodSeconds: 1
  volumes:
  - name: shared
    hostPath: {path: /var/log, type: Directory}
  containers:
  - name: c
    image: busybox:1.36
    command: [sleep, "3600"]
    volumeMounts:
    - {name: shared, mountPath: /shared}
    readinessProbe:
      exec: {command: [test, -e, /shared/ready]}
      periodSeconds: 1
      failureThreshold: 1
""")
    cluster.eventually(lambda: node.pods()["probed"]["status"]["phase"] == "Running", "Running")
    assert cluster.dig(fqdn("probed")).records == []
    node.sh("touch /var/log/ready")
    cluster.eventually(lambda: cluster.dig(fqdn("probed")).records, "an address")
    node.sh("rm /var/log/ready")
    cluster.eventually(lambda: not cluster.dig(fqdn("probed")).records, "no address")
    cluster.kubectl("delete", "pod/probed", "service/probed")


def test_without_its_api_nothing_stops(node):
    cluster = node.cluster
    cluster.apply("statefulset.yaml")
    cluster.eventually(lambda: len(node.ready_pods()) == 3, "three pods ready")
    before = container_ids(node.ready_pods())
    cluster.restart(signal.SIGKILL)
    cluster.eventually(lambda: len(node.ready_pods()) == 3, "three pods ready")
    assert container_ids(node.ready_pods()) == before
    cluster.kubectl("delete", "-f", str(ROOT / "examples/statefulset.yaml"))
    cluster.eventually(lambda: not node.pods(), "no pods")
