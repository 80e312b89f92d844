"""The store protocol: what every place that holds artifacts can do.

Names are '/'-separated and relative: ``kind/key/file``. An artifact exists once ``kind/key/manifest.json`` does.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from actorrec.manifests.base import FileRecord


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

    def read_bytes(self, name: str) -> bytes:
        """Read a file.

        Raises:
            ArtifactError: If it does not exist or cannot be read.
        """
        ...

    def local_path(self, name: str) -> Path:
        """A path on this machine that holds the file (a store far away downloads it first)."""
        ...

    def exists(self, name: str) -> bool:
        """Whether a file is there."""
        ...

    def commit(self, name: str, data: bytes) -> bool:
        """Write a file only if it does not exist yet; returns False, changing nothing, if it does."""
        ...

    def names(self, prefix: str) -> Iterator[str]:
        """Every file whose name starts with ``prefix + '/'``, sorted."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file; nothing happens if it is not there."""
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Keep other commands on this store from the same work; waits its turn."""
        ...
