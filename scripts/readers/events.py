"""Reads a run's event files as TensorBoard does.

    events.py RUN

Checks that every number of metrics.jsonl is there at its step, that scores and curriculum are histograms, and that the pictures of
the run are shown.
"""

import json
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run = pathlib.Path(sys.argv[1])
events = EventAccumulator(str(run), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
events.Reload()
rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
checked = 0
for name in events.Tags()["scalars"]:
    for event in events.Scalars(name) if not name.startswith("exam/") else []:
        (row,) = [row for row in rows if row["step"] == event.step]
        for key in name.split("/"):
            row = row[key]
        assert abs(row - event.value) <= 1e-5 * max(1, abs(row)), (name, event, row)
        checked += 1
steps = [row["step"] for row in rows]
for name in ("loss", "pck", "axis_reach/pose"):
    assert [event.step for event in events.Scalars(name)] == steps, name
histograms = events.Tags()["histograms"]
assert "score" in histograms and "curriculum/pose" in histograms, histograms
for name in histograms:
    assert [event.step for event in events.Histograms(name)] == steps, name
    assert all(event.histogram_value.num > 0 for event in events.Histograms(name)), name
images = events.Tags()["images"]
for picture in (run / "pictures").glob("*.png"):
    (shown,) = events.Images(f"pictures/{picture.stem}")
    assert shown.encoded_image_string == picture.read_bytes() and shown.width > 100, picture
assert len(images) >= 2, images
print(f"TensorBoard reads {checked} numbers, {len(histograms)} histograms and {len(images)} pictures of {len(rows)} rows")
