"""DTensor: rows may be sharded, columns may not.

x, y, dx and the statistics are sharded alike, along dimensions that are not normalised; weight and bias are replicated;
dgamma and dbeta of a part of the rows are partial sums. A tensor that is sharded along a normalised dimension is refused:
gathering it unasked would cost more than the LayerNorm.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.distributed.tensor import Partial, Replicate, Shard
from torch.distributed.tensor.experimental import register_sharding


def _rows(x: Any, normalized_dims: int, *others: Any) -> range:
    """The dimensions along which the operands may be sharded."""
    rows = x.ndim - normalized_dims
    for spec in (x, *others):
        for placement in [] if spec is None else spec.placements:
            if isinstance(placement, Shard) and placement.dim % spec.ndim >= rows:
                raise NotImplementedError(
                    f"alng: a tensor of shape {tuple(spec.shape)} is sharded along dimension {placement.dim}, which "
                    f"LayerNorm normalises over; only rows may be sharded, here {rows} dimensions: redistribute it first"
                )
    return range(rows)


def _replicated(parameter: Any) -> Replicate | None:
    return None if parameter is None else Replicate()


@register_sharding(torch.ops.alng.layer_norm.default)  # type: ignore[untyped-decorator]
def _layer_norm(x: Any, weight: Any, bias: Any, normalized_dims: int, eps: float) -> Any:
    parameters = [_replicated(weight), _replicated(bias), None, None]
    rows = [([Shard(d)] * 3, [Shard(d), *parameters]) for d in _rows(x, normalized_dims)]
    return [([Replicate()] * 3, [Replicate(), *parameters]), *rows]


@register_sharding(torch.ops.alng.add_layer_norm.default)  # type: ignore[untyped-decorator]
def _add_layer_norm(x1: Any, x2: Any, weight: Any, bias: Any, normalized_dims: int, eps: float) -> Any:
    parameters = [_replicated(weight), _replicated(bias), None, None]
    rows = [([Shard(d)] * 4, [Shard(d), Shard(d), *parameters]) for d in _rows(x1, normalized_dims, x2)]
    return [([Replicate()] * 4, [Replicate(), Replicate(), *parameters]), *rows]


@register_sharding(torch.ops.alng.add_layer_norm_grad.default)  # type: ignore[untyped-decorator]
def _grad(
    dy: Any, x1: Any, x2: Any, rstd: Any, mean: Any, gamma: Any, dsum: Any, normalized_dims: int, wanted: list[bool]
) -> Any:
    def where(placement: Any) -> list[Any]:
        def as_x(operand: Any) -> Any:
            return None if operand is None else placement

        return [placement, placement, as_x(x2), placement, placement, _replicated(gamma), as_x(dsum), None, None]

    rows = [
        ([Shard(d) if wanted[0] else Replicate(), Partial(), Partial()], where(Shard(d)))
        for d in _rows(x1, normalized_dims, dy, x2, dsum)
    ]
    return [([Replicate()] * 3, where(Replicate())), *rows]
