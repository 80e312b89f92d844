"""Following faces by optical flow, on drawn patterns and on a real face."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from actorrec.faces.detectors import default_detector_spec, make_detector
from actorrec.inference.tracking.follow import follow_faces
from actorrec.inference.tracking.grey import GreyFrame, grey_frame
from actorrec.types import Face, UInt8Image
from tracked_scenes import face_at, noisy, pattern, scenery

GROUP = Path(__file__).resolve().parents[4] / "examples/group.jpg"


def scene(person: int | None, x: float, y: float, zoom: float = 1.0, turn_deg: float = 0.0) -> UInt8Image:
    """A person whose 48 px face has its corner at (x, y) before zoom and turn around its middle."""
    picture = scenery(1).copy()
    if person is not None:
        matrix = cv2.getRotationMatrix2D((24, 24), turn_deg, zoom)
        matrix[:, 2] += (x, y)
        cv2.warpAffine(pattern(person), matrix, (320, 180), dst=picture, borderMode=cv2.BORDER_TRANSPARENT)
    return noisy(picture, np.random.default_rng(5), 2)


def grey(picture: UInt8Image) -> GreyFrame:
    return grey_frame(picture)


@pytest.mark.parametrize(("across", "down"), [(0.0, 0.0), (3.3, -2.0), (11.0, 4.0)])
def test_a_face_that_moved_is_where_it_moved_to(across: float, down: float) -> None:
    face = face_at(100, 60)
    moved = follow_faces(grey(scene(1, 100, 60)), grey(scene(1, 100 + across, 60 + down)), [face])[0]
    assert moved is not None
    assert (moved.box.x1, moved.box.y1) == pytest.approx((100 + across, 60 + down), abs=0.8)
    assert moved.landmarks.points == pytest.approx(face.landmarks.points + np.float32([across, down]), abs=0.8)
    assert moved.score == face.score


def test_zoom_and_turn_move_the_landmarks() -> None:
    moved = follow_faces(grey(scene(1, 100, 60)), grey(scene(1, 100, 60, 1.1, 8)), [face_at(100, 60)])[0]
    assert moved is not None
    assert moved.box.width_px == pytest.approx(48 * 1.1, abs=1.5)
    eyes = moved.landmarks.points[1] - moved.landmarks.points[0]
    assert np.degrees(np.arctan2(eyes[1], eyes[0])) == pytest.approx(-8, abs=1.5)


@pytest.mark.parametrize(("person", "x"), [(None, 0.0), (2, 100.0), (1, 230.0)], ids=["gone", "another", "far"])
def test_who_cannot_be_followed_is_lost(person: int | None, x: float) -> None:
    assert follow_faces(grey(scene(1, 100, 60)), grey(scene(person, x, 60)), [face_at(100, 60)]) == [None]


def test_two_at_once_each_with_their_own_way() -> None:
    both = [scene(1, 40, 60), scene(1, 46, 60)]
    for picture, x in zip(both, (200, 195), strict=True):
        picture[70:118, x : x + 48] = pattern(2)
    first, second = follow_faces(grey(both[0]), grey(both[1]), [face_at(40, 60), face_at(200, 70)])
    assert first is not None
    assert second is not None
    assert (first.box.x1, second.box.x1) == pytest.approx((46, 195), abs=0.8)


def test_one_who_walks_out_is_lost_at_the_edge() -> None:
    face: Face | None = face_at(20, 60)
    before, steps = grey(scene(1, 20, 60)), 0
    while face is not None and steps < 30:
        steps += 1
        after = grey(scene(1, 20 - 4 * steps, 60))
        face, before = follow_faces(before, after, [face])[0], after
    assert 5 <= steps <= 12


def test_no_faces_tiny_frames_and_other_sizes() -> None:
    tiny = grey(np.zeros((1, 1, 3), np.uint8))
    assert follow_faces(tiny, tiny, []) == []
    assert follow_faces(tiny, tiny, [face_at(0, 0)]) == [None]
    assert follow_faces(tiny, grey(scene(1, 0, 0)), [face_at(0, 0)]) == [None]
    outside = face_at(5000, -900)
    assert follow_faces(grey(scene(1, 0, 0)), grey(scene(1, 0, 0)), [outside]) == [None]


def test_a_black_or_noisy_frame_loses_the_face() -> None:
    start, dark = grey(scene(1, 100, 60)), grey(np.zeros((180, 320, 3), np.uint8))
    noise = grey(np.random.default_rng(1).integers(0, 256, (180, 320, 3), dtype=np.uint8))
    assert follow_faces(start, dark, [face_at(100, 60)]) == [None]
    assert follow_faces(dark, dark, [face_at(100, 60)]) == [None]
    assert follow_faces(start, noise, [face_at(100, 60)]) == [None]


def test_drift_over_two_seconds_of_a_real_film_is_bounded() -> None:
    photo = np.asarray(Image.open(GROUP).convert("RGB"), np.uint8)
    detector = make_detector(default_detector_spec("mtcnn"))

    def view(index: int) -> UInt8Image:
        zoom, x, y = 1 + 0.008 * index, 6.0 * index, 1.5 * index
        matrix = np.array([[zoom, 0, -x], [0, zoom, -y]])
        return noisy(np.asarray(cv2.warpAffine(photo, matrix, (1280, 384)), np.uint8), np.random.default_rng(index), 3)

    before = view(0)
    starts = detector.detect(before)
    assert len(starts) >= 3
    faces: list[Face | None] = list(starts)
    for index in range(1, 21):
        after = view(index)
        faces = [follow_faces(grey(before), grey(after), [face])[0] if face else None for face in faces]
        before = after
    for face, start in zip(faces, starts, strict=True):
        assert face is not None
        true = 1.16 * start.landmarks.points - np.float32([120, 30])
        assert np.abs(face.landmarks.points - true).max() < 0.05 * start.box.height_px
