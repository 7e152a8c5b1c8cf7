"""Draws random joint states of a robot and cameras, and writes what pybullet says of them: places of links, ids, depths.

usage: python scripts/robots/states.py panda FOLDER [COUNT]
writes FOLDER/states.json and FOLDER/bullet.npz, which figure-views and compare.py read
"""

import json
import os
import sys

import numpy as np

import bullet

robot, folder = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 50
os.makedirs(folder, exist_ok=True)
rng = np.random.default_rng(25)
body, joints, links = bullet.start(robot)
lens = {"fx": 480.0, "fy": 480.0, "cx": 199.5, "cy": 199.5, "width": 400, "height": 400}
states, ids, depths = [], [], []
for _ in range(count):
    values = bullet.draw_joints(rng, joints)
    bullet.set_joints(body, joints, values)
    frames = bullet.link_frames(body, links)
    places = np.array([place for place, _ in frames.values()])
    size = np.linalg.norm(places - places.mean(0), axis=1).max()
    camera = bullet.random_camera(rng, lens, places.mean(0), 2.1 * size + 0.15, 2.8 * size + 0.25)
    _, bodies, link, depth = bullet.photograph(lens, camera)
    # 0: nothing, else one more than the link's index in "links".
    ids.append(np.where(bodies == body, link + 1, 0).astype(np.uint8))
    depths.append(depth.astype(np.float32))
    states.append({"joints": values, "camera_from_base": camera.tolist(), "links": frames})
np.savez_compressed(f"{folder}/bullet.npz", ids=np.array(ids), depth=np.array(depths))
with open(f"{folder}/states.json", "w") as file:
    json.dump({"robot": bullet.urdf(robot), "links": links, "parents": bullet.parents(body, links), "intrinsics": lens,
               "states": states}, file, indent=1)
seen = np.mean([(image > 0).mean() for image in ids])
print(f"{count} states of {robot}: {len(joints)} joints, {len(links)} links, {100 * seen:.0f} % of pixels show it")
