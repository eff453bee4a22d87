"""torch.ops.alng: both operators with the behaviours that PyTorch wants of an operator.

    alng::layer_norm(Tensor x, Tensor? weight, Tensor? bias, int normalized_dims, float eps) -> (y, mean, rstd)
    alng::add_layer_norm(Tensor x1, Tensor x2, Tensor? weight, Tensor? bias, int normalized_dims, float eps)
        -> (y, x, mean, rstd)
    alng::add_layer_norm_grad(Tensor dy, Tensor x1, Tensor? x2, Tensor rstd, Tensor mean, Tensor? gamma, Tensor? dsum,
        int normalized_dims, bool[3] wanted) -> (dx, dgamma, dbeta)

x = x1 + x2 is rounded to its dtype and then normalised (round_sum of alng.add_layer_norm), so that x is what the gradient
is taken of and x1 and x2 need not be kept. x1, x2, dy, dsum have one dtype, weight, bias and gamma that or float32.
Outputs are new, contiguous tensors; mean, rstd, dgamma and dbeta are float32 (float64 for float64). A gradient that is
not wanted is an empty tensor. float64 is computed by PyTorch's own LayerNorm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .. import _core

_core.use_torch(torch)

library = torch.library.Library("alng", "DEF")
library.define(
    "layer_norm(Tensor x, Tensor? weight, Tensor? bias, int normalized_dims, float eps)"
    " -> (Tensor y, Tensor mean, Tensor rstd)"
)
library.define(
    "add_layer_norm(Tensor x1, Tensor x2, Tensor? weight, Tensor? bias, int normalized_dims, float eps)"
    " -> (Tensor y, Tensor x, Tensor mean, Tensor rstd)"
)
library.define(
    "add_layer_norm_grad(Tensor dy, Tensor x1, Tensor? x2, Tensor rstd, Tensor mean, Tensor? gamma, Tensor? dsum,"
    " int normalized_dims, bool[3] wanted) -> (Tensor dx, Tensor dgamma, Tensor dbeta)"
)


def _columns(x: Tensor, normalized_dims: int) -> torch.Size:
    return x.shape[x.dim() - normalized_dims :]


def _refuse_forward_mode(*tangents: Any) -> Any:
    raise NotImplementedError(
        "alng: LayerNorm has no forward-mode derivative (jvp) here: use torch.nn.functional.layer_norm for it"
    )


def _refuse_tangents(*tensors: Tensor | None) -> None:
    """A tangent would be dropped here, and count as zero. Those of torch.func can't be seen: inside it all is refused."""
    if torch.autograd.forward_ad._current_level < 0:
        return
    if torch._functorch.eager_transforms.JVP_NESTING > 0 or any(t is not None and _may_have_tangent(t) for t in tensors):
        _refuse_forward_mode()


def _may_have_tangent(tensor: Tensor) -> bool:
    try:
        return torch.autograd.forward_ad.unpack_dual(tensor).tangent is not None
    except RuntimeError:  # can't be seen either: in torch.func.linearize, which traces
        return True


def route(function: Any, op: Any) -> Any:
    """torch.func can't differentiate operators of torch.library."""
    return function.apply if not torch.compiler.is_compiling() and torch._C._are_functorch_transforms_active() else op


# ---------------------------------------------------------------- on the CPU and on GPUs


def forward(
    x1: Tensor,
    x2: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    normalized_dims: int,
    eps: float,
    statistics: bool = True,
) -> tuple[Any, Any, Any, Any]:
    """y, mean and rstd where wanted, x where there is an x2."""
    outputs = (True, statistics, statistics, x2 is not None)
    threads = torch.get_num_threads()
    return _core.add_layer_norm(x1, x2, weight, bias, *outputs, normalized_dims, eps, True, threads, None, True)


def layer_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, normalized_dims: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    _refuse_tangents(x, weight, bias)
    if x.dtype == torch.float64:
        return torch.native_layer_norm(x, _columns(x, normalized_dims), weight, bias, eps)
    return forward(x, None, weight, bias, normalized_dims, eps)[:3]


def add_layer_norm(
    x1: Tensor, x2: Tensor, weight: Tensor | None, bias: Tensor | None, normalized_dims: int, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    _refuse_tangents(x1, x2, weight, bias)
    if x1.dtype == torch.float64:
        x = (x1 + x2).contiguous()
        y, mean, rstd = layer_norm(x, weight, bias, normalized_dims, eps)
        return y, x, mean, rstd
    y, mean, rstd, x = forward(x1, x2, weight, bias, normalized_dims, eps)
    return y, x, mean, rstd


def add_layer_norm_grad(
    dy: Tensor,
    x1: Tensor,
    x2: Tensor | None,
    rstd: Tensor,
    mean: Tensor,
    gamma: Tensor | None,
    dsum: Tensor | None,
    normalized_dims: int,
    wanted: Sequence[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    _refuse_tangents(dy, x1, x2, rstd, mean, gamma, dsum)
    if dy.dtype == torch.float64:
        return _grad_in_float64(dy, x1, x2, rstd, mean, gamma, dsum, normalized_dims, wanted)
    dx, dgamma, dbeta = _core.add_layer_norm_grad(
        dy, x1, x2, rstd, mean, gamma, dsum, *wanted, normalized_dims, False, torch.get_num_threads(), None, True
    )
    return _or_empty(dx, x1), _or_empty(dgamma, mean), _or_empty(dbeta, mean)


def _or_empty(gradient: Tensor | None, like: Tensor) -> Tensor:
    return like.new_empty(0) if gradient is None else gradient


def _grad_in_float64(
    dy: Tensor,
    x1: Tensor,
    x2: Tensor | None,
    rstd: Tensor,
    mean: Tensor,
    gamma: Tensor | None,
    dsum: Tensor | None,
    normalized_dims: int,
    wanted: Sequence[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    x = x1 if x2 is None else x1 + x2
    columns = _columns(x, normalized_dims)
    weight = x.new_ones(columns) if gamma is None else gamma
    dx, dgamma, dbeta = torch.ops.aten.native_layer_norm_backward(
        dy, x, columns, mean, rstd, weight, weight, [bool(want) for want in wanted]
    )
    if wanted[0] and dsum is not None:
        dx = dx + dsum
    return tuple(_or_empty(one, x).contiguous() for one in (dx, dgamma, dbeta))  # type: ignore[return-value]


# ---------------------------------------------------------------- shapes alone, for torch.compile and meta tensors


def _statistics_like(x: Tensor, normalized_dims: int) -> Tensor:
    shape = (*x.shape[: x.dim() - normalized_dims], *(1,) * normalized_dims)
    return x.new_empty(shape, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)


def _fake_layer_norm(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, normalized_dims: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape), _statistics_like(x, normalized_dims), _statistics_like(x, normalized_dims)


def _fake_add_layer_norm(
    x1: Tensor, x2: Tensor, weight: Tensor | None, bias: Tensor | None, normalized_dims: int, eps: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    y, mean, rstd = _fake_layer_norm(x1, weight, bias, normalized_dims, eps)
    return y, x1.new_empty(x1.shape), mean, rstd


def _fake_grad(
    dy: Tensor,
    x1: Tensor,
    x2: Tensor | None,
    rstd: Tensor,
    mean: Tensor,
    gamma: Tensor | None,
    dsum: Tensor | None,
    normalized_dims: int,
    wanted: Sequence[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    columns = _columns(x1, normalized_dims)
    return (
        x1.new_empty(x1.shape if wanted[0] else (0,)),
        mean.new_empty(columns if wanted[1] else (0,)),
        mean.new_empty(columns if wanted[2] else (0,)),
    )


# ---------------------------------------------------------------- vmap


def _in_front(tensor: Tensor | None, dim: int | None, size: int) -> Tensor | None:
    """The batch as the first dimension, expanded where the tensor has none."""
    if tensor is None:
        return None
    return tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)


def _one_by_one(op: Any, info: Any, in_dims: Sequence[Any], arguments: Sequence[Any]) -> tuple[Any, Any]:
    """For what is summed over rows, or scaled by weights of its own: a call for each of the batch."""
    calls = [
        op(*(a if d is None else a.select(d, i) for a, d in zip(arguments, in_dims))) for i in range(info.batch_size)
    ]
    return tuple(torch.stack(of) for of in zip(*calls)), (0,) * len(calls[0])


def _vmap_forward(op: Any, inputs: int, info: Any, in_dims: Sequence[Any], *arguments: Any) -> tuple[Any, Any]:
    """The batch joins the rows, unless weight or bias has it."""
    if any(d is not None for d in in_dims[inputs:]):
        return _one_by_one(op, info, in_dims, arguments)
    batch = [_in_front(a, d, info.batch_size) for a, d in zip(arguments[:inputs], in_dims)]
    outputs = op(*batch, *arguments[inputs:])
    return outputs, (0,) * len(outputs)


def _vmap_grad(op: Any, info: Any, in_dims: Sequence[Any], *arguments: Any) -> tuple[Any, Any]:
    normalized_dims, wanted = arguments[7:]
    if in_dims[5] is not None or wanted[1] or wanted[2]:
        return _one_by_one(op, info, (*in_dims[:7], None, None), arguments)
    of_rows = [_in_front(a, d, info.batch_size) for a, d in zip(arguments[:5], in_dims)]
    dsum = _in_front(arguments[6], in_dims[6], info.batch_size)
    outputs = op(*of_rows, arguments[5], dsum, normalized_dims, wanted)
    return outputs, (0, None, None)


# ---------------------------------------------------------------- differentiation


class Grad(torch.autograd.Function):
    """add_layer_norm_grad, and that nothing comes behind it."""

    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
        return torch.ops.alng.add_layer_norm_grad(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise NotImplementedError(
            "alng: the gradient of LayerNorm can't be differentiated again (double backward): "
            "use torch.nn.functional.layer_norm for it"
        )

    @staticmethod
    def vmap(info: Any, in_dims: Sequence[Any], *arguments: Any) -> tuple[Any, Any]:
        return _vmap_grad(route(Grad, torch.ops.alng.add_layer_norm_grad), info, in_dims, *arguments)

    jvp = staticmethod(_refuse_forward_mode)


def _keep(ctx: Any, x: Tensor, mean: Tensor, rstd: Tensor, weight: Tensor | None, normalized_dims: int) -> None:
    ctx.set_materialize_grads(False)
    ctx.save_for_backward(x, mean, rstd, weight)
    ctx.normalized_dims = normalized_dims


def _gradients(ctx: Any, saved: Any, dy: Tensor | None, dsum: Tensor | None, *wanted: bool) -> Sequence[Tensor | None]:
    """Of x, weight and bias, where wanted; autograd gives them the dtypes of these."""
    if dy is None:  # y was not used
        return dsum, None, None
    x, mean, rstd, weight = saved
    op = Grad.apply if torch.is_grad_enabled() else torch.ops.alng.add_layer_norm_grad
    gradients = op(dy, x, None, rstd, mean, weight, dsum, ctx.normalized_dims, wanted)
    return [gradient if want else None for gradient, want in zip(gradients, wanted)]


class LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
        return torch.ops.alng.layer_norm(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        x, weight, _, normalized_dims, _ = inputs
        _, mean, rstd = output
        ctx.mark_non_differentiable(mean, rstd)
        _keep(ctx, x, mean, rstd, weight, normalized_dims)

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, dmean: None, drstd: None) -> tuple[Tensor | None, ...]:
        return *_gradients(ctx, ctx.saved_tensors, dy, None, *ctx.needs_input_grad[:3]), None, None

    @staticmethod
    def vmap(info: Any, in_dims: Sequence[Any], *arguments: Any) -> tuple[Any, Any]:
        return _vmap_forward(route(LayerNorm, torch.ops.alng.layer_norm), 1, info, in_dims, *arguments)

    jvp = staticmethod(_refuse_forward_mode)


class AddLayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return torch.ops.alng.add_layer_norm(*arguments)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        _, _, weight, _, normalized_dims, _ = inputs
        _, x, mean, rstd = output
        ctx.mark_non_differentiable(mean, rstd)
        _keep(ctx, x, mean, rstd, weight, normalized_dims)

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, dx: Tensor | None, *of_statistics: None) -> tuple[Tensor | None, ...]:
        of_x1, of_x2, of_weight, of_bias, _, _ = ctx.needs_input_grad
        d_sum, d_weight, d_bias = _gradients(ctx, ctx.saved_tensors, dy, dx, of_x1 or of_x2, of_weight, of_bias)
        return d_sum if of_x1 else None, d_sum if of_x2 else None, d_weight, d_bias, None, None

    @staticmethod
    def vmap(info: Any, in_dims: Sequence[Any], *arguments: Any) -> tuple[Any, Any]:
        return _vmap_forward(route(AddLayerNorm, torch.ops.alng.add_layer_norm), 2, info, in_dims, *arguments)

    jvp = staticmethod(_refuse_forward_mode)


class EagerAddLayerNorm(torch.autograd.Function):
    """AddLayerNorm, or LayerNorm where x2 is None, of what _core.takes_at_once: kernels are called at once, and the
    context is made in forward, which torch.func can't take."""

    @staticmethod
    def forward(ctx: Any, x1: Tensor, x2: Tensor | None, weight: Any, bias: Any, normalized_dims: int, eps: float) -> Any:
        y, mean, rstd, x = forward(x1, x2, weight, bias, normalized_dims, eps)
        _keep(ctx, x1 if x is None else x, mean, rstd, weight, normalized_dims)
        return y if x is None else (y, x)

    @staticmethod
    def backward(ctx: Any, dy: Tensor | None, dx: Tensor | None = None) -> tuple[Tensor | None, ...]:
        of_x1, of_x2, of_weight, of_bias, _, _ = ctx.needs_input_grad
        wanted = of_x1 or of_x2, of_weight, of_bias
        saved = x, mean, rstd, weight = ctx.saved_tensors
        if dy is not None and _core.takes_gradient_at_once(dy, x, weight, dx):
            threads = torch.get_num_threads()
            d_sum, d_weight, d_bias = _core.add_layer_norm_grad(
                dy, x, None, rstd, mean, weight, dx, *wanted, ctx.normalized_dims, False, threads, None, True
            )
        else:
            d_sum, d_weight, d_bias = _gradients(ctx, saved, dy, dx, *wanted)
        return d_sum if of_x1 else None, d_sum if of_x2 else None, d_weight, d_bias, None, None


# Without what torch.autograd.Function and the class of its contexts do for torch.func before they call these.
apply_eager = super(torch.autograd.Function, EagerAddLayerNorm).apply
EagerAddLayerNorm._backward_cls.apply = EagerAddLayerNorm.backward


# What the dispatcher calls. torch.library's own autograd serves torch.ops.alng.* and torch.compile; the functions above
# also serve torch.func, which torch.library's does not.
def _register() -> None:
    ops = torch.ops.alng
    for name, kernel, fake, vmap, function in (
        ("layer_norm", layer_norm, _fake_layer_norm, partial(_vmap_forward, ops.layer_norm, 1), LayerNorm),
        ("add_layer_norm", add_layer_norm, _fake_add_layer_norm, partial(_vmap_forward, ops.add_layer_norm, 2), AddLayerNorm),
        ("add_layer_norm_grad", add_layer_norm_grad, _fake_grad, partial(_vmap_grad, ops.add_layer_norm_grad), Grad),
    ):
        qualified = f"alng::{name}"
        library.impl(name, kernel, "CPU")
        library.impl(name, kernel, "CUDA")
        torch.library.register_fake(qualified, fake, lib=library)
        torch.library.register_vmap(qualified, vmap, lib=library)
        torch.library.register_autograd(
            qualified, function.backward, setup_context=function.setup_context, lib=library
        )


_register()
