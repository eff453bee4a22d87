#!/usr/bin/env python3
"""docs/performance.md, its plots and README's table from recorded results: page.py --results DIR --out DIR [--readme FILE]."""

import argparse
import csv
import json
import pathlib
import re
import sys

from problem import OPERATORS

# Readable on white and on black: no background, grey axes, colours of middling lightness.
INK = "#808080"
COLOURS = {
    "alng": "#2f7fd0", "oneDNN": "#e07b39", "oneDNN 3.2 OpenMP": "#c9a227", "PyTorch eager": "#c0504d",
    "PyTorch compiled": "#9b6fc3", "JAX": "#4aa564", "plain loops": "#7f8c8d",
    "fp32": "#2f7fd0", "fp16": "#c9a227", "bf16": "#e07b39",
}
DTYPES = ("fp32", "fp16", "bf16")
NOT_MEASURED = "Not measured."
ONEDNN = ("oneDNN", "oneDNN 3.2 OpenMP")
# The rows of README's table: what is trained most, in and out of cache.
README_SHAPES = ("512x1024 fp32", "512x1024 bf16", "8192x1024 fp32", "8192x1024 bf16", "65536x768 fp32", "65536x768 bf16",
                 "8192x4096 fp32", "8192x4096 bf16")
README_TABLE = re.compile("(<!-- speed: .*? -->\n).*?(<!-- end of speed -->)", re.DOTALL)
# By operator: how many times as fast as a peer, out of cache.
TIMES = {"gradient": dict.fromkeys(ONEDNN, 2.0) | {"PyTorch eager": 4.0, "PyTorch compiled": 1.5},
         "forward": {"PyTorch eager": 2.0}}
# By operator: never slower than these, on any row; in words, and their names.
NEVER_SLOWER = {"gradient": ("a peer", {name for name in COLOURS if name != "alng"}),
                "forward": ("oneDNN or PyTorch compiled", {*ONEDNN, "PyTorch compiled"})}


def read(path):
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def shape_of(line):
    return (f"{line['rows']}x{line['columns']} {line['dtype']}" + ("" if line["gamma"] == "1" else " without gamma")
            + (" without dsum" if line["dsum"] == "0" else ""))


def is_peer(name):
    return not name.startswith("alng") and name != "stream"


def axes(width=7.5, height=4.0):
    import matplotlib

    matplotlib.use("svg")
    # The same bytes each time.
    matplotlib.rcParams.update({"svg.hashsalt": "alng", "font.size": 10, "text.color": INK, "axes.edgecolor": INK,
                                "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "legend.frameon": False,
                                "axes.spines.top": False, "axes.spines.right": False, "grid.color": INK,
                                "grid.alpha": 0.3, "axes.grid": True})
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(width, height), layout="constrained")


def save(figure, path):
    figure.savefig(path, transparent=True, metadata={"Date": None})
    from matplotlib import pyplot

    pyplot.close(figure)


def plot_fraction(sweep, path):
    """Fraction of the stream over the number of columns."""
    figure, axis = axes()
    names = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16"}
    for long, dtype in names.items():
        points = sorted((r["columns"], r["stream_fraction"]) for r in sweep if r["dtype"] == long)
        if points:
            axis.plot(*zip(*points), marker="o", color=COLOURS[dtype], label=dtype)
    axis.axhline(1, color=INK, linewidth=1)
    axis.set(xlabel="columns (32 Mi elements in all)", ylabel="of the stream's speed", ylim=(0, 1.1))
    axis.set_xscale("log", base=2)
    axis.legend(ncols=3)
    save(figure, path)


def plot_ahead(speed, path):
    """Time of each peer divided by alng's, out of cache and in cache."""
    figure, axis = axes(7.5, 5.0)
    peers = [name for name in COLOURS if any(l["contestant"] == name and is_peer(name) for l in speed)]
    for name in peers:
        points = [(int(l["bytes"]) / 2**20, float(l["ratio"])) for l in speed
                  if l["contestant"] == name and not l["refused"]]
        axis.scatter(*zip(*points), s=18, color=COLOURS[name], label=name)
    axis.axhline(1, color=INK, linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="MiB read and written", ylabel="times alng's time")
    axis.set_yticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
    axis.legend(ncols=3, loc="upper right")
    save(figure, path)


def plot_error(accuracy, path):
    """Error of dgamma against the number of rows."""
    figure, axis = axes()
    for dtype, style in (("fp32", "-"), ("bf16", "--")):
        for name in COLOURS:
            points = sorted((int(l["rows"]), float(l["dgamma"])) for l in accuracy
                            if l["contestant"] == name and l["dtype"] == dtype and l["columns"] == "16"
                            and not l["refused"])
            if points:
                axis.plot(*zip(*points), style, marker="o", color=COLOURS[name], label=f"{name}, {dtype}")
    axis.set(xscale="log", yscale="log", xlabel="rows (16 columns)", ylabel="largest error of dgamma / rms")
    axis.legend(ncols=2, fontsize=7)
    save(figure, path)


def bandwidths(lines):
    """MiB and GB/s of each, by size."""
    return sorted((int(l["bytes"]) / 2**20, int(l["bytes"]) / float(l["microseconds"]) / 1e3) for l in lines)


def plot_roofline(speed, path):
    """Bytes a second over the size of the problem: alng, and the stream where memory is the limit."""
    figure, axis = axes()
    for dtype in DTYPES:
        points = bandwidths(l for l in speed if l["contestant"] == "alng" and l["dtype"] == dtype)
        if points:
            axis.plot(*zip(*points), "o", color=COLOURS[dtype], label=f"alng, {dtype}")
    points = bandwidths(l for l in speed if l["contestant"] == "stream" and l["in_cache"] == "0")
    if points:
        axis.plot(*zip(*points), "_", markersize=12, color=INK, label="stream, out of cache")
    axis.set(xscale="log", xlabel="MiB read and written", ylabel="GB/s")
    axis.set_ylim(bottom=0)
    axis.legend()
    save(figure, path)


def speed_table(speed):
    names = [name for name in ("stream", *COLOURS) if name != "alng" and any(l["contestant"] == name for l in speed)]
    text = ["| shape | alng, µs | " + " | ".join(names) + " |", "| --- " * (2 + len(names)) + "|"]
    by_shape = {}
    for line in speed:
        by_shape.setdefault(shape_of(line), {})[line["contestant"]] = line
    for shape, lines in by_shape.items():
        own = lines["alng"]
        cells = [shape + (" (in cache)" if own["in_cache"] == "1" else ""), own["microseconds"]]
        for name in names:
            line = lines.get(name)
            if line is None or name == "stream" and own["in_cache"] == "1":
                cells.append("")
            elif line["refused"]:
                cells.append("refuses")
            else:
                cells.append(f"{float(line['ratio']):.2f} [{float(line['ratio_q1']):.2f}, {float(line['ratio_q3']):.2f}]")
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text)


def goals(operator, speed, sweep):
    """Every goal, whether it is met, and by what."""
    text = ["| goal | worst row | met |", "| --- | --- | --- |"]
    out = [l for l in speed if l["in_cache"] == "0" and not l["refused"]]

    def add(what, worst, met):
        text.append(f"| {what} | {worst} | {'yes' if met else 'no'} |")

    stream = [(float(l["ratio"]), shape_of(l)) for l in out if l["contestant"] == "stream"]
    if stream:
        worst = min(stream)
        add("at least 0.90 of the stream, out of cache", f"{worst[0]:.2f}: {worst[1]}", worst[0] >= 0.9)
    fractions = [(r["stream_fraction"], f"{r['rows']}x{r['columns']} {r['dtype']}") for r in sweep]
    if fractions:
        worst = min(fractions)
        add("never below 0.85 of the stream, 64 to 65,536 columns", f"{worst[0]:.2f}: {worst[1]}", worst[0] >= 0.85)
    for name, least in TIMES[operator].items():
        ratios = [(float(l["ratio"]), shape_of(l)) for l in out if l["contestant"] == name]
        if ratios:
            worst = min(ratios)
            add(f"{least:g} times as fast as {name}, out of cache", f"{worst[0]:.2f}: {worst[1]}", worst[0] >= least)
    never, peers = NEVER_SLOWER[operator]
    ratios = [(float(l["ratio"]), f"{shape_of(l)}, {l['contestant']}") for l in speed
              if l["contestant"] in peers and not l["refused"]]
    if ratios:
        behind = sorted(r for r in ratios if r[0] < 1)
        worst = min(ratios)
        add(f"never slower than {never}, on any row", f"{worst[0]:.2f}: {worst[1]} ({len(behind)} of {len(ratios)} below 1)",
            not behind)
    return "\n".join(text)


def accuracy_table(judged, accuracy):
    text = [f"| problem | who | {' | '.join(judged)} | same bits on one thread |", "| --- " * 6 + "|"]
    for line in accuracy:
        problem = f"{line['rows']}x{line['columns']} {line['dtype']}"
        if float(line["mean_over_std"]):
            problem += f", mean/std {float(line['mean_over_std']):g}"
        if line["refused"]:
            cells = [problem, line["contestant"], "refuses", "", "", ""]
        else:
            cells = [problem, line["contestant"], *(line[name] for name in judged),
                     "yes" if line["same_bits"] == "1" else "no"]
        text.append("| " + " | ".join(cells) + " |")
    return "\n".join(text)


def instruction_table(instructions):
    text = ["| shape | instructions a call | an element |", "| --- | --- | --- |"]
    for line in instructions:
        text.append(f"| {line['rows']}x{line['columns']} {line['dtype']} | {int(line['instructions_per_call']):,} | "
                    f"{line['instructions_per_element']} |")
    return "\n".join(text)


def machine_list(machine):
    caches = ", ".join(f"L{level} {size // 1024} KiB" for level, size in machine["cache_bytes"].items())
    versions = "; ".join(f"{name} {version}" for name, version in machine["contestants"].items() if name != "stream")
    return (f"- {machine['processor']}, {machine['processors']} processors, {caches}, "
            f"{machine['memory_bytes'] >> 30} GiB; {', '.join(machine['vector_instructions'])}\n"
            f"- {machine['system']}, {machine['libc']}; sources {machine['commit']}\n- {versions}")


def readme_table(results):
    """The fastest peers beside alng, on all processors, of both operators."""
    text = ["| operator, shape | alng | of the stream | oneDNN | PyTorch eager | compiled | processors |", "| --- " * 7 + "|"]
    for operator in OPERATORS.values():
        machine = json.loads((results / f"machine{operator.results}_all.json").read_text(encoding="utf-8"))
        by_shape = {}
        for line in read(results / f"speed{operator.results}_all.csv"):
            if not line["refused"]:
                by_shape.setdefault(shape_of(line), {})[line["contestant"]] = line
        for shape in README_SHAPES:
            lines = by_shape[shape]
            times = {name: float(line["ratio"]) for name, line in lines.items()}
            own = float(lines["alng"]["microseconds"])
            cells = [f"{operator.operator} {shape}", f"{own / 1e3:.1f} ms" if own >= 1e3 else f"{own:.0f} µs",
                     f"{times['stream']:.2f}" if lines["alng"]["in_cache"] == "0" else "in cache"]
            for names in (ONEDNN, ("PyTorch eager",), ("PyTorch compiled",)):
                fastest = [times[name] for name in names if name in times]
                cells.append(f"{min(fastest):.1f} times" if fastest else "")
            text.append("| " + " | ".join([*cells, f"{machine['processors']}, {machine['processor']}"]) + " |")
    return "\n".join(text)


def sections(operator, results, plots, sweep):
    """The parts of the page that both operators have, by their names in page.md."""
    names = {name: f"{name}_{operator.operator}" for name in ("machine", "goals", "speed_all", "speed_one", "accuracy")}
    speed = read(results / f"speed{operator.results}_all.csv")
    if not speed:
        return dict.fromkeys(names.values(), NOT_MEASURED)
    one = read(results / f"speed{operator.results}_one.csv")
    accuracy = read(results / f"accuracy{operator.results}.csv")
    machine = json.loads((results / f"machine{operator.results}_all.json").read_text(encoding="utf-8"))
    plot_ahead(speed, plots / f"ahead{operator.results}.svg")
    return {
        names["machine"]: machine_list(machine),
        names["goals"]: goals(operator.operator, speed, sweep),
        names["speed_all"]: speed_table(speed),
        names["speed_one"]: speed_table(one) if one else NOT_MEASURED,
        names["accuracy"]: accuracy_table(operator.judged, accuracy) if accuracy else NOT_MEASURED,
    }


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--readme", type=pathlib.Path, help="whose speed table is written anew")
    options = parser.parse_args(arguments)
    results, out = options.results, options.out
    if not any((results / f"speed{operator.results}_all.csv").exists() for operator in OPERATORS.values()):
        sys.exit(f"page.py: there is no speed_all.csv or speed_forward_all.csv in {results}; scripts/bench.sh writes them")
    sweep_file = results / "sweep.json"
    sweep = json.loads(sweep_file.read_text(encoding="utf-8"))["results"] if sweep_file.exists() else []
    plots = out / "performance"
    plots.mkdir(parents=True, exist_ok=True)
    if (results / "speed_all.csv").exists():
        plot_fraction(sweep, plots / "stream_fraction.svg")
        plot_error(read(results / "accuracy.csv"), plots / "error.svg")
        plot_roofline(read(results / "speed_all.csv"), plots / "roofline.svg")
    parts = {"instructions": instruction_table(read(results / "instructions.csv"))}
    for operator in OPERATORS.values():
        parts |= sections(operator, results, plots, sweep if operator.operator == "gradient" else [])
    template = (pathlib.Path(__file__).resolve().parent / "page.md").read_text(encoding="utf-8")
    (out / "performance.md").write_text(template.format_map(parts), encoding="utf-8")
    print(f"{out / 'performance.md'} is written")
    if options.readme:
        text, tables = README_TABLE.subn(rf"\g<1>{readme_table(results)}\n\2", options.readme.read_text(encoding="utf-8"))
        if tables != 1:
            sys.exit(f"page.py: {options.readme} has {tables} places for the speed table instead of one")
        options.readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
