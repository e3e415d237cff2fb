# SPDX-License-Identifier: Apache-2.0
"""Pods of a machine without a runtime: network namespaces on a bridge, each with a server that says who
it is and who asks."""

import json
import time

SERVER = """
import socket, sys, threading
name, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6
def text(peer):
    return f"{name} {peer[0].removeprefix('::ffff:')}".encode()
def tcp():
    listener = socket.create_server(("::", port), family=family, dualstack_ipv6=True)
    listening.set()
    while True:
        client, peer = listener.accept()
        client.sendall(text(peer))
        client.close()
listening = threading.Event()
threading.Thread(target=tcp, daemon=True).start()
listening.wait()
udp = socket.socket(family, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
udp.bind(("::", port))
print("listening", flush=True)
while True:
    data, peer = udp.recvfrom(100)
    udp.sendto(text(peer), peer)
"""

CLIENT = """
import socket, sys
kind, address, port, source, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
for _ in range(count):
    with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as one:
        one.settimeout(5)
        if source:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("", source))
        try:
            one.connect((address, port))
            if kind == "udp":
                one.send(b"?")
            print(one.recv(100).decode(), flush=True)
        except OSError as error:
            print(type(error).__name__, flush=True)
"""


class Pods:
    """The pod network of one Host: 10.244.N.0/24 on a bridge."""

    def __init__(self, host, number=0):
        self.host = host
        self.number = number
        self.servers = []
        host.run("ip", "link", "add", "pods0", "type", "bridge")
        host.run("ip", "address", "add", f"10.244.{number}.1/24", "dev", "pods0")
        host.run("ip", "address", "add", f"fd00:10:{number}::1/64", "dev", "pods0", "nodad")
        host.run("ip", "link", "set", "pods0", "up")

    def add(self, name, last, port=8080):
        run = self.host.run
        run("ip", "netns", "add", name)
        run("ip", "link", "add", f"v{last}", "type", "veth", "peer", "name", "eth0", "netns", name)
        # The pod that asks may be the one that answers.
        run("ip", "link", "set", f"v{last}", "master", "pods0", "up")
        run("ip", "link", "set", f"v{last}", "type", "bridge_slave", "hairpin", "on")
        for words in (["link", "set", "lo", "up"], ["link", "set", "eth0", "up"],
                      ["address", "add", f"10.244.{self.number}.{last}/24", "dev", "eth0"],
                      ["address", "add", f"fd00:10:{self.number}::{last}/64", "dev", "eth0", "nodad"],
                      ["route", "add", "default", "via", f"10.244.{self.number}.1"],
                      ["-6", "route", "add", "default", "via", f"fd00:10:{self.number}::1"]):
            run("ip", "-n", name, *words)
        server = self.host.popen("ip", "netns", "exec", name, "/usr/bin/python3", "-c", SERVER, name,
                                 str(port), stdout=-1, text=True)
        assert server.stdout.readline() == "listening\n"
        self.servers.append(server)
        return f"10.244.{self.number}.{last}"

    def ask(self, where, address, port, kind="tcp", source=0, count=1):
        """What a client in namespace `where` (None: the machine itself) hears, a line a connection."""
        before = ["ip", "netns", "exec", where] if where else []
        process = self.host.run(*before, "/usr/bin/python3", "-c", CLIENT, kind, address, str(port),
                                str(source), str(count))
        return process.stdout.split("\n")[:-1]

    def until(self, expected, *words, deadline=60, **named):
        """Asks until `expected(lines)` holds."""
        end = time.monotonic() + deadline
        while True:
            lines = self.ask(*words, **named)
            if expected(lines):
                return lines
            assert time.monotonic() < end, f"{words} still gets {lines}"


def service(name, address, port=80, protocol="TCP", target=8080, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"clusterIP": address,
                     "ports": [{"port": port, "protocol": protocol, "targetPort": target,
                                **spec.pop("more", {})}], **spec}}


def endpoints(name, *addresses, protocol="TCP", target=8080, node="node01", **conditions):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv6" if addresses and ":" in addresses[0] else "IPv4",
            "ports": [{"port": target, "protocol": protocol}],
            "endpoints": [{"addresses": [address], "nodeName": node,
                           "conditions": {"ready": True, **conditions}} for address in addresses]}


def apply(cluster, *objects):
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    cluster.kubectl("apply", "-f", "-", stdin=text)
