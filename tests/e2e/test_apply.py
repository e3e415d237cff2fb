# SPDX-License-Identifier: Apache-2.0
"""standalone --apply: manifests applied at the start, in a way that kubectl goes on with."""

import signal
import subprocess

import pytest
from conftest import DEADLINE, HEADLESSD, Cluster, fqdn

SERVICES = """
apiVersion: v1
kind: Service
metadata: {name: web, labels: {part: web, tier: front}}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: names}
spec:
  selector: {app: names}
  ports:
  - {name: dns, port: 53, protocol: UDP}
  - {name: dns-tcp, port: 53, protocol: TCP}
"""

WORKLOAD = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: example.org/image, ports: [{containerPort: 80}]}]}
"""


@pytest.fixture
def folder(tmp_path):
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    (manifests / "10-services.yaml").write_text(SERVICES)
    (manifests / "20-workload.yml").write_text(WORKLOAD)
    (manifests / "00-namespace.json").write_text(
        '{"apiVersion":"v1","kind":"List","items":['
        '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"other"}},'
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"other"},'
        '"data":{"a":"1"}}]}')
    (manifests / "notes.txt").write_text("not a manifest")
    return manifests


@pytest.fixture
def applied(folder):
    cluster = Cluster("--apply", str(folder))
    yield cluster
    cluster.stop()


def log_of(cluster):
    with open(cluster.log.name, encoding="utf-8") as log:
        return log.read()


def applied_lines(cluster, times=1):
    """The lines of the last start, once that has applied everything."""
    cluster.eventually(lambda: log_of(cluster).count("objects applied") == times, "applied")
    return [line for line in log_of(cluster).splitlines() if " apply: " in line]


def test_everything_is_there_and_kubectl_has_nothing_to_add(applied, folder):
    applied_lines(applied)
    applied.eventually(lambda: len(applied.dig(fqdn("web")).records) == 2, "two pods")
    assert applied.kubectl("get", "configmap", "m", "-n", "other").code == 0
    out = applied.kubectl("apply", "-f", str(folder)).out.splitlines()
    assert len(out) == 5 and all(line.endswith("unchanged") for line in out), out


def test_a_second_start_changes_what_differs_alone(applied, folder):
    applied_lines(applied)
    applied.kubectl("label", "service", "web", "theirs=kept")
    (folder / "10-services.yaml").write_text(
        SERVICES.replace(", tier: front", "").replace("port: 80", "port: 81"))
    applied.restart(signal.SIGTERM)
    lines = applied_lines(applied, times=2)[-6:]
    assert lines[-1].endswith("5 objects applied: 0 created, 1 changed, 0 failed"), lines
    web = applied.get("service", "web")
    assert web["metadata"]["labels"] == {"part": "web", "theirs": "kept"}
    assert [port["port"] for port in web["spec"]["ports"]] == [81]


def test_what_kubectl_applied_is_unchanged(folder, tmp_path):
    cluster = Cluster(data_dir=str(tmp_path / "data"))
    cluster.kubectl("apply", "-f", str(folder / "10-services.yaml"))
    cluster.kill(signal.SIGTERM)
    cluster.options = ("--apply", str(folder / "10-services.yaml"))
    cluster.start()
    assert applied_lines(cluster)[-1].endswith("0 created, 0 changed, 0 failed")
    cluster.stop()


def test_a_failure_is_told_and_the_rest_goes_on(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nowhere}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
    cluster = Cluster("--apply", str(tmp_path / "a.yaml"))
    try:
        lines = applied_lines(cluster)
        assert f"{tmp_path}/a.yaml: ConfigMap nowhere/a: " in lines[0]
        assert 'namespaces "nowhere" not found' in lines[0]
        assert lines[-1].endswith("1 objects applied: 1 created, 0 changed, 1 failed")
    finally:
        cluster.stop()


@pytest.mark.parametrize("text, complaint", [
    ("a: [\n", "yaml: "),
    ("kind: Bogus\napiVersion: v1\n", 'Bogus: there is no such kind in apiVersion "v1"'),
    ("just text\n", "a document that is no object"),
    ("kind: Service\napiVersion: v1\n", "Service: metadata.name is missing"),
    ("kind: Service\napiVersion: v1\nmetadata: {name: x}\nspec: {clusterIPP: None}\n",
     'Service x: unknown field "spec.clusterIPP"'),
])
def test_bad_manifests_change_nothing(tmp_path, text, complaint):
    manifest = tmp_path / "bad.yaml"
    manifest.write_text(text)
    process = subprocess.run(
        [HEADLESSD, "standalone", "--data-dir", str(tmp_path / "data"), "--apply", str(manifest)],
        capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert process.returncode == 1
    line = process.stderr.strip()
    assert line.startswith(f"headlessd: {manifest}: ") and complaint in line and "\n" not in line
    assert not (tmp_path / "data").exists()
