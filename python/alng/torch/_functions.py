"""LayerNorm as a function: which way a call takes to the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function_variadic

from .. import AlngError, _core
from . import _ops


def layer_norm(
    x: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """torch.nn.functional.layer_norm by alng: (x - mean) * rstd * weight + bias over the trailing dimensions.

    normalized_shape: x's trailing dimensions; weight, bias: of that shape. eps is added to the variance. For the backward
    x, mean, rstd and weight are kept.
    """
    done = _at_once(x, None, normalized_shape, weight, bias, eps)
    if done is not None:
        return done
    if has_torch_function_variadic(x, weight, bias):  # torch.fx traces, or subclasses have their say
        given = (x, normalized_shape, weight, bias, eps)
        return handle_torch_function(layer_norm, (x, weight, bias), *given)
    normalized_dims = _normalized_dims(x, normalized_shape)
    weight, bias = _as_taken("weight", weight, x), _as_taken("bias", bias, x)
    return _ops.route(_ops.LayerNorm, torch.ops.alng.layer_norm)(x, weight, bias, normalized_dims, eps)[0]


def add_layer_norm(
    x1: Tensor,
    x2: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor]:
    """y = layer_norm(x) and x = x1 + x2, as `x = x1 + x2; y = layer_norm(x, ...)` in one pass over memory.

    x1 and x2 are broadcast and promoted as by +. For the backward x, mean, rstd and weight are kept, x1 and x2 are not.
    """
    if x2 is None:
        raise TypeError("alng: x2 is None but must be a tensor: layer_norm takes x1 alone")
    done = _at_once(x1, x2, normalized_shape, weight, bias, eps)
    if done is not None:
        return done
    if has_torch_function_variadic(x1, x2, weight, bias):
        given = (x1, x2, normalized_shape, weight, bias, eps)
        return handle_torch_function(add_layer_norm, (x1, x2, weight, bias), *given)
    if x1.dtype != x2.dtype:
        dtype = torch.result_type(x1, x2)
        x1, x2 = x1.to(dtype), x2.to(dtype)
    if x1.shape != x2.shape:
        x1, x2 = torch.broadcast_tensors(x1, x2)
    normalized_dims = _normalized_dims(x1, normalized_shape)
    weight, bias = _as_taken("weight", weight, x1), _as_taken("bias", bias, x1)
    op = _ops.route(_ops.AddLayerNorm, torch.ops.alng.add_layer_norm)
    return op(x1, x2, weight, bias, normalized_dims, eps)[:2]


def _normalized_dims(x: Tensor, normalized_shape: int | Sequence[int]) -> int:
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ValueError(f"alng: normalized_shape is {shape} but must be the last dimensions of x, {tuple(x.shape)}")
    return len(shape)


def _as_taken(name: str, parameter: Tensor | None, x: Tensor) -> Tensor | None:
    """weight or bias of x's dtype or of float32, which every value of a narrower dtype has, too."""
    if parameter is None or parameter.dtype == x.dtype or (parameter.dtype == torch.float32 and x.dtype != torch.float64):
        return parameter
    if parameter.dtype == torch.float64:
        raise TypeError(f"alng: {name} is float64 but must be {x.dtype} as x, or float32")
    return parameter.to(torch.float64 if x.dtype == torch.float64 else torch.float32)


def _at_once(x1: Tensor, x2: Tensor | None, normalized_shape: Any, weight: Any, bias: Any, eps: float) -> Any:
    """The result, by the shortest way, where that is open; else None."""
    if torch.compiler.is_compiling():
        return None
    graph = _core.takes_at_once(x1, x2, weight, bias, normalized_shape)
    if graph is None:
        return None
    normalized_dims = len(normalized_shape) if isinstance(normalized_shape, tuple) else 1
    try:
        if graph:
            return _ops.apply_eager(x1, x2, weight, bias, normalized_dims, eps)
        y, _, _, x = _ops.forward(x1, x2, weight, bias, normalized_dims, eps, statistics=False)
    except (AlngError, TypeError):  # what the longer way converts, or refuses
        return None
    return y if x is None else (y, x)
