#!/usr/bin/env python3
"""Checks who includes whom: every room of the house may see the rooms listed for it below, and no other.

    scripts/check_includes.py [ROOT]      checks the tree, prints one line for each wrong include, exits 1 if there is one
    scripts/check_includes.py --self-test plants wrong includes in a tree of its own and checks that each is caught
"""

import re
import sys
import tempfile
from pathlib import Path

# The operator, in the order in which its rooms may see each other. `include` is what callers read.
OPERATOR = {
    "include/alng": (),
    "src/problem": ("include/alng",),
    "src/order": (),
    "src/plan": ("include/alng", "src/problem", "src/order"),
    "src/reference": ("include/alng", "src/problem", "src/order", "src/plan"),
    "src/cpu": ("include/alng", "src/problem", "src/order", "src/plan"),
    "src/cuda": ("include/alng", "src/problem", "src/order", "src/plan"),
    "src/doors": ("include/alng", "src/problem", "src/order", "src/plan", "src/reference", "src/cpu", "src/cuda"),
}

TOOLS = {
    "tools/alng/terminal": (),
    "tools/alng/files": ("include/alng", "tools/alng/terminal"),
    "tools/alng/judge": ("include/alng", "tools/alng/terminal", "tools/alng/files"),
    "tools/alng/commands": (
        "include/alng",
        "tools/alng/terminal",
        "tools/alng/files",
        "tools/alng/judge",
        "tools/alng",
        "bench/measuring",
    ),
    "tools/alng": ("include/alng", "tools/alng/terminal", "tools/alng/files", "tools/alng/commands"),
}

# Everything around it sees the public interface. Tests may also see the rooms they test from inside.
HOUSE = {
    **OPERATOR,
    # The command line, in the order in which its rooms may see each other. What `alng bench` runs is in bench/.
    **TOOLS,
    "bench/yardsticks": ("include/alng",),
    "bench/measuring": (
        "include/alng",
        "cann/include",
        "ascend/twin",
        "tools/alng/terminal",
        "tools/alng/judge",
        "bench/yardsticks",
    ),
    "python": ("include/alng",),
    "bench": ("include/alng", "tests/cases", "bench/yardsticks"),
    "examples": ("include/alng", "cann/include", "ascend/op_graph"),
    "fuzz": ("include/alng", "cann/include", *TOOLS, "tests/cases", "ascend/op_graph"),
    "tests": ("include/alng", "cann/include", "src/problem", *TOOLS, "tests/cases", "ascend/op_graph"),
    "tests/cases": ("include/alng",),
    # Builds libalng_cuda.so with GPUs and kernels of its own.
    "tests/cuda_door": ("include/alng", "src/problem", "src/plan", "src/cuda", *TOOLS, "tests", "tests/cases"),
    "tests/cuda": ("include/alng", "src/problem", "src/order", "src/plan", "src/cuda", "tests", "tests/cases"),
    "ascend/tests": (
        "include/alng",
        "cann/include",
        "src/problem",
        *TOOLS,
        "tests",
        "cann/tests",
        "tests/cases",
        "ascend",
        "ascend/twin",
    ),
    "cann/tests": (
        "include/alng",
        "cann/include",
        "cann",
        "src/problem",
        *TOOLS,
        "tests",
        "tests/cases",
        "ascend/op_graph",
    ),
    # What callers see of CANN's stand-in knows nothing of alng; what is behind it calls alng like anybody else.
    "cann/include": (),
    "cann": ("include/alng", "cann/include"),
    # Compiled by CANN, where alng is not.
    "ascend": (),
    # Includes the graph engine's headers without knowing whose they are.
    "ascend/op_graph": ("cann/include",),
    "ascend/twin": ("include/alng", "src/problem", "src/plan", "ascend"),
}

# Where the compiler looks for a quoted name that is not beside the file.
SEARCH = (
    "include",
    "src",
    "tools/alng",
    "cann/include",
    "cann",
    "tests",
    "ascend",
    "ascend/twin",
    "ascend/twin/include",
    "cann/include/graph",
    "cann/include/ge",
    "bench",
    "",
)

# CANN's header, which the twin has too: the kernel includes it without knowing whose it is.
CANN_HEADERS = {"kernel_operator.h"}

# Libraries of others, and the rooms that may use them.
LIBRARIES = {
    r"hwy/": ("src/cpu",),
    r"(oneapi/)?tbb/": ("tools", "bench"),
    r"(CLI/|fmt/|nlohmann/)": ("tools", "bench/measuring", "tests", "ascend/tests", "fuzz"),
    r"(gtest|gmock|rapidcheck)[/.]": ("tests", "cann/tests", "ascend/tests"),
    r"cuda": ("src/cuda", "tests", "bench", "tools"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = {".h", ".hpp", ".c", ".cc", ".cpp", ".cu", ".cuh"}


def room_of(path):
    """The longest room that `path`, relative to the root, is in; None outside all rooms."""
    found = [room for room in HOUSE if path.as_posix().startswith(room + "/")]
    return max(found, key=len, default=None)


def target_of(root, file, name):
    """The file of this tree that `name` means in `file`, relative to the root; None where it is not of this tree."""
    for folder in (file.parent, *(root / s for s in SEARCH)):
        candidate = (folder / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate.relative_to(root)
    return None


def judge(root, file, quote, name):
    """Why this include is wrong, or None."""
    room = room_of(file.relative_to(root))
    if room == "ascend" and name in CANN_HEADERS:
        return None
    target = target_of(root, file, name)
    if target is not None:
        seen = room_of(target)
        if seen is None:
            return f"{target} is in no room that may be included"
        if seen != room and seen not in HOUSE[room]:
            return f"{room} must not see {seen}; it may see: {', '.join(HOUSE[room]) or 'itself only'}"
        return None
    for library, rooms in LIBRARIES.items():
        if re.match(library, name):
            if any(room == r or room.startswith(r + "/") for r in rooms):
                return None
            return f"{name} is used in {', '.join(rooms)} only"
    if quote == '"' and not room.startswith("ascend"):
        return f"there is no {name} in this tree"
    return None


def check(root):
    """All wrong includes under `root`, as lines; and how many includes were read."""
    root = root.resolve()
    wrong, read = [], 0
    for top in sorted({room.split("/")[0] for room in HOUSE}):
        for file in sorted(p for p in (root / top).rglob("*") if p.suffix in SOURCES):
            where = file.relative_to(root)
            if room_of(where) is None:
                wrong.append(f"{where}: is in no room of the house; scripts/check_includes.py lists them")
                continue
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if match := INCLUDE.match(line):
                    read += 1
                    if reason := judge(root, file, *match.groups()):
                        wrong.append(f"{where}:{number}: {line.strip()}: {reason}")
    return wrong, read


# file, include, whether it is right.
PLANTS = [
    ("include/alng/a.hpp", '"alng/b.hpp"', True),
    ("include/alng/a.hpp", "<alng/b.hpp>", True),
    ("include/alng/a.hpp", '"problem/b.h"', False),
    ("include/alng/a.hpp", '"../../src/problem/b.h"', False),
    ("include/alng/a.hpp", "<hwy/highway.h>", False),
    ("src/problem/a.cc", '"alng/b.hpp"', True),
    ("src/problem/a.cc", '"b.h"', True),
    ("src/problem/a.cc", '"plan/b.h"', False),
    ("src/cpu/a.cc", "<tbb/parallel_for.h>", False),
    ("src/plan/a.cc", '"problem/b.h"', True),
    ("src/plan/a.cc", '"cpu/b.h"', False),
    ("src/reference/a.cc", '"plan/b.h"', True),
    ("src/reference/a.cc", '"cpu/b.h"', False),
    ("src/cpu/a.cc", '"reference/b.h"', False),
    ("src/cpu/a.cc", '"cuda/b.h"', False),
    ("src/cpu/a.cc", '"hwy/highway.h"', True),
    ("src/cpu/a.cc", "<vector>", True),
    ("src/cpu/a.cc", '"nowhere.h"', False),
    ("src/cuda/a.cu", '"cpu/b.h"', False),
    ("src/doors/a.cc", '"cpu/b.h"', True),
    ("src/doors/a.cc", '"tools/alng/b.h"', False),
    ("src/kitchen/a.cc", "<vector>", False),
    ("tools/alng/a.cc", '"alng/b.hpp"', True),
    ("tools/alng/a.cc", '"problem/b.h"', False),
    ("tools/alng/a.cc", "<CLI/CLI.hpp>", True),
    ("src/doors/a.cc", "<fmt/format.h>", False),
    ("bench/a.cc", '"reference/b.h"', False),
    ("examples/a.cc", '"problem/b.h"', False),
    ("fuzz/a.cc", '"tools/alng/b.h"', True),
    ("tests/operator/a.cc", '"problem/b.h"', True),
    ("tests/operator/a.cc", '"cpu/b.h"', False),
    ("tests/operator/a.cc", '"cuda/b.h"', False),
    ("tests/cuda/a.cc", '"cuda/b.h"', True),
    ("tests/cuda/a.cc", '"cpu/b.h"', False),
    ("tests/operator/a.cc", '"cases/b.h"', True),
    ("src/cpu/a.cc", '"tests/cases/b.h"', False),
    ("cann/runtime/a.cc", '"alng/b.hpp"', True),
    ("cann/runtime/a.cc", '"acl/b.h"', True),
    ("cann/runtime/a.cc", '"plan/b.h"', False),
    ("cann/include/acl/a.h", '"alng/b.hpp"', False),
    ("cann/include/acl/a.h", '"cann/runtime/b.h"', False),
    ("cann/aclnn/a.cc", '"runtime/b.h"', True),
    ("cann/aclnn/a.cc", '"runtime/nowhere.h"', False),
    ("bench/measuring/a.cc", '"acl/b.h"', True),
    ("tools/alng/a.cc", '"acl/b.h"', False),
    ("tools/alng/files/a.cc", '"terminal/b.h"', True),
    ("tools/alng/files/a.cc", '"judge/b.h"', False),
    ("tools/alng/files/a.cc", '"commands/b.h"', False),
    ("tools/alng/judge/a.cc", '"files/b.h"', True),
    ("tools/alng/judge/a.cc", '"commands/b.h"', False),
    ("tools/alng/terminal/a.cc", '"files/b.h"', False),
    ("tools/alng/commands/a.cc", '"judge/b.h"', True),
    ("tools/alng/commands/a.cc", '"measuring/b.h"', True),
    ("tools/alng/judge/a.cc", '"measuring/b.h"', False),
    ("bench/measuring/a.cc", '"judge/b.h"', True),
    ("bench/measuring/a.cc", '"commands/b.h"', False),
    ("tests/operator/a.cc", '"acl/b.h"', True),
    ("tests/operator/a.cc", '"runtime/b.h"', False),
    ("src/doors/a.cc", '"acl/b.h"', False),
    ("ascend/op_kernel/a.cc", '"alng/b.hpp"', False),
    ("ascend/op_kernel/a.cc", '"../op_host/b.h"', True),
    ("ascend/op_kernel/a.cc", '"kernel_operator.h"', True),
    ("ascend/op_kernel/a.cc", '"machine/b.h"', False),
    ("ascend/op_graph/a.h", '"acl/b.h"', True),
    ("ascend/op_graph/a.h", '"alng/b.hpp"', False),
    ("ascend/op_graph/a.h", '"../op_host/b.h"', False),
    ("ascend/twin/a.cc", '"plan/b.h"', True),
    ("ascend/twin/a.cc", '"op_host/b.h"', True),
    ("ascend/tests/a.cc", '"machine/b.h"', True),
    ("ascend/tests/a.cc", '"kernel_operator.h"', True),
    ("tests/operator/a.cc", '"machine/b.h"', False),
    ("bench/measuring/a.cc", '"ascend/twin/machine/b.h"', True),
    ("bench/measuring/a.cc", '"ascend/op_host/b.h"', False),
    ("src/plan/a.cc", '"machine/b.h"', False),
    ("ascend/twin/a.cc", '"cpu/b.h"', False),
]


def self_test():
    """Every plant in a tree of its own, where each room has a header b.h to be included."""
    failed = 0
    for place, name, right in PLANTS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            headers = [f"{room}/b.h" for room in OPERATOR] + ["include/alng/b.hpp", "tests/cases/b.h", "bench/measuring/b.h"]
            headers += [f"{room}/b.h" for room in TOOLS]
            for header in headers + ["cann/include/acl/b.h", "cann/runtime/b.h", "ascend/op_host/b.h"] + [
                "ascend/twin/machine/b.h",
                "ascend/twin/include/kernel_operator.h",
                place,
            ]:
                (root / header).parent.mkdir(parents=True, exist_ok=True)
                (root / header).write_text("#pragma once\n")
            (root / place).write_text(f"#include {name}\n")
            wrong, read = check(root)
            in_no_room = room_of(Path(place)) is None
            if bool(wrong) == right or (read != 1 and not in_no_room):
                failed += 1
                print(f"self-test: {place} with #include {name} should be {'right' if right else 'wrong'}: {wrong}")
    print(f"check_includes: {len(PLANTS) - failed} passed, {failed} failed")
    return failed == 0


def main(arguments):
    if arguments == ["--self-test"]:
        return 0 if self_test() else 1
    if len(arguments) > 1 or (arguments and arguments[0].startswith("-")):
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(arguments[0]) if arguments else Path(__file__).parent.parent
    wrong, read = check(root)
    for line in wrong:
        print(line)
    if read == 0:
        print(f"{root}: no include found: this is not the project's tree", file=sys.stderr)
        return 2
    print(f"{read} includes, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
