"""Draws the benchmark's figure with pybullet's TinyRenderer: picture, part ids, 17 points. Run by scripts/bench-render --peers."""
import math

import numpy as np
import pybullet

import figure


def rotation(angles):  # about x, then y, then z of the bone, as MuJoCo's joints turn
    (a, b, c), (x, y, z) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, a, -x], [0, x, a]])
    about_y = np.array([[b, 0, y], [0, 1, 0], [-y, 0, b]])
    return about_x @ about_y @ np.array([[c, -z, 0], [z, c, 0], [0, 0, 1]])


def along(direction):  # the quaternion that turns z to a direction
    x, y, z = direction / np.linalg.norm(direction)
    turn = np.array([-y, x, 0.0, 1.0 + z]) if z > -0.999999 else np.array([1.0, 0.0, 0.0, 0.0])
    return turn / np.linalg.norm(turn)


def pose(bones, parts, points, rng):  # places and turns of all capsules, the points, the camera's azimuth
    frames = {}
    for bone, angles in zip(bones, figure.random_angles(bones, rng)):
        turn, place = frames.get(bone.get("parent"), (np.eye(3), np.zeros(3)))
        frames[bone["name"]] = turn @ rotation(angles), place + turn @ np.array(bone["offset"])
    place_of = lambda entry, place: frames[entry["bone"]][0] @ np.array(place) + frames[entry["bone"]][1]
    ends = [[place_of(part, end) for end in part["ends"]] for part in parts]
    capsules = [((first + last) / 2, along(last - first)) for first, last in ends]
    return capsules, np.array([place_of(p, p.get("offset", (0, 0, 0))) for p in points]), rng.uniform(-math.pi, math.pi)


def make(size, shadows):
    client = pybullet.connect(pybullet.DIRECT)
    bones, parts, points = figure.load()
    shape = lambda **what: pybullet.createVisualShape(physicsClientId=client, **what)
    ground = shape(shapeType=pybullet.GEOM_BOX, halfExtents=[8, 0.05, 8], rgbaColor=[0.5, 0.5, 0.5, 1])
    pybullet.createMultiBody(baseVisualShapeIndex=ground, basePosition=[0, -0.05, 0])
    bodies = []
    for part in parts:
        long = float(np.linalg.norm(np.subtract(*part["ends"])))
        capsule = shape(
            shapeType=pybullet.GEOM_CAPSULE, radius=part["radii"][0], length=long, rgbaColor=[0.8, 0.5, 0.4, 1]
        )
        bodies.append(pybullet.createMultiBody(baseVisualShapeIndex=capsule))
    rng = np.random.default_rng(0)
    poses = [pose(bones, parts, points, rng) for _ in range(figure.POSES)]
    projection = pybullet.computeProjectionMatrixFOV(figure.FIELD_OF_VIEW_DEG, 1.0, 0.1, 20.0)
    target = np.array([0.0, 0.95, 0.0])

    def draw(number):
        capsules, places, azimuth = poses[number]
        for body, (place, turn) in zip(bodies, capsules):
            pybullet.resetBasePositionAndOrientation(body, place, turn)
        eye = figure.eye_of(azimuth, target)
        view = pybullet.computeViewMatrix(eye, target, [0, 1, 0])
        # RGB, depth and ids come from one pass.
        _, _, image, _, ids = pybullet.getCameraImage(
            size, size, view, projection, lightDirection=[0.6, 1.6, 1.0], shadow=int(shadows),
            renderer=pybullet.ER_TINY_RENDERER,
        )
        image, ids = np.asarray(image, np.uint8).reshape(size, size, 4)[:, :, :3], np.asarray(ids).reshape(size, size)
        axes = np.array(view).reshape(4, 4).T
        return image, ids, figure.project(places, eye, -axes[2, :3], axes[1, :3], size)

    return str(pybullet.getAPIVersion()), set(bodies), draw


figure.measure(make)
