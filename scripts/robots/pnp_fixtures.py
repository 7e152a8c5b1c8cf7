"""Writes tests/fixtures/pnp/opencv.json: cameras from points as OpenCV finds them, for the tests of marionette-pnp.

usage: python scripts/robots/pnp_fixtures.py tests/fixtures/pnp/opencv.json      (needs numpy and opencv-python-headless)
"""

import json
import sys

import cv2
import numpy as np

rng = np.random.default_rng(25)
# A robot's keypoints, roughly: along an arm that is bent.
ARM = np.array([[0, 0, 0], [0, 0.33, 0.02], [0.05, 0.64, 0.1], [0.1, 0.7, 0.18], [0.12, 0.55, 0.5], [0.15, 0.5, 0.58],
                [0.15, 0.4, 0.6]], float)


def points(kind, count):
    if kind == "arm":
        return ARM[:count]
    if kind == "plane":
        flat = rng.uniform(-0.4, 0.4, (count, 3))
        flat[:, 2] = 0
        turn, _ = cv2.Rodrigues(rng.normal(size=3))
        return flat @ turn.T + rng.normal(size=3)
    return rng.uniform(-0.5, 0.5, (count, 3)) + rng.normal(size=3)


def camera(middle):
    turn, _ = cv2.Rodrigues(rng.normal(size=3) * 2)
    at = np.array([rng.uniform(-0.2, 0.2), rng.uniform(-0.15, 0.15), rng.uniform(1.2, 2.5)])
    return turn, at - turn @ middle


def case(kind, count, noise, outliers, distortion):
    lens = np.array([[600.0, 0, 330], [0, 590, 245], [0, 0, 1]])
    model = points(kind, count)
    turn, at = camera(model.mean(0))
    seen = cv2.projectPoints(model, cv2.Rodrigues(turn)[0], at, lens, distortion)[0][:, 0]
    seen = seen + rng.normal(size=seen.shape) * noise
    wrong = rng.choice(count, outliers, replace=False)
    angle = rng.uniform(0, 2 * np.pi, outliers)
    seen[wrong] += (rng.uniform(60, 200, outliers) * np.array([np.cos(angle), np.sin(angle)])).T
    right = np.setdiff1d(np.arange(count), wrong)
    done, turned, moved = cv2.solvePnP(model[right], seen[right], lens, distortion, flags=cv2.SOLVEPNP_SQPNP)
    assert done
    turned, moved = cv2.solvePnPRefineLM(model[right], seen[right], lens, distortion, turned, moved)
    back = cv2.projectPoints(model[right], turned, moved, lens, distortion)[0][:, 0]
    found = np.eye(4)
    found[:3, :3], found[:3, 3] = cv2.Rodrigues(turned)[0], moved[:, 0]
    truth = np.eye(4)
    truth[:3, :3], truth[:3, 3] = turn, at
    return {
        "kind": kind, "noise": noise, "outliers": sorted(wrong.tolist()),
        "intrinsics": {"camera_matrix": lens.tolist(), "width": 640, "height": 480, "distortion": distortion.tolist()},
        "points": model.tolist(), "pixels": seen.tolist(), "true": truth.tolist(), "opencv": found.tolist(),
        "opencv_rms": float(np.sqrt(np.mean(np.sum((back - seen[right]) ** 2, 1)))),
    }


plain, bent = np.zeros(5), np.array([-0.21, 0.06, 0.001, -0.002, 0.01])
cases = []
for kind, count in [("arm", 7), ("cloud", 12), ("cloud", 6), ("plane", 8), ("plane", 5)]:
    for noise in [0.0, 0.5, 1.5]:
        for distortion in [plain, bent]:
            cases.append(case(kind, count, noise, 0, distortion))
for kind, count, outliers in [("arm", 7, 1), ("arm", 7, 2), ("cloud", 12, 4), ("cloud", 17, 5)]:
    for noise in [0.0, 0.7]:
        cases.append(case(kind, count, noise, outliers, bent))
with open(sys.argv[1], "w") as file:
    lines = ",\n".join(json.dumps(case) for case in cases)
    file.write(f'{{"opencv": "{cv2.__version__}", "cases": [\n{lines}\n]}}\n')
print(f"{len(cases)} cases, OpenCV {cv2.__version__}")
