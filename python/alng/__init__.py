"""LayerNorm of a sum and its gradient on NumPy arrays: the same bits on every machine and for any number of threads.

`add_layer_norm` computes y = LayerNorm(x1 + x2), `add_layer_norm_grad` its gradient; docs/formula.md of the project
derives both. `Plan` is for repeated work and for reading how a call is done. `alng.torch` and `alng.jax`, imported only
when asked for, differentiate by themselves.

A tensor is a NumPy array of float32, float16 or ml_dtypes' bfloat16, or any other array on the CPU with DLPack (a
torch.Tensor that doesn't require grad, a jax.Array as input). Any strides but negative ones, read-only inputs and
broadcast ones (stride 0) are used as they are: nothing is copied or converted. Rank 1 to 8.

Every output is True (a new NumPy array is made), False (not computed, None in the result) or an array to write to.

Errors: AlngError, a ValueError with the library's sentence and `code`; TypeError for what is no such tensor, which
names the argument and says what it is; MemoryError. A call that raises has written nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from . import _core
from ._core import AlngError

__all__ = ["AlngError", "Array", "Gradients", "Normalized", "Plan", "add_layer_norm", "add_layer_norm_grad"]

__version__: str = _core.version()


class Array(Protocol):
    """Any array with DLPack: numpy.ndarray, torch.Tensor, jax.Array (whose types don't tell of __dlpack_device__)."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any: ...


Output: TypeAlias = Array | bool


class Normalized(NamedTuple):
    """What add_layer_norm returns: each the array that was given or made, None where it was not wanted."""

    y: Any
    mean: Any
    rstd: Any
    x: Any


class Gradients(NamedTuple):
    """What add_layer_norm_grad returns: each the array that was given or made, None where it was not wanted."""

    dx: Any
    dgamma: Any
    dbeta: Any


def add_layer_norm(
    x1: Array,
    x2: Array | None = None,
    gamma: Array | None = None,
    beta: Array | None = None,
    *,
    y: Output = True,
    mean: Output = True,
    rstd: Output = True,
    x: Output = False,
    eps: float = 1e-5,
    normalized_dims: int = 0,
    round_sum: bool = False,
    threads: int = 0,
) -> Normalized:
    """y = (x - mean) * rstd * gamma + beta over the trailing dimensions of x = x1 + x2; rstd = 1/sqrt(variance + eps).

    x1, x2, y, x: one shape, one dtype T. gamma, beta: x1's trailing dimensions, T or float32 each. mean, rstd: float32,
    x1's leading dimensions followed by a 1 for each normalised one (a given array may lack those, or have a single 1).

    normalized_dims: how many trailing dimensions are normalised; 0: as many as gamma or beta have, else as mean or rstd
        tells. round_sum: x1 + x2 is rounded to T before it is normalised, so that x is exactly what was normalised, and
        is to be x1 of the gradient, without x2. threads: the most to use; 0: as many as there are processors.

    y and x may be written over x1 or x2 (y=x1), not both over one.
    """
    return Normalized(
        *_core.add_layer_norm(x1, x2, gamma, beta, y, mean, rstd, x, normalized_dims, eps, round_sum, threads)
    )


def add_layer_norm_grad(
    dy: Array,
    x1: Array,
    x2: Array | None,
    rstd: Array,
    mean: Array,
    gamma: Array | None = None,
    dsum: Array | None = None,
    *,
    dx: Output = True,
    dgamma: Output = True,
    dbeta: Output = True,
    normalized_dims: int = 0,
    accumulate: bool = False,
    threads: int = 0,
) -> Gradients:
    """The gradient of add_layer_norm: dx is that of x1 and of x2, dsum the gradient that reaches x from elsewhere.

    With w = dy * gamma, h = (x1 + x2 - mean) * rstd and means over the normalised dimensions:
    dx = rstd * (w - mean(w) - h * mean(w * h)) + dsum; dgamma and dbeta are dy * h and dy summed over all rows.

    dy, x1, x2, dsum, dx: one shape, one dtype T. rstd, mean: float32, as add_layer_norm returns them. gamma: dy's
    trailing dimensions, T or float32. dgamma, dbeta: float32, whatever gamma is; dy's trailing dimensions.

    normalized_dims: 0: as many as gamma (or a given dgamma or dbeta) has, else as rstd tells. accumulate: dgamma and
        dbeta are added to what the given arrays hold. threads: the most to use; 0: as many as there are processors.

    dx may be written over dy, x1, x2 or dsum (dx=dy).
    """
    return Gradients(
        *_core.add_layer_norm_grad(
            dy, x1, x2, rstd, mean, gamma, dsum, dx, dgamma, dbeta, normalized_dims, accumulate, threads
        )
    )


Result = TypeVar("Result", Normalized, Gradients)


class Plan(Generic[Result]):
    """One of the two operators for tensors of fixed dtypes, shapes and strides, planned once.

        plan = alng.Plan.add_layer_norm(x1, x2, gamma, beta)
        print(plan.explain())
        y, mean, rstd, _ = plan.run(x1=x1, x2=x2, gamma=gamma, beta=beta)

    Plain calls keep the plans they make (256 for each thread), so a Plan is not faster. Plans may be run by several
    threads at once. In the child of a fork an older plan runs on the calling thread alone; make a new one there.
    """

    __slots__ = ("_outputs", "_plan", "_result")
    _result: Callable[..., Result]

    def __init__(
        self, plan: _core.ForwardPlan | _core.GradPlan, result: Callable[..., Result], outputs: dict[str, Output]
    ) -> None:
        """Made by Plan.add_layer_norm and Plan.add_layer_norm_grad."""
        self._plan = plan
        self._result = result
        self._outputs = {name: output is not False for name, output in outputs.items()}

    @staticmethod
    def add_layer_norm(
        x1: Array,
        x2: Array | None = None,
        gamma: Array | None = None,
        beta: Array | None = None,
        *,
        y: Output = True,
        mean: Output = True,
        rstd: Output = True,
        x: Output = False,
        eps: float = 1e-5,
        normalized_dims: int = 0,
        round_sum: bool = False,
        threads: int = 0,
        isa: str | None = None,
    ) -> Plan[Normalized]:
        """A plan of add_layer_norm for tensors like these, whose data isn't looked at.

        isa: "scalar", "avx2", "avx512", "neon" or "sve"; None: what ALNG_ISA in the environment says, else the best.
        """
        outputs: dict[str, Output] = {"y": y, "mean": mean, "rstd": rstd, "x": x}
        tensors = (x1, x2, gamma, beta, *outputs.values())
        plan = _core.ForwardPlan(tensors, normalized_dims, eps, round_sum, threads, isa)
        return Plan(plan, Normalized, outputs)

    @staticmethod
    def add_layer_norm_grad(
        dy: Array,
        x1: Array,
        x2: Array | None,
        rstd: Array,
        mean: Array,
        gamma: Array | None = None,
        dsum: Array | None = None,
        *,
        dx: Output = True,
        dgamma: Output = True,
        dbeta: Output = True,
        normalized_dims: int = 0,
        accumulate: bool = False,
        threads: int = 0,
        isa: str | None = None,
    ) -> Plan[Gradients]:
        """A plan of add_layer_norm_grad for tensors like these, whose data isn't looked at; isa as in add_layer_norm."""
        outputs: dict[str, Output] = {"dx": dx, "dgamma": dgamma, "dbeta": dbeta}
        tensors = (dy, x1, x2, rstd, mean, gamma, dsum, *outputs.values())
        plan = _core.GradPlan(tensors, normalized_dims, accumulate, threads, isa)
        return Plan(plan, Gradients, outputs)

    def run(self, **tensors: Output | None) -> Result:
        """Computes the planned outputs of these tensors, by their names; an output that is not given is made.

        Raises AlngError where a tensor hasn't the dtype, shape and strides of the plan's, TypeError as the plain call.
        """
        return self._result(*self._plan.run(**(self._outputs | tensors)))

    def explain(self) -> str:
        """The plan in words, several lines: instruction set, threads, order of the sums, workspace."""
        return self._plan.explain()

    @property
    def workspace_size(self) -> int:
        """Bytes of scratch memory that a run takes."""
        return self._plan.workspace_size

    @property
    def isa(self) -> str:
        """The instruction set that it was planned for."""
        return self._plan.isa

    @property
    def threads(self) -> int:
        """How many threads a run uses at most."""
        return self._plan.threads
