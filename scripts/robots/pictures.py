"""Draws pictures of the Panda with pybullet to judge detectors by: other materials, lights and backdrops than ours.

usage: python scripts/robots/pictures.py FOLDER [COUNT [SEED]]
writes FOLDER/images/*.png, FOLDER/keypoints.json (COCO's format, the 7 keypoints of DREAM under their links' names; 2 is seen,
1 is covered, 0 is outside of the picture), and by picture: FOLDER/joints.json, FOLDER/intrinsics.json (both as `marionette predict
--pnp` reads them), FOLDER/cameras.json (camera_from_base, the truth) and FOLDER/facts.json (how hard each picture is, in what
by_axis.py asks for)
"""

import json
import os
import sys
import tempfile

import numpy as np
import pybullet as p
from PIL import Image

import bullet

KEYPOINTS = ["panda_link0", "panda_link2", "panda_link3", "panda_link4", "panda_link6", "panda_link7", "panda_hand"]
SIZE, FINER = 400, 2
# A keypoint is inside the robot; what is nearer to the camera by more than this covers it, metres.
COVER = 0.12
THINGS = ["duck_vhacd.urdf", "teddy_vhacd.urdf", "soccerball.urdf", "lego/lego.urdf", "objects/mug.urdf", "cube_small.urdf",
          "sphere_small.urdf", "domino/domino.urdf", "jenga/jenga.urdf", "tray/traybox.urdf", "table_square/table_square.urdf",
          "cube.urdf", "block.urdf"] + [f"random_urdfs/{i:03}/{i:03}.urdf" for i in range(0, 1000, 25)]


def texture(rng):
    """A picture that repeats: cloudy noise, stripes, tiles, spots or hardly anything, in two colours that may be near grey."""
    y, x = np.mgrid[0:256, 0:256] / 256
    colors = rng.uniform(30, 235, (2, 1)) + rng.normal(size=(2, 3)) * rng.choice([8, 30, 80])
    kind = rng.integers(6)
    noise = np.zeros((256, 256))
    for octave in range(1, 7):
        coarse = Image.fromarray(rng.normal(size=(2**octave, 2**octave)).astype(np.float32))
        noise += np.asarray(coarse.resize((256, 256), Image.BICUBIC)) * 0.6**octave
    noise = (noise - noise.min()) / np.ptp(noise)
    if kind == 0:
        share = noise
    elif kind == 1:
        share = 0.5 + 0.5 * np.sin((x * np.cos(noise.mean() * 9) + y) * rng.uniform(10, 120) + 3 * noise * rng.integers(2))
    elif kind == 2:
        tiles = rng.integers(2, 16)
        share = ((x * tiles).astype(int) + (y * tiles).astype(int)) % 2 * 0.9 + 0.1 * noise
    elif kind == 3:
        tiles = rng.integers(2, 12)
        share = np.minimum(x * tiles % 1, y * tiles % 1) > 0.06
    elif kind == 4:
        share = noise > 0.5
    else:
        share = 0.15 * noise
    share = np.asarray(share, float)[..., None]
    picture = colors[0] * (1 - share) + colors[1] * share + 25 * (noise[..., None] - 0.5) * rng.uniform(0, 1)
    once = np.clip(picture, 0, 255).astype(np.uint8)
    # Backdrops are metres wide.
    mirrored = np.concatenate([once, once[:, ::-1]], 1)
    mirrored = np.concatenate([mirrored, mirrored[::-1]])
    return Image.fromarray(np.tile(mirrored, (rng.integers(1, 4),) * 2 + (1,)))


def slab(half, at, yaw, image, rng):
    """A textured box that nothing hits."""
    shape = p.createVisualShape(p.GEOM_BOX, halfExtents=half)
    body = p.createMultiBody(0, -1, shape, at, p.getQuaternionFromEuler([0, 0, yaw]))
    p.changeVisualShape(body, -1, textureUniqueId=p.loadTexture(image), rgbaColor=[*rng.uniform(0.7, 1, 3), 1])


def collides(body, links):
    """Whether links that are no neighbours go through one another, or one is under the ground."""
    for a in range(-1, len(links) - 1):
        if a >= 1 and p.getAABB(body, a)[0][2] < 0.0:
            return True
        for b in range(a + 3, len(links) - 1):
            hits = p.getClosestPoints(body, body, 0.0, a, b)
            # The hand, its fingers and the flange are one thing.
            if not (a >= 6 and b >= 6) and any(hit[8] < -0.005 for hit in hits):
                return True
    return False


def scene(rng, images):
    """A robot in its surroundings: its body and links, the joints' values, how far from the middle of its limits each is (0 to 1),
    and the frames of links."""
    body, joints, links = bullet.start("panda")
    while True:
        values = bullet.draw_joints(rng, joints)
        bullet.set_joints(body, joints, values)
        if not collides(body, links):
            break
    tint = rng.uniform(0.75, 1.0) if rng.random() < 0.6 else rng.uniform(0.15, 1.0, 3)
    for link in range(-1, len(links) - 1):
        own = np.clip(tint * rng.uniform(0.85, 1.05), 0, 1) * np.ones(3)
        p.changeVisualShape(body, link, rgbaColor=[*own, 1], specularColor=[rng.uniform(0, 0.8)] * 3)
    pick = lambda: str(rng.choice(images))
    slab([6, 6, 0.05], [0, 0, -0.05 - (rng.uniform(0, 0.9) if rng.random() < 0.5 else 0)], rng.uniform(0, 6), pick(), rng)
    if rng.random() < 0.5:
        slab([rng.uniform(0.3, 1.2), rng.uniform(0.3, 1.2), 0.02], [rng.uniform(-0.2, 0.4), 0, -0.021], 0, pick(), rng)
    turn = rng.uniform(0, 2 * np.pi)
    for wall in range(4):
        angle, far = turn + wall * np.pi / 2, rng.uniform(3.0, 4.5)
        slab([0.05, 6, 3], [far * np.cos(angle), far * np.sin(angle), 2.5], angle, pick(), rng)
    for _ in range(rng.integers(0, 7)):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 1.6)
        at = [far * np.cos(angle), far * np.sin(angle), rng.uniform(0, 0.3)]
        try:
            thing = p.loadURDF(str(rng.choice(THINGS)), at, p.getQuaternionFromEuler(rng.uniform(-3, 3, 3)),
                               globalScaling=float(rng.uniform(0.8, 3.0)))
        except p.error:
            continue
        low, high = np.array(p.getAABB(thing))
        if p.getClosestPoints(body, thing, 0.02) or np.linalg.norm(high - low) > 1.6:
            p.removeBody(thing)
        elif rng.random() < 0.7:
            p.changeVisualShape(thing, -1, rgbaColor=[*rng.uniform(0.1, 1, 3), 1])
    extents = [abs(values[name] - (low + high) / 2) / ((high - low) / 2) for _, name, low, high in joints]
    return body, links, values, extents, bullet.link_frames(body, links)


def light(rng):
    direction = rng.normal(size=3)
    direction[2] = abs(direction[2]) + 0.4
    return {"lightDirection": (direction * 4).tolist(), "lightColor": rng.uniform(0.75, 1, 3).tolist(),
            "lightDistance": float(rng.uniform(2, 8)), "shadow": int(rng.random() < 0.7),
            "lightAmbientCoeff": float(rng.uniform(0.3, 0.7)), "lightDiffuseCoeff": float(rng.uniform(0.3, 0.7)),
            "lightSpecularCoeff": float(rng.uniform(0.0, 0.3))}


def facts(picture, mask, lit, noise, extents, seen, camera):
    """How hard a picture is, by what our hardness axes are about."""
    share = mask.reshape(SIZE, FINER, SIZE, FINER).mean((1, 3))
    rows, columns = np.nonzero(share)
    margin = SIZE // 20
    near = np.zeros_like(share, bool)
    near[max(rows.min() - margin, 0) : rows.max() + margin, max(columns.min() - margin, 0) : columns.max() + margin] = True
    own, around = picture[share == 1] / 255, picture[near & (share == 0)] / 255
    forward = camera[2, :3]
    return {
        # The first seven move the arm, the others the fingers.
        "pose": float(np.mean(extents[:7])),
        # Radians by which the camera looks down.
        "view": float(np.arcsin(-forward[2])),
        "occlusion": seen.count(1) / len(seen),
        "truncation": seen.count(0) / len(seen),
        # How dark the robot is, and how little of the light comes from one side.
        "lighting": float(1 - own.mean()),
        "ambient": lit["lightAmbientCoeff"],
        "camouflage": float(1 - np.linalg.norm(own.mean(0) - around.mean(0)) / 3**0.5),
        "degradation": float(noise),
        "size": float(max(np.ptp(rows), np.ptp(columns)) + 1),
    }


def draw(rng, images):
    """A picture and what is to be known of it; None where too little of the robot is seen."""
    body, links, values, extents, frames = scene(rng, images)
    focal = float(rng.uniform(330, 480))
    middle = (SIZE - 1) / 2
    lens = {"fx": focal, "fy": focal, "cx": middle, "cy": middle, "width": SIZE, "height": SIZE}
    finer = {"fx": focal * FINER, "fy": focal * FINER, "cx": (middle + 0.5) * FINER - 0.5, "cy": (middle + 0.5) * FINER - 0.5,
             "width": SIZE * FINER, "height": SIZE * FINER}
    places = np.array([frames[name][0] for name in KEYPOINTS])
    camera = bullet.random_camera(rng, lens, places.mean(0) * [0.7, 0.7, 1], 1.0, 2.2, 0.0, 1.0)
    eye = -camera[:3, :3].T @ camera[:3, 3]
    lit = light(rng)
    colors, bodies, link_ids, depth = bullet.photograph(finer, camera, **lit)
    mask = bodies == body
    pixels, depths = bullet.project(lens, camera, places)
    inside = (depths > 0) & (pixels > -0.5).all(1) & (pixels < SIZE - 0.5).all(1)
    # The camera is in the robot or in a thing, something stands before it, or it looks past it.
    if inside.sum() < 4 or mask.mean() < 0.015 or depth.min() < 0.15 or eye[2] < 0.05:
        return None
    seen = []
    for name, pixel, far, within in zip(KEYPOINTS, pixels, depths, inside):
        if not within:
            seen.append(0)
            continue
        column, row = np.clip(np.round((pixel + 0.5) * FINER - 0.5).astype(int), 0, SIZE * FINER - 1)
        own = mask[row, column] and abs(int(link_ids[row, column]) - links.index(name)) <= 1
        seen.append(2 if own or depth[row, column] > far - COVER else 1)
    if seen.count(2) < 3:
        return None
    exposure, spread = rng.uniform(0.75, 1.25), rng.uniform(0, 6)
    fine = colors.astype(float).reshape(SIZE, FINER, SIZE, FINER, 3).mean((1, 3))
    picture = np.clip(fine * exposure + rng.normal(size=fine.shape) * spread, 0, 255).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    left, top = columns.min() / FINER, rows.min() / FINER
    box = [left, top, (columns.max() + 1) / FINER - left, (rows.max() + 1) / FINER - top]
    # COCO's pixels are counted from the corner of the top-left one.
    corner = [[round(x + 0.5, 2), round(y + 0.5, 2), v] if v else [0, 0, 0] for (x, y), v in zip(pixels.tolist(), seen)]
    annotation = {"category_id": 1, "iscrowd": 0, "bbox": [float(v) for v in box], "area": float(mask.sum() / FINER**2),
                  "keypoints": [value for point in corner for value in point], "num_keypoints": sum(v > 0 for v in seen)}
    return picture, annotation, values, lens, camera, facts(picture, mask, lit, spread, extents, seen, camera)


def main():
    folder = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 25
    os.makedirs(f"{folder}/images", exist_ok=True)
    category = {"id": 1, "name": "panda", "keypoints": KEYPOINTS, "skeleton": [[i, i + 1] for i in range(1, len(KEYPOINTS))]}
    coco = {"images": [], "annotations": [], "categories": [category]}
    joints, lenses, cameras, hard = {}, {}, {}, {}
    with tempfile.TemporaryDirectory() as made:
        images = [f"{made}/{number}.png" for number in range(60)]
        for number, path in enumerate(images):
            texture(np.random.default_rng([seed, 1, number])).save(path)
        attempt = 0
        while len(coco["images"]) < count:
            drawn = draw(np.random.default_rng([seed, 2, attempt]), images)
            attempt += 1
            if drawn is None:
                continue
            picture, annotation, values, lens, camera, known = drawn
            number = len(coco["images"]) + 1
            name = f"{number:06}.png"
            Image.fromarray(picture).save(f"{folder}/images/{name}")
            coco["images"].append({"id": number, "file_name": name, "width": SIZE, "height": SIZE})
            coco["annotations"].append({"id": number, "image_id": number, **annotation})
            joints[name], lenses[name], cameras[name], hard[name] = values, lens, camera.tolist(), known
    files = {"keypoints": coco, "joints": joints, "intrinsics": lenses, "cameras": cameras, "facts": hard}
    for name, content in files.items():
        with open(f"{folder}/{name}.json", "w") as file:
            json.dump(content, file)
    seen = np.array([a["keypoints"][2::3] for a in coco["annotations"]])
    print(f"{count} pictures of {attempt} attempts; keypoints seen {100 * (seen == 2).mean():.0f} %, covered "
          f"{100 * (seen == 1).mean():.0f} %, outside {100 * (seen == 0).mean():.0f} %")


if __name__ == "__main__":
    main()
