"""The native module: both operators over tensors that the caller describes. Frameworks call these; people call alng.

A tensor is (address, dtype, shape, strides) or None where the call has no such tensor:

    address   int, of the element whose indices are all 0: tensor.data_ptr()
    dtype     FLOAT32, FLOAT16 or BFLOAT16
    shape     tuple of ints (torch.Size is one), 1 to 8 of them
    strides   tuple of as many ints, in elements, not bytes: tensor.stride()

Tensors come in the order of the library's tables (alng/operands.hpp); outputs that are None are not computed. The memory
is the caller's, on the CPU, and must stay alive during the call. The GIL is released while the operator runs. Plans are
kept for each thread (the last 256), by dtypes, shapes, strides and options, so that a repeated call does not plan again.

Raises AlngError where the library refuses (nothing is written then), TypeError for what is no such tuple, MemoryError.
"""

from typing import TypeAlias

Tensor: TypeAlias = tuple[int, int, tuple[int, ...], tuple[int, ...]]

FLOAT32: int
FLOAT16: int
BFLOAT16: int

class AlngError(ValueError):
    """The library refused the call; nothing was written. str() is its sentence."""

    code: str
    """The name of the reason: 'bad_shape', 'overlap', ..."""

def add_layer_norm(
    x1: Tensor,
    x2: Tensor | None,
    gamma: Tensor | None,
    beta: Tensor | None,
    y: Tensor | None,
    mean: Tensor | None,
    rstd: Tensor | None,
    x: Tensor | None,
    normalized_dims: int = 0,
    eps: float = 1e-5,
    round_sum: bool = False,
    threads: int = 0,
    isa: str | None = None,
) -> None: ...
def add_layer_norm_grad(
    dy: Tensor,
    x1: Tensor,
    x2: Tensor | None,
    rstd: Tensor,
    mean: Tensor,
    gamma: Tensor | None,
    dsum: Tensor | None,
    dx: Tensor | None,
    dgamma: Tensor | None,
    dbeta: Tensor | None,
    normalized_dims: int = 0,
    accumulate: bool = False,
    threads: int = 0,
    isa: str | None = None,
) -> None: ...
def version() -> str: ...
def canonical_order() -> int: ...
