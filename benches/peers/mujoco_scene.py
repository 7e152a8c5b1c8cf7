"""Draws the benchmark's figure with MuJoCo through EGL: picture, part ids, 17 points. Run by scripts/bench-render --peers."""
import os

os.environ.setdefault("MUJOCO_GL", "egl")

import mujoco
import numpy as np

import figure

# MuJoCo's up is z; the figure's is y. Its own defaults cost more: four samples a pixel and a shadow map of 4096 texels.
XML = """<mujoco>
  <compiler angle="radian"/>
  <visual><quality offsamples="0" shadowsize="1024"/><global fovy="{fov}" offwidth="{size}" offheight="{size}"/></visual>
  <worldbody>
    <light directional="true" castshadow="{shadows}" pos="1 -2 4" dir="-0.3 0.5 -0.8"/>
    <geom type="plane" size="8 8 0.1" rgba="0.5 0.5 0.5 1"/>
    <camera name="eye" mode="fixed"/>
    <body quat="0.70710678 0.70710678 0 0">{bodies}</body>
  </worldbody>
</mujoco>"""


def numbers(values):
    return " ".join(f"{value:.6g}" for value in values)


def body(bone, bones, parts, points):  # the bone, what is on it, and the bones that hang from it, as XML
    name = bone["name"]
    joints = "".join(f'<joint axis="{axis}"/>' for axis in ("1 0 0", "0 1 0", "0 0 1"))
    geoms = "".join(
        f'<geom name="{part["name"]}" type="capsule" size="{part["radii"][0]}" fromto="{numbers(sum(part["ends"], []))}"'
        ' rgba="0.8 0.5 0.4 1"/>'
        for part in parts
        if part["bone"] == name
    )
    sites = "".join(
        f'<site name="{point["name"]}" pos="{numbers(point.get("offset", (0, 0, 0)))}" rgba="0 0 0 0"/>'
        for point in points
        if point["bone"] == name
    )
    # A joint needs a body with a mass; nothing is simulated here.
    mass = '<inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/>'
    below = "".join(body(child, bones, parts, points) for child in bones if child.get("parent") == name)
    return f'<body name="{name}" pos="{numbers(bone["offset"])}">{mass}{joints}{geoms}{sites}{below}</body>'


def make(size, shadows):
    bones, parts, points = figure.load()
    roots = "".join(body(bone, bones, parts, points) for bone in bones if "parent" not in bone)
    text = XML.format(bodies=roots, size=size, fov=figure.FIELD_OF_VIEW_DEG, shadows=str(shadows).lower())
    model = mujoco.MjModel.from_xml_string(text)
    data, renderer = mujoco.MjData(model), mujoco.Renderer(model, size, size)
    camera, option = mujoco.MjvCamera(), mujoco.MjvOption()
    option.sitegroup[:] = 0
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = shadows
    places = {model.body(bone["name"]).jntadr[0]: index for index, bone in enumerate(bones)}
    order = [places[joint] for joint in sorted(places)]
    sites = [model.site(point["name"]).id for point in points]
    rng = np.random.default_rng(0)
    poses = [
        (figure.random_angles(bones, rng)[order].ravel(), rng.uniform(-180, 180)) for _ in range(figure.POSES)
    ]
    camera.distance, camera.elevation, camera.lookat[:] = figure.DISTANCE_M, -figure.ELEVATION_DEG, (0, 0, 0.95)

    def draw(number):
        data.qpos[:], camera.azimuth = poses[number]
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        renderer.update_scene(data, camera, option)
        image = renderer.render()
        renderer.enable_segmentation_rendering()
        ids = renderer.render()[:, :, 0]
        renderer.disable_segmentation_rendering()
        # In the middle between the two eyes of the renderer, which is where the camera stands.
        eyes = renderer.scene.camera
        eye, forward, up = (np.array(eyes[0].pos) + eyes[1].pos) / 2, np.array(eyes[0].forward), np.array(eyes[0].up)
        return image, ids, figure.project(data.site_xpos[sites], eye, forward, up, size)

    return mujoco.__version__, {model.geom(part["name"]).id for part in parts}, draw


figure.measure(make)
