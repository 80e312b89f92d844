"""Whose face is picked once reviewers have spoken."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from made_faces import candidate, person_vectors

from actorrec.artifacts.review_log import Decisions, decisions
from actorrec.dataset.candidates import Candidate, Examined
from actorrec.dataset.given import Given
from actorrec.dataset.photos import Photo
from actorrec.dataset.pick import Picked, pick_faces
from actorrec.errors import ItemError
from actorrec.manifests.review import Box, PictureRef, ReviewAction, ReviewEvent

MINE, OTHERS = person_vectors(4, 0), person_vectors(4, 1)


def face_at(left: float, vector: np.ndarray, side: float = 100) -> Candidate:
    return replace(candidate(vector, side), box=(left, 0, left + side, side))


ALONE = [Examined(f"{n}" * 64, 400, 300, 0, 0, (face_at(0, MINE[n]),)) for n in (1, 2)]
COUPLE = Examined("a" * 64, 400, 300, 0, 0, (face_at(0, OTHERS[0]), face_at(200, MINE[0], 80)))
PHOTOS = [Photo("Ann", f"Ann/{each.sha256[0]}.jpg", Path(), each.sha256) for each in (*ALONE, COUPLE)]
SEEN = {each.sha256: each for each in (*ALONE, COUPLE)}
LEFT, RIGHT = (face.box for face in COUPLE.faces)


def said(action: ReviewAction, sha256: str = "a" * 64, box: Box | None = None, to: str | None = None) -> ReviewEvent:
    ref = PictureRef(image_sha256=sha256, given_person_id="Ann", box=box)
    return ReviewEvent(seq=1, at=datetime(2026, 1, 1, tzinfo=UTC), action=action, pictures=(ref,), to=to)


def picked(*events: ReviewEvent, photos: list[Photo] = PHOTOS) -> Picked:
    held = decisions([event.model_copy(update={"seq": seq}) for seq, event in enumerate(events, 1)])
    owners = [held.owner(photo.sha256 or "", photo.person_id) for photo in photos]
    return pick_faces(Given(photos), owners, SEEN, held)


def test_nothing_given_is_nothing_picked() -> None:
    assert pick_faces(Given([]), [], {}, Decisions()) == Picked()


def test_without_a_reviewer_the_face_that_agrees_is_picked() -> None:
    found = picked()
    assert [found.picks[row].face.box for row in range(3)] == [(0, 0, 100, 100), (0, 0, 100, 100), RIGHT]
    assert not any(pick.keep or pick.is_them for pick in found.picks.values())


def test_a_picked_face_is_taken_and_not_doubted_also_when_its_box_moved_a_little() -> None:
    found = picked(said("pick", box=(3.0, -2.0, 98.0, 101.0)))
    assert (found.picks[2].face.box, found.picks[2].is_them, found.picks[2].keep) == (LEFT, True, False)


def test_a_pick_that_is_nowhere_is_told_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    found = picked(said("pick", box=(300.0, 200.0, 380.0, 280.0)))
    assert (found.picks[2].face.box, found.picks[2].is_them) == (RIGHT, False)
    assert "not found any more" in caplog.text


def test_a_face_that_is_not_them_is_never_chosen() -> None:
    assert picked(said("not-them", box=RIGHT)).picks[2].face.box == LEFT
    found = picked(said("not-them", box=RIGHT), said("not-them", box=LEFT))
    assert 2 not in found.picks and 2 not in found.left_out
    assert (found.verdicts[2].outcome, found.verdicts[2].reason) == ("dropped", "reviewed")


def test_a_dropped_photo_says_nothing_of_the_others_but_its_face_is_shown() -> None:
    found = picked(said("drop"))
    assert sorted(found.picks) == [0, 1]
    assert (found.left_out[2].face.box, found.verdicts[2].reason) == (RIGHT, "reviewed")
    everything = picked(*(said("drop", photo.sha256 or "") for photo in PHOTOS))
    assert (everything.picks, sorted(everything.left_out)) == ({}, [0, 1, 2])


def test_a_moved_photo_is_judged_among_the_other_persons() -> None:
    theirs = Examined("b" * 64, 400, 300, 0, 0, (face_at(0, OTHERS[1]),))
    SEEN["b" * 64] = theirs
    photos = [*PHOTOS, Photo("Ben", "Ben/b.jpg", Path(), "b" * 64)]
    found = picked(said("move", to="Ben"), photos=photos)
    assert (found.picks[2].person_id, found.picks[2].face.box) == ("Ben", LEFT)


def test_one_file_twice_is_one_picture_even_if_it_is_kept() -> None:
    photos = [*PHOTOS, Photo("Ann", "Ann/again.jpg", Path(), "a" * 64)]
    found = picked(said("keep"), photos=photos)
    assert found.twins == {3} and found.verdicts[3].detail == "the same file as Ann/a.jpg"
    assert found.picks[2].keep
    dropped = picked(said("drop"), photos=photos)
    assert dropped.twins == {3} and sorted(dropped.left_out) == [2]


def test_what_is_taken_down_was_left_out_and_what_is_broken_failed() -> None:
    photos = [
        Photo("Ann", "Ann/x.jpg", Path(), None, ItemError("taken-down", "it is on the takedown list")),
        Photo("Ann", "Ann/y.jpg", Path(), None, ItemError("empty", "the file is empty")),
    ]
    found = picked(photos=photos)
    assert [(v.outcome, v.reason) for v in found.verdicts.values()] == [("dropped", "taken-down"), ("failed", "empty")]
