"""A folder of this machine for files that are fetched but not decided; a killed run finds them again."""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.artifacts.whole_file import DISK_HINTS, write_whole
from actorrec.errors import ArtifactError, ItemError
from actorrec.home import home
from actorrec.manifests.base import Record
from actorrec.scrape.older import OlderEdition, unless_changed
from actorrec.scrape.protocols import Candidate, Fetcher

_FORGOTTEN_AFTER_S: Final = 7 * 24 * 3600.0


class Fetched(Record):
    """What is known of a file that was fetched.

    Attributes:
        url: Where redirects led, if it was fetched.
        source_sha256: Where the file is what an older edition stored: of the bytes as they came then.
    """

    fetched_at: datetime
    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    source_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class WorkFiles:
    """Files of one candidate of a person.

    Attributes:
        source: The file as it came.
        note: ``Fetched``, written once ``source`` is whole.
        stored: What is to go into the store.
    """

    person_id: str
    source: Path
    note: Path
    stored: Path

    def remove(self) -> None:
        """Remove them all."""
        for path in (self.note, self.source, self.stored):  # the note first: it vouches for the source
            path.unlink(missing_ok=True)


class WorkFolder:
    """See ``open_work_folder``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def files(self, person_id: str, url: str) -> WorkFiles:
        """Where the files of a candidate lie."""
        name = hashlib.sha256(f"{person_id}\n{url}".encode("utf-8", "backslashreplace")).hexdigest()[:32]
        return WorkFiles(person_id, *(self._root / f"{name}.{kind}" for kind in ("source", "json", "stored")))

    async def fetch(self, candidate: Candidate, files: WorkFiles, fetcher: Fetcher, older: OlderEdition) -> Fetched:
        """Fetch a candidate of a person, unless an earlier run did or an older edition has it unchanged.

        Raises:
            ItemError: As ``Fetcher.download``.
            ArtifactError: If the folder takes no more.
        """
        with contextlib.suppress(FileNotFoundError, ValidationError):
            return Fetched.model_validate_json(files.note.read_bytes())
        known = older.find(files.person_id, candidate.url)
        headers = {**candidate.headers, **unless_changed(known)}
        try:
            download = await fetcher.download(candidate.url, files.source, headers=headers or None)
        except ItemError as error:
            if known is None or error.reason != "http-304":
                raise
            write_whole(files.source, older.read(known))
            told = Fetched(
                fetched_at=datetime.now(UTC),
                etag=known.etag,
                last_modified=known.last_modified,
                source_sha256=known.source_sha256,
            )
        else:
            told = Fetched(
                fetched_at=datetime.now(UTC),
                url=download.url,
                etag=download.etag,
                last_modified=download.last_modified,
            )
        write_whole(files.note, told.model_dump_json().encode())
        return told


@contextmanager
def open_work_folder(cache_dir: Path | None, purpose: str) -> Iterator[WorkFolder]:
    """The folder of one piece of work; gone after a block that ended well.

    Args:
        cache_dir: Where it lies; the user's cache folder by default.
        purpose: Tells pieces of work apart.

    Raises:
        ArtifactError: If it cannot be made.
    """
    root = _root(cache_dir, purpose)
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.utime(root)
        _remove_forgotten(root.parent)
        for partial in root.glob(".partial-*"):
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_work(root, error) from None
    yield WorkFolder(root)
    shutil.rmtree(root, ignore_errors=True)


def remove_work_folder(cache_dir: Path | None, purpose: str) -> None:
    """Remove what a run left that was killed as its work was done; arguments as ``open_work_folder`` takes them."""
    shutil.rmtree(_root(cache_dir, purpose), ignore_errors=True)


def _root(cache_dir: Path | None, purpose: str) -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME") or home() / ".cache") / "actorrec"
    name = hashlib.sha256(purpose.encode("utf-8", "backslashreplace")).hexdigest()[:24]
    return (cache_dir or caches) / "scrape" / name


def cannot_work(folder: Path, error: OSError) -> ArtifactError:
    """The error of a work folder that cannot be written."""
    hint = DISK_HINTS.get(error.errno or 0, "set fetch.cache_dir to a folder of yours")
    return ArtifactError(f"cannot write to the work folder {folder}: {error.strerror or error}", hint=hint)


def _remove_forgotten(parent: Path) -> None:
    """Remove what killed runs left that nobody started again."""
    for folder in parent.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _FORGOTTEN_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)
