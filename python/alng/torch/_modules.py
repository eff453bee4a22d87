"""LayerNorm modules by alng, and putting them in the place of a model's own."""

from __future__ import annotations

import torch
from torch import Tensor


class AddLayerNorm(torch.nn.LayerNorm):
    """torch.nn.LayerNorm by alng, with the same parameters and state_dict, and a second input."""

    def forward(self, x, residual=None):  # type: ignore
        from . import add_layer_norm, layer_norm

        if residual is None:
            return layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return add_layer_norm(x, residual, self.normalized_shape, self.weight, self.bias, self.eps)


def replace_layer_norms(): ...
def restore_layer_norms(): ...
