# SPDX-License-Identifier: Apache-2.0
"""Claims, volumes and classes with simulated nodes: what kubectl users do with storage."""

import json

SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - name: db
        image: postgres
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 1Gi}}
"""

POD = """
apiVersion: v1
kind: Pod
metadata: {name: user}
spec:
  containers:
  - name: c
    image: busybox
    volumeMounts: [{name: v, mountPath: /v}]
  volumes:
  - {name: v, persistentVolumeClaim: {claimName: mine}}
"""

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: mine}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 500Mi}}
"""


def phase(cluster, kind, name):
    return cluster.get(kind, name).get("status", {}).get("phase")


def names(cluster, kind):
    return sorted(item["metadata"]["name"] for item in cluster.get(kind)["items"])


def test_there_is_a_default_class(cluster):
    rows = cluster.kubectl("get", "sc").out.splitlines()
    assert rows[0].split() == [
        "NAME", "PROVISIONER", "RECLAIMPOLICY", "VOLUMEBINDINGMODE", "ALLOWVOLUMEEXPANSION", "AGE"]
    standard = next(row for row in rows if row.startswith("standard"))
    assert standard.split()[:5] == [
        "standard", "(default)", "headlessd.io/local-path", "Delete", "WaitForFirstConsumer"]


def test_a_claim_waits_for_its_pod_and_is_bound(cluster):
    cluster.kubectl("apply", "-f", "-", stdin=CLAIM)
    claim = cluster.get("pvc", "mine")
    assert claim["spec"]["storageClassName"] == "standard"
    assert claim["status"] == {"phase": "Pending"}
    assert claim["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    cluster.eventually(
        lambda: "waiting for first consumer" in cluster.kubectl("describe", "pvc", "mine").out,
        "the event says what it waits for")

    cluster.kubectl("apply", "-f", "-", stdin=POD)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/user", "--timeout=60s")
    row = cluster.kubectl("get", "pvc", "mine").out.splitlines()[1].split()
    volume = row[2]
    assert row[1] == "Bound" and row[3:6] == ["500Mi", "RWO", "standard"]
    row = cluster.kubectl("get", "pv", volume).out.splitlines()[1].split()
    assert row[1:7] == ["500Mi", "RWO", "Delete", "Bound", "default/mine", "standard"]
    node = cluster.get("pod", "user")["spec"]["nodeName"]
    assert node in json.dumps(cluster.get("pv", volume)["spec"]["nodeAffinity"])


def test_a_claim_in_use_is_protected(cluster):
    volume = cluster.get("pvc", "mine")["spec"]["volumeName"]
    cluster.kubectl("delete", "pvc", "mine", "--wait=false")
    row = cluster.kubectl("get", "pvc", "mine").out.splitlines()[1].split()
    assert row[1] == "Terminating"
    cluster.kubectl("delete", "pod", "user")
    cluster.kubectl("wait", "--for=delete", "pvc/mine", "--timeout=60s")
    cluster.kubectl("wait", "--for=delete", f"pv/{volume}", "--timeout=60s")


def test_each_pod_of_a_set_has_its_claim(cluster):
    cluster.kubectl("apply", "-f", "-", stdin=SET)
    cluster.kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
    assert names(cluster, "pvc") == ["data-db-0", "data-db-1"]
    assert {phase(cluster, "pvc", name) for name in names(cluster, "pvc")} == {"Bound"}
    before = cluster.get("pvc", "data-db-1")["spec"]["volumeName"]

    # Scaled away and back: the pod finds what it had.
    cluster.kubectl("scale", "statefulset/db", "--replicas=1")
    cluster.kubectl("wait", "--for=delete", "pod/db-1", "--timeout=60s")
    assert phase(cluster, "pvc", "data-db-1") == "Bound"
    cluster.kubectl("scale", "statefulset/db", "--replicas=2")
    cluster.kubectl("rollout", "status", "statefulset/db", "--timeout=60s")
    assert cluster.get("pvc", "data-db-1")["spec"]["volumeName"] == before
    affinity = json.dumps(cluster.get("pv", before)["spec"]["nodeAffinity"])
    assert cluster.get("pod", "db-1")["spec"]["nodeName"] in affinity

    cluster.kubectl("delete", "statefulset", "db")
    cluster.kubectl("wait", "--for=delete", "pvc/data-db-0", "pvc/data-db-1", "--timeout=60s")
    cluster.eventually(lambda: names(cluster, "pv") == [], "volumes go with their claims")


def test_a_volume_made_by_hand_is_kept(cluster):
    cluster.kubectl("apply", "-f", "-", stdin="""
apiVersion: v1
kind: PersistentVolume
metadata: {name: by-hand}
spec:
  capacity: {storage: 2Gi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: /srv/by-hand}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: picky}
spec:
  storageClassName: ""
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
""")
    cluster.eventually(lambda: phase(cluster, "pvc", "picky") == "Bound", "the claim is bound")
    assert cluster.get("pvc", "picky")["status"]["capacity"] == {"storage": "2Gi"}
    cluster.kubectl("delete", "pvc", "picky")
    cluster.eventually(lambda: phase(cluster, "pv", "by-hand") == "Released", "it is released")
    cluster.kubectl("delete", "pv", "by-hand")


def test_a_pod_has_its_token_volume(cluster):
    cluster.kubectl("run", "plain", "--image=busybox")
    described = cluster.kubectl("describe", "pod", "plain").out
    assert "/var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-" in described
    cluster.kubectl("delete", "pod", "plain")
