"""alng.torch on PyTorch's threads, in workers of its data loader and in the child of a fork."""

import os
import subprocess
import sys

import pytest
from torch_device import on_cpu_alone, torch

import alng.torch

pytestmark = on_cpu_alone


def test_workers_of_a_data_loader_may_call_it() -> None:
    class Set(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return 8

        def __getitem__(self, index: int) -> torch.Tensor:
            return alng.torch.layer_norm(torch.arange(4096.0).reshape(64, 64) + index, (64,))

    want = [Set()[i] for i in range(8)]
    loader = torch.utils.data.DataLoader(Set(), batch_size=None, num_workers=2)
    assert all(torch.equal(a, b) for a, b in zip(loader, want))


# Threads of alng's own would compete with PyTorch's, which stay awake between operators: 1.6 times the time for 512x768.
OWN_THREADS = """
import os, time, torch, alng.torch
def ticks(thread):
    with open(f"/proc/self/task/{thread}/stat") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
x = torch.randn(512, 1024)
torch.nn.functional.gelu(x)
before = set(os.listdir("/proc/self/task"))
end = time.monotonic() + 0.5
while time.monotonic() < end:
    alng.torch.add_layer_norm(x, x, (1024,))
own = set(os.listdir("/proc/self/task")) - before
print(len(before), sum(map(ticks, own)), sum(map(ticks, before)))
"""


def test_pytorchs_threads_do_the_work() -> None:
    if len(os.sched_getaffinity(0)) == 1:
        pytest.skip("one processor alone")
    ran = subprocess.run([sys.executable, "-c", OWN_THREADS], capture_output=True, text=True, check=True, timeout=120)
    threads, own, pytorchs = map(int, ran.stdout.split())
    assert threads > 1 and pytorchs > 20 * own and pytorchs > 10, ran.stdout


FORKED = """
import os, torch, alng.torch
x = torch.randn(512, 1024)
want = alng.torch.layer_norm(x, (1024,)).numpy().tobytes()  # PyTorch's own operators may hang in the child
if (child := os.fork()) == 0:
    os._exit(0 if alng.torch.layer_norm(x, (1024,)).numpy().tobytes() == want else 1)
assert os.waitpid(child, 0)[1] == 0
"""


def test_the_child_of_a_fork_uses_threads_of_its_own() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=120)
