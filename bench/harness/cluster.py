# SPDX-License-Identifier: Apache-2.0
"""A made-up cluster: headless Services and their endpoints, and the questions asked about them.

One list of services is the source of everything: the objects for the API, the zone file for the
other servers, the queries. Every server therefore has the same records.
"""

import json
import random

DOMAIN = "cluster.local"
TTL = 5
PORT = 5432
SERVICES_IN_NAMESPACE = 100
ENDPOINTS_IN_SLICE = 100  # what the controllers of Kubernetes put into one
MIX = {"service": 60, "endpoint": 20, "srv": 10, "absent": 10}
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"


def address(number):
    """The `number`-th address of 10.0.0.0/8, from 10.0.0.1 on."""
    number += 1
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class Service:
    """A headless Service as a StatefulSet would have it: each pod has a hostname."""

    def __init__(self, number, size, first):
        self.namespace = f"team-{number // SERVICES_IN_NAMESPACE}"
        self.name = f"db-{number}"
        self.size = size
        self.first = first  # the number of its first address

    @property
    def domain(self):
        return f"{self.name}.{self.namespace}.svc.{DOMAIN}"

    def hostname(self, i):
        return f"{self.name}-{i}"

    def endpoint(self, i):
        return f"{self.hostname(i)}.{self.domain}"

    def endpoint_in(self, number, index):
        """The name of the `index`-th endpoint of slice `number`."""
        return self.endpoint(number * ENDPOINTS_IN_SLICE + index)

    @property
    def srv(self):
        return f"_sql._tcp.{self.domain}"

    def object(self):
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {"clusterIP": "None", "ports": [{"name": "sql", "port": PORT}]},
        }

    def slice_count(self):
        return (self.size + ENDPOINTS_IN_SLICE - 1) // ENDPOINTS_IN_SLICE

    def slice_path(self, number):
        return SLICES.format(self.namespace) + f"/{self.name}-{number}"

    def slice(self, number):
        first = number * ENDPOINTS_IN_SLICE
        endpoints = [
            {
                "addresses": [address(self.first + i)],
                "hostname": self.hostname(i),
                "conditions": {"ready": True, "serving": True, "terminating": False},
            }
            for i in range(first, min(self.size, first + ENDPOINTS_IN_SLICE))
        ]
        return {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{self.name}-{number}",
                "namespace": self.namespace,
                "labels": {"kubernetes.io/service-name": self.name},
            },
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": "sql", "port": PORT, "protocol": "TCP"}],
        }


class Cluster:
    def __init__(self, services, endpoints, large=0):
        """`endpoints` are spread evenly; `large` is the size of one more Service, or 0."""
        self.services = []
        first = 0
        sizes = [(n + 1) * endpoints // services - n * endpoints // services
                 for n in range(services)]
        for number, size in enumerate(sizes + [large] * (large > 0)):
            self.services.append(Service(number, size, first))
            first += size
        self.endpoints = first

    @property
    def namespaces(self):
        return sorted({service.namespace for service in self.services})

    def write_namespaces(self, path):
        """Requests for bench-api: METHOD, path and body a line, tabs between."""
        with open(path, "w", encoding="ascii") as out:
            for name in self.namespaces:
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                write_request(out, "POST", "/api/v1/namespaces", body)

    def write_objects(self, path):
        with open(path, "w", encoding="ascii") as out:
            for service in self.services:
                write_request(out, "POST", f"/api/v1/namespaces/{service.namespace}/services",
                              service.object())
                for number in range(service.slice_count()):
                    write_request(out, "POST", SLICES.format(service.namespace),
                                  service.slice(number))

    def write_zone(self, path):
        with open(path, "w", encoding="ascii") as out:
            out.write(f"$ORIGIN {DOMAIN}.\n$TTL {TTL}\n"
                      f"@ SOA ns.dns hostmaster 1 7200 1800 86400 {TTL}\n"
                      "@ NS ns.dns\nns.dns A 127.0.0.1\n")
            for service in self.services:
                weight = max(1, 100 // service.size)
                for i in range(service.size):
                    where = address(service.first + i)
                    out.write(f"{service.domain}. A {where}\n{service.endpoint(i)}. A {where}\n"
                              f"{service.srv}. SRV 0 {weight} {PORT} {service.endpoint(i)}.\n")

    def write_queries(self, path, count, seed=1):
        """The mix, in an order that is random but always the same; lines for dnsperf."""
        chance = random.Random(seed)
        kinds = [kind for kind, part in MIX.items() for _ in range(part)]
        with open(path, "w", encoding="ascii") as out:
            for _ in range(count):
                out.write(self._query(chance, chance.choice(kinds)) + "\n")

    def _query(self, chance, kind):
        service = chance.choice(self.services)
        if kind == "service":
            return f"{service.domain} A"
        if kind == "endpoint":
            return f"{service.endpoint(chance.randrange(service.size))} A"
        if kind == "srv":
            return f"{service.srv} SRV"
        # Half of what is absent is a pod that is not there (yet), half what search paths make.
        if chance.randrange(2):
            return f"{service.endpoint(service.size + chance.randrange(10))} A"
        return f"www{chance.randrange(1000)}.example.com.{service.namespace}.svc.{DOMAIN} A"


def write_request(out, method, path, body):
    out.write(f"{method}\t{path}\t{json.dumps(body, separators=(',', ':'))}\n")
