#!/usr/bin/env python3
"""Says which tensors of two safetensors files differ in dtype, shape or bytes; exits 1 where one does.

    same_tensors.py A.safetensors B.safetensors
"""

import json
import struct
import sys


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    body = data[8 + length :]
    return {name: (t["dtype"], t["shape"], body[slice(*t["data_offsets"])]) for name, t in header.items()}


def main(first, second):
    a, b = read(first), read(second)
    different = [name for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name)]
    for name in different:
        print(f"{name} differs")
    print(f"{len(a)} tensors, {len(different)} differ")
    return 1 if different or not a else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
