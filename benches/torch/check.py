"""Is a twin the network that it is measured for? Loads what `marionette export --check` wrote and compares the logits.

usage: check.py WEIGHTS CHECK      exit 1 if a tensor is missing, left over or of another shape, or the output differs
"""
import json
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from bench import TWINS

with safe_open(sys.argv[1], "pt") as file:
    card = json.loads(file.metadata()["marionette"])
name = card["network"]["name"]
twin = TWINS[name](card["network"]["keypoints"]).eval()
# PyTorch counts batches in every batch norm; nothing here uses the count.
counts = {name: count for name, count in twin.state_dict().items() if name.endswith("num_batches_tracked")}
twin.load_state_dict({**load_file(sys.argv[1]), **counts}, strict=True)
check = load_file(sys.argv[2])
with torch.inference_mode():
    error = max(
        (twin.to(memory_format=layout)(check["images"].to(memory_format=layout)) - check["logits"]).abs().max().item()
        for layout in (torch.contiguous_format, torch.channels_last)
    )
print(f"{name} in PyTorch: greatest difference from the program's own logits {error:.1e}")
sys.exit(0 if error <= 1e-4 else 1)
