"""How far are keypoints off in the pictures that pictures.py draws? Reads what `marionette eval --results` has written.

usage: python scripts/robots/keypoints.py PICTURES_FOLDER RESULTS.json
Prints the area under the curve of keypoints found within so many pixels, up to 12 (DREAM's measure), by keypoint, for all of
them and for those that are seen, and the median error.
"""

import json
import sys

import numpy as np

MOST = 12


def area(errors):
    """The share found within d pixels, averaged over d from 0 to MOST."""
    return float(np.mean(np.clip(1 - errors / MOST, 0, 1))) if len(errors) else float("nan")


def main():
    folder, results = sys.argv[1:3]
    with open(f"{folder}/keypoints.json") as file:
        truth = json.load(file)
    with open(results) as file:
        found = {result["image_id"]: result["keypoints"] for result in json.load(file)}
    names = truth["categories"][0]["keypoints"]
    errors = np.full((len(truth["annotations"]), len(names)), np.nan)
    seen = np.zeros_like(errors, bool)
    for row, annotation in enumerate(truth["annotations"]):
        labelled = np.reshape(annotation["keypoints"], (-1, 3))
        places = np.reshape(found[annotation["image_id"]], (-1, 3))
        off = np.linalg.norm(labelled[:, :2] - places[:, :2], axis=1)
        errors[row] = np.where(labelled[:, 2] > 0, off, np.nan)
        seen[row] = labelled[:, 2] == 2
    for column, name in enumerate(names):
        own = errors[:, column]
        print(f"{name:<14} AUC {area(own[np.isfinite(own)]):.3f}, median {np.nanmedian(own):.1f} px")
    known = errors[np.isfinite(errors)]
    print(f"all            AUC {area(known):.3f}, median {np.median(known):.1f} px, {len(known)} keypoints")
    print(f"seen           AUC {area(errors[seen]):.3f}, median {np.median(errors[seen]):.1f} px")


if __name__ == "__main__":
    main()
