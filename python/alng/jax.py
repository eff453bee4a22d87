"""LayerNorm of a sum for JAX on CPUs and NVIDIA GPUs, with its gradient: under jit, grad, vmap and shard_map.

    y, x = alng.jax.add_layer_norm(x1, x2, gamma, beta)      # x = x1 + x2, the residual stream

Each call is one call of alng's kernels, the backward pass another: the results have the bits of alng on NumPy arrays.
On a GPU it takes the package built with its CUDA library.
JAX 0.10 or later.

Rows may be sharded, in shard_map, with check_vma on or off. Columns, the normalised dimensions, must not be: a device
would normalise the columns that it sees. Outside of shard_map XLA gathers sharded tensors before the call.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jax.custom_derivatives import SymbolicZero
from jax.sharding import NamedSharding, PartitionSpec

from . import AlngError, _core

__all__ = ["add_layer_norm"]

if jax.__version_info__ < (0, 10):
    raise ImportError(f"alng.jax needs JAX 0.10 or later, and this is {jax.__version__}")

jax.ffi.register_ffi_target("alng_add_layer_norm", _core.xla_add_layer_norm, platform="cpu")
jax.ffi.register_ffi_target("alng_add_layer_norm_grad", _core.xla_add_layer_norm_grad, platform="cpu")
jax.ffi.register_ffi_target("alng_add_layer_norm", _core.xla_add_layer_norm_cuda, platform="CUDA")
jax.ffi.register_ffi_target("alng_add_layer_norm_grad", _core.xla_add_layer_norm_grad_cuda, platform="CUDA")

_Tensors = dict[str, jax.Array]

# The operands of each, in the library's order: inputs, then outputs.
_FORWARD = ("x1", "x2", "gamma", "beta", "y", "mean", "rstd", "x")
_GRAD = ("dy", "x1", "x2", "rstd", "mean", "gamma", "dsum", "dx", "dgamma", "dbeta")


def add_layer_norm(
    x1: jax.Array,
    x2: jax.Array | None = None,
    gamma: jax.Array | None = None,
    beta: jax.Array | None = None,
    *,
    eps: float = 1e-5,
    normalized_dims: int = 0,
) -> tuple[jax.Array, jax.Array]:
    """(y, x): x = x1 + x2, and y = LayerNorm(x) * gamma + beta over the trailing dimensions of x.

    x1, x2, y, x: one shape, one dtype T of float32, float16, bfloat16. x is rounded to T before it is normalised; it is
    x1 itself without x2. gamma, beta: x1's trailing dimensions, T or float32 each. Sums are float32 within.

    eps and normalized_dims are Python's numbers, not traced ones; normalized_dims 0: as many dimensions as gamma or
    beta have. Kept for the gradient: x, gamma, and of each row the mean and the reciprocal of the standard deviation.

    Raises TypeError for a dtype that is none of these, AlngError for shapes and dtypes that don't fit one another.
    Forward-mode derivatives and second derivatives are refused by JAX with a TypeError and a ValueError. Under vmap
    rows of all examples are one call; where gamma or beta is mapped too, and in gradients of gamma or beta for each
    example, examples are computed one after another.
    """
    given = {"x1": x1, "x2": x2, "gamma": gamma, "beta": beta}
    tensors = {name: _checked(name, tensor) for name, tensor in given.items() if tensor is not None or name == "x1"}
    dims = _checked_dims(tensors, normalized_dims)
    tensors = _varying_alike(_gathered(tensors))
    shape = tensors["x1"].shape
    columns = math.prod(shape[len(shape) - dims :])
    rows = math.prod(shape[: len(shape) - dims])
    flat = {
        name: tensor.reshape((rows, columns) if name in ("x1", "x2") else columns) for name, tensor in tensors.items()
    }
    y, x = _normalize_compiled(_number("eps", eps), flat)
    return y.reshape(shape), tensors["x1"] if x is None else x.reshape(shape)


def _checked(name: str, tensor: Any) -> jax.Array:
    dtype = getattr(tensor, "dtype", None)
    if str(dtype) not in ("float32", "float16", "bfloat16"):
        what = type(tensor).__name__ if dtype is None else dtype
        raise TypeError(f"{name} is {what} but must be an array of float32, float16 or bfloat16")
    return jnp.asarray(tensor)


def _number(name: str, value: Any) -> float:
    if not isinstance(value, str):
        with contextlib.suppress(TypeError):
            return float(value)
    raise TypeError(f"{name} is {value!r} but must be a number")


def _refusal(code: str, sentence: str) -> AlngError:
    error = AlngError(sentence)
    error.code = code
    return error


def _checked_dims(tensors: _Tensors, normalized_dims: Any) -> int:
    """How many dimensions are normalised. The kernel sees rows and columns: shapes are judged here."""
    x1 = tensors["x1"]
    if x1.ndim == 0:
        raise _refusal("bad_shape", "x1 has rank 0 but must have rank 1 or more")
    try:
        given = operator.index(normalized_dims)
    except TypeError:
        raise TypeError(f"normalized_dims is {normalized_dims!r} but must be an integer") from None
    dims = given or next((tensors[name].ndim for name in ("gamma", "beta") if name in tensors), 0)
    if not 1 <= dims <= x1.ndim:
        what = f"normalized_dims is {dims} but must be 1 to {x1.ndim}"
        raise _refusal("bad_option", f"{what}: x1 is {x1.dtype}{list(x1.shape)}")
    for name, tensor in tensors.items():
        is_weight = name in ("gamma", "beta")
        shape = x1.shape[x1.ndim - dims :] if is_weight else x1.shape
        what = f"{name} is {tensor.dtype}{list(tensor.shape)} but must be"
        if tensor.shape != shape:
            whose = "the trailing dimensions of x1" if is_weight else "the shape of x1"
            raise _refusal("bad_shape", f"{what} {list(shape)}, {whose}")
        if tensor.dtype != x1.dtype and not (is_weight and tensor.dtype == jnp.float32):
            or_float32 = ", or float32" if is_weight else ""
            raise _refusal("bad_dtype", f"{what} {x1.dtype}, the dtype of x1{or_float32}")
    return dims


def _gathered(tensors: _Tensors) -> _Tensors:
    """With sharding in types (a mesh whose axes are Explicit), whole on every device, as XLA would do it elsewhere."""
    spec: Any = PartitionSpec  # JAX types neither
    reshard: Any = jax.sharding.reshard
    return {
        name: reshard(tensor, spec()) if any(jax.typeof(tensor).sharding.spec) else tensor
        for name, tensor in tensors.items()
    }


def _varying_alike(tensors: _Tensors) -> _Tensors:
    """In shard_map with check_vma, all as varying over the axes that any varies over. The transpose of this is a psum,
    by which JAX sums the gradients of a gamma that all devices share."""
    axes = {name: jax.typeof(tensor).manual_axis_type.varying for name, tensor in tensors.items()}
    lacking = {name: tuple(sorted(frozenset().union(*axes.values()) - own)) for name, own in axes.items()}
    return {
        name: jax.lax.pcast(tensor, lacking[name], to="varying") if lacking[name] else tensor
        for name, tensor in tensors.items()
    }


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _normalize(eps: float, tensors: _Tensors) -> tuple[jax.Array, jax.Array | None]:
    result = _forward(eps, tensors, statistics=False)
    return result["y"], result.get("x")


def _normalize_forward(eps: float, primals: dict[str, Any]) -> tuple[Any, Any]:
    tensors = {name: primal.value for name, primal in primals.items()}
    result = _forward(eps, tensors, statistics=True)
    saved = {"x1": result.get("x", tensors["x1"]), "rstd": result["rstd"], "mean": result["mean"]}
    if "gamma" in tensors:
        saved["gamma"] = tensors["gamma"]
    # Residuals hold arrays alone, as many each time, since JAX takes one call's number of them for another's: which
    # gradients are wanted is told by lengths of 1 and 0, of arrays of the gradients' dtypes.
    wanted = {name: jnp.zeros(int(primal.perturbed), primal.value.dtype) for name, primal in primals.items()}
    return (result["y"], result.get("x")), (saved, wanted)


def _normalize_backward(eps: float, residuals: Any, cotangents: Any) -> tuple[dict[str, jax.Array | None]]:
    del eps  # which is in rstd
    saved, lengths = residuals
    wanted = {name: of_dtype.dtype for name, of_dtype in lengths.items() if of_dtype.size == 1}
    dy, dsum = (None if isinstance(given, SymbolicZero) else given for given in cotangents)
    tensors = {"dy": jnp.zeros_like(saved["x1"]) if dy is None else dy} | saved
    if dsum is not None:
        tensors["dsum"] = dsum
    outputs = {"x1": "dx", "x2": "dx", "gamma": "dgamma", "beta": "dbeta"}
    result = _grad(tensors, frozenset(outputs[name] for name in wanted))
    gradients = {name: result[outputs[name]].astype(dtype) for name, dtype in wanted.items()}
    return ({name: gradients.get(name) for name in lengths},)


_normalize.defvjp(_normalize_forward, _normalize_backward, symbolic_zeros=True)

# Also where no one else compiles: shard_map can't run a custom_vjp with symbolic zeros step by step, and what vmap makes
# of a call is compiled once.
_normalize_compiled = jax.jit(_normalize, static_argnums=0, inline=True)


def _forward(eps: float, tensors: _Tensors, statistics: bool) -> _Tensors:
    """y; x where there is an x2; mean and rstd where wanted."""

    @custom_vmap
    def call(tensors: _Tensors) -> _Tensors:
        x1 = tensors["x1"]
        outputs = {"y": _like(x1, x1.shape, x1.dtype)}
        if statistics:
            outputs["mean"] = outputs["rstd"] = _like(x1, (x1.shape[0], 1), jnp.float32)
        if "x2" in tensors:
            outputs["x"] = outputs["y"]
        return _kernel("alng_add_layer_norm", _FORWARD, tensors, outputs, eps=np.float32(eps), round_sum=np.int64(1))

    @call.def_vmap
    def call_of_batch(size: int, batched: list[dict[str, bool]], tensors: _Tensors) -> Any:
        if any(batched[0].get(name) for name in ("gamma", "beta")):
            return _one_after_another(call, batched[0], tensors)
        return _rows_as_one(call, size, batched[0], tensors, ("x1", "x2"))

    return call(tensors)  # type: ignore[no-any-return]


def _grad(tensors: _Tensors, wanted: frozenset[str]) -> _Tensors:
    """Those of dx, dgamma, dbeta that are wanted."""

    @custom_vmap
    def call(tensors: _Tensors) -> _Tensors:
        x1 = tensors["x1"]
        of_columns = _like(x1, x1.shape[1:], jnp.float32)
        outputs = {"dx": _like(x1, x1.shape, x1.dtype), "dgamma": of_columns, "dbeta": of_columns}
        return _kernel("alng_add_layer_norm_grad", _GRAD, tensors, {name: outputs[name] for name in wanted})

    @call.def_vmap
    def call_of_batch(size: int, batched: list[dict[str, bool]], tensors: _Tensors) -> Any:
        if wanted != {"dx"} or batched[0].get("gamma"):
            return _one_after_another(call, batched[0], tensors)
        return _rows_as_one(call, size, batched[0], tensors, ("dy", "x1", "rstd", "mean", "dsum"))

    return call(tensors)  # type: ignore[no-any-return]


def _rows_as_one(call: Any, size: int, batched: dict[str, bool], tensors: _Tensors, of_rows: tuple[str, ...]) -> Any:
    """A call in which the rows of all examples are rows."""
    flat = dict(tensors)
    for name in of_rows:
        if name in tensors:
            tensor = tensors[name]
            whole = tensor if batched[name] else jnp.broadcast_to(tensor, (size, *tensor.shape))
            flat[name] = whole.reshape(size * whole.shape[1], whole.shape[2])
    result = {name: output.reshape(size, output.shape[0] // size, output.shape[1]) for name, output in call(flat).items()}
    return result, dict.fromkeys(result, True)


def _one_after_another(call: Any, batched: dict[str, bool], tensors: _Tensors) -> Any:
    alike = {name: tensor for name, tensor in tensors.items() if not batched[name]}
    result = jax.lax.map(lambda example: call(alike | example), {n: t for n, t in tensors.items() if batched[n]})
    return result, dict.fromkeys(result, True)


def _like(x1: jax.Array, shape: tuple[int, ...], dtype: Any) -> Any:
    """In shard_map a tensor that varies over the devices as x1 does."""
    of_x1 = jax.typeof(x1)
    mesh = of_x1.sharding.mesh
    unsharded: Any = PartitionSpec  # JAX types neither
    struct: Any = jax.ShapeDtypeStruct
    sharding = None if mesh.empty else NamedSharding(mesh, unsharded(*(None for _ in shape)))
    return struct(shape, dtype, sharding=sharding, manual_axis_type=of_x1.manual_axis_type)


def _kernel(
    target: str, operands: tuple[str, ...], tensors: _Tensors, outputs: dict[str, jax.ShapeDtypeStruct], **options: Any
) -> _Tensors:
    present = sum(1 << place for place, name in enumerate(operands) if name in tensors or name in outputs)
    names = [name for name in operands if name in outputs]
    call = jax.ffi.ffi_call(target, [outputs[name] for name in names])
    inputs = [tensors[name] for name in operands if name in tensors]
    results = call(*inputs, present=np.int64(present), normalized_dims=np.int64(1), **options)
    return dict(zip(names, results, strict=True))
