# SPDX-License-Identifier: Apache-2.0
"""Services on a machine of the test's own: real packets from pods, from the machine and from outside."""

import os
import pathlib
import signal

import pytest

from api import Api
from conftest import HEADLESSD, Cluster, start_headlessd
from host import Host, needs_host
from pods_by_hand import SERVER, Pods, apply, endpoints, service

pytestmark = needs_host


CLUSTER_DNS = ["10.96.0.10", "fd00:96::a"]
ADDRESSES = [word for address in CLUSTER_DNS for word in ("--address", address)]


class Machine:
    """A node whose pods are made by hand, with a neighbour outside of the cluster."""

    def __init__(self):
        self.host = Host("node01")
        run = self.host.run
        self.pods = Pods(self.host)
        run("ip", "netns", "add", "outside")
        run("ip", "link", "add", "up0", "type", "veth", "peer", "name", "eth0", "netns", "outside")
        run("ip", "address", "add", "192.0.2.1/24", "dev", "up0")
        run("ip", "link", "set", "up0", "up")
        run("ip", "-n", "outside", "address", "add", "192.0.2.2/24", "dev", "eth0")
        run("ip", "-n", "outside", "link", "set", "eth0", "up")
        run("ip", "route", "add", "default", "via", "192.0.2.2")
        run("ip", "-n", "outside", "route", "add", "198.51.100.0/24", "via", "192.0.2.1")
        self.one = self.pods.add("one", 11)
        self.two = self.pods.add("two", 12)
        self.cluster = Cluster("--node", "none", "--upstream", "127.0.0.1:9", "--service-cidr",
                               "10.96.0.0/16,fd00:96::/112", "--pod-cidr",
                               "10.244.0.0/16,fd00:10::/32", "--cluster-dns",
                               ",".join(CLUSTER_DNS), host=self.host)
        self.proxy = None
        self.start_proxy()

    def start_proxy(self):
        self.proxy, _ = start_headlessd(
            "proxy", "--kubeconfig", self.cluster.kubeconfig, "--node-name", "node01", "--pod-cidr",
            "10.244.0.0/16,fd00:10::/32",
            *ADDRESSES, log=self.cluster.log, host=self.host)

    def stop_proxy(self):
        os.kill(self.host.pid_of(self.proxy), signal.SIGTERM)
        assert self.proxy.wait(60) == 0
        self.proxy.stdout.close()

    def dig(self, where, server, *words):
        """What dig in a pod gets from the cluster's DNS at its service address."""
        return self.host.run("ip", "netns", "exec", where, "dig", "+short", "+time=10", f"@{server}",
                             *words).stdout.split()

    def rules(self):
        return self.host.run("nft", "list", "ruleset").stdout


@pytest.fixture(scope="module")
def machine():
    one = Machine()
    yield one
    assert one.cluster.stop() == 0
    one.host.stop()


def names(lines):
    return {line.split()[0] for line in lines}


def test_a_cluster_address_leads_to_every_endpoint_and_shows_the_client(machine):
    apply(machine.cluster, service("web", "10.96.1.1"), endpoints("web", machine.one, machine.two))
    machine.pods.until(lambda lines: names(lines) == {"one", "two"}, "one", "10.96.1.1", 80, count=20)
    lines = machine.pods.ask("one", "10.96.1.1", 80, count=40)
    assert names(lines) == {"one", "two"}
    # Who reaches itself sees the node's address; others see the pod's.
    assert {line for line in lines if line.startswith("two")} == {f"two {machine.one}"}
    assert {line for line in lines if line.startswith("one")} == {"one 10.244.0.1"}
    assert names(machine.pods.ask(None, "10.96.1.1", 80, count=20)) == {"one", "two"}


def test_a_service_without_endpoints_refuses_at_once(machine):
    apply(machine.cluster, service("none", "10.96.1.2"), service("none-udp", "10.96.1.3", 53, "UDP"))
    machine.pods.until(lambda lines: lines == ["ConnectionRefusedError"], "one", "10.96.1.2", 80)
    machine.pods.until(lambda lines: lines == ["ConnectionRefusedError"], "one", "10.96.1.3", 53, "udp")
    assert machine.pods.ask(None, "10.96.1.2", 80) == ["ConnectionRefusedError"]


def test_node_ports_and_external_addresses_work_from_outside(machine):
    apply(machine.cluster,
          service("out", "10.96.1.4", type="NodePort", more={"nodePort": 30080},
                  externalIPs=["198.51.100.7"]),
          endpoints("out", machine.one))
    machine.pods.until(lambda lines: names(lines) == {"one"}, "outside", "192.0.2.1", 30080)
    # Masqueraded: any node may be asked, and the answer has to come back by way of it.
    assert machine.pods.ask("outside", "192.0.2.1", 30080) == ["one 10.244.0.1"]
    assert machine.pods.ask("outside", "198.51.100.7", 80) == ["one 10.244.0.1"]
    assert names(machine.pods.ask(None, "192.0.2.1", 30080)) == {"one"}
    assert names(machine.pods.ask("two", "192.0.2.1", 30080)) == {"one"}


def test_policy_local_shows_the_client_from_outside_and_wants_local_endpoints(machine):
    apply(machine.cluster,
          service("near", "10.96.1.5", type="NodePort", more={"nodePort": 30081},
                  externalTrafficPolicy="Local"),
          endpoints("near", machine.one))
    machine.pods.until(lambda lines: lines == ["one 192.0.2.2"], "outside", "192.0.2.1", 30081)
    apply(machine.cluster, endpoints("near", machine.one, node="elsewhere"))
    machine.pods.until(lambda lines: lines == ["TimeoutError"], "outside", "192.0.2.1", 30081)
    assert names(machine.pods.ask("two", "10.96.1.5", 80)) == {"one"}


def test_clients_stay_with_an_endpoint_until_it_is_gone(machine):
    apply(machine.cluster, service("sticky", "10.96.1.6", sessionAffinity="ClientIP"),
          endpoints("sticky", machine.one, machine.two))
    machine.pods.until(lambda lines: names(lines) <= {"one", "two"}, None, "10.96.1.6", 80)
    lines = machine.pods.ask("outside", "192.0.2.1", 1)  # nothing there: the client is new to all
    assert lines == ["ConnectionRefusedError"]
    first = names(machine.pods.ask("one", "10.96.1.6", 80, count=20))
    assert len(first) == 1
    other = ({"one", "two"} - first).pop()
    apply(machine.cluster, endpoints("sticky", getattr(machine, other)))
    machine.pods.until(lambda lines: names(lines) == {other}, "one", "10.96.1.6", 80)
    apply(machine.cluster, endpoints("sticky", machine.one, machine.two))
    assert names(machine.pods.ask("one", "10.96.1.6", 80, count=20)) == {other}
    apply(machine.cluster, service("sticky", "10.96.1.6", sessionAffinity="None"))
    machine.pods.until(lambda lines: len(names(lines)) == 2, "one", "10.96.1.6", 80, count=20)


def test_udp_flows_leave_an_endpoint_that_is_gone(machine):
    apply(machine.cluster, service("udp", "10.96.1.7", 53, "UDP"),
          endpoints("udp", machine.one, protocol="UDP"))
    machine.pods.until(lambda lines: names(lines) == {"one"}, "two", "10.96.1.7", 53, "udp", 4000)
    apply(machine.cluster, endpoints("udp", machine.two, protocol="UDP"))
    # The same address and port asks again: to the kernel it is the same flow.
    machine.pods.until(lambda lines: names(lines) == {"two"}, "two", "10.96.1.7", 53, "udp", 4000)


def test_both_families_have_rules_of_their_own(machine):
    apply(machine.cluster,
          service("six", "fd00:96::6", ipFamilies=["IPv6"], ipFamilyPolicy="SingleStack"),
          endpoints("six", "fd00:10:0::11", "fd00:10:0::12"))
    machine.pods.until(lambda lines: names(lines) == {"one", "two"}, "two", "fd00:96::6", 80, count=20)


def test_host_ports_lead_to_a_pod(machine):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ported"},
           "spec": {"nodeName": "node01", "containers": [
               {"name": "a", "image": "a", "ports": [{"containerPort": 8080, "hostPort": 8088}]}]}}
    apply(machine.cluster, pod)
    pod = machine.cluster.get("pod", "ported")
    pod["status"] = {"phase": "Running", "podIP": machine.one, "podIPs": [{"ip": machine.one}]}
    answer = machine.host.call(Api(machine.cluster).ask, "PUT",
                               "/api/v1/namespaces/default/pods/ported/status", pod)
    assert answer[0] == 200, answer
    machine.pods.until(lambda lines: lines == ["one 192.0.2.2"], "outside", "192.0.2.1", 8088)
    machine.cluster.kubectl("delete", "pod", "ported", "--force", "--grace-period=0")
    machine.pods.until(lambda lines: lines == ["ConnectionRefusedError"], "outside", "192.0.2.1", 8088)


def test_rules_outlive_the_proxy_and_the_next_one_takes_over(machine):
    apply(machine.cluster, service("kept", "10.96.1.8"), endpoints("kept", machine.one))
    machine.pods.until(lambda lines: names(lines) == {"one"}, "two", "10.96.1.8", 80)
    machine.stop_proxy()
    assert names(machine.pods.ask("two", "10.96.1.8", 80)) == {"one"}
    apply(machine.cluster, endpoints("kept", machine.two))
    machine.start_proxy()
    assert names(machine.pods.ask("one", "10.96.1.8", 80)) == {"two"}


def test_rules_that_somebody_flushed_come_back_with_the_next_change(machine):
    machine.host.run("nft", "delete", "table", "inet", "headlessd")
    apply(machine.cluster, service("after", "10.96.1.9"), endpoints("after", machine.one))
    machine.pods.until(lambda lines: names(lines) == {"one"}, "two", "10.96.1.9", 80)
    assert "trying again with all rules" in pathlib.Path(machine.cluster.log_path).read_text()


@pytest.mark.parametrize("server", CLUSTER_DNS)
def test_pods_ask_the_clusters_dns_at_its_service_address(machine, server):
    assert machine.dig("one", server, "kubernetes.default.svc.cluster.local") == ["10.96.0.1"]
    assert machine.dig("one", server, "+tcp", "kubernetes.default.svc.cluster.local") == ["10.96.0.1"]
    assert machine.dig("two", server, "-x", server) == ["kube-dns.kube-system.svc.cluster.local."]
    assert machine.dig("two", server, "_dns._udp.kube-dns.kube-system.svc.cluster.local", "SRV")


def test_the_clusters_dns_is_a_service(machine):
    found = machine.cluster.get("service", "kube-dns", "-n", "kube-system")
    assert found["spec"]["clusterIPs"] == CLUSTER_DNS
    ports = {(port["name"], port["protocol"], port["port"]) for port in found["spec"]["ports"]}
    assert ports == {("dns", "UDP", 53), ("dns-tcp", "TCP", 53), ("metrics", "TCP", 9153)}
    assert found["metadata"]["labels"]["k8s-app"] == "kube-dns"
    taken = machine.cluster.apply("apiVersion: v1\nkind: Service\nmetadata: {name: thief}\n"
                                  "spec: {clusterIP: 10.96.0.10, ports: [{port: 53}]}\n", check=False)
    assert "provided IP is already allocated" in taken.err
    health = machine.host.run("ip", "netns", "exec", "one", "curl", "-s", "http://10.96.0.10:9153/health")
    assert health.stdout.strip() == "OK"
    assert "10.96.0.10 . " not in machine.rules()


def test_pods_leave_the_cluster_under_the_nodes_address(machine):
    server = machine.host.popen("ip", "netns", "exec", "outside", "/usr/bin/python3", "-c",
                                SERVER, "outside", "9000", stdout=-1,
                                text=True)
    assert server.stdout.readline() == "listening\n"
    assert machine.pods.ask("one", "192.0.2.2", 9000) == ["outside 192.0.2.1"]


def test_cleanup_leaves_nothing(machine):
    machine.stop_proxy()
    assert "headlessd" in machine.rules()
    for _ in range(2):
        machine.host.run(HEADLESSD, "proxy", "--cleanup", *ADDRESSES)
        assert "headlessd" not in machine.rules()
        assert "10.96.0.10" not in machine.host.run("ip", "address").stdout
        assert "headlessd-dns" not in machine.host.run("ip", "link").stdout
