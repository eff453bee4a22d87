"""One problem of an operator in memory, as frameworks lay it out, and how far results are from its true answer."""

import dataclasses

import ml_dtypes
import numpy as np

DTYPES = {"fp32": np.dtype(np.float32), "fp16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16)}
EPS = 1e-5
# Large allocations of glibc, asked for 64-byte alignment, begin so far into a page; that is what frameworks hand out.
IN_PAGE = 64
PER_ROW = ("mean", "rstd")
PER_COLUMN = ("gamma", "beta", "dgamma", "dbeta")


def aligned(shape, dtype):
    count = int(np.prod(shape))
    raw = np.empty(count * dtype.itemsize + 4096 + IN_PAGE, np.uint8)
    begin = -raw.ctypes.data % 4096 + IN_PAGE
    return raw[begin : begin + count * dtype.itemsize].view(dtype).reshape(shape)


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of the comparison's table."""

    rows: int
    columns: int
    dtype: str
    gamma: bool = True  # of a forward: gamma and beta
    dsum: bool = True  # of a gradient
    mean_over_std: float = 0.0

    def __str__(self):
        return (f"{self.rows}x{self.columns} {self.dtype}" + ("" if self.gamma else " without gamma") +
                ("" if self.dsum else " without dsum"))


def statistics(x):
    """Mean and rstd of each row."""
    return x.mean(axis=1), 1 / np.sqrt(x.var(axis=1) + EPS)


def largest(errors, scale):
    """The largest error of each row beside the row's scale, the largest of all rows. NaN where an error is NaN."""
    return float((errors.max(axis=1) / np.where(scale == 0, 1, scale)).max())


class Problem:
    """What both operators have: tensors by name, float32 where they aren't rows times columns, filled with normal random
    numbers. Rows are made and judged in blocks, so that float64 copies stay small."""

    operator = results = ""  # its name; what is in the names of its results' files
    inputs = outputs = ()  # names; outputs in the order in which contestants give them

    def __init__(self, row, seed=1):
        self.row = row
        random = np.random.default_rng(seed)
        for name in self.inputs + self.outputs:
            shape = (row.rows,) if name in PER_ROW else (row.columns,) if name in PER_COLUMN else (row.rows, row.columns)
            setattr(self, name, aligned(shape, DTYPES["fp32" if len(shape) == 1 else row.dtype]))
        for name, middle in (("gamma", 1), ("beta", 0)):
            if name in self.inputs:
                noise = 0.1 * random.standard_normal(row.columns)
                getattr(self, name)[:] = middle + noise if row.gamma else middle
        for block in self.blocks():
            for name in ("dy", "x1", "x2", "dsum"):
                if name in self.inputs:
                    tensor = getattr(self, name)
                    tensor[block] = random.standard_normal(tensor[block].shape, dtype=np.float32)
            if row.mean_over_std:
                shift = row.mean_over_std * np.sqrt(2)
                self.x1[block] = (self.x1[block].astype(np.float32) + shift).astype(self.x1.dtype)
        self.clear_outputs()

    @classmethod
    def bytes(cls, row):
        """What must be read and written."""
        names = cls.inputs + cls.outputs
        tensors = sum(name not in PER_ROW + PER_COLUMN and (name != "dsum" or row.dsum) for name in names)
        return (row.rows * row.columns * DTYPES[row.dtype].itemsize * tensors + 4 * len(PER_ROW) * row.rows +
                4 * sum(name in PER_COLUMN for name in names) * row.columns)

    def blocks(self):
        step = max(1, (1 << 20) // self.row.columns)
        return [slice(begin, min(begin + step, self.row.rows)) for begin in range(0, self.row.rows, step)]

    def clear_outputs(self):
        for name in self.outputs:
            getattr(self, name)[:] = 0

    def present(self):
        """The tensors by name, without those that the row leaves out."""
        absent = (() if self.row.gamma else ("gamma", "beta")) + (() if self.row.dsum else ("dsum",))
        return {name: getattr(self, name) for name in self.inputs + self.outputs if name not in absent}

    def data_bound(self):
        """How far tensors of different implementations may be apart, beside their largest element."""
        return {"fp32": 1e-4, "fp16": 4e-3, "bf16": 3e-2}[self.row.dtype]


class Gradient(Problem):
    """AddLayerNormGrad after a real forward pass."""

    operator = "gradient"
    inputs = ("dy", "x1", "x2", "rstd", "mean", "gamma", "dsum")
    outputs = ("dx", "dgamma", "dbeta")
    judged = outputs

    def __init__(self, row, seed=1):
        super().__init__(row, seed)
        for block in self.blocks():
            self.mean[block], self.rstd[block] = statistics(self.x1[block].astype(np.float64) + self.x2[block])

    def bounds(self):
        sums = 1e-4 * max(1.0, self.row.rows) ** 0.5 * (1 if self.row.dtype == "fp32" else 300)
        return self.data_bound(), sums, sums

    def errors(self, outputs):
        """Of dx beside a row's largest |dx|; of dgamma and dbeta beside their root mean square. In the order of `judged`."""
        dx, dgamma, dbeta = outputs
        true_dgamma, true_dbeta, worst = np.zeros(self.row.columns), np.zeros(self.row.columns), []
        for block in self.blocks():
            rstd = self.rstd[block].astype(np.float64)[:, None]
            dy = self.dy[block].astype(np.float64)
            h = self.x1[block].astype(np.float64) + self.x2[block] - self.mean[block].astype(np.float64)[:, None]
            h *= rstd
            true_dgamma += (dy * h).sum(axis=0)
            true_dbeta += dy.sum(axis=0)
            w = dy * self.gamma if self.row.gamma else dy
            true = rstd * (w - w.mean(axis=1, keepdims=True) - h * (w * h).mean(axis=1, keepdims=True))
            if self.row.dsum:
                true += self.dsum[block]
            worst.append(largest(np.abs(dx[block].astype(np.float64) - true), np.abs(true).max(axis=1)))

        def of_sums(got, true):
            return float(np.abs(got.astype(np.float64) - true).max() / np.sqrt(np.mean(true**2)))

        return float(np.max(worst)), of_sums(dgamma, true_dgamma), of_sums(dbeta, true_dbeta)


class Forward(Problem):
    """AddLayerNorm with all its outputs."""

    operator = "forward"
    results = "_forward"
    inputs = ("x1", "x2", "gamma", "beta")
    outputs = ("y", "mean", "rstd", "x")
    judged = outputs[:3]

    def bounds(self):
        return (self.data_bound(),) * 4

    def errors(self, outputs):
        """Of y beside a row's largest |gamma h| + |beta|; of mean beside the larger of |mean| and the standard deviation;
        of rstd beside rstd. The truth is of x1 + x2 in float32. In the order of `judged`."""
        y, mean, rstd, _ = outputs
        worst = []
        for block in self.blocks():
            x = (self.x1[block].astype(np.float32) + self.x2[block].astype(np.float32)).astype(np.float64)
            true_mean, true_rstd = statistics(x)
            scaled = self.gamma * (x - true_mean[:, None]) * true_rstd[:, None]
            y_error = np.abs(y[block].astype(np.float64) - (scaled + self.beta))
            deviation = np.maximum(np.abs(true_mean), x.std(axis=1))
            worst.append((largest(y_error, (np.abs(scaled) + np.abs(self.beta)).max(axis=1)),
                          largest(np.abs(mean[block].astype(np.float64) - true_mean)[:, None], deviation),
                          largest(np.abs(rstd[block].astype(np.float64) - true_rstd)[:, None], true_rstd)))
        return tuple(float(error) for error in np.max(worst, axis=0))


OPERATORS = {operator.operator: operator for operator in (Gradient, Forward)}
