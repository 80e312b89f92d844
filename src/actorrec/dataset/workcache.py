"""Results of pictures already looked at, kept in the store until the artifact is committed."""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from typing import Final

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.batches import DamagedBatchError, pack, unpack
from actorrec.dataset.candidates import Examined, Looked, Pictures
from actorrec.manifests.base import FileRecord

logger = logging.getLogger(__name__)
# A file of a batch costs one flush to disk (4 ms); a kill loses at most this much work.
_BATCH_PICTURES: Final = 24
_BATCH_BYTES: Final = 8 * 2**20


class WorkCache:
    """Batches of examined pictures under ``<artifact>/<folder>/``; one writer at a time.

    Args:
        store: Where the artifact will live.
        artifact: ``kind/key``.
        folder: ``unfinished`` where they go once the artifact is there; another where they are its files.
    """

    def __init__(self, store: ArtifactStore, artifact: str, folder: str = "unfinished") -> None:
        self._store, self._prefix, self._folder = store, f"{artifact}/{folder}", folder
        self._batch_of: dict[str, str] = {}
        self._records: dict[str, FileRecord] = {}
        self._waiting: list[Looked] = []

    def load(self) -> dict[str, Examined]:
        """Everything that an earlier run finished, by SHA-256 of the picture."""
        found: dict[str, Examined] = {}
        for name in list(self._store.names(self._prefix)):
            data = self._store.read_bytes(name)
            try:
                batch = list(unpack(data, with_pictures=False))
            except DamagedBatchError as error:
                logger.warning("%s is damaged (%s); its pictures are looked at again", name, error)
                self._store.delete(name)
                continue
            inside = f"{self._folder}/{name.rpartition('/')[2]}"
            self._records[name] = FileRecord(name=inside, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
            for examined, _ in batch:
                found[examined.sha256] = examined
                self._batch_of[examined.sha256] = name
        return found

    def add(self, examined: Examined, pictures: Pictures) -> None:
        """Keep one picture; written with the next full batch."""
        self._waiting.append((examined, pictures))
        size = sum(len(crop) for _, waiting in self._waiting for crop in waiting.crops)
        if len(self._waiting) >= _BATCH_PICTURES or size >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        members = " ".join(sorted(examined.sha256 for examined, _ in self._waiting))
        name = f"{self._prefix}/{hashlib.sha256(members.encode()).hexdigest()[:20]}.npz"
        self._records[name] = self._store.put_bytes(name, pack(self._waiting))
        self._batch_of.update({examined.sha256: name for examined, _ in self._waiting})
        self._waiting = []

    def files(self) -> list[FileRecord]:
        """Every batch that was written or found, by name."""
        return [self._records[name] for name in sorted(self._records)]

    def pictures(self, wanted: Iterable[str]) -> Iterator[tuple[str, Pictures]]:
        """The JPEGs of each picture, named by its SHA-256; one batch in memory at a time."""
        by_batch: dict[str, set[str]] = {}
        for sha256 in wanted:
            by_batch.setdefault(self._batch_of[sha256], set()).add(sha256)
        for name, members in by_batch.items():
            for examined, pictures in unpack(self._store.read_bytes(name), with_pictures=True):
                if examined.sha256 in members:
                    yield examined.sha256, pictures

    def clear(self) -> None:
        """Remove every batch, once the artifact is committed without them."""
        for name in list(self._store.names(self._prefix)):
            self._store.delete(name)
