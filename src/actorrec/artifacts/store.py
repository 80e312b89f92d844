"""The store protocol: what every place that holds artifacts can do.

Names are '/'-separated and relative: ``kind/key/file``. An artifact exists once ``kind/key/manifest.json`` does.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from actorrec.manifests.base import FileRecord
from actorrec.progress import Step


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a store, as a listing knows it.

    Attributes:
        name: Full name in the store.
        written_at: When it was last written, by the store's own clock.
    """

    name: str
    bytes: int
    written_at: datetime


class ArtifactStore(Protocol):
    """A place for artifacts. One contract suite (tests/contract/test_stores.py) runs over every implementation."""

    @property
    def uri(self) -> str:
        """As the user would name it."""
        ...

    def put_bytes(self, name: str, data: bytes) -> FileRecord:
        """Write a file whole or not at all; replaces an uncommitted one.

        Returns:
            A record whose name is relative to the artifact (without ``kind/key/``).

        Raises:
            ArtifactError: If it cannot be written (read-only, disk full, no access).
        """
        ...

    def put_file(self, name: str, path: Path) -> FileRecord:
        """Like ``put_bytes`` for a file of this machine, streamed."""
        ...

    def put_files(self, items: Iterable[tuple[str, bytes | Path]], step: Step) -> list[FileRecord]:
        """Write many files, several at a time; those that are there with the same content may be left as they are.

        Args:
            items: (name, content or a file of this machine); taken one by one, so that few are in memory.
            step: Told of each that is there.

        Returns:
            Records as of ``put_bytes``, in the order of the items.
        """
        ...

    def read_bytes(self, name: str) -> bytes:
        """Read a file.

        Raises:
            ArtifactError: If it does not exist or cannot be read.
        """
        ...

    def local_path(self, name: str) -> Path:
        """A path on this machine that holds the file (a store far away downloads it first)."""
        ...

    def fetch_files(self, names: Iterable[str], step: Step) -> list[Path]:
        """``local_path`` of many files, several at a time, in the order of the names."""
        ...

    def exists(self, name: str) -> bool:
        """Whether a file is there."""
        ...

    def holds(self, name: str, sha256: str) -> bool:
        """Whether a file is there with that content, as far as the store knows without reading it from far away."""
        ...

    def sha256(self, name: str) -> str:
        """SHA-256 hex of a file's bytes, read anew from where they are.

        Raises:
            ArtifactError: If it does not exist or cannot be read.
        """
        ...

    def commit(self, name: str, data: bytes) -> bool:
        """Write a file only if it does not exist yet; returns False, changing nothing, if it does."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Every file whose name starts with ``prefix + '/'``, sorted."""
        ...

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Like ``names``, with sizes and times; an empty prefix lists all."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Keep other commands on this store from the same work; waits its turn."""
        ...

    def try_lock(self, name: str) -> AbstractContextManager[bool]:
        """Like ``lock``, without waiting; says whether it is held."""
        ...
