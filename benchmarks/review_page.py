"""How long the review page takes to draw its first contact sheet in a headless Chromium.

    python benchmarks/review_page.py

From the start of the navigation until every picture in the window is decoded and painted, with an empty cache each
time; 24 people and 371 pictures, and the same 27 times over.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actorrec.artifacts.catalog import commit_manifest, newest
from actorrec.artifacts.local import LocalStore
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.review import SHEET_NAME, ReviewSheet
from rows import ROOT, Row, save, test_data

COMMAND = "python benchmarks/review_page.py"
REPEATS = 7
TIMES = 27
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
DRAWN = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  while (!document.body?.dataset.ready) await frame();
  const seen = [...document.querySelectorAll('.tile img')].filter(image => {
    const box = image.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  });
  await Promise.all(seen.map(image => image.decode()));
  await frame();
  await frame();
  return {ms: performance.now(), seen: seen.length};
}"""
SAVED = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const press = key => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  const began = performance.now();
  press('a');
  press('d');
  await frame();
  await frame();
  const shown = performance.now() - began;
  while (!document.getElementById('told').textContent.startsWith('Dropped')) await frame();
  return {shown, saved: performance.now() - began};
}"""


@contextmanager
def served(store: Path) -> Iterator[str]:
    """The page of a store's newest data set."""
    command = [sys.executable, "-m", "actorrec", "review", "--store", str(store), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def drawn_ms(browser: Any, url: str) -> tuple[float, int]:
    """One look with an empty cache: milliseconds, and pictures in the window."""
    context = browser.new_context(viewport={"width": 1400, "height": 860})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    found = page.evaluate(DRAWN)
    context.close()
    return float(found["ms"]), int(found["seen"])


def saved_ms(browser: Any, url: str) -> tuple[float, float]:
    """Dropping everything at once: milliseconds until it shows, and until it is written."""
    page = browser.new_page()
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    found = page.evaluate(SAVED)
    page.close()
    return float(found["shown"]), float(found["saved"])


def make_large(store: Path) -> None:
    """The newest data set ``TIMES`` over, as a newer one."""
    opened = LocalStore(store)
    small = newest(opened, DatasetManifest)
    sheet = ReviewSheet.model_validate_json(opened.read_bytes(f"{small.ref}/{SHEET_NAME}"))
    shutil.copytree(store / small.ref, store / "dataset" / "large", ignore=shutil.ignore_patterns("manifest.json"))
    entries = [
        entry.model_copy(
            update={"path": f"{turn}/{entry.path}", "image_sha256": f"{turn:04x}" + entry.image_sha256[4:]}
        )
        for turn in range(TIMES)
        for entry in sheet.entries
    ]
    data = sheet.model_copy(update={"entries": entries}).model_dump_json().encode()
    record = opened.put_bytes(f"dataset/large/{SHEET_NAME}", data)
    files = [each for each in small.files if each.name != SHEET_NAME] + [record]
    known = small.model_dump(exclude={"created_at"})
    commit_manifest(opened, DatasetManifest.model_validate({**known, "key": "large", "files": files}))


def main() -> None:
    """Measure and save."""
    from playwright.sync_api import sync_playwright

    data, chromium = test_data(), shutil.which("chromium")
    assert data is not None and chromium is not None, "needs ACTORREC_TEST_DATA and chromium"
    rows = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        store = Path(folder) / "store"
        build = [sys.executable, "-m", "actorrec", "build-dataset", str(data / "actors"), "--store", str(store)]
        subprocess.run(build, check=True, capture_output=True, cwd=ROOT)
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        for size, limit_s in (("24 people, 371 pictures", 1.5), (f"{TIMES * 371:,} pictures", None)):
            if limit_s is None:
                make_large(store)
            with served(store) as url:
                times = [drawn_ms(browser, url) for _ in range(REPEATS)]
                shown, saved = saved_ms(browser, url)
            middle, worst = statistics.median(ms for ms, _ in times) / 1000, max(ms for ms, _ in times) / 1000
            measured = f"{middle:.2f} s (worst of {REPEATS}: {worst:.2f} s; {times[0][1]} pictures in the window)"
            what = f"review, first contact sheet drawn: {size}"
            reached = None if limit_s is None else worst <= limit_s
            rows.append(Row(what, f"≤ {limit_s} s" if limit_s else "", measured, reached, COMMAND))
            everything = f"on the page in {shown:.0f} ms, in the log in {saved:.0f} ms"
            rows.append(Row(f"review, everything dropped at once: {size}", "", everything, None, COMMAND))
        browser.close()
    for row in rows:
        print(f"{row.what}: {row.measured} (must reach {row.target or '–'})")
    save("review_page", rows)


if __name__ == "__main__":
    main()
