"""What a reviewer says on the page is what the next build does, and the page then has nothing left to say."""

import shutil
from pathlib import Path

import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.review.board import Board
from actorrec.review.changes import Change, Merge, Undo
from review_sets import EXAMPLES


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four people with one portrait each; in one folder a group picture of five faces too."""
    folder = tmp_path / "photos"
    shutil.copytree(EXAMPLES / "people", folder)
    shutil.copyfile(EXAMPLES / "group.jpg", folder / "Grace_Hopper" / "group.jpg")
    shutil.copyfile(EXAMPLES / "strangers" / "Eileen_Collins.jpg", folder / "Hedy_Lamarr" / "stranger.jpg")
    return folder


def built(store: LocalStore, photos: Path) -> Board:
    return Board(store, build_dataset([photos], Config(), store=store))


def number_of(board: Board, name: str) -> int:
    return next(number for number, entry in enumerate(board.entries) if entry.path.endswith(name))


def test_every_action_is_applied_and_none_is_left_over(tmp_path: Path, photos: Path) -> None:
    store = LocalStore(tmp_path / "store")
    first = built(store, photos)
    group, stranger = number_of(first, "group.jpg"), number_of(first, "stranger.jpg")
    assert len(first.entries[group].boxes) == 5
    first.change(Change(action="pick", pictures=[group], face=4))
    first.change(Change(action="move", pictures=[stranger], to="Eileen Collins"))
    first.change(Change(action="drop", pictures=[number_of(first, "lecture_1921.jpg")]))
    first.change(Change(action="keep", pictures=[number_of(first, "official_1984.jpg")]))
    first.change(Change(action="not-them", pictures=[number_of(first, "publicity_1944.jpg")]))
    first.merge(Merge(person_id="Hans_Gude", to="Nikola_Tesla"))
    shown = {entry.path: state[:2] for entry, state in zip(first.entries, first.standing()["states"], strict=True)}
    assert first.changed() == 6

    second = built(store, photos)
    assert second.manifest.key != first.manifest.key
    assert second.changed() == 0, second.standing()["states"]
    applied = {entry.path: [entry.person_id, entry.outcome] for entry in second.entries}
    assert applied == shown
    assert second.detail(number_of(second, "group.jpg"))["chosen"] == 4
    assert "Hans_Gude" not in second.everything()["people"]
    assert {face.person_id for face in second.manifest.faces} == {"Eileen Collins", "Grace_Hopper", "Nikola_Tesla"}

    for event in range(6, 0, -1):
        second.undo(Undo(seq=event))
    again = built(store, photos)
    assert again.manifest.key == first.manifest.key, "with everything undone it is the first data set again"
    assert again.changed() == 0
