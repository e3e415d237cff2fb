# SPDX-License-Identifier: Apache-2.0
"""logs, exec, attach, port-forward and proxy with an unmodified kubectl, through the API server and a
node's agent; only the container runtime behind the agent is played (tests/tools/fake-agent.c)."""

import base64
import contextlib
import http.server
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import pytest
from conftest import DEADLINE, ROOT, Cluster, kubectls

AGENT = ROOT / "build/tests/tools/fake-agent"

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  nodeName: {node}
  containers: [{containers}]
"""


class Node:
    """A cluster with one real agent (node `fake`), and pods on it."""

    def __init__(self, log_dir):
        self.cluster = Cluster()
        self.logs = log_dir
        self.agent = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(AGENT), self.cluster.data_dir, str(log_dir)],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.agent.stdout.readline())
        self.cluster.apply("""
apiVersion: v1
kind: Node
metadata: {name: fake}
---
""")
        self.status("node", "fake", {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}}})
        self.pod("web", "{name: main, image: x, ports: [{containerPort: 80}]}")
        self.pod("two", "{name: one, image: x}, {name: waiting, image: x}")

    def status(self, kind, name, status):
        """Patches a status as a node would."""
        where = f"/api/v1/nodes/{name}" if kind == "node" else \
            f"/api/v1/namespaces/default/{kind}s/{name}"
        body = json.dumps({"status": status})
        subprocess.run(
            ["curl", "-sSf", "--cacert", f"{self.cluster.data_dir}/pki/ca.crt", "--cert",
             f"{self.cluster.data_dir}/pki/admin.crt", "--key",
             f"{self.cluster.data_dir}/pki/admin.key", "-X", "PATCH", "-o", "/dev/null",
             "-H", "Content-Type: application/merge-patch+json", "--data", body,
             f"{self.cluster.ready['api']}{where}/status"], check=True)

    def pod(self, name, containers, node="fake"):
        self.cluster.apply(POD.format(name=name, node=node, containers=containers))
        self.status("pod", name, {"phase": "Running", "podIP": "127.0.0.1",
                                  "podIPs": [{"ip": "127.0.0.1"}]})

    def log(self, pod, container, lines, mode="a", kind="log"):
        """Appends lines, as the runtime writes them."""
        with open(self.logs / f"{pod}_{container}.{kind}", mode, encoding="utf-8") as file:
            for line in lines:
                file.write(line if line.startswith("20") else
                           f"2026-01-02T03:04:05.000000006Z stdout F {line}")
                file.write("\n")

    def stop(self):
        self.agent.send_signal(signal.SIGTERM)
        assert self.agent.wait(DEADLINE) == 0
        self.agent.stdout.close()
        assert self.cluster.stop() == 0


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    one = Node(tmp_path_factory.mktemp("logs"))
    yield one
    one.stop()


@pytest.fixture(params=kubectls(), ids=lambda path: pathlib.Path(path).name)
def kubectl(request, node):
    """One of the kubectls; gives a Result for words."""
    return lambda *words, **more: node.cluster.kubectl(*words, program=request.param, **more)


def raw(node, *words, binary=True, stdin=None, program=None):
    return subprocess.run([program or node.cluster.kubectl_program, *words], input=stdin,
                          capture_output=True, env=node.cluster.environment(), timeout=DEADLINE,
                          check=False)


# ---- logs ----


def test_logs_are_shown_without_their_framing(node, kubectl):
    node.log("web", "main", ["first", "2026-01-02T03:04:06Z stdout P half ",
                             "2026-01-02T03:04:06Z stdout F a line",
                             "2026-01-02T03:04:07Z stderr F trouble"], mode="w")
    assert kubectl("logs", "web").out == "first\nhalf a line\ntrouble\n"
    assert kubectl("logs", "web", "--tail=1").out == "trouble\n"
    assert kubectl("logs", "web", "--limit-bytes=4").out == "firs"
    assert kubectl("logs", "web", "--since-time=2026-01-02T03:04:06Z").out == \
        "half a line\ntrouble\n"
    stamped = kubectl("logs", "web", "--timestamps").out.splitlines()
    assert stamped[0] == "2026-01-02T03:04:05.000000006Z first"
    assert stamped[1] == "2026-01-02T03:04:06Z half a line"


def test_logs_say_in_kubernetes_words_what_is_wrong(node, kubectl):
    def error(*words):
        result = kubectl("logs", *words, check=False)
        assert result.code != 0
        return result.err

    assert 'pods "nobody" not found' in error("nobody")
    assert "container other is not valid for pod web" in error("web", "-c", "other")
    assert 'container "waiting" in pod "two" is waiting to start: ContainerCreating' in \
        error("two", "-c", "waiting")
    assert 'previous terminated container "main" in pod "web" not found' in \
        error("web", "--previous")
    node.log("two", "one", ["before"], mode="w", kind="previous")
    assert kubectl("logs", "two", "-c", "one", "--previous").out == "before\n"


def test_a_pod_on_a_simulated_node_has_no_logs_and_says_so(node, kubectl):
    node.cluster.kubectl("run", "sim", "--image=x", check=False)
    node.cluster.kubectl("wait", "pod/sim", "--for=condition=Ready", "--timeout=60s")
    result = kubectl("logs", "sim", check=False)
    assert result.code != 0
    assert "is simulated and runs no containers" in result.err


def test_followed_logs_come_as_they_are_written_and_end_with_the_container(node):
    (node.logs / "web_main.log.ended").unlink(missing_ok=True)
    node.log("web", "main", ["one"], mode="w")
    with node.cluster.kubectl_started("logs", "-f", "web") as lines:
        assert next(lines) == "one\n"
        node.log("web", "main", ["two"])
        assert next(lines) == "two\n"
        # Rotated away: what is written to the new file comes, too.
        os.rename(node.logs / "web_main.log", node.logs / "web_main.log.20260102")
        node.log("web", "main", ["three"])
        assert next(lines) == "three\n"
        (node.logs / "web_main.log.ended").touch()
        node.log("web", "main", ["four"])
        assert list(lines) == ["four\n"]
    (node.logs / "web_main.log.ended").unlink()


def messages(node, path, protocol):
    """The answer's status, then the messages of a WebSocket, up to ("close", code)."""
    where = urllib.parse.urlsplit(node.cluster.ready["api"])
    context = ssl.create_default_context(cafile=f"{node.cluster.data_dir}/pki/ca.crt")
    context.load_cert_chain(f"{node.cluster.data_dir}/pki/admin.crt",
                            f"{node.cluster.data_dir}/pki/admin.key")
    with socket.create_connection((where.hostname, where.port), timeout=DEADLINE) as plain, \
            context.wrap_socket(plain, server_hostname=where.hostname) as connection, \
            connection.makefile("rwb") as stream:
        stream.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     f"Sec-WebSocket-Protocol: {protocol}\r\n\r\n".encode())
        stream.flush()
        yield int(stream.readline().split()[1])
        while stream.readline() != b"\r\n":
            pass
        while True:
            head = stream.read(2)
            length = head[1] if head[1] < 126 else int.from_bytes(stream.read(2), "big")
            payload = stream.read(length)
            if head[0] == 0x88:
                yield "close", int.from_bytes(payload, "big")
                return
            yield payload


def test_logs_come_over_websocket(node):
    (node.logs / "web_main.log.ended").unlink(missing_ok=True)
    node.log("web", "main", ["container is alive"], mode="w")
    path = "/api/v1/namespaces/default/pods/web/log?container=main"
    assert list(messages(node, path, "binary.k8s.io")) == \
        [101, b"", b"container is alive\n", ("close", 1000)]
    assert list(messages(node, path, "base64.binary.k8s.io")) == \
        [101, b"", base64.b64encode(b"container is alive\n"), ("close", 1000)]
    assert next(messages(node, path, "v4.channel.k8s.io")) == 400
    assert next(messages(node, path.replace("web", "nobody"), "binary.k8s.io")) == 404
    assert next(messages(node, path + "&previous=true", "binary.k8s.io")) == 400
    followed = messages(node, path + "&follow=true", "binary.k8s.io")
    assert [next(followed) for _ in range(3)] == [101, b"", b"container is alive\n"]
    node.log("web", "main", ["still"])
    assert next(followed) == b"still\n"
    followed.close()


# ---- exec ----


def test_exec_gives_output_and_exit_code(kubectl):
    assert kubectl("exec", "web", "--", "echo", "a b", "c&d=e%f", "ü").out == "a b\nc&d=e%f\nü\n"
    result = kubectl("exec", "web", "--", "exit", "42", check=False)
    assert result.code == 42
    assert "leaving" in result.err


def test_exec_passes_standard_input_and_its_end(kubectl):
    text = "".join(f"line {i}\n" for i in range(20000))
    assert kubectl("exec", "-i", "web", "--", "cat", stdin=text).out == text


def test_exec_carries_much(node, kubectl):
    assert len(kubectl("exec", "web", "--", "zeros", "20000000").out) == 20000000


def memory(process):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def test_a_hundred_megabytes_need_no_memory(node):
    for program in kubectls():
        with open(os.devnull, "wb") as nothing:
            before = memory(node.cluster.process), memory(node.agent)
            process = subprocess.run([program, "exec", "web", "--", "zeros", "100000000"],
                                     stdout=nothing, env=node.cluster.environment(),
                                     timeout=4 * DEADLINE, check=True)
            assert process.returncode == 0
            after = memory(node.cluster.process), memory(node.agent)
        assert all(b - a < 16 * 1024 * 1024 for a, b in zip(before, after)), (before, after)


def test_a_stream_that_breaks_is_no_success(node):
    for program in kubectls():
        result = raw(node, "exec", "web", "--", "break", program=program)
        assert result.stdout == b"half a li"
        # Over SPDY no kubectl tells an end from an accident.


def test_a_terminal_has_a_size(node, kubectl):
    line = f"{node.cluster.kubectl_program} exec -it web -- size"
    environment = dict(node.cluster.environment(), TERM="xterm")
    result = subprocess.run(["script", "-qec", f"stty rows 33 cols 77; {line}", "/dev/null"],
                            capture_output=True, text=True, stdin=subprocess.DEVNULL,
                            env=environment, timeout=DEADLINE, check=False)
    assert '"Width":77' in result.stdout and '"Height":33' in result.stdout


def test_attach_talks_to_the_process_that_runs(kubectl):
    assert kubectl("attach", "-i", "web", stdin="hello\n").out.endswith("hello\n")


def test_exec_says_what_is_wrong(kubectl):
    def error(*words):
        result = kubectl("exec", *words, "--", "echo", check=False)
        assert result.code != 0
        return result.err

    assert 'pods "nobody" not found' in error("nobody")
    assert "container other is not valid for pod web" in error("web", "-c", "other")
    assert "is simulated and runs no containers" in error("sim")


def test_a_killed_client_ends_its_session_everywhere(node):
    def connections():
        return len(os.listdir(f"/proc/{node.agent.pid}/fd"))

    before = connections()
    sessions = [subprocess.Popen([node.cluster.kubectl_program, "exec", "-i", "web", "--", "cat"],
                                 stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                 env=node.cluster.environment()) for _ in range(3)]
    # API server to agent, agent to runtime, and the runtime's end of it.
    node.cluster.eventually(lambda: connections() >= before + 9)
    for one in sessions:
        one.kill()
        one.wait()
        one.stdin.close()
    node.cluster.eventually(lambda: connections() <= before)


# ---- port-forward ----


@contextlib.contextmanager
def forwarded(node, program, what):
    process = subprocess.Popen([program, "port-forward", what, ":80", "--address=127.0.0.1"],
                               stdout=subprocess.PIPE, text=True, env=node.cluster.environment())
    try:
        line = process.stdout.readline()
        assert line.startswith("Forwarding from 127.0.0.1:"), line
        yield int(line.split(":")[1].split()[0])
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def test_a_port_is_forwarded(node):
    for program in kubectls():
        with forwarded(node, program, "pod/web") as port:
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as one:
                    one.sendall(b"x" * 300000)
                    one.shutdown(socket.SHUT_WR)
                    got = b""
                    while True:
                        block = one.recv(65536)
                        if not block:
                            break
                        got += block
                    assert got == b"80\n" + b"x" * 300000


# ---- proxy ----


class Site(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", "/there")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        text = json.dumps({"method": self.command, "path": self.path, "body": body.decode(),
                           "authorization": self.headers.get("Authorization")}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def curl(node, method, path, *words):
    data = node.cluster.data_dir
    result = subprocess.run(
        ["curl", "-sS", "-i", "--cacert", f"{data}/pki/ca.crt", "--cert", f"{data}/pki/admin.crt",
         "--key", f"{data}/pki/admin.key", "-X", method, *words,
         node.cluster.ready["api"] + path], capture_output=True, text=True, timeout=DEADLINE,
        check=True)
    head, body = result.stdout.split("\n\n", 1)  # `text` has made one of CR LF
    return int(head.split()[1]), head.lower(), body


def test_pods_are_proxied(node, site):
    prefix = "/api/v1/namespaces/default"
    for place in (f"{prefix}/pods/web:{site}/proxy", f"{prefix}/pods/http:web:{site}/proxy"):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            code, _, body = curl(node, method, f"{place}/a%20b/c?x=1&y=a%26b", "-d", "text")
            assert code == 200, body
            seen = json.loads(body)
            assert seen["method"] == method
            assert seen["path"] == "/a%20b/c?x=1&y=a%26b"
            assert seen["authorization"] is None
            assert seen["body"] == "text"
        code, head, _ = curl(node, "GET", f"{place}/away")
        assert code == 302 and f"location: {place}/there" in head
        code, head, _ = curl(node, "GET", f"{place}?q=1")
        assert code == 301 and f"location: {place}/?q=1" in head
    out = node.cluster.kubectl("get", "--raw", f"{prefix}/pods/http:web:{site}/proxy/x").out
    assert json.loads(out)["path"] == "/x"


def test_a_proxy_without_a_target_says_why(node):
    prefix = "/api/v1/namespaces/default"
    node.cluster.apply("""
apiVersion: v1
kind: Service
metadata: {name: site}
spec: {ports: [{name: http, port: 80}]}
""")
    code, _, body = curl(node, "GET", f"{prefix}/services/http:site:80/proxy/")
    assert code == 503 and 'no endpoints available for service \\"site\\"' in body
    code, _, body = curl(node, "GET", f"{prefix}/services/site:nothing/proxy/")
    assert code == 503 and 'no service port \\"nothing\\" found' in body
    code, _, body = curl(node, "GET", f"{prefix}/pods/nobody/proxy/")
    assert code == 404
    code, _, body = curl(node, "GET", f"{prefix}/pods/web:1/proxy/")
    assert code == 503 and "Connection refused" in body


def test_a_nodes_agent_is_reached_by_the_api_server_alone(node):
    code, _, body = curl(node, "GET", "/api/v1/nodes/fake/proxy/healthz")
    assert (code, body) == (200, "ok")
    data = node.cluster.data_dir
    for words in ([], ["--cert", f"{data}/pki/admin.crt", "--key", f"{data}/pki/admin.key"]):
        result = subprocess.run(
            ["curl", "-sS", "--cacert", f"{data}/pki/ca.crt", *words, "-w", "%{http_code}", "-o",
             "/dev/null", f"https://127.0.0.1:{node.port}/healthz"], capture_output=True,
            text=True, timeout=DEADLINE, check=False)
        assert result.stdout in ("401", "403")


def test_idle_sessions_do_not_disturb_others(node):
    sessions = [subprocess.Popen([node.cluster.kubectl_program, "exec", "-i", "web", "--", "cat"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 env=node.cluster.environment()) for _ in range(10)]
    try:
        assert node.cluster.kubectl("get", "nodes").code == 0
        assert node.cluster.dig("kubernetes.default.svc.cluster.local.").records
        for one in sessions:
            out, _ = one.communicate(b"still there\n", timeout=DEADLINE)
            assert out == b"still there\n"
    finally:
        for one in sessions:
            one.kill()
            one.wait()
