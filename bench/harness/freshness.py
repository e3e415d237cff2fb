# SPDX-License-Identifier: Apache-2.0
"""Part 2: from the API's acknowledgement of a change to the first DNS answer that has it."""

import random

from . import client

SEED = 3


def write_changes(path, services, count, name_of):
    """Lines for bench-fresh: a slice, one of its endpoints, and the name to ask for."""
    chance = random.Random(SEED)
    with open(path, "w", encoding="ascii") as out:
        for _ in range(count):
            service = chance.choice(services)
            number = chance.randrange(service.slice_count())
            index = chance.randrange(len(service.slice(number)["endpoints"]))
            out.write(f"{service.slice_path(number)}\t{index}\t"
                      f"{name_of(service, number, index)}\n")


def measure(server, build, cluster, changes, say):
    """`cluster` is loaded; its last Service is the large one."""
    result = {}
    path = server.path("changes")
    for title, services, name_of in (
            ("one of many Services", cluster.services[:-1], lambda s, n, i: s.domain),
            ("the large Service", cluster.services[-1:], lambda s, n, i: s.endpoint_in(n, i))):
        write_changes(path, services, changes, name_of)
        say(f"{changes} changes of {title}")
        result[title] = client.run(server, build, "fresh", server.port, path)
        result[title]["endpoints"] = services[0].size
    return result
