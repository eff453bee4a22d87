#!/usr/bin/env python3
"""Which .safetensors files are accepted, and what is read from them: the same as by the format's own library.

    safetensors_reader.py LIST ALNG VENV

LIST is list_safetensors, ALNG the command line, VENV a Python environment with requirements.txt in it (scripts/test.sh
makes it). Exits with 77 where that is not there.
"""
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

DTYPES = {  # bits
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64}
NO_DTYPES = ["C128", "F128", "F8", "F8_E4M3FN", "F8_E3M4", "I4", "U4", "f32", "F32 ", "", "float32", "BF17"]
ONE = '{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'


def data(size):
    return bytes(i % 251 for i in range(size))


def file(header, size=4):
    header = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(header)) + header + data(size)


def tensor(dtype='"F32"', shape="[1]", offsets="[0,4]", more=""):
    return '{"dtype":%s,"shape":%s,"data_offsets":%s%s}' % (dtype, shape, offsets, more)


def named(name, value=ONE):
    return '{"%s":%s}' % (name, value)


def cases():
    """Pairs of a name and a file."""
    yield "plain", file(named("a"))
    for length in range(9):
        yield f"{length} bytes", b"\0" * length
    whole = file(named("a"))
    for size in range(len(whole)):
        yield f"cut at {size}", whole[:size]
    yield "length 2^64-1", b"\xff" * 8 + b"{}"
    yield "length 2^63", struct.pack("<Q", 1 << 63) + b"{}"
    yield "length 1 too large", struct.pack("<Q", 3) + b"{}"
    yield "length 1 too small", struct.pack("<Q", 1) + b"{}"
    for size in (0, 1, 3, 5, 8):
        yield f"{size} bytes of data for 4", file(named("a"), size)
        yield f"{size} bytes of data for none", file("{}", size)

    for pad in (b" ", b"\n", b"\t", b"\r", b"\0", b"\x0b", b"\x0c", b"\x1a", b"\xc2\xa0", b"\xef\xbb\xbf", b"\xff",
                b"\xe2\x80\xa8", b",", b"}", b"{}", b"//x", b"/*x*/", b"#", b"x", b"null"):
        for count in (1, 9):
            yield f"{pad} behind", file(named("a").encode() + pad * count)
            yield f"{pad} before", file(pad * count + named("a").encode())
            yield f"{pad} inside", file(b'{"a":' + pad * count + ONE.encode() + b"}")
            yield f"{pad} between", file(b'{"a"' + pad * count + b":" + ONE.encode() + b"}")
            yield f"{pad} in empty", file(b"{" + pad * count + b"}", 0)
    for header in ("", " ", "[]", "null", "true", "5", '"a"', "{}", "{", "}", "{}{}", "{} {}", "[{}]", "{,}", '{"a"}',
                   '{"a":}', "{a:1}", "{'a':1}", named("a")[:-1] + ",}", "{" + ONE + "}", '{"a":%s "b":%s}' % (ONE, ONE)):
        yield "header " + header, file(header, 0)
        yield "header " + header, file(header)

    for value in ("null", "{}", "[]", '""', "5", "true", '{"x":"y"}', '{"x":"y","x":"z"}', '{"x":1}', '{"x":null}',
                  '{"x":true}', '{"x":{}}', '{"x":["y"]}', '{"x":""}', '{"":""}', '{"dtype":"F32"}', '["x"]', '{"x"}',
                  '{"x":"\\ud800"}', '{"x":"\\ud83d\\ude00"}', '{"x":"a\tb"}'):
        yield "metadata " + value, file('{"__metadata__":%s,"a":%s}' % (value, ONE))
        yield "metadata behind " + value, file('{"a":%s,"__metadata__":%s}' % (ONE, value))
        yield "metadata escaped " + value, file('{"__meta\\u0064ata__":%s,"a":%s}' % (value, ONE))
        yield "metadata alone " + value, file('{"__metadata__":%s}' % value, 0)
        yield "metadata inside a tensor " + value, file(named("a", tensor(more=',"__metadata__":' + value)))
        for other in ("null", "{}"):
            yield "metadata twice", file('{"__metadata__":%s,"__metadata__":%s,"a":%s}' % (value, other, ONE))

    for name in ("", " ", "a.b/c", "\\u0000", "\\n", "\\/", "\\b\\f\\r\\t\\\"\\\\", "\\ud83d\\ude00", "\\uD83D\\uDE00",
                 "\\ud800", "\\udc00", "\\ud83d\\u0041", "\\ud83dx", "\\ud83d\\n", "\\udc00\\ud800", "\\x41", "\\u41",
                 "\\u+041", "\\u 041", "\\u004g", "\\U0041", "\\a", "\\0", "\\'", "\x7f", "\x01", "\t", "\n", "ü", "\uffff",
                 "\U0010ffff", "\U0001f600", "__metadata_", "__METADATA__", "n" * 300, "constructor", "dtype"):
        yield f"name {name!r}", file(named(name))
        yield f"name {name!r} twice", file('{"%s":%s,"%s":%s}' % (name, ONE, name, ONE))
    for raw in (b"\x80", b"\xff", b"\xc0\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xc2", b"\xc2\x41", b"\xe0\x80\xaf", b"\xe0\xa0",
                b"\xe0\x9f\xbf", b"\xe0\xa0\x80", b"\xed\x9f\xbf", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xee\x80\x80",
                b"\xef\xbf\xbf", b"\xf0\x80\x80\xaf", b"\xf0\x8f\xbf\xbf", b"\xf0\x90\x80\x80", b"\xf4\x8f\xbf\xbf",
                b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xf0\x90\x80", b"\xe2\x82\x28"):
        for where in (b'{"%s":' + ONE.encode() + b"}", b'{"__metadata__":{"x":"%s"},"a":' + ONE.encode() + b"}",
                      b'{"a":{"dtype":"F32","%s":1,"shape":[1],"data_offsets":[0,4]}}'):
            yield f"bytes {raw}", file(where.replace(b"%s", raw))

    for dtype, bits in DTYPES.items():
        for elements in range(10):
            yield f"{dtype} {elements}", file(named("a", tensor(f'"{dtype}"', f"[{elements}]", f"[0,{elements * bits // 8}]")),
                                               elements * bits // 8)
        yield f"{dtype} scalar", file(named("a", tensor(f'"{dtype}"', "[]", f"[0,{bits // 8}]")), bits // 8)
        yield f"{dtype} short", file(named("a", tensor(f'"{dtype}"', "[8]", f"[0,{bits - 1}]")), bits - 1)
        yield f"{dtype} long", file(named("a", tensor(f'"{dtype}"', "[8]", f"[0,{bits + 1}]")), bits + 1)
    for dtype in NO_DTYPES:
        yield "dtype " + dtype, file(named("a", tensor(f'"{dtype}"')))
    for dtype in ("null", "5", "true", "[]", '["F32"]', "{}", '{"F32":null}', '{"F32":{}}', '{"F32":[]}', '{"F32":"F32"}',
                  '{"F32":1}', '{"F33":null}', '{"F32":null,"F32":null}', '{"F32":null,"F16":null}', '"\\u004632"', "F32"):
        yield "dtype " + dtype, file(named("a", tensor(dtype)))

    for value in ("[]", "[1]", "[1,1]", "[1,]", "[,1]", "[1 1]", "[0]", "[2]", "[1.0]", "[1e0]", "[1E0]", "[-1]", "[-0]",
                  "[0.5]", "[01]", "[00]", "[+1]", "[.5]", "[1.]", "[0x1]", "[1e]", "[1e+]", "[--1]", "[1_0]", "[NaN]",
                  "[Infinity]", "[-Infinity]", "[true]", "[null]", '["1"]', "[[1]]", "[{}]", "{}", '{"0":1}', "null", "1",
                  '"1"', "true", "[18446744073709551615]", "[18446744073709551616]", "[1" + "0" * 400 + "]", "[1e999]",
                  "[" + "1," * 11 + "1]", "[" + "1," * 5000 + "1]", "[" * 200 + "]" * 200):
        yield "shape " + value, file(named("a", tensor(shape=value)))
        yield "offsets " + value, file(named("a", tensor(offsets=value)))
        yield "value " + value, file(named("a", value))
        yield "more " + value, file(named("a", tensor(more=',"more":' + value)))
        yield "metadata " + value, file('{"__metadata__":{"x":%s},"a":%s}' % (value, ONE))
    for extents in ("0,18446744073709551615", "18446744073709551615,0", "9223372036854775808,2,0", "0,9223372036854775808,2",
                    "9223372036854775808,0,2", "4611686018427387904,0", "4611686018427387904,2,0", "4294967296,4294967296,0",
                    "0,4294967296,4294967296", "4294967296,4294967296", "4294967297,4294967297", "9223372036854775807,2,1",
                    "2305843009213693952,2", "576460752303423488", "576460752303423489", "1152921504606846976",
                    "0,0", "0,5,3", "3,0,5", "9223372036854775807,0", "9223372036854775808,0", "6148914691236517206,3"):
        for dtype in ("U8", "F32", "F64", "F4", "F6_E2M3"):
            for size in (0, 4):
                yield f"{dtype} [{extents}] {size}", file(named("a", tensor(f'"{dtype}"', f"[{extents}]", f"[0,{size}]")), size)
    for offsets in ("0,4", "4,8", "4,0", "0,0", "4,4", "8,4", "0,8", "1,5", "0,3", "0,5", "-4,0", "0,4,8", "4", "",
                    "18446744073709551612,0", "18446744073709551612,18446744073709551616", "0,18446744073709551615",
                    "9223372036854775808,9223372036854775812", "0.0,4", "0,4.0", "0,4e0", "0,0x4", "null,4", '"0","4"'):
        for size in (0, 4, 8):
            yield f"offsets {offsets} of {size}", file(named("a", tensor(offsets=f"[{offsets}]")), size)

    def several(*parts):
        return "{" + ",".join('"t%d":%s' % (i, tensor('"U8"', f"[{e - b if shape is None else shape}]", f"[{b},{e}]"))
                              for i, (b, e, shape) in enumerate(parts)) + "}"
    for parts in (((0, 4, None), (4, 8, None)), ((4, 8, None), (0, 4, None)), ((0, 4, None), (0, 4, None)),
                  ((0, 4, None), (3, 8, None)), ((0, 4, None), (5, 8, None)), ((0, 8, None), (4, 4, None)),
                  ((0, 0, None), (0, 8, None)), ((0, 8, None), (0, 0, None)), ((0, 8, None), (8, 8, None)),
                  ((0, 8, None), (9, 9, None)), ((0, 4, None), (4, 4, None), (4, 4, None), (4, 8, None)),
                  ((0, 0, None), (0, 0, None)), ((2, 2, None), (0, 8, None)), ((1, 8, None),), ((0, 7, None),),
                  ((0, 4, None), (4, 8, None), (2, 6, None)), ((0, 8, 4),), ((0, 4, None), (4, 8, "2,2"))):
        yield f"places {parts}", file(several(*parts), 8)
        yield f"places {parts}, one byte more", file(several(*parts), 9)

    fields = {"dtype": '"F32"', "shape": "[1]", "data_offsets": "[0,4]"}
    for lost in fields:
        yield "no " + lost, file(named("a", "{" + ",".join(f'"{k}":{v}' for k, v in fields.items() if k != lost) + "}"))
        yield "null " + lost, file(named("a", "{" + ",".join(f'"{k}":{"null" if k == lost else v}' for k, v in fields.items()) + "}"))
        yield "two of " + lost, file(named("a", tensor(more=f',"{lost}":{fields[lost]}')))
        yield "upper case " + lost, file(named("a", tensor().replace(lost, lost.upper())))
        yield "escaped " + lost, file(named("a", tensor().replace(lost, "\\u%04x" % ord(lost[0]) + lost[1:])))
    for more in ('"x":1', '"x":1,"x":2', '"x":[{"y":[-1.5e3,true,false,null,"\\n"]}]', '"x":1e999', '"x":-1e999', '"x":1e308',
                 '"x":1e-999', '"x":0e99999999999999999999', '"x":1e99999999999999999999', '"x":1e-99999999999999999999',
                 '"x":' + "1" * 300, '"x":' + "1" * 400, '"x":0.' + "0" * 400 + "1", '"x":tru', '"x":nul', '"x":falsey',
                 '"x":NaN', '"x":-', '"x":-a', '"x":1.e5', '"x":"\\ud800"', '"x":"', '"x"', '"x":', "", '"":0', "x:1",
                 '"strides":[1]', '"x":01', '"x":-01', '"x":-0.0', '"x":True', '"x":[1,2', '"x":{"y":1', '"x":[}'):
        yield "more " + more[:60], file(named("a", tensor(more="," + more)))
        yield "more first " + more[:60], file(named("a", "{" + more + "," + tensor()[1:]))
    for depth in (1, 2, 60, 120, 124, 125, 126, 127, 128, 129, 200, 100000):
        for left, right in (("[", "]"), ('{"x":', "}")):
            for inner in ("", "1"):
                if left == "[" or inner:
                    yield f"depth {depth} {left}", file(named("a", tensor(more=',"x":' + left * depth + inner + right * depth)))
        yield f"depth {depth} open", file(named("a", "[" * depth))
    for value in ('["F32",[1],[0,4]]', '["F32",[1],[0,4],1]', '["F32",[1]]', "[]", '[[1],"F32",[0,4]]',
                  '[{"F32":null},[1],[0,4]]', "[null,[1],[0,4]]", '["F32",[1],[0,4],]'):
        yield "list " + value, file(named("a", value))
    for first in (tensor(offsets="[0,99]"), tensor('"F16"'), tensor('"F99"'), "5", "null", "{}", tensor(shape="[7,7]"),
                  '["F32",[1],[4,8]]'):
        yield "twice, first " + first, file('{"a":%s,"a":%s}' % (first, ONE))
        yield "twice, second " + first, file('{"a":%s,"a":%s}' % (ONE, first))
        yield "twice, escaped " + first, file('{"a":%s,"\\u0061":%s}' % (first, ONE))


def mutants(seeds, count):
    """Files a few random edits away from others, their length made to fit."""
    rng = random.Random(7)
    pieces = [bytes([i]) for i in range(256)] + [
        b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"0", b"1", b"4", b"null", b"true", b"1e5", b"-", b" ", b'"a"', b"\\u00",
        b"\\ud83d\\ude00", b'"dtype"', b'"shape"', b'"data_offsets"', b'"__metadata__"', b'"F32"', b"[0,4]", ONE.encode()]
    for i in range(count):
        seed = rng.choice(seeds)
        header = bytearray(seed[8:8 + struct.unpack("<Q", seed[:8])[0]])
        size = len(seed) - 8 - len(header)
        for _ in range(rng.randint(1, 2)):
            at = rng.randint(0, len(header))
            to = at + rng.choice((0, 0, 1, 1, 2, 5))
            header[at:to] = rng.choice(pieces) if rng.random() < 0.7 else b""
        yield f"mutant {i}", file(bytes(header), size)


def ours(program, files):
    text = b"".join(struct.pack("<Q", len(f)) + f for f in files)
    lines = subprocess.run([program], input=text, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    assert len(lines) == len(files), (len(lines), len(files))
    return [json.loads(line) for line in lines]


def theirs(content):
    from safetensors import SafetensorError, deserialize
    try:
        tensors = deserialize(content)
    except SafetensorError as error:
        return None, str(error)
    return {name: [t["dtype"], list(t["shape"]), bytes(t["data"]).hex()] for name, t in tensors}, ""


def compare(program, named_files):
    """Counts of files that both accept, that both refuse, and that they differ on."""
    counts = [0, 0, 0]
    for (name, content), found in zip(named_files, ours(program, [content for _, content in named_files])):
        wanted, sentence = theirs(content)
        same = found.get("tensors") == wanted
        counts[2 if not same else 0 if wanted is not None else 1] += 1
        if not same and counts[2] <= 20:
            print(f"DIFFERENT {name}: {content[:200]!r}\n  wanted {str(wanted)[:300]} {sentence}\n  found  {str(found)[:300]}")
    return counts


def written_files_are_read(alng):
    """What the command line writes, both kinds, is what the formats' own libraries read: the same arrays."""
    import numpy
    from safetensors.numpy import load_file
    with tempfile.TemporaryDirectory() as folder:
        def path(name):
            return os.path.join(folder, name)
        for dtype in ("fp32", "fp16"):
            for command in (["make", "--shape", "5x3x16", "--dtype", dtype, "-o", path("p.safetensors")],
                            ["run", path("p.safetensors"), "-o", path("r.safetensors")],
                            ["run", path("p.safetensors"), "-o", path("r")]):
                subprocess.run([*alng, *command], stdout=subprocess.DEVNULL, check=True)
            arrays = load_file(path("r.safetensors"))
            assert sorted(arrays) == ["dbeta", "dgamma", "dx"], sorted(arrays)
            for name, array in arrays.items():
                other = numpy.load(path(f"r/{name}.npy"))
                assert array.dtype == other.dtype and array.tobytes() == other.tobytes() and array.shape == other.shape, name


def main():
    program, alng, venv = sys.argv[1:]
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(python):
        print(f"skipped: {venv} is not there; scripts/test.sh makes it where it can reach PyPI")
        return 77
    if os.path.realpath(sys.prefix) != os.path.realpath(venv):
        os.execv(python, [python, *sys.argv])
    table = list(cases())
    assert len(table) > 1500, len(table)
    counts = compare(program, table)
    print("table:   %d accepted by both, %d refused by both, %d different" % tuple(counts))
    good = [content for _, content in table if len(content) < 500 and theirs(content)[0] is not None]
    random_counts = compare(program, list(mutants(good, 10000)))
    print("mutants: %d accepted by both, %d refused by both, %d different" % tuple(random_counts))
    long_counts = [0, 0, 0]
    for length in (99_999_999, 100_000_000, 100_000_001):
        for pad in (" ", "n"):
            header = named("a") if pad == " " else named("n" * (length - len(named(""))))
            counts_now = compare(program, [(f"header of {length}", file(header + " " * (length - len(header))))])
            long_counts = [a + b for a, b in zip(long_counts, counts_now)]
    print("long:    %d accepted by both, %d refused by both, %d different" % tuple(long_counts))
    assert long_counts[:2] == [4, 2], long_counts
    assert min(counts[:2]) > 300 and min(random_counts[:2]) > 300, (counts, random_counts)
    written_files_are_read(alng.split())
    return 1 if counts[2] + random_counts[2] + long_counts[2] else 0


if __name__ == "__main__":
    sys.exit(main())
