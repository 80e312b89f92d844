"""The log of what reviewers said: nothing is lost, undone events do not count."""

import itertools
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.review_log import Decisions, ReviewLog, decisions
from actorrec.errors import ArtifactError, DataError
from actorrec.manifests.review import Box, PictureRef, ReviewAction, ReviewEvent

SHA = {letter: (letter * 64) for letter in "abc"}
LEFT: Box = (1.0, 2.0, 31.0, 42.0)
RIGHT: Box = (51.5, 2.0, 81.0, 42.0)
PAIRS = [(SHA[letter], person) for letter in "abc" for person in ("Ann", "Ben", "Cid")]


def picture(letter: str = "a", given_in: str = "Ann", box: Box | None = None) -> PictureRef:
    return PictureRef(image_sha256=SHA[letter], given_person_id=given_in, box=box)


def log_of(*said: tuple[ReviewAction, dict[str, Any]]) -> list[ReviewEvent]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [ReviewEvent(seq=seq, at=at, action=action, **more) for seq, (action, more) in enumerate(said, 1)]


def about(action: ReviewAction, ref: PictureRef, **more: Any) -> tuple[ReviewAction, dict[str, Any]]:
    return action, {"pictures": (ref,), **more}


def merged(person_id: str, to: str) -> tuple[ReviewAction, dict[str, Any]]:
    return "merge", {"person_id": person_id, "to": to}


def undone(seq: int) -> tuple[ReviewAction, dict[str, Any]]:
    return "undo", {"undoes": seq}


# --- the log


def test_an_empty_store_has_no_events_and_decides_nothing(tmp_path: Path) -> None:
    log = ReviewLog(LocalStore(tmp_path / "none"))
    held = decisions(log.events())
    assert log.events() == []
    assert held.owner(SHA["a"], "Ann") == "Ann"
    assert (held.verdict(SHA["a"], "Ann"), held.picked(SHA["a"], "Ann"), held.not_them(SHA["a"], "Ann")) == (
        None,
        None,
        (),
    )
    assert held.digest(PAIRS) == Decisions().digest([])


def test_what_is_appended_is_read_back_in_order_by_another_reader(tmp_path: Path) -> None:
    log = ReviewLog(LocalStore(tmp_path))
    written = [
        log.append("drop", pictures=[picture()]),
        log.append("move", pictures=[picture("b")], to="  Ben "),
        log.append("merge", person_id="Cid", to="Zoe\u0308"),
        log.append("undo", undoes=1),
    ]
    assert ReviewLog(LocalStore(tmp_path)).events() == written == log.events()
    assert [event.seq for event in written] == [1, 2, 3, 4]
    assert (written[1].to, written[2].to) == ("Ben", "Zo\u00eb"), "as folders are named: NFC, no blanks around"
    assert sorted(path.name for path in (tmp_path / "review" / "log").iterdir())[0] == "00000001.json"


def test_writers_at_the_same_time_take_a_number_each(tmp_path: Path) -> None:
    def write(letter: str) -> None:
        log = ReviewLog(LocalStore(tmp_path))
        for _ in range(12):
            log.append("keep", pictures=[picture(letter)])

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = ReviewLog(LocalStore(tmp_path)).events()
    assert [event.seq for event in events] == list(range(1, 37))
    for letter in "abc":
        assert sum(event.pictures[0].image_sha256 == SHA[letter] for event in events) == 12


def test_an_open_log_sees_what_another_one_added(tmp_path: Path) -> None:
    one, other = ReviewLog(LocalStore(tmp_path)), ReviewLog(LocalStore(tmp_path))
    one.append("keep", pictures=[picture()])
    assert other.append("drop", pictures=[picture()]).seq == 2
    assert [event.action for event in one.events()] == ["keep", "drop"]


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"action": "undo", "undoes": 7}, "no event 7"),
        ({"action": "undo"}, "needs 'undoes'"),
        ({"action": "merge", "person_id": "Ann", "to": "Ann"}, "into itself"),
        ({"action": "merge", "to": "Ann"}, "needs 'person_id'"),
        ({"action": "move", "pictures": [picture()]}, "needs 'to'"),
        ({"action": "move", "pictures": [picture()], "to": "  "}, "needs 'to'"),
        ({"action": "move", "to": "Ben"}, "needs 'pictures'"),
        ({"action": "keep"}, "needs 'pictures'"),
        ({"action": "keep", "pictures": [picture()], "to": "Ben"}, "takes no 'to'"),
        ({"action": "pick", "pictures": [picture()]}, "box"),
        ({"action": "not-them", "pictures": [picture(box=LEFT), picture("b")]}, "box"),
        ({"action": "move", "pictures": [picture()], "to": "x" * 201}, "to: String should have at most 200"),
        ({"action": "burn", "pictures": [picture()]}, "action: "),
    ],
)
def test_a_senseless_event_is_refused_and_not_written(tmp_path: Path, said: dict[str, Any], complaint: str) -> None:
    log = ReviewLog(LocalStore(tmp_path))
    with pytest.raises(DataError, match=complaint):
        log.append(**said)
    assert log.events() == []


def test_a_damaged_event_is_named(tmp_path: Path) -> None:
    ReviewLog(LocalStore(tmp_path)).append("keep", pictures=[picture()])
    (tmp_path / "review" / "log" / "00000002.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"review/log/00000002\.json") as caught:
        ReviewLog(LocalStore(tmp_path)).events()
    assert "move it away" in caught.value.hint


@pytest.mark.parametrize("copy", ["00000002.json", "1.json"])
def test_an_event_under_another_number_is_named(tmp_path: Path, copy: str) -> None:
    """Two events of one number would be undone together."""
    ReviewLog(LocalStore(tmp_path)).append("keep", pictures=[picture()])
    folder = tmp_path / "review" / "log"
    (folder / copy).write_bytes((folder / "00000001.json").read_bytes())
    with pytest.raises(ArtifactError, match=copy) as caught:
        ReviewLog(LocalStore(tmp_path)).events()
    assert "it says that it is number 1" in caught.value.message


# --- what holds


def test_keep_and_drop_replace_each_other() -> None:
    events = log_of(about("keep", picture()), about("drop", picture()))
    assert decisions(events[:1]).verdict(SHA["a"], "Ann") == "keep"
    assert decisions(events).verdict(SHA["a"], "Ann") == "drop"
    assert decisions(events).verdict(SHA["a"], "Ben") is None, "the same picture in another folder is another one"


def test_an_undo_of_an_undo_brings_the_event_back() -> None:
    events = log_of(about("drop", picture()), undone(1), undone(2), undone(3))
    verdicts = [decisions(events[:count]).verdict(SHA["a"], "Ann") for count in range(5)]
    assert verdicts == [None, "drop", None, "drop", None]


def test_not_them_gathers_faces_and_a_pick_takes_one_back() -> None:
    events = log_of(
        about("not-them", picture(box=RIGHT)), about("not-them", picture(box=LEFT)), about("pick", picture(box=RIGHT))
    )
    held = decisions(events[:2])
    assert (held.not_them(SHA["a"], "Ann"), held.picked(SHA["a"], "Ann")) == ((LEFT, RIGHT), None)
    held = decisions(events)
    assert (held.not_them(SHA["a"], "Ann"), held.picked(SHA["a"], "Ann")) == ((LEFT,), RIGHT)
    held = decisions([*events, *log_of(*[undone(1)] * 3, about("not-them", picture(box=RIGHT)))[3:]])
    assert (held.not_them(SHA["a"], "Ann"), held.picked(SHA["a"], "Ann")) == ((LEFT, RIGHT), None)


def test_a_pick_brings_a_dropped_picture_back_and_not_them_ends_a_keep() -> None:
    assert (
        decisions(log_of(about("drop", picture()), about("pick", picture(box=LEFT)))).verdict(SHA["a"], "Ann") is None
    )
    held = decisions(log_of(about("keep", picture(box=LEFT)), about("not-them", picture(box=LEFT))))
    assert (held.verdict(SHA["a"], "Ann"), held.picked(SHA["a"], "Ann")) == (None, None)


def test_a_move_is_a_fresh_start_with_the_face_it_names() -> None:
    events = log_of(
        about("not-them", picture(box=LEFT)), about("drop", picture()), about("move", picture(box=LEFT), to="Ben")
    )
    held = decisions(events)
    assert held.owner(SHA["a"], "Ann") == "Ben"
    assert (held.verdict(SHA["a"], "Ann"), held.not_them(SHA["a"], "Ann")) == (None, ())
    assert (held.picked(SHA["a"], "Ann"), held.last_action(SHA["a"], "Ann")) == (LEFT, "move")
    assert held.owner(SHA["b"], "Ann") == "Ann"


def test_merges_are_followed_to_the_end_and_after_moves() -> None:
    held = decisions(log_of(merged("Ann", "Ben"), merged("Ben", "Cid"), about("move", picture("b", "Dan"), to="Ann")))
    assert [held.person(name) for name in ("Ann", "Ben", "Cid", "Dan")] == ["Cid", "Cid", "Cid", "Dan"]
    assert (held.owner(SHA["a"], "Ann"), held.owner(SHA["b"], "Dan")) == ("Cid", "Cid")


def test_of_merges_in_a_circle_the_last_says_who_stays() -> None:
    held = decisions(log_of(merged("Ann", "Ben"), merged("Ben", "Cid"), merged("Cid", "Ann")))
    assert {held.person(name) for name in ("Ann", "Ben", "Cid")} == {"Ann"}


def test_the_digest_sees_what_touches_the_pictures_and_nothing_else() -> None:
    mine, other = [(SHA["a"], "Ann"), ("", "Ann")], [(SHA["b"], "Ben")]
    drop = decisions(log_of(about("drop", picture())))
    assert drop.digest(mine) != Decisions().digest(mine)
    assert drop.digest(other) == Decisions().digest(other)
    assert drop.digest(mine) == drop.digest([*mine, *other]) == drop.digest([*mine[::-1], *mine])
    assert (drop.touching(mine), drop.touching(other)) == (1, 0)
    merge = decisions(log_of(merged("Ann", "Ben")))
    assert (merge.touching(mine), merge.touching(other)) == (2, 0), "also the file that could not be read"


# --- what holds of any log

refs = st.builds(picture, st.sampled_from("abc"), st.sampled_from(["Ann", "Ben"]), st.sampled_from([LEFT, RIGHT]))
people = st.sampled_from(["Ann", "Ben", "Cid", "Dan"])
said = st.one_of(
    st.builds(about, st.sampled_from(["keep", "drop", "pick", "not-them"]), refs),
    st.builds(lambda ref, to: about("move", ref, to=to), refs, people),
    st.builds(merged, people, people),
    st.builds(undone, st.integers(1, 12)),
)
logs = st.lists(said, max_size=12).map(lambda each: log_of(*each))


@given(logs)
def test_undoing_everything_leaves_nothing_decided(events: list[ReviewEvent]) -> None:
    last = len(events)
    undos = log_of(*itertools.repeat(undone(1), last), *(undone(seq) for seq in range(last, 0, -1)))[last:]
    assert decisions([*events, *undos]) == Decisions()


@given(logs, st.randoms())
def test_the_numbers_count_not_the_order_of_reading(events: list[ReviewEvent], random: Any) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)
    assert decisions(shuffled) == decisions(events)


@given(logs, st.data())
def test_an_undo_is_as_if_the_event_had_never_been(events: list[ReviewEvent], data: st.DataObject) -> None:
    plain = [event for event in events if event.action != "undo"]
    if not plain:
        return
    gone = data.draw(st.sampled_from(plain))
    at = gone.at
    undo = ReviewEvent(seq=99, at=at, action="undo", undoes=gone.seq)
    assert decisions([*plain, undo]) == decisions([event for event in plain if event != gone])
    again = ReviewEvent(seq=100, at=at, action="undo", undoes=99)
    assert decisions([*plain, undo, again]) == decisions(plain)


@given(logs)
def test_pictures_do_not_touch_each_other(events: list[ReviewEvent]) -> None:
    plain = [event for event in events if event.action not in ("undo", "merge")]
    for sha256, person in PAIRS:
        alone = [e for e in plain if (e.pictures[0].image_sha256, e.pictures[0].given_person_id) == (sha256, person)]
        assert decisions(plain).digest([(sha256, person)]) == decisions(alone).digest([(sha256, person)])


@given(logs)
def test_merges_always_end_with_somebody_who_stays(events: list[ReviewEvent]) -> None:
    held = decisions(events)
    for person in ("Ann", "Ben", "Cid", "Dan"):
        assert held.person(held.person(person)) == held.person(person)
