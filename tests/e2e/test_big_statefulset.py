# SPDX-License-Identifier: Apache-2.0
"""A large StatefulSet comes, rolls, shrinks, grows and goes while clients ask for every pod's name.

Two things must hold for each of their answers, however busy the machine is:

* what the API has told about a name before the question was sent, the answer knows (or later news),
  and no client is ever told an older state than before;
* a name goes only because its pod does: the API told that the pod ends, or is not ready, before it
  told that the endpoint is gone.

HEADLESSD_BIG=5000 asks for that many pods. Times are printed (pytest -s) and never judged."""

import bisect
import ipaddress
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from api import Api, Watch
from asker import RECORD, Asker, question
from conftest import ROOT, Cluster, fqdn

BIG = int(os.environ.get("HEADLESSD_BIG", "500"))
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
PODS = "/api/v1/namespaces/default/pods"
DEADLINE = 60 + BIG / 5
ROLLED = 5

MANIFEST = """
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec:
  clusterIP: None
  selector: {app: NAME}
  ports: [{name: peer, port: 7000}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: NAME}
spec:
  serviceName: NAME
  podManagementPolicy: POLICY
  replicas: COUNT
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: one, image: one}]}
"""

# By hand, with no selector: whoever writes it is told by the API's own answer, not by a watch.
CANARY = """
apiVersion: v1
kind: Service
metadata: {name: canary}
spec:
  clusterIP: None
  ports: [{name: peer, port: 7000}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: canary, labels: {kubernetes.io/service-name: canary}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1], hostname: bird}]
ports: [{name: peer, port: 7000}]
"""


class Name:
    """What the API told about one pod's name, in order. `times[i]`: when it told `states[i]`, an
    address or 0."""

    def __init__(self):
        self.times, self.states, self.revisions = [0], [0], [0]
        self.pods = [(0, None)]  # (revision, address or None: not ready), what the pod was

    def note(self, state, revision):
        self.times.append(time.monotonic_ns())
        self.states.append(state)
        self.revisions.append(revision)


class World:
    """What the API tells about one StatefulSet and its Service, and what the clients were told."""

    def __init__(self, cluster, name, count):
        self.cluster, self.name, self.count = cluster, name, count
        self.names = [Name() for _ in range(count)]
        self.slices = {}
        self.ready, self.born, self.expected = 0, 0, 0
        self.changed = threading.Condition()
        self.told = []  # records of the questions that followed on news
        self.lags = []
        self.pod_ready = {}
        self.pattern = fqdn(f"{name}-%d.{name}")
        self.address = (cluster.dns_host, cluster.dns_port)
        self.questions = [question(self.pattern % i) for i in range(count)]
        self.asker = Asker(self.address, lambda number, answer, sent, received: self.told.append(
            (number, *answer, sent, received)))
        self.api = api = Api(cluster)
        self.watches = [
            Watch(api, f"{SLICES}?watch=1&labelSelector=kubernetes.io/service-name={name}",
                  self.take_slice),
            Watch(api, f"{PODS}?watch=1&labelSelector=app={name}", self.take_pod),
        ]
        self.log = f"{cluster.data_dir}/{name}.log"
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/e2e/asker.py"), self.address[0],
             str(self.address[1]), str(count), self.pattern, self.log], stdin=subprocess.PIPE)

    def ordinal(self, pod):
        return int(pod.rsplit("-", 1)[1])

    def take_slice(self, event):
        item = event["object"]
        revision = int(item["metadata"]["resourceVersion"])
        old = self.slices.get(item["metadata"]["name"], {})
        new = {} if event["type"] == "DELETED" else {
            self.ordinal(endpoint["hostname"]): int(ipaddress.ip_address(endpoint["addresses"][0]))
            for endpoint in item.get("endpoints") or [] if endpoint["conditions"]["ready"]}
        self.slices[item["metadata"]["name"]] = new
        changed = [i for i in old.keys() | new.keys() if old.get(i) != new.get(i)]
        for i in changed:
            self.names[i].note(new.get(i, 0), revision)
            since = self.pod_ready.pop((i, new.get(i)), None)
            if since is not None:
                self.lags.append(time.monotonic_ns() - since)
        # The very next question.
        self.asker.ask([(i, self.questions[i]) for i in changed])
        with self.changed:
            self.ready += len(new) - len(old)
            self.born += len([i for i in changed if i in new])
            self.changed.notify_all()

    def take_pod(self, event):
        meta, status = event["object"]["metadata"], event["object"]["status"]
        ready = event["type"] != "DELETED" and "deletionTimestamp" not in meta and any(
            c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
        i = self.ordinal(meta["name"])
        address = int(ipaddress.ip_address(status["podIP"])) if ready else None
        if ready and self.names[i].pods[-1][1] is None:
            self.pod_ready[i, address] = time.monotonic_ns()
        self.names[i].pods.append((int(meta["resourceVersion"]), address))

    def wait(self, count, what, born=0):
        """Until the API tells that `count` endpoints are ready, `born` more since the last time;
        meanwhile the canary sings."""
        self.expected += born
        end = time.monotonic() + DEADLINE
        begin = time.monotonic()
        while self.ready != count or self.born < self.expected:
            assert time.monotonic() < end, f"{what}: {self.ready} of {count}"
            for watch in self.watches:
                assert watch.failure is None, watch.failure
            with self.changed:
                self.changed.wait(0.02)
            self.cluster.canary.sing()
        print(f"  {what}: {time.monotonic() - begin:.1f} s")

    def pods_are_told(self):
        """The watch of pods has told what the watch of slices, a thread of its own, has."""
        end = time.monotonic() + DEADLINE
        while any(name.pods[-1][1] is not None for name in self.names):
            assert time.monotonic() < end, "pods that are gone are still said to be ready"
            time.sleep(0.02)

    def close(self):
        self.pods_are_told()
        self.process.communicate()
        assert self.process.returncode == 0
        for watch in self.watches:
            watch.close()

    def judge(self):
        with open(self.log, "rb") as file:
            asked = list(RECORD.iter_unpack(file.read()))
        for records in asked, self.told:
            seen = [0] * self.count
            for record in records:
                self.judge_answer(record, seen)
        for i, name in enumerate(self.names):
            self.judge_name(i, name)
        return asked

    def judge_answer(self, record, seen):
        number, rcode, addresses, address, sent, received = record
        if received == 0:
            return
        name = self.names[number]
        assert (rcode, addresses) in ((0, 1), (3, 0)), f"{number}: {record}"
        known = bisect.bisect_right(name.times, sent) - 1
        at = max(known, seen[number])
        while at < len(name.states) and name.states[at] != address:
            at += 1
        assert at < len(name.states), (
            f"{self.pattern % number} was {ipaddress.ip_address(address)} (RCODE {rcode}), "
            f"{(sent - name.times[known]) / 1e6:.3f} ms after the API told "
            f"{ipaddress.ip_address(name.states[known])}; told before: state {seen[number]} of "
            f"{list(map(str, map(ipaddress.ip_address, name.states)))}, known: {known}")
        seen[number] = at

    def judge_name(self, i, name):
        for state, after, revision in zip(name.states, name.states[1:], name.revisions[1:]):
            if state in (0, after):
                continue
            last = [address for told, address in name.pods if told < revision][-1]
            assert last != state, (
                f"{self.pattern % i}: revision {revision} took {ipaddress.ip_address(state)} away "
                f"from a pod that was ready")


class Canary:
    """Writes a slice, and asks when the API has answered."""

    def __init__(self, cluster):
        cluster.apply(CANARY)
        self.api, self.songs = Api(cluster), 0
        self.heard = None
        self.asker = Asker((cluster.dns_host, cluster.dns_port), self.hear)
        self.question = question(fqdn("bird.canary"))
        self.slice = self.api.get(f"{SLICES}/canary")[1]

    def hear(self, number, answer, sent, received):
        self.heard = answer if received else None

    def sing(self):
        ready = self.songs % 2 == 1
        address = int(ipaddress.ip_address("192.0.2.1")) + self.songs % 100
        self.slice["endpoints"][0].update(
            addresses=[str(ipaddress.ip_address(address))], conditions={"ready": ready})
        status, self.slice = self.api.ask("PUT", f"{SLICES}/canary", self.slice)
        assert status == 200, self.slice
        self.asker.ask([(0, self.question)])
        if self.heard is not None:  # lost: UDP
            assert self.heard == ((0, 1, address) if ready else (3, 0, 0))
        self.songs += 1


@pytest.fixture(scope="module")
def big_cluster():
    # A simulated node takes 110 pods.
    one = Cluster("--simulated-nodes", str(BIG // 100 + 2))
    one.canary = Canary(one)
    yield one
    assert one.stop() == 0


def manifest(name, policy, count):
    return MANIFEST.replace("NAME", name).replace("POLICY", policy).replace("COUNT", str(count))


def report(world, asked):
    took = sorted(r[5] - r[4] for r in asked if r[5])
    lost = len(asked) - len(took)
    lags = sorted(world.lags)
    print(f"  {len(asked)} questions all the time ({lost} lost), "
          f"p50 {took[len(took) // 2] / 1e6:.2f} ms, p99 {took[len(took) * 99 // 100] / 1e6:.2f} ms;"
          f" {len(world.told)} right after news; {world.cluster.canary.songs} after own writes")
    print(f"  from a pod's readiness to its endpoint, as watchers see it: "
          f"p50 {lags[len(lags) // 2] / 1e6:.1f} ms, p99 {lags[len(lags) * 99 // 100] / 1e6:.1f} ms")


def lead_a_life(cluster, name, policy, count, rest):
    print(f"\n{name}: {policy}, {count} pods")
    world = World(cluster, name, count)
    cluster.apply(manifest(name, policy, count))
    world.wait(count, "all are ready", born=count)
    # One by one, and a pod takes a second to stop: the last ones are enough.
    cluster.kubectl("patch", f"statefulset/{name}", "-p", json.dumps(
        {"spec": {"updateStrategy": {"rollingUpdate": {"partition": count - ROLLED}}}}))
    cluster.kubectl("rollout", "restart", f"statefulset/{name}")
    world.wait(count, f"after a rolling restart of {ROLLED}", born=ROLLED)
    cluster.kubectl("scale", f"statefulset/{name}", f"--replicas={rest}")
    world.wait(rest, f"scaled down to {rest}")
    cluster.kubectl("scale", f"statefulset/{name}", f"--replicas={count}")
    world.wait(count, "scaled up again", born=count - rest)
    status, _ = world.api.ask("DELETE", f"{PODS}?labelSelector=app={name}")
    assert status == 200
    world.wait(count, "all pods deleted and made again", born=count)
    cluster.kubectl("delete", f"statefulset/{name}")
    world.wait(0, "deleted")
    world.close()
    asked = world.judge()
    # Each ordinal had two pods at least, and the clients have seen them.
    assert all(len(set(n.states)) >= 3 for n in world.names)
    assert len(asked) >= count and any(record[2] for record in asked)
    report(world, asked)


def test_no_name_is_absent_or_stale_while_many_pods_come_and_go_at_once(big_cluster):
    lead_a_life(big_cluster, "big", "Parallel", BIG, BIG // 3)


def test_nor_while_they_come_and_go_one_by_one(big_cluster):
    lead_a_life(big_cluster, "few", "OrderedReady", 10, 7)
