"""Make docs/pictures/review.png: the review page on photos of examples/ alone.

python tools/review_picture.py

Each portrait is shown several times, bent and lit from other sides, because the examples hold one or two of each
person. The program finds most of these out as near-copies; a reviewer has kept them. Two portraits lie in a wrong
folder, as they do in real sets, and a group picture has five faces.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageEnhance

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
PICTURE = ROOT / "docs" / "pictures" / "review.png"
PEOPLE = {
    "Albert Einstein": "people/Albert_Einstein/lecture_1921.jpg",
    "Grace Hopper": "people/Grace_Hopper/official_1984.jpg",
    "Hedy Lamarr": "people/Hedy_Lamarr/publicity_1944.jpg",
    "Nikola Tesla": "people/Nikola_Tesla/portrait_1890s.jpg",
}
WRONG = {"Grace Hopper": "strangers/Eileen_Collins.jpg", "Albert Einstein": "unseen/Nikola_Tesla/seated.jpg"}
SHAPES = ((1.0, 0.0), (1.16, 0.1), (0.86, -0.12), (1.12, -0.2), (0.84, 0.2), (1.2, 0.0))


def make_photos(folder: Path) -> None:
    """A folder per person."""
    for person, name in PEOPLE.items():
        (folder / person).mkdir(parents=True)
        with Image.open(EXAMPLES / name) as opened:
            photo = opened.convert("RGB")
        for number, shape in enumerate(SHAPES):
            varied(photo, number, *shape).save(folder / person / f"{number}.jpg", quality=92)
    for person, name in WRONG.items():
        shutil.copyfile(EXAMPLES / name, folder / person / Path(name).name)
    shutil.copyfile(EXAMPLES / "group.jpg", folder / "Hedy Lamarr" / "group.jpg")


def varied(photo: Image.Image, number: int, width: float, slant: float) -> Image.Image:
    """Another picture of the same face: wider, slanted, lit from a side."""
    wide, high = photo.size
    shape = (1 / width, slant, -slant * high / 2 + (1 - 1 / width) * wide / 2, 0, 1, 0)
    bent = photo.transform(photo.size, Image.Transform.AFFINE, shape, Image.Resampling.BICUBIC)
    light = Image.linear_gradient("L").rotate(90 * number).resize(photo.size)
    dark = ImageEnhance.Brightness(bent).enhance(0.25)
    return Image.composite(bent, dark, light.point(lambda level: 70 + level * 185 // 255)) if number else bent


def main() -> None:
    """Build, serve, look, and keep the picture."""
    from playwright.sync_api import sync_playwright

    program = [sys.executable, "-m", "actorrec"]
    with tempfile.TemporaryDirectory() as work:
        photos, store = Path(work) / "photos", Path(work) / "store"
        make_photos(photos)
        build = [*program, "build-dataset", str(photos), "--store", str(store), "--quiet"]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        review = [*program, "review", "--store", str(store), "--no-browser"]
        with subprocess.Popen(review, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
            assert server.stdout is not None
            arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            page = browser.new_page(viewport={"width": 1360, "height": 840})
            page.goto(server.stdout.readline().strip())
            page.wait_for_selector("body[data-ready]")
            for key in [*["ArrowRight"] * 5, *["Shift+ArrowDown"] * 9, "k", "Home", "Enter"]:
                page.keyboard.press(key)
            page.locator("#told", has_text="Kept").wait_for()
            page.locator("#told:empty").wait_for(state="attached")
            page.locator(".box").first.wait_for()
            page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
            page.screenshot(path=PICTURE)
            browser.close()
            server.terminate()
    print(f"wrote {PICTURE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
