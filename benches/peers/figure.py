"""The benchmark's figure for the other renderers: capsules.toml, random poses of it, and what both scripts have in common."""
import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import tomli

POSES = 256  # drawn before anything is measured, as `marionette bench render` does
ELEVATION_DEG, FIELD_OF_VIEW_DEG, DISTANCE_M = 10.0, 40.0, 3.4  # the figure fills some 0.75 of the height


def load():  # bones, parts and keypoints, with the twins that `mirror` stands for
    file = tomli.loads((Path(__file__).parent / "capsules.toml").read_text())
    names = {bone["name"] for bone in file["bones"] if bone.get("mirror")}
    right = lambda name: name.replace("left_", "right_", 1)

    def twins(entry):
        yield entry
        if not entry.get("mirror"):
            return
        twin = dict(entry, name=right(entry["name"]))
        for key in ("bone", "parent"):
            if twin.get(key) in names:
                twin[key] = right(twin[key])
        reflected = lambda place: [-place[0], *place[1:]]
        if "offset" in twin:
            twin["offset"] = reflected(twin["offset"])
        if "ends" in twin:
            twin["ends"] = [reflected(end) for end in twin["ends"]]
        if "limits" in twin:
            flipped = {axis: [-high, -low] for axis, (low, high) in twin["limits"].items() if axis != "x"}
            twin["limits"] = {**twin["limits"], **flipped}
        yield twin

    return tuple([twin for entry in file[key] for twin in twins(entry)] for key in ("bones", "parts", "keypoints"))


def random_angles(bones, rng):  # radians, [bone, xyz]: a quarter of the way to the limits at the most
    low, high = (np.radians([[bone["limits"][axis][end] for axis in "xyz"] for bone in bones]) for end in (0, 1))
    return rng.uniform(0.25 * low, 0.25 * high)


def eye_of(azimuth, target):  # where the camera stands; y is up
    elevation = math.radians(ELEVATION_DEG)
    around = (math.sin(azimuth) * math.cos(elevation), math.sin(elevation), math.cos(azimuth) * math.cos(elevation))
    return target + DISTANCE_M * np.array(around)


def project(points, eye, forward, up, size):  # pixels, [point, xy]
    right = np.cross(forward, up)
    seen = (points - eye) @ np.stack([right, -up, forward]).T
    focal = 0.5 * size / math.tan(math.radians(FIELD_OF_VIEW_DEG) / 2)
    return 0.5 * size + focal * seen[:, :2] / seen[:, 2:]


def check(image, ids, points, size, parts):  # fails where a renderer does not deliver what it is measured for
    assert image.shape == (size, size, 3) and image.dtype == np.uint8 and image.std() > 1, "no picture"
    assert ids.shape == (size, size), "no part ids"
    assert len(set(np.unique(ids)) & set(parts)) >= 8, "few parts are seen"
    assert points.shape == (17, 2), "no points"
    inside = points[((points >= 0) & (points < size)).all(1)].astype(int)
    on_figure = np.isin(ids[inside[:, 1], inside[:, 0]], list(parts))
    assert len(inside) >= 12 and on_figure.mean() > 0.6, "the points are not where the figure is"


def measure(make):
    """Parses the arguments, has `make(size, shadows)` give (version, parts, draw), and prints images per second as JSON.

    `draw(number)` gives the picture, the part ids and the projected points of one pose, as arrays.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--shadows", action="store_true")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the first pictures and ids to this .npz file")
    args = parser.parse_args()
    version, parts, draw = make(args.size, args.shadows)
    drawn = [draw(number) for number in range(12)]
    for image, ids, points in drawn:
        check(image, ids, points, args.size, parts)
    if args.save:
        images, ids, points = map(np.stack, zip(*drawn))
        np.savez(args.save, images=images, ids=ids, points=points)
    began, count = time.perf_counter(), 0
    while count == 0 or time.perf_counter() - began < args.seconds:
        draw(count % POSES)
        count += 1
    print(json.dumps({"version": version, "images_per_second": count / (time.perf_counter() - began)}))
