"""LayerNorm as a function: which way a call takes to the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

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
    normalized_dims = _normalized_dims(x, normalized_shape)
    weight, bias = _as_taken("weight", weight, x), _as_taken("bias", bias, x)
    arguments = (x, weight, bias, normalized_dims, eps)
    if torch.compiler.is_compiling():
        return torch.ops.alng.layer_norm(*arguments)[0]
    return _apply(_ops.LayerNorm, _ops.LayerNormEager, arguments)[0]


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
    if x1.dtype != x2.dtype:
        dtype = torch.promote_types(x1.dtype, x2.dtype)
        x1, x2 = x1.to(dtype), x2.to(dtype)
    if x1.shape != x2.shape:
        x1, x2 = torch.broadcast_tensors(x1, x2)
    normalized_dims = _normalized_dims(x1, normalized_shape)
    weight, bias = _as_taken("weight", weight, x1), _as_taken("bias", bias, x1)
    arguments = (x1, x2, weight, bias, normalized_dims, eps)
    if torch.compiler.is_compiling():
        return torch.ops.alng.add_layer_norm(*arguments)[:2]
    return _apply(_ops.AddLayerNorm, _ops.AddLayerNormEager, arguments)[:2]


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


def _apply(function: Any, eager: Any, arguments: tuple[Any, ...]) -> Any:
    if torch._C._are_functorch_transforms_active():
        return function.apply(*arguments)
    if torch.is_grad_enabled() and torch._C._any_requires_grad(*arguments):
        return eager.apply(*arguments)
    return function.forward(*arguments)
