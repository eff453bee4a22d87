"""Tensors on a GPU as PyTorch hands them over, by types and GPUs of this test's own: streams, memory, devices, refusals.

The GPUs are those of tests/cuda_door, a libalng_cuda.so that computes by the reference: ALNG_FAKE_CUDA names it.
"""

import ctypes
import os
from collections.abc import Iterator
from ctypes import POINTER, c_int, c_int32, c_int64, c_size_t, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import alng
from alng import _core

BUILT = Path(__file__).parents[2] / "build/release/tests/cuda_door/libalng_fake_cuda.so"
LIBRARY = Path(os.environ.get("ALNG_FAKE_CUDA", BUILT))
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason=f"{LIBRARY} is not built")

CPU, CUDA = 1, 2


class Device(ctypes.Structure):
    _fields_ = [("kind", c_int32), ("id", c_int32)]


class DType(ctypes.Structure):
    _fields_ = [("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16)]


class DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p),
        ("device", Device),
        ("ndim", c_int32),
        ("dtype", DType),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    ]


class Managed(ctypes.Structure):
    pass


DELETER = ctypes.PYFUNCTYPE(None, POINTER(Managed))
Managed._fields_ = [
    ("major", c_uint32),
    ("minor", c_uint32),
    ("manager", c_void_p),
    ("deleter", DELETER),
    ("flags", c_uint64),
    ("tensor", DLTensor),
]
ALLOCATE = ctypes.PYFUNCTYPE(c_int, POINTER(DLTensor), POINTER(c_void_p), c_void_p, c_void_p)
GIVE = ctypes.PYFUNCTYPE(c_int, c_void_p, c_void_p)
TAKE = ctypes.PYFUNCTYPE(c_int, c_void_p, POINTER(c_void_p))
DESCRIBE = ctypes.PYFUNCTYPE(c_int, c_void_p, POINTER(DLTensor))
STREAM = ctypes.PYFUNCTYPE(c_int, c_int, c_int32, POINTER(c_void_p))


class ExchangeApi(ctypes.Structure):
    _fields_ = [
        ("major", c_uint32),
        ("minor", c_uint32),
        ("older", c_void_p),
        ("allocate", ALLOCATE),
        ("give", GIVE),
        ("take", TAKE),
        ("describe", DESCRIBE),
        ("current_stream", STREAM),
    ]


class Gpus:
    """The fake GPUs, and what was asked of them."""

    def __init__(self) -> None:
        self.library = ctypes.CDLL(str(LIBRARY))
        for name, result, arguments in (
            ("allocate", c_void_p, [c_int, c_size_t]),
            ("make_stream", c_void_p, [c_int]),
            ("waiting", c_int, [c_void_p]),
            ("wait", None, []),
        ):
            function = getattr(self.library, f"alng_fake_{name}")
            function.restype, function.argtypes = result, arguments
        self.streams = {gpu: self.library.alng_fake_make_stream(gpu) for gpu in (0, 1)}
        self.out_of_memory = False
        self.kept: dict[int, Any] = {}  # what C points to, by address
        self.freed_while_waiting: list[int] = []

    def wait(self) -> None:
        self.library.alng_fake_wait()


class Array:
    """An array on a GPU, as torch.Tensor is one: DLPack's C side describes it, makes new ones and tells the stream."""

    __dlpack_c_exchange_api__: Any

    def __init__(self, gpus: Gpus, gpu: int, shape: tuple[int, ...], dtype: Any, address: int | None = None) -> None:
        self.shape, self.dtype, self.gpu, self.gpus = shape, np.dtype(dtype), gpu, gpus
        size = max(int(np.prod(shape)) * self.dtype.itemsize, 1)
        self.address = address or gpus.library.alng_fake_allocate(gpu, size)
        self.c_shape = (c_int64 * len(shape))(*shape)

    def __dlpack__(self, **_: Any) -> Any:
        raise AssertionError("not needed")

    def __dlpack_device__(self) -> tuple[int, int]:
        return CUDA, self.gpu

    @property
    def on_host(self) -> np.ndarray:
        count = int(np.prod(self.shape))
        bytes_ = (c_uint8 * (count * self.dtype.itemsize)).from_address(self.address)
        return np.frombuffer(bytes_, self.dtype, count).reshape(self.shape)


def exchange_api(gpus: Gpus) -> Any:
    def allocate(like: Any, made: Any, told: Any, tell: Any) -> int:
        if gpus.out_of_memory:
            return -1
        shape = tuple(like[0].shape[i] for i in range(like[0].ndim))
        kind = {(2, 32): np.float32, (2, 16): np.float16, (1, 8): np.uint8}[like[0].dtype.code, like[0].dtype.bits]
        assert like[0].device.kind == CUDA
        array = Array(gpus, like[0].device.id, shape, kind)
        managed = Managed(1, 0, None, DELETER(lambda one: free(ctypes.addressof(one[0]))), 0)
        fill(array, managed.tensor)
        gpus.kept[ctypes.addressof(managed)] = managed, array
        made[0] = ctypes.addressof(managed)
        return 0

    def free(address: int) -> None:
        gpus.freed_while_waiting.append(sum(map(gpus.library.alng_fake_waiting, gpus.streams.values())))
        _, array = gpus.kept.pop(address)
        gpus.kept[array.address] = array  # as a caching allocator: not given back to the GPU

    def take(managed: int, made: Any) -> int:
        _, array = gpus.kept.pop(managed)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(array))
        made[0] = id(array)
        return 0

    def fill(array: Array, described: DLTensor) -> None:
        described.data, described.device, described.ndim = array.address, Device(CUDA, array.gpu), len(array.shape)
        described.dtype = DType(1 if array.dtype == np.uint8 else 2, array.dtype.itemsize * 8, 1)
        described.shape = ctypes.cast(array.c_shape, POINTER(c_int64))

    def describe(array: int, described: Any) -> int:
        fill(ctypes.cast(array, ctypes.py_object).value, described[0])
        return 0

    def current_stream(kind: int, gpu: int, stream: Any) -> int:
        assert kind == CUDA
        stream[0] = gpus.streams[gpu]
        return 0

    api = ExchangeApi(
        1, 2, None, ALLOCATE(allocate), GIVE(lambda *_: -1), TAKE(take), DESCRIBE(describe), STREAM(current_stream)
    )
    gpus.kept[0] = api
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [c_void_p, ctypes.c_char_p, c_void_p]
    return new(ctypes.addressof(api), b"dlpack_exchange_api", None)


@pytest.fixture(scope="module")
def gpus() -> Iterator[Gpus]:
    os.environ["ALNG_CUDA_LIBRARY"] = str(LIBRARY)
    os.environ["ALNG_FAKE_GPUS"] = "2"
    made = Gpus()
    Array.__dlpack_c_exchange_api__ = exchange_api(made)
    yield made
    made.wait()


def on_gpu(gpus: Gpus, gpu: int, values: np.ndarray) -> Array:
    array = Array(gpus, gpu, values.shape, values.dtype)
    array.on_host[...] = values
    return array


def numbers(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(7).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("gpu", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_both_operators_begin_on_the_current_stream(gpus: Gpus, gpu: int, dtype: Any) -> None:
    x1, x2, gamma, beta = (numbers(*s, dtype=dtype) for s in ((9, 33), (9, 33), (33,), (33,)))
    here = [on_gpu(gpus, gpu, a) for a in (x1, x2, gamma, beta)]
    y, mean, rstd, x = _core.add_layer_norm(*here, True, True, True, True, 0, 1e-5, True, 3, None, True)
    assert gpus.library.alng_fake_waiting(gpus.streams[gpu]) == 2
    assert gpus.library.alng_fake_waiting(gpus.streams[1 - gpu]) == 0
    dx, dgamma, dbeta = _core.add_layer_norm_grad(
        here[0], x, None, rstd, mean, here[2], None, True, True, False, 0, False, 3, None, True
    )
    assert gpus.library.alng_fake_waiting(gpus.streams[gpu]) == 4
    gpus.wait()
    assert dbeta is None
    want = alng.add_layer_norm(x1, x2, gamma, beta, x=True, round_sum=True)
    grads = alng.add_layer_norm_grad(x1, want.x, None, want.rstd, want.mean, gamma, dbeta=False)
    for got, expected in zip((y, mean, rstd, x, dx, dgamma), (*want, *grads)):
        assert type(got) is Array and got.gpu == gpu and got.dtype == expected.dtype
        assert got.on_host.tobytes() == expected.tobytes()


def test_the_workspace_is_given_back_when_the_work_has_begun(gpus: Gpus) -> None:
    x = on_gpu(gpus, 1, numbers(9, 33))
    gpus.freed_while_waiting.clear()
    _core.add_layer_norm(x, None, None, None, True, True, True, None, 1, 1e-5, False, 0, None, True)
    assert gpus.freed_while_waiting == [2]
    gpus.wait()


def test_refusals(gpus: Gpus) -> None:
    x, other, host = on_gpu(gpus, 0, numbers(9, 33)), on_gpu(gpus, 1, numbers(9, 33)), numbers(9, 33)

    def call(x1: Any, x2: Any, in_graph: bool = True) -> Any:
        return _core.add_layer_norm(x1, x2, None, None, True, None, None, None, 1, 1e-5, False, 0, None, in_graph)

    for x1, x2, words in (
        (x, other, "x2 is on cuda:1 but must be on cuda:0 as x1"),
        (x, host, "x2 is in the memory of the CPU but must be on cuda:0 as x1"),
        (host, x, "x2 is on cuda:0 but must be in the memory of the CPU as x1"),
    ):
        with pytest.raises(TypeError, match=words):
            call(x1, x2)
    with pytest.raises(TypeError, match="x1 is on a device .DLPack's type 2. but must be in the memory of the CPU"):
        call(x, None, in_graph=False)
    with pytest.raises(alng.AlngError, match=r"x2 is float32\[9, 32\] but must be"):
        call(x, on_gpu(gpus, 0, numbers(9, 32)))
    gpus.out_of_memory = True
    try:
        with pytest.raises(MemoryError):
            call(x, None)
    finally:
        gpus.out_of_memory = False
    missing = Array(gpus, 0, (9, 33), np.float32)
    missing.gpu = 7
    gpus.streams[7] = gpus.streams[0]
    with pytest.raises(alng.AlngError, match='device is "cuda:7" but must be one of cuda:0 to cuda:1'):
        call(missing, None)
