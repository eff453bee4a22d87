"""Both operators in double precision, and the bounds of docs/numerics.md that results are held to."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FLOAT32, FLOAT16, BFLOAT16 = np.dtype(np.float32), np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)
DTYPES = (FLOAT32, FLOAT16, BFLOAT16)

ELEMENT_BOUND, MEAN_BOUND, RSTD_BOUND, SUM_BOUND = 3e-7, 2.0**-23, 2.0**-22, 2e-6


def rows(array: Array, normalized_dims: int) -> Array:
    """As rows by columns, in double precision."""
    columns = math.prod(array.shape[array.ndim - normalized_dims :])
    return array.astype(np.float64).reshape(-1, columns)


def total(x1: Array, x2: Array | None, round_sum: bool = False) -> Array:
    x = x1.astype(np.float32) if x2 is None else x1.astype(np.float32) + x2.astype(np.float32)
    return x.astype(x1.dtype) if round_sum else x


def check_elements(name: str, got: Array, exact: Array, scale: Array) -> None:
    """Within 3e-7 of the row's scale; 16-bit ones: anything in that, rounded."""
    reach = ELEMENT_BOUND * scale.max(axis=1, keepdims=True)
    low, high = ((exact - reach).astype(got.dtype), (exact + reach).astype(got.dtype))
    if got.dtype == FLOAT32:
        low, high = exact - reach, exact + reach
    wide = got.astype(np.float64)
    assert ((low.astype(np.float64) <= wide) & (wide <= high.astype(np.float64))).all(), name


def check_forward(
    result: Any,
    x1: Array,
    x2: Array | None,
    gamma: Array | None,
    beta: Array | None,
    eps: float,
    dims: int,
    round_sum: bool,
) -> None:
    x = rows(total(x1, x2, round_sum), dims)
    if x.size == 0:
        return
    mean = x.mean(axis=1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=1, keepdims=True)
    rstd = 1 / np.sqrt(variance + np.float64(np.float32(eps)))
    scaled = (x - mean) * rstd * (1 if gamma is None else gamma.astype(np.float64).reshape(1, -1))
    shift = np.zeros_like(scaled) if beta is None else beta.astype(np.float64).reshape(1, -1)
    scale = np.maximum(abs(mean), np.sqrt(variance))
    assert (abs(rows(result.mean, dims).reshape(-1, 1) - mean) <= MEAN_BOUND * scale).all()
    assert (abs(rows(result.rstd, dims).reshape(-1, 1) - rstd) <= RSTD_BOUND * rstd).all()
    check_elements("y", result.y.reshape(x.shape), scaled + shift, abs(scaled) + abs(shift))
    assert np.array_equal(result.x, total(x1, x2).astype(x1.dtype))


def check_grad(
    result: Any,
    dy: Array,
    x1: Array,
    x2: Array | None,
    rstd: Array,
    mean: Array,
    gamma: Array | None,
    dsum: Array | None,
    dims: int,
) -> None:
    x, dy64 = rows(total(x1, x2), dims), rows(dy, dims)
    if x.size == 0:
        return
    rstd64, mean64 = (stat.astype(np.float64).reshape(-1, 1) for stat in (rstd, mean))
    h = (x - mean64) * rstd64
    w = dy64 if gamma is None else dy64 * gamma.astype(np.float64).reshape(1, -1)
    m1, m2 = w.mean(axis=1, keepdims=True), (w * h).mean(axis=1, keepdims=True)
    extra = np.zeros_like(w) if dsum is None else rows(dsum, dims)
    dx = rstd64 * (w - m1 - h * m2) + extra
    check_elements("dx", result.dx.reshape(x.shape), dx, rstd64 * (abs(w) + abs(m1) + abs(h * m2)) + abs(extra))
    for name, terms in (("dgamma", dy64 * h), ("dbeta", dy64)):
        exact = terms.sum(axis=0)
        rms = max(math.sqrt((exact**2).mean()), math.sqrt((terms**2).sum(axis=0).mean()))
        error = abs(getattr(result, name).astype(np.float64).reshape(-1) - exact).max()
        assert error <= SUM_BOUND * rms, name
