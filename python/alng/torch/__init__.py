"""LayerNorm, alone or of a sum, for PyTorch: differentiated, compiled, sharded, and with alng's bits.

    y = alng.torch.layer_norm(x, (768,), weight, bias)
    y, x = alng.torch.add_layer_norm(x1, x2, (768,), weight, bias)     # x = x1 + x2, y = LayerNorm(x)
    alng.torch.replace_layer_norms(model)                              # an existing model's LayerNorms

Tensors are on the CPU or on one NVIDIA GPU (where the package has its CUDA library), float32, float16 or bfloat16, of any
strides; weight and bias may be float32 beside 16-bit activations. On a GPU the work is begun on PyTorch's current stream. float64 is computed by PyTorch's own LayerNorm, so that gradcheck works on models. The result has the dtype
of x1 + x2, under autocast too. What can't be done right raises: double backward and jvp NotImplementedError, wrong
tensors TypeError, ValueError or alng.AlngError.
"""

import torch

from ._functions import add_layer_norm, layer_norm
from ._modules import AddLayerNorm, replace_layer_norms, restore_layer_norms

__all__ = ["AddLayerNorm", "add_layer_norm", "layer_norm", "replace_layer_norms", "restore_layer_norms"]

if torch.distributed.is_available():
    from . import _sharding as _sharding
