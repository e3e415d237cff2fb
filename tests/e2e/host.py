# SPDX-License-Identifier: Apache-2.0
"""A machine of the test's own: processes, mounts and network are apart from everything else, and all of
it is gone when the test ends, however it ends.

What runs on it may route, bridge and filter, and bind any address: no packet leaves it. Only root can
make one."""

import concurrent.futures
import contextlib
import ctypes
import os
import pathlib
import select
import shutil
import subprocess
import tempfile

import pytest

# What programs of a node write outside of directories that they are told, as fresh ones.
OWN_DIRECTORIES = ["/run", "/var/log", "/var/lib/cni"]
CLONE_NEWNET = 0x40000000
NODE_PROGRAMS = ["containerd", "runc", "nft", "ip", "unshare", "nsenter"]

BOOT = """
set -e
hostname "$1"
shift
mount --make-rprivate /
for directory in "$@"; do mkdir -p "$directory"; mount -t tmpfs none "$directory"; done
ip link set lo up
echo booted
exec sleep infinity
"""


def why_no_host():
    """Why there can be no such machine here; None when there can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [program for program in NODE_PROGRAMS if shutil.which(program) is None]
    return f"needs {' '.join(missing)}" if missing else None


needs_host = pytest.mark.skipif(why_no_host() is not None, reason=str(why_no_host()))


class Host:
    def __init__(self, name="node01"):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headlessd-host-"))
        # The first process of a PID namespace takes all others with it.
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--uts", "--ipc",
             "--fork", "--kill-child", "--mount-proc", "sh", "-c", BOOT, "boot", name, *OWN_DIRECTORIES],
            stdout=subprocess.PIPE, text=True)
        line = self.holder.stdout.readline()
        assert line == "booted\n", f"no machine of our own: {line!r}"
        self.pid = self.pid_of(self.holder)

    @staticmethod
    def pid_of(process):
        """The PID of the command that an `unshare` or `nsenter` of ours has started and waits for."""
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        return int(children.read_text().split()[0])

    @property
    def enter(self):
        """The words before a command that runs on this machine."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", "--pid", "--uts", "--ipc", "--"]

    def run(self, *words, check=True, timeout=60, **more):
        process = subprocess.run([*self.enter, *words], capture_output=True, text=True,
                                 timeout=timeout, check=False, **more)
        if check:
            assert process.returncode == 0, f"{' '.join(words)}: {process.stderr}"
        return process

    def popen(self, *words, **more):
        return subprocess.Popen([*self.enter, *words], **more)

    def call(self, function, *arguments, **named):
        """Runs a function of this process in the machine's network: sockets that it makes are there."""
        def inside():
            with open(f"/proc/{self.pid}/ns/net", encoding="ascii") as namespace:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            return function(*arguments, **named)

        # The thread ends with the call and takes its network along.
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(inside).result()

    def stop(self):
        first = os.pidfd_open(self.pid)
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()
        # Its processes are gone when the first of them is.
        select.select([first], [], [], 60)
        os.close(first)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.directory)
