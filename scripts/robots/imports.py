"""Imports every articulated URDF of pybullet's wheel: see scripts/check-imports.

usage: python scripts/robots/imports.py MARIONETTE FOLDER
"""

import os
import re
import subprocess
import sys
import time

try:
    import pybullet_data
except ImportError:
    sys.exit("pybullet has no wheel for this Python; choose another: PYTHON=python3.11 scripts/check-imports")

LIMIT = 120
MOVING = {"revolute", "continuous", "prismatic", "planar", "floating", "spherical"}


def articulated(path):
    """How many joints move, by the text alone: what cannot be parsed counts as well."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub(r"<!--.*?-->", "", file.read(), flags=re.S)
    # Transmissions and simulators' tags name joints too, without a type.
    kinds = re.findall(r"<joint\b[^>]*?\btype\s*=\s*[\"'](\w+)[\"']", text)
    return sum(kind in MOVING for kind in kinds)


def size(folder):
    """Parts of a figure's folder, and its triangles: those of its meshes."""
    with open(f"{folder}/figure.toml") as file:
        text = file.read()
    triangles = 0
    for mesh in re.findall(r'^mesh = "(.*)"', text, flags=re.M):
        with open(f"{folder}/{mesh}", errors="replace") as file:
            triangles += next(int(line.split()[2]) for line in file if line.startswith("element face"))
    return text.count("[[parts]]"), triangles


def main():
    marionette, out = sys.argv[1:3]
    root = pybullet_data.getDataPath()
    found = [os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names if name.endswith(".urdf")]
    wanted = [(path, joints) for path in sorted(found) if (joints := articulated(path)) >= 2]
    print(f"{len(wanted)} of {len(found)} URDF files have two or more joints that move")
    print(f"{'file':44} {'joints':>6} {'outcome':8} {'parts':>5} {'triangles':>9} {'seconds':>7}")
    good, broken = 0, []
    for path, joints in wanted:
        name = os.path.relpath(path, root)
        folder = os.path.join(out, name.removesuffix(".urdf").replace(os.sep, "-"))
        subprocess.run(["rm", "-rf", folder], check=True)
        began = time.monotonic()
        try:
            done = subprocess.run([marionette, "import", path, "--out", folder, "--quiet"], capture_output=True, text=True,
                                  errors="replace", timeout=LIMIT)
        except subprocess.TimeoutExpired:
            print(f"{name:44} {joints:6} {'slow':8} {'-':>5} {'-':>9} {LIMIT:7.1f}")
            broken.append(name)
            continue
        seconds = time.monotonic() - began
        if done.returncode == 0:
            parts, triangles = size(folder)
            good += 1
            print(f"{name:44} {joints:6} {'ok':8} {parts:5} {triangles:9} {seconds:7.1f}")
            continue
        # A panic, or a signal: 1 and 2 are errors that it knows.
        bad = done.returncode not in (1, 2) or "panicked" in done.stderr
        if bad or os.path.exists(folder):
            broken.append(name)
        why = " ".join((done.stderr or done.stdout).split())
        left = ", leaves its folder" if os.path.exists(folder) else ""
        print(f"{name:44} {joints:6} {'PANIC' if bad else 'refused':8} {'-':>5} {'-':>9} {seconds:7.1f}  {why[:400]}{left}")
    share = 100 * good / max(len(wanted), 1)
    print(f"{good} of {len(wanted)} came in ({share:.1f} %)" + (f"; broken: {', '.join(broken)}" if broken else ""))
    sys.exit(bool(broken) or share < 95)


main()
