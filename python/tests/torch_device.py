"""What the tests of alng.torch share: where tensors are made, on the CPU or, with ALNG_TEST_DEVICE=cuda, on a GPU."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

DEVICE = os.environ.get("ALNG_TEST_DEVICE", "cpu")
if DEVICE == "cuda" and not torch.cuda.is_available():
    pytest.skip("PyTorch finds no GPU", allow_module_level=True)

F32, F16, BF16, F64 = torch.float32, torch.float16, torch.bfloat16, torch.float64


# Of every test of a module that imports it.
@pytest.fixture(autouse=True)
def seed_and_device() -> Iterator[None]:
    torch.manual_seed(0)
    with torch.device(DEVICE):
        yield


def tensor(*shape: int, dtype: torch.dtype = F32, grad: bool = True) -> torch.Tensor:
    return torch.randn(*shape).to(dtype).requires_grad_(grad)


def refuses(error: type[Exception], words: str, call: Callable[[], Any]) -> None:
    with pytest.raises(error) as refusal:
        call()
    assert words in str(refusal.value)


on_cpu_alone = pytest.mark.skipif(DEVICE != "cpu", reason="of the CPU alone")
on_gpu_alone = pytest.mark.skipif(DEVICE != "cuda", reason="ALNG_TEST_DEVICE is not cuda")
