# SPDX-License-Identifier: Apache-2.0
"""The labs of the seeds that are not about StatefulSets, typed as they stand there."""

import re

from conftest import fqdn


def ready_addresses(cluster, label):
    pods = cluster.get("pods", "-l", label)["items"]
    return {
        pod["status"]["podIP"]
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
        and any(c["type"] == "Ready" and c["status"] == "True"
                for c in pod["status"].get("conditions", []))
    }


def described(text):
    """`kubectl describe` as a dict of its first-column fields."""
    return dict(re.findall(r"^([A-Z][\w /]*?):\s+(.*)$", text, re.M))


def test_headless_beside_nodeport(cluster):
    out = cluster.apply("headless-with-selector.yaml").out
    assert "service/demo-headless-svc created" in out
    cluster.apply("nodeport-beside-headless.yaml")
    cluster.kubectl("rollout", "status", "deployment/nginx", "--timeout=60s")

    lines = cluster.kubectl("get", "svc", "-o", "wide").out.splitlines()
    assert lines[0].split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE",
                                "SELECTOR"]
    rows = {line.split()[0]: line.split() for line in lines[1:]}
    headless, nodeport = rows["demo-headless-svc"], rows["demo-nodeport-svc"]
    assert headless[1:5] == ["ClusterIP", "None", "<none>", "8080/TCP"]
    assert headless[6] == "app=nginx"
    assert nodeport[1] == "NodePort" and nodeport[2].startswith("10.96.")
    assert nodeport[3:5] == ["<none>", "8080:30506/TCP"]

    fields = described(cluster.kubectl("describe", "svc", "demo-headless-svc").out)
    addresses = ready_addresses(cluster, "app=nginx")
    assert len(addresses) == 2
    for field, value in {
        "Name": "demo-headless-svc", "Namespace": "default", "Labels": "<none>",
        "Selector": "app=nginx", "Type": "ClusterIP", "IP Family Policy": "SingleStack",
        "IP Families": "IPv4", "IP": "None", "IPs": "None", "Port": "http  8080/TCP",
        "TargetPort": "80/TCP", "Session Affinity": "None", "Events": "<none>",
    }.items():
        assert fields[field].strip() == value, field
    assert set(fields["Endpoints"].split(",")) == {f"{a}:80" for a in addresses}

    assert cluster.dig(fqdn("demo-headless-svc")).set == addresses
    assert cluster.dig(fqdn("demo-nodeport-svc")).records == [nodeport[2]]
    srv = cluster.dig("_http._tcp." + fqdn("demo-headless-svc"), "SRV").records
    assert len(srv) == 2 and all(record.split()[2] == "80" for record in srv)


def test_pods_show_their_nodes(cluster):
    lines = cluster.kubectl("get", "pod", "-o", "wide", "-l", "app=nginx").out.splitlines()
    assert lines[0].split("  ")[0] == "NAME" and "NOMINATED NODE" in lines[0]
    assert "READINESS GATES" in lines[0]
    cells = [re.split(r"\s{2,}", line) for line in lines[1:]]
    assert {row[1] for row in cells} == {"2/2"} and {row[2] for row in cells} == {"Running"}
    assert {row[6] for row in cells} == {"node01", "node02"}
    assert {row[7] for row in cells} == {"<none>"}


def test_headless_without_selector(cluster):
    cluster.apply("headless-without-selector.yaml")
    name = fqdn("legacy-db")
    cluster.eventually(lambda: cluster.dig(name).set == {"192.0.2.10", "192.0.2.11"})
    assert cluster.dig("primary." + name).records == ["192.0.2.10"]
    assert cluster.dig("192-0-2-11." + name).records == ["192.0.2.11"]
    assert cluster.dig("192-0-2-10." + name).rcode == "NXDOMAIN"


def test_endpoints_by_hand_are_mirrored(cluster):
    cluster.apply("""
apiVersion: v1
kind: Service
metadata: {name: by-hand}
spec: {clusterIP: None, ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: by-hand}
subsets:
- addresses: [{ip: 192.0.2.20, hostname: first}]
  ports: [{port: 80}]
""")
    cluster.eventually(lambda: cluster.dig(fqdn("by-hand")).records == ["192.0.2.20"])
    assert cluster.dig(fqdn("first.by-hand")).records == ["192.0.2.20"]


def test_external_name(cluster):
    cluster.apply("externalname.yaml")
    row = cluster.kubectl("get", "svc", "demo-dns-cname-extralname").out.splitlines()[1].split()
    assert row[:5] == ["demo-dns-cname-extralname", "ExternalName", "<none>", "worldtimeapi.org",
                       "<none>"]
    answer = cluster.dig(fqdn("demo-dns-cname-extralname"), "CNAME")
    assert answer.records == ["worldtimeapi.org."]
    cluster.kubectl("patch", "svc", "demo-dns-cname-extralname", "--type=merge", "-p",
                    '{"spec":{"externalName":"demo-nodeport-svc.default.svc.cluster.local"}}')
    answer = cluster.dig(fqdn("demo-dns-cname-extralname"))
    assert answer.records[0] == fqdn("demo-nodeport-svc") and len(answer.records) == 2


def test_mysql(cluster):
    cluster.apply("mysql.yaml")
    cluster.kubectl("rollout", "status", "statefulset/mysql", "--timeout=60s")
    address = cluster.get("pod", "mysql-0")["status"]["podIP"]
    assert cluster.dig("mysql-0.mysql.default.svc.cluster.local").records == [address]
    for words in (("nodes",), ("pods", "-A"), ("events", "-A"), ("svc",), ("endpoints",),
                  ("endpointslices",)):
        assert cluster.kubectl("get", *words).out.strip()


def test_life_of_a_headless_service(cluster):
    """The execution table of the fourth seed, step by step."""
    name = fqdn("my-headless-service")
    assert cluster.dig(name).rcode == "NXDOMAIN"
    cluster.apply("lifecycle.yaml")  # step 1: no cluster IP
    assert cluster.get("svc", "my-headless-service")["spec"]["clusterIP"] == "None"
    assert cluster.dig(name).records == []
    cluster.kubectl("create", "deployment", "myapp", "--image=nginx", "--replicas=2")
    cluster.kubectl("patch", "deployment", "myapp", "-p", '{"metadata":{"labels":{"x":"y"}}}')
    # `create deployment` labels its pods app=myapp: step 2, pods start and get addresses
    cluster.kubectl("rollout", "status", "deployment/myapp", "--timeout=60s")
    two = ready_addresses(cluster, "app=myapp")
    assert len(two) == 2
    assert cluster.dig(name).set == two  # step 3: DNS returns the pods' addresses
    victim = cluster.get("pods", "-l", "app=myapp")["items"][0]["metadata"]["name"]
    cluster.kubectl("delete", "pod", victim)  # step 5: an address changes
    cluster.eventually(lambda: len(ready_addresses(cluster, "app=myapp")) == 2)
    now = ready_addresses(cluster, "app=myapp")
    assert now != two
    cluster.eventually(lambda: cluster.dig(name).set == now)
    cluster.kubectl("scale", "deployment", "myapp", "--replicas=0")
    cluster.eventually(lambda: not ready_addresses(cluster, "app=myapp"))
    cluster.eventually(lambda: cluster.dig(name).rcode == "NXDOMAIN")
    cluster.kubectl("delete", "svc", "my-headless-service")  # step 6: no entries
    assert cluster.dig(name).rcode == "NXDOMAIN"


def test_readiness_by_hand(cluster):
    """A pod whose Ready condition a user turns off leaves DNS, and comes back."""
    cluster.kubectl("get", "pods", "-l", "app=nginx")
    pod = cluster.get("pods", "-l", "app=nginx")["items"][0]
    address = pod["status"]["podIP"]
    name = fqdn("demo-headless-svc")

    def turn(value):
        patch = '{"status":{"conditions":[{"type":"Ready","status":"%s"}]}}' % value
        path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/status"
        import json
        import ssl
        import urllib.request
        request = urllib.request.Request(cluster.ready["api"] + path, patch.encode(),
                                         method="PATCH")
        request.add_header("Content-Type", "application/strategic-merge-patch+json")
        context = ssl._create_unverified_context()
        cert, key = client_certificate(cluster)
        context.load_cert_chain(cert, key)
        with urllib.request.urlopen(request, context=context) as answer:
            assert json.load(answer)["kind"] == "Pod"

    turn("False")
    cluster.eventually(lambda: address not in cluster.dig(name).set)
    assert address not in ready_addresses(cluster, "app=nginx")
    turn("True")
    cluster.eventually(lambda: address in cluster.dig(name).set)


def client_certificate(cluster):
    """The admin's certificate and key as files, out of the kubeconfig."""
    import base64
    import pathlib
    text = pathlib.Path(cluster.kubeconfig).read_text()
    paths = []
    for field in ("client-certificate-data", "client-key-data"):
        data = re.search(field + r": (\S+)", text)[1]
        path = pathlib.Path(cluster.data_dir) / f"test-{field}.pem"
        path.write_bytes(base64.b64decode(data))
        paths.append(str(path))
    return paths
