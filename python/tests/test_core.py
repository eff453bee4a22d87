"""The native module, called as a framework calls it: with addresses, dtypes, shapes and strides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alng import AlngError, _core


def tensor(array: NDArray[Any]) -> Any:
    strides = tuple(stride // array.itemsize for stride in array.strides)
    return array.ctypes.data, _core.FLOAT32, array.shape, strides


def test_the_example_of_the_formula_page() -> None:
    x1, x2 = np.float32([[-2, 0, -1, 2]]), np.float32([[1, 1, 0, -1]])
    gamma, beta = np.float32([2, 1, 1, 1]), np.float32([0, 0, 0, 1])
    dy, zeros = np.float32([[1, 0, 0, 0]]), np.zeros((1, 4), np.float32)
    y, x, dx = np.empty_like(x1), np.empty_like(x1), np.empty_like(x1)
    mean, rstd = np.empty((1, 1), np.float32), np.empty((1, 1), np.float32)
    dgamma, dbeta = np.empty(4, np.float32), np.empty(4, np.float32)
    forward: Any = [tensor(array) for array in (x1, x2, gamma, beta, y, mean, rstd, x)]
    grad: Any = [tensor(array) for array in (dy, x1, x2, rstd, mean, gamma, zeros, dx, dgamma, dbeta)]
    _core.add_layer_norm(*forward, eps=0)
    _core.add_layer_norm_grad(*grad)
    assert y.tolist() == [[-2, 1, -1, 2]]
    assert x.tolist() == [[-1, 1, -1, 1]]
    assert (mean.item(), rstd.item()) == (0, 1)
    assert dx.tolist() == [[1, 0, -1, 0]]
    assert dgamma.tolist() == [-1, 0, 0, 0]
    assert dbeta.tolist() == [1, 0, 0, 0]


def test_refusals_have_a_code_and_the_sentence() -> None:
    x1, gamma, y = np.ones((2, 4), np.float32), np.ones(5, np.float32), np.full((2, 4), 7, np.float32)
    with pytest.raises(AlngError, match="gamma") as refusal:
        _core.add_layer_norm(tensor(x1), None, tensor(gamma), None, tensor(y), None, None, None)
    assert refusal.value.code == "bad_shape"
    assert (y == 7).all()
    with pytest.raises(TypeError, match="x2 is of type int but must be"):
        _core.add_layer_norm(tensor(x1), 5, None, None, tensor(y), None, None, None, 1)  # type: ignore[arg-type]
