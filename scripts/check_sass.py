#!/usr/bin/env python3
"""Checks what nvcc made of the kernels in libalng_cuda.so: nothing contracted, nothing approximate, no spills but known ones.

    scripts/check_sass.py LIBRARY [--tools DIR]  cuobjdump and nvdisasm are in DIR, else on the PATH. One line for each kernel
                                                 that is not as EXPECTED has it, exits 1 if there is one
    scripts/check_sass.py --report LIBRARY [--tools DIR] [--alng PROGRAM]
                                                 the tables of docs/cuda.md: registers, instructions of the row loop, spills;
                                                 with the command line, which has to know cuda:model, also shared memory
    scripts/check_sass.py --self-test            plants faults in listings and checks that each is found

In the PTX every operation on float32 must be one that rounds to nearest and no other (contraction takes `mul.f32` and
`add.f32`, never `mul.rn.f32`), with denormals. In the SASS of every architecture the FFMA are counted: those that are
written, 3 for each element of a gradient and 1 of a forward, and those of divisions and square roots.
"""

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing

from sass_loops import row_loop

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
# what is planned on sm_80 to sm_100, unless a later GPU is told to be an A100.
MOST_SPILLS = [
    (r"sm_100 row_pass own", 20),
    (r"sm_120 row_pass ", 35),
]
ACCESS = ("bulk", "own", "runs", "plain")
ARITHMETIC = re.compile(r"^(?:@!?%p\d+ )?((?:add|sub|mul|fma|mad|div|rcp|sqrt|rsqrt|ex2|lg2|sin|cos|tanh)\.[a-z0-9.]*f(?:32|16)\S*)")
EXACT = {f"{operation}.rn.f32" for operation in ("add", "sub", "mul", "fma", "div", "rcp", "sqrt")}
SASS = re.compile(r"\s+/\*(?P<at>[0-9a-f]{4,})\*/\s+(?P<when>@!?U?P\w+ )?(?P<operation>[A-Z0-9_.]+)(?P<rest>[^;]*)")


class Instruction(typing.NamedTuple):
    at: int
    when: str | None  # the predicate it has
    operation: str  # with its modifiers
    rest: str

    @property
    def name(self):
        return self.operation.split(".")[0]

    @property
    def is_spill(self):
        return self.name in ("STL", "LDL")


def family(symbol):
    """row_pass of _ZN4alng4impl4cuda8row_passINS1_7Float32ELN...: the last plain name before template arguments."""
    names, at = [], 3 if symbol.startswith("_ZN") else 0
    while match := re.match(r"(\d+)", symbol[at:]):
        at += len(match[1])
        names.append(symbol[at : at + int(match[1])])
        at += int(match[1])
    return names[-1] if names else symbol


def access_of(symbol):
    match = re.search(r"AccessE(\d)", symbol)
    return ACCESS[int(match[1])] if match else ""


def wrong_ptx(lines):
    """Lines about float32 operations of the PTX that are not exact."""
    kernel, found = "", set()
    for line in lines:
        if match := re.search(r"\.entry (\w+)", line):
            kernel = match[1]
        elif (match := ARITHMETIC.match(line)) and match[1] not in EXACT:
            found.add(f"PTX: {family(kernel)}: {match[1]} is none of the operations that round to nearest alone")
    return sorted(found)


def kernels(lines):
    """Each (architecture, symbol, instructions) of a listing."""
    architecture, symbol, instructions = "", None, []
    for line in lines:
        if match := SASS.match(line):
            instructions.append(Instruction(int(match["at"], 16), match["when"], match["operation"], match["rest"]))
        elif match := re.match(r"arch = (\w+)|.*Function : (\w+)", line):
            if symbol is not None:
                yield architecture, symbol, instructions
            architecture, symbol, instructions = match[1] or architecture, match[2], []
    if symbol is not None:
        yield architecture, symbol, instructions


def counts(lines):
    """By (architecture, kernel): how often each operation is there."""
    return {(architecture, symbol): collections.Counter(i.name for i in instructions)
            for architecture, symbol, instructions in kernels(lines)}


def wrong_sass(found):
    wrong = []
    for (architecture, symbol), count in sorted(found.items()):
        name = f"{architecture}: {symbol}"
        if family(symbol) not in EXPECTED:
            wrong.append(f"{name}: is not in EXPECTED of scripts/check_sass.py")
            continue
        empty = access_of(symbol) == "bulk" and int(architecture[3:]) < 90
        ffma = {0} if empty else EXPECTED[family(symbol)]
        kernel = f"{architecture} {family(symbol)} {access_of(symbol)}"
        most_spills = next((most for pattern, most in MOST_SPILLS if re.match(pattern, kernel)), 0)
        spills = count["STL"] + count["LDL"]
        if count["FFMA"] not in ffma:
            wrong.append(f"{name}: {count['FFMA']} FFMA, expected {' or '.join(map(str, sorted(ffma)))}")
        if count["FFMA2"]:
            wrong.append(f"{name}: {count['FFMA2']} FFMA2, expected none")
        if spills > most_spills:
            wrong.append(f"{name}: {spills} spill instructions, expected at most {most_spills}")
    return wrong


def listing_of(library, tools):
    """A function from an option of cuobjdump to what it prints, or None where there is no cuobjdump."""
    environment = os.environ | {"PATH": os.pathsep.join([*tools, os.environ["PATH"]])}
    program = shutil.which("cuobjdump", path=environment["PATH"])
    if program is None:
        print("check_sass.py: there is no cuobjdump: PyPI has it as nvidia-cuda-cuobjdump, and nvidia-cuda-nvdisasm")
        return None

    def listing(option):
        with subprocess.Popen([program, option, library], stdout=subprocess.PIPE, text=True, env=environment) as process:
            yield from process.stdout
        if process.returncode != 0:
            raise RuntimeError(f"cuobjdump {option} {library} failed")

    return listing


def check(library, listing):
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


def registers(lines):
    """By (architecture, symbol)."""
    architecture, symbol, found = "", "", {}
    for line in lines:
        if match := re.match(r"arch = (\w+)|\s*Function (\w+):", line):
            architecture, symbol = match[1] or architecture, match[2]
        elif match := re.match(r"\s*REG:(\d+)", line):
            found[architecture, symbol] = int(match[1])
    return found


# What --report tells of: columns of rows, and what their kernels have as the most threads of a row.
REPORTED = [("up to 256", {4, 8, 16}), ("to 512", {32}), ("to 2048", {128}), ("to 4096", {256}), ("to 8192", {512}), ("to 65,536", {4096})]
SHOWN_COLUMNS = (64, 256, 512, 1024, 1600, 4096, 8192, 16384)
# And the most warps of a multiprocessor.
ARCHITECTURES = {"sm_80": 64, "sm_90": 64, "sm_100": 64, "sm_120": 48}


def table(head, lines):
    return "\n".join(["| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines]]) + "\n"


def span(values, unit=""):
    low, high = min(values), max(values)
    return (f"{low:g}" if low == high else f"{low:g}-{high:g}") + unit


def report(listing):
    """Registers and instructions of the kernels that are planned for rows that lie on 16 bytes, and every spill."""
    of_kernel = registers(listing("-res-usage"))
    seen, spilling = collections.defaultdict(lambda: (set(), set())), []
    for architecture, symbol, instructions in kernels(listing("-sass")):
        access, threads = access_of(symbol), int((re.search(r"AccessE\dELi(\d+)", symbol) or [0, 0])[1])
        everything, way = row_loop(instructions) or ([], [])
        spills = [sum(i.is_spill for i in some) for some in (instructions, everything, way)]
        if spills[0]:
            dtype = re.search("BFloat16|Float16|Float32", symbol)[0].lower()
            spilling.append([architecture, f"{family(symbol)} {access}", str(threads), dtype, *map(str, spills)])
        if access == ("bulk" if threads >= 32 and int(architecture[3:]) >= 90 else "own"):
            operator = "forward" if "forward" in family(symbol) else "gradient"
            in_registers, for_element = seen[operator, "Float32" in symbol, threads, architecture]
            in_registers.add(of_kernel[architecture, symbol])
            # Where rows have few columns, loops within the loop are gone through several times.
            if threads >= 32:
                for_element.add(round(len(way) / 16, 1))
    lines = []
    for operator in ("gradient", "forward"):
        for is_float32 in (False, True):
            for columns, sizes in REPORTED:
                line = [operator, "float32" if is_float32 else "16 bits", columns]
                for architecture in ARCHITECTURES:
                    found = [seen[key] for threads in sizes if (key := (operator, is_float32, threads, architecture)) in seen]
                    in_registers, for_element = (set().union(*some) for some in zip(*found)) if found else (set(), set())
                    line.append((span(in_registers) if in_registers else "") + (f", {span(for_element)}" if for_element else ""))
                lines.append(line)
    print(table(["operator", "elements", "columns", *ARCHITECTURES], lines))
    print(table(["architecture", "kernel", "most threads", "dtype", "spills", "in the row loop", "in every row"], spilling))


def report_plans(program):
    """Shared memory and occupancy, as the command line explains plans for the model."""

    def run(*arguments):
        return subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout

    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("bf16", "fp32"):
            for columns in SHOWN_COLUMNS:
                problem = f"{folder}/{dtype}_{columns}.safetensors"
                run("make", "--shape", f"1x{columns}", "--dtype", dtype, "--output", problem)
                for operator, option in (("gradient", []), ("forward", ["--forward"])):
                    line = [operator, dtype, str(columns)]
                    for architecture, most_warps in ARCHITECTURES.items():
                        if architecture == "sm_100":  # plans as sm_90
                            continue
                        plan = run("explain", "--device", "cuda:model", "--isa", architecture, *option, problem)
                        match = re.search(r"of (\d+) threads, (\d+) blocks?.*\n.* (\d+) stages, (\d+) bytes", plan)
                        if match is None:
                            line.append("`long_rows`")
                            continue
                        threads, blocks, stages, size = map(int, match.groups())
                        warps = threads * blocks // 32
                        line.append(f"{size}, {stages}, {warps} warps, {warps / most_warps:.0%}")
                    lines.append(line)
    print(table(["operator", "dtype", "columns", "sm_80", "sm_90", "sm_120"], sorted(lines, key=lambda line: line[0] == "forward")))


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library")
    parser.add_argument("--tools", action="append", default=[])
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--alng")
    options = parser.parse_args(arguments)
    listing = listing_of(options.library, options.tools)
    if listing is None:
        return 2
    if not options.report:
        return check(options.library, listing)
    report(listing)
    if options.alng:
        report_plans(options.alng)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
