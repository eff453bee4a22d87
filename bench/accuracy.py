#!/usr/bin/env python3
"""How far each contestant is from the truth, and whether its bits depend on the number of threads.

    accuracy.py OPERATOR --build DIR --results DIR [--quick]      writes accuracy.csv or accuracy_forward.csv

The truth is float64, and errors are relative: to what is in problem.py. The bits of a run on one processor are compared
with those of a run on all, each in a process of its own.
"""

import argparse
import csv
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import machine

KEY = ["contestant", "rows", "columns", "dtype", "mean_over_std"]


def problems(operator, quick):
    from problem import Row

    if operator == "forward":
        means = (0, 1000) if quick else (0, 10, 1000, 100000)
        return [Row(4096, 1024, dtype, mean_over_std=mean) for dtype in ("fp32", "bf16") for mean in means]
    some = [Row(512, 1024, "fp32"), Row(512, 1024, "bf16"), Row(512, 1024, "fp16"),
            Row(4096, 1024, "fp32", mean_over_std=1000), Row(4096, 1024, "bf16", mean_over_std=1000),
            Row(65536, 64, "fp32"), Row(65536, 64, "bf16")]
    if quick:
        return some[:4]
    # Error against the number of rows.
    return some + [Row(rows, 16, dtype) for dtype in ("fp32", "bf16")
                   for rows in (1000, 10000, 100000, 1000000)]


def digest(outputs):
    import numpy as np

    return hashlib.sha256(b"".join(np.ascontiguousarray(output).tobytes() for output in outputs)).hexdigest()


def in_this_process(options):
    """One line of JSON for each problem and contestant: the errors, and a digest of the outputs."""
    if options.one_thread:
        machine.use_one_processor()
    import contestants
    from problem import OPERATORS

    skipped = ("stream", "alng from Python", "PyTorch compiled" if options.quick else "")
    present = [c for c in contestants.everybody(options.build) if c.name not in skipped]
    for row in problems(options.operator, options.quick):
        problem = OPERATORS[options.operator](row)
        for contestant in present:
            record = {"contestant": contestant.name, "rows": row.rows, "columns": row.columns, "dtype": row.dtype,
                      "mean_over_std": row.mean_over_std}
            try:
                run = contestant.prepare(problem)[0]
            except contestants.Refused as why:
                print("RECORD " + json.dumps(record | {"refused": str(why)}), flush=True)
                continue
            problem.clear_outputs()
            run.time(0, 1)
            outputs = run.outputs()
            record["digest"] = digest(outputs)
            if not options.one_thread:
                record |= zip(problem.judged, problem.errors(outputs))
            run.close()
            print("RECORD " + json.dumps(record), flush=True)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("operator", choices=("gradient", "forward"))
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="fewer problems")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--one-thread", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.in_this_process:
        in_this_process(options)
        return
    runs = []
    for more in ([], ["--one-thread"]):
        command = [sys.executable, os.fspath(pathlib.Path(__file__).resolve()), "--in-this-process", *arguments, *more]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        runs.append([json.loads(line[7:]) for line in printed.splitlines() if line.startswith("RECORD ")])
    from problem import OPERATORS

    operator = OPERATORS[options.operator]
    fields = [*KEY, *operator.judged, "same_bits", "refused"]
    one = {tuple(r[name] for name in KEY): r.get("digest") for r in runs[1]}
    options.results.mkdir(parents=True, exist_ok=True)
    with open(options.results / f"accuracy{operator.results}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fields, restval="", extrasaction="ignore")
        writer.writeheader()
        for record in runs[0]:
            if not record.get("refused"):
                record["same_bits"] = int(record["digest"] == one.get(tuple(record[name] for name in KEY)))
                for name in operator.judged:
                    record[name] = f"{record[name]:.3e}"
            writer.writerow(record)
            print(*(f"{record.get(name, '')}" for name in fields), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
