# SPDX-License-Identifier: Apache-2.0
"""Runs the C programs that talk to headlessd's API, and loads a cluster into it with them."""

import base64
import json
import os
import subprocess

import yaml

from .servers import BenchError, spawn

CLIENTS = 16  # connections that fill a cluster in
TIMEOUT = 600


def credentials(server):
    """A folder with ca.crt, client.crt and client.key out of the server's kubeconfig."""
    with open(server.ready["kubeconfig"], encoding="utf-8") as file:
        config = yaml.safe_load(file)
    user, cluster = config["users"][0]["user"], config["clusters"][0]["cluster"]
    folder = server.path("credentials")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for name, text in (("ca.crt", cluster["certificate-authority-data"]),
                       ("client.crt", user["client-certificate-data"]),
                       ("client.key", user["client-key-data"])):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(base64.b64decode(text))
    return folder


def _output(build, program, *arguments):
    """What bench-PROGRAM prints; it is not left behind."""
    command = [os.path.join(build, "bench", f"bench-{program}"), *map(str, arguments)]
    process = spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, errors = process.communicate(timeout=TIMEOUT)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise BenchError(f"bench-{program}: {errors.strip()}")
    return out


def lines(build, program, *arguments):
    return _output(build, program, *arguments).splitlines()


def run(server, build, program, *arguments):
    """Runs bench-PROGRAM against the server's API; returns the JSON it prints."""
    try:
        return json.loads(_output(build, program, credentials(server), server.ready["api"],
                                  *arguments))
    except BenchError as error:
        raise BenchError(f"{error}\n{server.log_end()}") from error


def load(server, build, cluster):
    """Creates everything of `cluster` through the API. Returns what bench-api says of it."""
    namespaces, objects = server.path("namespaces"), server.path("objects")
    cluster.write_namespaces(namespaces)
    cluster.write_objects(objects)
    run(server, build, "api", "send", namespaces, 1)
    return run(server, build, "api", "send", objects, CLIENTS)
