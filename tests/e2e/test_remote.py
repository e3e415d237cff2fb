# SPDX-License-Identifier: Apache-2.0
"""headlessd dns beside an API server: the same names, before, during and after an outage."""

import pathlib
import signal
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import DEADLINE, HEADLESSD, Answer, Cluster, fqdn, free_port, start_headlessd

MANIFEST = """
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
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: web.default.svc.cluster.local}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: example.org/image}]}
"""

NAMES = [
    (fqdn("web"), "A"), (fqdn("web"), "AAAA"), (fqdn("web"), "SRV"), (fqdn("front"), "A"),
    (fqdn("_http._tcp.web"), "SRV"), (fqdn("_http._tcp.front"), "SRV"), (fqdn("alias"), "A"),
    (fqdn("web-1.web"), "A"), (fqdn("web-9.web"), "A"), (fqdn("gone"), "A"),
    ("cluster.local.", "NS"), (fqdn("web", "nowhere"), "A"),
]


class Remote:
    """A headlessd dns."""

    host = None  # this machine

    def __init__(self, kubeconfig, folder, *options):
        self.log = open(folder / "dns.log", "ab")
        self.process, self.ready = start_headlessd(
            "dns", "--kubeconfig", str(kubeconfig), "--listen", "127.0.0.1:0",
            "--metrics-listen", "127.0.0.1:0", *options, log=self.log)
        self.dns_host, port = self.ready["dns"].rsplit(":", 1)
        self.dns_port = int(port)

    host = None
    dig = Cluster.dig

    def http(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.ready['metrics']}{path}") as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def metric(self, name):
        for line in self.http("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.log.close()
        return code


def same(a: Answer, b: Answer):
    return (a.rcode, a.set, set(a.additional)) == (b.rcode, b.set, set(b.additional))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    cluster = Cluster("--api-listen", f"127.0.0.1:{free_port()}")
    cluster.apply(MANIFEST)
    cluster.eventually(lambda: len(cluster.dig(fqdn("web")).records) == 3, "three pods")
    remote = Remote(cluster.kubeconfig, tmp_path_factory.mktemp("dns"))
    yield cluster, remote
    assert remote.stop() == 0
    assert cluster.stop() == 0


@pytest.mark.parametrize("name, rdtype", NAMES)
def test_the_same_answers(pair, name, rdtype):
    cluster, remote = pair
    assert same(remote.dig(name, rdtype), cluster.dig(name, rdtype))


def test_pods_have_names_of_addresses(pair):
    cluster, remote = pair
    address = cluster.dig(fqdn("web-0.web")).records[0]
    reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa."
    assert fqdn("web-0.web") in remote.dig(reverse, "PTR").records


def test_a_change_comes_through(pair):
    cluster, remote = pair
    cluster.kubectl("create", "service", "clusterip", "late", "--tcp=80", "--clusterip=None")
    cluster.kubectl("delete", "service", "late")
    cluster.kubectl("create", "service", "externalname", "later", "--external-name=a.example")
    cluster.eventually(lambda: remote.dig(fqdn("later"), "CNAME").records == ["a.example."],
                       "the new Service")
    cluster.kubectl("delete", "service", "later")
    cluster.eventually(lambda: remote.dig(fqdn("later"), "CNAME").rcode == "NXDOMAIN",
                       "the end of the Service")


def test_an_outage_changes_no_answer_and_is_told(pair):
    cluster, remote = pair
    before = remote.dig(fqdn("web")).set
    assert remote.metric("headlessd_data_age_seconds") == 0
    assert remote.http("/ready") == (200, "OK")
    cluster.kill()
    cluster.eventually(lambda: remote.metric("headlessd_data_age_seconds") > 0, "the loss")
    status, text = remote.http("/ready")
    assert status == 200 and "is lost" in text
    assert remote.dig(fqdn("web")).set == before
    assert remote.dig(fqdn("gone")).rcode == "NXDOMAIN"
    cluster.start()
    cluster.kubectl("scale", "statefulset", "web", "--replicas=4")
    cluster.eventually(lambda: len(remote.dig(fqdn("web")).records) == 4, "the fourth pod")
    cluster.eventually(lambda: remote.metric("headlessd_data_age_seconds") == 0, "the data")
    assert remote.http("/ready") == (200, "OK")


def test_what_went_during_an_outage_is_gone_after_it(pair):
    cluster, remote = pair
    cluster.kubectl("create", "service", "externalname", "brief", "--external-name=a.example")
    cluster.eventually(lambda: remote.dig(fqdn("brief"), "CNAME").records, "the Service")
    remote.process.send_signal(signal.SIGSTOP)
    cluster.kubectl("delete", "service", "brief")
    cluster.restart()
    remote.process.send_signal(signal.SIGCONT)
    cluster.eventually(lambda: remote.dig(fqdn("brief"), "CNAME").rcode == "NXDOMAIN",
                       "the end of the Service")
    assert remote.dig(fqdn("web")).records


def test_a_corefile_says_how(pair, tmp_path):
    cluster, _ = pair
    port = free_port()
    corefile = tmp_path / "Corefile"
    corefile.write_text(f"""
        .:{port} {{
            bind 127.0.0.1
            errors
            health 127.0.0.1:0 {{
               lameduck 100ms
            }}
            kubernetes cluster.local in-addr.arpa ip6.arpa {{
               pods verified
               fallthrough in-addr.arpa ip6.arpa
               ttl 30
            }}
            forward . 127.0.0.1:9
            cache 30
            rewrite name a.example b.example
        }}
    """)
    remote = Remote(cluster.kubeconfig, tmp_path, "--corefile", str(corefile))
    try:
        answer = remote.dig(fqdn("web-0.web"))
        assert answer.message.answer[0].ttl == 30
        dashed = answer.records[0].replace(".", "-")
        assert remote.dig(f"{dashed}.default.pod.cluster.local").records == answer.records
        assert remote.dig("10-99-99-99.default.pod.cluster.local").rcode == "NXDOMAIN"
    finally:
        assert remote.stop() == 0
    log = (tmp_path / "dns.log").read_text()
    assert 'Corefile:15: plugin "rewrite" is not done' in log


def test_without_an_api_server_absence_is_not_certain(tmp_path):
    cluster = Cluster("--api-listen", f"127.0.0.1:{free_port()}")
    cluster.apply(MANIFEST)
    cluster.eventually(lambda: len(cluster.dig(fqdn("web")).records) == 3, "three pods")
    cluster.kill()
    remote = Remote(cluster.kubeconfig, tmp_path)
    try:
        assert remote.dig(fqdn("web")).rcode == "SERVFAIL"
        assert remote.http("/ready")[0] == 503
        assert remote.metric("headlessd_data_synced") == 0
        cluster.start()
        cluster.eventually(lambda: len(remote.dig(fqdn("web")).records) == 3, "the pods")
        cluster.eventually(lambda: remote.http("/ready")[0] == 200, "ready")
        assert remote.dig(fqdn("gone")).rcode == "NXDOMAIN"
    finally:
        assert remote.stop() == 0
        cluster.stop()


def refused(*options):
    process = subprocess.run([HEADLESSD, "dns", *options], capture_output=True, text=True,
                             timeout=DEADLINE, check=False)
    assert process.stdout == ""
    return process.returncode, process.stderr.strip()


def test_bad_input_is_one_line(pair, tmp_path):
    cluster, _ = pair
    absent = tmp_path / "absent"
    code, line = refused("--kubeconfig", str(absent))
    assert code == 1 and str(absent) in line and "\n" not in line
    bad = pathlib.Path(tmp_path / "bad")
    bad.write_text("current-context: x\n")
    code, line = refused("--kubeconfig", str(bad))
    assert code == 1 and 'contexts has no entry called "x"' in line and "\n" not in line
    bad.write_text(". {\n  kubernetes {\n    ttl 9999\n  }\n}\n")
    code, line = refused("--kubeconfig", cluster.kubeconfig, "--corefile", str(bad))
    assert code == 1 and f"{bad}:3: ttl" in line and "\n" not in line
    code, line = refused("--pods", "maybe")
    assert code == 2 and "--pods maybe" in line and "\n" not in line
    code, line = refused("--kubeconfig", cluster.kubeconfig, "--listen", cluster.ready["dns"],
                         "--metrics-listen", "127.0.0.1:0")
    assert code == 1 and cluster.ready["dns"] in line and "\n" not in line
