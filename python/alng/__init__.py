"""LayerNorm of a sum and its gradient: the same bits on every machine."""

from ._core import AlngError

__all__ = ["AlngError"]
