"""DDP, FSDP2 and DTensor on several processes of this machine, as torchrun starts them."""

import pathlib
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

RANKS = pathlib.Path(__file__).with_name("torch_ranks.py")


@pytest.mark.parametrize("ranks", [2, 3, 4])
def test_ranks_train_as_one_process_does(ranks: int) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    done = subprocess.run([*command, str(RANKS)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("done") == ranks
