"""Reads generated data sets with the tools that people read them with.

    dataset.py COCO YOLO WEBDATASET

Three sets of the same samples, each in one split called train, the COCO one with ids. Checks that pycocotools loads the
annotations and gives perfect predictions an AP of 1, that masks are the id pictures' and decode to the stated areas, that every
seen keypoint lies on its own mask or within its flesh beside it, that YOLO's labels say the same, and that archives hold the same
pictures.
"""

import contextlib
import io
import json
import pathlib
import sys
import tarfile

import numpy as np
from PIL import Image
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

coco_set, yolo_set, tar_set = (pathlib.Path(argument) for argument in sys.argv[1:])
with contextlib.redirect_stdout(io.StringIO()):
    coco = COCO(str(coco_set / "annotations/person_keypoints_train.json"))
figures = coco.loadAnns(coco.getAnnIds())
category = coco.dataset["categories"][0]
radii = np.array(category["marionette"]["surface_radii"])
assert len(coco.imgs) > 50 and len(figures) > len(coco.imgs), "there are pictures with several figures"
assert min(min(edge) for edge in category["skeleton"]) >= 1, "skeletons count from 1"

# Perfect predictions of all figures that have a labelled keypoint.
perfect = [
    {"image_id": f["image_id"], "category_id": 1, "keypoints": [float(v) for v in f["keypoints"]], "score": 1.0}
    for f in figures
    if f["num_keypoints"]
]
with contextlib.redirect_stdout(io.StringIO()):
    found = coco_set / "perfect.json"
    found.write_text(json.dumps(perfect))
    judged = COCOeval(coco, coco.loadRes(str(found)), "keypoints")
    judged.evaluate()
    judged.accumulate()
    judged.summarize()
assert judged.stats[0] == 1.0, f"perfect predictions have an AP of {judged.stats[0]}"

seen = beside = 0
for figure in figures:
    image = coco.imgs[figure["image_id"]]
    mask = coco.annToMask(figure).astype(bool)
    assert mask.sum() == figure["area"], figure["id"]
    assert list(masks.toBbox(figure["segmentation"])) == figure["bbox"], figure["id"]
    ids = np.array(Image.open(coco_set / "ids/train" / image["file_name"].replace(".jpg", ".png")))
    own = (ids > 0) & (ids < 32768) & (ids >> 8 == figure["marionette"]["figure"])
    assert (own == mask).all(), figure["id"]
    keypoints = np.array(figure["keypoints"]).reshape(-1, 3)
    assert (keypoints[:, 2] > 0).sum() == figure["num_keypoints"], figure["id"]
    assert (keypoints[keypoints[:, 2] == 0] == 0).all(), figure["id"]
    rows, columns = np.nonzero(mask)
    depths = np.array(figure["marionette"]["joints_camera"])[:, 2]
    flesh = radii / depths * max(image["marionette"]["focal"])
    for (x, y, v), reach in zip(keypoints, flesh):
        if v == 2:
            seen += 1
            distance = np.hypot(columns - x, rows - y).min()
            beside += distance > 0.75
            assert distance <= reach + 1.5, f"figure {figure['id']}: {distance} pixels from its mask, {reach} within"

labels = {path.stem: path.read_text().splitlines() for path in (yolo_set / "labels/train").iterdir()}
assert sum(map(len, labels.values())) == len(figures)
for figure in figures:
    image = coco.imgs[figure["image_id"]]
    size = np.array([image["width"], image["height"]])
    x, y, w, h = figure["bbox"]
    keypoints = np.array(figure["keypoints"]).reshape(-1, 3)
    keypoints[:, :2] = np.where(keypoints[:, 2:] > 0, (keypoints[:, :2] + 0.5) / size, 0)
    expected = np.concatenate([[0], np.array([x + w / 2, y + h / 2]) / size, np.array([w, h]) / size, keypoints.ravel()])
    lines = np.array([line.split() for line in labels[pathlib.Path(image["file_name"]).stem]], float)
    assert np.abs(lines - expected).max(axis=1).min() < 1e-4, figure["id"]

archived = 0
for path in sorted(tar_set.glob("*.tar")):
    with tarfile.open(path) as archive:
        for member in archive:
            if member.name.endswith(".jpg"):
                archived += 1
                picture = (coco_set / "images/train" / member.name).read_bytes()
                assert archive.extractfile(member).read() == picture, member.name
            elif member.name.endswith(".json"):
                image = json.load(archive.extractfile(member))["image"]
                assert image == coco.imgs[image["id"]], member.name
assert archived == len(coco.imgs)
print(
    f"{len(coco.imgs)} pictures with {len(figures)} figures: AP 1, masks and boxes as stated, {seen} seen keypoints on "
    f"their masks ({beside} beside, within their flesh); YOLO and WebDataset say the same"
)
