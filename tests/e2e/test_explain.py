# SPDX-License-Identifier: Apache-2.0
"""headlessd explain against a server that runs: what it says is what DNS answers."""

import ipaddress
import json
import os
import socket
import subprocess

import pytest

from conftest import DEADLINE, HEADLESSD, fqdn

WORLD = """
apiVersion: v1
kind: Service
metadata: {name: good}
spec:
  clusterIP: None
  selector: {app: good}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: strays}
spec:
  clusterIP: None
  selector: {app: godo}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: gated}
spec:
  clusterIP: None
  selector: {app: gated}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: lone}
spec:
  clusterIP: None
  selector: {app: lone}
  ports: [{name: http, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: wrong-port}
spec:
  clusterIP: None
  selector: {app: good}
  ports: [{name: http, port: 80, targetPort: htpt}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: good}
spec:
  serviceName: good
  replicas: 2
  selector: {matchLabels: {app: good}}
  template:
    metadata: {labels: {app: good}}
    spec:
      containers:
      - name: c
        image: nginx
        ports: [{name: http, containerPort: 80}]
---
apiVersion: v1
kind: Pod
metadata: {name: gated, labels: {app: gated}}
spec:
  readinessGates: [{conditionType: example.org/open}]
  containers: [{name: c, image: nginx}]
---
apiVersion: v1
kind: Pod
metadata: {name: lone, labels: {app: lone}}
spec:
  hostname: lone
  containers: [{name: c, image: nginx}]
"""


class Explanation:
    def __init__(self, process):
        self.code = process.returncode
        self.tree = json.loads(process.stdout)
        self.steps = self.tree["steps"]
        broken = [step for step in self.steps if step["state"] == "broken"]
        assert (self.code == 0) == self.tree["resolves"]
        # A name that does not resolve has one broken link, the last, and a way to mend it.
        assert len(broken) == (0 if self.tree["resolves"] else 1)
        assert not broken or broken[0] == self.steps[-1]
        self.broken = broken[0] if broken else None
        self.text = json.dumps(self.tree)


def run(cluster, *words, environment=None):
    return subprocess.run([HEADLESSD, "explain", *words], capture_output=True, text=True,
                          timeout=DEADLINE, check=False,
                          env=dict(os.environ, KUBECONFIG=cluster.kubeconfig,
                                   **(environment or {})))


def explain(cluster, *words):
    process = run(cluster, *words, "-o", "json")
    assert process.returncode in (0, 1), process.stderr
    assert process.stderr == ""
    return Explanation(process)


@pytest.fixture(scope="module")
def world(cluster):
    cluster.apply(WORLD)
    cluster.kubectl("rollout", "status", "statefulset/good", "--timeout=60s")
    cluster.kubectl("wait", "pod/lone", "--for=condition=Ready", "--timeout=60s")
    cluster.kubectl("wait", "pod/gated", "--for=condition=ContainersReady", "--timeout=60s")
    cluster.eventually(lambda: cluster.dig(fqdn("lone")).records, "lone is an endpoint")
    return cluster


def test_good_names_say_what_dns_answers(world):
    for question, name, rdtype in (
        ("good", fqdn("good"), "A"),
        ("svc/good", fqdn("good"), "A"),
        ("good-1.good", fqdn("good-1.good"), "A"),
        ("pod/good-0", fqdn("good-0.good"), "A"),
        ("_http._tcp.good", "_http._tcp." + fqdn("good"), "SRV"),
        (fqdn("good"), fqdn("good"), "A"),
    ):
        told = explain(world, question)
        answer = world.dig(name, rdtype)
        assert told.code == 0 and told.tree["name"] == name
        assert {r["data"] for r in told.tree["records"]} == answer.set
        assert {r["ttl"] for r in told.tree["records"]} == {answer.message.answer[0].ttl}


def test_an_address_leads_back_to_its_name(world):
    address = world.dig(fqdn("good-0.good")).records[0]
    told = explain(world, address)
    assert told.code == 0
    reverse = ipaddress.ip_address(address).reverse_pointer
    assert {r["data"] for r in told.tree["records"]} == world.dig(reverse, "PTR").set
    assert fqdn("good-0.good") in told.text
    assert explain(world, "10.244.99.99").broken["title"] == "Address"


def test_no_selector_match(world):
    told = explain(world, "strays")
    assert told.broken["title"] == "Pods"
    assert "app=godo" in told.broken["text"] and "app=good" in told.broken["text"]
    # The command that it gives mends it.
    command = told.broken["command"].split(" -p ")
    world.kubectl(*command[0].split()[1:], "-p", command[1].strip("'"))
    world.eventually(lambda: explain(world, "strays").code == 0, "strays resolves")
    assert world.dig(fqdn("strays")).set == world.dig(fqdn("good")).set


def test_not_ready(world):
    told = explain(world, "gated")
    assert told.broken["title"] == "Ready"
    assert "gated (readiness gate example.org/open is not True)" in told.broken["text"]
    assert told.tree["answer"] == "NXDOMAIN" and told.tree["cause"] == "not-ready"
    assert world.dig(fqdn("gated")).rcode == "NXDOMAIN"
    patch = {"spec": {"publishNotReadyAddresses": True}}
    world.kubectl("patch", "service", "gated", "-p", json.dumps(patch))
    world.eventually(lambda: explain(world, "gated").code == 0, "gated is published")
    assert "publishNotReadyAddresses" in explain(world, "gated").text


def test_wrong_port_name(world):
    told = explain(world, "_htpt._tcp.good")
    assert told.broken["title"] == "Port" and "http/TCP 80" in told.broken["text"]
    assert told.tree["closest"] == ["_http._tcp." + fqdn("good")[:-1]]
    told = explain(world, "_http._tcp.wrong-port")
    assert told.broken["title"] == "Port" and "htpt" in told.broken["text"]


def test_hostname_without_subdomain(world):
    told = explain(world, "lone.lone")
    assert told.broken["title"] == "Hostname"
    assert "hostname lone but no subdomain" in told.broken["text"]
    assert "spec.subdomain: lone" in told.broken["advice"]
    assert explain(world, "pod/lone").broken["title"] == "Hostname"
    # The Service's own name resolves, and still it is told.
    told = explain(world, "svc/lone")
    assert told.code == 0 and "no subdomain" in told.text


def test_deleted(world):
    world.kubectl("create", "service", "clusterip", "brief", "--clusterip=None")
    assert explain(world, "brief").broken["title"] == "Pods"
    world.kubectl("delete", "service", "brief")
    told = explain(world, "brief")
    assert told.broken["title"] == "Service"
    assert "never made, or deleted" in told.broken["text"]


def test_what_was_meant(world):
    assert explain(world, "goood").tree["closest"] == [fqdn("good")[:-1]]
    assert fqdn("good-1.good")[:-1] in explain(world, "good-l.good").tree["closest"]
    told = explain(world, "good-7.good")
    assert "kubectl scale statefulset good -n default --replicas=8" == told.broken["command"]
    assert explain(world, "good.defualt").broken["title"] == "Namespace"
    assert explain(world, "kubernetes.default").code == 0


def test_text_is_for_people(world):
    process = run(world, "good-0.good")
    assert process.returncode == 0
    lines = process.stdout.splitlines()
    assert lines[-1] == fqdn("good-0.good") + " resolves."
    assert any(line.startswith("ok Selector") and "app=good" in line for line in lines)
    process = run(world, "nope", "-n", "kube-system")
    assert process.returncode == 1
    assert "!! Service" in process.stdout and "\x1b" not in process.stdout


def test_wrong_usage_is_2(world):
    for words in ((), ("a", "b"), ("web", "-o", "yaml"), ("web", "--nope"), ("deploy/web",),
                  ("a..b",), ("web", "-n", "Not_A_Label"), ("web", "--timeout", "0")):
        process = run(world, *words)
        assert process.returncode == 2, words
        assert len(process.stderr.splitlines()) == 1 and process.stdout == ""
    assert run(world, "--help").returncode == 0


def kubeconfig_for(world, tmp_path, port):
    text = open(world.kubeconfig, encoding="utf-8").read()
    path = tmp_path / "kubeconfig"
    path.write_text(text.replace(world.ready["api"], f"https://127.0.0.1:{port}"))
    return str(path)


def test_an_api_that_is_not_there_is_told(world, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        path = kubeconfig_for(world, tmp_path, closed.getsockname()[1])
        process = run(world, "good", "--kubeconfig", path)
    assert process.returncode == 1
    assert "cannot reach the API at https://127.0.0.1:" in process.stderr
    process = run(world, "good", "--kubeconfig", str(tmp_path / "missing"))
    assert process.returncode == 1 and "missing" in process.stderr


def test_an_api_that_says_nothing_is_given_up(world, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        path = kubeconfig_for(world, tmp_path, silent.getsockname()[1])
        process = run(world, "good", "--kubeconfig", path, "--timeout", "1")
    assert process.returncode == 1
    assert "within 1 s" in process.stderr
