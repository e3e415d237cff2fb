# SPDX-License-Identifier: Apache-2.0
"""The labs of the seeds on real containers: what the seeds' readers type inside their pods."""

import re
import subprocess
import urllib.request

import pytest

from conftest import ROOT, Cluster
from host import Host, needs_host

pytestmark = needs_host
DNS = "10.96.0.10"
MINUTES = 180

# The world outside: one DNS server, which knows one address.
OUTSIDE = """
import socket
import dns.message, dns.rdatatype, dns.rrset
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    packet, client = server.recvfrom(4096)
    query = dns.message.from_wire(packet)
    answer = dns.message.make_response(query)
    if query.question[0].rdtype == dns.rdatatype.A:
        answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.80"))
    server.sendto(answer.to_wire(), client)
"""


@pytest.fixture(scope="module")
def lab():
    host = Host()
    # An address of the machine itself, on a link that leads nowhere.
    host.run("sh", "-c", "ip link add outside type bridge && ip addr add 192.0.2.1/24 dev outside && "
             "ip link set outside up")
    outside = host.popen("/usr/bin/python3", "-c", OUTSIDE, stdout=subprocess.PIPE, text=True)
    port = outside.stdout.readline().strip()
    one = Cluster("--node", "containerd", "--upstream", f"127.0.0.1:{port}",
                  data_dir=str(host.directory / "data"), host=host)
    socket = host.run("sh", "-c", "ls /run/headlessd/*/containerd.sock").stdout.strip()
    host.run(str(ROOT / "tools/demo-images"), "--address", socket, timeout=MINUTES)
    yield one
    one.stop()
    host.stop()
    outside.stdout.close()
    outside.wait()


def typed(lab, *lines, image, name, command=()):
    """What `kubectl run -it --rm` shows of a shell in which these lines are typed."""
    words = [lab.kubectl_program, "run", "-i", "--rm", name, f"--image={image}", "--restart=Never", *command]
    process = lab.host.popen(*words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env=lab.environment())
    out, err = process.communicate("".join(line + "\n" for line in lines) + "exit 0\n", MINUTES)
    assert process.returncode == 0, err
    return out


def addresses(lab, label):
    return {pod["status"]["podIP"] for pod in lab.get("pods", "-l", label)["items"]}


def test_first_seed_pods_are_named_one_by_one(lab):
    lab.apply("headless-with-selector.yaml")
    lab.apply("nodeport-beside-headless.yaml")
    lab.kubectl("rollout", "status", "deployment/nginx", f"--timeout={MINUTES}s", timeout=MINUTES)
    pods = addresses(lab, "app=nginx")
    out = typed(lab, "nslookup demo-headless-svc", "curl -s http://demo-headless-svc",
                "curl -s http://demo-nodeport-svc:8080", image="giantswarm/tiny-tools",
                name="dns-test")
    assert re.search(rf"Server:\s+{DNS}\n", out)
    assert f"{DNS}#53" in out
    named = re.findall(
        r"Name:\s+demo-headless-svc\.default\.svc\.cluster\.local\nAddress: (\S+)", out)
    assert set(named) == pods and len(named) == 2
    assert len(re.findall(r"^<h1>node01:nginx-\S+ - .*</h1>$", out, re.M)) == 2, out
    # The next lab has pods with the same labels.
    lab.kubectl("delete", "deployment/nginx", "svc/demo-headless-svc", "svc/demo-nodeport-svc")
    lab.eventually(lambda: not addresses(lab, "app=nginx"))


def test_first_seed_another_name_for_a_name_outside(lab):
    lab.apply("externalname.yaml")
    out = typed(lab, "nslookup demo-dns-cname-extralname", image="giantswarm/tiny-tools",
                name="dns-teset")
    name = "demo-dns-cname-extralname.default.svc.cluster.local"
    assert re.search(rf"{re.escape(name)}\s+canonical name = worldtimeapi\.org\.", out), out
    assert re.search(r"Name:\s+worldtimeapi\.org\nAddress: 192\.0\.2\.80", out), out


def test_second_seed_names_beside_addresses(lab):
    lab.apply("statefulset.yaml")
    lab.kubectl("rollout", "status", "statefulset/web", f"--timeout={MINUTES}s", timeout=MINUTES)
    out = typed(lab, "nslookup nginx-headless", "wget -qO- web-0.nginx-headless", image="busybox:1.28",
                name="test-pod", command=["--", "sh"])
    assert re.search(rf"Address 1: {DNS} kube-dns.kube-system.svc.cluster.local", out), out
    for i in range(3):
        address = lab.get("pod", f"web-{i}")["status"]["podIP"]
        name = f"web-{i}.nginx-headless.default.svc.cluster.local"
        assert re.search(rf"Address \d: {re.escape(address)} {re.escape(name)}\n", out), out
    assert "<html" in out.lower() or "<h1>" in out, out


def test_third_seed_a_port_is_forwarded_to_a_service(lab):
    lab.kubectl("create", "namespace", "demo")
    lab.kubectl("create", "deployment", "demo-api", "--image=nginx:alpine", "--port=80", "-n", "demo")
    lab.kubectl("expose", "deployment", "demo-api", "--port=80", "-n", "demo")
    lab.kubectl("rollout", "status", "deployment/demo-api", "-n", "demo", f"--timeout={MINUTES}s",
                timeout=MINUTES)
    with lab.kubectl_started("port-forward", "svc/demo-api", "8080:80", "-n", "demo") as lines:
        assert next(lines).startswith("Forwarding from 127.0.0.1:8080")
        page = lab.host.call(
            lambda: urllib.request.urlopen("http://127.0.0.1:8080/", timeout=60).read().decode())
    assert "<h1>" in page
    assert "demo-api" in lab.kubectl("get", "events", "-A").out


def test_files_are_copied_both_ways(lab, tmp_path):
    (tmp_path / "there").write_text("one\ntwo\n")
    lab.kubectl("cp", str(tmp_path / "there"), "web-0:/tmp/there")
    assert lab.kubectl("exec", "web-0", "--", "cat", "/tmp/there").out == "one\ntwo\n"
    lab.kubectl("cp", "web-0:/tmp/there", str(tmp_path / "back"))
    assert (tmp_path / "back").read_text() == "one\ntwo\n"
