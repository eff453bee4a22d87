"""LayerNorm modules by alng, and putting them in the place of a model's own."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ._functions import add_layer_norm, layer_norm


class AddLayerNorm(nn.LayerNorm):
    """torch.nn.LayerNorm by alng: the same parameters and state_dict, and room for a second input.

    forward(x) is LayerNorm(x); forward(x, residual) is (LayerNorm(s), s) with s = x + residual in one pass over memory.
    """

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Any:
        if residual is None:
            return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return add_layer_norm(x, residual, self.normalized_shape, self.weight, self.bias, self.eps)


def replace_layer_norms(model: nn.Module, filter: Callable[[str, nn.LayerNorm], bool] | None = None) -> list[str]:
    """Lets alng compute the LayerNorms of `model` from now on, in place. Returns what was replaced, a line each.

    Every torch.nn.LayerNorm (no subclass, which may do other things) becomes an AddLayerNorm with the same parameters,
    hooks and state_dict. Where the forward of the module that holds one says `self.norm(a + b)`, as BERT's blocks and
    torch.nn.TransformerEncoderLayer with norm_first=False do, the sum is computed in the same pass.

    filter(name, module): which ones; None: all. restore_layer_norms undoes all of it.
    """
    replaced = []
    for parent_name, parent in model.named_modules():
        chosen = []
        for name, child in parent.named_children():
            path = f"{parent_name}.{name}" if parent_name else name
            if type(child) is nn.LayerNorm and (filter is None or filter(path, child)):
                child.__class__ = AddLayerNorm
                chosen.append((name, path))
        fused = _fuse(parent, {name for name, _ in chosen})
        replaced += [f"{path}: {'residual + LayerNorm' if name in fused else 'LayerNorm'}" for name, path in chosen]
    if type(model) is nn.LayerNorm and (filter is None or filter("", model)):
        model.__class__ = AddLayerNorm
        replaced.append(": LayerNorm")
    return replaced


def restore_layer_norms(model: nn.Module) -> int:
    """Undoes replace_layer_norms; AddLayerNorms that the model had of its own become torch.nn.LayerNorms, too.

    Returns how many there were."""
    restored = 0
    for module in model.modules():
        if type(module) is AddLayerNorm:
            module.__class__ = nn.LayerNorm
            restored += 1
        if getattr(module.__dict__.get("forward"), "__func__", None) in _written:
            del module.__dict__["forward"]
    return restored


# Forwards of classes with the sums handed to their LayerNorms, by the original and the names of those; and all of them.
_rewritten: dict[tuple[Any, frozenset[str]], tuple[Any, frozenset[str]]] = {}
_written: set[Any] = set()


def _fuse(module: nn.Module, names: set[str]) -> frozenset[str]:
    """Rewrites `self.name(a + b)` in the forward of `module` for these LayerNorms. Returns for which it stands there."""
    original = type(module).forward
    if not names or "forward" in module.__dict__ or not isinstance(original, types.FunctionType):
        return frozenset()
    key = original, frozenset(names)
    if key not in _rewritten:
        _rewritten[key] = _rewrite(original, names)
    forward, fused = _rewritten[key]
    if fused:
        module.forward = types.MethodType(forward, module)
    return fused


class _SumsInCalls(ast.NodeTransformer):
    """self.name(a + b) becomes self.name(a, b)[0]: the expressions are the same, in the same order."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.found: set[str] = set()

    def visit_Call(self, call: ast.Call) -> ast.AST:
        self.generic_visit(call)
        function = call.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == "self"
            and function.attr in self.names
            and len(call.args) == 1
            and not call.keywords
            and isinstance(call.args[0], ast.BinOp)
            and isinstance(call.args[0].op, ast.Add)
        ):
            self.found.add(function.attr)
            both = ast.Call(function, [call.args[0].left, call.args[0].right], [])
            return ast.Subscript(both, ast.Constant(0), ast.Load())
        return call


def _rewrite(original: types.FunctionType, names: set[str]) -> tuple[Any, frozenset[str]]:
    nothing = original, frozenset[str]()
    if original.__closure__ is not None:  # uses super() or variables of an enclosing function
        return nothing
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(original)))
    except (OSError, TypeError, SyntaxError):  # no source, or not that of a function alone
        return nothing
    definition = tree.body[0]
    if not isinstance(definition, ast.FunctionDef) or definition.decorator_list:
        return nothing
    sums = _SumsInCalls(names)
    sums.visit(definition)
    if not sums.found:
        return nothing
    # Annotations and defaults are not evaluated again: the original's stand.
    for argument in ast.walk(definition.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    definition.returns = None
    definition.args.defaults = [ast.Constant(None) for _ in definition.args.defaults]
    definition.args.kw_defaults = [None if d is None else ast.Constant(None) for d in definition.args.kw_defaults]
    scope: dict[str, Any] = {}
    code = compile(ast.fix_missing_locations(tree), original.__code__.co_filename, "exec")
    exec(code, original.__globals__, scope)
    forward = scope[original.__name__]
    forward.__defaults__, forward.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
    forward.__annotations__, forward.__qualname__ = original.__annotations__, original.__qualname__
    _written.add(forward)
    return forward, frozenset(sums.found)
