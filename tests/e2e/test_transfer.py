# SPDX-License-Identifier: Apache-2.0
"""Zone transfers: what secondaries and `dig AXFR` see, in `standalone` and in `dns`."""

import concurrent.futures
import json
import shutil
import socket
import subprocess
import urllib.request

import dns.message
import dns.query
import dns.rcode
import dns.zone
import pytest

from conftest import DEADLINE, Cluster, start_headlessd

SLICES, EACH = 20, 100


def slices(generation):
    """A headless Service of SLICES * EACH endpoints; the generation is the second octet."""
    yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "large"},
           "spec": {"clusterIP": "None", "ports": [{"port": 80, "name": "http"}]}}
    for i in range(SLICES):
        yield {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
               "metadata": {"name": f"large-{i:02}",
                            "labels": {"kubernetes.io/service-name": "large"}},
               "addressType": "IPv4", "ports": [{"port": 80, "name": "http"}],
               "endpoints": [{"addresses": [f"10.{generation}.{i}.{k + 1}"],
                              "hostname": f"pod-{i}-{k}"} for k in range(EACH)]}


def manifest(generation):
    items = list(slices(generation))
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items}) + "\n"


def read_metrics(cluster):
    with urllib.request.urlopen(f"http://{cluster.ready['metrics']}/metrics") as answer:
        return answer.read().decode()


def zone_of(host, port, name="cluster.local"):
    return dns.zone.from_xfr(
        dns.query.xfr(host, name, port=port, timeout=DEADLINE, lifetime=DEADLINE, relativize=False),
        relativize=False)


def addresses(zone, name):
    found = zone.get_rdataset(name, "A")
    return {rdata.address for rdata in found} if found else set()


@pytest.fixture(scope="module")
def primary():
    one = Cluster("--transfer-to", "127.0.0.1", "--transfer-to", "127.0.1.0/24")
    one.apply(manifest(1))
    yield one
    assert one.stop() == 0


def test_dig_shows_the_whole_zone(primary):
    dig = subprocess.run(
        [shutil.which("dig"), f"@{primary.dns_host}", "-p", str(primary.dns_port), "AXFR",
         "cluster.local", "+time=30"], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in dig.splitlines() if line and not line.startswith(";")]
    assert lines[0][3] == lines[-1][3] == "SOA" and lines[0] == lines[-1]
    assert sum(line[3] == "SOA" for line in lines) == 2
    records = lines[:-1]
    assert len(records) == len({tuple(record) for record in records})
    assert ["pod-3-4.large.default.svc.cluster.local.", "5", "IN", "A", "10.1.3.5"] in records
    assert ["dns-version.cluster.local.", "28800", "IN", "TXT", '"1.1.0"'] in records


def test_a_transfer_says_what_queries_say(primary):
    zone = zone_of(primary.dns_host, primary.dns_port)
    for name, rdtype in [("kubernetes.default.svc.cluster.local.", "A"),
                         ("_https._tcp.kubernetes.default.svc.cluster.local.", "SRV"),
                         ("pod-7-7.large.default.svc.cluster.local.", "A"),
                         ("cluster.local.", "NS")]:
        told = {rdata.to_text() for rdata in zone.get_rdataset(name, rdtype)}
        assert told == primary.dig(name, rdtype, tcp=True).set
    assert len(addresses(zone, "large.default.svc.cluster.local.")) == SLICES * EACH
    reverse = zone_of(primary.dns_host, primary.dns_port, "96.10.in-addr.arpa")
    assert reverse.get_rdataset("1.0.96.10.in-addr.arpa.", "PTR")[0].to_text() == \
        "kubernetes.default.svc.cluster.local."
    imports = zone_of(primary.dns_host, primary.dns_port, "clusterset.local")
    assert imports.get_rdataset("dns-version.clusterset.local.", "TXT")


def test_every_transfer_is_one_moment_while_everything_changes(primary):
    """Whatever a transfer saw, a Service, its port and its endpoints have the same addresses."""
    name = "large.default.svc.cluster.local."
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for generation in (2, 3, 4):
            change = pool.submit(primary.apply, manifest(generation))
            while True:
                last = change.done()
                zone = zone_of(primary.dns_host, primary.dns_port)
                service = addresses(zone, name)
                assert len(service) == SLICES * EACH
                assert addresses(zone, "_http._tcp." + name) == service
                assert {address for i in range(SLICES) for k in range(EACH)
                        for address in addresses(zone, f"pod-{i}-{k}.{name}")} == service
                if last:
                    break
            assert {address.split(".")[1] for address in service} == {str(generation)}


def test_a_secondary_that_follows_by_ixfr_has_the_same(primary):
    zone = dns.zone.Zone("cluster.local", relativize=False)
    where = {"port": primary.dns_port, "timeout": DEADLINE, "lifetime": DEADLINE}
    dns.query.inbound_xfr(primary.dns_host, zone, **where)
    first = zone.get_soa().serial
    dns.query.inbound_xfr(primary.dns_host, zone, **where)
    assert zone.get_soa().serial >= first
    primary.apply(manifest(9))
    dns.query.inbound_xfr(primary.dns_host, zone, **where)
    assert zone.get_soa().serial > first
    assert {a.split(".")[1] for a in addresses(zone, "large.default.svc.cluster.local.")} == {"9"}


@pytest.mark.parametrize("source, name, rcode", [
    ("127.0.0.1", "example.org.", "NOTAUTH"),
    ("127.0.0.1", "svc.cluster.local.", "NOTAUTH"),
    ("127.0.0.2", "cluster.local.", "REFUSED"),
    ("127.0.1.77", "cluster.local.", "NOERROR"),
])
def test_who_may_have_which_zone(primary, source, name, rcode):
    query = dns.message.make_query(name, "AXFR", use_edns=0)
    answer = dns.query.tcp(query, primary.dns_host, port=primary.dns_port, source=source,
                           timeout=DEADLINE)
    assert dns.rcode.to_text(answer.rcode()) == rcode
    if rcode == "REFUSED":
        assert [int(option.code) for option in answer.options] == [18]


def test_nobody_has_a_zone_unless_told():
    one = Cluster()
    for rdtype in ("AXFR", "IXFR"):
        assert one.dig("cluster.local.", rdtype, tcp=True).rcode == "REFUSED"
        assert one.dig("cluster.local.", rdtype).rcode == "REFUSED"
    assert one.stop() == 0


def test_a_client_that_reads_nothing_holds_up_nobody(primary):
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((primary.dns_host, primary.dns_port))
    query = dns.message.make_query("cluster.local.", "AXFR").to_wire()
    slow.sendall((len(query).to_bytes(2, "big") + query) * 200)
    for _ in range(50):
        assert primary.dig("kubernetes.default.svc.cluster.local.").rcode == "NOERROR"
        assert zone_of(primary.dns_host, primary.dns_port, "96.10.in-addr.arpa")
    primary.eventually(lambda: "\nheadlessd_zone_images 0\n" in read_metrics(primary),
                       "images are closed")
    slow.close()


@pytest.mark.parametrize("to, rcode", [("*", "NOERROR"), ("127.0.0.1", "NOERROR"),
                                       ("192.0.2.1 192.0.2.2:5353", "REFUSED")])
def test_a_corefile_says_who(primary, tmp_path, to, rcode):
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:0 {\n  kubernetes cluster.local in-addr.arpa\n  transfer {\n"
                        f"    to {to}\n  }}\n}}\n")
    with open(tmp_path / "log", "wb") as log:
        process, ready = start_headlessd(
            "dns", "--kubeconfig", primary.kubeconfig, "--corefile", str(corefile), "--listen",
            "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", log=log)
    host, port = ready["dns"].rsplit(":", 1)
    try:
        query = dns.message.make_query("cluster.local.", "AXFR")
        answer = dns.query.tcp(query, host, port=int(port), timeout=DEADLINE)
        assert dns.rcode.to_text(answer.rcode()) == rcode
        if rcode == "NOERROR":
            assert len(addresses(zone_of(host, int(port)),
                                 "large.default.svc.cluster.local.")) == SLICES * EACH
    finally:
        process.terminate()
        assert process.wait(DEADLINE) == 0
        process.stdout.close()
