"""More faces than are followed: they are counted, not forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass

from actorrec.inference.event_writer import EventWriter
from actorrec.inference.tracking.tracks import MAX_FACES
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.manifests.events import RunningModel
from actorrec.sections.device import TrackingSection
from actorrec.types import Face, UInt8Image
from tracked_scenes import HEIGHT_PX, WIDTH_PX, Stage, face_at, stage_recogniser


@dataclass
class Crowd(Stage):
    """A stage on which as many are found as a test says."""

    found: Sequence[Face] = ()

    def detect(self, pixels: UInt8Image) -> list[Face]:
        self.searches += 1
        return list(self.found)


def faces(count: int) -> list[Face]:
    return [face_at(number % 20 * WIDTH_PX / 20, number // 20 * HEIGHT_PX / 10, 12.0) for number in range(count)]


def test_faces_that_are_too_many_to_be_followed_are_counted_until_the_next_search_finds_fewer() -> None:
    stage = Crowd(found=faces(130))
    watcher = FaceWatcher(stage_recogniser(stage), TrackingSection())
    seen = watcher.look(stage.frame(0.0))
    assert (len(seen.tracks), seen.more, seen.detected) == (MAX_FACES, 30, True)
    still = watcher.look(stage.frame(0.1))
    assert (len(still.tracks), still.more, still.detected) == (MAX_FACES, 30, False)
    writer = EventWriter("pi-1", RunningModel(model_id="m", bundle="a" * 64), max_bytes=5000)
    event = writer.sighting(seen, stage.frame(0.1), "change", str)
    assert len(event.faces) + event.left_out == 130
    stage.found = faces(90)
    stage.background = 5  # another scene
    assert watcher.look(stage.frame(0.4)).more == 0
