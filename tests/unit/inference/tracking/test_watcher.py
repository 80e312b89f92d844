"""Watching made-up people on a stage, frame by frame."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from actorrec.inference.tracking.sighting import Sighting, TrackedFace
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.sections.device import TrackingSection
from actorrec.types import Frame, RecognisedFace
from tracked_scenes import HEIGHT_PX, WIDTH_PX, Actor, Stage, stage_recogniser

FPS = 10


@dataclass
class Film:
    """A watcher before a stage, and what it said."""

    stage: Stage
    watcher: FaceWatcher
    said: list[Sighting] = field(default_factory=list)
    time_s: float = 0.0

    def run(self, seconds: float, *moves: tuple[Actor, float, float]) -> Sighting:
        """Play; ``moves`` are actors with their px a second, across and down."""
        for _ in range(round(seconds * FPS)):
            for actor, across, down in moves:
                actor.x, actor.y = actor.x + across / FPS, actor.y + down / FPS
            self.said.append(self.watcher.look(self.stage.frame(self.time_s)))
            self.time_s = round(self.time_s + 1 / FPS, 6)
        return self.said[-1]


def film(*actors: Actor, **settings: float) -> Film:
    stage = Stage(list(actors))
    return Film(stage, FaceWatcher(stage_recogniser(stage), TrackingSection(**settings)))


def named(sighting: Sighting) -> dict[int, str | None]:
    return {
        track.track_id: track.prediction.person_id for track in sighting.tracks if track.decided and track.prediction
    }


def near(track: TrackedFace, actor: Actor, most_px: float = 5.0) -> bool:
    return abs(track.face.box.x1 - actor.x) < most_px and abs(track.face.box.y1 - actor.y) < most_px


def test_a_still_scene_is_decided_within_a_second_and_then_costs_no_net() -> None:
    film_ = film(Actor(1, 120, 60))
    assert list(named(film_.run(1.2)).values()) == ["P1"]
    searches, embedded = film_.stage.searches, len(film_.stage.embedded)
    last = film_.run(8)
    assert (len(film_.stage.embedded), film_.stage.searches - searches <= 1) == (embedded, True)
    assert not last.changed
    assert set(last.steps_ms) == {"change"}
    assert last.tracks[0].last_s == pytest.approx(film_.time_s - 1 / FPS)


def test_nobody_for_hours_means_no_searches_but_a_rare_one() -> None:
    film_ = film()
    for hour in range(3):
        film_.time_s = hour * 3600.0
        film_.run(3)
    assert not any(sighting.tracks or sighting.left for sighting in film_.said)
    assert film_.stage.searches <= 8


def test_a_face_that_crosses_the_picture_keeps_its_number_and_its_name() -> None:
    walker = Actor(2, 4, 60)
    film_ = film(walker)
    for _ in range(40):
        said = film_.run(0.1, (walker, 60, 8))
        assert [track.track_id for track in said.tracks] == [1]
        assert near(said.tracks[0], walker)
    assert named(said) == {1: "P2"}
    assert film_.stage.searches <= 10


def test_the_landmarks_move_with_the_box() -> None:
    walker = Actor(2, 40, 60)
    film_ = film(walker, detect_every_s=60)
    film_.run(1.5, (walker, 50, 0))
    face = film_.said[-1].tracks[0].face
    assert film_.stage.searches <= 2
    left_eye = face.landmarks.points[0]
    assert left_eye == pytest.approx([walker.x + 0.3 * 48, walker.y + 0.4 * 48], abs=3)


def test_two_who_cross_keep_their_own_names() -> None:
    left, right = Actor(0, 20, 60), Actor(3, 240, 64)
    film_ = film(left, right)
    assert sorted(named(film_.run(1.2)).values(), key=str) == ["P0", "P3"]
    for _ in range(35):
        said = film_.run(0.1, (left, 60, 0), (right, -60, 0))
        for track in said.tracks:
            if track.decided and track.prediction and near(track, left) != near(track, right):
                assert track.prediction.person_id == ("P0" if near(track, left) else "P3")
    assert sorted(named(film_.run(1.5)).values(), key=str) == ["P0", "P3"]


def test_two_cheek_to_cheek_get_their_names() -> None:
    """Either may be taken for the other in every frame, so each look is asked whose it is; they count all the same."""
    left, right = Actor(0, 120, 60), Actor(1, 150, 60)
    film_ = film(left, right)
    assert named(film_.run(1.5, (left, 4, 0), (right, 4, 0))) == {1: "P0", 2: "P1"}
    for _ in range(20):
        assert named(film_.run(0.1, (left, 4, 0), (right, 4, 0))) == {1: "P0", 2: "P1"}


def test_another_who_comes_to_the_same_place_is_another() -> None:
    actor = Actor(0, 120, 60)
    film_ = film(actor)
    assert named(film_.run(1.5)) == {1: "P0"}
    actor.person = 1
    for _ in range(15):
        said = film_.run(0.1)
        assert "P0" not in named(said).values()
        assert said.tracks == () or said.tracks[0].track_id != 1
    assert list(named(said).values()) == ["P1"]
    assert [track.track_id for each in film_.said for track in each.left] == [1]


def test_another_who_comes_right_after_a_search_is_found_at_once() -> None:
    actor = Actor(0, 60, 60)
    film_ = film(actor)
    film_.run(1.5)
    while not film_.run(0.1, (actor, 20, 0)).detected:
        assert film_.time_s < 5
    actor.person = 1
    assert [(track.track_id, track.looks) for track in film_.run(0.1).tracks] == [(2, 1)]


def test_a_face_that_is_lost_is_not_said_to_be_where_it_was_and_comes_back_under_its_number() -> None:
    actor = Actor(1, 120, 60)
    film_ = film(actor)
    film_.run(1.5)
    film_.stage.actors.clear()
    for _ in range(10):
        said = film_.run(0.1)
        assert (said.tracks, [track.track_id for track in said.lost]) == ((), [1])
    film_.stage.actors.append(actor)
    said = film_.run(0.4)
    assert (named(said), said.lost) == ({1: "P1"}, ())
    assert not any(each.left for each in film_.said)
    film_.stage.actors.clear()
    said = film_.run(2.3)
    assert (said.lost, [track.track_id for each in film_.said for track in each.left]) == ((), [1])


def test_a_lost_face_has_gone_where_another_comes_in_its_place() -> None:
    """One that is so much smaller that it is no pair for it: it would have been there for two seconds more."""
    actor = Actor(1, 120, 40, side=96)
    film_ = film(actor)
    film_.run(1.5)
    film_.stage.actors.clear()
    assert [track.track_id for track in film_.run(0.5).lost] == [1]
    film_.stage.actors.append(Actor(2, 160, 80))
    said = film_.run(0.5)
    assert ([track.track_id for track in said.tracks], said.lost) == ([2], ())
    film_.stage.actors[:] = [actor]
    assert named(film_.run(1.0)) == {1: "P1"}


def test_after_a_cut_faces_are_asked_first_where_faces_were() -> None:
    """Two are asked in a frame that is searched: no larger stranger makes a known one wait without a name."""
    known = [Actor(0, 20, 20), Actor(1, 220, 20)]
    film_ = film(*known)
    assert named(film_.run(1.5)) == {1: "P0", 2: "P1"}
    film_.stage.background = 5
    film_.stage.actors.append(Actor(6, 100, 75, side=80))
    said = film_.run(0.1)
    assert len(said.tracks) == 3
    assert named(said) == {1: "P0", 2: "P1"}


@pytest.mark.parametrize("background", [0, 5], ids=["in-one-place", "after-a-cut"])
def test_a_known_person_who_suddenly_looks_unlike_keeps_the_name(background: int) -> None:
    actor = Actor(0, 120, 60)
    film_ = film(actor)
    # Each is 0.97 like the person, but 0.88 like the other: two people's looks would be.
    film_.stage.poses = {0: (0, 0.25), 5: (0, -0.25)}
    assert named(film_.run(1.5)) == {1: "P0"}
    actor.person, film_.stage.background = 5, background
    for _ in range(20):
        said = film_.run(0.1)
        assert named(said) == ({1: "P0"} if said.tracks else {})
    assert said.tracks


def test_a_stranger_is_decided_to_be_nobody() -> None:
    assert list(named(film(Actor(6, 120, 60)).run(2))) == [1]
    assert list(named(film(Actor(6, 120, 60)).run(2)).values()) == [None]


def test_a_cut_ends_every_track_in_its_frame() -> None:
    actor = Actor(0, 120, 60)
    film_ = film(actor)
    film_.run(1.5)
    actor.person, film_.stage.background = 1, 5
    said = film_.run(0.1)
    assert said.detected
    assert [track.track_id for track in said.tracks] == [2]
    assert not said.tracks[0].decided
    assert list(named(film_.run(1.0)).values()) == ["P1"]
    film_.run(2.5)
    assert [track.track_id for each in film_.said for track in each.left] == [1]


def test_light_off_and_on_brings_the_same_face_back() -> None:
    film_ = film(Actor(1, 120, 60))
    film_.run(1.5)
    film_.stage.background = None
    assert film_.run(1.0).tracks == ()
    film_.stage.background = 0
    assert named(film_.run(0.5)) == {1: "P1"}
    assert not any(each.left for each in film_.said)


def test_light_off_for_longer_lets_the_face_leave() -> None:
    film_ = film(Actor(1, 120, 60))
    film_.run(1.5)
    film_.stage.background = None
    film_.run(2.5)
    assert [(track.track_id, track.latest) for each in film_.said for track in each.left] == [(1, None)]


def test_a_camera_that_is_knocked_keeps_names() -> None:
    actor = Actor(1, 120, 60)
    film_ = film(actor)
    film_.run(1.5)
    actor.x, actor.y = actor.x + 70, actor.y + 30
    assert named(film_.run(0.5)) == {1: "P1"}


def test_one_who_is_missed_by_the_detector_stays_while_followed_and_then_leaves() -> None:
    actor = Actor(1, 60, 60)
    film_ = film(actor)
    film_.run(1.5)
    film_.stage.unseen = {1}
    assert named(film_.run(1.0, (actor, 20, 0))) == {1: "P1"}
    film_.run(6.0, (actor, 20, 0))
    assert film_.said[-1].tracks == ()
    assert [track.track_id for each in film_.said for track in each.left] == [1]


def test_somebody_who_comes_in_is_found_before_the_next_planned_search() -> None:
    film_ = film(detect_every_s=10)
    film_.run(1.0)
    comer = Actor(3, 100, 60)
    film_.stage.actors.append(comer)
    said = film_.run(0.5, (comer, 40, 0))
    assert [near(track, comer) for track in said.tracks] == [True]


def test_motion_that_never_is_a_face_brings_few_searches() -> None:
    leaf = Actor(5, 200, 100)
    film_ = film(Actor(1, 20, 30), leaf)
    film_.stage.unseen = {5}
    for step in range(100):
        film_.run(0.1, (leaf, 90 if step % 10 < 5 else -90, 0))
    assert named(film_.said[-1]) == {1: "P1"}
    assert film_.stage.searches <= 20


def test_a_clock_that_stands_still_or_jumps_back_still_decides() -> None:
    film_ = film(Actor(1, 120, 60))
    for index in range(60):
        said = film_.watcher.look(film_.stage.frame(5.0 if index < 30 else float("nan") if index < 40 else 1.0))
    assert named(said) == {1: "P1"}


def test_frames_that_change_size_or_show_nothing_end_tracks_gracefully() -> None:
    film_ = film(Actor(1, 120, 60))
    film_.run(1.5)
    rng = np.random.default_rng(1)
    film_.stage.background = None
    shapes = ((1, 1), (HEIGHT_PX, WIDTH_PX), (3, 900), (90, 160), (90, 161), (720, 1280), (1, 1), (20, 20))
    for index, (height, width) in enumerate(shapes * 4):
        pixels = (
            rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
            if index % 2
            else np.zeros((height, width, 3), np.uint8)
        )
        film_.said.append(film_.watcher.look(Frame(pixels, "odd", index, 1.5 + index / FPS)))
    assert film_.said[-1].tracks == ()
    assert [track.track_id for each in film_.said for track in each.left] == [1]


def test_a_crowd_is_embedded_a_few_at_a_time_and_bounded() -> None:
    stage = Stage([Actor(6, x, y, 20) for x in range(0, 300, 14) for y in range(0, 160, 13)])
    film_ = Film(stage, FaceWatcher(stage_recogniser(stage), TrackingSection()))
    said = film_.run(1.0)
    assert len(said.tracks) == 100
    assert max(stage.embedded) <= 4


def test_another_bundle_asks_anew_and_keeps_places() -> None:
    film_ = film(Actor(1, 120, 60))
    film_.run(1.5)
    film_.watcher.use(stage_recogniser(film_.stage, known=(0, 2)))
    said = film_.run(0.1)
    assert [(track.track_id, track.decided, track.looks) for track in said.tracks] == [(1, False, 1)]
    assert named(film_.run(1.5)) == {1: None}


def test_other_settings_hold_from_the_next_frame() -> None:
    film_ = film(Actor(1, 120, 60), decide_looks=50)
    assert named(film_.run(1.5)) == {}
    film_.watcher.set(TrackingSection(decide_looks=1))
    assert named(film_.run(0.5)) == {1: "P1"}


def test_looks_are_told_with_their_embeddings() -> None:
    told: list[tuple[str, tuple[int, ...], list[RecognisedFace]]] = []
    stage = Stage([Actor(1, 120, 60)])
    watcher = FaceWatcher(
        stage_recogniser(stage),
        TrackingSection(),
        on_faces=lambda source, pixels, faces: told.append((source, pixels.shape, list(faces))),
    )
    said = Film(stage, watcher).run(0.1)
    assert [(source, shape, len(faces)) for source, shape, faces in told] == [("stage", (HEIGHT_PX, WIDTH_PX, 3), 1)]
    assert said.tracks[0].latest is told[0][2][0]
    assert told[0][2][0].prediction.person_id == "P1"
    assert np.linalg.norm(told[0][2][0].embedding) == pytest.approx(1, abs=1e-5)
