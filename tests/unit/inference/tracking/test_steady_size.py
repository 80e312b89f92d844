"""A camera that changes the size of its frames while it shows the same."""

import dataclasses
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from actorrec.inference.tracking.sighting import Sighting
from actorrec.inference.tracking.steady_size import SteadySize, scaled
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.sections.device import TrackingSection
from actorrec.types import Face, Frame, UInt8Image
from tracked_scenes import HEIGHT_PX, WIDTH_PX, Actor, Stage, stage_recogniser


@dataclass
class ResizedStage(Stage):
    """A stage before a camera with a size of its own."""

    times: float = 1.0

    def frame(self, time_s: float) -> Frame:
        frame = super().frame(time_s)
        size_wh = (round(WIDTH_PX * self.times), round(HEIGHT_PX * self.times))
        pixels = np.asarray(cv2.resize(frame.pixels, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
        return dataclasses.replace(frame, pixels=pixels)

    def detect(self, pixels: UInt8Image) -> list[Face]:
        times = np.full(2, pixels.shape[1] / WIDTH_PX, np.float32)
        return [scaled(face, times) for face in super().detect(pixels)]


def watched(stage: ResizedStage, sizes: tuple[float, ...], frames: int, across: float = 0.0) -> list[Sighting]:
    """Play, each frame in the next of the sizes; the actor goes on by so many px a frame."""
    watcher, said = FaceWatcher(stage_recogniser(stage), TrackingSection()), []
    for index in range(frames):
        stage.times = sizes[index % len(sizes)]
        stage.actors[0].x += across
        said.append(watcher.look(stage.frame(index / 10)))
    return said


@pytest.mark.parametrize("sizes", [(1.0, 2.0), (1.0, 1.5, 2.0), (2.0, 4.0)], ids=["two", "three", "one-grey-size"])
@pytest.mark.parametrize("across", [0.0, 3.0], ids=["still", "moving"])
def test_a_face_is_followed_and_named_though_each_frame_has_another_size(
    sizes: tuple[float, ...], across: float
) -> None:
    stage = ResizedStage([Actor(1, 60, 60)])
    said = watched(stage, sizes, 30, across)
    last = said[-1]
    assert [
        (track.track_id, track.decided, track.prediction and track.prediction.person_id) for track in last.tracks
    ] == [(said[0].tracks[0].track_id, True, "P1")]
    assert last.tracks[0].face.box.x1 / stage.times == pytest.approx(stage.actors[0].x, abs=4)
    assert last.tracks[0].face.box.width_px / stage.times == pytest.approx(48, rel=0.1)


def test_places_are_right_in_the_first_frame_of_another_size() -> None:
    stage = ResizedStage([Actor(1, 60, 60)])
    watcher = FaceWatcher(stage_recogniser(stage), TrackingSection())
    for index in range(10):
        stage.times = 2.0 if index < 9 else 4.0
        said = watcher.look(stage.frame(index / 10))
    assert not said.detected
    assert [track.face.box.x1 for track in said.tracks] == [pytest.approx(240, abs=8)]


def test_another_shape_is_another_view_and_a_small_first_frame_costs_no_later_one_its_sharpness() -> None:
    sizes = SteadySize()
    shapes = [(90, 160), (360, 640), (90, 160), (720, 1280), (480, 640), (481, 641)]
    seen = [sizes.look(np.zeros((height, width, 3), np.uint8)) for height, width in shapes]
    assert [None if times is None else times.tolist() for _, times in seen[:5]] == [
        None,
        [4, 4],
        [0.25, 0.25],
        [8, 8],
        None,
    ]
    assert [grey.pixels.shape for grey, _ in seen] == [
        (90, 160), (360, 640), (360, 640), (360, 640), (480, 640), (480, 640)
    ]  # fmt: skip
    assert seen[5][1] is not None
    assert seen[2][0].scale_xy.tolist() == [4, 4]
