# SPDX-License-Identifier: Apache-2.0
"""Part 1: queries a second and server CPU per query, beside an echo and two DNS servers.

Servers take turns within each round and rounds rotate who is first, so that whatever else the machine
does meets all of them alike; medians over the rounds count.

  saturated   one dnsperf thread, 32 ports and 100 outstanding queries a core: batches are full on both
              sides. A lighter load hides cost: the slower server then gets the fuller batches.
  paced       the same rate for all, where latency means something.
"""

import os
import random
import re
import resource
import statistics
import subprocess

import dns.message
import dns.query
import dns.rdatatype

from . import machine
from .servers import CORES, BenchError, cpu_seconds, find_program

QUERIES = 100_000  # in the file, which dnsperf repeats
SAMPLE = 300
COMPLETED = re.compile(r"Queries completed:\s+(\d+)")
SENT = re.compile(r"Queries sent:\s+(\d+)")
RATE = re.compile(r"Queries per second:\s+([\d.]+)")
SIZE = re.compile(r"response (\d+)")
CODES = re.compile(r"(\w+) \d+ \(([\d.]+)%\)")


def dnsperf(server, queries, seconds, *options, output=subprocess.PIPE):
    command = [find_program("dnsperf"), "-s", "127.0.0.1", "-p", str(server.port), "-d", queries,
               "-T", str(CORES), "-c", str(32 * CORES), "-q", str(100 * CORES), "-t", "1",
               "-l", str(seconds), *options]
    done = subprocess.run(command, text=True, check=False, stdout=output, stderr=subprocess.PIPE,
                          timeout=seconds + 60)
    if done.returncode != 0:
        raise BenchError(f"dnsperf failed against {server.name}: {done.stderr}")
    return done.stdout


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(server, queries, seconds, *options):
    """One run: what dnsperf saw and what the server's process spent."""
    busy, own, before = machine.busy_seconds(), children_seconds(), cpu_seconds(server.process.pid)
    text = dnsperf(server, queries, seconds, *options)
    after = cpu_seconds(server.process.pid)
    busy, own = machine.busy_seconds() - busy, children_seconds() - own
    completed = int(COMPLETED.search(text).group(1))
    user, system = after[0] - before[0], after[1] - before[1]
    if completed == 0:
        raise BenchError(f"{server.name} answered nothing:\n{text}")
    return {
        "qps": float(RATE.search(text).group(1)),
        "completed": completed,
        "lost": int(SENT.search(text).group(1)) - completed,
        "answer_bytes": int(SIZE.search(text).group(1)),
        "nxdomain": float(dict(CODES.findall(text)).get("NXDOMAIN", 0)) / 100,
        "user_us": user / completed * 1e6,
        "system_us": system / completed * 1e6,
        "cpu_us": (user + system) / completed * 1e6,
        "others": max(0.0, busy - own - user - system) / (seconds * CORES),
    }


def latencies(server, queries, seconds, scratch, *options):
    """(p50, p99) in µs of every query; a run of its own, because writing them down costs time."""
    with open(scratch, "w+", encoding="ascii") as file:
        dnsperf(server, queries, seconds, "-v", *options, output=file)
        file.seek(0)
        times = sorted(float(line.rsplit(" ", 1)[1]) for line in file if line.startswith("> ")
                       and not line.startswith("> T"))  # timeouts have no time
    os.unlink(scratch)
    if not times:
        raise BenchError(f"{server.name}: no latencies in what dnsperf wrote")
    return percentile(times, 50) * 1e6, percentile(times, 99) * 1e6


def percentile(ordered, part):
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]


def answer_of(server, name, kind):
    reply = dns.query.udp(dns.message.make_query(name, kind, use_edns=False), "127.0.0.1", 2,
                          server.port)
    records = {(rrset.name.to_text().lower(), dns.rdatatype.to_text(rrset.rdtype), rrset.ttl,
                record.to_text().lower())
               for rrset in reply.answer for record in rrset}
    return reply.rcode(), records


def check_same(servers, queries):
    """Every server gives the same answers to a sample, or this comparison means nothing."""
    with open(queries, encoding="ascii") as file:
        lines = file.read().splitlines()
    for line in random.Random(2).sample(lines, min(SAMPLE, len(lines))):
        name, kind = line.split()
        answers = [answer_of(server, name, kind) for server in servers]
        for server, answer in zip(servers[1:], answers[1:]):
            if answer != answers[0]:
                raise BenchError(f"{line}: {servers[0].name} says {answers[0]}, "
                                 f"{server.name} says {answer}")


def median_of(runs):
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def compare(servers, queries, folder, options, say):
    """All rounds; returns {"saturated": {name: figures}, "paced": {…}, "rounds": […]}."""
    check_same([server for server in servers if server.is_dns], queries)
    kinds = {"saturated": (), "paced": ("-Q", str(options.rate))}
    runs = {kind: {server.name: [] for server in servers} for kind in kinds}
    scratch = os.path.join(folder, "latencies")
    for server in servers:
        dnsperf(server, queries, 1)  # fills caches, learns branches
    for number in range(options.rounds):
        turn = number % len(servers)
        for kind, limit in kinds.items():
            for server in servers[turn:] + servers[:turn]:
                figures = measure(server, queries, options.seconds, *limit)
                figures["p50_us"], figures["p99_us"] = latencies(
                    server, queries, max(1, options.seconds // 3), scratch, *limit)
                runs[kind][server.name].append(figures)
                say(f"round {number + 1}/{options.rounds} {kind:<9} {server.name:<9} "
                    f"{figures['qps']:>8.0f} q/s  {figures['cpu_us']:.2f} us/query")
    result = {kind: {name: median_of(done) for name, done in by_server.items()}
              for kind, by_server in runs.items()}
    return {**result, "runs": runs, "versions": {s.name: s.version() for s in servers}}


def ratios(result, own="headlessd"):
    """How `own` compares, each round with the same round of the others: CPU to the echo's and to each
    peer's, the user-space part and queries a second to each peer's."""
    runs = result["runs"]["saturated"]

    def ratio(key, name):
        return statistics.median(mine[key] / max(other[key], 1e-3)
                                 for mine, other in zip(runs[own], runs[name]))

    found = {"cpu / UDP echo": ratio("cpu_us", "UDP echo")}
    for name in runs:
        if name not in (own, "UDP echo"):
            found[f"cpu / {name}"] = ratio("cpu_us", name)
            found[f"user / {name}"] = ratio("user_us", name)
            found[f"queries/s / {name}"] = ratio("qps", name)
    return found
