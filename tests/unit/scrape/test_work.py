"""Files that are fetched but not decided outlive a kill."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from offered import MemoryFetcher

from actorrec.artifacts.local import LocalStore
from actorrec.errors import ArtifactError
from actorrec.scrape.older import OlderEdition
from actorrec.scrape.protocols import Candidate
from actorrec.scrape.work import Fetched, WorkFolder, open_work_folder

URL = "https://a.org/1.jpg"


def fetch(work: WorkFolder, fetcher: MemoryFetcher) -> Fetched:
    none = OlderEdition(LocalStore(Path("nowhere")), None)
    return asyncio.run(work.fetch(Candidate("test", URL), work.files("Q1", URL), fetcher, none))


def test_what_a_killed_run_fetched_is_not_fetched_again(tmp_path: Path) -> None:
    fetcher = MemoryFetcher({URL: b"picture"})
    with pytest.raises(KeyboardInterrupt), open_work_folder(tmp_path, "this") as work:
        first = fetch(work, fetcher)
        raise KeyboardInterrupt
    with open_work_folder(tmp_path, "this") as work:
        assert fetch(work, fetcher) == first
        assert work.files("Q1", URL).source.read_bytes() == b"picture"
        assert fetcher.asked == [URL]
        assert not work.files("Q2", URL).source.exists()
    assert not list((tmp_path / "scrape").iterdir())


def test_half_a_file_is_fetched_again(tmp_path: Path) -> None:
    fetcher = MemoryFetcher({URL: b"picture"})
    with open_work_folder(tmp_path, "this") as work:
        files = work.files("Q1", URL)
        files.source.write_bytes(b"pict")
        fetch(work, fetcher)
        assert files.source.read_bytes() == b"picture"
        files.note.write_bytes(b'{"fetched_at')
        fetch(work, fetcher)
    assert fetcher.asked == [URL] * 2


def test_what_nobody_went_on_with_is_removed(tmp_path: Path) -> None:
    for purpose in ("old", "new"):
        with pytest.raises(KeyboardInterrupt), open_work_folder(tmp_path, purpose) as work:
            fetch(work, MemoryFetcher({URL: b"picture"}))
            raise KeyboardInterrupt
    folders = sorted((tmp_path / "scrape").iterdir(), key=lambda folder: folder.stat().st_mtime)
    long_ago = time.time() - 8 * 24 * 3600
    os.utime(folders[0], (long_ago, long_ago))
    with open_work_folder(tmp_path, "another"):
        assert not folders[0].exists()
        assert folders[1].exists()


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "scrape").write_bytes(b"")
    with pytest.raises(ArtifactError, match="work folder") as caught, open_work_folder(tmp_path, "this"):
        pass
    assert "fetch.cache_dir" in caught.value.hint
