#!/usr/bin/env python3
"""Checks what nvcc made of the kernels in libalng_cuda.so: nothing contracted, nothing approximate, no spills but known ones.

    scripts/check_sass.py LIBRARY [--tools DIR]  cuobjdump and nvdisasm are in DIR, else on the PATH. One line for each kernel
                                                 that is not as EXPECTED has it, exits 1 if there is one
    scripts/check_sass.py --self-test            plants faults in listings and checks that each is found

In the PTX every operation on float32 must be one that rounds to nearest and no other (contraction takes `mul.f32` and
`add.f32`, never `mul.rn.f32`), with denormals. In the SASS of every architecture the FFMA are counted: those that are
written, 3 for each element of a gradient and 1 of a forward, and those of divisions and square roots.
"""

import collections
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

# By kernel: how many FFMA it may have.
EXPECTED = {
    "row_pass": {48, 64},
    # 2 for each of 16 elements, and 1 for each column of a thread, in 4 rows, in 2 and in 1.
    "narrow_row_pass": {32 + 7 * columns for columns in (1, 2, 4)},
    "long_rows": {48},
    "row_sums": {0},
    "row_means": {0},
    "column_pass": {0},
    "forward_row_pass": {31},
    "forward_long_rows": {16},
    "empty_statistics": {0},
}
# The most spill instructions (STL and LDL), by architecture, kernel and access; none where no line fits. So there are none in
# what is planned for rows of up to 65,536 columns on sm_80 to sm_100, unless a later GPU is told to be an A100.
MOST_SPILLS = [
    (r"sm_90 row_pass own", 2),
    (r"sm_100 row_pass own", 20),
    (r"sm_120 row_pass ", 35),
]
ACCESS = ("bulk", "own", "runs", "plain")
ARITHMETIC = re.compile(r"^(?:@!?%p\d+ )?((?:add|sub|mul|fma|mad|div|rcp|sqrt|rsqrt|ex2|lg2|sin|cos|tanh)\.[a-z0-9.]*f(?:32|16)\S*)")
EXACT = {f"{operation}.rn.f32" for operation in ("add", "sub", "mul", "fma", "div", "rcp", "sqrt")}
SASS = re.compile(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+ )?([A-Z0-9_]+)")


def family(symbol):
    """row_pass of _ZN4alng4impl4cuda8row_passINS1_7Float32ELN...: the last plain name before template arguments."""
    names, at = [], 3 if symbol.startswith("_ZN") else 0
    while match := re.match(r"(\d+)", symbol[at:]):
        at += len(match[1])
        names.append(symbol[at : at + int(match[1])])
        at += int(match[1])
    return names[-1] if names else symbol


def wrong_ptx(lines):
    """Lines about float32 operations of the PTX that are not exact."""
    kernel, found = "", set()
    for line in lines:
        if match := re.search(r"\.entry (\w+)", line):
            kernel = match[1]
        elif (match := ARITHMETIC.match(line)) and match[1] not in EXACT:
            found.add(f"PTX: {family(kernel)}: {match[1]} is none of the operations that round to nearest alone")
    return sorted(found)


def counts(lines):
    """By (architecture, kernel): how often each operation is there."""
    architecture, kernel, found = "", None, {}
    for line in lines:
        if match := re.match(r"arch = (\w+)", line):
            architecture = match[1]
        elif match := re.search(r"Function : (\w+)", line):
            kernel = found.setdefault((architecture, match[1]), collections.Counter())
        elif kernel is not None and (match := SASS.match(line)):
            kernel[match[1]] += 1
    return found


def wrong_sass(found):
    wrong = []
    for (architecture, symbol), count in sorted(found.items()):
        name = f"{architecture}: {symbol}"
        if family(symbol) not in EXPECTED:
            wrong.append(f"{name}: is not in EXPECTED of scripts/check_sass.py")
            continue
        access = re.search(r"AccessE(\d)", symbol)
        empty = access is not None and ACCESS[int(access[1])] == "bulk" and int(architecture[3:]) < 90
        ffma = {0} if empty else EXPECTED[family(symbol)]
        kernel = f"{architecture} {family(symbol)} {ACCESS[int(access[1])] if access else ''}"
        most_spills = next((most for pattern, most in MOST_SPILLS if re.match(pattern, kernel)), 0)
        spills = count["STL"] + count["LDL"]
        if count["FFMA"] not in ffma:
            wrong.append(f"{name}: {count['FFMA']} FFMA, expected {' or '.join(map(str, sorted(ffma)))}")
        if count["FFMA2"]:
            wrong.append(f"{name}: {count['FFMA2']} FFMA2, expected none")
        if spills > most_spills:
            wrong.append(f"{name}: {spills} spill instructions, expected at most {most_spills}")
    return wrong


def check(library, tools):
    environment = os.environ | {"PATH": os.pathsep.join([*tools, os.environ["PATH"]])}
    program = shutil.which("cuobjdump", path=environment["PATH"])
    if program is None:
        print("check_sass.py: there is no cuobjdump: PyPI has it as nvidia-cuda-cuobjdump, and nvidia-cuda-nvdisasm")
        return 2

    def listing(option):
        with subprocess.Popen([program, option, library], stdout=subprocess.PIPE, text=True, env=environment) as process:
            yield from process.stdout
        if process.returncode != 0:
            raise RuntimeError(f"cuobjdump {option} {library} failed")

    found = counts(listing("-sass"))
    wrong = wrong_ptx(listing("-ptx")) + wrong_sass(found)
    for line in wrong:
        print(line)
    architectures = sorted({architecture for architecture, _ in found})
    if not found:
        print(f"{library}: no kernels found")
        return 2
    spilling = sum(1 for count in found.values() if count["STL"] + count["LDL"])
    print(f"{len(found)} kernels of {', '.join(architectures)}, {spilling} with spills, {len(wrong)} wrong")
    return 1 if wrong else 0


def self_test():
    symbol = "_ZN4alng4impl4cuda8row_passINS1_7Float32ELNS1_6AccessE2ELi16EEEvNS1_7GradE"
    own = symbol.replace("AccessE2", "AccessE1")
    ptx = [f".visible .entry {symbol}(", "mul.rn.f32 %f1, %f2, %f3;", "@%p3 fma.rn.f32 %f1, %f2, %f3, %f4;"]

    def sass(ffma, spills=0, name=symbol, architecture="sm_90"):
        line = "        /*0a10*/                   {} R1, R2, R3 ;"
        operations = ["FFMA.FTZ" if i % 2 else "@!P0 FFMA" for i in range(ffma)] + ["STL"] * spills
        return [f"arch = {architecture}", f"\t\tFunction : {name}", *(line.format(o) for o in operations)]

    plants = [
        ("exact PTX", wrong_ptx(ptx), False),
        ("plain mul", wrong_ptx([*ptx, "mul.f32 %f1, %f2, %f3;"]), True),
        ("flush to zero", wrong_ptx([*ptx, "add.rn.ftz.f32 %f1, %f2, %f3;"]), True),
        ("approximation", wrong_ptx([*ptx, "@!%p1 rsqrt.approx.f32 %f1, %f2;"]), True),
        ("mad", wrong_ptx([*ptx, "mad.rn.f32 %f1, %f2, %f3, %f4;"]), True),
        ("right SASS", wrong_sass(counts(sass(48))), False),
        ("contraction", wrong_sass(counts(sass(80))), True),
        ("a lost FFMA", wrong_sass(counts(sass(47))), True),
        ("spills within what is known", wrong_sass(counts(sass(48, 20, own, "sm_100"))), False),
        ("more spills", wrong_sass(counts(sass(48, 21, own, "sm_100"))), True),
        ("an older machine's bulk copies", wrong_sass(counts(sass(48, 0, symbol.replace("AccessE2", "AccessE0"), "sm_80"))), True),
        ("nothing in their place", wrong_sass(counts(sass(0, 0, symbol.replace("AccessE2", "AccessE0"), "sm_80"))), False),
        ("spills where there were none", wrong_sass(counts(sass(48, 1, symbol.replace("AccessE2", "AccessE0")))), True),
        ("an unknown kernel", wrong_sass(counts(sass(0, 0, "_ZN4alng4impl4cuda7anotherEv"))), True),
    ]
    failed = 0
    for name, wrong, should_be in plants:
        if bool(wrong) != should_be:
            failed += 1
            print(f"self-test: {name}: {wrong}")
    print(f"check_sass: {len(plants) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    tools = [arguments.pop(i + 1) for i in range(len(arguments) - 1, -1, -1) if arguments[i] == "--tools"]
    arguments = [a for a in arguments if a != "--tools"]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    return check(str(Path(arguments[0])), tools)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
