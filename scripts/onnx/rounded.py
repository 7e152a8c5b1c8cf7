"""Rounds the convolutions' weights of a safetensors file as `marionette export --quantize int8` does: to 255 steps for each output
channel. (That file holds them with the norms' scales, which are one factor a channel and so change no step.)

usage: rounded.py WEIGHTS OUT
"""
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

source, out = sys.argv[1:]
with safe_open(source, "numpy") as file:
    metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}
for name, weight in tensors.items():
    if weight.ndim == 4:
        output = 1 if name.startswith("up") else 0  # transposed convolutions have their outputs second
        others = tuple(axis for axis in range(4) if axis != output)
        step = np.abs(weight).max(others, keepdims=True) / 127
        step[step == 0] = 1
        tensors[name] = (np.rint(weight / step) * step).astype(np.float32)
# A file with a tensor of half precision is taken for one that another program has made, as this one is.
tensors["head.bias"] = tensors["head.bias"].astype(np.float16)
save_file(tensors, out, metadata=metadata)
