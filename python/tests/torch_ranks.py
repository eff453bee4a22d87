"""Run by torchrun on two or more ranks (test_torch_distributed.py): the same model is trained to the same losses as on one.

Each rank prints a line "done" or fails.
"""

import copy
import functools
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor, init_device_mesh

import alng.torch

# Losses of a few steps, of about 1: the engine's all-reduce adds gradients in another order than one process does.
LOSS_BOUND = 2e-6
STEPS, BATCH, WIDTH = 6, 24, 48


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)
        self.norm = alng.torch.AddLayerNorm(WIDTH)
        self.last = nn.Linear(WIDTH, 8)
        self.last_norm = alng.torch.AddLayerNorm(8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y, x = self.norm(self.second(torch.tanh(self.first(x))), x)
        return self.last_norm(self.last(y + x))


def data(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    return torch.randn(BATCH, WIDTH, generator=generator), torch.randn(BATCH, 8, generator=generator)


def train(model: nn.Module, share: slice) -> list[float]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for step in range(STEPS):
        x, target = data(step)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x[share]), target[share])
        loss.backward()
        optimizer.step()
        mean = loss.detach().clone()
        if share != slice(None):
            dist.all_reduce(mean, op=dist.ReduceOp.SUM)
            mean /= dist.get_world_size()
        losses.append(mean.item())
    return losses


def same(name: str, got: list[float], want: list[float]) -> None:
    worst = max(abs(a - b) for a, b in zip(got, want, strict=True))
    if not worst <= LOSS_BOUND:
        sys.exit(f"{name}: losses {worst} apart, {got} and {want}")


def data_parallel() -> None:
    torch.manual_seed(1)
    model = Block()
    alone = train(copy.deepcopy(model), slice(None))
    rank, ranks = dist.get_rank(), dist.get_world_size()
    mine = slice(rank * BATCH // ranks, (rank + 1) * BATCH // ranks)
    same("DDP", train(nn.parallel.DistributedDataParallel(copy.deepcopy(model)), mine), alone)
    sharded = copy.deepcopy(model)
    fully_shard(sharded, mesh=init_device_mesh("cpu", (ranks,)))
    same("FSDP2", train(sharded, mine), alone)
    if not alone[-1] < alone[0]:
        sys.exit(f"nothing was learnt: {alone}")


def sharded_rows() -> None:
    ranks = dist.get_world_size()
    mesh = init_device_mesh("cpu", (ranks,))
    torch.manual_seed(2)
    x1, x2, dy, ds = (torch.randn(4 * ranks, 3, 40) for _ in range(4))
    weight, bias = torch.randn(40), torch.randn(40)
    whole = [t.clone().requires_grad_() for t in (x1, x2, weight, bias)]
    y, x = alng.torch.add_layer_norm(*whole[:2], (40,), *whole[2:])
    torch.autograd.backward((y, x), (dy, ds))

    place = functools.partial(distribute_tensor, device_mesh=mesh)
    parts = [place(t, placements=[Shard(0)]).requires_grad_() for t in (x1, x2)]
    parts += [place(t, placements=[Replicate()]).requires_grad_() for t in (weight, bias)]
    y_part, x_part = alng.torch.add_layer_norm(*parts[:2], (40,), *parts[2:])
    for part, of_all in ((y_part, y), (x_part, x)):
        assert part.placements == (Shard(0),), part.placements
        assert torch.equal(part.full_tensor(), of_all), "rows have other bits than in one process"
    torch.autograd.backward((y_part, x_part), [place(t, placements=[Shard(0)]) for t in (dy, ds)])
    for part, one in zip(parts[:2], whole[:2]):
        assert part.grad.placements == (Shard(0),), part.grad.placements
        assert torch.equal(part.grad.full_tensor(), one.grad), "dx has other bits than in one process"
    for part, one in zip(parts[2:], whole[2:]):
        torch.testing.assert_close(part.grad.full_tensor(), one.grad, rtol=2e-6, atol=2e-5)

    local = alng.torch._ops
    outputs = torch.ops.alng.add_layer_norm_grad(
        place(dy, placements=[Shard(0)]), place(x1, placements=[Shard(0)]), None,
        *(place(t, placements=[Shard(0)]) for t in reversed(local.layer_norm(x1, None, None, 1, 1e-5)[1:])),
        None, None, 1, [True, True, True],
    )  # fmt: skip
    assert [o.placements for o in outputs] == [(Shard(0),), (Partial(),), (Partial(),)], outputs


def sharded_columns() -> None:
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    x = distribute_tensor(torch.randn(6, 24), mesh, [Shard(1)])
    for call in (
        lambda: alng.torch.layer_norm(x, (24,)),
        lambda: alng.torch.add_layer_norm(x, x, (24,)),
        lambda: torch.ops.alng.layer_norm(x, None, None, 1, 1e-5),
    ):
        try:
            result = call()
        except NotImplementedError as refusal:
            assert "sharded along dimension 1" in str(refusal) and "redistribute it first" in str(refusal), refusal
        else:
            sys.exit(f"columns sharded: not refused, {result}")


def main() -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    assert issubclass(DTensor, torch.Tensor)
    for what in (data_parallel, sharded_rows, sharded_columns):
        what()
    print("done", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
