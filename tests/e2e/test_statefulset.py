# SPDX-License-Identifier: Apache-2.0
"""The lab of the second seed: a StatefulSet behind its headless Service."""

import ipaddress

from conftest import fqdn


def pod_addresses(cluster, *selector):
    pods = cluster.get("pods", *selector)["items"]
    return {
        pod["metadata"]["name"]: pod["status"].get("podIP")
        for pod in pods
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"])
    }


def reverse(address):
    return ipaddress.ip_address(address).reverse_pointer


def test_lab(cluster):
    cluster.kubectl("create", "-f", "examples/statefulset.yaml")
    cluster.kubectl("rollout", "status", "statefulset/web", "--timeout=60s")

    rows = cluster.kubectl("get", "pods", "-l", "app=nginx", "-o", "wide").rows
    assert [row[0].strip() for row in rows[1:]] == ["web-0", "web-1", "web-2"]
    assert all(row[1].strip() == "1/1" and row[2].strip() == "Running" for row in rows[1:])
    service = cluster.kubectl("get", "svc", "nginx-headless").out.splitlines()
    assert service[0].split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert service[1].split()[:5] == ["nginx-headless", "ClusterIP", "None", "<none>", "80/TCP"]

    addresses = pod_addresses(cluster)
    assert sorted(addresses) == ["web-0", "web-1", "web-2"]
    answer = cluster.dig(fqdn("nginx-headless"))
    assert answer.rcode == "NOERROR" and answer.authoritative
    assert answer.set == set(addresses.values())
    for pod, address in addresses.items():
        name = fqdn(f"{pod}.nginx-headless")
        assert cluster.dig(name).records == [address]
        assert cluster.dig(reverse(address), "PTR").records == [name]
    targets = {r.split()[3] for r in cluster.dig("_web._tcp." + fqdn("nginx-headless"), "SRV").records}
    assert targets == {fqdn(f"{pod}.nginx-headless") for pod in addresses}


def test_scaling_shows_in_the_next_answer(cluster):
    cluster.kubectl("scale", "statefulset/web", "--replicas=5")
    cluster.kubectl("rollout", "status", "statefulset/web", "--timeout=60s")
    assert cluster.dig(fqdn("nginx-headless")).set == set(pod_addresses(cluster).values())
    assert len(cluster.dig(fqdn("nginx-headless")).set) == 5

    gone = pod_addresses(cluster)["web-4"]
    cluster.kubectl("scale", "statefulset/web", "--replicas=2")
    cluster.kubectl("wait", "--for=delete", "pod/web-2", "--timeout=60s")
    answer = cluster.dig(fqdn("nginx-headless"))
    assert answer.set == set(pod_addresses(cluster).values()) and len(answer.set) == 2
    assert cluster.dig(fqdn("web-4.nginx-headless")).rcode == "NXDOMAIN"
    assert cluster.dig(reverse(gone), "PTR").rcode == "NXDOMAIN"


def test_a_deleted_pod_comes_back_under_its_name(cluster):
    before = cluster.get("pod", "web-0")["metadata"]["uid"]
    cluster.kubectl("delete", "pod", "web-0")
    cluster.eventually(
        lambda: pod_addresses(cluster).get("web-0")
        and cluster.get("pod", "web-0")["metadata"]["uid"] != before,
        "web-0 is ready again",
    )
    address = pod_addresses(cluster)["web-0"]
    cluster.eventually(lambda: cluster.dig(fqdn("web-0.nginx-headless")).records == [address],
                       "its name answers with its new address")


def test_a_deleted_service_is_no_name_any_more(cluster):
    cluster.kubectl("delete", "svc", "nginx-headless")
    assert cluster.dig(fqdn("nginx-headless")).rcode == "NXDOMAIN"
    assert cluster.dig(fqdn("web-0.nginx-headless")).rcode == "NXDOMAIN"
