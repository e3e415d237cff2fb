# SPDX-License-Identifier: Apache-2.0
"""tools/lint bites: a small tree that is clean, and each rule broken once in it."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest

LINT = pathlib.Path(__file__).resolve().parent.parent.parent / "tools/lint"
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HEADER = SPDX + "#pragma once\n\n"
THING_H = HEADER + "int thing_add(int a, int b);\n"
THING_C = SPDX + """#include "base/thing.h"

int thing_add(int a, int b)
{
	return a + b;
}
"""
USER_C = SPDX + '#include "base/thing.h"\n'


class Tree:
    """What tools/lint looks at: layers, sources, and a build that names each source."""

    def __init__(self, root):
        self.root = root
        (root / "tools").mkdir()
        shutil.copy(LINT, root / "tools/lint")
        shutil.copy(LINT.parent.parent / ".clang-format", root / ".clang-format")
        self.write("tools/layers.txt", "base:\nloop: base\n")
        self.write("src/base/thing.h", THING_H)
        self.write("src/base/thing.c", THING_C)
        self.write("src/loop/user.c", USER_C)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def lint(self, unbuilt=(), flags=""):
        build = self.root / "build"
        build.mkdir(exist_ok=True)
        database = [{"file": str(path), "command": f"cc -I../src {flags} -o x.o -c {path}"}
                    for path in sorted(self.root.glob("src/**/*.c")) if path.name not in unbuilt]
        (build / "compile_commands.json").write_text(json.dumps(database))
        return subprocess.run([self.root / "tools/lint", "build"], capture_output=True, text=True,
                              cwd=self.root, check=False)

    def complaints(self, **how):
        result = self.lint(**how)
        assert result.returncode == 1, result.stdout + result.stderr
        return result.stdout


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


def test_a_tree_that_keeps_the_rules_is_clean(tree):
    tree.write("src/base/thread.c", SPDX + "#include <pthread.h>\n\nextern pthread_mutex_t lock;\n")
    tree.write("src/base/comment.c", SPDX + "/* pthread_create() is elsewhere. */\n"
               'extern const char *const url;\nconst char *const url = "https://x"; /* if (x) y; */\n')
    tree.write("src/base/said.c", SPDX + '/*\n#include "loop/loop.h"\n*/\n')
    tree.write("src/base/fine.c", SPDX + """
int f(int x);

#if 1 /* if (x) y; */
#define TWICE(x) ((x)*2)
#else
#define TWICE(x) 0
#endif

int f(int x)
{
	const char *text = "if (x) y; else z";

	do {
		x = TWICE(x) + text[0];
	} while (x < 9);
	if (x == 10) {
		return ')';
	} else if (x == 11) {
		return '(';
	} else {
		return x;
	}
}
""")
    tree.write("tools/good", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\necho\n").chmod(0o755)
    result = tree.lint()
    assert (result.returncode, result.stdout) == (0, "lint: clean\n")


def test_includes_follow_the_law(tree):
    tree.write("src/loop/loop.h", HEADER)
    tree.write("src/base/up.c", SPDX + '#include "loop/loop.h"\n')
    tree.write("src/base/near.c", SPDX + '#include "thing.h"\n')
    tree.write("src/base/sharp.c", SPDX + "#include <base/thing.h>\n")
    tree.write("src/other/alone.c", SPDX)
    output = tree.complaints()
    assert 'src/base/up.c: layer base may not include "loop/loop.h"' in output
    assert "src/base/near.c: includes thing.h" in output
    assert "src/base/sharp.c: includes base/thing.h" in output
    assert "src/other/alone.c: folder is not in tools/layers.txt" in output


def test_cycles_are_found_in_the_law_and_in_the_tree(tree):
    tree.write("tools/layers.txt", "base: loop\nloop: base\n")
    assert "tools/layers.txt: cycle: base -> loop -> base" in tree.complaints()
    tree.write("tools/layers.txt", "base:\nbase/up.c: loop\nloop: base\n")
    tree.write("src/loop/loop.h", HEADER)
    tree.write("src/base/up.c", SPDX + '#include "loop/loop.h"\n')
    assert "src: cycle: base -> loop -> base" in tree.complaints()


def test_threads_meet_in_few_files(tree):
    for number, code in enumerate([
        "extern pthread_mutex_t lock;", "#include <stdatomic.h>", "#include <urcu-qsbr.h>",
        "extern _Atomic int count;", "#include <threads.h>",
        'extern const char *x; /* "*/ extern pthread_t y; /* " */',
    ]):
        tree.write(f"src/loop/loose{number}.c", SPDX + f"#include <sys/types.h>\n{code}\n")
    output = tree.complaints()
    for number in range(6):
        assert re.search(rf"loose{number}.c:3: .*threads meet in base/", output), output


def test_headers_compile_alone_and_say_once(tree):
    tree.write("src/base/needy.h", HEADER + "int needy(size_t n);\n")
    tree.write("src/base/twice.h", SPDX)
    output = tree.complaints()
    assert "src/base/needy.h:4: gcc:" in output
    assert "src/base/needy.h:4: clang:" in output
    assert "src/base/twice.h: no #pragma once" in output


def function(body, head="int f(int x)"):
    return SPDX + f"{head};\n\n{head}\n{{\n{body}}}\n"


def test_files_and_functions_stay_short_and_simple(tree):
    tree.write("src/base/lines.c", SPDX + "extern int x;\n" * 801)
    tree.write("src/base/long.c", function("\tx++;\n" * 58 + "\treturn x;\n"))
    tree.write("src/base/knot.c", function(
        "".join(f"\tif (x == {i}) {{\n\t\tx++;\n\t}}\n" for i in range(15)) + "\treturn x;\n"))
    tree.write("src/base/inner.h", HEADER + function(
        "".join(f"\tif (x == {i}) {{\n\t\tx++;\n\t}}\n" for i in range(15)) + "\treturn x;\n",
        "static inline int f(int x)")[len(SPDX):])
    output = tree.complaints()
    assert "src/base/lines.c: 802 lines, 800 are agreed" in output
    assert re.search(r"src/base/long.c:f: 6\d lines, 60 are agreed", output)
    assert "src/base/knot.c:f: complexity 16, 15 is agreed" in output
    assert "src/base/inner.h:f: complexity 16, 15 is agreed" in output
    tree.write("tools/lint-exceptions.txt",
               "src/base/knot.c:f\nsrc/base/thing.c:thing_add # is short\n")
    output = tree.complaints()
    assert "src/base/knot.c" not in output
    assert "src/base/thing.c:thing_add needs no exception any more" in output


def test_the_format_is_held(tree):
    tree.write("src/base/spaces.c", function("    return  x;\n"))
    tree.write("src/base/bare.c", function("\tif (x > 1)\n\t\treturn 1;\n\treturn x;\n"))
    tree.write("src/base/other.c", function(
        "\tif (x > 1) {\n\t\treturn 1;\n\t} else\n\t\treturn x;\n"))
    tree.write("src/base/wide.c", SPDX + "/* " + "wide " * 20 + "*/\n")
    output = tree.complaints()
    assert "src/base/spaces.c: format" in output
    assert "src/base/bare.c:6: braces always" in output
    assert "src/base/other.c:8: braces always" in output
    assert "src/base/wide.c:2: more than 100 columns" in output


def test_two_compilers_are_content(tree):
    tree.write("src/base/warn.c", function("\tint y;\n\n\treturn x;\n"))
    tree.write("src/base/maybe.c", function(
        "\tint y;\n\n\tif (x > 2) {\n\t\ty = g();\n\t}\n\tif (x < 9) {\n\t\treturn y;\n\t}\n"
        "\treturn 0;\n").replace("int f(int x);", "int g(void);\nint f(int x);"))
    output = tree.complaints()
    assert "src/base/warn.c:6: gcc: unused variable" in output.replace("'", "").replace("‘", "")
    assert "src/base/warn.c:6: clang: unused variable" in output
    assert "src/base/maybe.c:7: gcc:" in output


def test_a_targets_own_flags_count(tree):
    tree.write("src/base/wire.c", function("\tlong y = x;\n\n\treturn y;\n"))
    assert tree.lint().returncode == 0
    assert "src/base/wire.c:8: gcc: conversion" in tree.complaints(flags="-Wconversion")
    tree.write("src/base/version.c", SPDX + "extern const char *const version;\n"
               "const char *const version = VERSION;\n")
    assert "src/base/version.c:3: gcc:" in tree.complaints()
    assert "version.c" not in tree.lint(flags="'-DVERSION=\"0 1\"'").stdout


def test_scripts_are_well_formed(tree):
    tree.write("tools/bad.py", "# SPDX-License-Identifier: Apache-2.0\ndef f(:\n")
    head = "# SPDX-License-Identifier: Apache-2.0\n"
    tree.write("tools/bad", "#!/bin/sh\n" + head + "if true; then\n").chmod(0o755)
    tree.write(".ci/bad", "#!/bin/bash\n" + head + "x=(1\n").chmod(0o755)
    tree.write("tools/idle", "#!/bin/sh\n" + head)
    output = tree.complaints()
    assert "tools/bad.py:2: Python:" in output
    assert "tools/bad: sh:" in output
    assert ".ci/bad: bash:" in output
    assert "tools/idle: starts with #! but is not executable" in output


def test_licences_names_and_paths(tree):
    tree.write("src/base/utils.c", SPDX)
    tree.write("src/base/orphan.c", SPDX)
    tree.write("src/base/free.c", "extern int x;\n")
    tree.write("src/base/meson.build", "\n")
    tree.write("docs/how.md", "Look into /" + "home/somebody/x.\n")
    output = tree.complaints(unbuilt={"orphan.c"})
    assert "src/base/utils.c: a file is named for its one idea" in output
    assert "src/base/orphan.c: no meson.build names it" in output
    assert "src/base/free.c: no SPDX line" in output
    assert "src/base/meson.build: no SPDX line" in output
    assert "docs/how.md:1: a path of somebody's machine" in output
