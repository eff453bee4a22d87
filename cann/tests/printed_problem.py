#!/usr/bin/env python3
"""Turns what examples/test_aclnn_add_layer_norm_grad.cpp prints into files for `alng verify`.

    printed_problem.py PROBLEM.safetensors RESULTS.safetensors < PRINTED
"""

import json
import re
import struct
import sys

LINE = re.compile(r"(\w+) \[([\d, ]+)\]((?: \S+)+)$")
RESULTS = ("dx", "dgamma", "dbeta")


def write(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def main(problem, results):
    tensors = {}
    for line in sys.stdin.read().splitlines():
        name, shape, values = LINE.fullmatch(line).groups()
        tensors[name] = ([int(extent) for extent in shape.split(",")], [float(value) for value in values.split()])
    write(problem, {name: tensor for name, tensor in tensors.items() if name not in RESULTS})
    write(results, {name: tensors[name] for name in RESULTS})


if __name__ == "__main__":
    main(*sys.argv[1:])
