"""Imports a COCO set with datumaro: every figure as points with visibility, the skeleton, every picture.

    datumaro_import.py COCO
"""
import json
import pathlib
import sys

import datumaro

folder = pathlib.Path(sys.argv[1])
written = [json.loads(path.read_text()) for path in sorted(folder.glob("annotations/*.json"))]
imported = datumaro.Dataset.import_from(str(folder), "coco_person_keypoints")
points = [a for item in imported for a in item.annotations if a.type == datumaro.AnnotationType.points]
figures = [figure for file in written for figure in file["annotations"]]
assert len(imported) == sum(len(file["images"]) for file in written)
assert len(points) == len(figures)
for v in (0, 1, 2):
    ours = sum(figure["keypoints"][2::3].count(v) for figure in figures)
    assert sum([int(seen) for seen in a.visibility].count(v) for a in points) == ours, v
(category,) = imported.categories()[datumaro.AnnotationType.points].items.values()
assert list(category.labels) == written[0]["categories"][0]["keypoints"]
assert sorted(category.joints) == sorted(tuple(edge) for edge in written[0]["categories"][0]["skeleton"])
assert all(item.media.data.shape[2] == 3 for item in imported)
print(f"datumaro imports {len(imported)} pictures with {len(points)} figures and the skeleton")
