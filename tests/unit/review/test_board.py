"""A data set as the page shows it, before and after changes."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.review_log import ReviewLog
from actorrec.errors import ArtifactError, DataError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.review import PictureRef, ReviewEntry
from actorrec.review.board import Board
from actorrec.review.changes import Change, Merge, Undo
from review_sets import commit_set, entry, jpeg, sha, small_set


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


@pytest.fixture
def board(store: LocalStore) -> Board:
    return Board(store, small_set(store))


def state(board: Board, number: int) -> list[object]:
    return list(board.everything()["states"][number])


def number_of(board: Board, path: str) -> int:
    return next(number for number, each in enumerate(board.entries) if each.path == path)


def test_the_most_suspicious_come_first_and_nothing_has_changed(board: Board) -> None:
    shown = board.everything()
    suspicions = [row["suspicion"] for row in shown["rows"]]
    assert suspicions == sorted(suspicions, reverse=True) and suspicions[0] == 0.9
    assert [row["id"] for row in shown["rows"]] == list(range(26))
    assert not any(changed for *_, changed in shown["states"])
    assert (shown["undo"], shown["redo"], board.changed()) == (None, None, 0)


def test_a_set_without_pictures_is_an_empty_board(store: LocalStore) -> None:
    shown = Board(store, commit_set(store, {}, [], b"", b"")).everything()
    assert (shown["rows"], shown["states"], shown["people"]) == ([], [], {})


@pytest.mark.parametrize(
    ("change", "person", "outcome"),
    [
        (Change(action="keep", pictures=[0]), "Albert_Einstein", "kept"),
        (Change(action="drop", pictures=[0]), "Albert_Einstein", "dropped"),
        (Change(action="not-them", pictures=[0]), "Albert_Einstein", "dropped"),
        (Change(action="move", pictures=[0], to="Hedy_Lamarr"), "Hedy_Lamarr", "kept"),
        (Change(action="move", pictures=[0], to="Somebody New"), "Somebody New", "kept"),
        (Change(action="pick", pictures=[0], face=3), "Albert_Einstein", "kept"),
    ],
)
def test_a_change_shows_at_once_and_can_be_undone_and_redone(
    board: Board, change: Change, person: str, outcome: str
) -> None:
    before = state(board, 0)
    after = board.change(change)
    assert after["states"][0] == [person, outcome, change.action, 1]
    assert person in after["people"]
    undone = board.undo(Undo(seq=after["undo"]))
    assert undone["states"][0] == before and undone["undo"] is None
    assert board.undo(Undo(seq=undone["redo"]))["states"][0] == after["states"][0]
    assert board.changed() == 1 and board.made == 3


def test_a_picked_face_is_the_chosen_one(board: Board) -> None:
    assert board.detail(0)["chosen"] == 1
    board.change(Change(action="pick", pictures=[0], face=4))
    assert board.detail(0)["chosen"] == 4


def test_a_merge_moves_everything_and_the_merged_person_is_gone(board: Board) -> None:
    after = board.merge(Merge(person_id="Grace_Hopper", to="Hedy_Lamarr"))
    assert "Grace_Hopper" not in after["people"]
    assert sum(person == "Hedy_Lamarr" for person, *_ in after["states"]) == 13
    assert "Grace_Hopper" in board.undo(Undo(seq=after["undo"]))["people"]


def test_a_decision_that_the_data_set_was_built_with_is_no_change(store: LocalStore) -> None:
    first = Board(store, small_set(store))
    first.change(Change(action="keep", pictures=[0]))
    built = [each.model_copy(update={"decided": "keep" if number == 0 else None})
             for number, each in enumerate(first.entries)]  # fmt: skip
    again = Board(store, commit_set(store, {}, built, b"t", b"p"))
    assert again.changed() == 0
    again.undo(Undo(seq=1))
    assert again.changed() == 1


def test_the_second_face_that_is_not_them_either_is_a_change(store: LocalStore) -> None:
    """Built after a first "not them": the same verdict about the face that was chosen instead is news."""
    faces = ((10.0, 10.0, 90.0, 90.0), (100.0, 100.0, 300.0, 300.0))
    log = ReviewLog(store)
    about = {"image_sha256": sha("Ann-1"), "given_person_id": "Ann"}
    log.append("not-them", pictures=[PictureRef(**about, box=faces[0])])
    built = entry("Ann", 1, box=faces[1], boxes=faces, decided="not-them")
    board = Board(store, commit_set(store, {"Ann": "Ann"}, [built], b"t", b"p"))
    assert state(board, 0) == ["Ann", "kept", "not-them", 0]
    board.change(Change(action="not-them", pictures=[0]))
    assert state(board, 0) == ["Ann", "dropped", "not-them", 1]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (Change(action="drop", pictures=[26]), "no such picture"),
        (Change(action="pick", pictures=[0]), "no such face"),
        (Change(action="pick", pictures=[0], face=5), "no such face"),
        (Change(action="pick", pictures=[0, 1], face=1), "one picture at a time"),
        (Change(action="move", pictures=[0]), "needs 'to'"),
        (Change(action="keep", pictures=[0], to="Ann"), "takes no 'to'"),
    ],
)
def test_a_senseless_change_is_refused_and_not_written(board: Board, change: Change, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        board.change(change)
    assert board.history() == [] and board.made == 0


def test_not_them_needs_a_face(board: Board) -> None:
    with pytest.raises(DataError, match="no face was chosen"):
        board.change(Change(action="not-them", pictures=[number_of(board, "Nikola_Tesla/broken.jpg")]))


def test_merging_needs_two_people_who_are_there(board: Board) -> None:
    for person_id, to in (("Nobody", "Hedy_Lamarr"), ("Hedy_Lamarr", "Nobody"), ("Hedy_Lamarr", "Hedy_Lamarr")):
        with pytest.raises(DataError):
            board.merge(Merge(person_id=person_id, to=to))


def test_nothing_is_written_where_the_data_set_is_no_more(store: LocalStore, tmp_path: Path) -> None:
    """A store on a disk that was taken away must not begin anew at the empty place."""
    board = Board(store, small_set(store))
    board.change(Change(action="drop", pictures=[0]))
    tmp_path.rename(tmp_path.with_name("elsewhere"))
    with pytest.raises(ArtifactError, match="no more"):
        board.change(Change(action="drop", pictures=[1]))
    with pytest.raises(ArtifactError, match="no more"):
        board.undo(Undo(seq=1))
    assert not tmp_path.exists() and board.made == 1


def test_a_face_that_was_refused_before_the_build_is_no_change(store: LocalStore) -> None:
    reviewed = entry("Ada", 1, outcome="dropped", reason="reviewed", decided="not-them")
    board = Board(store, commit_set(store, {"Ada": "Ada"}, [reviewed], b"", b""))
    board.change(Change(action="drop", pictures=[0]))
    board.change(Change(action="not-them", pictures=[0]))
    assert state(board, 0) == ["Ada", "dropped", "not-them", 0]
    board.change(Change(action="keep", pictures=[0]))
    assert state(board, 0) == ["Ada", "kept", "keep", 1]


def test_what_shows_no_face_stays_out_whatever_is_said_of_it(board: Board) -> None:
    broken = number_of(board, "Nikola_Tesla/broken.jpg")
    board.change(Change(action="keep", pictures=[broken]))
    assert state(board, broken) == ["Nikola_Tesla", "failed", "keep", 1]
    board.change(Change(action="move", pictures=[broken], to="Hedy_Lamarr"))
    assert state(board, broken) == ["Hedy_Lamarr", "failed", "move", 1]


@pytest.mark.parametrize("name", ["", "  ", "../up", "a/b", "a\\b", ".hidden", "two\nlines", "\u202eback", "x" * 201])
def test_a_name_that_could_not_be_a_folder_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Change(action="move", pictures=[0], to=name)


def test_only_addresses_of_the_web_are_shown_as_links(board: Board) -> None:
    detail = board.detail(next(n for n, each in enumerate(board.entries) if each.author))
    assert (detail["page"], detail["url"]) == (None, "https://example.org/picture.jpg")


def test_pictures_are_those_that_were_built(store: LocalStore) -> None:
    manifest = small_set(store)
    board = Board(store, manifest)
    assert board.picture(0, whole=False).startswith(b"\xff\xd8")
    for missing in (-1, 26):
        with pytest.raises(IndexError):
            board.picture(missing, whole=False)
    with pytest.raises(IndexError):
        board.picture(number_of(board, "Nikola_Tesla/broken.jpg"), whole=True)
    name = board.entries[0].thumb
    store.put_bytes(f"{manifest.ref}/{name}", jpeg("group.jpg", 64))
    with pytest.raises(ArtifactError, match="not the picture that was built"):
        board.picture(0, whole=False)


def test_a_set_of_an_older_version_must_be_built_again(store: LocalStore) -> None:
    manifest = small_set(store)
    older = commit_manifest(
        store, DatasetManifest.model_validate({**manifest.model_dump(), "key": "older", "files": []})
    )
    with pytest.raises(ArtifactError, match="older version") as caught:
        Board(store, older)
    assert "build it again" in caught.value.hint


def test_a_damaged_sheet_is_named(store: LocalStore) -> None:
    manifest = small_set(store)
    store.put_bytes(f"{manifest.ref}/review.json", b"{}")
    with pytest.raises(ArtifactError, match="not a sheet"):
        Board(store, manifest)


def test_what_applies_the_changes_names_the_scraped_set_and_does_not_forget_own_photos(store: LocalStore) -> None:
    def command(*entries: ReviewEntry, inputs: tuple[str, ...] = ("images/abcd",)) -> str:
        manifest = commit_set(store, {"Ada": "Ada"}, entries, b"", b"")
        return Board(store, manifest.model_copy(update={"inputs": dict.fromkeys(inputs, "0" * 64)})).apply_command

    scraped, own = entry("Ada", 1, url="https://example.org/1.jpg"), entry("Ada", 2)
    gone = entry("Ada", 3, outcome="dropped", reason="taken-down", box=None, boxes=())
    assert command(own, inputs=()) == "actorrec build-dataset PHOTOS…"
    assert command(scraped, gone) == "actorrec build-dataset images/abcd"
    assert command(scraped, own) == "actorrec build-dataset images/abcd PHOTOS…"


def test_a_change_by_another_program_is_seen(store: LocalStore) -> None:
    manifest = small_set(store)
    one, other = Board(store, manifest), Board(store, manifest)
    one.change(Change(action="drop", pictures=[3]))
    assert other.everything()["states"][3][1] == "dropped"


def test_entries_have_numbers_by_suspicion_whatever_their_order_in_the_sheet(store: LocalStore) -> None:
    entries = [entry("Ann", 1), entry("Ann", 2, suspicion=0.2), entry("Ben", 1, suspicion=0.7)]
    board = Board(store, commit_set(store, {"Ann": "Ann", "Ben": "Ben"}, entries, b"t", b"p"))
    assert [each.path for each in board.entries] == ["Ben/001.jpg", "Ann/002.jpg", "Ann/001.jpg"]


def test_ids_are_shown_as_names_but_paths_as_they_are(store: LocalStore) -> None:
    odd = entry("Q2", 1, why=("nearer to Q38", "near-duplicate of Q38/Q38_1.jpg", "Q380"))
    board = Board(store, commit_set(store, {"Q38": "Ann A.", "Q2": "Ben"}, [odd], b"t", b"p"))
    assert board.detail(0)["why"] == ["nearer to Ann A.", "near-duplicate of Q38/Q38_1.jpg", "Q380"]
    assert board.everything()["rows"][0]["why"] == board.detail(0)["why"]
