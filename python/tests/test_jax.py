"""alng.jax: the bits of alng on NumPy under every transformation, and what is refused."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp
from formulas import BFLOAT16, DTYPES, FLOAT16, FLOAT32
from jax.sharding import AxisType, PartitionSpec

import alng
import alng.jax
from alng import _core

ROWS, COLUMNS = 8, 48


def normal(seed: int, shape: tuple[int, ...], dtype: Any = np.float32) -> Any:
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape).astype(np.float32), dtype)


def example(
    dtype: Any = np.float32, weights: Any = np.float32, shape: tuple[int, ...] = (ROWS, COLUMNS)
) -> tuple[Any, ...]:
    return (
        normal(1, shape, dtype),
        normal(2, shape, dtype),
        normal(3, shape[-1:], weights) + 1,
        normal(4, shape[-1:], weights),
    )


def plain(x1: Any, x2: Any = None, gamma: Any = None, beta: Any = None) -> tuple[Any, Any]:
    """In JAX's own operators, at float32."""
    x = x1 if x2 is None else x1 + x2
    f = x.astype(jnp.float32)
    mean = f.mean(-1, keepdims=True)
    y = (f - mean) * jax.lax.rsqrt(((f - mean) ** 2).mean(-1, keepdims=True) + 1e-5)
    y = y if gamma is None else y * gamma
    return (y if beta is None else y + beta).astype(x1.dtype), x


def loss_of(layer: Callable[..., Any]) -> Callable[..., Any]:
    """Of y and of x, so that both have a gradient."""

    def loss(*tensors: Any) -> Any:
        y, x = layer(*tensors)
        return (jnp.sin(y.astype(jnp.float32)) * x.astype(jnp.float32)).sum()

    return loss


def gradients(layer: Callable[..., Any]) -> Callable[..., Any]:
    return jax.grad(loss_of(layer), argnums=(0, 1, 2, 3))  # type: ignore[no-any-return]


def near(got: Any, expected: Any, tolerance: float = 2e-5) -> None:
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        wide = np.asarray(other, np.float64)
        np.testing.assert_allclose(np.asarray(one, np.float64), wide, rtol=0, atol=tolerance * max(1, abs(wide).max()))


def same_bits(got: Any, expected: Any) -> None:
    for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
        one, other = np.asarray(one), np.asarray(other)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("jitted", [False, True])
@pytest.mark.parametrize("weights", ["T", "float32", "none"])
@pytest.mark.parametrize("with_x2", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_bits_of_the_numpy_door(dtype: Any, with_x2: bool, weights: str, jitted: bool) -> None:
    x1, x2, gamma, beta = example(dtype, dtype if weights == "T" else np.float32)
    tensors = (
        {"x1": x1} | ({"x2": x2} if with_x2 else {}) | ({} if weights == "none" else {"gamma": gamma, "beta": beta})
    )
    dy, dx = normal(5, x1.shape, dtype), normal(6, x1.shape, dtype)

    def call(tensors: dict[str, Any]) -> Any:
        return alng.jax.add_layer_norm(**tensors, normalized_dims=1)

    def both(tensors: dict[str, Any]) -> Any:
        outputs, pull = jax.vjp(call, tensors)
        return outputs, pull((dy, dx))[0]

    (y, x), got = (jax.jit(both) if jitted else both)(tensors)
    arrays = {name: np.asarray(tensor) for name, tensor in tensors.items()}
    forward = alng.add_layer_norm(**arrays, normalized_dims=1, round_sum=True, x=True)
    same_bits((y, x), (forward.y, forward.x))
    dsum = np.asarray(dx) if with_x2 else None
    grad = alng.add_layer_norm_grad(
        np.asarray(dy), forward.x, None, forward.rstd, forward.mean, arrays.get("gamma"), dsum, normalized_dims=1
    )
    if with_x2:
        same_bits((got["x1"], got["x2"]), (grad.dx, grad.dx))
    else:  # x is x1 itself: JAX adds its gradient
        same_bits(got["x1"], jnp.asarray(grad.dx) + dx)
    if weights != "none":
        same_bits(got["gamma"], grad.dgamma.astype(gamma.dtype))
        same_bits(got["beta"], grad.dbeta.astype(beta.dtype))


def test_several_normalised_dimensions_and_no_rows() -> None:
    x1, x2 = normal(1, (3, 4, 5)), normal(2, (3, 4, 5))
    y, _ = alng.jax.add_layer_norm(x1, x2, normalized_dims=2)
    same_bits(y, alng.add_layer_norm(np.asarray(x1), np.asarray(x2), normalized_dims=2).y)
    empty = jnp.zeros((0, 4))
    assert alng.jax.add_layer_norm(empty, gamma=jnp.ones(4))[0].shape == (0, 4)
    assert jax.grad(lambda g: alng.jax.add_layer_norm(empty, gamma=g)[0].sum())(jnp.ones(4)).tolist() == [0] * 4


def test_gradients_are_those_of_jax() -> None:
    near(gradients(alng.jax.add_layer_norm)(*example()), gradients(plain)(*example()))
    half = example(BFLOAT16, FLOAT32)
    near(gradients(alng.jax.add_layer_norm)(*half), gradients(plain)(*half), 2e-2)


def test_only_what_is_wanted_is_computed() -> None:
    x1, x2, gamma, beta = example()
    text = str(jax.make_jaxpr(jax.grad(lambda x: alng.jax.add_layer_norm(x, x2, gamma, beta)[0].sum()))(x1))
    calls = [line for line in text.splitlines() if "'present'" in line]
    assert len(calls) == 2
    assert f"np.int64({0b0010111011})" in calls[1], "dgamma, dbeta or a dsum of zeros is asked for"


def test_checkpoint_and_scan() -> None:
    near(jax.jit(gradients(jax.checkpoint(alng.jax.add_layer_norm)))(*example()), gradients(plain)(*example()))
    x1, x2, gamma, beta = example()

    def deep(layer: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: jax.lax.scan(lambda c, _: (layer(c, x2, gamma, beta)[0], None), x, None, length=3)[0].sum()

    near(jax.jit(jax.grad(deep(alng.jax.add_layer_norm)))(x1), jax.grad(deep(plain))(x1), 1e-4)


@pytest.mark.parametrize(
    "axes", [(0, 0, None, None), (0, None, None, None), (0, 0, 0, 0), (0, None, 0, None), (1, 0, None, 0)]
)
def test_vmap(axes: tuple[Any, ...]) -> None:
    single = example()
    batch = [
        tensor if axis is None else jnp.stack([tensor, tensor * 2, tensor + 1], axis)
        for tensor, axis in zip(single, axes, strict=True)
    ]
    ours, theirs = (jax.vmap(layer, axes) for layer in (alng.jax.add_layer_norm, plain))
    near(ours(*batch), theirs(*batch))
    near(gradients(ours)(*batch), gradients(theirs)(*batch))
    near(*(jax.jit(jax.vmap(gradients(layer), axes))(*batch) for layer in (alng.jax.add_layer_norm, plain)))


def test_nested_vmap_over_single_rows() -> None:
    x1, x2, gamma, beta = example(shape=(3, 5, COLUMNS))
    ours = jax.vmap(jax.vmap(alng.jax.add_layer_norm, (0, 0, None, None)), (0, 0, None, None))
    same_bits(ours(x1, x2, gamma, beta), alng.jax.add_layer_norm(x1, x2, gamma, beta))


@pytest.mark.parametrize("shape", [(3, 0, 4), (3, 2, 0)])
def test_vmap_over_no_rows_and_no_columns(shape: tuple[int, ...]) -> None:
    x, gamma = jnp.zeros(shape), jnp.zeros(shape[-1])

    def y_of(x: Any) -> Any:
        return alng.jax.add_layer_norm(x, x, gamma)[0]

    assert jax.vmap(y_of)(x).shape == jax.vmap(jax.grad(lambda x: y_of(x).sum()))(x).shape == shape


def test_gradients_of_one_argument_and_of_another_in_turn() -> None:
    """What JAX keeps of one must not be taken for the other's."""
    whole = example()

    def of_x(layer: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *tensors: layer(*tensors)[1].sum()

    for loss in (loss_of, of_x, loss_of):
        for argnums in ((0,), (0, 1, 2, 3), (2,), (0,)):
            for transform in (jax.grad, jax.jacrev):
                ours, theirs = (transform(loss(layer), argnums)(*whole) for layer in (alng.jax.add_layer_norm, plain))
                near(ours, theirs)
    with pytest.raises(TypeError, match="forward-mode"):
        jax.jacfwd(loss_of(alng.jax.add_layer_norm))(*whole)


def test_nothing_is_compiled_twice_without_jit() -> None:
    x1, x2, gamma, beta = example(shape=(3, 4, COLUMNS))
    gammas = jnp.stack([gamma] * 3)

    def run() -> Any:
        alng.jax.add_layer_norm(x1, x2, gamma, beta)
        jax.vmap(alng.jax.add_layer_norm, (0, 0, 0, None))(x1, x2, gammas, beta)
        return jax.vmap(gradients(alng.jax.add_layer_norm), (0, 0, 0, None))(x1, x2, gammas, beta)

    run()
    with compilations() as count:
        run()
    # JAX 0.10 runs the backward of a batch step by step, and compiles its loop over the gammas at each call.
    assert count() == (1 if jax.__version_info__ < (0, 11) else 0)


@contextlib.contextmanager
def compilations() -> Iterator[Callable[[], int]]:
    compiled: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith("Compiling"):
                compiled.append(record.getMessage())

    logger, keep = logging.getLogger("jax"), Keep()
    logger.addHandler(keep)
    try:
        with jax.log_compiles():
            yield lambda: len(compiled)
    finally:
        logger.removeHandler(keep)


def two_devices(axis_type: Any = AxisType.Auto) -> Any:
    assert jax.device_count() == 2
    return jax.make_mesh((2,), ("rows",), axis_types=(axis_type,))


def test_a_mesh_whose_shardings_are_types() -> None:
    whole = example()
    mesh = two_devices(AxisType.Explicit)
    with jax.set_mesh(mesh):
        rows = jax.NamedSharding(mesh, PartitionSpec("rows", None))
        sharded = (jax.device_put(whole[0], rows), jax.device_put(whole[1], rows), *whole[2:])
        for layer in (gradients(alng.jax.add_layer_norm), jax.jit(gradients(alng.jax.add_layer_norm))):
            got = layer(*sharded)
            assert jax.typeof(got[0]).sharding.spec == PartitionSpec("rows", None)
            near(got, gradients(plain)(*whole))


@pytest.mark.parametrize("check_vma", [True, False])
def test_shard_map_over_rows(check_vma: bool) -> None:
    rows, all_of_it = PartitionSpec("rows"), PartitionSpec()
    specs = (rows, rows, all_of_it, all_of_it)
    ours = jax.shard_map(
        lambda *tensors: alng.jax.add_layer_norm(*tensors),
        mesh=two_devices(), in_specs=specs, out_specs=(rows, rows), check_vma=check_vma,
    )  # fmt: skip
    whole = example()
    expected = gradients(alng.jax.add_layer_norm)(*whole)
    for maybe_jit in (jax.jit, lambda function: function):
        same_bits(maybe_jit(ours)(*whole), alng.jax.add_layer_norm(*whole))
        got = maybe_jit(gradients(ours))(*whole)
        same_bits(got[:2], expected[:2])  # of rows; the sums over rows are added across devices by XLA
        near(got, expected)
    assert "all-gather" not in jax.jit(gradients(ours)).lower(*whole).compile().as_text()


def test_gradients_taken_inside_of_shard_map() -> None:
    rows, all_of_it = PartitionSpec("rows"), PartitionSpec()
    specs = (rows, rows, all_of_it, all_of_it)
    whole = example()
    checked = jax.shard_map(
        gradients(lambda *tensors: alng.jax.add_layer_norm(*tensors)),
        mesh=two_devices(),
        in_specs=specs,
        out_specs=specs,
    )
    near(jax.jit(checked)(*whole), gradients(plain)(*whole))

    def by_hand(*tensors: Any) -> Any:
        dx1, dx2, dgamma, dbeta = gradients(alng.jax.add_layer_norm)(*tensors)
        return dx1, dx2, jax.lax.psum(dgamma, "rows"), jax.lax.psum(dbeta, "rows")

    unchecked = jax.shard_map(by_hand, mesh=two_devices(), in_specs=specs, out_specs=specs, check_vma=False)
    near(jax.jit(unchecked)(*whole), gradients(plain)(*whole))


@pytest.mark.parametrize(
    ("change", "exception", "code", "sentence"),
    [
        ({"x1": jnp.ones((2, 4), jnp.int32)}, TypeError, "", "x1 is int32 but must be an array of float32, float16 or bfloat16"),
        ({"x1": [1.0]}, TypeError, "", "x1 is list but must be an array of float32, float16 or bfloat16"),
        ({"x1": None}, TypeError, "", "x1 is NoneType but must be an array"),
        ({"gamma": np.ones(4)}, TypeError, "", "gamma is float64 but must be an array of float32, float16 or bfloat16"),
        ({"x2": jnp.ones((4, 2))}, alng.AlngError, "bad_shape", "x2 is float32[4, 2] but must be [2, 4], the shape of x1"),
        ({"gamma": jnp.ones(3)}, alng.AlngError, "bad_shape", "gamma is float32[3] but must be [4], the trailing dimensions of x1"),
        ({"x2": jnp.ones((2, 4), jnp.float16)}, alng.AlngError, "bad_dtype", "x2 is float16[2, 4] but must be float32, the dtype of x1"),
        ({"beta": jnp.ones(4, jnp.bfloat16)}, alng.AlngError, "bad_dtype", "beta is bfloat16[4] but must be float32, the dtype of x1, or float32"),
        ({"gamma": None}, alng.AlngError, "bad_option", "normalized_dims is 0 but must be 1 to 2: x1 is float32[2, 4]"),
        ({"normalized_dims": 3}, alng.AlngError, "bad_option", "normalized_dims is 3 but must be 1 to 2"),
        ({"normalized_dims": "all"}, TypeError, "", "normalized_dims is 'all' but must be an integer"),
        ({"x1": jnp.float32(1)}, alng.AlngError, "bad_shape", "x1 has rank 0 but must have rank 1 or more"),
        ({"eps": "small"}, TypeError, "", "eps is 'small' but must be a number"),
        ({"eps": None}, TypeError, "", "eps is None but must be a number"),
        ({"eps": -1.0}, jax.errors.JaxRuntimeError, "", "INVALID_ARGUMENT: eps is -1 but must be finite and at least 0"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_refused(change: dict[str, Any], exception: type[Exception], code: str, sentence: str) -> None:
    tensors: dict[str, Any] = {"x1": jnp.ones((2, 4)), "gamma": jnp.ones(4)}
    with pytest.raises(exception) as refusal:
        jax.block_until_ready(alng.jax.add_layer_norm(**(tensors | change)))
    assert sentence in str(refusal.value)
    assert getattr(refusal.value, "code", "") == code


def test_forward_mode_and_second_derivatives_raise() -> None:
    x1, x2, gamma, beta = example()

    def loss(x: Any) -> Any:
        return loss_of(alng.jax.add_layer_norm)(x, x2, gamma, beta)

    with pytest.raises(TypeError, match="forward-mode"):
        jax.jvp(loss, (x1,), (x1,))
    with pytest.raises(ValueError, match="alng_add_layer_norm.* cannot be differentiated"):
        jax.grad(lambda x: jax.grad(loss)(x).sum())(x1)


def call_target(dtype: Any, present: Any, **options: Any) -> Any:
    x = jnp.ones((2, 4), dtype)
    call = jax.ffi.ffi_call("alng_add_layer_norm", [jax.ShapeDtypeStruct((2, 4), dtype)])
    return jax.block_until_ready(call(x, present=present, **options))


@pytest.mark.parametrize(
    ("dtype", "present", "options", "sentence"),
    [
        (
            jnp.int32,
            0b10001,
            {},
            r"x1 has XLA's dtype number 4 but must be float32 \(11\), float16 \(10\) or bfloat16 \(16\)",
        ),
        (jnp.float32, 0b110001, {}, "the attribute present names other tensors than the call has"),
        (jnp.float32, 0b00001, {}, "the attribute present names other tensors than the call has"),
        (jnp.float32, 0b10001, {"eps": np.int64(1)}, "the attribute eps is absent or of another type"),
    ],
)
def test_the_handler_checks_what_it_is_given(dtype: Any, present: int, options: dict[str, Any], sentence: str) -> None:
    valid: dict[str, Any] = {"normalized_dims": np.int64(1), "round_sum": np.int64(1), "eps": np.float32(0.5)}
    with pytest.raises(jax.errors.JaxRuntimeError, match=sentence):
        call_target(dtype, np.int64(present), **(valid | options))


def test_exported_and_serialized() -> None:
    pytest.importorskip("flatbuffers")
    x1, x2, gamma, beta = example()
    checks = [jax.export.DisabledSafetyCheck.custom_call(f"alng_add_layer_norm{end}") for end in ("", "_grad")]
    exported = jax.export.export(jax.jit(alng.jax.add_layer_norm), disabled_checks=checks)(x1, x2, gamma, beta)
    again = jax.export.deserialize(exported.serialize(vjp_order=1))
    same_bits(again.call(x1, x2, gamma, beta), alng.jax.add_layer_norm(x1, x2, gamma, beta))
    near(gradients(again.call)(x1, x2, gamma, beta), gradients(plain)(x1, x2, gamma, beta))


def test_an_unknown_version_of_xlas_interface_is_refused() -> None:
    """The handler is called as XLA would, by an XLA of major version 1."""
    create = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
    said: list[str] = []

    def create_error(arguments: Any) -> int:
        said.append(ctypes.string_at(arguments[2]).decode())  # size, extensions, message
        return 4711

    callback = create(create_error)
    # size, extensions, version (size, extensions, major and minor), internal, create_error
    api = (ctypes.c_void_p * 7)(56, 0, 24, 0, 1, 0, ctypes.cast(callback, ctypes.c_void_p).value)
    # size, extensions, api, context, stage: execute; then arguments, results and attributes
    frame = (ctypes.c_void_p * 21)(168, 0, ctypes.addressof(api), 0, 3)
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address = pointer_of(_core.xla_add_layer_norm_grad, b"xla._CUSTOM_CALL_TARGET")
    handler = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(address)
    assert handler(ctypes.addressof(frame)) == 4711
    assert said == [
        "alng knows version 0 of XLA's foreign function interface, and this jaxlib has 1.0: install a newer alng"
    ]


def test_jax_arrays_in_the_numpy_door_as_inputs_only() -> None:
    for dtype in (FLOAT32, FLOAT16, BFLOAT16):
        x1 = normal(1, (2, 4), dtype)
        expected = alng.add_layer_norm(np.asarray(x1), normalized_dims=1)
        got = alng.add_layer_norm(x1, normalized_dims=1)
        same_bits(tuple(got[:3]), tuple(expected[:3]))
    with pytest.raises(TypeError, match="y is .*but must be"):
        alng.add_layer_norm(np.ones((2, 4), np.float32), y=jnp.zeros((2, 4)), normalized_dims=1)


def test_mypy_strict(tmp_path: Any) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(
        "import alng, alng.jax, jax\n"
        "import jax.numpy as jnp\n"
        "y, x = alng.jax.add_layer_norm(jnp.ones((2, 4)), gamma=jnp.ones(4))\n"
        "print(y.sum(), alng.add_layer_norm(y, x, normalized_dims=1).y)\n"
    )
    arguments = ["--strict", "--cache-dir", str(tmp_path), "-m", "alng.jax", "-m", "program"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout
