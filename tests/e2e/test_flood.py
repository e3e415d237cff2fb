# SPDX-License-Identifier: Apache-2.0
"""A flood of garbage costs CPU, not memory, and others go on getting answers."""

import contextlib
import pathlib
import random
import re
import socket
import struct

import dns.exception
import dns.message
import pytest
from conftest import Cluster, fqdn

DATAGRAMS = 20000
CONNECTIONS = 700  # as many as one address gets, and more
GROWTH = 8 << 20  # bytes: what a heap that is used again may still grow
MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: big}
spec: {clusterIP: None, ports: [{port: 80, name: http}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: big-1, labels: {kubernetes.io/service-name: big}}
addressType: IPv4
ports: [{port: 80, name: http}]
endpoints:
""" + "".join(f"- {{addresses: [10.1.{i // 250}.{i % 250 + 1}]}}\n" for i in range(900))


@pytest.fixture(scope="module")
def cluster():
    # Nobody answers at that port, so names outside are under way as long as may be.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        one = Cluster("--upstream", "127.0.0.1:%d" % silent.getsockname()[1], "--dns-workers", "2")
        one.apply(MANIFEST)
        one.eventually(lambda: len(one.dig(fqdn("big"), tcp=True).records) == 900)
        yield one
        assert one.stop() == 0


def resident(cluster):
    status = pathlib.Path(f"/proc/{cluster.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10


def answered(cluster, **how):
    """A datagram may be lost in a flood; who asks again gets an answer."""
    def ask():
        with contextlib.suppress(dns.exception.Timeout):
            return cluster.dig(fqdn("big"), timeout=1, **how).records

    return cluster.eventually(ask, "an answer in the flood")


def packets(rng):
    """Garbage of all kinds, some of it questions that cost as much as may be."""
    question = dns.message.make_query(fqdn("big"), "SRV", use_edns=0, payload=4096).to_wire()
    while True:
        yield rng.randbytes(rng.randrange(0, 2000))
        yield question[:rng.randrange(len(question))]
        spoilt = bytearray(question)
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
        yield bytes(spoilt)
        yield dns.message.make_query(f"x{rng.randrange(1 << 30)}.{fqdn('none')}", "A").to_wire()
        yield dns.message.make_query(f"x{rng.randrange(1 << 30)}.example.org", "A").to_wire()


def flood_udp(cluster, rng):
    some = packets(rng)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((cluster.dns_host, cluster.dns_port))
        for i in range(DATAGRAMS):
            with contextlib.suppress(OSError):
                client.send(next(some))
            if i % 1000 == 0:
                assert answered(cluster, edns=1232)


def connect(cluster, stack, source):
    client = stack.enter_context(socket.socket())
    client.bind((source, 0))
    client.connect((cluster.dns_host, cluster.dns_port))
    client.setblocking(False)
    return client


def flood_tcp(cluster, rng):
    """Half messages, large messages, garbage, and answers that nobody takes."""
    question = dns.message.make_query(fqdn("big"), "SRV").to_wire()
    framed = struct.pack(">H", len(question)) + question
    kinds = [b"\x10\0half", b"\xff\xff" + rng.randbytes(60000), rng.randbytes(3000), framed * 50]
    with contextlib.ExitStack() as stack:
        clients = [connect(cluster, stack, f"127.0.0.{2 + i % 3}") for i in range(CONNECTIONS)]
        for i, client in enumerate(clients):
            with contextlib.suppress(OSError):
                client.send(kinds[i % len(kinds)])
            if i % 50 == 0:
                assert len(cluster.dig(fqdn("big"), tcp=True).records) == 900


def test_a_flood_does_not_grow_the_server(cluster):
    rng = random.Random(7)
    sizes = []
    for _ in range(4):
        flood_udp(cluster, rng)
        flood_tcp(cluster, rng)
        sizes.append(resident(cluster))
    print("resident after each round:", sizes)
    # A sanitizer keeps what was freed; it is here for the rest of this test.
    if "sandbox: the threads of DNS: nothing" in pathlib.Path(cluster.log_path).read_text():
        return
    assert sizes[-1] <= sizes[1] + GROWTH, sizes
    assert sizes[-1] < 128 << 20, sizes


def test_no_answer_is_larger_than_the_client_said(cluster):
    for announced in [None, 0, 1, 511, 512, 513, 700, 1231, 1232, 1233, 4096, 65535]:
        for rdtype in ("A", "SRV"):
            query = dns.message.make_query(fqdn("big"), rdtype)
            if announced is not None:
                query.use_edns(0, payload=announced)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(30)
                client.connect((cluster.dns_host, cluster.dns_port))
                assert answered(cluster)
                client.send(query.to_wire())
                answer = client.recv(65535)
            assert len(answer) <= min(max(announced or 512, 512), 1232)
            assert answer[2] & 2, "TC"
