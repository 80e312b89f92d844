"""What a scraper left in a folder: who it is, and which record belongs to which file."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from actorrec.dataset.folder_records import FolderRecords, read_records
from actorrec.errors import DataError
from actorrec.manifests.images import RECORDS_NAME, ScrapedImage


def record(file: str, person_id: str, digit: str = "a") -> ScrapedImage:
    return ScrapedImage(
        file=file, person_id=person_id, source="commons", url="https://e.example/1", width_px=9, height_px=9, bytes=9,
        sha256=digit * 64, source_sha256="0" * 64, phash="0" * 16, fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "person_id", "name"),
    [
        ("Ada_Lovelace_Q7259", "Q7259", "Ada Lovelace"),
        ("Ada_Lovelace_Q7259_0123abcd", "Q7259", "Ada Lovelace"),
        ("Tobey_Maguire_tmdb-2219", "tmdb-2219", "Tobey Maguire"),
        ("Zoë_Saldaña", "Zoë Saldaña", "Zoë Saldaña"),
        ("Zoë_Saldaña_0123abcd", "Zoë Saldaña", "Zoë Saldaña"),
        ("Somebody_Else", "nm0000138", "Somebody Else"),
        ("Q7259", "Q7259", "Q7259"),
    ],
)
def test_the_name_is_what_the_folder_says_without_the_id(folder: str, person_id: str, name: str) -> None:
    person = FolderRecords("renamed", (record(f"{folder}/x.jpg", person_id),)).person
    assert (person.person_id, person.name) == (person_id, name)


def test_content_counts_before_the_name() -> None:
    one, two = record("Ada_Q1/a.jpg", "Q1", "a"), record("Ada_Q1/deep/b.jpg", "Q1", "b")
    records = FolderRecords("Ada_Q1", (one, two))
    assert records.of("a.jpg", "a" * 64) == one
    assert records.of("a.jpg", "b" * 64) == two, "files that changed names"
    assert records.of("deep/b.jpg", "c" * 64) == two, "a file that was edited"
    assert records.of("mine.jpg", "c" * 64) is None
    assert records.of("a.jpg", None) == one


def test_a_folder_without_records_is_the_users_own(tmp_path: Path) -> None:
    assert read_records(tmp_path) is None
    (tmp_path / RECORDS_NAME).write_bytes(b"")
    assert read_records(tmp_path) is None


def test_records_that_are_no_file_are_an_error(tmp_path: Path) -> None:
    (tmp_path / RECORDS_NAME).mkdir()
    with pytest.raises(DataError, match="no regular file"):
        read_records(tmp_path)
