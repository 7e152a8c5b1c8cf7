"""What is lost in the pictures that pictures.py draws, by what our hardness axes are about? Reads what `marionette eval --results`
has written.

usage: python scripts/robots/by_axis.py PICTURES_FOLDER RESULTS.json
Prints PCK@0.2 (of the longest edge, link 4 to link 6, in the picture) in the third of the pictures that has the least of each
thing, in the middle one and in that with the most (those that have the same are in one group), the difference with its 95 %
interval over pictures, and the least and most that there is.
"""

import json
import sys

import numpy as np

ENDS = ["panda_link4", "panda_link6"]


def load(path):
    with open(path) as file:
        return json.load(file)


def tallies(folder, results):
    """Per picture that can be measured: its file, keypoints found and keypoints labelled."""
    truth = load(f"{folder}/keypoints.json")
    found = {result["image_id"]: np.reshape(result["keypoints"], (-1, 3))[:, :2] for result in load(results)}
    names = truth["categories"][0]["keypoints"]
    a, b = (names.index(name) for name in ENDS)
    files = {image["id"]: image["file_name"] for image in truth["images"]}
    for annotation in truth["annotations"]:
        labelled = np.reshape(annotation["keypoints"], (-1, 3))
        known = labelled[:, 2] > 0
        length = np.linalg.norm(labelled[a, :2] - labelled[b, :2])
        if known[a] and known[b] and length > 0:
            errors = np.linalg.norm(labelled[:, :2] - found[annotation["image_id"]], axis=1)
            yield files[annotation["image_id"]], int((errors < 0.2 * length)[known].sum()), int(known.sum())


def share(rows):
    return rows[:, 0].sum() / rows[:, 1].sum()


def main():
    folder, results = sys.argv[1:3]
    facts = load(f"{folder}/facts.json")
    files, *counts = zip(*tallies(folder, results))
    counts = np.transpose(counts)
    print(f"PCK@0.2 {share(counts):.3f} in {len(files)} pictures")
    rng = np.random.default_rng(1)
    for name in next(iter(facts.values())):
        values = np.array([facts[file][name] for file in files])
        low, high = np.quantile(values, [1 / 3, 2 / 3])
        first, last = values <= low, values >= high if high > low else values > low
        least, middle, most = counts[first], counts[~first & ~last], counts[last]
        if not len(most):
            continue
        again = lambda rows: share(rows[rng.integers(len(rows), size=len(rows))])
        differences = np.quantile([again(most) - again(least) for _ in range(2000)], [0.025, 0.975])
        between = f"{share(middle):.3f}" if len(middle) else "    -"
        print(f"{name:<12} {share(least):.3f}  {between}  {share(most):.3f}  {100 * (share(most) - share(least)):+5.1f} points "
              f"({100 * differences[0]:+.1f} to {100 * differences[1]:+.1f}), {values.min():.2f} to {values.max():.2f}")


if __name__ == "__main__":
    main()
