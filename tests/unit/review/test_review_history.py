"""What undo and redo mean after any row of changes, undos and redos."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actorrec.artifacts.review_log import decisions
from actorrec.manifests.review import PictureRef, ReviewEvent
from actorrec.review.history import redoable, standing, told, undoable

PICTURE = PictureRef(image_sha256="a" * 64, given_person_id="Ann")


def log_of(*said: tuple[str, Any]) -> list[ReviewEvent]:
    """Events: ("drop", None), ("undo", 1), …"""
    events = []
    for number, (action, about) in enumerate(said, 1):
        fields = {"undoes": about} if action == "undo" else {"pictures": (PICTURE,)}
        event = {"seq": number, "at": datetime.now(UTC), "action": action, **fields}
        events.append(ReviewEvent.model_validate(event))
    return events


def test_an_empty_log_has_nothing_to_undo_or_redo() -> None:
    assert (undoable([]), redoable([]), standing([]), told([], {})) == (None, None, set(), [])


def test_undo_goes_back_one_by_one_and_redo_forth() -> None:
    changes = [("drop", None), ("keep", None), ("drop", None)]
    assert undoable(log_of(*changes)) == 3
    twice = [*changes, ("undo", 3), ("undo", 2)]
    assert undoable(log_of(*twice)) == 1
    assert redoable(log_of(*twice)) == 5, "the change undone last comes back first"
    once_again = [*twice, ("undo", 5)]
    assert undoable(log_of(*once_again)) == 2
    assert redoable(log_of(*once_again)) == 4
    assert redoable(log_of(*once_again, ("undo", 4))) is None


def test_a_new_change_ends_redo() -> None:
    assert redoable(log_of(("drop", None), ("undo", 1))) == 2
    assert redoable(log_of(("drop", None), ("undo", 1), ("keep", None))) is None


def test_the_history_says_what_was_done_to_whom() -> None:
    events = log_of(("drop", None), ("undo", 1))
    events.append(ReviewEvent(seq=3, at=datetime.now(UTC), action="move", pictures=(PICTURE, PICTURE), to="Ben"))
    events.append(ReviewEvent(seq=4, at=datetime.now(UTC), action="merge", person_id="Ann", to="new"))
    lines = told(events, {"Ann": "Ann A.", "Ben": "Ben B."})
    assert [(line["seq"], line["text"], line["undone_by"]) for line in lines] == [
        (4, "merged Ann A. into new", None),
        (3, "moved 2 pictures of Ann A. to Ben B.", None),
        (1, "dropped 1 picture of Ann A.", 2),
    ]


@given(st.lists(st.sampled_from(["drop", "keep", "u", "r"]), max_size=30))
def test_pressing_undo_and_redo_walks_one_line_of_changes(pressed: list[str]) -> None:
    """The log against a plain stack of what is done and what is undone."""
    events: list[ReviewEvent] = []
    done: list[str] = []
    undone: list[str] = []
    for key in pressed:
        target = undoable(events) if key == "u" else redoable(events) if key == "r" else None
        if key == "u":
            assert (target is None) == (not done)
            if done:
                undone.append(done.pop())
        elif key == "r":
            assert (target is None) == (not undone)
            if undone:
                done.append(undone.pop())
        else:
            done.append(key)
            undone.clear()
        if key in ("u", "r") and target is None:
            continue
        said = ("undo", target) if key in ("u", "r") else (key, None)
        events += [log_of(*[("keep", None)] * len(events), said)[-1]]
        held = decisions(events).verdict(PICTURE.image_sha256, "Ann")
        assert held == (done[-1] if done else None)
