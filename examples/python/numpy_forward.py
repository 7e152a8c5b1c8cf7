"""Runs a `nano` that `marionette export` wrote, in plain numpy: the whole of what another program has to do.

usage: numpy_forward.py WEIGHTS [CHECK]      CHECK is what `marionette export --check` wrote; exit 1 if the output differs
"""
import json
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file


def conv(x, weight, stride=1):  # [B, C, H, W] to [B, O, H', W']; padded by half a kernel
    pad, k = weight.shape[2] // 2, weight.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    patches = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("bchwij,ocij->bohw", patches, weight, optimize=True)


def batch_norm(x, w, name):  # by the running statistics
    scale = w[name + ".weight"] / np.sqrt(w[name + ".running_var"] + 1e-5)
    shift = w[name + ".bias"] - w[name + ".running_mean"] * scale
    return x * scale[:, None, None] + shift[:, None, None]


def nano(w, x):  # normalised images [B, 3, H, W] to logits [B, K, h, w]
    x = np.maximum(batch_norm(conv(x, w["stem.0.weight"], 2), w, "stem.1"), 0)
    x = np.maximum(batch_norm(conv(x, w["stem.3.weight"], 2), w, "stem.4"), 0)
    for block in sorted({name.rsplit(".", 2)[0] for name in w if name.startswith("blocks.")}):
        y = np.maximum(batch_norm(conv(x, w[block + ".conv1.weight"]), w, block + ".bn1"), 0)
        x = np.maximum(batch_norm(conv(y, w[block + ".conv2.weight"]), w, block + ".bn2") + x, 0)
    return conv(x, w["head.weight"]) + w["head.bias"][:, None, None]


def decode(logits, card):  # x, y (pixels of the input, at the greatest cell's centre) and score of every keypoint
    maps = logits.reshape(*logits.shape[:2], -1)
    best, stride = maps.argmax(2), card["network"]["stride"]
    if card["activation"] == "softmax":
        maps = np.exp(maps - maps.max(2, keepdims=True))
        maps *= 2 * np.pi * card["decoder"]["sigma"] ** 2 / maps.sum(2, keepdims=True)
    row, column = np.divmod(best, logits.shape[3])
    return np.stack([(column + 0.5) * stride, (row + 0.5) * stride, maps.max(2).clip(0, 1)], axis=2)


weights = load_file(sys.argv[1])
card = json.loads(safe_open(sys.argv[1], "numpy").metadata()["marionette"])
if card["network"]["name"] != "nano":
    sys.exit(f"{sys.argv[1]}: holds {card['network']['name']}, and this runs nano alone; see small.py")
size = card["network"]["input_height"], card["network"]["input_width"]
check = load_file(sys.argv[2]) if len(sys.argv) > 2 else {"images": np.zeros((1, 3, *size), np.float32)}
logits = nano(weights, check["images"])
for name, (x, y, score) in zip(card["keypoints"]["names"], decode(logits, card)[0]):
    print(f"{name:16} x {x:5.1f}  y {y:5.1f}  score {score:.3f}")
if "logits" in check:
    error = np.abs(logits - check["logits"]).max()
    print(f"greatest difference from the program's own logits: {error:.1e}")
    sys.exit(0 if error <= 1e-4 else 1)
