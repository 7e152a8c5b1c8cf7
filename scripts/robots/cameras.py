"""How well are cameras found in the pictures that pictures.py draws? Runs `marionette predict --pnp` on each, shown the robot's
box, and compares with the truth.

usage: python scripts/robots/cameras.py MARIONETTE WEIGHTS FIGURE_DIR PICTURES_FOLDER OUT.json
Prints in how many a camera was found, the errors of its place and direction, and ADD: the mean distance between the keypoints
as the camera that was found has them and as the true one does, with the area under its curve up to 100 mm, as DREAM has it.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import bullet


def load(path):
    with open(path) as file:
        return json.load(file)


def predicted(marionette, weights, figure, folder, out, image, box):
    done = subprocess.run(
        [marionette, "predict", f"{folder}/images/{image}", "--weights", weights, "--out", out, "--quiet", "--pnp", "--figure", figure,
         "--joints", f"{folder}/joints.json", "--intrinsics", f"{folder}/intrinsics.json",
         "--box", ",".join(f"{value:.2f}" for value in box)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{image}: {done.stderr}")
    return load(f"{out}/predictions.json")["images"][0]["people"][0]


def angle(a, b):
    return np.degrees(np.arccos(np.clip((np.trace(a[:3, :3].T @ b[:3, :3]) - 1) / 2, -1, 1)))


def main():
    marionette, weights, figure, folder, out = sys.argv[1:6]
    coco, cameras = load(f"{folder}/keypoints.json"), load(f"{folder}/cameras.json")
    states = load(f"{folder}/joints.json")
    body, joints, links = bullet.start("panda")
    files = {image["id"]: image["file_name"] for image in coco["images"]}
    rows, all_images = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for annotation in coco["annotations"]:
            image = files[annotation["image_id"]]
            found = predicted(marionette, weights, figure, folder, scratch, image, annotation["bbox"])
            all_images.append(found)
            if not found.get("camera"):
                rows.append([np.inf] * 5)
                continue
            camera = found["camera"]
            ours, true = np.array(camera["camera_from_base"]), np.array(cameras[image])
            place = lambda matrix: -matrix[:3, :3].T @ matrix[:3, 3]
            bullet.set_joints(body, joints, states[image])
            frames = bullet.link_frames(body, links)
            points = np.array([[*frames[name][0], 1] for name in coco["categories"][0]["keypoints"]])
            add = np.linalg.norm(((ours - true) @ points.T)[:3], axis=0).mean()
            off = np.linalg.norm(place(ours) - place(true))
            rows.append([1000 * off, angle(ours, true), 1000 * add, camera["rms_pixels"],
                         1000 * off / max(camera["camera_std_mm"], 1e-9)])
    with open(out, "w") as file:
        json.dump(all_images, file)
    off, turn, add, rms, ratio = np.array(rows).T
    good = np.isfinite(off)
    print(f"cameras of {good.sum()} of {len(rows)} pictures")
    for name, values, unit in [("place", off, "mm"), ("direction", turn, "degrees"), ("ADD", add, "mm"), ("rms", rms, "pixels")]:
        print(f"  {name:10} median {np.median(values):.2f} {unit}, of those found: 10 % under "
              f"{np.percentile(values[good], 10):.2f}, 90 % under {np.percentile(values[good], 90):.2f}")
    area = np.mean([(add <= limit).mean() for limit in np.linspace(0.1, 100, 1000)])
    print(f"  AUC of ADD up to 100 mm: {100 * area:.1f}")
    print(f"  within one and two of the deviations that it names: {100 * (ratio[good] < 1).mean():.0f} % and "
          f"{100 * (ratio[good] < 2).mean():.0f} %")


main()
