"""Boxes and labels at any picture size."""

import numpy as np
import pytest

from actorrec.types import BoundingBox
from actorrec.vision.draw import NAMED, UNKNOWN, BoxLabel, draw_boxes
from actorrec.vision.label_font import load_font, without_accents


def test_no_labels_leave_the_picture_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 70, 3), np.uint8)
    drawn = draw_boxes(picture, [])
    assert np.array_equal(drawn, picture)
    assert not np.shares_memory(drawn, picture)


def test_the_source_is_left_alone_and_the_box_lies_where_it_was_asked_for() -> None:
    picture = np.zeros((200, 320, 3), np.uint8)
    drawn = draw_boxes(picture, [BoxLabel(BoundingBox(100, 80, 180, 170), "Ada 97%")])
    assert not picture.any()
    assert tuple(drawn[125, 100]) == NAMED
    assert not drawn[90:160, 110:170].any()


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200), (200, 3), (24, 24), (640, 360), (1920, 1080)])
@pytest.mark.parametrize("text", ["Ada 97%", "", "日本の俳優", "a\nb\x00", "ع" * 5, "W" * 200])
def test_any_text_fits_any_picture(size_wh: tuple[int, int], text: str) -> None:
    width, height = size_wh
    picture = np.zeros((height, width, 3), np.uint8)
    boxes = [BoundingBox(-50, -50, 30, 30), BoundingBox(width - 5, height - 5, width + 90, height + 90)]
    drawn = draw_boxes(picture, [BoxLabel(box, text, UNKNOWN) for box in boxes])
    assert drawn.shape == picture.shape


@pytest.mark.parametrize("x1", [-30.0, 0.0, 250.0, 319.0])
@pytest.mark.parametrize("y1", [-30.0, 0.0, 100.0, 199.0])
def test_a_label_is_whole_wherever_the_box_is(x1: float, y1: float) -> None:
    picture = np.zeros((200, 320, 3), np.uint8)
    middle = draw_boxes(picture, [BoxLabel(BoundingBox(100, 80, 150, 130), "Ada 97%")])
    drawn = draw_boxes(picture, [BoxLabel(BoundingBox(x1, y1, x1 + 50, y1 + 50), "Ada 97%")])
    white = [(each.min(axis=2) > 200).sum() for each in (middle, drawn)]
    assert white[0] > 20
    assert white[1] == pytest.approx(white[0], rel=0.2)


def test_labels_of_two_near_faces_do_not_cover_each_other() -> None:
    picture = np.zeros((200, 320, 3), np.uint8)
    boxes = [BoundingBox(100, 80, 140, 120), BoundingBox(110, 82, 150, 122)]
    one = draw_boxes(picture, [BoxLabel(boxes[0], "Ada 97%")])
    both = draw_boxes(picture, [BoxLabel(box, "Ada 97%") for box in boxes])
    assert (both.min(axis=2) > 200).sum() > 1.7 * (one.min(axis=2) > 200).sum()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Zoë Kravitz", "Zoe Kravitz"),
        ("Łukasz Żal", "Lukasz Zal"),
        ("Ångström-Ørsted", "Angstrom-Orsted"),
        ("東", "東"),
    ],
)
def test_accents_can_be_left_off(text: str, plain: str) -> None:
    assert without_accents(text) == plain


def test_a_font_is_found_for_any_text() -> None:
    for text in ("", "Ada", "Zoë", "東京", "a\nb"):
        font, line = load_font(text, 12)
        assert font is not None
        assert "\n" not in line
