"""Runs heatmaps.onnx, rtmlib.onnx, keypoints.onnx, yolo.onnx and int8.onnx of a folder in onnxruntime on the images of its
check.safetensors, and compares with what the program computed for them.

usage: compare.py FOLDER      exit 1 if anything differs
"""
import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

TOLERANCE = 1e-4  # of the greatest heatmap value, of the input's side, and of the greatest score

folder = sys.argv[1]
check = load_file(f"{folder}/check.safetensors")
with open(f"{folder}/model.json") as file:
    model_card = json.load(file)
failures = []


def expect(what, good):
    if not good:
        failures.append(what)
        print(f"  FAILED: {what}")


def per_channel(values):
    return np.array(values, np.float32).reshape(1, 3, 1, 1)


def run(name):  # what the file gives for the images, and the card in it
    path = f"{folder}/{name}.onnx"
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    expect("operator set 17", [opset.version for opset in model.opset_import] == [17])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    card = json.loads(metadata["marionette"])
    fed, network = card["onnx"]["input"], card["network"]
    expect("the card is model.json's", {k: v for k, v in card.items() if k != "onnx"} == model_card)
    colors = check["images"] * per_channel(network["deviation"]) + per_channel(network["mean"])
    colors = colors if fed["channels"] == "RGB" else colors[:, ::-1]
    images = (colors * fed["scale"] - per_channel(fed["mean"])) / per_channel(fed["deviation"])
    [result] = session.run([card["onnx"]["output"]], {fed["name"]: images})
    [alone] = session.run(None, {fed["name"]: images[5:6]})
    expect("an image alone gives the same", np.abs(alone - result[5:6]).max() <= TOLERANCE * np.abs(result).max())
    return result, metadata


def compare_keypoints(name, found):
    maps = check["heatmaps"].reshape(*check["heatmaps"].shape[:2], -1)
    second, first = np.moveaxis(np.partition(maps, -2, axis=2)[..., -2:], 2, 0)
    tied = first - second <= TOLERANCE * first  # rounding decides which of the two cells is the greatest
    error = np.abs(found - check["keypoints"])
    places, scores = error[..., :2].max(2)[~tied].max() / side, error[..., 2].max() / check["keypoints"][..., 2].max()
    print(f"{name}: places differ by at most {places:.1e} of the side, scores {scores:.1e}; {tied.sum()} of {tied.size} tied")
    expect("the program's own keypoints", max(places, scores) <= TOLERANCE and tied.mean() < 0.01)


side = check["images"].shape[3]
expect("64 images", len(check["images"]) == 64)

heatmaps, _ = run("heatmaps")
error = np.abs(heatmaps - check["heatmaps"]).max() / check["heatmaps"].max()
print(f"heatmaps: differ by at most {error:.1e} of the greatest value")
expect("the program's own heatmaps", error <= TOLERANCE and heatmaps.min() >= 0)

keypoints, _ = run("keypoints")
compare_keypoints("keypoints", keypoints)

rows, metadata = run("yolo")
expect("one row per image", rows.shape == (64, 1, 6 + keypoints[0].size))
of_rows = rows[:, 0, 6:].reshape(keypoints.shape)
compare_keypoints("yolo", of_rows)
x, y, score = np.moveaxis(of_rows, 2, 0)
box = np.stack([x.min(1), y.min(1), x.max(1), y.max(1), score.mean(1), 0 * y[:, 0]], axis=1)
expect("box, confidence and class", np.abs(rows[:, 0, :6] - box).max() <= TOLERANCE * side)
for key, value in {"task": "pose", "kpt_shape": f"[{x.shape[1]}, 3]", "imgsz": f"[{side}, {side}]", "end2end": "True"}.items():
    expect(f"{key} in the metadata", metadata.get(key) == value)

bells, _ = run("rtmlib")
expect("a cell per pixel, not negative", bells.shape == (*keypoints.shape[:2], side, side) and bells.min() >= 0)
expect("peaks as high as scores", np.abs(bells.max((2, 3)) - keypoints[..., 2]).max() <= TOLERANCE)
cells = np.arange(side, dtype=np.float32)
for axis, name, shape in [(0, "x", (1, 1, 1, side)), (1, "y", (1, 1, side, 1))]:
    # The mean cell of a Gaussian far from the border is its middle.
    middle = (bells * cells.reshape(shape)).sum((2, 3)) / bells.sum((2, 3)) / (side - 1) * side
    inner = (keypoints[..., :2].min(2) > 12) & (keypoints[..., :2].max(2) < side - 12)
    expect(f"Gaussians at {name}", np.abs(middle - keypoints[..., axis])[inner].max() <= TOLERANCE * side)

quantized, metadata = run("int8")
error = np.abs(quantized - check["heatmaps"]).max() / check["heatmaps"].max()
share = os.path.getsize(f"{folder}/int8.onnx") / os.path.getsize(f"{folder}/heatmaps.onnx")
print(f"int8: heatmaps differ by at most {error:.1e} of the greatest value; {share:.2f} times as long")
expect("a quarter as long, and close", error < 0.2 and share < 0.3)

print(f"{folder}: {len(failures)} differences")
sys.exit(1 if failures else 0)
