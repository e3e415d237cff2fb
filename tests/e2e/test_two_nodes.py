# SPDX-License-Identifier: Apache-2.0
"""Two machines, one cluster: the second joins with a token, pods on both find and reach each other by
name, and nothing that runs there depends on its agent being alive."""

import contextlib
import os
import shutil
import signal
import subprocess

import pytest

from conftest import DEADLINE, ROOT, Cluster, fqdn, start_headlessd
from host import Host, needs_host

CLUSTER_DNS = "10.96.0.10"
REPLICAS = 4
LONG = 180  # containers of two machines on two busy cores

WEB = f"""
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{clusterIP: None, selector: {{app: web}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: front}}
spec: {{selector: {{app: web}}, ports: [{{name: http, port: 8080, targetPort: 80}}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: web}}
spec:
  serviceName: web
  replicas: {REPLICAS}
  podManagementPolicy: Parallel
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: web
        image: giantswarm/tiny-tools
        command: [sh, -c, "hostname | tee /tmp/index.html; exec httpd -f -p 80 -h /tmp"]
        readinessProbe: {{tcpSocket: {{port: 80}}, periodSeconds: 1}}
"""


def connect(first, second):
    """A cable between two machines."""
    # PIDs are this machine's, so only the network is entered.
    subprocess.run(["nsenter", "--target", str(first.pid), "--net", "ip", "link", "add", "up0", "type", "veth",
                    "peer", "name", "up0", "netns", str(second.pid)], check=True)
    for host, address in ((first, "192.0.2.1"), (second, "192.0.2.2")):
        host.run("ip", "address", "add", f"{address}/24", "dev", "up0")
        host.run("ip", "link", "set", "up0", "up")
        host.run("ip", "route", "add", "default", "dev", "up0")


class Agent:
    """headlessd node on the second machine."""

    def __init__(self, cluster, host, invitation):
        self.cluster, self.host, self.invitation = cluster, host, invitation
        self.data = host.directory / "node"
        self.log = open(host.directory / "node.log", "ab")

    def start(self, *words):
        self.process, ready = start_headlessd(
            "node", "--data-dir", str(self.data), "--node-name", "second", "--log-level", "debug", *words,
            log=self.log, host=self.host)
        assert ready["node"] == "second" and ready["kubeconfig"] == str(self.data / "node.kubeconfig")
        self.pid = self.host.pid_of(self.process)

    def end(self, how):
        os.kill(self.pid, how)
        code = self.process.wait(DEADLINE)
        self.process.stdout.close()
        return code


def socket_of(host):
    return host.run("sh", "-c", "echo /run/headlessd/*/containerd.sock").stdout.strip()


def ctr(host, *words):
    return host.run("ctr", "--address", socket_of(host), "--namespace", "k8s.io", *words).stdout


def container_of(host, pod):
    found = ctr(host, "containers", "list", "--quiet",
                f'labels."io.kubernetes.pod.name"=={pod},labels."io.kubernetes.container.name"==web').split()
    assert len(found) == 1, (pod, found)
    return found[0]


def in_pod(host, pod, *words):
    return ctr(host, "tasks", "exec", "--exec-id", os.urandom(8).hex(), container_of(host, pod), *words)


def fetch(host, pod, url):
    return in_pod(host, pod, "curl", "-sS", "--max-time", str(DEADLINE), url).strip()


class Pair:
    def __init__(self):
        self.hosts = {"first": Host("first")}
        self.hosts["second"] = Host("second")
        first, second = self.hosts.values()
        connect(first, second)
        self.cluster = Cluster("--node", "containerd", "--node-name", "first", "--upstream", "127.0.0.1:9",
                               "--api-listen", "192.0.2.1:6443", host=first)
        invitation = second.directory / "join.kubeconfig"
        invitation.write_text(self.headlessd("token", "create", "--print-kubeconfig"))
        self.agent = Agent(self.cluster, second, invitation)
        self.agent.start("--kubeconfig", str(invitation))
        for host in self.hosts.values():
            host.run(str(ROOT / "tools/demo-images"), "--address", socket_of(host), timeout=LONG)

    def headlessd(self, *words):
        program = os.environ.get("HEADLESSD", str(ROOT / "build/headlessd"))
        return self.hosts["first"].run(program, *words, env=self.cluster.environment()).stdout

    def pods(self):
        """Those that are ready, by name."""
        items = self.cluster.get("pods", "-l", "app=web")["items"]
        return {pod["metadata"]["name"]: pod for pod in items
                if "deletionTimestamp" not in pod["metadata"] and any(
                    c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))}

    def on(self, node):
        return sorted(name for name, pod in self.pods().items() if pod["spec"]["nodeName"] == node)

    def dig(self, node, name, rdtype="A"):
        """Asks from the network of a pod of a node."""
        pod = self.on(node)[0]
        text = in_pod(self.hosts[node], pod, "cat", "/etc/resolv.conf")
        assert f"nameserver {CLUSTER_DNS}" in text
        tasks = ctr(self.hosts[node], "tasks", "list").splitlines()
        pid = next(line.split()[1] for line in tasks if line.startswith(container_of(self.hosts[node], pod)))
        return self.hosts[node].run("nsenter", "--target", pid, "--net", "dig", "+short", "+time=5", "+tries=6",
                                    f"@{CLUSTER_DNS}", name, rdtype).stdout.split()

    def stop(self):
        for host in self.hosts.values():
            host.stop()
        self.agent.process.wait()
        self.cluster.process.wait()
        shutil.rmtree(self.cluster.data_dir, ignore_errors=True)
        for folder, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
            if "/headlessd" in folder:
                with contextlib.suppress(OSError):  # another test's
                    os.rmdir(folder)


@pytest.fixture(scope="module")
def pair():
    two = Pair()
    two.cluster.apply(WEB)
    two.cluster.eventually(lambda: len(two.pods()) == REPLICAS, "all pods are ready", LONG)
    yield two
    two.stop()


pytestmark = needs_host


def test_pods_are_on_both_machines_in_networks_of_their_own(pair):
    assert pair.on("first") and pair.on("second")
    networks = {name: pair.cluster.get("node", name)["spec"]["podCIDR"] for name in pair.hosts}
    for pod in pair.pods().values():
        network = networks[pod["spec"]["nodeName"]]
        assert pod["status"]["podIP"].startswith(network.rsplit(".", 1)[0] + ".")


def test_every_name_is_answered_on_the_second_machine_by_its_own_server(pair):
    for name, pod in pair.pods().items():
        assert pair.dig("second", f"{name}.{fqdn('web')}") == [pod["status"]["podIP"]]
    assert sorted(pair.dig("second", fqdn("web"))) == sorted(
        pod["status"]["podIP"] for pod in pair.pods().values())
    # Nobody asks the first machine.
    assert CLUSTER_DNS in pair.hosts["second"].run("ip", "address").stdout
    assert f"{CLUSTER_DNS}:53" in pair.hosts["second"].run("ss", "-lun").stdout


@pytest.mark.parametrize("here,there", [("first", "second"), ("second", "first")])
def test_pods_reach_each_other_by_name_and_through_a_service(pair, here, there):
    source, target = pair.on(here)[0], pair.on(there)[0]

    def get(url):
        return fetch(pair.hosts[here], source, url)

    assert get(f"http://{target}.web/") == target
    # It goes to any of them: until one over there has answered.
    pair.cluster.eventually(lambda: get("http://front:8080/") in pair.on(there),
                            "the Service reaches the other machine")


def test_logs_of_both_machines_are_read_through_the_api(pair):
    for node in pair.hosts:
        pod = pair.on(node)[0]
        pair.cluster.eventually(
            lambda pod=pod: pair.cluster.kubectl("logs", pod, check=False).out.strip() == pod, f"logs of {node}")
    rows = pair.cluster.kubectl("get", "csr", "--no-headers").out
    assert "kubernetes.io/kubelet-serving" in rows and "Denied" not in rows


def test_pods_outlive_their_agent_which_comes_back_without_its_token(pair):
    def containers():
        return {name: [pod["status"]["containerStatuses"][0][key] for key in ("containerID", "restartCount")]
                for name, pod in pair.pods().items()}

    before = containers()
    tasks = sorted(ctr(pair.hosts["second"], "tasks", "list").splitlines())
    for line in pair.headlessd("token", "list").splitlines()[1:]:
        pair.headlessd("token", "delete", line.split()[0])
    pair.agent.end(signal.SIGKILL)
    there, target = pair.on("first")[0], pair.on("second")[0]
    assert fetch(pair.hosts["first"], there, f"http://{target}.web/") == target
    pair.agent.start()
    assert sorted(ctr(pair.hosts["second"], "tasks", "list").splitlines()) == tasks
    assert containers() == before
    address = pair.pods()["web-0"]["status"]["podIP"]
    pair.cluster.eventually(lambda: pair.dig("second", f"web-0.{fqdn('web')}") == [address],
                            "names are answered again")


def test_pods_of_a_machine_that_is_gone_come_back_on_the_other(pair):
    lost = pair.on("second")
    assert pair.agent.end(signal.SIGTERM) == 0
    pair.cluster.kubectl("delete", "node", "second")
    pair.cluster.eventually(lambda: len(pair.on("first")) == REPLICAS, "all pods are on the first", LONG)
    network = pair.cluster.get("node", "first")["spec"]["podCIDR"].rsplit(".", 1)[0] + "."
    for name in lost:
        assert [a.startswith(network) for a in pair.dig("first", f"{name}.{fqdn('web')}")] == [True]
    pair.cluster.eventually(
        lambda: pair.hosts["first"].run("ip", "route", "show", "proto", "104").stdout == "", "the route is gone")
