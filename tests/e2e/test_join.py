# SPDX-License-Identifier: Apache-2.0
"""Other machines join: bootstrap tokens, certificates for nodes, pod networks, routes."""

import json
import os
import subprocess

import pytest

from conftest import HEADLESSD, Cluster, start_headlessd
from host import Host, needs_host


@pytest.fixture(scope="module")
def cluster():
    one = Cluster("--node", "none", "--upstream", "127.0.0.1:9")
    yield one
    assert one.stop() == 0


def run(cluster, *words, check=True):
    process = subprocess.run([*cluster.enter, HEADLESSD, *words], capture_output=True, text=True,
                             timeout=60, env=cluster.environment(), check=False)
    if check:
        assert process.returncode == 0, process.stderr
    return process


@pytest.fixture
def invitation(cluster, tmp_path):
    """A kubeconfig to join with."""
    path = tmp_path / "join.kubeconfig"
    path.write_text(run(cluster, "token", "create", "--print-kubeconfig").stdout)
    return path


def test_tokens_are_made_listed_and_deleted(cluster):
    token = run(cluster, "token", "create", "--description", "for the lab", "--ttl", "0").stdout.strip()
    name, secret = token.split(".")
    assert len(name) == 6 and len(secret) == 16
    row = [line for line in run(cluster, "token", "list").stdout.splitlines() if name in line][0]
    assert "never" in row and "for the lab" in row and secret not in row
    assert name in run(cluster, "token", "delete", token).stdout
    assert name not in run(cluster, "token", "list").stdout
    again = run(cluster, "token", "delete", name, check=False)
    assert again.returncode == 1 and "not found" in again.stderr
    assert run(cluster, "token", "destroy", check=False).returncode == 2


def test_a_token_is_good_for_asking_and_nothing_else(cluster, invitation):
    def kubectl(*words):
        return cluster.kubectl("--kubeconfig", str(invitation), *words, check=False)

    assert kubectl("get", "csr").code == 0
    for words in (["get", "pods"], ["get", "secrets", "-A"], ["delete", "csr", "any"],
                  ["get", "nodes", "--as", "kubernetes-admin", "--as-group", "system:masters"]):
        refused = kubectl(*words)
        assert refused.code != 0 and "certificatesigningrequests alone" in refused.err, words


def test_a_machine_joins_and_stays_a_node_without_its_token(cluster, invitation, tmp_path):
    data = tmp_path / "data"
    words = ["join", "--kubeconfig", str(invitation), "--data-dir", str(data), "--node-name", "worker"]
    own = run(cluster, *words).stdout.strip()
    assert own == str(data / "node.kubeconfig")
    assert os.stat(data / "node.pem").st_mode & 0o777 == 0o600
    rows = [[cell.strip() for cell in row] for row in cluster.kubectl("get", "csr").rows]
    assert any(row[2] == "kubernetes.io/kube-apiserver-client-kubelet" and row[-1] == "Approved,Issued"
               and row[3].startswith("system:bootstrap:") for row in rows[1:]), rows
    assert cluster.kubectl("--kubeconfig", own, "get", "nodes").code == 0
    before = (data / "node.pem").read_text()
    for line in run(cluster, "token", "list").stdout.splitlines()[1:]:
        run(cluster, "token", "delete", line.split()[0])
    # What is there is good, so nobody is asked again.
    run(cluster, *words)
    assert (data / "node.pem").read_text() == before


def test_a_token_that_is_gone_is_no_invitation(cluster, invitation, tmp_path):
    for line in run(cluster, "token", "list").stdout.splitlines()[1:]:
        run(cluster, "token", "delete", line.split()[0])
    refused = run(cluster, "join", "--kubeconfig", str(invitation), "--data-dir", str(tmp_path / "data"),
                  check=False)
    assert refused.returncode == 1 and "Unauthorized" in refused.stderr
    assert not (tmp_path / "data" / "node.pem").exists()


def node(name, address):
    return json.dumps({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
                       "status": {"addresses": [{"type": "InternalIP", "address": address}]}})


def test_nodes_get_pod_networks(cluster):
    for name in ("first", "second"):
        cluster.kubectl("create", "-f", "-", stdin=node(name, "192.0.2.9"))
    got = [cluster.eventually(lambda name=name: cluster.get("node", name)["spec"].get("podCIDRs"))
           for name in ("first", "second")]
    assert got == [["10.244.0.0/24"], ["10.244.1.0/24"]]


@needs_host
def test_routes_follow_the_nodes():
    host = Host("first")
    try:
        host.run("ip", "link", "add", "up0", "type", "bridge")
        host.run("ip", "address", "add", "192.0.2.1/24", "dev", "up0")
        host.run("ip", "link", "set", "up0", "up")
        one = Cluster("--node", "none", "--upstream", "127.0.0.1:9", host=host)
        for number, name in enumerate(("first", "second", "third"), 1):
            one.kubectl("create", "-f", "-", stdin=node(name, f"192.0.2.{number}"))
        start_headlessd("proxy", "--kubeconfig", one.kubeconfig, "--node-name", "first", "--routes",
                        log=one.log, host=host)

        def routes():
            lines = host.run("ip", "route", "show", "proto", "104").stdout.splitlines()
            return {line.split()[0]: line.split()[2] for line in lines}

        networks = {name: one.eventually(lambda name=name: one.get("node", name)["spec"].get("podCIDR"))
                    for name in ("first", "second", "third")}
        wanted = {networks["second"]: "192.0.2.2", networks["third"]: "192.0.2.3"}
        one.eventually(lambda: routes() == wanted, f"routes {wanted}")
        one.kubectl("delete", "node", "second")
        one.eventually(lambda: routes() == {networks["third"]: "192.0.2.3"})
        assert one.stop() == 0
    finally:
        host.stop()
