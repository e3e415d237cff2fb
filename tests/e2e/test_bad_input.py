# SPDX-License-Identifier: Apache-2.0
"""Bad input gets a clear error that names the field or the option, and changes nothing."""

import json
import os
import random
import socket
import ssl
import struct
import subprocess
import urllib.error
import urllib.request

import dns.exception
import dns.message
import pytest

from conftest import DEADLINE, HEADLESSD, fqdn
from test_seeds import client_certificate

SERVICE = """
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  clusterIP: None
  ports:
  - {{port: 80, name: a}}
{more}
"""


def refused(cluster, manifest, *words, verb="apply"):
    before = cluster.kubectl("get", "all", "-o", "name").out
    result = cluster.kubectl(verb, "-f", "-", stdin=manifest, check=False)
    assert result.code != 0
    for word in words:
        assert word in result.err, f"{word!r} not in {result.err!r}"
    assert cluster.kubectl("get", "all", "-o", "name").out == before


def test_unknown_field(cluster):
    refused(cluster, SERVICE.format(name="bad", more="  selektor: {app: x}"), "selektor")


def test_wrong_type(cluster):
    refused(cluster, SERVICE.format(name="bad", more="  selector: [app]"), "selector")


def test_bad_name(cluster):
    refused(cluster, SERVICE.format(name="Bad_Name", more=""), "metadata.name", "Bad_Name")


def test_port_used_twice(cluster):
    refused(cluster, SERVICE.format(name="bad", more="  - {port: 80, name: b}"), "spec.ports[1]",
            "Duplicate value")


def test_port_out_of_range(cluster):
    refused(cluster, SERVICE.format(name="bad", more="  - {port: 70000, name: b}"),
            "spec.ports[1].port", "between 1 and 65535")


def test_cluster_ip_is_immutable(cluster):
    cluster.apply(SERVICE.format(name="fixed", more=""))
    refused(cluster, SERVICE.format(name="fixed", more="").replace("None", "10.96.7.7"),
            "spec.clusterIP")
    assert cluster.get("svc", "fixed")["spec"]["clusterIP"] == "None"


def test_manifest_cut_short(cluster):
    whole = json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "bad"}})
    refused(cluster, whole[:-9] + "\n", "error", verb="create")


def test_address_used_twice(cluster):
    manifest = SERVICE.format(name="first", more="").replace("None", "10.96.9.9")
    cluster.apply(manifest)
    refused(cluster, manifest.replace("first", "second"), "10.96.9.9", "already allocated")


def post(cluster, path, body, content_type="application/json"):
    context = ssl._create_unverified_context()
    context.load_cert_chain(*client_certificate(cluster))
    request = urllib.request.Request(cluster.ready["api"] + path, body, method="POST")
    request.add_header("Content-Type", content_type)
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def test_body_of_4_megabytes(cluster):
    body = json.dumps({"metadata": {"name": "big"}, "data": {"x": "y" * (4 << 20)}}).encode()
    try:
        code, status = post(cluster, CONFIG_MAPS, body)
        assert code == 413 and status["reason"] == "RequestEntityTooLarge"
    except urllib.error.URLError:
        pass  # the server may hang up before it has taken all of it
    assert cluster.kubectl("get", "configmap", "big", check=False).code != 0


def test_json_10000_levels_deep(cluster):
    code, status = post(cluster, CONFIG_MAPS, b'{"metadata":' * 10000 + b"1" + b"}" * 10000)
    assert code == 400 and "deep" in status["message"]


def test_not_json(cluster):
    code, status = post(cluster, CONFIG_MAPS, b'{"metadata": {"name": "x",}}')
    assert code == 400 and status["kind"] == "Status"


def test_unknown_content_type(cluster):
    code, status = post(cluster, CONFIG_MAPS, b"x", "text/html")
    assert code == 415 and "unknown format" in status["message"]


def test_nobody_gets_nothing(cluster):
    context = ssl._create_unverified_context()
    for path, expected in (("/api/v1/pods", 401), ("/version", 200), ("/healthz", 200)):
        try:
            code = urllib.request.urlopen(cluster.ready["api"] + path, context=context).status
        except urllib.error.HTTPError as error:
            code = error.code
        assert code == expected, path


# ---- the command line ----

def run_headlessd(*words):
    return subprocess.run([HEADLESSD, *words], capture_output=True, text=True, timeout=DEADLINE,
                          check=False)


@pytest.mark.parametrize("words, code, said", [
    (["standalone", "--no-such-option"], 2, "--no-such-option"),
    (["standalone", "--api-listen", "nonsense"], 2, "--api-listen nonsense"),
    (["standalone", "--ttl", "4000"], 2, "--ttl 4000"),
    (["standalone", "--node", "docker"], 2, "--node docker"),
    (["standalone", "stray"], 2, "stray"),
    (["dance"], 2, "dance"),
    ([], 2, "usage"),
])
def test_wrong_usage(words, code, said):
    result = run_headlessd(*words)
    assert result.returncode == code
    assert said in result.stderr


@pytest.mark.parametrize("option", ["--api-listen", "--dns-listen", "--metrics-listen"])
def test_port_in_use(tmp_path, option):
    listens = {"--api-listen": "127.0.0.1:0", "--dns-listen": "127.0.0.1:0",
               "--metrics-listen": "127.0.0.1:0"}
    kind = socket.SOCK_DGRAM if option == "--dns-listen" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        listens[option] = f"127.0.0.1:{taken.getsockname()[1]}"
        result = run_headlessd("standalone", "--data-dir", str(tmp_path),
                               *[word for pair in listens.items() for word in pair])
    assert result.returncode == 1
    lines = [l for l in result.stderr.splitlines() if l.startswith("headlessd:")]
    assert len(lines) == 1 and listens[option] in lines[0] and option in lines[0]
    assert "in use" in lines[0] or "already" in lines[0]


def test_unusable_data_directory(tmp_path):
    (tmp_path / "file").write_text("")
    result = run_headlessd("standalone", "--data-dir", str(tmp_path / "file" / "below"))
    assert result.returncode == 1
    assert str(tmp_path / "file") in result.stderr and "--data-dir" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_data_directory(tmp_path):
    tmp_path.chmod(0o500)
    result = run_headlessd("standalone", "--data-dir", str(tmp_path))
    assert result.returncode == 1 and str(tmp_path) in result.stderr


# ---- DNS packets ----

QUESTION = b"\x07default\x03svc\x07cluster\x05local\x00\x00\x01\x00\x01"


def ask_raw(cluster, packet):
    """The answer to a raw packet, or None when there is none; the server must survive either way.

    Packets of one socket are answered in order, so when a good question sent after the packet has
    its answer, there is none to the packet any more.
    """
    good = dns.message.make_query("dns-version.cluster.local.", "TXT", id=0x4321)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(DEADLINE)
        wire.connect((cluster.dns_host, cluster.dns_port))
        wire.send(packet)
        wire.send(good.to_wire())
        first = wire.recv(65535)
        last = wire.recv(65535) if first[:2] != b"\x43\x21" else first
    assert dns.message.from_wire(last).answer[0][0].to_text() == '"1.1.0"'
    return first if first is not last else None


def rcode(answer):
    return struct.unpack(">H", answer[2:4])[0] & 15


def head(flags=0x0100, questions=1, rest=b"\0\0\0\0\0\0"):
    return b"\x12\x34" + struct.pack(">HH", flags, questions) + rest


def test_dns_truncated_packet(cluster):
    for cut in range(12, 12 + len(QUESTION)):
        answer = ask_raw(cluster, (head() + QUESTION)[:cut])
        assert answer is None or rcode(answer) == 1
    assert ask_raw(cluster, head() + QUESTION) is not None


def test_dns_looping_pointer(cluster):
    answer = ask_raw(cluster, head() + b"\xc0\x0c\x00\x01\x00\x01")
    assert answer is None or rcode(answer) == 1


def test_dns_two_questions(cluster):
    assert rcode(ask_raw(cluster, head(questions=2) + QUESTION + QUESTION)) == 1


def test_dns_unknown_opcode(cluster):
    assert rcode(ask_raw(cluster, head(flags=0x3100) + QUESTION)) == 4


def test_dns_answer_instead_of_query(cluster):
    assert ask_raw(cluster, head(flags=0x8180) + QUESTION) is None


def test_dns_garbage(cluster):
    chooser = random.Random(1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        for _ in range(2000):
            n = chooser.randrange(0, 200)
            wire.sendto(chooser.randbytes(n), (cluster.dns_host, cluster.dns_port))

    def is_answered():
        try:
            return cluster.dig(fqdn("kubernetes"), timeout=1).rcode == "NOERROR"
        except dns.exception.Timeout:
            return False  # UDP: what finds the socket full is lost

    cluster.eventually(is_answered)
