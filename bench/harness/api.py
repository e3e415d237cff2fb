# SPDX-License-Identifier: Apache-2.0
"""Part 4: the API and its store: durable creates, a long list, many watchers."""

import re
import statistics

from . import client
from .cluster import write_request

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
LISTED = 10_000
WATCHERS = 1000


def config_map(name):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
            "data": {"text": "x" * 500}}


def pod(name):
    """A pod that nobody schedules, so that a list is all there is to do."""
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": "db", "tier": "bench"}},
            "spec": {"schedulerName": "nobody",
                     "containers": [{"name": "db", "image": "postgres:16",
                                     "ports": [{"name": "sql", "containerPort": 5432}]}]}}


def create(server, build, path, make, name, count, clients):
    """Creates `count` objects; returns how many a second."""
    requests = server.path("requests")
    with open(requests, "w", encoding="ascii") as out:
        for i in range(count):
            write_request(out, "POST", path, make(f"{name}-{i}"))
    done = client.run(server, build, "api", "send", requests, clients)
    return count / done["seconds"], done["us"]


def measure(server, build, options, say):
    alone, together = [], []
    for number in range(options.rounds):
        say(f"durable creates, round {number + 1}/{options.rounds}")
        alone.append(create(server, build, CONFIG_MAPS, config_map, f"alone-{number}",
                            options.creates // 20, 1)[0])
        together.append(create(server, build, CONFIG_MAPS, config_map, f"together-{number}",
                               options.creates, 64)[0])
    say(f"a list of {LISTED} pods")
    create(server, build, PODS, pod, "db", LISTED, 16)
    listed = client.run(server, build, "api", "get", PODS, 20)
    say(f"one event to {WATCHERS} watchers")
    fanout = client.run(server, build, "fanout", WATCHERS, options.events)
    say("store and hub without the API")
    store = client.lines(build, "store", server.folder)
    return {
        "creates_alone": statistics.median(alone),
        "creates_together": statistics.median(together),
        "listed": LISTED,
        "list_ms": {key: value / 1e3 for key, value in listed["us"].items()},
        "list_bytes": listed["bytes"],
        "fanout": fanout,
        "store": store,
        "sync_us": float(re.search(r"fdatasync.*: (\d+) us", "\n".join(store)).group(1)),
    }
