"""A camera that is too slow for names is told of, once."""

import pytest

from actorrec.inference.sparse_frames import SparseFrames
from actorrec.inference.troubles import Troubles
from actorrec.sections import TrackingSection


@pytest.mark.parametrize(
    ("settings", "told"),
    [(TrackingSection(), True), (TrackingSection(forget_s=12), False), (TrackingSection(decide_looks=1), False)],
    ids=["as it is", "longer", "one look"],
)
def test_frames_far_apart_are_told_of_where_nobody_gets_a_name(settings: TrackingSection, told: bool) -> None:
    said: list[str] = []
    frames = SparseFrames(Troubles(said.append))
    for at_s in (0.0, 0.1, 0.2, 10.0, 10.1, 20.0, 30.0, 30.1, 40.0, 51.0):
        frames.came(at_s, settings)
    assert said == []
    for at_s in (62.0, 73.5, 84.0):
        frames.came(at_s, settings)
    assert len(said) == told and all("nobody gets a name" in line for line in said)
    frames.came(84.5, settings)
    assert said[1:] == (["the camera's pace: in order again"] if told else [])


def test_of_a_camera_that_is_looked_at_no_more_nothing_is_left() -> None:
    said: list[str] = []
    troubles = Troubles(said.append)
    frames = SparseFrames(troubles)
    for at_s in (0.0, 10.0, 20.0, 30.0, float("nan")):
        frames.came(at_s, TrackingSection())
    assert said[1:] == ["the camera's pace: in order again"]
    for at_s in (40.0, 50.0, 60.0, 70.0):
        frames.came(at_s, TrackingSection())
    assert len(troubles.lines) == 1
    frames.close()
    assert troubles.lines == [] and len(said) == 3
