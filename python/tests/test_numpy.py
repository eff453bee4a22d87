"""alng on NumPy arrays: errors within the published bounds, and the same bits however it is called."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from formulas import BFLOAT16, DTYPES, FLOAT16, FLOAT32, Array, check_forward, check_grad, total
from hypothesis import given, settings
from hypothesis import strategies as st

import alng
from alng import _core

INSTRUCTION_SETS = [name for name, available, _ in _core.instruction_sets() if available]


def same_bits(a: Any, b: Any) -> bool:
    return all(
        (one is None and other is None) or (one.dtype == other.dtype and one.tobytes() == other.tobytes())
        for one, other in zip(a, b, strict=True)
    )


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype[Any], shift: float = 0) -> Array:
    return (rng.standard_normal(shape) + shift).astype(np.float32).astype(dtype)


def in_layout(array: Array, layout: str) -> Array:
    """The same values, somewhere else."""
    if layout == "reversed axes":
        return np.ascontiguousarray(array.T).T
    if layout == "every second":
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    if layout == "unaligned to 64 bytes":
        flat = np.empty(array.size + 1, array.dtype)
        flat[1:] = array.reshape(-1)
        return flat[1:].reshape(array.shape)
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


LAYOUTS = ("dense", "reversed axes", "every second", "unaligned to 64 bytes", "read-only")

problems = st.fixed_dictionaries(
    {
        "leading": st.lists(st.integers(0, 9), max_size=2).map(tuple),
        "trailing": st.lists(st.integers(1, 70), min_size=1, max_size=2).map(tuple),
        "dtype": st.sampled_from(DTYPES),
        "gamma": st.sampled_from(("none", "T", "float32")),
        "beta": st.sampled_from(("none", "T", "float32")),
        "x2": st.booleans(),
        "dsum": st.booleans(),
        "round_sum": st.booleans(),
        "shift": st.sampled_from((0, 3)),
        "eps": st.sampled_from((1e-5, 1e-2)),
        "layouts": st.lists(st.sampled_from(LAYOUTS), min_size=6, max_size=6),
        "threads": st.sampled_from((0, 1, 2)),
        "isa": st.sampled_from(INSTRUCTION_SETS),
        "seed": st.integers(0, 2**32 - 1),
    }
)


@settings(max_examples=150, deadline=None)
@given(problems)
def test_any_call_is_within_the_bounds_and_has_the_same_bits_dense_and_scalar(p: dict[str, Any]) -> None:
    rng = np.random.default_rng(p["seed"])
    shape, dims = p["leading"] + p["trailing"], len(p["trailing"])
    of_columns = {"none": None, "T": p["dtype"], "float32": FLOAT32}

    def columns(which: str) -> Array | None:
        dtype = of_columns[p[which]]
        return None if dtype is None else normal(rng, p["trailing"], dtype, 1)

    x1 = normal(rng, shape, p["dtype"], p["shift"])
    x2 = normal(rng, shape, p["dtype"]) if p["x2"] else None
    dsum = normal(rng, shape, p["dtype"]) if p["dsum"] else None
    dy, gamma, beta = normal(rng, shape, p["dtype"]), columns("gamma"), columns("beta")
    placed = [
        array if array is None else in_layout(array, layout)
        for array, layout in zip((x1, x2, gamma, beta, dy, dsum), p["layouts"], strict=True)
    ]

    options = {"normalized_dims": dims, "eps": p["eps"], "round_sum": p["round_sum"]}
    forward = alng.add_layer_norm(*placed[:4], x=True, threads=p["threads"], **options)
    check_forward(forward, x1, x2, gamma, beta, p["eps"], dims, p["round_sum"])
    plan = alng.Plan.add_layer_norm(x1, x2, gamma, beta, x=True, isa="scalar", threads=1, **options)
    assert same_bits(forward, plan.run(x1=x1, x2=x2, gamma=gamma, beta=beta))

    if p["round_sum"]:  # x is what was normalised
        x1, x2 = forward.x, None
        placed[:2] = x1, x2
    rstd, mean = forward.rstd, forward.mean
    grad_plan = alng.Plan.add_layer_norm_grad(
        placed[4],
        *placed[:2],
        rstd,
        mean,
        placed[2],
        placed[5],
        normalized_dims=dims,
        threads=p["threads"],
        isa=p["isa"],
    )
    grad = grad_plan.run(
        dy=placed[4], x1=placed[0], x2=placed[1], rstd=rstd, mean=mean, gamma=placed[2], dsum=placed[5]
    )
    check_grad(grad, dy, x1, x2, rstd, mean, gamma, dsum, dims)
    assert same_bits(
        grad, alng.add_layer_norm_grad(dy, x1, x2, rstd, mean, gamma, dsum, normalized_dims=dims, threads=1)
    )


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5000), (300, 7), (2000, 768)], ids=str)
def test_every_instruction_set_and_number_of_threads(dtype: np.dtype[Any], shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    x1, x2, dy, dsum = (normal(rng, shape, dtype) for _ in range(4))
    gamma, beta = normal(rng, shape[1:], FLOAT32, 1), normal(rng, shape[1:], dtype)
    forward = alng.add_layer_norm(x1, x2, gamma, beta, x=True)
    grad = alng.add_layer_norm_grad(dy, x1, x2, forward.rstd, forward.mean, gamma, dsum)
    check_forward(forward, x1, x2, gamma, beta, 1e-5, 1, False)
    check_grad(grad, dy, x1, x2, forward.rstd, forward.mean, gamma, dsum, 1)
    tensors = {"x1": x1, "x2": x2, "gamma": gamma}
    stats = {"rstd": forward.rstd, "mean": forward.mean}
    for isa in INSTRUCTION_SETS:
        for threads in (1, 2, 3):
            plan = alng.Plan.add_layer_norm(**tensors, beta=beta, x=True, isa=isa, threads=threads)
            assert plan.isa == isa
            assert 1 <= plan.threads <= threads
            assert same_bits(forward, plan.run(**tensors, beta=beta))
            grad_plan = alng.Plan.add_layer_norm_grad(dy, **tensors, **stats, dsum=dsum, isa=isa, threads=threads)
            assert same_bits(grad, grad_plan.run(dy=dy, **tensors, **stats, dsum=dsum))


def example(dtype: np.dtype[Any] = FLOAT32, shape: tuple[int, ...] = (6, 4, 10)) -> dict[str, Array]:
    rng = np.random.default_rng(1)
    tensors = {name: normal(rng, shape, dtype) for name in ("dy", "x1", "x2", "dsum")}
    tensors["gamma"] = normal(rng, shape[-1:], dtype, 1)
    _, tensors["mean"], tensors["rstd"], _ = alng.add_layer_norm(tensors["x1"], tensors["x2"], tensors["gamma"])
    return tensors


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_made_outputs_have_the_documented_shapes_and_dtypes(dtype: np.dtype[Any]) -> None:
    e = example(dtype)
    forward = alng.add_layer_norm(e["x1"], e["x2"], normalized_dims=2, x=True)
    assert [(a.shape, a.dtype) for a in forward] == [
        ((6, 4, 10), dtype),
        ((6, 1, 1), FLOAT32),
        ((6, 1, 1), FLOAT32),
        ((6, 4, 10), dtype),
    ]
    grad = alng.add_layer_norm_grad(e["dy"], e["x1"], e["x2"], forward.rstd, forward.mean)
    assert [(a.shape, a.dtype) for a in grad] == [((6, 4, 10), dtype), ((4, 10), FLOAT32), ((4, 10), FLOAT32)]


def test_large_outputs_begin_on_a_line() -> None:
    x = np.ones((2050, 1025), np.float32)
    y, _, _, total = alng.add_layer_norm(x, x, x=True, normalized_dims=1)
    for array in (y, total):
        assert array.ctypes.data % 64 == 0 and array.flags.c_contiguous and array.flags.writeable
        assert array.shape == x.shape and array.dtype == x.dtype
    assert (total == 2).all()


def test_unwanted_outputs_are_none_and_the_others_keep_their_bits() -> None:
    e = example()
    whole = alng.add_layer_norm_grad(**e)
    assert alng.add_layer_norm_grad(**e, dx=False, dgamma=False).dx is None
    assert same_bits(alng.add_layer_norm_grad(**e, dgamma=False, dbeta=False)[:1], whole[:1])
    assert same_bits(alng.add_layer_norm_grad(**e, dx=False)[1:], whole[1:])
    forward = alng.add_layer_norm(e["x1"], gamma=e["gamma"])
    assert forward.x is None
    assert same_bits(alng.add_layer_norm(e["x1"], gamma=e["gamma"], mean=False, rstd=False)[:1], forward[:1])


def test_given_outputs_are_written_and_returned() -> None:
    e = example()
    whole = alng.add_layer_norm_grad(**e)
    dx = np.full((4, 6, 10), np.nan, np.float32).transpose(1, 0, 2)
    dgamma, dbeta = np.empty((2, 20), np.float32)[:, ::2]
    result = alng.add_layer_norm_grad(**e, dx=dx, dgamma=dgamma, dbeta=dbeta)
    assert result.dx is dx
    assert result.dgamma is dgamma
    assert result.dbeta is dbeta
    assert same_bits(result, whole)


def test_dx_over_each_input_and_y_over_x1() -> None:
    e = example()
    whole = alng.add_layer_norm_grad(**e)
    for name in ("dy", "x1", "x2", "dsum"):
        mine = e | {name: e[name].copy()}
        assert same_bits(alng.add_layer_norm_grad(**mine, dx=mine[name]), whole)
        assert np.array_equal(mine[name], whole.dx)
    x1 = e["x1"].copy()
    y = alng.add_layer_norm(e["x1"], e["x2"], e["gamma"]).y
    assert alng.add_layer_norm(x1, e["x2"], e["gamma"], y=x1).y is x1
    assert np.array_equal(x1, y)


def test_accumulate_adds_to_what_the_outputs_hold() -> None:
    e = example()
    once = alng.add_layer_norm_grad(**e)
    dgamma, dbeta = np.full(10, 2, np.float32), np.full(10, -3, np.float32)
    alng.add_layer_norm_grad(**e, dx=False, dgamma=dgamma, dbeta=dbeta, accumulate=True)
    assert np.array_equal(dgamma, once.dgamma + np.float32(2))
    assert np.array_equal(dbeta, once.dbeta - np.float32(3))


def test_broadcast_inputs() -> None:
    e = example()
    row = e["x2"][:1]
    broadcast, full = np.broadcast_to(row, (6, 4, 10)), np.repeat(row, 6, axis=0)
    assert same_bits(
        alng.add_layer_norm(e["x1"], broadcast, e["gamma"], x=True),
        alng.add_layer_norm(e["x1"], full, e["gamma"], x=True),
    )
    ones = np.broadcast_to(np.float32(1), (6, 4, 10))
    assert same_bits(
        alng.add_layer_norm_grad(**(e | {"dy": ones})), alng.add_layer_norm_grad(**(e | {"dy": np.ones_like(e["dy"])}))
    )


def test_no_rows_and_no_columns() -> None:
    none = np.empty((0, 5), np.float32)
    stats = np.empty((0, 1), np.float32)
    grad = alng.add_layer_norm_grad(none, none, none, stats, stats, normalized_dims=1)
    assert grad.dx.shape == (0, 5)
    assert grad.dgamma.tolist() == grad.dbeta.tolist() == [0] * 5
    assert math.isnan(alng.add_layer_norm(np.empty((1, 0), np.float32), normalized_dims=1).mean.item())


def test_round_sum_normalises_the_sum_it_returns() -> None:
    e = example(BFLOAT16)
    forward = alng.add_layer_norm(e["x1"], e["x2"], e["gamma"], x=True, round_sum=True)
    assert np.array_equal(forward.x, total(e["x1"], e["x2"], round_sum=True))
    assert same_bits(forward[:3], alng.add_layer_norm(forward.x, gamma=e["gamma"])[:3])


def test_statistics_in_every_shape_they_may_have() -> None:
    e = example()
    whole = alng.add_layer_norm_grad(**e)
    for shape in ((6, 4), (6, 4, 1)):
        stats = {name: e[name].reshape(shape) for name in ("mean", "rstd")}
        assert same_bits(alng.add_layer_norm_grad(**(e | stats)), whole)


def test_subclasses_of_ndarray_and_memory_maps(tmp_path: Any) -> None:
    e = example()
    np.save(tmp_path / "x1.npy", e["x1"])
    mapped = np.load(tmp_path / "x1.npy", mmap_mode="r")
    assert type(mapped) is np.memmap
    assert same_bits(alng.add_layer_norm(mapped, gamma=e["gamma"]), alng.add_layer_norm(e["x1"], gamma=e["gamma"]))


class WithDLPack:
    """An array that NumPy doesn't know, with DLPack alone, old (before version 1) or new."""

    def __init__(self, array: Array, old: bool) -> None:
        self.array, self.old = array, old

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    def __dlpack__(self, *, max_version: tuple[int, int] | None = None) -> Any:
        if self.old and max_version is not None:
            raise TypeError("no such argument")
        return self.array.__dlpack__(max_version=max_version) if max_version else self.array.__dlpack__()


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT16], ids=str)
def test_arrays_with_dlpack_alone(dtype: np.dtype[Any], old: bool) -> None:
    e = example(dtype)
    for array in (e["x1"], e["x1"].transpose(2, 0, 1), e["x1"][:, ::2]):
        other = WithDLPack(array, old)
        assert same_bits(alng.add_layer_norm(other, normalized_dims=1), alng.add_layer_norm(array, normalized_dims=1))
    y = np.zeros_like(e["x1"])
    if old:  # doesn't tell whether it may be written
        with pytest.raises(TypeError, match="y is an array whose DLPack, before version 1, doesn't tell whether"):
            alng.add_layer_norm(e["x1"], gamma=e["gamma"], y=WithDLPack(y, old))
        assert (y == 0).all()
        return
    alng.add_layer_norm(e["x1"], gamma=e["gamma"], y=WithDLPack(y, old))
    assert np.array_equal(y, alng.add_layer_norm(e["x1"], gamma=e["gamma"]).y)


def test_explain_says_how_and_workspace_size_is_small() -> None:
    e = example()
    plan = alng.Plan.add_layer_norm_grad(**e, threads=1, isa="scalar")
    text = plan.explain()
    assert "instruction set: scalar" in text
    assert "6x4x10" in text or "24x10 float32" in text
    assert 0 < plan.workspace_size <= (1 << 20) + 512 * 10
