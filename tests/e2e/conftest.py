# SPDX-License-Identifier: Apache-2.0
"""A headlessd of its own for each test module, an unmodified kubectl, and a DNS client."""

import contextlib
import json
import os
import pathlib
import random
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADLESSD = os.environ.get("HEADLESSD", str(ROOT / "build/headlessd"))
EXAMPLES = ROOT / "examples"
DEADLINE = 60  # seconds until a condition that must come true counts as failed


def kubectls():
    """The kubectl programs to test with: $KUBECTLS (colon-separated), else the one in PATH."""
    given = os.environ.get("KUBECTLS")
    return given.split(":") if given else [shutil.which("kubectl") or "kubectl"]


def start_headlessd(*words, log, host=None):
    """A headlessd that runs in the background, on a machine of its own if one is given, and what its
    ready line says. It ends with the tests, however those end."""
    before = host.enter if host else ["setpriv", "--pdeathsig", "KILL"]
    process = subprocess.Popen([*before, HEADLESSD, *words], stdout=subprocess.PIPE, stderr=log,
                               text=True)
    select.select([process.stdout], [], [], DEADLINE)
    os.set_blocking(process.stdout.fileno(), False)
    line = process.stdout.readline()
    if not line.startswith("ready "):
        process.kill()
        process.wait()
        raise AssertionError(f"no ready line but {line!r}; see {log.name}")
    return process, dict(word.split("=", 1) for word in line.split()[1:])


def free_port():
    """A TCP port that stays free until somebody asks for just this one: below those that the kernel
    picks for others."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(lowest // 2, lowest)
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    @property
    def rows(self):
        """The output as a list of lists of columns (two spaces or more apart)."""
        return [[cell for cell in line.split("  ") if cell] for line in self.out.splitlines()]


class Answer:
    """One DNS answer; records are texts in the order of the answer."""

    def __init__(self, message):
        self.message = message
        self.rcode = dns.rcode.to_text(message.rcode())
        self.truncated = bool(message.flags & dns.flags.TC)
        self.authoritative = bool(message.flags & dns.flags.AA)

    def _texts(self, section, rdtype=None):
        return [
            rdata.to_text()
            for rrset in section
            if rdtype is None or rrset.rdtype == rdtype
            for rdata in rrset
        ]

    @property
    def records(self):
        return self._texts(self.message.answer)

    @property
    def set(self):
        return set(self.records)

    @property
    def additional(self):
        return self._texts(self.message.additional)

    @property
    def soa(self):
        found = [r for r in self.message.authority if r.rdtype == dns.rdatatype.SOA]
        return found[0] if found else None

    @property
    def errors(self):
        """Extended DNS Errors (RFC 8914), as texts."""
        return [str(o.text) for o in self.message.options if o.otype == dns.edns.OptionType.EDE]


class Cluster:
    def __init__(self, *options, data_dir=None, host=None):
        self.host = host
        self.own_dir = data_dir is None
        self.data_dir = data_dir or tempfile.mkdtemp(prefix="headlessd-test-")
        self.log_path = tempfile.mkstemp(prefix="headlessd-test-", suffix=".log")[1]
        self.options = options
        self.process = None
        self.kubectl_program = kubectls()[0]
        self.start()

    def start(self):
        self.log = open(self.log_path, "ab")
        self.process, self.ready = start_headlessd(
            "standalone", "--data-dir", self.data_dir, "--api-listen", "127.0.0.1:0",
            "--dns-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *self.options,
            log=self.log, host=self.host)
        self.pid = self.host.pid_of(self.process) if self.host else self.process.pid
        host, port = self.ready["dns"].rsplit(":", 1)
        self.dns_host, self.dns_port = host.strip("[]"), int(port)
        self.kubeconfig = self.ready["kubeconfig"]

    def kill(self, how=signal.SIGKILL):
        os.kill(self.pid, how)
        code = self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.log.close()
        return code

    def restart(self, how=signal.SIGKILL):
        self.kill(how)
        self.start()

    def stop(self):
        code = self.kill(signal.SIGTERM)
        os.unlink(self.log_path)
        if self.own_dir:
            shutil.rmtree(self.data_dir, ignore_errors=True)
        return code

    @property
    def enter(self):
        return self.host.enter if self.host else []

    def environment(self):
        """kubectl's: nothing of the user's own configuration, and its cache in the data directory."""
        environment = dict(os.environ, KUBECONFIG=self.kubeconfig, HOME=self.data_dir)
        environment.pop("KUBERNETES_SERVICE_HOST", None)
        return environment

    def kubectl(self, *words, stdin=None, check=True, timeout=DEADLINE, program=None):
        process = subprocess.run(
            [*self.enter, program or self.kubectl_program, *words], input=stdin, capture_output=True, text=True,
            timeout=timeout, env=self.environment(), check=False,
        )
        if check:
            assert process.returncode == 0, f"kubectl {' '.join(words)}: {process.stderr}"
        return Result(process)

    @contextlib.contextmanager
    def kubectl_started(self, *words, program=None):
        """A kubectl that goes on until the end of the `with` block; yields its lines as they come."""
        process = subprocess.Popen(
            [*self.enter, "timeout", str(DEADLINE), program or self.kubectl_program, *words],
            stdout=subprocess.PIPE, text=True, env=self.environment())
        try:
            yield iter(process.stdout)
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()

    def apply(self, manifest, **more):
        """Applies a file of examples/ (by name), or a manifest given as text."""
        if "\n" in manifest:
            return self.kubectl("apply", "-f", "-", stdin=manifest, **more)
        return self.kubectl("apply", "-f", str(EXAMPLES / manifest), **more)

    def get(self, *words):
        return json.loads(self.kubectl("get", *words, "-o", "json").out)

    def dig(self, name, rdtype="A", tcp=False, edns=None, timeout=DEADLINE, **more):
        query = dns.message.make_query(name if name.endswith(".") else name + ".", rdtype, **more)
        if edns is not None:
            query.use_edns(0, payload=edns)
        ask = dns.query.tcp if tcp else dns.query.udp
        call = self.host.call if self.host else lambda ask, *words, **named: ask(*words, **named)
        return Answer(call(ask, query, self.dns_host, timeout=timeout, port=self.dns_port))

    def eventually(self, condition, what="condition", deadline=DEADLINE):
        """Waits until `condition()` is true and returns its value; fails at the deadline."""
        end = time.monotonic() + deadline
        while True:
            value = condition()
            if value:
                return value
            assert time.monotonic() < end, f"never: {what}"
            time.sleep(0.02)


def fqdn(name, namespace="default"):
    return f"{name}.{namespace}.svc.cluster.local."


@pytest.fixture(scope="module")
def cluster():
    one = Cluster()
    yield one
    assert one.stop() == 0


@pytest.fixture
def fresh_cluster():
    one = Cluster()
    yield one
    if one.process.returncode is None:
        one.stop()
    shutil.rmtree(one.data_dir, ignore_errors=True)
