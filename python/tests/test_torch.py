"""The PyTorch door: the operator's contract with PyTorch, gradients, compilation, transforms, refusals."""

import contextlib
import itertools
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from torch_device import BF16, DEVICE, F16, F32, F64, on_cpu_alone, on_gpu_alone, refuses, tensor, torch
from torch_device import seed_and_device as seed_and_device
from torch import nn
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.library import opcheck

import alng
import alng.torch

pytestmark = pytest.mark.filterwarnings("default")  # PyTorch warns of what its own checks do

# Activations and weights.
DTYPES = [(F32, F32), (BF16, BF16), (BF16, F32), (F16, F32), (F64, F64)]
PARAMETERS = [(True, True), (True, False), (False, True), (False, False)]


def layouts(dtype: torch.dtype) -> list[torch.Tensor]:
    return [
        tensor(4, 3, 16, dtype=dtype),
        tensor(3, 4, 16, dtype=dtype, grad=False).transpose(0, 1).requires_grad_(),
        tensor(4, 3, 32, dtype=dtype, grad=False)[..., ::2].requires_grad_(),
        tensor(16, dtype=dtype, grad=False).expand(4, 3, 16).requires_grad_(),
    ]


def parameters(has: tuple[bool, bool], dtype: torch.dtype, size: int = 16) -> list[torch.Tensor | None]:
    return [tensor(size, dtype=dtype) if there else None for there in has]


@pytest.mark.parametrize("dtypes", DTYPES, ids=str)
@pytest.mark.parametrize("has", PARAMETERS)
def test_forward_ops_keep_pytorchs_contract(dtypes: Any, has: tuple[bool, bool]) -> None:
    for x in layouts(dtypes[0]):
        opcheck(torch.ops.alng.layer_norm.default, (x, *parameters(has, dtypes[1]), 1, 1e-5))
        x2 = tensor(4, 3, 16, dtype=dtypes[0])
        opcheck(torch.ops.alng.add_layer_norm.default, (x, x2, *parameters(has, dtypes[1]), 1, 1e-5))


@pytest.mark.parametrize("dtypes", DTYPES, ids=str)
@pytest.mark.parametrize("wanted", [[True, True, True], [True, False, False], [False, True, True]])
def test_grad_op_keeps_pytorchs_contract(dtypes: Any, wanted: list[bool]) -> None:
    for dy, x in itertools.product(layouts(dtypes[0]), layouts(dtypes[0])[:2]):
        dy, x = dy.detach(), x.detach()
        _, mean, rstd = torch.ops.alng.layer_norm(x, None, None, 1, 1e-5)
        for gamma, dsum in ((tensor(16, dtype=dtypes[1], grad=False), None), (None, x)):
            arguments = (dy, x, None, rstd, mean, gamma, dsum, 1, wanted)
            opcheck(torch.ops.alng.add_layer_norm_grad.default, arguments)


def plain(x1: Any, x2: Any, weight: Any, bias: Any) -> tuple[torch.Tensor, torch.Tensor]:
    x = x1 + x2
    return nn.functional.layer_norm(x, x.shape[-1:], weight, bias), x


def ours(x1: Any, x2: Any, weight: Any, bias: Any) -> tuple[torch.Tensor, torch.Tensor]:
    return alng.torch.add_layer_norm(x1, x2, x1.shape[-1:], weight, bias)


@pytest.mark.parametrize("dtype, bound", [(F32, 2e-6), (BF16, 2e-2), (F16, 3e-3), (F64, 0.0)])
@pytest.mark.parametrize("has", PARAMETERS)
@pytest.mark.parametrize("uses", ["y", "x", "both"])
def test_gradients_are_those_of_float64(dtype: torch.dtype, bound: float, has: Any, uses: str) -> None:
    mine = [tensor(5, 7, 33, dtype=dtype), tensor(5, 7, 33, dtype=dtype), *parameters(has, dtype, 33)]
    true = [t if t is None else t.detach().double().requires_grad_() for t in mine]
    for inputs, function in ((mine, ours), (true, plain)):
        y, x = function(*inputs)
        assert y.dtype == x.dtype == inputs[0].dtype
        loss = (y * y.detach().sin()).sum() if uses != "x" else 0
        loss = loss + (x * x.detach().cos()).sum() if uses != "y" else loss
        loss.backward()
    for name, a, b in zip(("x1", "x2", "weight", "bias"), mine, true):
        if a is None or b is None:
            continue
        if b.grad is None or uses == "x" and name in ("weight", "bias"):
            assert a.grad is None or not a.grad.any()
            continue
        assert a.grad is not None and a.grad.dtype == a.dtype
        assert (a.grad.double() - b.grad).abs().max() <= (bound or 1e-14) * max(1.0, b.grad.abs().max().item()), name


def test_gradcheck_of_kernel_and_wiring() -> None:
    for dtype, tolerance in ((F64, {}), (F32, {"eps": 1e-2, "atol": 2e-2, "rtol": 2e-2})):
        inputs = [tensor(3, 5, dtype=dtype), tensor(3, 5, dtype=dtype), tensor(5, dtype=dtype), tensor(5, dtype=dtype)]
        assert gradcheck(ours, inputs, **tolerance)
        assert gradcheck(lambda *a: torch.ops.alng.add_layer_norm(*a, 1, 1e-5)[:2], inputs, **tolerance)
        x, _, weight, bias = inputs
        assert gradcheck(lambda x, w, b: alng.torch.layer_norm(x, (5,), w, b), (x, weight, bias), **tolerance)


def test_same_bits_as_numpy_and_for_every_number_of_threads() -> None:
    before = torch.get_num_threads()
    x1, x2, weight, bias = tensor(300, 513), tensor(300, 513), tensor(513), tensor(513)
    dy = torch.randn(300, 513)
    want = alng.add_layer_norm(*(t.detach().cpu() for t in (x1, x2, weight, bias)), x=True, round_sum=True)
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            y, x = ours(x1, x2, weight, bias)
            grads = torch.autograd.grad(y, (x1, weight, bias), dy)
            if threads == 1:
                first = grads
            assert np.array_equal(y.detach().cpu().numpy(), want.y) and np.array_equal(x.detach().cpu().numpy(), want.x)
            assert all(torch.equal(a, b) for a, b in zip(grads, first))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("function", [ours, lambda *a: torch.ops.alng.add_layer_norm(*a, 1, 1e-5)[:2]])
def test_what_has_no_derivative_raises(function: Any) -> None:
    inputs = [tensor(3, 5, dtype=F64), tensor(3, 5, dtype=F64), tensor(5, dtype=F64), tensor(5, dtype=F64)]
    refuses(NotImplementedError, "double backward", lambda: gradgradcheck(function, inputs))
    rest = [t.detach() for t in inputs[1:]]
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(inputs[0].detach(), torch.ones(3, 5, dtype=F64))
        refuses(NotImplementedError, "jvp", lambda: function(dual, *rest))
    one = torch.ones(3, 5, dtype=F64)
    refuses(NotImplementedError, "jvp", lambda: torch.func.jvp(lambda x: function(x, *rest)[0], (one,), (one,)))


def test_func_transforms() -> None:
    def loss(function: Any) -> Any:
        return lambda *inputs: function(*inputs)[0].sin().sum()

    x, x2, weight, bias = (torch.randn(*s) for s in ((6, 3, 5), (3, 5), (5,), (5,)))
    weights = torch.randn(6, 5)
    for w, w_dim in ((weight, None), (weights, 0)):
        for of in (0, 1, (0, 1, 2, 3)):
            got, want = (
                torch.func.vmap(torch.func.grad(loss(f), of), (0, None, w_dim, None))(x, x2, w, bias) for f in (ours, plain)
            )
            torch.testing.assert_close(got, want)
    twice = torch.func.grad(lambda x: torch.func.grad(loss(ours))(x, x2, weight, bias).sum())
    refuses(NotImplementedError, "double backward", lambda: twice(x[0]))
    got = torch.func.vmap(lambda x: alng.torch.layer_norm(x, (5,), weight))(x)
    torch.testing.assert_close(got, nn.functional.layer_norm(x, (5,), weight))


def test_transforms_within_transforms() -> None:
    x, x2, weight, bias, weights = torch.randn(6, 3, 5), torch.randn(3, 5), torch.randn(5), torch.randn(5), torch.randn(6, 5)

    def of_batch(function: Any, dims: Any) -> Any:
        each = torch.func.vmap(lambda *inputs: function(*inputs)[0].sin().sum(), dims)
        return torch.func.grad(lambda *inputs: each(*inputs).sum(), (0, 1, 2, 3))

    for w, w_dim in ((weight, None), (weights, 0)):
        got, want = (of_batch(f, (0, None, w_dim, None))(x, x2, w, bias) for f in (ours, plain))
        torch.testing.assert_close(got, want)

    got = torch.func.vmap(lambda x: torch.ops.alng.add_layer_norm(x, x2, weight, bias, 1, 1e-5)[0])(x)
    torch.testing.assert_close(got, plain(x, x2, weight, bias)[0])

    def loss(x: torch.Tensor) -> torch.Tensor:
        return alng.torch.layer_norm(x, (5,), weight).sin().sum()

    for twice in (lambda: torch.func.jacrev(torch.func.jacrev(loss))(x2), lambda: torch.autograd.functional.hvp(loss, x2, x2)):
        refuses(NotImplementedError, "double backward", twice)
    for forward in (lambda: torch.func.hessian(loss)(x2), lambda: torch.func.linearize(loss, x2)):
        refuses(NotImplementedError, "jvp", forward)


def test_a_batch_of_gradients_at_once() -> None:
    x1, x2, weight = tensor(3, 5), tensor(3, 5), tensor(5)
    for outputs in (ours(x1, x2, weight, None), (alng.torch.layer_norm(x1 + x2, (5,), weight),)):
        of = [torch.randn(4, 3, 5) for _ in outputs]
        got = torch.autograd.grad(outputs, (x1, weight), of, is_grads_batched=True, retain_graph=True)
        for i in range(4):
            want = torch.autograd.grad(outputs, (x1, weight), [one[i] for one in of], retain_graph=True)
            assert all(torch.equal(a[i], b) for a, b in zip(got, want))


def test_operators_are_seen_by_those_who_watch() -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, op: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
            if op.namespace == "alng":
                seen.append(op._opname)
            return op(*arguments, **(named or {}))

    x, weight = tensor(3, 4), tensor(4)
    for forward_watched, backward_watched in ((True, False), (False, True)):
        with Watch() if forward_watched else contextlib.nullcontext():
            y, _ = alng.torch.add_layer_norm(x, x, 4, weight)
        with Watch() if backward_watched else contextlib.nullcontext():
            y.sum().backward()
    assert seen == ["add_layer_norm", "add_layer_norm_grad"]
    with torch.profiler.profile() as profile:
        alng.torch.add_layer_norm(x, x, 4, weight)[0].sum().backward()
    assert {"alng::add_layer_norm", "alng::add_layer_norm_grad"} <= {event.key for event in profile.key_averages()}


def test_traced_and_not_a_constant() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = alng.torch.AddLayerNorm(8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y, s = self.norm(x, 2 * x)
            return x + self.norm(y) + s

    model, x, other = Sum(), tensor(4, 8), tensor(4, 8)
    for context in (torch.no_grad, contextlib.nullcontext):
        with context():
            traced = torch.jit.trace(model, x, check_trace=False)
        assert torch.equal(traced(other), model(other))
    assert torch.equal(torch.fx.symbolic_trace(model)(other), model(other))


def test_refusals() -> None:
    x = torch.ones(3, 4)
    norm = alng.torch.layer_norm
    refuses(TypeError, "x1 is int64 but must be", lambda: norm(x.long(), (4,)))
    refuses(TypeError, "x1 is complex64 but must be", lambda: norm(x.to(torch.complex64), (4,)))
    refuses(ValueError, "normalized_shape is (5,) but must be the last dimensions of x, (3, 4)", lambda: norm(x, (5,)))
    refuses(ValueError, "must be the last dimensions of x", lambda: norm(x, (2**70,)))
    refuses(AttributeError, "NoneType", lambda: norm(None, (4,)))
    refuses(TypeError, "weight is float64 but must be", lambda: norm(x, (4,), x[0].double()))
    refuses(alng.AlngError, "gamma is float32[3] but must be [4]", lambda: norm(x, (4,), torch.ones(3)))
    refuses(TypeError, "x2 is None but must be a tensor", lambda: alng.torch.add_layer_norm(x, None, (4,)))
    refuses(NotImplementedError, "SparseCPU", lambda: norm(x.to_sparse(), (4,)))


def test_dtypes_are_promoted_as_by_plus() -> None:
    y, x = alng.torch.add_layer_norm(tensor(4, 8, dtype=BF16), tensor(4, 8), (8,), tensor(8, dtype=BF16))
    assert y.dtype == x.dtype == F32
    y, x = alng.torch.add_layer_norm(tensor(4, 8), tensor(8), 8)
    assert torch.equal(x.detach(), y.detach() * 0 + x) and y.shape == (4, 8)
    one = torch.tensor(1.0)  # of no dimensions: doesn't widen
    y, x = alng.torch.add_layer_norm(tensor(4, 8, dtype=BF16), one, 8)
    assert y.dtype == x.dtype == BF16
    with torch.autocast(DEVICE, dtype=BF16):
        module = alng.torch.AddLayerNorm(8)
        y = module(nn.functional.linear(tensor(4, 8), tensor(8, 8)))
    y.float().sum().backward()
    assert y.dtype == BF16 and module.weight.grad is not None and module.weight.grad.dtype == F32


def test_compiled_is_eager_and_one_graph_serves_all_row_counts() -> None:
    from torch._dynamo.testing import CompileCounter

    torch._dynamo.reset()
    counter = CompileCounter()
    counted = torch.compile(ours, fullgraph=True, backend=counter)
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
    weight, bias = tensor(16), tensor(16)
    for rows in (6, 9, 12, 31):
        x1, x2 = tensor(rows, 16), tensor(rows, 16)
        counted(x1, x2, weight, bias)
        results = []
        for function in (ours, compiled):
            y, x = function(x1, x2, weight, bias)
            results.append((y, x, *torch.autograd.grad(y.sin().sum() + x.cos().sum(), (x1, x2, weight, bias))))
        assert all(torch.equal(a, b) for a, b in zip(*results))
    assert counter.frame_count <= 2
    x = tensor(3, 16)
    assert torch.equal(compiled(x, x, weight, bias)[0], ours(x, x, weight, bias)[0])


def test_exported_and_meta() -> None:
    module, inputs = alng.torch.AddLayerNorm(32), (torch.randn(4, 32), torch.randn(4, 32))
    exported = torch.export.export(module, inputs).module()
    assert torch.equal(exported(*inputs)[0], module(*inputs)[0])
    assert alng.torch.layer_norm(torch.ones(3, 4, device="meta"), (4,)).shape == (3, 4)


def test_checkpointing_runs_the_forward_again_unless_it_is_kept() -> None:
    from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

    module, x, residual = alng.torch.AddLayerNorm(32), tensor(4, 32), tensor(4, 32)
    want = torch.autograd.grad(module(x, residual)[0].sin().sum(), (x, module.weight))

    def keep(context: Any, op: Any, *arguments: Any, **named: Any) -> CheckpointPolicy:
        kept = op == torch.ops.alng.add_layer_norm.default
        return CheckpointPolicy.MUST_SAVE if kept else CheckpointPolicy.PREFER_RECOMPUTE

    for context in ({}, {"context_fn": lambda: create_selective_checkpoint_contexts(keep)}):
        y, _ = checkpoint(module, x, residual, use_reentrant=False, **context)
        got = torch.autograd.grad(y.sin().sum(), (x, module.weight))
        assert all(torch.equal(a, b) for a, b in zip(got, want))


@on_cpu_alone
def test_numpy_door_refuses_to_cut_the_graph() -> None:
    x = tensor(3, 4)
    refuses(TypeError, "use alng.torch", lambda: alng.add_layer_norm(x))
    refuses(TypeError, "use alng.torch", lambda: alng.add_layer_norm(nn.Parameter(torch.ones(3, 4))))
    assert alng.add_layer_norm(x.detach(), normalized_dims=1).y.shape == (3, 4)


@on_cpu_alone
def test_numpy_door_names_what_has_no_memory() -> None:
    def norm(x: torch.Tensor) -> Any:
        return alng.add_layer_norm(x, normalized_dims=1)

    x = torch.randn(3, 4)
    for call in (lambda: norm(x.to("meta")), lambda: norm(x.to_sparse()), lambda: torch.vmap(norm)(x[None])):
        with pytest.raises(TypeError, match="x1 is a torch.Tensor that gives no DLPack tensor: [^\n]*$"):
            call()


def test_tensors_still_to_be_negated() -> None:
    x = torch.imag(torch.conj(torch.randn(3, 4, dtype=torch.complex64)))
    assert x.is_neg()
    assert torch.equal(alng.torch.layer_norm(x, (4,)), alng.torch.layer_norm(x.resolve_neg(), (4,)))
    weight, given = tensor(4), tensor(3, 4)
    y = alng.torch.layer_norm(given, (4,), weight)
    grads = [torch.autograd.grad(y, weight, dy, retain_graph=True)[0] for dy in (x, x.resolve_neg())]
    assert torch.equal(*grads)
    if DEVICE == "cpu":
        refuses(TypeError, "resolve_neg", lambda: alng.add_layer_norm(x, normalized_dims=1))


@on_gpu_alone
def test_gpu_has_the_bits_of_the_cpu() -> None:
    for dtype in (F32, BF16, F16):
        for shape in ((5, 7, 33), (300, 513), (64, 4096), (0, 8)):
            given = [tensor(*shape, dtype=dtype), tensor(*shape, dtype=dtype), tensor(shape[-1], dtype=dtype), tensor(shape[-1])]
            dy = torch.randn(shape).to(dtype)
            results = []
            for device in ("cuda", "cpu"):
                inputs = [t.detach().to(device).requires_grad_() for t in given]
                y, x = ours(*inputs)
                grads = torch.autograd.grad((y * dy.to(device)).sum() + x.sum(), inputs)
                results.append([t.cpu() for t in (y, x, *grads)])
            assert all(torch.equal(a, b) for a, b in zip(*results)), (dtype, shape)


@on_gpu_alone
def test_streams_and_graphs_of_cuda() -> None:
    x1, x2, weight = tensor(64, 513, grad=False), tensor(64, 513, grad=False), tensor(513, grad=False)
    want = ours(x1, x2, weight, None)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        got = ours(x1, x2, weight, None)
    torch.cuda.current_stream().wait_stream(stream)
    assert all(torch.equal(a, b) for a, b in zip(got, want))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = ours(x1, x2, weight, None)
    x1.neg_(), x2.neg_()
    graph.replay()
    assert all(torch.equal(a, -b) for a, b in zip(captured, want))


@on_gpu_alone
def test_every_gpu_and_none_other() -> None:
    for gpu in range(torch.cuda.device_count()):
        x = torch.ones(3, 8, device=f"cuda:{gpu}").cumsum(1)
        assert torch.equal(alng.torch.layer_norm(x, (8,)).cpu(), alng.torch.layer_norm(x.cpu(), (8,)))
    assert torch.cuda.current_device() == 0
    x = torch.ones(3, 8)
    refuses(Exception, "device", lambda: alng.torch.add_layer_norm(x, x.cpu(), (8,)))


def test_import_leaves_torch_alone_until_asked() -> None:
    code = "import sys, alng; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
