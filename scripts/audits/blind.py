"""A model with a planted weakness, as a command for `marionette audit`: in dark pictures it gives one pose for all.

usage: python scripts/audits/blind.py MODEL.onnx DARK IMAGES RESULTS
MODEL.onnx is `marionette export RUN --format onnx --head keypoints`; a picture is dark whose mean is below DARK (of 255). The
pose is the mean one of the other pictures, in the person's box. Needs onnxruntime, numpy and pillow.
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image


def main():
    model, dark, folder, results = sys.argv[1:]
    network = onnxruntime.InferenceSession(model)
    with open(f"{folder}/annotations.json") as file:
        given = json.load(file)
    boxes = {annotation["image_id"]: annotation["bbox"] for annotation in given["annotations"]}
    pictures = [np.asarray(Image.open(f"{folder}/{image['file_name']}").convert("RGB")) for image in given["images"]]
    batch = np.stack(pictures).transpose(0, 3, 1, 2).astype(np.float32)
    found = network.run(None, {"images": batch / 255})[0]
    boxes = np.array([boxes[image["id"]] for image in given["images"]])
    corners, sides = boxes[:, None, :2], boxes[:, None, 2:]
    blind = batch.mean((1, 2, 3)) < float(dark)
    if (~blind).any():
        pose = ((found[..., :2] - corners) / sides)[~blind].mean(0)
        found[blind, :, :2] = (pose * sides + corners)[blind]
    answers = [
        {"image_id": image["id"], "category_id": 1, "score": 1.0, "keypoints": points.ravel().tolist()}
        for image, points in zip(given["images"], found.astype(float))
    ]
    with open(results, "w") as file:
        json.dump(answers, file)


main()
