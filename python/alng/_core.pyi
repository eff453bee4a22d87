"""The native module: both operators over every tensor of their tables (alng/operands.hpp), in the tables' order.

For frameworks; people call alng, which says what the operators compute. A tensor is None (the call has no such tensor),
an array as alng takes it, or a tuple (address, dtype, shape, strides), the cheapest:

    address   int, of the element whose indices are all 0: tensor.data_ptr()
    dtype     FLOAT32, FLOAT16 or BFLOAT16
    shape     tuple of ints (torch.Size is one), 1 to 8 of them
    strides   tuple of as many ints, in elements, not bytes: tensor.stride()

The memory of a tuple is the caller's, on the CPU, and must stay alive during the call; whether it may be written is not
known here. With in_graph the caller sees to the gradients of tensors of torch that require them, which are refused
otherwise, and tensors of torch may be on a GPU, all on one: the call returns when the work has begun on the current stream. An output may also be True (a new NumPy array is made) or False (as None). Returned are the outputs, in the
table's order: what was given, or the new array, or None.

The GIL is released while the operator runs. Each thread keeps up to 256 plans that it made, by dtypes, shapes, strides
and options, and makes them anew after a fork; a change of ALNG_ISA or of the processors a thread may use is not seen by
kept plans. Raises AlngError where the library refuses (nothing is written then), TypeError for what is no such tensor or
option, MemoryError.
"""

from typing import Any, TypeAlias

from . import Array

_Tensor: TypeAlias = Array | tuple[int, int, tuple[int, ...], tuple[int, ...]]
_Output: TypeAlias = _Tensor | bool | None

FLOAT32: int
FLOAT16: int
BFLOAT16: int

# Capsules of the handlers that XLA calls, as jax.ffi.register_ffi_target takes them.
xla_add_layer_norm: object
xla_add_layer_norm_grad: object
xla_add_layer_norm_cuda: object
xla_add_layer_norm_grad_cuda: object

class AlngError(ValueError):
    """The library refused the call, and nothing was written. str() is its sentence."""

    code: str
    """The name of the reason: 'bad_shape', 'overlap', ..."""

def add_layer_norm(
    x1: _Tensor,
    x2: _Tensor | None,
    gamma: _Tensor | None,
    beta: _Tensor | None,
    y: _Output,
    mean: _Output,
    rstd: _Output,
    x: _Output,
    normalized_dims: int = 0,
    eps: float = 1e-5,
    round_sum: bool = False,
    threads: int = 0,
    isa: str | None = None,
    in_graph: bool = False,
) -> tuple[Any, Any, Any, Any]: ...
def add_layer_norm_grad(
    dy: _Tensor,
    x1: _Tensor,
    x2: _Tensor | None,
    rstd: _Tensor,
    mean: _Tensor,
    gamma: _Tensor | None,
    dsum: _Tensor | None,
    dx: _Output,
    dgamma: _Output,
    dbeta: _Output,
    normalized_dims: int = 0,
    accumulate: bool = False,
    threads: int = 0,
    isa: str | None = None,
    in_graph: bool = False,
) -> tuple[Any, Any, Any]: ...

class ForwardPlan:
    """add_layer_norm for tensors of the layouts given, whose data isn't looked at."""

    def __init__(
        self,
        tensors: tuple[_Output, ...],
        normalized_dims: int = 0,
        eps: float = 1e-5,
        round_sum: bool = False,
        threads: int = 0,
        isa: str | None = None,
    ) -> None: ...
    def run(self, **tensors: _Output) -> tuple[Any, ...]: ...
    def explain(self) -> str: ...
    @property
    def workspace_size(self) -> int: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...

class GradPlan:
    """add_layer_norm_grad for tensors of the layouts given, whose data isn't looked at."""

    def __init__(
        self,
        tensors: tuple[_Output, ...],
        normalized_dims: int = 0,
        accumulate: bool = False,
        threads: int = 0,
        isa: str | None = None,
    ) -> None: ...
    def run(self, **tensors: _Output) -> tuple[Any, ...]: ...
    def explain(self) -> str: ...
    @property
    def workspace_size(self) -> int: ...
    @property
    def isa(self) -> str: ...
    @property
    def threads(self) -> int: ...

def use_torch(torch: Any) -> None:
    """To be called once, with the module torch, before the next two."""

def takes_at_once(x1: Any, x2: Any, weight: Any, bias: Any, normalized_shape: Any) -> bool | None:
    """Whether LayerNorm of these needs a graph, where kernels may be called without torch's dispatcher; else None.

    They may where nobody watches or transforms torch's operators, each is None or data alone (no tensor of a subclass
    but Parameter, none still to be negated), and x1's shape ends with normalized_shape.
    """

def takes_gradient_at_once(dy: Any, x: Any, weight: Any, dsum: Any) -> bool:
    """Whether a backward may call its kernel so: what takes_at_once says, and that no graph of it is wanted."""

def instruction_sets() -> list[tuple[str, bool, str]]:
    """Name, whether this machine has it, and why or why not; the best first."""

def version() -> str: ...
def canonical_order() -> int: ...
