"""The handlers that XLA calls on its platform CUDA, called as XLA does: by a frame of this test's own, on the GPUs of
test_gpu.py. The frame follows XLA's foreign function interface 0.5, of which the module declares a part itself."""

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint32, c_void_p
from typing import Any

import numpy as np
import pytest
from test_gpu import Array, Gpus, gpus, numbers, on_gpu, pytestmark  # noqa: F401

import alng
from alng import _core

F32, F16 = 11, 10
FORWARD = ("x1", "x2", "gamma", "beta", "y", "mean", "rstd", "x")
GRAD = ("dy", "x1", "x2", "rstd", "mean", "gamma", "dsum", "dx", "dgamma", "dbeta")


def struct(**fields: Any) -> Any:
    """A C struct that begins, as all of them do, with its size and its extensions."""
    kind = type("Struct", (ctypes.Structure,), {"_fields_": [("size", c_size_t), ("extensions", c_void_p), *fields.items()]})
    return kind


Version = struct(major=c_int, minor=c_int)
ErrorArguments = struct(message=c_char_p, code=c_int)
StreamArguments = struct(context=c_void_p, stream=c_void_p)
Allocation = struct(context=c_void_p, bytes=c_size_t, alignment=c_size_t, data=c_void_p)
Freeing = struct(context=c_void_p, bytes=c_size_t, data=c_void_p)
Ordinal = struct(context=c_void_p, ordinal=c_int32)
Buffer = struct(dtype=c_int, data=c_void_p, rank=c_int64, shape=POINTER(c_int64))
Buffers = struct(count=c_int64, types=POINTER(c_int), buffers=POINTER(c_void_p))
Attributes = struct(count=c_int64, types=POINTER(c_int), names=POINTER(c_void_p), values=POINTER(c_void_p))
Frame = struct(
    api=c_void_p, context=c_void_p, stage=c_int, arguments=Buffers, results=Buffers, attributes=Attributes
)


class Text(ctypes.Structure):
    _fields_ = [("letters", c_char_p), ("length", c_size_t)]


class Scalar(ctypes.Structure):
    _fields_ = [("dtype", c_int), ("value", c_void_p)]


# The functions in the order in which XLA lists them; those that are not asked are null.
CALLS = (
    "create_error error_details destroy_error register get_stream register_type context_get state_set state_get allocate "
    "free schedule threads future future_set future_error run_id get_ordinal find_extension custom_options"
).split()
FUNCTIONS = {
    "create_error": ctypes.CFUNCTYPE(c_void_p, POINTER(ErrorArguments)),
    "get_stream": ctypes.CFUNCTYPE(c_void_p, POINTER(StreamArguments)),
    "allocate": ctypes.CFUNCTYPE(c_void_p, POINTER(Allocation)),
    "free": ctypes.CFUNCTYPE(c_void_p, POINTER(Freeing)),
    "get_ordinal": ctypes.CFUNCTYPE(c_void_p, POINTER(Ordinal)),
}
Api = struct(version=Version, internal=c_void_p, **{name: FUNCTIONS.get(name, c_void_p) for name in CALLS})


def sized(kind: Any, *values: Any) -> Any:
    return kind(ctypes.sizeof(kind), None, *values)


class Xla:
    """What XLA is to a handler: the answers to its questions, on one GPU."""

    def __init__(self, gpus: Gpus, gpu: int) -> None:
        self.gpus, self.gpu = gpus, gpu
        self.errors: list[tuple[int, str]] = []
        self.scratch: list[Array] = []
        self.freed_while_waiting: list[int] = []
        self.out_of_memory = False
        answers = {name: kind(getattr(self, name)) for name, kind in FUNCTIONS.items()}
        self.api = sized(Api, sized(Version, 0, 5), None)
        for name, answer in answers.items():
            setattr(self.api, name, answer)

    def create_error(self, told: Any) -> int:
        self.errors.append((told[0].code, told[0].message.decode()))
        return len(self.errors)

    def get_stream(self, told: Any) -> int | None:
        assert told[0].context == 99
        told[0].stream = self.gpus.streams[self.gpu]
        return None

    def get_ordinal(self, told: Any) -> int | None:
        assert told[0].context == 99
        told[0].ordinal = self.gpu
        return None

    def allocate(self, told: Any) -> int | None:
        if self.out_of_memory:
            return 77
        self.scratch.append(Array(self.gpus, self.gpu, (told[0].bytes,), np.uint8))
        told[0].data = self.scratch[-1].address
        return None

    def free(self, told: Any) -> int | None:
        assert told[0].data == self.scratch[-1].address and told[0].bytes == self.scratch[-1].shape[0]
        self.freed_while_waiting.append(self.gpus.library.alng_fake_waiting(self.gpus.streams[self.gpu]))
        return None

    def call(self, handler: Any, operands: tuple[str, ...], inputs: dict[str, Any], outputs: dict[str, Any], **options: Any) -> int | None:
        """The error, as create_error numbers them."""
        keep: list[Any] = []

        def pointers(structs: list[Any]) -> Any:
            keep.append(structs)
            return (c_void_p * len(structs))(*(ctypes.addressof(one) for one in structs))

        def buffers(arrays: dict[str, Any]) -> Any:
            dtypes = {np.dtype(np.float32): F32, np.dtype(np.float16): F16}
            made = [
                sized(Buffer, dtypes[a.dtype], a.address, len(a.shape), (c_int64 * len(a.shape))(*a.shape))
                for a in (arrays[name] for name in operands if name in arrays)
            ]
            return sized(Buffers, len(made), (c_int * len(made))(*(1 for _ in made)), pointers(made))

        present = sum(1 << i for i, name in enumerate(operands) if name in inputs or name in outputs)
        values = {"present": np.int64(present), "normalized_dims": np.int64(1), **options}
        names = [Text(name.encode(), len(name)) for name in values]
        arrays = [np.array([value]) for value in values.values()]
        scalars = [Scalar(F32 if a.dtype == np.float32 else 5, a.ctypes.data) for a in arrays]
        attributes = sized(Attributes, len(values), (c_int * len(values))(*(3 for _ in values)), pointers(names), pointers(scalars))
        frame = sized(Frame, ctypes.addressof(self.api), 99, 3, buffers(inputs), buffers(outputs), attributes)
        get = ctypes.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = c_void_p, [ctypes.py_object, c_char_p]
        function = ctypes.CFUNCTYPE(c_void_p, c_void_p)(get(handler, b"xla._CUSTOM_CALL_TARGET"))
        return function(ctypes.addressof(frame))


@pytest.mark.parametrize("gpu", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_both_operators_begin_on_the_stream_of_the_call(gpus: Gpus, gpu: int, dtype: Any) -> None:  # noqa: F811
    host = {name: numbers(*s, dtype=dtype) for name, s in (("x1", (9, 33)), ("x2", (9, 33)), ("gamma", (33,)), ("beta", (33,)))}
    here = {name: on_gpu(gpus, gpu, a) for name, a in host.items()}
    made = {name: Array(gpus, gpu, s, dtype if len(name) == 1 else np.float32) for name, s in (("y", (9, 33)), ("mean", (9, 1)), ("rstd", (9, 1)), ("x", (9, 33)))}
    xla = Xla(gpus, gpu)
    options = {"eps": np.float32(1e-5), "round_sum": np.int64(1)}
    assert xla.call(_core.xla_add_layer_norm_cuda, FORWARD, here, made, **options) is None
    assert gpus.library.alng_fake_waiting(gpus.streams[gpu]) == 2
    assert gpus.library.alng_fake_waiting(gpus.streams[1 - gpu]) == 0
    given = {"dy": here["x1"], "x1": made["x"], "rstd": made["rstd"], "mean": made["mean"], "gamma": here["gamma"]}
    sums = {"dx": Array(gpus, gpu, (9, 33), dtype), "dgamma": Array(gpus, gpu, (33,), np.float32)}
    assert xla.call(_core.xla_add_layer_norm_grad_cuda, GRAD, given, sums) is None
    assert gpus.library.alng_fake_waiting(gpus.streams[gpu]) == 4
    assert xla.freed_while_waiting and all(waiting > 0 for waiting in xla.freed_while_waiting)
    assert len(xla.freed_while_waiting) == len(xla.scratch)
    gpus.wait()
    want = alng.add_layer_norm(*host.values(), x=True, round_sum=True)
    grads = alng.add_layer_norm_grad(host["x1"], want.x, None, want.rstd, want.mean, host["gamma"], dbeta=False)
    for got, expected in zip((*made.values(), *sums.values()), (*want, *grads)):
        assert got.on_host.tobytes() == expected.tobytes()


def test_refusals_of_the_handlers(gpus: Gpus) -> None:  # noqa: F811
    x, y = on_gpu(gpus, 0, numbers(9, 33)), Array(gpus, 0, (9, 33), np.float32)
    options = {"eps": np.float32(1e-5), "round_sum": np.int64(1)}

    def call(xla: Xla, **inputs: Any) -> int | None:
        return xla.call(_core.xla_add_layer_norm_cuda, FORWARD, {"x1": x} | inputs, {"y": y}, **options)

    xla = Xla(gpus, 0)
    assert call(xla, x2=on_gpu(gpus, 0, numbers(9, 32))) == 1
    assert xla.errors[0][0] == 3 and "x2 is float32[9, 32] but must be" in xla.errors[0][1]
    xla = Xla(gpus, 7)
    gpus.streams[7] = gpus.streams[0]
    assert call(xla) == 1 and 'device is "cuda:7" but must be one of cuda:0 to cuda:1' in xla.errors[0][1]
    xla = Xla(gpus, 0)
    xla.out_of_memory = True
    assert call(xla) == 77 and not xla.errors  # XLA's own error is handed on
    xla = Xla(gpus, 0)
    xla.api.size = Api.get_ordinal.offset
    assert call(xla) == 1 and xla.errors == [(12, "on a GPU alng needs a newer jaxlib, which tells the device of a call")]
    gpus.wait()
