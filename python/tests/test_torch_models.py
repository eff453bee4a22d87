"""Norms of PyTorch's models replaced by alng's and restored: results, sums, hooks, copies, sources, memory."""

import copy
import pickle
import runpy
from pathlib import Path
from typing import Any

import pytest
from torch_device import DEVICE, on_cpu_alone, torch
from torch_device import seed_and_device as seed_and_device
from torch import nn

import alng.torch


class PostNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm, self.last = nn.Linear(12, 12), nn.LayerNorm(12), nn.LayerNorm(12)

    def forward(self, x: torch.Tensor, scale: float = 2.0) -> torch.Tensor:
        x = self.norm(x + scale * self.linear(x))
        return self.last(x)


def test_models_norms_are_replaced_and_restored() -> None:
    model = nn.ModuleDict({"post": PostNorm(), "torch": nn.TransformerEncoderLayer(12, 3, 20, dropout=0.0)})
    x = torch.randn(5, 2, 12)

    def run() -> torch.Tensor:
        return model["torch"](model["post"](x, 0.5))

    want, keys = run(), list(model.state_dict())
    assert alng.torch.replace_layer_norms(model) == [
        "post.norm: residual + LayerNorm",
        "post.last: LayerNorm",
        "torch.norm1: residual + LayerNorm",
        "torch.norm2: residual + LayerNorm",
    ]
    torch.testing.assert_close(run(), want)
    assert list(model.state_dict()) == keys
    torch.testing.assert_close(copy.deepcopy(model)["post"](x, 0.5), model["post"](x, 0.5), rtol=0, atol=0)
    assert alng.torch.restore_layer_norms(model) == 4
    assert torch.equal(run(), want) and type(model["post"]) is PostNorm
    assert not any("_was_layer_norm" in module.__dict__ for module in model.modules())
    assert alng.torch.replace_layer_norms(model, filter=lambda name, _: name == "post.last") == ["post.last: LayerNorm"]


def test_sums_are_taken_where_no_one_else_has_a_say() -> None:
    x = torch.randn(5, 12)

    def replaced() -> PostNorm:
        model = PostNorm()
        assert alng.torch.replace_layer_norms(model)[0] == "norm: residual + LayerNorm"
        return model

    model, seen = replaced(), []
    want = model(x)
    model.norm.register_forward_hook(lambda module, inputs, output: seen.append((len(inputs), output.shape)))
    assert torch.equal(model(x), want) and seen == [(1, (5, 12))]
    model.norm.register_forward_hook(lambda module, inputs, output: 3 * output)
    torch.testing.assert_close(model(x), model.last(3 * nn.functional.layer_norm(x + 2 * model.linear(x), (12,))))
    model.norm = nn.Identity()
    assert torch.equal(model(x), model.last(x + 2.0 * model.linear(x)))
    model = replaced()
    model.norm.forward = lambda x: 3 * x  # as accelerate does
    assert torch.equal(model(x), model.last(3 * (x + 2.0 * model.linear(x))))


def test_copies_and_pickles_of_replaced_models() -> None:
    x, model = torch.randn(5, 12), PostNorm()
    alng.torch.replace_layer_norms(model)
    shallow = copy.copy(model)
    shallow._modules = model._modules | {"linear": nn.Linear(12, 12)}
    assert torch.equal(shallow(x), shallow.last(shallow.norm(x + 2.0 * shallow.linear(x))))
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert type(made) is type(model) and torch.equal(made(x), model(x))
        assert alng.torch.restore_layer_norms(made) == 2
        assert type(made) is PostNorm and type(made.norm) is nn.LayerNorm


class Odd(nn.Module):
    """Says self.norm(a + b) in forwards that are easily taken for others."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.norm, self.other, self.how = nn.LayerNorm(8), nn.LayerNorm(8), how
        self.alias, self.__linear = self.norm, nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.how == "number":
            return self.norm(x + 1e-3)
        if self.how == "alias":
            return self.alias(x + x)
        return self.norm(x + self.__linear(x)) + self.other(x + x)


class WithSuper(Odd):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(x + super().forward(x))


class Wrapped(Odd):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * Odd.forward(self, x)

    forward.__wrapped__ = Odd.forward  # type: ignore[attr-defined]


class OfTwoLines(Odd):
    def forward(self, x): return self.norm(x + x) \
        + self.norm(  # a comment
            (x + x)
        )  # fmt: skip


@pytest.mark.parametrize("model", [Odd("private"), Odd("number"), Odd("alias"), WithSuper(""), Wrapped(""), OfTwoLines("")])
def test_forwards_that_are_rewritten_do_what_they_did(model: nn.Module) -> None:
    x = torch.randn(3, 8)
    model = model.to(DEVICE)
    want = model(x)
    fused = "LayerNorm" if isinstance(model, Wrapped) else "residual + LayerNorm"
    assert alng.torch.replace_layer_norms(model)[0] == f"norm: {fused}"
    torch.testing.assert_close(model(x), want)
    assert alng.torch.restore_layer_norms(model) == 2 and torch.equal(model(x), want)


def test_replaced_in_two_steps_and_where_a_norm_is_shared() -> None:
    model = nn.ModuleList([PostNorm(), PostNorm()])
    model[1].norm = model[0].norm
    assert alng.torch.replace_layer_norms(model, lambda name, _: name == "0.last") == ["0.last: LayerNorm"]
    want = ["0.norm: residual + LayerNorm", "1.last: LayerNorm"]
    assert alng.torch.replace_layer_norms(model) == want
    assert all(type(block) is not PostNorm for block in model)  # both hand over their sums


def test_an_old_source_is_not_taken_for_the_code(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    text = "from torch import nn\nclass Model(nn.Module):\n    def forward(self, x):\n        return self.norm(x + x)\n"
    path.write_text(text)
    room = runpy.run_path(str(path))
    path.write_text(text.replace("x + x", "x + 2 * x"))
    model = room["Model"]()
    model.norm = nn.LayerNorm(8)
    assert alng.torch.replace_layer_norms(model) == ["norm: LayerNorm"]


def test_norms_that_a_model_had_of_its_own_stay() -> None:
    model = nn.ModuleDict({"own": alng.torch.AddLayerNorm(8), "other": nn.LayerNorm(8)})
    assert alng.torch.replace_layer_norms(model) == ["other: LayerNorm"]
    assert alng.torch.restore_layer_norms(model) == 1
    assert type(model["own"]) is alng.torch.AddLayerNorm and type(model["other"]) is nn.LayerNorm
    x = torch.randn(3, 8)
    assert torch.equal(model["own"](input=x), model["own"](x))  # as torch.nn.LayerNorm names it


@on_cpu_alone
@pytest.mark.parametrize("width", [768, 1024])
def test_a_step_takes_no_more_memory(width: int) -> None:
    train_gpt: Any = runpy.run_path(str(Path(__file__).parents[2] / "examples/train_gpt.py"))
    model, batch = train_gpt["GPT"](width, 2, 64), torch.randint(256, (4, 64))

    def loss_of(model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        return model(batch).square().mean()

    taken = []
    for _ in range(2):
        taken.append([train_gpt[of](model, loss_of, batch) for of in ("kept_for_backward", "most_memory")])
        alng.torch.replace_layer_norms(model)
    (kept, most), (kept_by_ours, most_by_ours) = taken
    assert kept_by_ours <= kept and most_by_ours <= most and most > kept
