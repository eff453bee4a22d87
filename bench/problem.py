"""One problem in memory, as frameworks lay it out, and its true answer."""

import dataclasses

import ml_dtypes
import numpy as np

DTYPES = {"fp32": np.dtype(np.float32), "fp16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16)}
EPS = 1e-5
# Large allocations of glibc, asked for 64-byte alignment, begin so far into a page; that is what frameworks hand out.
IN_PAGE = 64


def aligned(shape, dtype):
    count = int(np.prod(shape))
    raw = np.empty(count * dtype.itemsize + 4096 + IN_PAGE, np.uint8)
    begin = -raw.ctypes.data % 4096 + IN_PAGE
    return raw[begin : begin + count * dtype.itemsize].view(dtype).reshape(shape)


@dataclasses.dataclass
class Row:
    """A row of the comparison's table."""

    rows: int
    columns: int
    dtype: str
    gamma: bool = True
    dsum: bool = True
    mean_over_std: float = 0.0

    def bytes(self):
        """What must be read and written."""
        tensors = 5 if self.dsum else 4
        return self.rows * self.columns * DTYPES[self.dtype].itemsize * tensors + 8 * self.rows + 12 * self.columns

    def __str__(self):
        return (f"{self.rows}x{self.columns} {self.dtype}" + ("" if self.gamma else " without gamma") +
                ("" if self.dsum else " without dsum"))


class Problem:
    """Inputs of a real forward pass; rows are made in blocks, so that float64 copies stay small."""

    def __init__(self, row, seed=1):
        self.row = row
        dtype = DTYPES[row.dtype]
        shape = (row.rows, row.columns)
        random = np.random.default_rng(seed)
        self.dy, self.x1, self.x2, self.dsum, self.dx = (aligned(shape, dtype) for _ in range(5))
        self.mean, self.rstd = (aligned((row.rows,), DTYPES["fp32"]) for _ in range(2))
        self.gamma, self.dgamma, self.dbeta = (aligned((row.columns,), DTYPES["fp32"]) for _ in range(3))
        self.gamma[:] = 1 + 0.1 * random.standard_normal(row.columns)
        for block in self.blocks():
            size = self.dy[block].shape
            for tensor in (self.dy, self.x1, self.x2, self.dsum):
                tensor[block] = random.standard_normal(size, dtype=np.float32)
            if row.mean_over_std:
                self.x1[block] = (self.x1[block].astype(np.float32) + row.mean_over_std * np.sqrt(2)).astype(dtype)
            x = self.x1[block].astype(np.float64) + self.x2[block]
            self.mean[block] = x.mean(axis=1)
            self.rstd[block] = 1 / np.sqrt(x.var(axis=1) + EPS)
        if not row.gamma:
            self.gamma[:] = 1
        self.dx[:] = 0

    def blocks(self):
        step = max(1, (1 << 20) // self.row.columns)
        return [slice(begin, min(begin + step, self.row.rows)) for begin in range(0, self.row.rows, step)]

    def oracle(self):
        """dx as a list of float64 blocks, dgamma and dbeta: what the formulas give without rounding in between."""
        dgamma = np.zeros(self.row.columns)
        dbeta = np.zeros(self.row.columns)
        dx = []
        for block in self.blocks():
            rstd = self.rstd[block].astype(np.float64)[:, None]
            dy = self.dy[block].astype(np.float64)
            h = self.x1[block].astype(np.float64) + self.x2[block] - self.mean[block].astype(np.float64)[:, None]
            h *= rstd
            dgamma += (dy * h).sum(axis=0)
            dbeta += dy.sum(axis=0)
            w = dy * self.gamma if self.row.gamma else dy
            d = rstd * (w - w.mean(axis=1, keepdims=True) - h * (w * h).mean(axis=1, keepdims=True))
            dx.append(d + self.dsum[block] if self.row.dsum else d)
        return dx, dgamma, dbeta
