#!/usr/bin/env python3
"""How far each contestant is from the truth, and whether its bits depend on the number of threads.

    accuracy.py --build DIR --results DIR [--quick]      writes accuracy.csv

The truth is float64 (problem.py). dx: the largest error of a row beside the row's largest |dx|, the largest of all rows.
dgamma and dbeta: the largest error beside the root mean square of the true values. The bits of a run on one processor
are compared with those of a run on all, each in a process of its own.
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

FIELDS = ["contestant", "rows", "columns", "dtype", "mean_over_std", "dx", "dgamma", "dbeta", "same_bits", "refused"]


def problems(quick):
    from problem import Row

    some = [Row(512, 1024, "fp32"), Row(512, 1024, "bf16"), Row(512, 1024, "fp16"),
            Row(4096, 1024, "fp32", mean_over_std=1000), Row(4096, 1024, "bf16", mean_over_std=1000),
            Row(65536, 64, "fp32"), Row(65536, 64, "bf16")]
    if quick:
        return some[:4]
    # Error against the number of rows.
    return some + [Row(rows, 16, dtype) for dtype in ("fp32", "bf16")
                   for rows in (1000, 10000, 100000, 1000000)]


def largest_errors(problem, outputs):
    import numpy as np

    true_dx, true_dgamma, true_dbeta = problem.oracle()
    dx, dgamma, dbeta = outputs
    worst = 0.0
    for block, true in zip(problem.blocks(), true_dx):
        scale = np.abs(true).max(axis=1)
        error = np.abs(dx[block].astype(np.float64) - true).max(axis=1)
        worst = max(worst, float((error / np.where(scale == 0, 1, scale)).max()))

    def of_sums(got, true):
        return float(np.abs(got.astype(np.float64) - true).max() / np.sqrt(np.mean(true**2)))

    return worst, of_sums(dgamma, true_dgamma), of_sums(dbeta, true_dbeta)


def digest(outputs):
    import numpy as np

    return hashlib.sha256(b"".join(np.ascontiguousarray(output).tobytes() for output in outputs)).hexdigest()


def in_this_process(options):
    """One line of JSON for each problem and contestant: the errors, and a digest of the outputs."""
    if options.one_thread:
        machine.use_one_processor()
    import contestants
    from problem import Problem

    skipped = ("stream", "alng from Python", "PyTorch compiled" if options.quick else "")
    present = [c for c in contestants.everybody(options.build) if c.name not in skipped]
    for row in problems(options.quick):
        problem = Problem(row)
        for contestant in present:
            record = {"contestant": contestant.name, "rows": row.rows, "columns": row.columns, "dtype": row.dtype,
                      "mean_over_std": row.mean_over_std}
            try:
                run = contestant.prepare(problem)[0]
            except contestants.Refused as why:
                print("RECORD " + json.dumps(record | {"refused": str(why)}), flush=True)
                continue
            problem.dx[:] = 0
            run.time(0, 1)
            outputs = run.outputs()
            record["digest"] = digest(outputs)
            if not options.one_thread:
                record["dx"], record["dgamma"], record["dbeta"] = largest_errors(problem, outputs)
            run.close()
            print("RECORD " + json.dumps(record), flush=True)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
    one = {(r["contestant"], r["rows"], r["columns"], r["dtype"], r["mean_over_std"]): r.get("digest") for r in runs[1]}
    options.results.mkdir(parents=True, exist_ok=True)
    with open(options.results / "accuracy.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="", extrasaction="ignore")
        writer.writeheader()
        for record in runs[0]:
            if not record.get("refused"):
                key = tuple(record[name] for name in FIELDS[:5])
                record["same_bits"] = int(record["digest"] == one.get(key))
                for name in ("dx", "dgamma", "dbeta"):
                    record[name] = f"{record[name]:.3e}"
            writer.writerow(record)
            print(*(f"{record.get(name, '')}" for name in FIELDS), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
