#!/usr/bin/env python3
"""Measures every row of rows.csv with every contestant, in one process, taking turns call by call.

    compare.py OPERATOR --build DIR --results DIR [--one-thread] [--quick] [--seconds S] [--row 512x1024 ...]

Writes speed_all.csv or speed_one.csv, and machine_all.json or machine_one.json, into the results; of the forward
speed_forward_all.csv and so on. One line for each row and contestant: the median of its times with its quartiles, and
its median time divided by alng's of the same round, the median and quartiles of that over the rounds. in_cache is how
the row was timed: whether its bytes fit in the largest cache that the system names. scripts/bench.sh calls this;
docs/performance.md says how to read it.
"""

import argparse
import csv
import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
FIELDS = ["threads", "rows", "columns", "dtype", "gamma", "dsum", "bytes", "in_cache", "contestant", "rounds",
          "microseconds", "microseconds_q1", "microseconds_q3", "ratio", "ratio_q1", "ratio_q3", "refused"]


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("operator", choices=("gradient", "forward"))
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where the contestants were built")
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--one-thread", action="store_true", help="one processor for everybody")
    parser.add_argument("--quick", action="store_true", help="the rows marked quick")
    parser.add_argument("--seconds", type=float, default=2.5, help="for each row and dtype")
    parser.add_argument("--row", action="append", help="only these, as in 512x1024")
    return parser.parse_args(arguments)


def table(options):
    """The rows to measure, each once, and whether torch.compile takes part."""
    from problem import Row

    rows = {}
    with open(HERE / "rows.csv", encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if options.quick and line["quick"] == "0" or options.one_thread and line["one_thread"] == "0":
                continue
            if options.row and f"{line['rows']}x{line['columns']}" not in options.row:
                continue
            for dtype in line["dtypes"].split():
                # The forward has no dsum; rows that differ in it alone are one.
                dsum = line["dsum"] == "1" or options.operator == "forward"
                row = Row(int(line["rows"]), int(line["columns"]), dtype, line["gamma"] == "1", dsum)
                rows.setdefault(row, line["compiled"] == "1")
    return list(rows.items())


def check(name, problem, outputs, expected):
    """A contestant must do the work, too. Loose: it is a wrong formula or a forgotten element that is looked for."""
    import numpy as np

    for what, got, want, bound in zip(problem.outputs, outputs, expected, problem.bounds()):
        difference = np.abs(got.astype(np.float32) - want).max()
        if not difference <= bound * max(1.0, np.abs(want).max()):
            sys.exit(f"compare.py: {name} computes another {what} than alng for {problem.row}: {difference} apart")


def measure(problem, present, seconds, in_cache):
    """Lists of nanoseconds for each contestant, round by round; and who refused, with the reason."""
    import numpy as np

    from contestants import Refused, wait_until_idle

    runs, refused, expected = [], {}, None
    for contestant in present:
        try:
            for run in contestant.prepare(problem):
                runs.append((contestant.name, run))
                run.time(1, 1)
                if contestant.name == "alng":
                    expected = [output.astype(np.float32) for output in run.outputs()]
                elif contestant.name != "stream":
                    check(contestant.name, problem, run.outputs(), expected)
        except Refused as why:
            if contestant.name == "alng":
                sys.exit(f"compare.py: alng refuses {problem.row}: {why}")
            refused[contestant.name] = str(why)
    times = [[] for _ in runs]
    warm, timed = (2, 3) if in_cache else (1, 1)
    begin, rounds = time.monotonic(), 0
    while rounds < 7 or time.monotonic() - begin < seconds:
        for turn in range(len(runs)):
            # Another one first each round, so that what disturbs the machine for a while disturbs all.
            index = (turn + rounds) % len(runs)
            wait_until_idle()
            times[index].append(float(np.median(runs[index][1].time(warm, timed))))
        rounds += 1
    for _, run in runs:
        run.close()
    return [(name, np.array(of)) for (name, _), of in zip(runs, times)], refused


def fastest_variants(times):
    """Of a contestant's variants the one with the lowest median."""
    import numpy as np

    best = {}
    for name, of in times:
        if name not in best or np.median(of) < np.median(best[name]):
            best[name] = of
    return best


def lines(operator, row, threads, in_cache, times, refused, python):
    import numpy as np

    base = dict(threads=threads, rows=row.rows, columns=row.columns, dtype=row.dtype, gamma=int(row.gamma),
                dsum=int(row.dsum) if "dsum" in operator.inputs else "", bytes=operator.bytes(row), in_cache=int(in_cache))
    for name, of in times.items():
        against = times["alng from Python" if name in python else "alng"]
        q1, median, q3 = np.quantile(of, (0.25, 0.5, 0.75)) / 1e3
        r1, ratio, r3 = np.quantile(of / against, (0.25, 0.5, 0.75))
        yield base | dict(contestant=name, rounds=len(of), microseconds=f"{median:.3f}", microseconds_q1=f"{q1:.3f}",
                          microseconds_q3=f"{q3:.3f}", ratio=f"{ratio:.3f}", ratio_q1=f"{r1:.3f}",
                          ratio_q3=f"{r3:.3f}", refused="")
    for name, why in refused.items():
        yield base | dict(contestant=name, refused=why)


def main(arguments):
    options = parse(arguments)
    import machine

    if options.one_thread:
        machine.use_one_processor()
    import os

    import contestants
    from problem import OPERATORS

    rows = table(options)
    if not rows:
        sys.exit("compare.py: no row of rows.csv is asked for")
    present = contestants.everybody(options.build)
    python = {contestant.name for contestant in present if contestant.python}
    threads = len(os.sched_getaffinity(0))
    operator = OPERATORS[options.operator]
    suffix = operator.results + ("_one" if options.one_thread else "_all")
    options.results.mkdir(parents=True, exist_ok=True)
    description = machine.describe(HERE.parent, {c.name: c.version() for c in present}) | {"threads": threads}
    (options.results / f"machine{suffix}.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    largest_cache = max(machine.cache_bytes().values(), default=32 << 20)
    with open(options.results / f"speed{suffix}.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="")
        writer.writeheader()
        for number, (row, compiled) in enumerate(rows, 1):
            in_cache = operator.bytes(row) <= largest_cache
            who = [c for c in present if compiled or c.name != "PyTorch compiled"]
            times, refused = measure(operator(row), who, options.seconds, in_cache)
            written = list(lines(operator, row, threads, in_cache, fastest_variants(times), refused, python))
            writer.writerows(written)
            file.flush()
            ahead = ", ".join(f"{line['contestant']} {line['ratio']}" for line in written
                              if not line["refused"] and not line["contestant"].startswith("alng"))
            print(f"[{number}/{len(rows)}] {operator.operator} {row}, {threads} thread{'s' if threads > 1 else ''}: alng "
                  f"{written[0]['microseconds']} us; times alng's: {ahead}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
