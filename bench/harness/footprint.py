# SPDX-License-Identifier: Apache-2.0
"""Part 3: memory, starting, and what an idle server does."""

import re
import socket
import statistics
import threading
import time

import dns.exception
import dns.message

from . import client
from . import cluster as clusters
from .servers import START_SECONDS, BenchError, Headlessd, cpu_seconds, status, voluntary_switches

SETTLE = 3  # seconds, before memory is looked at
POLL = 0.001
STARTS = 5


class Asker(threading.Thread):
    """Asks for the addresses of `name` from now on; `when` is the time of the first right answer."""

    def __init__(self, port, name, addresses):
        super().__init__(daemon=True)
        self.port = port
        self.question = dns.message.make_query(name, "A", use_edns=False).to_wire()
        self.addresses = addresses
        self.when = None

    def is_right(self, packet):
        reply = dns.message.from_wire(packet)
        return sum(len(rrset) for rrset in reply.answer) == self.addresses

    def run(self):
        limit = time.monotonic() + START_SECONDS
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.connect(("127.0.0.1", self.port))
            asker.settimeout(0.1)
            while self.when is None and time.monotonic() < limit:
                try:
                    asker.send(self.question)
                    packet = asker.recv(4096)
                    now = time.monotonic()
                    if self.is_right(packet):
                        self.when = now
                        return
                except (OSError, dns.exception.DNSException):
                    pass  # not there yet
                time.sleep(POLL)


def start_timed(server, name, addresses):
    """Seconds from starting the process to the first right DNS answer and to `ready`."""
    asker = Asker(server.port, name, addresses)
    asker.start()
    begin = time.monotonic()
    server.launch()
    server.wait_for_ready()
    ready = time.monotonic() - begin
    asker.join()
    if asker.when is None:
        raise BenchError(f"no DNS answer for {name} after the start:\n" + server.log_end())
    return asker.when - begin, ready


def empty(folder, build, idle_seconds, say):
    """An empty server: starting, resting."""
    server = Headlessd(folder + "/empty", build)
    answers, readies = [], []
    name = f"ns.dns.{clusters.DOMAIN}"
    say(f"an empty server: {STARTS} starts, {idle_seconds} s of rest")
    try:
        for _ in range(STARTS):
            server.stop()
            answered, ready = start_timed(server, name, 1)
            answers.append(answered)
            readies.append(ready)
        pid = server.process.pid
        time.sleep(SETTLE)
        switches, cpu = voluntary_switches(pid), sum(cpu_seconds(pid))
        time.sleep(idle_seconds)
        return {
            "first_start_ready_ms": readies[0] * 1e3,
            "start_ready_ms": statistics.median(readies[1:]) * 1e3,
            "start_answer_ms": statistics.median(answers[1:]) * 1e3,
            "resident_kib": status(pid, "VmRSS"),
            "wakeups": voluntary_switches(pid) - switches,
            "idle_seconds": idle_seconds,
            "idle_cpu_ms": (sum(cpu_seconds(pid)) - cpu) * 1e3,
        }
    finally:
        server.stop()


def full(server, cluster, empty_kib, say):
    """`server` holds `cluster`; restarts it, which reads everything again."""
    service = cluster.services[len(cluster.services) // 2]
    time.sleep(SETTLE)
    pid = server.process.pid
    loaded = {"resident_kib": status(pid, "VmRSS"), "peak_kib": status(pid, "VmHWM")}
    say("starting with a full store")
    server.stop()
    answered, ready = start_timed(server, service.domain, service.size)
    time.sleep(SETTLE)
    pid = server.process.pid
    steady = status(pid, "VmRSS")
    return {
        "services": len(cluster.services),
        "endpoints": cluster.endpoints,
        "loaded": loaded,
        "start_answer_s": answered,
        "start_ready_s": ready,
        "resident_kib": steady,
        "peak_kib": status(pid, "VmHWM"),
        "bytes_per_endpoint": (steady - empty_kib) * 1024 / cluster.endpoints,
    }


def zone(build, services, endpoints, large):
    """The zone alone, fed in a program of its own: its size in MB and what it says of changes."""
    said = client.lines(build, "zone", services, endpoints, large)
    sizes = re.findall(r"^heap ([\d.]+) MB", "\n".join(said), re.M)
    return {"zone_mb": float(sizes[-1]), "zone": [line for line in said if ":" in line]}
