"""Opens what we write for browsers in headless Chromium; see scripts/check-consumers.

usage: browser.py page WEB PREDICTIONS.json SCREENSHOT.png     the page of `export --format web` finds what `predict` found
       browser.py report REPORT.html SCREENSHOT_PREFIX         a report opens without an error, light and dark, wide and narrow
"""
import functools
import http.server
import json
import os
import pathlib
import shutil
import sys
import threading
import urllib.parse

from playwright.sync_api import sync_playwright

# Browsers decode and scale colours on their own: a fraction of the crop's side.
TOLERANCE = 0.005
WIDE, NARROW = {"width": 1100, "height": 900}, {"width": 390, "height": 844}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def serve(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def opened(browser, address, size, scheme, wrong):
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(f"{request.url} failed"))
    page.goto(address)
    return page


def check_page(browser, web, predictions, screenshot):
    address, wrong, worst = serve(web), [], 0.0
    with open(predictions) as file:
        images = json.load(file)["images"]
    for found in images:
        shutil.copy(found["file"], web)
        query = {"picture": os.path.basename(found["file"])}
        whole = [0.0, 0.0, found["width"], found["height"]]
        person = found["people"][0]
        if person["box"] != whole:
            query["box"] = ",".join(map(str, person["box"]))
        page = opened(browser, f"{address}?{urllib.parse.urlencode(query)}", WIDE, "light", wrong)
        status = page.locator("#status")
        page.wait_for_function("/ms in the network|cannot|is no|answers/.test(document.getElementById('status').textContent)")
        # The box is looked at after the whole picture.
        page.wait_for_function("document.getElementById('box').value !== '' || !location.search.includes('box=')")
        page.wait_for_timeout(300)
        if "ms in the network" not in status.inner_text():
            wrong.append(status.inner_text())
            continue
        rows = page.eval_on_selector_all("#numbers tr", "rows => rows.map((row) => [...row.children].map((cell) => cell.textContent))")
        side = max(person["crop"][2:])
        assert [row[0] for row in rows] == [keypoint["name"] for keypoint in person["keypoints"]]
        for (_, x, y, score), keypoint in zip(rows, person["keypoints"]):
            distance = max(abs(float(x) - keypoint["x"]), abs(float(y) - keypoint["y"])) / side
            # Where the network is unsure, two maxima may be as high.
            if keypoint["score"] > 0.1:
                worst = max(worst, distance, abs(float(score) - keypoint["score"]))
        if found is images[-1]:
            page.screenshot(path=screenshot)
            page.set_viewport_size(NARROW)
            page.emulate_media(color_scheme="dark")
            page.wait_for_timeout(300)
            page.screenshot(path=str(pathlib.Path(screenshot).with_suffix(".narrow.png")))
            wrong += too_wide(page)
            print(f"browser: {status.inner_text()}")
        page.close()
    print(f"browser: {len(images)} pictures; places and scores differ from `predict` by {worst:.4f} of the crop's side at most")
    if worst > TOLERANCE:
        wrong.append(f"that is more than {TOLERANCE}")
    return wrong


def too_wide(page):
    width = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{width} pixels too wide"] if width > 0 else []


def check_report(browser, report, prefix):
    wrong, address = [], pathlib.Path(report).resolve().as_uri()
    for scheme in ("light", "dark"):
        for name, size in (("wide", WIDE), ("narrow", NARROW)):
            page = opened(browser, address, size, scheme, wrong)
            page.screenshot(path=f"{prefix}-{scheme}-{name}.png", full_page=True)
            wrong += too_wide(page)
            page.close()
    print(f"browser: {report} opened, {len(wrong)} errors")
    return wrong


what, *rest = sys.argv[1:]
programs = map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))
with sync_playwright() as playwright:
    # Where there is none, the one that `playwright install chromium` fetched.
    browser = playwright.chromium.launch(executable_path=next(filter(None, programs), None))
    wrong = check_page(browser, *rest) if what == "page" else check_report(browser, *rest)
    browser.close()
for message in wrong:
    print(f"wrong: {message}", file=sys.stderr)
sys.exit(1 if wrong else 0)
