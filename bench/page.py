#!/usr/bin/env python3
"""docs/performance.md, a page with plots for each processor, and README's table, from recorded results: page.py --results
DIR --out DIR [--readme FILE]. The results have a folder for each processor; what it lacks is said to be not measured."""

import argparse
import collections
import csv
import itertools
import json
import pathlib
import re
import sys

import numpy as np

from machine import plain_name
from problem import OPERATORS

# Readable on white and on black: no background, grey axes, colours of middling lightness.
INK = "#808080"
COLOURS = {
    "alng": "#2f7fd0", "oneDNN": "#e07b39", "oneDNN 3.2 OpenMP": "#c9a227", "PyTorch eager": "#c0504d",
    "PyTorch compiled": "#9b6fc3", "JAX": "#4aa564", "plain loops": "#7f8c8d",
    "fp32": "#2f7fd0", "fp16": "#c9a227", "bf16": "#e07b39",
}
DTYPES = ("fp32", "fp16", "bf16")
PEERS = [name for name in COLOURS if name != "alng" and name not in DTYPES]
NOT_MEASURED = "Not measured."
# Of rows with more bytes the stream is shown. They come from memory where it is at most so many times as fast as the
# largest row's.
LARGE_BYTES = 32 << 20
FROM_MEMORY = 1.25
ONEDNN = ("oneDNN", "oneDNN 3.2 OpenMP")
# The rows of the table in short, which README has, too: what is trained most, in and out of cache.
SHORT_SHAPES = tuple(f"{shape} {dtype}" for shape in ("512x1024", "8192x1024", "65536x768", "8192x4096")
                     for dtype in ("fp32", "bf16"))
README_TABLE = re.compile("(<!-- speed: .*? -->\n).*?(<!-- end of speed -->)", re.DOTALL)
# By operator: how many times as fast as a peer, out of cache.
TIMES = {"gradient": dict.fromkeys(ONEDNN, 2.0) | {"PyTorch eager": 4.0, "PyTorch compiled": 1.5},
         "forward": {"PyTorch eager": 2.0}}
# By operator: never slower than these, on any row; in words, and their names.
NEVER_SLOWER = {"gradient": ("a peer", PEERS),
                "forward": ("oneDNN or PyTorch compiled", {*ONEDNN, "PyTorch compiled"})}
# By operator: the errors in the table in short.
SHORT_ERRORS = {"gradient": ("dx", "dgamma"), "forward": ("y",)}


def load(folder):
    """What is recorded of a processor, by the names of files; of a file that isn't there nothing."""
    found = collections.defaultdict(list)
    for path in folder.glob("*.csv"):
        with open(path, encoding="utf-8", newline="") as file:
            found[path.stem] = list(csv.DictReader(file))
    for path in folder.glob("*.json"):
        found[path.stem] = json.loads(path.read_text(encoding="utf-8") or "[]")
    found["sweep"] = found["sweep"] and found["sweep"]["results"]
    found["machine"] = found["machine_all"] or found["machine_forward_all"]
    generation = found["machine"]["generation"]
    name = plain_name(found["machine"]["processor"], generation)
    found |= {"folder": folder.name, "name": name, "short_name": generation or name}
    return found


def shape_of(line):
    return (f"{line['rows']}x{line['columns']} {line['dtype']}" + ("" if line["gamma"] == "1" else " without gamma")
            + (" without dsum" if line["dsum"] == "0" else ""))


def rate(line):
    return int(line["bytes"]) / float(line["microseconds"]) / 1e3


def out_of_cache(speed):
    """The shapes whose data come from memory, judged by the largest cache and by the speed of their stream."""
    streams = [l for l in speed if l["contestant"] == "stream"]
    largest = max(streams, key=lambda l: int(l["bytes"]), default=None)
    return {shape_of(l) for l in streams if l["in_cache"] == "0" or
            int(l["bytes"]) > LARGE_BYTES and rate(l) <= FROM_MEMORY * rate(largest)}


def by_shape(speed):
    """The lines of each shape by contestant."""
    shapes = collections.defaultdict(dict)
    for line in speed:
        shapes[shape_of(line)][line["contestant"]] = line
    return shapes


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
    """Fraction of the stream over the number of columns"""
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
    """Time of each peer divided by alng's"""
    figure, axis = axes(7.5, 5.0)
    for name in PEERS:
        points = [(int(l["bytes"]) / 2**20, float(l["ratio"])) for l in speed
                  if l["contestant"] == name and not l["refused"]]
        if points:
            axis.scatter(*zip(*points), s=18, color=COLOURS[name], label=name)
    axis.axhline(1, color=INK, linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="MiB read and written", ylabel="times alng's time")
    axis.set_yticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5", "1", "2", "5", "10", "20", "50"])
    axis.legend(ncols=3, loc="upper right")
    save(figure, path)


def plot_error(accuracy, path):
    """Error of dgamma against the number of rows"""
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
    return sorted((int(l["bytes"]) / 2**20, rate(l)) for l in lines)


def plot_roofline(speed, path):
    """Bytes a second over the size of the problem: alng, and the stream out of cache"""
    figure, axis = axes()
    for dtype in DTYPES:
        points = bandwidths(l for l in speed if l["contestant"] == "alng" and l["dtype"] == dtype)
        if points:
            axis.plot(*zip(*points), "o", color=COLOURS[dtype], label=f"alng, {dtype}")
    out = out_of_cache(speed)
    points = bandwidths(l for l in speed if l["contestant"] == "stream" and shape_of(l) in out)
    if points:
        axis.plot(*zip(*points), "_", markersize=12, color=INK, label="stream, out of cache")
    axis.set(xscale="log", xlabel="MiB read and written", ylabel="GB/s")
    axis.set_ylim(bottom=0)
    axis.legend()
    save(figure, path)


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if lines[2:] else NOT_MEASURED


def speed_table(speed):
    out, rows = out_of_cache(speed), []
    for shape, lines in by_shape(speed).items():
        from_python = lines.get("alng from Python", {}).get("microseconds", "")
        rows.append([shape + ("" if shape in out else " (in cache)"), lines["alng"]["microseconds"], from_python])
        for name in ("stream", *PEERS):
            line = lines.get(name)
            if line is None or name == "stream" and int(line["bytes"]) <= LARGE_BYTES:
                rows[-1].append("")
            elif line["refused"]:
                rows[-1].append("refuses")
            else:
                median, q1, q3 = (float(line[name]) for name in ("ratio", "ratio_q1", "ratio_q3"))
                rows[-1].append(f"{median:.2f} [{q1:.2f}, {q3:.2f}]")
    return table(["shape", "alng, µs", "from Python, µs", "stream", *PEERS], rows)


def worst(ratios, least, more=""):
    """The worst of ratios and where they are, and whether it is enough."""
    if not ratios:
        return NOT_MEASURED
    ratio, where = min(ratios)
    return f"{'met' if ratio >= least else 'missed'}, {ratio:.2f}: {where}{more}"


def goals(operator, speed, sweep):
    """Every goal, whether it is met, and its worst row."""
    out, speed = out_of_cache(speed), [l for l in speed if not l["refused"]]

    def far(name):
        return [(float(l["ratio"]), shape_of(l)) for l in speed if l["contestant"] == name and shape_of(l) in out]

    found = {"at least 0.90 of the stream, out of cache": worst(far("stream"), 0.9)}
    if operator == "gradient":
        fractions = [(r["stream_fraction"], f"{r['rows']}x{r['columns']} {r['dtype']}") for r in sweep]
        found["never below 0.85 of the stream, 64 to 65,536 columns"] = worst(fractions, 0.85)
    for name, least in TIMES[operator].items():
        found[f"{least:g} times as fast as {name}, out of cache"] = worst(far(name), least)
    never, peers = NEVER_SLOWER[operator]
    ratios = [(float(l["ratio"]), f"{shape_of(l)}, {l['contestant']}") for l in speed if l["contestant"] in peers]
    behind = f" ({sum(ratio < 1 for ratio, _ in ratios)} of {len(ratios)} below 1)"
    found[f"never slower than {never}, on any row"] = worst(ratios, 1, behind)
    return found


def goal_table(processors):
    """The goals of both operators, a column for each processor."""
    rows = []
    for name, operator in OPERATORS.items():
        found = [goals(name, of[f"speed{operator.results}_all"], of["sweep"]) for of in processors]
        rows += [[f"{name}: {goal}", *(of[goal] for of in found)] for goal in found[0]]
    return table(["goal", *(of["short_name"] for of in processors)], rows)


def kind_of(line):
    """Of a line of accuracy: dtype, and how far the mean is from 0."""
    mean = float(line["mean_over_std"])
    return line["dtype"] + (f", mean/std {mean:g}" if mean else "")


def accuracy_table(judged, accuracy):
    return table(["problem", "who", *judged, "same bits on one thread"],
                 [[f"{l['rows']}x{l['columns']} {kind_of(l)}", l["contestant"], *(l[name] or "refuses" for name in judged),
                   {"1": "yes", "0": "no"}.get(l["same_bits"], "")] for l in accuracy])


def accuracy_in_short(processors):
    """The largest error of each contestant in all problems of a kind."""
    errors, names = collections.defaultdict(dict), ["alng", *PEERS]
    for name, operator in OPERATORS.items():
        lines = [l for of in processors for l in of[f"accuracy{operator.results}"] if not l["refused"]]
        for output, line in itertools.product(SHORT_ERRORS[name], lines):
            of = errors[f"{output} {kind_of(line)}"]
            of[line["contestant"]] = np.maximum(of.get(line["contestant"], 0), float(line[output]))
    return table(["error of", *names],
                 [[kind, *(f"{of[name]:.1e}" if name in of else "–" for name in names)] for kind, of in errors.items()])


def instruction_table(instructions):
    return table(["shape", "instructions a call", "an element"],
                 [[f"{l['rows']}x{l['columns']} {l['dtype']}", f"{int(l['instructions_per_call']):,}",
                   l["instructions_per_element"]] for l in instructions])


def machine_line(machine):
    caches = ", ".join(f"L{level} {size // 1024} KiB" for level, size in machine["cache_bytes"].items())
    return (f"{machine['processors']} processors, {caches}, {machine['memory_bytes'] >> 30} GiB; "
            f"{', '.join(machine['vector_instructions'])}")


def machine_list(machine):
    if not machine:
        return NOT_MEASURED
    versions = "; ".join(f"{name} {version}" for name, version in machine["contestants"].items() if name != "stream")
    return (f"- {machine['processor']}, {machine_line(machine)}\n"
            f"- {machine['system']}, {machine['libc']}; sources {machine['commit']}\n- {versions}")


def short_cells(lines):
    """A row of one processor in the table in short."""
    if not lines:
        return ["–"] * 5
    own, ratios = lines["alng"], {name: float(l["ratio"]) for name, l in lines.items() if not l["refused"]}
    time = float(own["microseconds"])
    fastest = [min((ratios[name] for name in names if name in ratios), default=None)
               for names in (ONEDNN, ("PyTorch eager",), ("PyTorch compiled",))]
    return [f"{time / 1e3:.1f} ms" if time >= 1e3 else f"{time:.0f} µs",
            f"{ratios['stream']:.2f}" if int(own["bytes"]) > LARGE_BYTES else "–",
            *("–" if ratio is None else f"{ratio:.1f}" for ratio in fastest)]


def short_table(processors):
    """alng and the fastest peers, on all processors of each machine, of both operators."""
    rows = []
    for name, operator in OPERATORS.items():
        measured = [by_shape(of[f"speed{operator.results}_all"]) for of in processors]
        for shape in SHORT_SHAPES:
            cells = zip(*(short_cells(shapes.get(shape)) for shapes in measured))
            rows.append([f"{name} {shape}", *("" if set(of) == {"–"} else " / ".join(of) for of in cells)])
    alng = "alng: " + " / ".join(of["short_name"] for of in processors)
    return table(["operator, shape", alng, "of the stream", "oneDNN", "PyTorch eager", "compiled"], rows)


def plotted(draw, data, path):
    """Draws, and returns the line that shows it; or says that there is nothing to draw."""
    if not data:
        return f"{draw.__doc__}: not measured."
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(data, path)
    return f"![{draw.__doc__}]({path.parent.name}/{path.name})"


def processor_parts(of, plots):
    """The parts of a processor's page, by their names in processor_page.md."""
    parts = {
        "processor": of["name"],
        "instructions": instruction_table(of["instructions"]),
        "fraction": plotted(plot_fraction, of["sweep"], plots / "stream_fraction.svg"),
        "roofline": plotted(plot_roofline, of["speed_all"], plots / "roofline.svg"),
        "error": plotted(plot_error, of["accuracy"], plots / "error.svg"),
    }
    for name, operator in OPERATORS.items():
        speed, accuracy = of[f"speed{operator.results}_all"], of[f"accuracy{operator.results}"]
        parts |= {
            f"machine_{name}": machine_list(of[f"machine{operator.results}_all"]),
            f"speed_all_{name}": speed_table(speed),
            f"speed_one_{name}": speed_table(of[f"speed{operator.results}_one"]),
            f"accuracy_{name}": accuracy_table(operator.judged, accuracy),
            f"ahead_{name}": plotted(plot_ahead, speed, plots / f"ahead{operator.results}.svg"),
        }
    return parts


def write(template, parts, path):
    text = (pathlib.Path(__file__).resolve().parent / template).read_text(encoding="utf-8")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.format_map(parts), encoding="utf-8")
    print(f"{path} is written")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--readme", type=pathlib.Path, help="whose speed table is written anew")
    options = parser.parse_args(arguments)
    processors = [load(folder) for folder in sorted({path.parent for path in options.results.glob("*/machine*_all.json")})]
    if not processors:
        sys.exit(f"page.py: no folder in {options.results} holds results; scripts/bench.sh writes them")
    pages = options.out / "performance"
    for of in processors:
        write("processor_page.md", processor_parts(of, pages / of["folder"]), pages / f"{of['folder']}.md")
    speed = short_table(processors)
    links = [f"- [{of['name']}](performance/{of['folder']}.md): {machine_line(of['machine'])}" for of in processors]
    write("page.md", {"processors": "\n".join(links), "goals": goal_table(processors), "speed": speed,
                      "from_memory": FROM_MEMORY, "accuracy": accuracy_in_short(processors)}, options.out / "performance.md")
    if options.readme:
        text, tables = README_TABLE.subn(rf"\g<1>{speed}\n\2", options.readme.read_text(encoding="utf-8"))
        if tables != 1:
            sys.exit(f"page.py: {options.readme} has {tables} places for the speed table instead of one")
        options.readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
