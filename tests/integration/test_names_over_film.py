"""Names over a film of known truth, with the shipped nets and the example people: real photos, one a person."""

from itertools import pairwise
from pathlib import Path

import pytest

from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.draft import open_stored
from actorrec.enrolment.enrol import enrol
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.progress import SilentProgress
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from composed_stream import FPS, Appearance, ComposedStream, PhotoCuts, Truth

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOPPER = (EXAMPLES / "people/Grace_Hopper/official_1984.jpg",)
STRANGER = (EXAMPLES / "strangers/Eileen_Collins.jpg",)

UNDECIDED = "?"


@pytest.fixture(scope="module")
def recogniser(tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    store = open_store(str(tmp_path_factory.mktemp("store")))
    people = {folder.name: sorted(folder.glob("*.jpg")) for folder in sorted((EXAMPLES / "people").iterdir())}
    done = enrol(store, Config(), people, progress=SilentProgress())
    return load_recogniser(open_stored(store, done.manifest), num_threads=1)


def said_of(recogniser: Recogniser, stream: ComposedStream) -> list[list[str | None]]:
    """What is said of each appearance, by frame: a person, None for unknown, ``?`` where nothing is decided."""
    watcher = FaceWatcher(recogniser, Config().tracking)
    said: list[list[str | None]] = [[] for _ in stream.appearances]
    for frame, truth in stream:
        tracks = watcher.look(frame).tracks
        names = [each.prediction.person_id for each in tracks if each.decided and each.prediction]
        assert len(set(names) - {None}) == len([name for name in names if name is not None])
        for each in truth:
            near = [track for track in tracks if _covers(track.face.box.x1, track.face.box.x2, each)]
            answer = near[0] if near else None
            decided = answer is not None and answer.decided and answer.prediction is not None
            said[each.appearance].append(answer.prediction.person_id if decided else UNDECIDED)  # type: ignore[union-attr]
    return said


def _covers(x1: float, x2: float, truth: Truth) -> bool:
    return truth.box.x1 < (x1 + x2) / 2 < truth.box.x2


def changes(said: list[str | None]) -> int:
    answers = said[next((index for index, each in enumerate(said) if each != UNDECIDED), len(said)) :]
    return sum(before != after for before, after in pairwise(answers))


def test_names_stand_and_a_stranger_has_none(recogniser: Recogniser) -> None:
    plot = [
        Appearance("Grace_Hopper", HOPPER, 0.0, 2.0),
        Appearance("Grace_Hopper", HOPPER, 3.0, 2.0, "left", scene=1),
        Appearance(None, STRANGER, 3.0, 2.0, "right", scene=1),
    ]
    first, again, stranger = said_of(recogniser, ComposedStream(plot, PhotoCuts(recogniser.detector), seed=3))
    assert [first[-1], again[-1], stranger[-1]] == ["Grace_Hopper", "Grace_Hopper", None]
    assert [changes(each) for each in (first, again, stranger)] == [0, 0, 0]


def test_a_stranger_in_the_place_of_somebody_known_loses_the_name_within_a_second(recogniser: Recogniser) -> None:
    """The same background, the same place, from one frame to the next: the hardest cut there is."""
    plot = [Appearance("Grace_Hopper", HOPPER, 0.0, 2.0), Appearance(None, STRANGER, 2.0, 2.0)]
    known, stranger = said_of(recogniser, ComposedStream(plot, PhotoCuts(recogniser.detector), seed=4))
    assert known[-1] == "Grace_Hopper"
    assert "Grace_Hopper" not in stranger[round(FPS) :]
    assert stranger[-1] is None


def test_a_film_can_be_written_and_is_as_it_was(recogniser: Recogniser, tmp_path: Path) -> None:
    import cv2

    stream = ComposedStream([Appearance(None, STRANGER, 0.2, 0.3)], PhotoCuts(recogniser.detector), seed=5)
    truths = stream.write(tmp_path / "film.avi")
    assert [len(each) for each in truths] == [0, 0, 1, 1, 1]
    film = cv2.VideoCapture(str(tmp_path / "film.avi"))
    frames = [film.read()[1] for _ in truths]
    film.release()
    again = [frame.pixels for frame, _ in stream]
    assert all(abs(a[..., ::-1].astype(int) - b.astype(int)).mean() < 6 for a, b in zip(frames, again, strict=True))
    assert all((a == frame.pixels).all() for a, (frame, _) in zip(again, stream, strict=True))
