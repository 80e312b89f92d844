"""Copies of a picture are told from other pictures; pictures without much in them too."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from actorrec.scrape.repeats import Repeats, look
from actorrec.types import UInt8Image


def repeats(*pictures: UInt8Image) -> Repeats:
    taken = Repeats(6)
    for number, picture in enumerate(pictures):
        seen = look(picture)
        taken.add((f"stored {number}", f"came {number}"), seen.phash, seen.colours)
    return taken


@pytest.fixture
def blots() -> UInt8Image:
    """A picture of 150 × 120 px with large patches of different colours."""
    colours = np.random.default_rng(1).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(colours).resize((150, 120), Image.Resampling.BICUBIC))


def card(colour: tuple[int, int, int], text: str = "") -> UInt8Image:
    picture = np.full((120, 160, 3), colour, np.uint8)
    cv2.putText(picture, text, (10, 70), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
    return picture


def saved_again(picture: UInt8Image, quality: int, scale: float = 1.0) -> UInt8Image:
    out = io.BytesIO()
    image = Image.fromarray(picture)
    image.resize((round(image.width * scale), round(image.height * scale))).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


def test_nothing_is_a_repeat_of_nothing(blots: UInt8Image) -> None:
    assert repeats().reason(("a", "b"), look(blots)) == ""


@pytest.mark.parametrize("digest", ["stored 0", "came 0"])
def test_the_same_bytes_as_they_came_or_as_stored(blots: UInt8Image, digest: str) -> None:
    assert repeats(blots).reason(("other", digest), look(card((0, 0, 0)))) == "duplicate"


@pytest.mark.parametrize("change", [(90, 1.0), (25, 1.0), (80, 0.5), (80, 2.0)])
def test_saved_again_or_resized_it_is_the_same(blots: UInt8Image, change: tuple[int, float]) -> None:
    assert repeats(blots).reason(("x",), look(saved_again(blots, *change))) == "near-duplicate"


def test_mirrored_it_is_the_same(blots: UInt8Image) -> None:
    assert repeats(blots).reason(("x",), look(np.ascontiguousarray(blots[:, ::-1]))) == "near-duplicate"


@pytest.mark.parametrize("text", ["", "Ann 1"])
def test_a_card_of_another_colour_is_another_picture(text: str) -> None:
    colours = ((200, 30, 30), (30, 30, 200), (30, 160, 30), (255, 255, 255), (0, 0, 0), (128, 128, 128), (200, 200, 30))
    taken = repeats()
    for colour in colours:
        assert taken.reason(("x",), look(card(colour, text))) == "", colour
        seen = look(card(colour, text))
        taken.add((str(colour),), seen.phash, seen.colours)
    assert taken.reason(("x",), look(saved_again(card(colours[0], text), 95))) == "near-duplicate"


def test_real_photos_are_none_of_them_repeats_but_their_copies_are(test_data: Path) -> None:
    folder = test_data / "actors" / "Mel_Gibson"
    photos = [np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.jpg"))]
    assert len(photos) >= 10
    taken = repeats()
    for number, photo in enumerate(photos):
        seen = look(photo)
        assert taken.reason((f"{number}",), seen) == "", number
        taken.add((f"{number}",), seen.phash, seen.colours)
    for photo in photos:
        assert taken.reason(("x",), look(saved_again(photo, 40, 0.5))) == "near-duplicate"
