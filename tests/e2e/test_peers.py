# SPDX-License-Identifier: Apache-2.0
"""The blocking peer lookup: who waits for a set is answered when it is complete, or changes."""

import contextlib
import http.client
import json
import re
import threading
import urllib.request

import pytest

from api import Api
from conftest import DEADLINE, Cluster, fqdn

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: NAME}
spec:
  clusterIP: None
  selector: {app: NAME}
  ports: [{name: http, port: 80}]
"""
STATEFUL_SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: NAME}
spec:
  serviceName: NAME
  replicas: 3
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}}
    spec: {containers: [{name: one, image: one}]}
"""


class Peers(Api):
    def events(self, target, **headers):
        """A stream, as it comes: (name of the event, id, data as JSON)."""
        connection, response = self.open(target, Accept="text/event-stream", **headers)
        with contextlib.closing(connection):
            assert response.status == 200
            assert response.headers["Content-Type"] == "text/event-stream"
            fields = {}
            for line in response:
                key, _, value = line.decode().rstrip("\n").partition(":")
                if key:
                    fields[key] = value.strip()
                elif fields:
                    if "data" in fields:
                        yield (fields.get("event", "message"), fields.get("id"),
                               json.loads(fields["data"]))
                    fields = {}


class Asked(threading.Thread):
    """A question that is still open."""

    def __init__(self, api, target):
        super().__init__(daemon=True)
        self.api, self.target, self.status, self.answer = api, target, None, None
        self.start()

    def run(self):
        self.status, self.answer = self.api.get(self.target)

    def result(self):
        self.join(DEADLINE)
        assert not self.is_alive(), f"{self.target} was never answered"
        return self.status, self.answer


def waiting(cluster):
    url = f"http://{cluster.ready['metrics']}/metrics"
    with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
        text = answer.read().decode()
    return int(re.search(r"^headlessd_peers_waiting (\d+)$", text, re.M).group(1))


def names(answer):
    return [peer["name"] for peer in answer["peers"]]


def make(cluster, name, *manifests):
    cluster.apply("\n---".join(manifests).replace("NAME", name))


@pytest.fixture(scope="module")
def api(cluster):
    return Peers(cluster)


def test_whoever_waits_is_answered_when_all_replicas_are_ready(cluster, api):
    asked = Asked(api, "/peers/default/whole?wait=complete&timeout=1m")
    cluster.eventually(lambda: waiting(cluster) == 1, "the question is open")
    make(cluster, "whole", SERVICE)
    assert asked.status is None
    make(cluster, "whole", STATEFUL_SET)
    status, answer = asked.result()
    # DNS has them all by now, without a second look.
    dns = cluster.dig(fqdn("whole")).set
    assert status == 200
    assert answer["complete"] is True
    assert (answer["ready"], answer["wanted"]) == (3, 3)
    assert names(answer) == ["whole-0", "whole-1", "whole-2"]
    assert dns == {address for peer in answer["peers"] for address in peer["addresses"]}
    for ordinal, peer in enumerate(answer["peers"]):
        assert peer["ordinal"] == ordinal
        assert peer["fqdn"] + "." == fqdn(f"whole-{ordinal}.whole")
        assert cluster.dig(peer["fqdn"]).records == peer["addresses"]
        assert peer["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]
        assert peer["node"] in ("node01", "node02")
    cluster.eventually(lambda: waiting(cluster) == 0, "nobody waits any more")


def test_a_change_is_told_to_whoever_has_seen_the_serial(cluster, api):
    make(cluster, "scaled", SERVICE, STATEFUL_SET)
    _, before = api.get("/peers/default/scaled?wait=complete")
    target = f"/peers/default/scaled?wait=changed&serial={before['serial']}"
    asked = Asked(api, target)
    cluster.eventually(lambda: waiting(cluster) == 1, "the question is open")
    cluster.kubectl("label", "service", "scaled", "unimportant=yes")
    assert asked.status is None
    cluster.kubectl("scale", "statefulset", "scaled", "--replicas=5")
    status, after = asked.result()
    assert status == 200
    assert after["serial"] > before["serial"]
    assert len(after["peers"]) > 3
    # Once more, and it is answered at once: that serial is over.
    assert api.get(target)[0] == 200
    _, whole = api.get("/peers/default/scaled?wait=complete")
    assert names(whole) == [f"scaled-{i}" for i in range(5)]


def test_a_stream_tells_every_state_that_lasts(cluster, api):
    make(cluster, "told", SERVICE, STATEFUL_SET)
    stream = api.events("/peers/default/told")
    serials = []

    def until(size):
        for event, serial, answer in stream:
            assert event == "message"
            assert int(serial) == answer["serial"]
            serials.append(answer["serial"])
            if answer["complete"] and len(answer["peers"]) == size:
                return
        raise AssertionError(f"the stream has ended before there were {size}")

    until(3)
    for size in (5, 1, 4):
        cluster.kubectl("scale", "statefulset", "told", f"--replicas={size}")
        until(size)
    assert serials == sorted(serials)
    cluster.kubectl("delete", "service", "told")
    events = list(stream)
    assert events[-1][0] == "gone"
    assert events[-1][2]["reason"] == "NotFound"


def test_a_stream_goes_on_where_it_was(cluster, api):
    make(cluster, "resumed", SERVICE, STATEFUL_SET)
    _, seen = api.get("/peers/default/resumed?wait=complete")
    stream = api.events("/peers/default/resumed", **{"Last-Event-ID": str(seen["serial"])})
    news = threading.Thread(target=lambda: heard.append(next(stream)), daemon=True)
    heard = []
    news.start()
    cluster.eventually(lambda: waiting(cluster) == 1, "the stream is open")
    cluster.kubectl("scale", "statefulset", "resumed", "--replicas=4")
    news.join(DEADLINE)
    assert heard[0][2]["wanted"] == 4
    assert heard[0][2]["serial"] >= seen["serial"]
    stream.close()


def test_a_set_that_is_not_complete_in_time_is_no_success(cluster, api):
    make(cluster, "short", SERVICE, STATEFUL_SET)
    api.get("/peers/default/short?wait=complete")
    status, answer = api.get("/peers/default/short?wait=complete&count=4&timeout=200ms")
    assert status == 504
    assert answer["reason"] == "Timeout"
    assert answer["message"] == '3 of 4 peers of service "short" are ready'
    status, answer = api.get("/peers/default/short?wait=changed&timeout=200ms")
    assert status == 200
    assert answer["complete"] is True
    assert api.get("/peers/default/nobody")[0] == 404
    assert api.get("/peers/default/nobody?wait=complete&timeout=200ms")[0] == 504
    assert api.get("/peers/default/short?wiat=complete")[0] == 400


def test_kubectl_can_ask(cluster):
    make(cluster, "asked", SERVICE, STATEFUL_SET)
    answer = json.loads(
        cluster.kubectl("get", "--raw", "/peers/default/asked?wait=complete&timeout=1m").out)
    assert names(answer) == ["asked-0", "asked-1", "asked-2"]
    absent = cluster.kubectl("get", "--raw", "/peers/default/absent", check=False)
    assert absent.code != 0
    assert '(NotFound): services "absent" not found' in absent.err


def test_pods_may_ask_and_strangers_may_not(cluster):
    make(cluster, "open", SERVICE)
    token = cluster.eventually(
        lambda: create_token(cluster), "the service account default is there")
    assert Peers(cluster, token=token).get("/peers/default/open")[0] == 200
    assert Peers(cluster, token="wrong").get("/peers/default/open")[0] == 401
    assert Peers(cluster, nobody=True).get("/peers/default/open")[0] == 401


def create_token(cluster):
    body = '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}'
    done = cluster.kubectl("create", "--raw",
                           "/api/v1/namespaces/default/serviceaccounts/default/token",
                           "-f", "-", stdin=body, check=False)
    return json.loads(done.out)["status"]["token"] if done.code == 0 else None


def test_who_hangs_up_makes_room(cluster, api):
    make(cluster, "left", SERVICE)
    cluster.eventually(lambda: waiting(cluster) == 0, "earlier streams are gone")
    connection = http.client.HTTPSConnection(api.host, context=api.tls, timeout=DEADLINE)
    connection.request("GET", "/peers/default/left?wait=complete")
    stream, _ = api.open("/peers/default/left", Accept="text/event-stream")
    cluster.eventually(lambda: waiting(cluster) == 2, "both are open")
    connection.close()
    stream.close()
    cluster.eventually(lambda: waiting(cluster) == 0, "both are gone")


def test_serials_survive_a_crash():
    cluster = Cluster()
    try:
        make(cluster, "kept", SERVICE, STATEFUL_SET)
        _, before = Peers(cluster).get("/peers/default/kept?wait=complete")
        cluster.restart()
        _, after = Peers(cluster).get("/peers/default/kept?wait=complete")
        assert after == before
        status, same = Peers(cluster).get(
            f"/peers/default/kept?wait=changed&serial={before['serial']}&timeout=200ms")
        assert status == 200
        assert same["serial"] == before["serial"]
    finally:
        cluster.stop()
