# SPDX-License-Identifier: Apache-2.0
"""What an operator sees of DNS: metrics under the names that dashboards for CoreDNS ask for."""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rrset
import pytest

from conftest import HEADLESSD, Cluster, fqdn
from test_remote import Remote

SAMPLE = re.compile(r'^([a-z_:]+)(?:\{(.*)\})? (\S+)$')
LOGGED = re.compile(r'^\[INFO\] 127\.0\.0\.1:\d+ - \d+ "(\S+) IN (\S+) (\S+) \d+ false \d+" (\S+) (\S+) '
                    r'\d+ 0\.\d{9}s$', re.M)
LABEL = re.compile(r'(\w+)="([^"]*)"')

PEERS = """
apiVersion: v1
kind: Service
metadata:
  name: peers
spec:
  clusterIP: None
  ports: [{port: 80, name: http}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: peers-1
  labels: {kubernetes.io/service-name: peers}
  annotations: {endpoints.kubernetes.io/last-change-trigger-time: "2026-01-01T00:00:00Z"}
addressType: IPv4
ports: [{port: 80, name: http}]
endpoints:
- {addresses: [10.1.2.3], hostname: a}
- {addresses: [10.1.2.4], hostname: b}
"""


class Upstream:
    """Answers every A question with 192.0.2.1, on loopback."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                packet, client = self.socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(packet)
            reply = dns.message.make_response(query, recursion_available=True)
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A",
                                                    "192.0.2.1"))
            self.socket.sendto(reply.to_wire(), client)


@pytest.fixture(scope="module")
def upstream():
    return Upstream()


@pytest.fixture(scope="module")
def operated(upstream):
    one = Cluster("--upstream", upstream.address, "--dns-workers", "2")
    yield one
    assert one.stop() == 0


def read_metrics(cluster):
    """{(name, labels as a frozenset of pairs): value}, checked against the text format."""
    url = f"http://{cluster.ready['metrics']}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        text = answer.read().decode()
    found, types = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in types, f"{name} twice"
            types[name] = kind
        elif not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in types or types[base] == "histogram"
            key = (name, frozenset(LABEL.findall(labels or "")))
            assert key not in found, line
            found[key] = float(value)
    return found


def total(metrics, wanted, **labels):
    return sum(value for (name, got), value in metrics.items()
               if name == wanted and set(labels.items()) <= got)


def test_every_query_is_in_the_metrics_of_coredns(operated):
    operated.apply(PEERS)
    operated.eventually(lambda: len(operated.dig(fqdn("peers")).records) == 2)
    before = read_metrics(operated)
    for _ in range(3):
        operated.dig(fqdn("peers"))
    operated.dig(fqdn("peers"), "SRV", tcp=True)
    operated.dig("nope." + fqdn("peers"), "AAAA", want_dnssec=True)
    operated.dig("3.2.1.10.in-addr.arpa", "PTR")
    for _ in range(2):
        assert operated.dig("www.example.org").records == ["192.0.2.1"]
    expected = {
        ("coredns_dns_requests_total", ("zone", "cluster.local."), ("proto", "udp"),
         ("family", "1"), ("type", "A"), ("view", "")): 3,
        ("coredns_dns_requests_total", ("proto", "tcp"), ("type", "SRV")): 1,
        ("coredns_dns_responses_total", ("rcode", "NXDOMAIN"), ("plugin", "kubernetes")): 1,
        ("coredns_dns_responses_total", ("zone", "in-addr.arpa."), ("rcode", "NOERROR")): 1,
        ("coredns_dns_responses_total", ("zone", "."), ("plugin", "forward")): 2,
        ("coredns_dns_do_requests_total", ("zone", "cluster.local.")): 1,
        ("coredns_dns_request_duration_seconds_count", ("zone", "cluster.local.")): 5,
        ("coredns_dns_request_size_bytes_count", ("proto", "udp"), ("zone", ".")): 2,
        ("coredns_dns_response_size_bytes_count", ("proto", "tcp")): 1,
        ("coredns_cache_requests_total", ("zones", ".")): 2,
        ("coredns_cache_hits_total", ("type", "success")): 1,
        ("coredns_cache_misses_total", ("zones", ".")): 1,
        ("coredns_forward_responses_total", ("rcode", "NOERROR")): 1,
        ("coredns_proxy_request_duration_seconds_count", ("proxy_name", "forward")): 1,
    }

    def grown():
        # The counters of a batch are written behind its answers.
        after = read_metrics(operated)
        return all(total(after, name, **dict(labels)) - total(before, name, **dict(labels)) == n
                   for (name, *labels), n in expected.items())

    operated.eventually(grown, "the counters show what was asked", 10)


def test_the_server_label_is_the_listen_address(operated):
    host, port = operated.dns_host, operated.dns_port
    servers = {dict(labels).get("server") for (name, labels) in read_metrics(operated)
               if name == "coredns_dns_requests_total"}
    assert servers == {f"dns://{host}:{port}"}


def test_dashboards_find_what_they_are_made_from(operated):
    metrics = read_metrics(operated)
    names = {name for name, _ in metrics}
    assert {"coredns_panics_total", "coredns_build_info", "coredns_plugin_enabled",
            "coredns_forward_max_concurrent_rejects_total", "process_cpu_seconds_total",
            "process_resident_memory_bytes", "process_start_time_seconds"} <= names
    buckets = {float(dict(labels)["le"]) for name, labels in metrics
               if name == "coredns_dns_request_duration_seconds_bucket"}
    assert buckets == {0.00025 * 2 ** n for n in range(16)} | {float("inf")}


def test_changes_of_every_kind_of_service_are_timed(operated):
    name = "coredns_kubernetes_dns_programming_duration_seconds_count"
    kinds = {"headless_without_selector": ("by-hand", "clusterIP: None"),
             "cluster_ip": ("own-ip", "ports: [{port: 80}]")}
    for kind, (service, spec) in kinds.items():
        more = spec if "ports" in spec else spec + "\n  ports: [{port: 80, name: http}]"
        before = total(read_metrics(operated), name, service_kind=kind)
        operated.apply(PEERS.replace("peers", service).replace(
            "clusterIP: None\n  ports: [{port: 80, name: http}]", more, 1))
        operated.eventually(lambda k=kind, b=before:
                            total(read_metrics(operated), name, service_kind=k) > b, kind)
    operated.apply("statefulset.yaml")
    operated.eventually(lambda: total(read_metrics(operated), name,
                                      service_kind="headless_with_selector") > 0)
    # The names followed the pods within moments, not since the beginning of time.
    assert total(read_metrics(operated), name.replace("_count", "_bucket"),
                 service_kind="headless_with_selector", le="8.192") > 0


def test_a_server_says_who_it_is_and_gives_cookies():
    cluster = Cluster("--upstream", "127.0.0.1:1", "--nsid", "node-7")
    try:
        options = [dns.edns.GenericOption(dns.edns.OptionType.NSID, b""),
                   dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")]
        query = dns.message.make_query("cluster.local.", "SOA", use_edns=0, options=options)
        for ask in (dns.query.udp, dns.query.tcp):
            answer = ask(query, cluster.dns_host, 5, port=cluster.dns_port)
            got = {option.otype: bytes(option.to_wire()) for option in answer.options}
            assert got[dns.edns.OptionType.NSID] == b"node-7"
            cookie = got[dns.edns.OptionType.COOKIE]
            assert len(cookie) == 24 and cookie.startswith(b"12345678\1\0\0\0")
            now = int.from_bytes(cookie[12:16], "big")
            assert abs(now - time.time()) < 60
    finally:
        cluster.stop()


def test_the_limit_spares_this_machine_and_bad_networks_are_refused():
    cluster = Cluster("--upstream", "127.0.0.1:1", "--rate-limit", "1", "--dns-workers", "1")
    try:
        for _ in range(50):
            assert cluster.dig("cluster.local", "SOA").soa is None
        metrics = read_metrics(cluster)
        assert total(metrics, "headlessd_dns_limited_total") == 0
        assert total(metrics, "headlessd_dns_hinted_total") == 0
    finally:
        cluster.stop()
    bad = subprocess.run([HEADLESSD, "standalone", "--data-dir", cluster.data_dir + "-none",
                          "--dns-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
                          "--metrics-listen", "127.0.0.1:0", "--store", "memory",
                          "--rate-limit-exempt", "10.0.0.1/8"],
                         capture_output=True, text=True, timeout=60, check=False)
    shutil.rmtree(cluster.data_dir + "-none", ignore_errors=True)
    assert bad.returncode == 1
    assert "--rate-limit-exempt 10.0.0.1/8: expected a network" in bad.stderr


def test_queries_are_logged_like_coredns_does_when_asked_for(tmp_path):
    one = Cluster("--log-queries", "all")
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:53 {\n  kubernetes cluster.local\n  log {\n    class denial\n  }\n}\n")
    beside = Remote(one.kubeconfig, tmp_path, "--corefile", str(corefile))
    try:
        for server in (one, beside):
            server.dig(fqdn("kubernetes"))
            server.dig(fqdn("nope"), "AAAA", tcp=True)
    finally:
        assert beside.stop() == 0
        log = one.log_path
        one.kill(signal.SIGTERM)
    answered, absent = LOGGED.findall(open(log, encoding="utf-8").read())
    assert answered[:5] == ("A", fqdn("kubernetes"), "udp", "NOERROR", "qr,aa,rd")
    assert absent[:5] == ("AAAA", fqdn("nope"), "tcp", "NXDOMAIN", "qr,aa,rd")
    assert LOGGED.findall((tmp_path / "dns.log").read_text()) == [absent]
    os.unlink(log)
    shutil.rmtree(one.data_dir, ignore_errors=True)
