"""What is drawn, and that nothing is while nobody watches."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actorrec.inference.preview.painter import UNDECIDED, Look, Painter, paint, said_of
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.types import BoundingBox, Face, Landmarks, Prediction, UInt8Image
from actorrec.vision.draw import NAMED, UNKNOWN
from patience import PATIENCE_S, eventually


def grey(width: int = 640, height: int = 360, level: int = 120) -> UInt8Image:
    return np.full((height, width, 3), level, np.uint8)


def tracked(person: str | None, *, decided: bool = True, box: tuple[float, ...] = (100, 100, 200, 220)) -> TrackedFace:
    face = Face(BoundingBox(*box), Landmarks(np.zeros((5, 2), np.float32)), 0.9)
    return TrackedFace(1, face, decided, Prediction(person, 0.6, 1.0, person), (), 0.0, 0.0, 3)


def decoded(jpeg: bytes | None) -> UInt8Image:
    assert jpeg is not None
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture.convert("RGB"))


@pytest.fixture
def painter() -> Any:
    made = Painter(fps=30)
    made.start()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("track", "said"),
    [
        (tracked("Q1"), ("named", "Zoë 99%")),
        (tracked(None), ("unknown", "unknown")),
        (tracked("Q1", decided=False), ("undecided", "…")),
        (tracked(None, decided=False), ("undecided", "…")),
    ],
    ids=["named", "unknown", "undecided", "stranger"],
)
def test_what_is_said_of_a_face(track: TrackedFace, said: tuple[str, str]) -> None:
    assert said_of(track, lambda person_id: "Zoë") == said


@pytest.mark.parametrize(
    ("track", "colour"),
    [(tracked("Q1"), NAMED), (tracked(None), UNKNOWN), (tracked("Q1", decided=False), UNDECIDED)],
    ids=["named", "unknown", "undecided"],
)
def test_each_kind_has_its_colour(track: TrackedFace, colour: tuple[int, int, int]) -> None:
    drawn = decoded(paint(Look(grey(), [track], lambda person_id: "Łukasz 王")))
    assert drawn.shape == (360, 640, 3)
    around = drawn[75:225, 95:205].reshape(-1, 3).astype(int)
    nearest = {each: int(np.abs(around - each).sum(axis=1).min()) for each in (NAMED, UNKNOWN, UNDECIDED)}
    assert min(nearest, key=lambda each: nearest[each]) == colour


def test_the_frame_itself_is_left_alone() -> None:
    pixels = grey()
    pixels.flags.writeable = False
    paint(Look(pixels, [tracked("Q1")], str))
    assert (pixels == 120).all()


def test_a_large_frame_is_made_smaller_and_its_boxes_with_it() -> None:
    track = tracked(None, box=(1200.0, 600.0, 1800.0, 1200.0))
    drawn = decoded(paint(Look(grey(3840, 2160), [track], str)))
    assert drawn.shape == (540, 960, 3)
    assert np.abs(drawn[299:302, 350].astype(int) - UNKNOWN).sum(axis=1).min() < 60


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 2000), (960, 1)])
def test_a_frame_of_any_size(size_wh: tuple[int, int]) -> None:
    decoded(paint(Look(grey(*size_wh), [tracked("Q1"), tracked(None)], str)))


def test_nothing_is_drawn_while_nobody_watches(painter: Painter) -> None:
    asked: list[str] = []

    def shown_name(person_id: str) -> str:
        asked.append(person_id)
        return person_id

    for _ in range(100):
        painter.offer(Look(grey(), [tracked("Q1")], shown_name))
    assert asked == []
    with painter.watch() as watching:
        decoded(watching.next(PATIENCE_S))
    assert asked == ["Q1"]


def test_the_newest_look_wins(painter: Painter) -> None:
    for level in range(200):
        painter.offer(Look(grey(level=level), (), str))
    with painter.watch() as watching:
        assert decoded(watching.next(PATIENCE_S))[0, 0, 0] == 199


def test_who_comes_later_is_not_shown_what_was_drawn_for_others(painter: Painter) -> None:
    painter.offer(Look(grey(level=10), (), str))
    with painter.watch() as watching:
        assert decoded(watching.next(PATIENCE_S))[0, 0, 0] == 10
    painter.offer(Look(grey(level=200), (), str))
    with painter.watch() as watching:
        assert decoded(watching.next(PATIENCE_S))[0, 0, 0] == 200


def test_one_picture_is_drawn_for_all(painter: Painter) -> None:
    asked: list[str] = []
    painter.offer(Look(grey(), [tracked("Q1")], lambda person_id: asked.append(person_id) or "x"))
    with painter.watch() as one, painter.watch() as other:
        assert one.next(PATIENCE_S) == other.next(PATIENCE_S)
        assert one.next(0.2) is None, "there is no newer one"
    assert asked == ["Q1"]


def test_a_look_that_cannot_be_drawn_ends_nothing(painter: Painter) -> None:
    def torn(person_id: str) -> str:
        raise ValueError(person_id)

    painter.offer(Look(grey(), [tracked("Q1")], torn))
    with painter.watch() as watching:
        assert eventually(lambda: painter.failed) == "cannot draw: ValueError"
        assert watching.next(0.0) is None
        painter.offer(Look(grey(), [tracked("Q1")], str))
        decoded(watching.next(PATIENCE_S))
    assert painter.failed == ""


def test_closing_wakes_who_waits_and_lets_the_frame_go(painter: Painter) -> None:
    painter.offer(Look(grey(), (), str))
    with painter.watch() as watching:
        watching.next(PATIENCE_S)
        painter.close()
        assert watching.next(PATIENCE_S) is None
    assert painter.newest is None


def test_closed_before_it_was_started() -> None:
    Painter(fps=5).close()
