"""Compose ``group.jpg`` from the portraits kept here, and check every picture against ``SOURCES.json``.

Run from anywhere: ``python examples/make_examples.py`` composes, ``--check`` only compares.
Needs Pillow.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PANEL_PX = (256, 384)
# Portrait, the part of it to show (left, top, right, bottom in px, 2:3), mirrored or not. The portraits that are
# also enrolled are shown mirrored and re-scaled, so that the frame does not repeat the enrolled pixels; Tesla's is
# another photograph than the enrolled one, and Collins is enrolled nowhere.
PANELS = (
    ("unseen/Nikola_Tesla/seated.jpg", (138, 15, 438, 465), False),
    ("people/Albert_Einstein/lecture_1921.jpg", (120, 30, 520, 630), True),
    ("people/Grace_Hopper/official_1984.jpg", (80, 20, 440, 560), True),
    ("people/Hedy_Lamarr/publicity_1944.jpg", (100, 30, 580, 750), True),
    ("strangers/Eileen_Collins.jpg", (43, 5, 273, 350), False),
)


def compose(target: Path) -> None:
    """Write the panels side by side as one JPEG, 1280 × 384 px."""
    from PIL import Image, ImageOps

    width, height = PANEL_PX
    frame = Image.new("RGB", (width * len(PANELS), height))
    for place, (name, box, mirrored) in enumerate(PANELS):
        with Image.open(HERE / name) as portrait:
            panel = portrait.convert("RGB").crop(box).resize(PANEL_PX, Image.Resampling.LANCZOS)
        frame.paste(ImageOps.mirror(panel) if mirrored else panel, (place * width, 0))
    frame.save(target, quality=85, optimize=True)


def differences() -> list[str]:
    """Name each picture that is missing, unlisted or not the one ``SOURCES.json`` describes."""
    listed = {
        entry["file"]: entry["sha256"] for entry in json.loads((HERE / "SOURCES.json").read_text("utf-8"))["files"]
    }
    found = {
        path.relative_to(HERE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in HERE.rglob("*.jpg")
    }
    return sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))


def main() -> int:
    """Compose unless ``--check`` is given; return 1 when a picture and its record disagree."""
    if "--check" not in sys.argv[1:]:
        compose(HERE / "group.jpg")
    wrong = differences()
    for name in wrong:
        print(f"{name}: differs from SOURCES.json", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
