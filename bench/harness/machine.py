# SPDX-License-Identifier: Apache-2.0
"""What the machine is, how busy others keep it, and the one setting of it that we change for a while."""

import contextlib
import os
import platform
import sys

AUTOGROUP = "/proc/sys/kernel/sched_autogroup_enabled"
TICKS = os.sysconf("SC_CLK_TCK")


def describe():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = " ".join(line.split(":", 1)[1].split())
                break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
    }


def busy_seconds():
    """What all cores together have worked so far."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


@contextlib.contextmanager
def without_autogroup():
    """Off while the block runs, then as it was.

    With it, each session gets an equal share of the cores however many of its threads are busy: a
    server that was started in a session of its own then looks twice as fast.
    """
    try:
        with open(AUTOGROUP, encoding="ascii") as file:
            before = file.read()
        with open(AUTOGROUP, "w", encoding="ascii") as file:
            file.write("0\n")
    except FileNotFoundError:  # a kernel without it
        before = None
    except PermissionError:
        before = None
        print("bench: only root can switch autogroup scheduling off; figures will be less even",
              file=sys.stderr)
    try:
        yield
    finally:
        if before is not None:
            with open(AUTOGROUP, "w", encoding="ascii") as file:
                file.write(before)
