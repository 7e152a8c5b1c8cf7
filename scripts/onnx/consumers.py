"""Compares what rtmlib and Ultralytics make of our ONNX files with `marionette predict`; see scripts/check-consumers.

usage: consumers.py FOLDER pictures      writes the images of check.safetensors as PNG files
       consumers.py FOLDER compare       exit 1 if keypoints differ by half a pixel
"""
import glob
import json
import os
import sys

import cv2
import numpy as np

HALF_PIXEL = 0.5


def write_pictures(folder):
    from safetensors.numpy import load_file

    os.makedirs(f"{folder}/pictures", exist_ok=True)
    with open(f"{folder}/model.json") as file:
        network = json.load(file)["network"]
    mean, deviation = (np.array(network[name]).reshape(3, 1, 1) for name in ("mean", "deviation"))
    for index, image in enumerate(load_file(f"{folder}/check.safetensors")["images"]):
        pixels = np.rint((image * deviation + mean) * 255).astype(np.uint8)
        cv2.imwrite(f"{folder}/pictures/{index:03}.png", pixels[::-1].transpose(1, 2, 0))


def predicted(folder):  # [N, K, 3]
    with open(f"{folder}/found/predictions.json") as file:
        images = sorted(json.load(file)["images"], key=lambda image: image["file"])
    return np.array([[[k["x"], k["y"], k["score"]] for k in image["people"][0]["keypoints"]] for image in images])


def with_rtmlib(folder, paths, side):
    from rtmlib import Custom

    pose = Custom(pose_class="ViTPose", pose=f"{folder}/rtmlib.onnx", pose_input_size=(side, side)).pose_model
    # rtmlib enlarges boxes by 1.25: to the whole picture.
    border = side * (1 - 1 / 1.25) / 2
    found = [pose(cv2.imread(path), bboxes=[[border, border, side - border, side - border]]) for path in paths]
    return np.stack([np.concatenate([places[0], scores[0][:, None]], axis=1) for places, scores in found])


def with_ultralytics(folder, paths):
    from ultralytics import YOLO

    # Below 0.25, its default, it drops what the network is unsure of.
    results = YOLO(f"{folder}/yolo.onnx")(paths, conf=0, verbose=False)
    return np.stack([result.keypoints.data.numpy()[0] for result in results])


def compare(name, found, ours, kept):
    places, scores = np.abs(found - ours)[..., :2].max(2), np.abs(found - ours)[..., 2]
    print(
        f"{name}: {kept.sum()} of {kept.size} keypoints compared; places differ by {places[kept].mean():.3f} pixels on average, "
        f"{places[kept].max():.3f} at most (all keypoints: {places.max():.3f}), scores by {scores.max():.4f}"
    )
    return places[kept].max() < HALF_PIXEL and scores.max() < 1e-3


folder, what = sys.argv[1:]
if what == "pictures":
    write_pictures(folder)
else:
    with open(f"{folder}/model.json") as file:
        network = json.load(file)["network"]
    side, cell = network["input_width"], network["stride"]
    paths = sorted(glob.glob(f"{folder}/pictures/*.png"))
    ours = predicted(folder)
    inner = (ours[..., :2].min(2) >= 2 * cell) & (ours[..., :2].max(2) <= side - 2 * cell)
    good = [
        compare("rtmlib", with_rtmlib(folder, paths, side), ours, inner),
        compare("ultralytics", with_ultralytics(folder, paths), ours, np.ones_like(inner)),
    ]
    sys.exit(0 if all(good) else 1)
