#!/usr/bin/env python3
"""Compares the results of triton_kernels.py with those of alng on the CPU, on the GPU that PyTorch finds or else in Triton's
interpreter. Says "skipped: why" where Python lacks what that takes; exits 1 where a result is wrong."""

import sys

# Rows, columns, dtype, dsum: more rows than programs have at once, a tile cut short, columns that are no power of two.
PROBLEMS = [(37, 64, "float32", True), (301, 100, "float16", True), (5, 1024, "bfloat16", False), (23, 777, "bfloat16", True),
            (2, 2500, "float32", False), (1, 8192, "float16", True)]


def sentence(got, true, name):
    """What is wrong where a result is further from the true one than its dtype's last place and float32's rounding."""
    got, last_place, true = got.double().cpu().reshape(true.shape), torch.finfo(got.dtype).eps, true.double()
    bound = last_place * true.abs() + 2e-6 * true.abs().max()
    worst = ((got - true).abs() / bound).nan_to_num(torch.inf).max().item()
    return "" if worst <= 1 else f"{name} is {worst:.1f} times as far from alng's as it may be"


def wrong(rows, columns, dtype, has_dsum):
    random = torch.Generator().manual_seed(columns)
    dtype = getattr(torch, dtype)

    def normal(*shape):
        return torch.randn(shape, generator=random).to(dtype)

    def outputs(*shapes):
        return [torch.empty(shape, dtype=dtype if shape == (rows, columns) else torch.float32) for shape in shapes]

    def compare(function, inputs, names, true):
        got = function(*(None if t is None else t.to(device) for t in inputs))
        return [sentence(*three) for three in zip(got, true, names, strict=True)]

    device = "cpu" if triton_kernels.INTERPRETED else "cuda"
    x1, x2, dy = (normal(rows, columns) for _ in range(3))
    gamma, beta = normal(columns), normal(columns)
    dsum = normal(rows, columns) if has_dsum else None
    y, x, mean, rstd = outputs((rows, columns), (rows, columns), (rows, 1), (rows, 1))
    alng.add_layer_norm(x1, x2, gamma, beta, y=y, x=x, mean=mean, rstd=rstd)
    dx, dgamma, dbeta = outputs((rows, columns), (columns,), (columns,))
    alng.add_layer_norm_grad(dy, x1, x2, rstd, mean, gamma, dsum, dx=dx, dgamma=dgamma, dbeta=dbeta)
    found = compare(triton_kernels.forward, (x1, x2, gamma, beta), ("y", "x", "mean", "rstd"), (y, x, mean, rstd))
    found += compare(triton_kernels.gradient, (dy, x1, x2, rstd, mean, gamma, dsum), ("dx", "dgamma", "dbeta"),
                     (dx, dgamma, dbeta))
    return [each for each in found if each]


def main():
    failed = 0
    for problem in PROBLEMS:
        for each in wrong(*problem):
            failed += 1
            print(f"{problem}: {each}")
    way = "in Triton's interpreter" if triton_kernels.INTERPRETED else "on the GPU"
    print(f"check_triton: {len(PROBLEMS)} problems {way}, {failed} results wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        import torch

        import alng
        import triton_kernels
    except ImportError as error:
        print(f"skipped: Triton's kernels are not compared with alng: {error}")
        sys.exit(0)
    sys.exit(main())
