# SPDX-License-Identifier: Apache-2.0
"""headlessd on a machine of its own, which the tests of real pods run on."""

import signal

from conftest import Cluster, fqdn
from host import Host, needs_host


@needs_host
def test_a_machine_of_its_own_serves_and_ends_with_all_that_runs_on_it():
    host = Host("node09")
    try:
        one = Cluster("--upstream", "127.0.0.1:9", host=host)
        one.apply("statefulset.yaml")
        one.kubectl("rollout", "status", "statefulset/web")
        assert len(one.dig(fqdn("nginx-headless")).records) == 3
        assert host.run("hostname").stdout == "node09\n"
        one.restart(signal.SIGKILL)
        assert len(one.dig(fqdn("nginx-headless")).records) == 3
        assert one.stop() == 0
        last = host.popen("sleep", "infinity")
    finally:
        host.stop()
    assert last.wait(60) != 0
