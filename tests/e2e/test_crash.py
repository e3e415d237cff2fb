# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment and start again: nothing acknowledged is missing."""

import json
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from conftest import DEADLINE, HEADLESSD, Cluster, fqdn, free_port
from test_bad_input import CONFIG_MAPS, post


def test_acknowledged_writes_survive_a_kill(fresh_cluster):
    cluster = fresh_cluster
    chooser = random.Random(7)
    acknowledged = []
    for round_ in range(4):
        stop = threading.Event()

        def write(worker, stop=stop, round_=round_):
            n = 0
            while not stop.is_set():
                name = f"r{round_}-w{worker}-{n}"
                body = json.dumps({"metadata": {"name": name}, "data": {"n": str(n)}}).encode()
                try:
                    code, _ = post(cluster, CONFIG_MAPS, body)
                except OSError:
                    return
                except Exception:  # a connection cut in the middle of an answer
                    return
                if code == 201:
                    acknowledged.append(name)
                n += 1

        writers = [threading.Thread(target=write, args=(i,)) for i in range(4)]
        for writer in writers:
            writer.start()
        enough = len(acknowledged) + chooser.randrange(10, 100)
        cluster.eventually(lambda enough=enough: len(acknowledged) >= enough, "writes get through")
        cluster.kill(signal.SIGKILL)
        stop.set()
        for writer in writers:
            writer.join()
        cluster.start()
        present = {item["metadata"]["name"] for item in cluster.get("configmaps")["items"]}
        missing = set(acknowledged) - present
        assert not missing, f"lost {sorted(missing)[:5]} of {len(acknowledged)}"

def test_names_are_back_after_a_kill(fresh_cluster):
    cluster = fresh_cluster
    cluster.apply("statefulset.yaml")
    cluster.kubectl("rollout", "status", "statefulset/web", "--timeout=60s")
    before = cluster.dig(fqdn("nginx-headless")).set
    assert len(before) == 3
    cluster.restart(signal.SIGKILL)
    assert cluster.dig(fqdn("nginx-headless")).set == before
    pods = {p["metadata"]["name"]: p["status"]["podIP"] for p in cluster.get("pods")["items"]}
    assert set(pods.values()) == before
    cluster.kubectl("scale", "statefulset/web", "--replicas=4")
    cluster.kubectl("rollout", "status", "statefulset/web", "--timeout=60s")
    addresses = cluster.dig(fqdn("nginx-headless")).set
    assert len(addresses) == 4 and before < addresses


def test_a_kill_in_the_middle_of_a_rollout(fresh_cluster):
    cluster = fresh_cluster
    for pause in (0.0, 0.05, 0.1):
        cluster.apply("statefulset.yaml")
        time.sleep(pause)
        cluster.restart(signal.SIGKILL)
        cluster.kubectl("rollout", "status", "statefulset/web", "--timeout=60s")
        pods = cluster.get("pods")["items"]
        assert sorted(p["metadata"]["name"] for p in pods) == ["web-0", "web-1", "web-2"]
        addresses = {p["status"]["podIP"] for p in pods}
        assert len(addresses) == 3
        cluster.eventually(lambda: cluster.dig(fqdn("nginx-headless")).set == addresses)
        cluster.kubectl("delete", "statefulset/web", "svc/nginx-headless", "--wait=true")
        cluster.eventually(lambda: not cluster.get("pods")["items"])


def test_sigterm_is_a_clean_end(fresh_cluster):
    assert fresh_cluster.kill(signal.SIGTERM) == 0
    fresh_cluster.start()


def test_a_second_server_on_the_same_data_is_refused(fresh_cluster):
    second = subprocess.run(
        [HEADLESSD, "standalone", "--data-dir", fresh_cluster.data_dir, "--api-listen",
         "127.0.0.1:0", "--dns-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert second.returncode == 1 and "store" in second.stderr
    assert fresh_cluster.get("nodes")["items"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_refuses_writes_and_keeps_what_is_there(tmp_path):
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(tmp_path)],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        cluster = Cluster("--api-listen", f"127.0.0.1:{free_port()}", data_dir=str(tmp_path / "data"))
        made, refusals = [], []
        for i in range(14):
            body = json.dumps({"metadata": {"name": f"big{i}"}, "data": {"x": "x" * 300000}})
            code, answer = post(cluster, CONFIG_MAPS, body.encode())
            if code == 201:
                made.append(f"big{i}")
            else:
                refusals.append((code, answer["message"]))
        assert made and refusals
        assert all(code == 500 and "No space left" in text for code, text in refusals)
        cluster.restart()
        present = {item["metadata"]["name"] for item in cluster.get("configmaps")["items"]}
        assert set(made) <= present and cluster.dig(fqdn("kubernetes")).rcode == "NOERROR"
        assert cluster.stop() == 0
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=False)
