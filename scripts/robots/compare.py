"""Compares our renderings and forward kinematics of a robot with pybullet's.

usage: python scripts/robots/compare.py FOLDER OURS
FOLDER was written by states.py, OURS by `cargo run --release --example figure-views -- FIGURE FOLDER/states.json OURS`
Exits with 1 if links are more than 1e-4 m apart, masks agree by less than .97 in the median, or depths differ by more than 2 mm.
"""

import json
import sys

import numpy as np

folder, ours = sys.argv[1:3]
with open(f"{folder}/states.json") as file:
    theirs = json.load(file)
with open(f"{ours}/views.json") as file:
    views = json.load(file)
drawn = np.load(f"{folder}/bullet.npz")
their_ids, their_depth = drawn["ids"], drawn["depth"]
our_ids, our_depth = np.load(f"{ours}/ids.npy"), np.load(f"{ours}/depth.npy")
assert our_ids.shape == their_ids.shape, (our_ids.shape, their_ids.shape)

# Places of links, metres. A fixed link is no bone of its own; a keypoint of its name will do.
distances, missing = {}, set()
for state, view in zip(theirs["states"], views["views"]):
    known = {**view["keypoints"], **view["bones"]}
    for link, (place, _) in state["links"].items():
        if link in known:
            distances.setdefault(link, []).append(np.linalg.norm(np.subtract(known[link], place)))
        else:
            missing.add(link)
worst = max(max(values) for values in distances.values())
print(f"links: {len(distances)} of {len(theirs['links'])} compared, farthest apart {worst:.2e} m"
      + (f"; no bone or keypoint is called {', '.join(sorted(missing))}" if missing else ""))
for link, values in distances.items():
    if max(values) > 1e-4:
        print(f"  {link}: up to {max(values):.2e} m")

both = [(a > 0, b > 0) for a, b in zip(our_ids, their_ids)]
overlaps = np.array([(a & b).sum() / max((a | b).sum(), 1) for a, b in both])
print(f"masks: IoU median {np.median(overlaps):.4f}, worst {overlaps.min():.4f} (state {overlaps.argmin()})")
errors = [np.abs(our - their)[a & b] for our, their, (a, b) in zip(our_depth, their_depth, both)]
medians = np.array([np.median(error) if error.size else np.inf for error in errors])
within = np.concatenate(errors)
print(f"depth: median of medians {1000 * np.median(medians):.3f} mm, worst {1000 * medians.max():.3f} mm (state "
      f"{medians.argmax()}); {100 * (within < 0.002).mean():.1f} % of pixels within 2 mm, {100 * (within < 0.01).mean():.1f} % "
      "within 10 mm")

# Which bone is seen where: fixed links are seen as the bone that they are on.
bones = views["views"][0]["bones"]


def bone_of(link):
    while link not in bones:
        link = theirs["parents"][link]
    return link


our_bones, their_bones = ([None] + names for names in (views["parts"], [bone_of(link) for link in theirs["links"]]))
for bone in dict.fromkeys(their_bones[1:]):
    parts, links = ([number for number, name in enumerate(names) if name == bone] for names in (our_bones, their_bones))
    pairs = [(np.isin(our, parts), np.isin(their, links)) for our, their in zip(our_ids, their_ids)]
    shared, either = (sum(int(f(a, b).sum()) for a, b in pairs) for f in (np.logical_and, np.logical_or))
    if either:
        print(f"  {bone:28} IoU {shared / either:.3f} of {either / len(pairs):.0f} pixels a view")
sys.exit(not (worst < 1e-4 and np.median(overlaps) >= 0.97 and np.median(medians) < 0.002))
