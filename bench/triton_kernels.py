"""Both operators in Triton, fused as a careful user of Triton would: what bench/gpu.py measures alng beside.
bench/check_triton.py compares their results with alng's. Without a GPU they run in Triton's interpreter.

A program has whole rows, in float32 registers, and reads each once. In the gradient there are a few programs for each
multiprocessor, which go through the rows and keep sums of dgamma and dbeta; a second kernel adds the programs' sums.
"""

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # read when triton is imported
import triton
import triton.language as tl

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
MOST_COLUMNS = 32768  # of a row that a program can have in registers
# The best of these is found by the first call for a number of columns; nothing can be timed in the interpreter.
WARPS = triton.autotune([triton.Config({}, num_warps=n) for n in ((4,) if INTERPRETED else (2, 4, 8, 16, 32))],
                        key=["columns"])


@WARPS
@triton.jit
def forward_rows(x1, x2, gamma, beta, y, x, mean, rstd, rows, columns, eps, TILE: tl.constexpr, BLOCK: tl.constexpr):
    row = tl.program_id(0) * TILE + tl.arange(0, TILE)
    column = tl.arange(0, BLOCK)
    here = (row < rows)[:, None] & (column < columns)[None, :]
    at = row.to(tl.int64)[:, None] * columns + column[None, :]
    total = tl.load(x1 + at, here, 0).to(tl.float32) + tl.load(x2 + at, here, 0).to(tl.float32)
    tl.store(x + at, total, here)
    means = tl.sum(total, 1) / columns
    centred = tl.where(here, total - means[:, None], 0)
    rstds = 1 / tl.sqrt(tl.sum(centred * centred, 1) / columns + eps)
    tl.store(mean + row, means, row < rows)
    tl.store(rstd + row, rstds, row < rows)
    weight = tl.load(gamma + column, column < columns, 0).to(tl.float32)
    bias = tl.load(beta + column, column < columns, 0).to(tl.float32)
    tl.store(y + at, centred * rstds[:, None] * weight[None, :] + bias[None, :], here)


@WARPS
@triton.jit
def gradient_rows(dy, x1, x2, rstd, mean, gamma, dsum, dx, sums, rows, columns, HAS_DSUM: tl.constexpr,
                  TILE: tl.constexpr, BLOCK: tl.constexpr):
    program = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    weight = tl.load(gamma + column, column < columns, 0).to(tl.float32)
    dgamma = tl.zeros([TILE, BLOCK], tl.float32)
    dbeta = tl.zeros([TILE, BLOCK], tl.float32)
    for first in range(program * TILE, rows, tl.num_programs(0) * TILE):
        row = first + tl.arange(0, TILE)
        here = (row < rows)[:, None] & (column < columns)[None, :]
        at = row.to(tl.int64)[:, None] * columns + column[None, :]
        g = tl.load(dy + at, here, 0).to(tl.float32)
        total = tl.load(x1 + at, here, 0).to(tl.float32) + tl.load(x2 + at, here, 0).to(tl.float32)
        rstds = tl.load(rstd + row, row < rows, 0)[:, None]
        means = tl.load(mean + row, row < rows, 0)[:, None]
        h = tl.where(here, (total - means) * rstds, 0)
        w = g * weight[None, :]
        of_w = (tl.sum(w, 1) / columns)[:, None]
        of_wh = (tl.sum(w * h, 1) / columns)[:, None]
        result = rstds * (w - of_w - h * of_wh)
        if HAS_DSUM:
            result += tl.load(dsum + at, here, 0).to(tl.float32)
        tl.store(dx + at, result, here)
        dgamma += g * h
        dbeta += g
    to = sums + program.to(tl.int64) * 2 * columns + column
    tl.store(to, tl.sum(dgamma, 0), column < columns)
    tl.store(to + columns, tl.sum(dbeta, 0), column < columns)


@triton.jit
def add_sums(sums, out, programs, width, TILE: tl.constexpr, BLOCK: tl.constexpr):
    column = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    total = tl.zeros([TILE, BLOCK], tl.float32)
    for first in range(0, programs, TILE):
        program = first + tl.arange(0, TILE)
        here = (program < programs)[:, None] & (column < width)[None, :]
        total += tl.load(sums + program[:, None] * width + column[None, :], here, 0)
    tl.store(out + column, tl.sum(total, 0), column < width)


def shape_of(x):
    """Rows, columns, and of a program's tile the rows and the columns."""
    rows, columns = x.shape
    if columns > MOST_COLUMNS:
        raise ValueError(f"a row of {columns} columns is too long for a program of Triton's, which has at most {MOST_COLUMNS}")
    block = triton.next_power_of_2(columns)
    return rows, columns, max(1, 2048 // block), block


def forward(x1, x2, gamma, beta, eps=1e-5):
    rows, columns, tile, block = shape_of(x1)
    y, x = torch.empty_like(x1), torch.empty_like(x1)
    mean, rstd = (torch.empty(rows, device=x1.device) for _ in range(2))
    forward_rows[(triton.cdiv(rows, tile),)](x1, x2, gamma, beta, y, x, mean, rstd, rows, columns, eps, TILE=tile,
                                             BLOCK=block)
    return y, x, mean, rstd


def gradient(dy, x1, x2, rstd, mean, gamma, dsum=None):
    rows, columns, tile, block = shape_of(dy)
    multiprocessors = 3 if INTERPRETED else torch.cuda.get_device_properties(dy.device).multi_processor_count
    programs = min(triton.cdiv(rows, tile), multiprocessors * max(1, min(8, 8192 // (tile * block))))
    dx = torch.empty_like(dy)
    sums = torch.empty(programs, 2, columns, device=dy.device)
    out = torch.empty(2, columns, device=dy.device)
    gradient_rows[(programs,)](dy, x1, x2, rstd, mean, gamma, dsum, dx, sums, rows, columns, HAS_DSUM=dsum is not None,
                               TILE=tile, BLOCK=block)
    add_sums[(triton.cdiv(2 * columns, 32),)](sums, out, programs, 2 * columns, TILE=64, BLOCK=32)
    return dx, out[0], out[1]
