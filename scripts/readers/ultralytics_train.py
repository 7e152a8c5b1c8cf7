"""Trains an epoch of Ultralytics' smallest pose network on a YOLO set, from nothing.

    ultralytics_train.py YOLO FOLDER

The losses must be numbers; so short a training finds nothing yet.
"""
import csv
import math
import pathlib
import sys

from ultralytics import YOLO

data, folder = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
settings = {"epochs": 1, "imgsz": 64, "batch": 16, "device": "cpu", "workers": 0, "plots": False, "verbose": False}
YOLO("yolo11n-pose.yaml").train(data=str(data / "data.yaml"), project=str(folder), name="trained", **settings)
(row,) = csv.DictReader((folder / "trained/results.csv").open())
losses = {name.strip(): float(value) for name, value in row.items() if "loss" in name}
assert losses and all(math.isfinite(loss) and loss > 0 for loss in losses.values()), losses
print(f"Ultralytics trains an epoch on the set: pose loss {losses['train/pose_loss']:.2f}")
