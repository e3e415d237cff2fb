# SPDX-License-Identifier: Apache-2.0
"""dnstap: a receiver of Frame Streams hears of every query and response."""

import collections
import shutil
import socket
import struct
import subprocess
import threading
import time

import dns.message
import dns.query
import pytest

from conftest import DEADLINE, HEADLESSD, Cluster, fqdn
from test_operate import read_metrics, total
from test_remote import Remote

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = range(1, 6)
CLIENT_QUERY, CLIENT_RESPONSE = 5, 6

Tap = collections.namedtuple("Tap", "identity version fields")


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """Number to value of a message of protocol buffers."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        number, encoding = tag >> 3, tag & 7
        assert number not in found
        if encoding == 0:
            found[number], at = varint(data, at)
        elif encoding == 5:
            found[number], at = struct.unpack_from("<I", data, at)[0], at + 4
        else:
            assert encoding == 2
            length, at = varint(data, at)
            found[number], at = data[at:at + length], at + length
            assert len(found[number]) == length
    return found


def control(kind):
    body = struct.pack(">I", kind)
    if kind == ACCEPT:
        body += struct.pack(">II", 1, len(CONTENT_TYPE)) + CONTENT_TYPE
    return struct.pack(">II", 0, len(body)) + body


class Receiver:
    """Takes one connection after the other, and what comes over it, unless it is lazy."""

    def __init__(self, path=None, lazy=False):
        self.path, self.lazy = path, lazy
        self.listener = self.connection = None
        self.taps, self.controls = [], []
        self.changed = threading.Condition()
        self.listen(0)

    def listen(self, port):
        if self.path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(self.path))
            self.path.chmod(0o666)
            self.name = f"unix://{self.path}"
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", port))
            self.port = self.listener.getsockname()[1]
            self.name = f"tcp://127.0.0.1:{self.port}"
        self.listener.listen()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while True:
                self.connection = self.listener.accept()[0]
                with self.connection, self.connection.makefile("rb") as stream:
                    while self.take(stream):
                        pass
        except OSError:
            pass

    def take(self, stream):
        head = stream.read(4)
        length = struct.unpack(">I", head)[0] if len(head) == 4 else None
        if length is None:
            return False
        if length == 0:
            body = stream.read(struct.unpack(">I", stream.read(4))[0])
            kind = struct.unpack_from(">I", body)[0]
            if kind in (READY, START):
                assert body[4:] == struct.pack(">II", 1, len(CONTENT_TYPE)) + CONTENT_TYPE
            if kind in (READY, STOP):
                self.connection.sendall(control(ACCEPT if kind == READY else FINISH))
            with self.changed:
                self.controls.append(kind)
                self.changed.notify_all()
            return kind != START or not self.lazy or self.wait_until_closed()
        body = stream.read(length)
        if len(body) < length:
            return False
        outer = fields(body)
        assert outer[15] == 1
        with self.changed:
            self.taps.append(Tap(outer.get(1), outer.get(2), fields(outer[14])))
            self.changed.notify_all()
        return True

    def wait_until_closed(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.lazy)
        return True

    def wait(self, condition, what):
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE), what

    def wait_open(self):
        self.wait(lambda: self.controls[-2:] == [READY, START], "the handshake")

    def wait_taps(self, n):
        self.wait(lambda: len(self.taps) >= n, f"{n} messages")

    def close(self):
        for sock in (self.listener, self.connection):
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.listener.close()
        self.thread.join(DEADLINE)
        if self.path:
            self.path.unlink()

    def restart(self):
        self.close()
        self.controls.clear()
        self.listen(getattr(self, "port", 0))


@pytest.mark.parametrize("kind", ["unix", "tcp"])
def test_queries_and_responses_are_told(kind, tmp_path):
    receiver = Receiver(tmp_path / "tap" if kind == "unix" else None)
    cluster = Cluster("--dnstap", receiver.name)
    try:
        receiver.wait_open()
        before = time.time()
        query = dns.message.make_query(fqdn("kubernetes"), "A", use_edns=0)
        answers = []
        for ask in (dns.query.udp, dns.query.tcp):
            answers.append(ask(query, cluster.dns_host, port=cluster.dns_port))
            receiver.wait_taps(2 * len(answers))
        for i, answer in enumerate(answers):
            asked, told = (tap.fields for tap in receiver.taps[2 * i:2 * i + 2])
            for seen in (asked, told):
                assert seen[2] == 1 and seen[3] == 1 + i  # IPv4; UDP, then TCP
                assert seen[4] == seen[5] == bytes([127, 0, 0, 1])
                assert seen[6] > 0 and seen[7] == cluster.dns_port
                assert before - 1 <= seen[8] + seen[9] / 1e9 <= time.time() + 1
            assert asked[1] == CLIENT_QUERY and told[1] == CLIENT_RESPONSE
            assert asked[10] == query.to_wire() and 14 not in asked and 12 not in asked
            assert dns.message.from_wire(told[14]) == answer and 10 not in told
            assert (told[12], told[13]) >= (asked[8], asked[9]) == (told[8], told[9])
        assert {tap.identity for tap in receiver.taps} == {socket.gethostname().encode()}
        assert receiver.taps[0].version.startswith(b"headlessd-")
        assert total(read_metrics(cluster), "headlessd_dns_dnstap_connected") == 1
    finally:
        assert cluster.stop() == 0
    receiver.wait(lambda: receiver.controls[-1] == STOP, "a decent end")
    receiver.close()


def test_a_receiver_that_went_is_told_again_when_it_is_back(tmp_path):
    receiver = Receiver(tmp_path / "tap")
    cluster = Cluster("--dnstap", receiver.name, "--dns-workers", "1")
    try:
        receiver.wait_open()
        receiver.close()
        cluster.eventually(
            lambda: total(read_metrics(cluster), "headlessd_dns_dnstap_connected") == 0, "the loss")
        cluster.dig(fqdn("kubernetes"))
        receiver.controls.clear()
        receiver.listen(0)
        receiver.wait_open()
        cluster.dig(fqdn("kubernetes"), tcp=True)
        receiver.wait_taps(4)
        assert [tap.fields[3] for tap in receiver.taps] == [1, 1, 2, 2]
        assert total(read_metrics(cluster), "headlessd_dns_dnstap_lost_total") == 0
    finally:
        assert cluster.stop() == 0
    receiver.close()


def test_a_slow_receiver_loses_messages_and_no_answers(tmp_path):
    receiver = Receiver(tmp_path / "tap", lazy=True)
    cluster = Cluster("--dnstap", receiver.name, "--dns-workers", "1")
    asked = 0
    try:
        receiver.wait_open()
        query = dns.message.make_query(fqdn("kubernetes"), "A").to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(DEADLINE)
            client.connect((cluster.dns_host, cluster.dns_port))
            lost = 0
            while lost == 0 and asked < 100000:
                for _ in range(1000):
                    client.send(query)
                    assert client.recv(4096)[:2] == query[:2]
                asked += 1000
                lost = total(read_metrics(cluster), "headlessd_dns_dnstap_lost_total")
        assert lost > 0
        with receiver.changed:
            receiver.lazy = False
            receiver.changed.notify_all()
        receiver.wait_taps(2 * asked - lost)
        assert len(receiver.taps) == 2 * asked - lost
    finally:
        assert cluster.stop() == 0
    receiver.close()


def test_the_plugin_of_a_corefile_tells_without_messages_from_inside_the_sandbox(tmp_path):
    """The socket is there only when the privileges are gone, and again after a restart."""
    cluster = Cluster()
    path = tmp_path / "tap"
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:53 {\n  kubernetes cluster.local\n  dnstap %s {\n    identity me\n"
                        "    version 7\n  }\n  log\n}\n" % path)
    remote = Remote(cluster.kubeconfig, tmp_path, "--corefile", str(corefile))
    try:
        receiver = Receiver(path)
        receiver.wait_open()
        remote.dig(fqdn("kubernetes"))
        receiver.wait_taps(2)
        receiver.restart()
        receiver.wait_open()
        remote.dig(fqdn("nope"), tcp=True)
        receiver.wait_taps(4)
        for tap in receiver.taps:
            assert (tap.identity, tap.version) == (b"me", b"7")
            assert 10 not in tap.fields and 14 not in tap.fields
            assert tap.fields[4] == bytes([127, 0, 0, 1])
        assert [tap.fields[1] for tap in receiver.taps] == [CLIENT_QUERY, CLIENT_RESPONSE] * 2
    finally:
        assert remote.stop() == 0
        assert cluster.stop() == 0
    log = (tmp_path / "dns.log").read_text()
    assert fqdn("nope") in log and "is not done" not in log
    receiver.close()


def test_what_is_no_socket_is_refused(tmp_path):
    bad = subprocess.run([HEADLESSD, "standalone", "--data-dir", str(tmp_path / "data"),
                          "--dns-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
                          "--metrics-listen", "127.0.0.1:0", "--store", "memory",
                          "--dnstap", "tcp://tap.example:6000"],
                         capture_output=True, text=True, timeout=60, check=False)
    shutil.rmtree(tmp_path / "data", ignore_errors=True)
    assert bad.returncode == 1
    assert "--dnstap tcp://tap.example:6000: expected unix:///PATH or tcp://ADDRESS:PORT" in bad.stderr
