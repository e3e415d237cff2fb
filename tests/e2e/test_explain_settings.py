# SPDX-License-Identifier: Apache-2.0
"""headlessd explain follows what the DNS server was told, wherever that is written."""

import http.server
import json
import os
import ssl
import subprocess
import threading

import pytest

from api import Api
from conftest import DEADLINE, HEADLESSD, Cluster, fqdn
from test_remote import Remote

DOMAIN = "names.example"
WORLD = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: example.org/image}]}
---
apiVersion: v1
kind: Pod
metadata: {name: plain, labels: {app: web}}
spec: {containers: [{name: c, image: example.org/image}]}
---
apiVersion: multicluster.x-k8s.io/v1alpha1
kind: ServiceImport
metadata: {name: far}
spec: {type: ClusterSetIP, ips: [192.0.2.9], ports: [{port: 80}]}
"""
COREFILE = """.:53 {
    kubernetes cluster.local in-addr.arpa {
        ttl 9
        namespaces default
        endpoint_pod_names
        pods disabled
    }
}
"""


@pytest.fixture(scope="module")
def told():
    one = Cluster("--cluster-domain", DOMAIN, "--ttl", "20", "--ttl-headless", "17",
                  "--ttl-endpoint", "3", "--ttl-ptr", "4", "--clusterset-domain", "set.example")
    one.apply(WORLD)
    one.kubectl("rollout", "status", "statefulset/web", "--timeout=60s")
    one.kubectl("wait", "pod/plain", "--for=condition=Ready", "--timeout=60s")
    one.eventually(lambda: len(one.dig(f"web.default.svc.{DOMAIN}").set) == 3)
    yield one
    assert one.stop() == 0


def explain(cluster, *words):
    process = subprocess.run([HEADLESSD, "explain", *words, "-o", "json"], capture_output=True,
                             text=True, timeout=DEADLINE, check=False,
                             env=dict(os.environ, KUBECONFIG=cluster.kubeconfig))
    assert process.returncode in (0, 1), process.stderr
    tree = json.loads(process.stdout)
    assert tree["resolves"] == (process.returncode == 0)
    return tree


def check(server, told, name, rdtype="A"):
    """What is told of a name that resolves is what `server` answers."""
    answer = server.dig(told["name"], rdtype)
    assert told["resolves"] and told["name"] == name
    assert {r["data"] for r in told["records"]} == answer.set
    assert {r["ttl"] for r in told["records"]} == {answer.message.answer[0].ttl}


def test_ttls_and_domains_are_those_of_the_server(told):
    for question, name, rdtype in (
        ("web", f"web.default.svc.{DOMAIN}.", "A"),
        ("front", f"front.default.svc.{DOMAIN}.", "A"),
        ("web-1.web", f"web-1.web.default.svc.{DOMAIN}.", "A"),
        ("pod/web-0", f"web-0.web.default.svc.{DOMAIN}.", "A"),
        ("far.default.svc.set.example", "far.default.svc.set.example.", "A"),
    ):
        check(told, explain(told, question), name, rdtype)
    address = told.dig(f"web-0.web.default.svc.{DOMAIN}").records[0]
    pointer = explain(told, address)
    assert {r["ttl"] for r in pointer["records"]} == {4}
    assert explain(told, "nope.default.svc.set.example")["steps"][-1]["title"] == "Import"
    assert explain(told, fqdn("web"))["answer"] == "OUTSIDE"
    # The command line counts more.
    assert {r["ttl"] for r in explain(told, "web", "--ttl", "8")["records"]} == {8}


def check_corefile(server, explained):
    """Names as the Corefile above has them."""
    check(server, explained("web"), fqdn("web"))
    check(server, explained("plain.web"), fqdn("plain.web"))
    hidden = explained("kubernetes.kube-system")
    assert hidden["cause"] == "namespace-hidden" and "namespaces" in hidden["steps"][-1]["advice"]
    switched_off = explained("10-244-0-5.default.pod.cluster.local")
    assert switched_off["cause"] == "pods-disabled" and "Corefile" in switched_off["steps"][-1]["advice"]
    assert server.dig(switched_off["name"]).rcode == switched_off["answer"] == "NXDOMAIN"


@pytest.fixture(scope="module")
def beside(told, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dns")
    (folder / "Corefile").write_text(COREFILE)
    one = Remote(told.kubeconfig, folder, "--corefile", str(folder / "Corefile"))
    yield one
    assert one.stop() == 0


def test_a_server_beside_the_api_tells_at_its_metrics_port(told, beside):
    check_corefile(beside, lambda *words: explain(told, "--dns-metrics", beside.ready["metrics"],
                                                  *words))
    status, text = beside.http("/dns/settings")
    assert status == 200 and json.loads(text)["ttl"] == 9
    process = subprocess.run([HEADLESSD, "explain", "web", "--dns-metrics", told.ready["dns"]],
                             capture_output=True, text=True, timeout=DEADLINE, check=False,
                             env=dict(os.environ, KUBECONFIG=told.kubeconfig))
    assert process.returncode == 1 and "--dns-metrics" in process.stderr


class Other(http.server.BaseHTTPRequestHandler):
    """The API of somebody else's Kubernetes: ours, but without /dns."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/dns"):
            return self.answer(404, b"404 page not found")
        if "watch=" in self.path:
            self.server.over.wait()
            self.close_connection = True
            return None
        connection, response = self.server.api.open(self.path)
        body = response.read()
        connection.close()
        return self.answer(response.status, body)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def test_elsewhere_the_corefile_of_the_cluster_counts(told, beside, tmp_path):
    told.kubectl("create", "configmap", "coredns", "-n", "kube-system",
                 f"--from-literal=Corefile={COREFILE}")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    server.api, server.over = Api(told), threading.Event()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(f"{told.data_dir}/pki/server.crt", f"{told.data_dir}/pki/server.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = tmp_path / "kubeconfig"
    with open(told.kubeconfig, encoding="utf-8") as file:
        kubeconfig.write_text(file.read().replace(
            told.ready["api"], f"https://127.0.0.1:{server.server_port}"))
    try:
        check_corefile(beside, lambda *words: explain(told, "--kubeconfig", str(kubeconfig), *words))
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
