# SPDX-License-Identifier: Apache-2.0
"""Every verb that users type, through each kubectl there is (KUBECTLS, colon-separated)."""

import json
import os
import re
import subprocess

import pytest

from conftest import EXAMPLES, fqdn, kubectls


@pytest.fixture(scope="module", params=kubectls(), ids=os.path.basename)
def kube(request, cluster):
    """kubectl of one version, in a namespace of its own, with the StatefulSet lab running."""
    program = request.param
    space = "v" + re.sub(r"[^0-9a-z]+", "-", os.path.basename(program).lower())

    def kubectl(*words, **more):
        return cluster.kubectl("-n", space, *words, program=program, **more)

    kubectl.space = space
    kubectl.cluster = cluster
    kubectl.program = program
    kubectl.version = minor_version(program)
    kubectl("create", "namespace", space)
    kubectl("apply", "-f", str(EXAMPLES / "statefulset.yaml"))
    kubectl("rollout", "status", "statefulset/web", "--timeout=60s")
    yield kubectl
    kubectl("delete", "namespace", space, "--timeout=60s")
    assert kubectl("get", "namespace", space, check=False).code != 0
    assert cluster.dig(fqdn("nginx-headless", space)).rcode == "NXDOMAIN"


def minor_version(program):
    text = subprocess.run([program, "version", "--client", "-o", "json"], capture_output=True,
                          text=True, check=True).stdout
    return int(re.match(r"\d+", json.loads(text)["clientVersion"]["minor"])[0])


def test_version(kube):
    out = json.loads(kube("version", "-o", "json").out)
    assert out["serverVersion"]["major"] == "1"


def test_get(kube):
    assert len(kube("get", "pods", "-l", "app=nginx").out.splitlines()) == 4
    assert kube.space in kube("get", "svc", "-A").out
    assert kube("get", "svc", "nginx-headless", "-o", "jsonpath={.spec.clusterIP}").out == "None"
    names = kube("get", "pods", "-o", "name").out.split()
    assert names == ["pod/web-0", "pod/web-1", "pod/web-2"]
    assert "None" in kube("get", "svc", "-o", "custom-columns=IP:.spec.clusterIP").out
    assert kube("get", "pods", "--field-selector", "metadata.name=web-1", "-o", "name").out == \
        "pod/web-1\n"
    assert "nginx-headless" in kube("get", "svc", "-o", "yaml").out
    wide = kube("get", "sts,svc,ep,endpointslices,pods", "-o", "wide").out
    assert "web" in wide and "IPv4" in wide
    assert "No resources found" in kube("get", "pods", "-l", "app=none").err
    missing = kube("get", "pod", "web-9", check=False)
    assert 'pods "web-9" not found' in missing.err


def test_get_watch(kube):
    with kube.cluster.kubectl_started("-n", kube.space, "get", "pods", "-w",
                                      program=kube.program) as lines:
        assert [next(lines).split()[0] for _ in range(4)] == ["NAME", "web-0", "web-1", "web-2"]
        kube("annotate", "pod", "web-1", "seen=yes")
        assert next(lines).split()[0] == "web-1"


def test_create(kube):
    kube("create", "configmap", "made", "--from-literal=a=b")
    kube("create", "serviceaccount", "robot")
    kube("create", "secret", "generic", "hidden", "--from-literal=k=v")
    kube("create", "deployment", "web-front", "--image=nginx", "--replicas=1")
    kube("create", "service", "clusterip", "front", "--tcp=80:80")
    kube("create", "service", "clusterip", "headless", "--clusterip=None")
    again = kube("create", "configmap", "made", check=False)
    assert again.code != 0 and "already exists" in again.err
    assert kube("get", "configmap", "made", "-o", "jsonpath={.data.a}").out == "b"
    assert kube("get", "svc", "headless", "-o", "jsonpath={.spec.clusterIP}").out == "None"
    kube("delete", "configmap/made", "serviceaccount/robot", "secret/hidden",
         "deployment/web-front", "service/front", "service/headless")


def test_describe(kube):
    svc = kube("describe", "svc", "nginx-headless").out
    assert re.search(r"^IP:\s+None$", svc, re.M) and ":80" in svc
    pod = kube("describe", "pod", "web-0").out
    assert "Controlled By:" in pod and "StatefulSet/web" in pod
    assert "Scheduled" in pod and "Started" in pod
    sts = kube("describe", "sts", "web").out
    assert "SuccessfulCreate" in sts and "3 desired | 3 total" in sts
    assert "Ready" in kube("describe", "node", "node01").out
    assert "Status:" in kube("describe", "namespace", kube.space).out
    endpoints = kube("describe", "endpoints", "nginx-headless").out
    assert len(re.search(r"^  Addresses: +(.*)$", endpoints, re.M)[1].split(",")) == 3


def test_label_annotate_patch(kube):
    kube("label", "pod", "web-0", "tier=front")
    assert kube("get", "pods", "-l", "tier=front", "-o", "name").out == "pod/web-0\n"
    kube("label", "pod", "web-0", "tier-")
    kube("annotate", "svc", "nginx-headless", "note=here")
    assert kube("get", "svc", "nginx-headless", "-o", "jsonpath={.metadata.annotations.note}").out \
        == "here"
    kube("patch", "svc", "nginx-headless", "-p", '{"spec":{"publishNotReadyAddresses":true}}')
    kube("patch", "svc", "nginx-headless", "--type=merge", "-p",
         '{"spec":{"publishNotReadyAddresses":false}}')
    kube("patch", "svc", "nginx-headless", "--type=json", "-p",
         '[{"op":"add","path":"/metadata/labels/x","value":"y"}]')
    assert kube("get", "svc", "-l", "x=y", "-o", "name").out == "service/nginx-headless\n"
    bad = kube("patch", "svc", "nginx-headless", "-p", '{"spec":{"clusterIP":"10.96.1.1"}}',
               check=False)
    assert bad.code != 0 and "spec.clusterIP" in bad.err


def test_edit_replace_diff(kube, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/sessionAffinity: None/sessionAffinity: ClientIP/' $1\n")
    editor.chmod(0o755)
    os.environ["KUBE_EDITOR"] = str(editor)
    kube("edit", "svc", "nginx-headless")
    get_affinity = ("get", "svc", "nginx-headless", "-o", "jsonpath={.spec.sessionAffinity}")
    assert kube(*get_affinity).out == "ClientIP"
    text = kube("get", "svc", "nginx-headless", "-o", "json").out
    back = json.loads(text)
    back["spec"]["sessionAffinity"] = "None"
    del back["spec"]["sessionAffinityConfig"]
    kube("replace", "-f", "-", stdin=json.dumps(back))
    assert kube(*get_affinity).out == "None"
    manifest = (EXAMPLES / "statefulset.yaml").read_text().replace("replicas: 3", "replicas: 4")
    diff = kube("diff", "-f", "-", stdin=manifest, check=False)
    assert diff.code == 1 and "+  replicas: 4" in diff.out, diff.err


def test_apply_twice_changes_nothing(kube):
    manifest = (EXAMPLES / "statefulset.yaml").read_text()
    kube("apply", "-f", "-", stdin=manifest)
    revision = ("get", "sts", "web", "-o", "jsonpath={.metadata.resourceVersion}")
    before = kube(*revision).out
    out = kube("apply", "-f", "-", stdin=manifest).out
    assert out.count("unchanged") == 2
    assert kube(*revision).out == before
    dry = kube("apply", "--dry-run=server", "-f", "-",
               stdin=manifest.replace("replicas: 3", "replicas: 7"))
    assert "configured (server dry run)" in dry.out
    assert kube(*revision).out == before


def test_apply_merges_lists_by_key(kube):
    manifest = (EXAMPLES / "statefulset.yaml").read_text()
    two_ports = manifest.replace("      port: 80 #", "      port: 80\n    - name: admin\n      port: 81 #")
    kube("apply", "-f", "-", stdin=two_ports)
    ports = ("get", "svc", "nginx-headless", "-o", "jsonpath={.spec.ports[*].name}")
    assert kube(*ports).out == "web admin"
    kube("apply", "-f", "-", stdin=manifest)
    assert kube(*ports).out == "web"


def test_scale_and_rollout(kube):
    kube("scale", "sts", "web", "--replicas=4")
    kube("rollout", "status", "sts/web", "--timeout=60s")
    assert len(kube.cluster.dig(fqdn("nginx-headless", kube.space)).set) == 4
    kube("rollout", "restart", "sts/web")
    kube("rollout", "status", "sts/web", "--timeout=60s")
    assert len(kube("rollout", "history", "sts/web").out.splitlines()) >= 4
    kube("scale", "sts", "web", "--replicas=3")
    kube("wait", "--for=delete", "pod/web-3", "--timeout=60s")
    kube("wait", "--for=condition=Ready", "pod", "-l", "app=nginx", "--timeout=60s")


def test_deployment_rollout(kube):
    kube("create", "deployment", "front", "--image=nginx:1")
    kube("rollout", "status", "deployment/front", "--timeout=60s")
    kube("set", "image", "deployment/front", "nginx=nginx:2")
    kube("rollout", "status", "deployment/front", "--timeout=60s")
    assert kube("get", "deployment", "front", "-o",
                "jsonpath={.spec.template.spec.containers[0].image}").out == "nginx:2"
    kube("rollout", "undo", "deployment/front")
    kube("rollout", "status", "deployment/front", "--timeout=60s")
    assert kube("get", "deployment", "front", "-o",
                "jsonpath={.spec.template.spec.containers[0].image}").out == "nginx:1"
    kube("expose", "deployment", "front", "--port=80", "--cluster-ip=None")
    kube.cluster.eventually(lambda: kube.cluster.dig(fqdn("front", kube.space)).records)
    kube("delete", "deployment", "front", "--cascade=foreground" if kube.version >= 20 else "--wait")
    kube("delete", "svc", "front")


def test_run_and_delete(kube):
    kube("run", "one", "--image=busybox", "--restart=Never")
    kube("wait", "--for=condition=Ready", "pod/one", "--timeout=60s")
    kube("delete", "pod", "one", "--now")
    assert kube("get", "pod", "one", check=False).code != 0


def test_explain_and_api_resources(kube):
    out = kube("explain", "service.spec.clusterIP").out
    assert "clusterIP" in out and "string" in out
    assert "replicas" in kube("explain", "statefulset.spec").out
    assert "containers" in kube("explain", "pod.spec", "--recursive").out
    rows = {tuple(line.split()) for line in kube("api-resources", "--no-headers").out.splitlines()}
    kinds = {row[-1] for row in rows}
    assert {"Service", "Pod", "StatefulSet", "EndpointSlice", "Lease"} <= kinds
    assert "apps/v1" in kube("api-versions").out


def test_validation_is_on(kube):
    bad = kube("apply", "-f", "-", check=False, stdin=json.dumps({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "bad"},
        "spec": {"clusterIp": "None", "ports": [{"port": 80}]}}))
    assert bad.code != 0 and "clusterIp" in bad.err
    assert kube("get", "svc", "bad", check=False).code != 0


def test_auth_and_cluster(kube):
    assert kube("auth", "can-i", "create", "pods").out.strip() == "yes"
    assert "running at" in kube("cluster-info").out
