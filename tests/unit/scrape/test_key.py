"""What makes another set of pictures, and what does not."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.rights.takedown import Takedown
from actorrec.scrape.key import edition_keys


def keys(takedown: Takedown | None = None, **sections: dict[str, Any]) -> list[str]:
    return list(islice(edition_keys(Config.model_validate(sections), takedown or Takedown()), 3))


def test_each_edition_has_its_own() -> None:
    assert len(set(keys())) == 3
    assert keys() == keys()


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("scrape", {"top": 99}),
        ("scrape", {"images": 99}),
        ("scrape", {"people": "tmdb"}),
        ("scrape", {"images_from": ["tmdb", "commons"]}),
        ("scrape", {"size": "medium"}),
        ("scrape", {"cast_of": "The Room"}),
        ("sources", {"commons_width_px": 500}),
        ("fetch", {"max_pixels": 1000}),
    ],
)
def test_what_is_asked_for_makes_another(section: str, values: dict[str, Any]) -> None:
    assert set(keys(**{section: values})).isdisjoint(keys())


@pytest.mark.parametrize(
    ("section", "values"),
    [("sources", {"tmdb_key": "secret"}), ("fetch", {"connections": 2, "contact": "me@example.org"})],
)
def test_who_asks_and_how_fast_makes_no_other(section: str, values: dict[str, Any]) -> None:
    assert keys(**{section: values}) == keys()


def test_a_takedown_makes_another() -> None:
    assert keys(Takedown(people=frozenset({"ann"}))) != keys()


def test_files_count_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = tmp_path / "names.txt"
    names.write_text("Ann\n")
    specs = (f"file:{names}", str(names))
    before = [keys(scrape={"people": spec}) for spec in specs]
    names.write_text("Bob\n")
    after = [keys(scrape={"people": spec}) for spec in specs]
    assert all(old != new for old, new in zip(before, after, strict=True))
    names.write_text("Ann\n")
    assert [keys(scrape={"people": spec}) for spec in specs] == before
    monkeypatch.chdir(tmp_path)
    bare = keys()
    (tmp_path / "wikidata").write_text("a file that happens to be called so")
    assert keys() == bare


def test_a_folder_counts_by_its_names_and_bytes(tmp_path: Path) -> None:
    spec = {"images_from": [f"folder:{tmp_path}"]}
    seen = [keys(scrape=spec)]
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann" / "a.jpg").write_bytes(b"1")
    seen.append(keys(scrape=spec))
    (tmp_path / "Ann" / "a.jpg").write_bytes(b"2")
    seen.append(keys(scrape=spec))
    (tmp_path / "Ann" / "a.jpg").rename(tmp_path / "Ann" / "b.jpg")
    seen.append(keys(scrape=spec))
    assert len({tuple(each) for each in seen}) == 4


def test_a_folder_may_hold_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "\udcff.jpg").write_bytes(b"picture")
    assert len(set(keys(scrape={"images_from": [f"folder:{tmp_path}"]}))) == 3
