"""Is a twin the network that it is measured for? Loads what `marionette export --check` wrote and compares the logits.

usage: check.py WEIGHTS CHECK      exit 1 if the output differs; a tensor that is missing, left over or of another shape is an error
"""
import importlib
import json
import os
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "examples", "python"))

with safe_open(sys.argv[1], "pt") as file:
    name = json.loads(file.metadata()["marionette"])["network"]["name"]
twin = importlib.import_module(name).load(sys.argv[1])
check = load_file(sys.argv[2])
with torch.inference_mode():
    error = max(
        (twin.to(memory_format=layout)(check["images"].to(memory_format=layout)) - check["logits"]).abs().max().item()
        for layout in (torch.contiguous_format, torch.channels_last)
    )
print(f"{name} in PyTorch: greatest difference from the program's own logits {error:.1e}")
sys.exit(0 if error <= 1e-4 else 1)
