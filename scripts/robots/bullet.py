"""What the other programs here share: pybullet as another renderer and another forward kinematics.

Intrinsics are OpenCV's: pixels counted from the centre of the top-left one. A camera's frame is x right, y down, z forward;
the base is the robot's first link, in the axes of its URDF.
"""

import os

import numpy as np
import pybullet as p
import pybullet_data

NEAR, FAR = 0.05, 20.0
ROBOTS = {"panda": "franka_panda/panda.urdf", "a1": "a1/a1.urdf", "kuka": "kuka_iiwa/model.urdf",
          "laikago": "laikago/laikago_toes.urdf"}


def urdf(robot):
    return os.path.join(pybullet_data.getDataPath(), ROBOTS.get(robot, robot))


def start(robot):
    """A new world with the robot fixed at its origin: its body, its movable joints [(index, name, low, high)], its links."""
    if not p.isConnected():
        p.connect(p.DIRECT)
    p.resetSimulation()
    p.setAdditionalSearchPath(pybullet_data.getDataPath())
    body = p.loadURDF(urdf(robot), useFixedBase=True)
    joints, links = [], [p.getBodyInfo(body)[0].decode()]
    for index in range(p.getNumJoints(body)):
        info = p.getJointInfo(body, index)
        links.append(info[12].decode())
        if info[2] in (p.JOINT_REVOLUTE, p.JOINT_PRISMATIC):
            low, high = info[8:10]
            # Continuous ones.
            low, high = (low, high) if low < high else (-np.pi, np.pi)
            joints.append((index, info[1].decode(), low, high))
    return body, joints, links


def parents(body, links):
    """The link that each hangs on, by name."""
    return {name: links[p.getJointInfo(body, index)[16] + 1] for index, name in enumerate(links[1:])}


def draw_joints(rng, joints, share=1.0):
    """Values by name, each within that share of its joint's limits, about their middle."""
    return {name: float((low + high) / 2 + share * rng.uniform(-0.5, 0.5) * (high - low)) for _, name, low, high in joints}


def set_joints(body, joints, values):
    for index, name, _, _ in joints:
        p.resetJointState(body, index, values[name])


def link_frames(body, links):
    """Place and quaternion (x, y, z, w) of each link's URDF frame, by name."""
    frames = {links[0]: [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]}
    for index, name in enumerate(links[1:]):
        state = p.getLinkState(body, index, computeForwardKinematics=True)
        frames[name] = [list(state[4]), list(state[5])]
    return frames


def look_at(eye, target, roll=0.0):
    """camera_from_base of a camera at `eye` that looks at `target`; z is up."""
    forward = np.subtract(target, eye) / np.linalg.norm(np.subtract(target, eye))
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    cos, sin = np.cos(roll), np.sin(roll)
    camera = np.eye(4)
    camera[:3, :3] = np.array([cos * right + sin * down, cos * down - sin * right, forward])
    camera[:3, 3] = -camera[:3, :3] @ eye
    return camera


def project(lens, camera, points):
    """Pixels [n, 2] and depths [n] of points in the base's frame."""
    at = np.asarray(points) @ camera[:3, :3].T + camera[:3, 3]
    pixels = at[:, :2] / at[:, 2:] * [lens["fx"], lens["fy"]] + [lens["cx"], lens["cy"]]
    return pixels, at[:, 2]


def matrices(lens, camera):
    """pybullet's view and projection matrices, column after column.

    TinyRenderer shows in pixel (i, j) what lies at (i, j + 1) of its viewport, not at (i + .5, j + .5): measured on the depths
    of a slanted plane, to 1e-5 m.
    """
    width, height, fx, fy = lens["width"], lens["height"], lens["fx"], lens["fy"]
    cx, cy = lens["cx"], lens["cy"] + 1
    view = np.diag([1.0, -1.0, -1.0, 1.0]) @ camera
    projection = np.array([
        [2 * fx / width, 0, 1 - 2 * cx / width, 0],
        [0, 2 * fy / height, 2 * cy / height - 1, 0],
        [0, 0, -(FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)],
        [0, 0, -1, 0],
    ])
    return view.T.ravel().tolist(), projection.T.ravel().tolist()


def photograph(lens, camera, **light):
    """Colours [h, w, 3], bodies [h, w] (-1: none), links [h, w] (0: the base) and depths along z [h, w] in metres."""
    view, projection = matrices(lens, camera)
    drawn = p.getCameraImage(lens["width"], lens["height"], view, projection, renderer=p.ER_TINY_RENDERER,
                             flags=p.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX, **light)
    shape = (lens["height"], lens["width"])
    colors = np.reshape(drawn[2], (*shape, 4))[..., :3].astype(np.uint8)
    depth = FAR * NEAR / (FAR - (FAR - NEAR) * np.reshape(drawn[3], shape).astype(np.float64))
    ids = np.reshape(drawn[4], shape).astype(np.int64)
    # What is nowhere keeps whatever link it had.
    body = np.where(ids >= 0, ids & ((1 << 24) - 1), -1)
    return colors, body, np.where(ids >= 0, ids >> 24, -1), depth


def random_camera(rng, lens, target, near, far, low=-0.2, high=1.2):
    """A camera between `near` and `far` metres from `target`, at angles above the horizon from `low` to `high`, that looks at
    it or a little beside."""
    around, up, distance = rng.uniform(0, 2 * np.pi), rng.uniform(low, high), rng.uniform(near, far)
    eye = np.asarray(target) + distance * np.array([np.cos(around) * np.cos(up), np.sin(around) * np.cos(up), np.sin(up)])
    beside = np.asarray(target) + rng.uniform(-0.08, 0.08, 3) * distance
    return look_at(eye, beside, rng.normal() * 0.05)
