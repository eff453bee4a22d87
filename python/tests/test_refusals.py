"""Every refusal: its exception, its sentence, and that nothing was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import alng

SHAPE = (4, 6)


def tensors() -> dict[str, Any]:
    like_dy = {name: np.ones(SHAPE, np.float32) for name in ("dy", "x1", "x2", "dsum")}
    statistics = {name: np.ones((4, 1), np.float32) for name in ("rstd", "mean")}
    return like_dy | statistics | {"gamma": np.ones(6, np.float32)}


def read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


class Dlpack:
    def __init__(self, device: Any = (1, 0), error: BaseException | None = None, given: Any = np.ones(SHAPE, np.int32)) -> None:
        self.device, self.error, self.given = device, error, given

    def __dlpack_device__(self) -> Any:
        return self.device

    def __dlpack__(self, **_: Any) -> Any:
        if self.error:
            raise self.error
        return self.given.__dlpack__() if isinstance(self.given, np.ndarray) else self.given


class SaysNothingOfGradients(Dlpack):
    """As tinygrad and other frameworks may: neither True nor False, and no method."""

    requires_grad, is_neg = None, np.False_


class RequiresGrad(Dlpack):
    requires_grad = True


def misaligned() -> Any:
    return np.frombuffer(bytearray(4 * 24 + 1), np.uint8)[1:].view(np.float32).reshape(SHAPE)


def fields() -> Any:
    return np.zeros(SHAPE, np.dtype([("a", "f4"), ("b", "i2")]))["a"]


ones = np.ones(SHAPE, np.float32)

REFUSALS: list[tuple[dict[str, Any], Any, str | None, str]] = [
    # what is changed, exception, code, sentence
    ({"x1": ones.tolist()}, TypeError, "", "x1 is of type list but must be a NumPy array, or another one with DLPack on the CPU"),
    ({"dy": None}, TypeError, "", "dy is of type NoneType but must be a NumPy array, or another one with DLPack on the CPU"),
    ({"x1": np.float32(1)}, TypeError, "", "x1 is of type numpy.float32 but must be a NumPy array"),
    ({"x1": True}, TypeError, "", "x1 is of type bool but must be a NumPy array"),
    ({"x1": ones.astype(np.float64)}, TypeError, "", "x1 is float64 but must be float32, float16 or bfloat16"),
    ({"mean": np.ones((4, 1))}, TypeError, "", "mean is float64 but must be float32"),
    ({"x2": ones.astype(np.int32)}, TypeError, "", "x2 is int32 but must be float32, float16 or bfloat16"),
    ({"x2": np.zeros(SHAPE, "V2")}, TypeError, "", "x2 is |V2 but must be float32, float16 or bfloat16"),
    ({"x1": ones.astype(">f4")}, TypeError, "", "x1 is >f4 but must be in this machine's byte order"),
    ({"x1": np.ma.masked_array(ones)}, TypeError, "", "x1 is a masked array but must be a plain one, since its mask would be ignored"),
    ({"x1": Dlpack()}, TypeError, "", "x1 is int32 but must be float32, float16 or bfloat16"),
    ({"x1": Dlpack((2, 0))}, TypeError, "", "x1 is on a device (DLPack's type 2) but must be in the memory of the CPU"),
    ({"x1": SaysNothingOfGradients()}, TypeError, "", "x1 is int32 but must be float32, float16 or bfloat16"),
    ({"x1": SaysNothingOfGradients([1, 0], given=ones)}, None, None, ""),  # fine
    ({"x1": Dlpack(given=ones > 0)}, TypeError, "", "x1 is bool but must be float32, float16 or bfloat16"),
    ({"x1": Dlpack(("cpu", 0))}, TypeError, "", "x1 is a test_refusals.Dlpack that gives no DLPack tensor: its device is ('cpu', 0)"),
    ({"x1": Dlpack(given=5)}, TypeError, "", "x1 is a test_refusals.Dlpack that gives no DLPack tensor: it gives 5"),
    ({"x1": Dlpack(error=KeyboardInterrupt())}, KeyboardInterrupt, "", ""),
    ({"x1": np.ndarray}, TypeError, "", "x1 is of type type but must be a NumPy array"),
    ({"x1": Dlpack(error=BufferError("it is sparse"))}, TypeError, "", "x1 is a test_refusals.Dlpack that gives no DLPack tensor: it is sparse"),
    ({"x1": RequiresGrad()}, TypeError, "", "x1 is a tensor that requires grad but must be detached, since this call would cut it out of the graph: use alng.torch, or give x1.detach()"),
    ({"dx": read_only(np.zeros(SHAPE, np.float32))}, TypeError, "", "dx is read-only but must be writeable"),
    ({"threads": 1.5}, TypeError, "", "threads is 1.5 but must be an integer of 32 bits"),
    ({"normalized_dims": "all"}, TypeError, "", "normalized_dims is 'all' but must be an integer of 32 bits"),
    ({"accumulate": 1}, TypeError, "", "accumulate is 1 but must be True or False"),
    ({"threads": -1}, alng.AlngError, "bad_option", "threads is -1 but must not be negative"),
    ({"accumulate": True}, alng.AlngError, "bad_option", "dgamma is to be a new array but must be given, or be False: accumulate adds to what it holds"),
    ({"gamma": None}, None, None, ""),  # told by rstd: fine, as is everything left as it is
    ({"gamma": None, "rstd": np.ones(5, np.float32)}, alng.AlngError, "bad_shape", "rstd is float32[5]"),
    ({"x1": ones[:, :5]}, alng.AlngError, "bad_shape", "x1 is float32[4, 5] with strides [6, 1] but must be [4, 6], the shape of dy"),
    ({"gamma": ones[0].astype(np.float16)}, alng.AlngError, "bad_dtype", "gamma is float16[6] but must be float32, the dtype of dy"),
    ({"x1": ones[:, ::-1]}, alng.AlngError, "bad_stride", "x1 is float32[4, 6] with strides [6, -1] but must have no negative stride"),
    ({"x1": misaligned()}, alng.AlngError, "bad_stride", "x1"),
    ({"x1": fields()}, alng.AlngError, "bad_stride", "x1 has a stride of 6 bytes in dimension 1 but must have strides of whole elements, of 4 bytes each"),
    ({"x1": ones.reshape((1,) * 7 + SHAPE)}, alng.AlngError, "bad_shape", "x1 has rank 9 but must have rank 1 to 8"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "exception", "code", "sentence"), REFUSALS, ids=lambda value: str(value)[:40])
def test_refused(change: dict[str, Any], exception: Any, code: str | None, sentence: str) -> None:
    dx = np.full(SHAPE, 7, np.float32)
    arguments = tensors() | {"dx": dx} | change
    if code is None:
        alng.add_layer_norm_grad(**arguments)
        return
    with pytest.raises(exception) as refusal:
        alng.add_layer_norm_grad(**arguments)
    assert type(refusal.value) is exception
    assert sentence in str(refusal.value)
    assert getattr(refusal.value, "code", "") == code
    assert (dx == 7).all()


def refuse_forward(**change: Any) -> Callable[[], Any]:
    return lambda: alng.add_layer_norm(**({"x1": np.ones(SHAPE, np.float32), "gamma": np.ones(6, np.float32)} | change))


def wide_y_over_x1() -> Any:
    x = np.zeros(30, np.float32)
    return refuse_forward(x1=x[:24].reshape(SHAPE), y=x[1:25].reshape(SHAPE))()


@pytest.mark.parametrize(
    ("call", "exception", "code", "sentence"),
    [
        (refuse_forward(gamma=None), alng.AlngError, "bad_option", "normalized_dims is 0 but must be 1 to 2, as no tensor tells it"),
        (refuse_forward(normalized_dims=3), alng.AlngError, "bad_option", "normalized_dims is 3"),
        (refuse_forward(eps=-1), alng.AlngError, "bad_option", "eps is -1"),
        (refuse_forward(eps=float("nan")), alng.AlngError, "bad_option", "eps is nan"),
        (refuse_forward(eps="small"), TypeError, "", "eps is 'small' but must be a number"),
        (refuse_forward(round_sum=2), TypeError, "", "round_sum is 2 but must be True or False"),
        (refuse_forward(round_sum=None), TypeError, "", "round_sum is None but must be True or False"),
        (refuse_forward(eps=None), TypeError, "", "eps is None but must be a number"),
        (refuse_forward(threads=None), TypeError, "", "threads is None but must be an integer of 32 bits"),
        (refuse_forward(y=np.broadcast_to(np.float32(0), SHAPE)), TypeError, "", "y is read-only but must be writeable"),
        (refuse_forward(y=[0.0]), TypeError, "", "y is of type list but must be a NumPy array, or another one with DLPack on the CPU, or True or False"),
        (refuse_forward(mean=np.zeros((4, 1), np.float64)), TypeError, "", "mean is float64 but must be float32"),
        (wide_y_over_x1, alng.AlngError, "overlap", "y"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1, isa="mmx"), alng.AlngError, "bad_option", 'isa is "mmx"'),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1, isa=5), TypeError, "", "isa is 5 but must be a name of letters and digits, or None"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1, isa="scalar\0x"), TypeError, "", "isa is 'scalar\\x00x' but must be a name"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1, isa="\ud800"), TypeError, "", "isa is '\\ud800' but must be a name"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1).run(x1=ones, z=ones), TypeError, "", "there is no tensor z but x1, x2, gamma, beta, y, mean, rstd, x"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1).run(), TypeError, "", "x1 is of type NoneType"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1).run(x1=ones[:2]), alng.AlngError, "bad_shape", "x1 is float32[2, 6] but the plan is for float32[4, 6]"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1).run(x1=ones.T.copy().T), alng.AlngError, "bad_shape", "x1 is float32[4, 6] with strides [1, 4] but the plan is for float32[4, 6]"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1).run(x1=ones, x2=ones), alng.AlngError, "null_pointer", "x2"),
        (lambda: alng.Plan.add_layer_norm(ones, normalized_dims=1).run(x1=ones, x=True), alng.AlngError, "null_pointer", "x"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_refused_by_the_forward_and_by_plans(
    call: Callable[[], Any], exception: type[Exception], code: str, sentence: str
) -> None:
    with pytest.raises(exception) as refusal:
        call()
    assert sentence in str(refusal.value)
    assert getattr(refusal.value, "code", "") == code


def test_errors_are_value_errors_and_survive_pickling() -> None:
    import pickle

    with pytest.raises(ValueError, match="normalized_dims") as refusal:
        refuse_forward(gamma=None)()
    copy = pickle.loads(pickle.dumps(refusal.value))
    assert (type(copy), str(copy), copy.code) == (alng.AlngError, str(refusal.value), "bad_option")


def test_memory_that_is_not_there_is_a_memory_error() -> None:
    columns = 1 << 40
    x1 = np.broadcast_to(np.float32(1), (1, columns))
    with pytest.raises(MemoryError):
        alng.add_layer_norm(x1, normalized_dims=1)
