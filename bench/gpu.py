#!/usr/bin/env python3
"""Measures every row of gpu_rows.csv on a GPU: `alng bench --device cuda` beside a copy of as many bytes, PyTorch, Triton.

    gpu.py --alng PROGRAM --results DIR [--seconds S] [--quick]

Writes alng.csv, peers.csv (where PyTorch is there and finds the GPU) and page.md into the results. Times are what the
GPU takes, by events, medians of rounds. The peers compute the same function: PyTorch's eager operators, what torch.compile
makes of them, and fused kernels in Triton (triton_kernels.py). scripts/bench_gpu.sh calls this.
"""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
QUICK = 6


def rows(quick):
    with open(HERE / "gpu_rows.csv", encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    return table[:QUICK] if quick else table


def write(path, lines):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def measure_alng(program, row, seconds):
    command = [program, "bench", "--json", "--device", "cuda", "--seconds", str(seconds), "--dtype", row["dtype"],
               "--shape", f"{row['rows']}x{row['columns']}"]
    if row["operator"] == "forward":
        command.append("--forward")
    elif row["dsum"] == "0":
        command.append("--no-dsum")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {"refused": done.stderr.strip()}
    result = json.loads(done.stdout)["results"][0]
    elements = int(row["rows"]) * int(row["columns"])
    microseconds = result["ns_per_element"] * elements / 1000
    return {
        "microseconds": f"{microseconds:.2f}",
        "gb_per_s": f"{result['gb_per_s']:.1f}",
        "copy_microseconds": f"{result['stream']['ns_per_element'] * elements / 1000:.2f}",
        "of_copy": f"{result['stream_fraction']:.4f}",
        "of_copy_q1": f"{result['stream']['speed_quartiles'][0]:.4f}",
        "of_copy_q3": f"{result['stream']['speed_quartiles'][2]:.4f}",
        "calls": result["calls"],
        "isa": result["isa"],
    }


def torch_functions(torch, row):
    """The function of the row by PyTorch's operators, and its arguments."""
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}[row["dtype"]]
    shape, columns = (int(row["rows"]), int(row["columns"])), (int(row["columns"]),)

    def full():
        return torch.randn(shape, device="cuda", dtype=torch.float32).to(dtype)

    gamma, beta = torch.rand(columns, device="cuda").to(dtype), torch.rand(columns, device="cuda").to(dtype)
    x1, x2 = full(), full()
    if row["operator"] == "forward":

        def forward(x1, x2, gamma, beta):
            x = x1 + x2
            return torch.nn.functional.layer_norm(x, columns, gamma, beta), x

        return forward, (x1, x2, gamma, beta)
    x = (x1 + x2).float()
    mean = x.mean(1, keepdim=True)
    rstd = (x.var(1, unbiased=False, keepdim=True) + 1e-5).rsqrt()
    dy, dsum = full(), full() if row["dsum"] == "1" else None

    def gradient(dy, x1, x2, rstd, mean, gamma, dsum):
        outputs = torch.ops.aten.native_layer_norm_backward(
            dy, x1 + x2, columns, mean, rstd, gamma, gamma, [True, True, True]
        )
        return (outputs[0] if dsum is None else outputs[0] + dsum), outputs[1], outputs[2]

    return gradient, (dy, x1, x2, rstd, mean, gamma, dsum)


def time_on_gpu(torch, call, seconds):
    call()
    call()
    torch.cuda.synchronize()

    def once(count):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        for _ in range(count):
            call()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end) * 1000 / count

    count = max(1, min(200, int(1000 / max(once(1), 1))))
    times = []
    while len(times) < 5 or sum(times) * count < seconds * 1e6:
        times.append(once(count))
    return statistics.median(times)


def triton_function(row):
    import triton_kernels

    return triton_kernels.forward if row["operator"] == "forward" else triton_kernels.gradient


def measure_peers(torch, row, seconds):
    function, arguments = torch_functions(torch, row)
    makers = {"eager": lambda: function, "compile": lambda: torch.compile(function), "triton": lambda: triton_function(row)}
    found = {}
    for name, made in makers.items():
        try:
            contestant = made()
            found[f"{name}_microseconds"] = f"{time_on_gpu(torch, lambda: contestant(*arguments), seconds):.2f}"
        except Exception as error:  # whatever a peer fails at is no failure of ours
            found[f"{name}_microseconds"] = ""
            print(f"{name}: {row}: {str(error).splitlines()[0] if str(error) else type(error).__name__}", file=sys.stderr)
    return found


def load_torch():
    try:
        import torch
    except ImportError:
        return None, "PyTorch is not installed"
    return (torch, "") if torch.cuda.is_available() else (None, "PyTorch finds no GPU")


def page(device, alng, peers, why_no_peers):
    by_row = {tuple(line[k] for k in KEYS): line for line in peers}
    text = ["# alng on a GPU", "", f"Measured on {device}. Times are what the GPU takes for a call, by events; medians.",
            "A copy moves as many bytes as the problem must, half of them read and half written, in the same run.", ""]
    if why_no_peers:
        text += [f"Without peers: {why_no_peers}.", ""]
    text += ["| operator | shape | dtype | dsum | us | GB/s | of a copy |" + "".join(f" {name} / alng |" for name in PEERS),
             "| --- | --- | --- | --- | ---: | ---: | ---: |" + " ---: |" * len(PEERS)]
    for line in alng:
        if line.get("refused"):
            text.append(f"| {line['operator']} | {line['rows']}x{line['columns']} | {line['dtype']} | {line['dsum']} | "
                        f"{line['refused']} | | |" + " |" * len(PEERS))
            continue
        peer = by_row.get(tuple(line[k] for k in KEYS), {})
        times = []
        for name in PEERS:
            theirs = peer.get(f"{name}_microseconds")
            times.append(f"{float(theirs) / float(line['microseconds']):.2f}" if theirs else "-")
        text.append(f"| {line['operator']} | {line['rows']}x{line['columns']} | {line['dtype']} | {line['dsum']} | "
                    f"{line['microseconds']} | {line['gb_per_s']} | {line['of_copy']} | {' | '.join(times)} |")
    return "\n".join(text) + "\n"


PEERS = ("eager", "compile", "triton")
KEYS = ("operator", "rows", "columns", "dtype", "dsum")
MEASURED = ("microseconds", "gb_per_s", "copy_microseconds", "of_copy", "of_copy_q1", "of_copy_q3", "calls", "isa",
            "refused")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alng", required=True, help="the command line")
    parser.add_argument("--results", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each row and contestant")
    parser.add_argument("--quick", action="store_true", help=f"the first {QUICK} rows")
    options = parser.parse_args()
    info = json.loads(subprocess.run([options.alng, "info", "--json"], capture_output=True, text=True, check=True).stdout)
    device = next(d["reason"] for d in info["devices"] if d["name"] == "cuda:0")

    alng, peers = [], []
    for row in rows(options.quick):
        key = {k: row[k] for k in KEYS}
        result = measure_alng(options.alng, row, options.seconds)
        alng.append(key | {k: result.get(k, "") for k in MEASURED})
        print(key, result.get("of_copy") or result.get("refused"), flush=True)
    torch, why_no_peers = load_torch()
    if torch is not None:
        for row in rows(options.quick):
            peers.append({k: row[k] for k in KEYS} | measure_peers(torch, row, options.seconds))
            torch.cuda.empty_cache()
    options.results.mkdir(parents=True, exist_ok=True)
    write(options.results / "alng.csv", alng)
    if peers:
        write(options.results / "peers.csv", peers)
    (options.results / "page.md").write_text(page(device, alng, peers, why_no_peers), encoding="utf-8")


if __name__ == "__main__":
    main()
