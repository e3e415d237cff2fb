# SPDX-License-Identifier: Apache-2.0
"""Every subcommand tells its options with --help, and its man page has just those."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADLESSD = os.environ.get("HEADLESSD", str(ROOT / "build/headlessd"))
MAN = ROOT / "docs/man"


def run(*words):
    return subprocess.run([HEADLESSD, *words], capture_output=True, text=True, timeout=30,
                          check=False)


def commands():
    """The subcommands, as --help lists them."""
    lines = run("--help").stdout.splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ")]


def plain(name):
    """A man page without what only troff needs."""
    return re.sub(r"\\f[A-Z]", "", (MAN / name).read_text()).replace("\\-", "-")


def options_of_page(page):
    """Options of the paragraphs in OPTIONS, by what stands at their head."""
    section = re.search(r"^\.SH OPTIONS\n(.*?)^\.SH ", page, re.M | re.S).group(1)
    heads = re.findall(r"^\.TP\n(\..*)$", section, re.M)
    return {option for head in heads for option in re.findall(r"--[a-z][a-z-]*", head)}


def options_of_help(text):
    return {option for line in text.splitlines() if line.startswith("  -")
            for option in re.findall(r"^  (?:-., )?(--[a-z][a-z-]*)", line)}


def test_there_are_commands():
    assert {"standalone", "dns", "explain", "peers", "version"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_help_and_man_page_agree(command):
    process = run(command, "--help")
    assert process.returncode == 0 and process.stderr == ""
    assert process.stdout.startswith(f"usage: headlessd {command}")
    assert f"\n.B {command}\n" in plain("headlessd.1")
    if command == "version":  # has no options but this one
        return
    name = f"headlessd-{command}.1"
    assert options_of_page(plain(name)) - {"--help"} == options_of_help(process.stdout) - {"--help"}
    assert f"docs/man/{name}" in (ROOT / "meson.build").read_text()
    assert f"headlessd-{command} (1)" in plain("headlessd.1")
