# SPDX-License-Identifier: Apache-2.0
"""headlessd peers: the command for the blocking peer lookup."""

import json
import os
import subprocess

import pytest

from conftest import DEADLINE, HEADLESSD, Cluster, fqdn
from test_peers import SERVICE, STATEFUL_SET, make, waiting


def peers(cluster, *words):
    return subprocess.run([HEADLESSD, "peers", *words], capture_output=True, text=True,
                          timeout=DEADLINE, check=False,
                          env=dict(os.environ, KUBECONFIG=cluster.kubeconfig))


class Started:
    """One that goes on; it ends with the `with` block."""

    def __init__(self, cluster, *words):
        self.process = subprocess.Popen(
            ["timeout", str(DEADLINE), HEADLESSD, "peers", *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=dict(os.environ, KUBECONFIG=cluster.kubeconfig))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.communicate()

    def result(self):
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out, err


@pytest.fixture(scope="module")
def world(cluster):
    make(cluster, "web", SERVICE, STATEFUL_SET)
    assert peers(cluster, "web", "--wait", "complete").returncode == 0
    return cluster


def test_it_waits_until_all_are_ready(world):
    with Started(world, "late", "--wait", "complete", "-o", "json") as asked:
        world.eventually(lambda: waiting(world) == 1, "the question is open")
        make(world, "late", SERVICE, STATEFUL_SET)
        code, out, err = asked.result()
    answer = json.loads(out)
    assert code == 0 and err == "" and answer["complete"] is True
    assert world.dig(fqdn("late")).set == {a for p in answer["peers"] for a in p["addresses"]}


def test_text_is_a_line_a_peer(world):
    process = peers(world, "web")
    lines = process.stdout.splitlines()
    assert process.returncode == 0
    assert lines[0].startswith("web: 3 of 3 ready, serial ") and lines[0].endswith(", complete")
    addresses = {line.split()[2] for line in lines[1:]}
    assert [line.split()[0] for line in lines[1:]] == ["web-0", "web-1", "web-2"]
    assert addresses == world.dig(fqdn("web")).set
    assert lines[1].split()[1] == "ready" and lines[1].split()[3] + "." == fqdn("web-0.web")


def test_a_quorum_is_a_number(world):
    for words in (("--wait", "2"), ("--wait", "2-complete"), ("--wait=3",)):
        answer = json.loads(peers(world, "web", "-ojson", *words).stdout)
        assert answer["wanted"] == int(words[-1].removeprefix("--wait=")[0])
    process = peers(world, "web", "--wait", "9", "--timeout", "1")
    assert process.returncode == 1 and process.stdout == ""
    assert '3 of 9 peers of service "web" are ready' in process.stderr


def test_since_waits_for_another_set(world):
    serial = json.loads(peers(world, "web", "-o", "json").stdout)["serial"]
    with Started(world, "web", "--since", str(serial), "-o", "json") as asked:
        world.eventually(lambda: waiting(world) == 1, "the question is open")
        world.kubectl("scale", "statefulset/web", "--replicas=4")
        code, out, _ = asked.result()
    assert code == 0 and json.loads(out)["serial"] > serial
    assert peers(world, "web", "--wait", "complete").returncode == 0


def test_following_tells_every_set_once_and_over_a_restart():
    one = Cluster()
    make(one, "kept", SERVICE, STATEFUL_SET)
    assert peers(one, "kept", "--wait", "complete").returncode == 0
    # The same port again, so that the kubeconfig stays good.
    one.options = ("--api-listen", one.ready["api"].removeprefix("https://"))
    with Started(one, "kept", "--follow", "-o", "json") as asked:
        first = json.loads(asked.process.stdout.readline())
        assert first["ready"] == 3
        one.restart()
        assert "asking again" in asked.process.stderr.readline()
        one.kubectl("scale", "statefulset/kept", "--replicas=2")
        serials = [first["serial"]]
        while True:
            told = json.loads(asked.process.stdout.readline())
            serials.append(told["serial"])
            if told["complete"] and told["ready"] == 2:
                break
        assert serials == sorted(set(serials))
        one.kubectl("delete", "service", "kept")
        code, _, err = asked.result()
        assert code == 1 and '"kept" not found' in err
    assert one.stop() == 0


def test_what_went_wrong_is_told(world, tmp_path):
    process = peers(world, "nobody")
    assert process.returncode == 1 and '"nobody" not found' in process.stderr
    process = peers(world, "web", "--kubeconfig", str(tmp_path / "missing"))
    assert process.returncode == 1 and "missing" in process.stderr
    for words in ((), ("a", "b"), ("../x",), ("web", "--wait", "soon"), ("web", "--wait", "0"),
                  ("web", "-n", "A/b"), ("web", "--since", "-1"), ("web", "--timeout", "601"),
                  ("web", "-o", "yaml")):
        process = peers(world, *words)
        assert process.returncode == 2, words
        assert len(process.stderr.splitlines()) == 1 and process.stdout == ""
    assert peers(world, "--help").returncode == 0
