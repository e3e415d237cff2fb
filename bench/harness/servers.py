# SPDX-License-Identifier: Apache-2.0
"""The servers under test: child processes of ours on loopback ports, with files in one folder.

Each has as many workers as there are cores. Nothing of the system is used: no service is started, no
file outside the folder is read or written. A child dies with us, whatever ends us.
"""

import ctypes
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import time

import dns.exception
import dns.message
import dns.query

from . import cluster

CORES = len(os.sched_getaffinity(0))
TICKS = os.sysconf("SC_CLK_TCK")
PR_SET_PDEATHSIG = 1
START_SECONDS = 120
_libc = ctypes.CDLL(None)


class BenchError(Exception):
    """Something that ends the run: the text says what to do."""


def free_port():
    """A port of 127.0.0.1 that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            try:
                with socket.socket() as tcp:
                    tcp.bind(("127.0.0.1", port))
                    return port
            except OSError:
                continue


def _prepare_child():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def spawn(arguments, **options):
    return subprocess.Popen(arguments, preexec_fn=_prepare_child, stdin=subprocess.DEVNULL,
                            **options)


def end(process, patience=10):
    """Asks a child of ours to end, and makes it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def family(pid):
    """`pid` and all below it."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{task}/children", encoding="ascii") as file:
                    found += [int(child) for child in file.read().split()]
        except FileNotFoundError:
            pass
    return found


def cpu_seconds(pid):
    """(user, system) of `pid` and all below it, so far."""
    user = system = 0
    for one in family(pid):
        with open(f"/proc/{one}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
    return user / TICKS, system / TICKS


def status(pid, field):
    """A number from /proc/PID/status; sizes are KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise KeyError(field)


def voluntary_switches(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith("voluntary_ctxt_switches:"):
                    total += int(line.split()[1])
    return total


class Server:
    """A child process that answers on 127.0.0.1:port."""

    name = ""
    is_dns = True

    def __init__(self, folder):
        self.folder = os.path.join(folder, self.name.replace(" ", "-"))
        os.makedirs(self.folder, exist_ok=True)
        self.port = free_port()
        self.process = None

    def arguments(self):
        raise NotImplementedError

    def version(self):
        return ""

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        return self.path(name)

    def log_end(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-10:])

    def start(self):
        with open(self.path("log"), "ab") as log:
            self.process = spawn(self.arguments(), stdout=log, stderr=log)
        self.wait_for_answer()

    def wait_for_answer(self):
        question = dns.message.make_query(cluster.DOMAIN, "SOA")
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            if self.process.poll() is not None:
                raise BenchError(f"{self.name} ended with {self.process.returncode}:\n"
                                 + self.log_end())
            try:
                answer = dns.query.udp(question, "127.0.0.1", 0.2, self.port, raise_on_truncation=False,
                                       ignore_unexpected=True)
                if answer.rcode() == 0 and (answer.answer or not self.is_dns):
                    return
            except (dns.exception.DNSException, OSError):
                time.sleep(0.02)
        raise BenchError(f"{self.name} does not answer:\n" + self.log_end())

    def stop(self):
        if self.process is not None:
            end(self.process)

    def cpu(self):
        return cpu_seconds(self.process.pid)


class Echo(Server):
    name = "UDP echo"
    is_dns = False

    def __init__(self, folder, build):
        super().__init__(folder)
        self.program = os.path.join(build, "bench/bench-echo")

    def arguments(self):
        return [self.program, str(self.port), str(CORES)]


class Knot(Server):
    name = "Knot DNS"

    def __init__(self, folder, zone_file):
        super().__init__(folder)
        self.zone_file = zone_file

    def version(self):
        return program_version(["knotd", "--version"])

    def arguments(self):
        config = self.write("knot.conf", f"""\
server:
    rundir: {self.folder}
    listen: 127.0.0.1@{self.port}
    udp-workers: {CORES}
    tcp-workers: 1
    background-workers: 1
database:
    storage: {self.folder}
log:
  - target: stderr
    any: warning
zone:
  - domain: {cluster.DOMAIN}
    file: {self.zone_file}
    zonefile-sync: -1
    journal-content: none
""")
        return [find_program("knotd"), "-c", config]


class Nsd(Server):
    name = "NSD"

    def __init__(self, folder, zone_file):
        super().__init__(folder)
        self.zone_file = zone_file

    def version(self):
        return program_version(["nsd", "-v"])

    def arguments(self):
        # Debian's default of 200 answers a second and address (RRL) would measure just that. Name
        # servers in the authority section of every answer would make it do more than the others.
        config = self.write("nsd.conf", f"""\
server:
    server-count: {CORES}
    ip-address: 127.0.0.1@{self.port}
    reuseport: yes
    username: ""
    chroot: ""
    zonesdir: "{self.folder}"
    database: ""
    pidfile: "{self.path('pid')}"
    xfrdfile: "{self.path('xfrd')}"
    xfrdir: "{self.folder}"
    zonelistfile: "{self.path('zones')}"
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
    minimal-responses: yes
remote-control:
    control-enable: no
zone:
    name: {cluster.DOMAIN}
    zonefile: {self.zone_file}
""")
        return [find_program("nsd"), "-d", "-c", config]


class Headlessd(Server):
    name = "headlessd"

    def __init__(self, folder, build, data_dir=None, options=()):
        super().__init__(folder)
        self.program = os.path.join(build, "headlessd")
        self.data_dir = data_dir or self.path("data")
        self.options = list(options)
        self.ready = {}

    def version(self):
        return program_version([self.program, "version"])

    def arguments(self):
        return [self.program, "standalone", "--data-dir", self.data_dir,
                "--api-listen", "127.0.0.1:0", "--dns-listen", f"127.0.0.1:{self.port}",
                "--metrics-listen", "127.0.0.1:0", "--dns-workers", str(CORES),
                "--node", "none", *self.options]

    def start(self):
        self.launch()
        self.wait_for_ready()
        self.wait_for_answer()

    def launch(self):
        with open(self.path("log"), "ab") as log:
            self.process = spawn(self.arguments(), stdout=subprocess.PIPE, stderr=log)

    def wait_for_ready(self):
        """Reads the line that says so: "ready api=… dns=… metrics=… kubeconfig=…"."""
        out, text, limit = self.process.stdout, b"", time.monotonic() + START_SECONDS
        while b"\n" not in text:
            if not select.select([out], [], [], max(0, limit - time.monotonic()))[0]:
                raise BenchError("headlessd did not get ready:\n" + self.log_end())
            part = os.read(out.fileno(), 4096)
            if not part:
                raise BenchError("headlessd ended before it was ready:\n" + self.log_end())
            text += part
        self.ready = dict(word.split("=", 1) for word in text.decode().split()[1:])

    def metric(self, name):
        """A value without labels from /metrics, or None."""
        host, port = self.ready["metrics"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), 10) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: bench\r\n\r\n")
            text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None


def find_program(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchError(f"{name} is not installed: run tools/setup --bench")
    return found


def program_version(arguments):
    done = subprocess.run([find_program(arguments[0]), *arguments[1:]], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.splitlines()[0].strip() if done.stdout else ""
