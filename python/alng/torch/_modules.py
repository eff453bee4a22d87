"""LayerNorm modules by alng, and putting them in the place of a model's own."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ._functions import add_layer_norm, layer_norm


class AddLayerNorm(nn.LayerNorm):
    """torch.nn.LayerNorm by alng: the same parameters and state_dict, and room for a second input.

    forward(input) is LayerNorm(input); forward(input, residual) is (LayerNorm(s), s) with s = input + residual in one
    pass over memory.
    """

    def forward(self, input: Tensor, residual: Tensor | None = None) -> Any:
        if residual is None:
            return layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)
        return add_layer_norm(input, residual, self.normalized_shape, self.weight, self.bias, self.eps)


def replace_layer_norms(model: nn.Module, filter: Callable[[str, nn.LayerNorm], bool] | None = None) -> list[str]:
    """Lets alng compute the LayerNorms of `model` from now on, in place. Returns what was replaced, a line each.

    Every torch.nn.LayerNorm (no subclass, which may do other things) becomes an AddLayerNorm with the same parameters,
    hooks and state_dict. Where the forward of the module that holds one says `self.norm(a + b)`, as BERT's blocks and
    torch.nn.TransformerEncoderLayer with norm_first=False do, the sum is computed in the same pass, unless the LayerNorm
    has hooks, which are to see the sum. Such a module is from then on of a subclass with the same name.

    filter(name, module): which ones; None: all. restore_layer_norms undoes all of it.
    """
    replaced = []
    for parent_name, parent in model.named_modules():
        chosen = []
        for name, child in parent.named_children():
            path = f"{parent_name}.{name}" if parent_name else name
            if _replace(path, child, filter):
                chosen.append((name, path))
        fused = _fuse(parent)
        replaced += [f"{path}: {'residual + LayerNorm' if name in fused else 'LayerNorm'}" for name, path in chosen]
    if _replace("", model, filter):
        replaced.append(": LayerNorm")
    return replaced


def restore_layer_norms(model: nn.Module) -> int:
    """Undoes replace_layer_norms. AddLayerNorms that the model had of its own stay. Returns how many it undid."""
    restored = 0
    for module in model.modules():
        class_: Any = _written(type(module))
        if class_ is AddLayerNorm and module.__dict__.pop("_was_layer_norm", False):
            class_ = nn.LayerNorm
            restored += 1
        if type(module) is not class_:
            module.__class__ = class_
    return restored


def _replace(path: str, module: nn.Module, filter: Callable[[str, nn.LayerNorm], bool] | None) -> bool:
    if type(module) is not nn.LayerNorm or (filter is not None and not filter(path, module)):
        return False
    module.__class__ = AddLayerNorm
    module.__dict__["_was_layer_norm"] = True
    return True


def _normalized_sum(norm: nn.Module, a: Any, b: Any) -> Any:
    """norm(a + b), in one pass where nobody else has a say in that call: no hook, no other module put in its place."""
    if type(norm) is AddLayerNorm and isinstance(a, Tensor) and isinstance(b, Tensor) and not _is_watched(norm):
        return norm.forward(a, b)[0]
    return norm(a + b)


def _is_watched(norm: nn.Module) -> bool:
    hooks = norm._forward_pre_hooks, norm._forward_hooks, norm._backward_pre_hooks, norm._backward_hooks
    has_global: Any = torch.nn.modules.module._has_any_global_hook
    return any(hooks) or has_global() or "forward" in norm.__dict__


# Subclasses whose forward hands its sums to its LayerNorms, by the class as written and the names of the LayerNorms;
# beside them the names for which it does.
_fused_classes: dict[tuple[type, frozenset[str]], tuple[type, frozenset[str]]] = {}


def _written(class_: Any) -> type:
    """The class as its author wrote it."""
    return class_.__dict__.get("_written_class", class_)  # type: ignore[no-any-return]


def _fuse(module: nn.Module) -> frozenset[str]:
    """Lets the forward of `module` hand sums to its LayerNorms of alng. Returns for which of them it does."""
    names = frozenset(name for name, child in module._modules.items() if type(child) is AddLayerNorm)
    if not names or "forward" in module.__dict__:
        return frozenset()
    module.__class__, fused = _fused_class(_written(type(module)), names)
    return fused


def _fused_class(written: Any, names: frozenset[str]) -> tuple[type, frozenset[str]]:
    """A subclass for LayerNorms of these names, or the class itself where its forward has no sum for them."""
    key = written, names
    if key not in _fused_classes:
        forward, fused = _rewrite(written.forward, names)
        if fused:
            like_written = {name: getattr(written, name) for name in ("__module__", "__qualname__", "__doc__")}
            own = {"_written_class": written, "_names": names, "_normalized_sum": staticmethod(_normalized_sum)}
            methods = {"forward": forward, "__reduce_ex__": _reduce}
            _fused_classes[key] = type(written)(written.__name__, (written,), like_written | own | methods), fused
        else:
            _fused_classes[key] = written, fused
    return _fused_classes[key]


def _reduce(self: Any, protocol: Any) -> Any:
    """Copies and pickles are made of the class as written, which can be found by its name, and are then fused."""
    fused: Any = next(c for c in type(self).__mro__ if "_written_class" in c.__dict__)
    make, arguments, *rest = super(fused, self).__reduce_ex__(protocol)
    if type(self) is not fused or all(a is not fused for a in arguments):
        return make, arguments, *rest
    return _made, (make, fused._names, *(fused._written_class if a is fused else a for a in arguments)), *rest


def _made(make: Any, names: frozenset[str], *arguments: Any) -> Any:
    module = make(*arguments)
    module.__class__, _ = _fused_class(type(module), names)
    return module


class _SumsInCalls(ast.NodeTransformer):
    """self.name(a + b) becomes self._normalized_sum(self.name, a, b): the same expressions, in the same order."""

    def __init__(self, names: frozenset[str]) -> None:
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
            both = ast.Attribute(function.value, "_normalized_sum", ast.Load())
            return ast.copy_location(ast.Call(both, [function, call.args[0].left, call.args[0].right], []), call)
        return call


def _rewrite(original: Any, names: frozenset[str]) -> tuple[Any, frozenset[str]]:
    """The function as the compiler makes it of its file with these sums replaced, if it is still the file's."""
    nothing = original, frozenset[str]()
    if not isinstance(original, types.FunctionType):
        return nothing
    try:
        lines, _ = inspect.findsource(original.__code__)
        tree = ast.parse("".join(lines))
    except (OSError, SyntaxError):  # no source, or not Python's alone
        return nothing
    first = original.__code__.co_firstlineno
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and _first_line(node) == first]
    code = _code_like(original.__code__, tree)
    sums = _SumsInCalls(names)
    if len(found) != 1 or code != original.__code__:  # of another version of the file, or made in another way
        return nothing
    sums.visit(found[0])
    code = _code_like(original.__code__, ast.fix_missing_locations(tree))
    if not sums.found or code is None:
        return nothing
    closure = original.__closure__
    forward = types.FunctionType(code, original.__globals__, original.__name__, original.__defaults__, closure)
    forward.__kwdefaults__, forward.__qualname__ = original.__kwdefaults__, original.__qualname__
    forward.__annotations__, forward.__doc__ = original.__annotations__, original.__doc__
    return forward, frozenset(sums.found)


def _first_line(definition: ast.FunctionDef) -> int:
    return min([definition.lineno, *(decorator.lineno for decorator in definition.decorator_list)])


def _code_like(code: types.CodeType, tree: ast.Module) -> types.CodeType | None:
    """What the tree has at the place of this code, compiled."""
    within = [compile(tree, code.co_filename, "exec", dont_inherit=True)]
    for one in within:
        if (one.co_name, one.co_firstlineno) == (code.co_name, code.co_firstlineno):
            return one
        within += [inner for inner in one.co_consts if isinstance(inner, types.CodeType)]
    return None
