"""Writing the crops of a data set, and one picture of all of them for people who would rather look than read."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.workcache import WorkCache
from actorrec.manifests.base import FileRecord
from actorrec.progress import Progress

FaceKey = tuple[str, int]
"""SHA-256 of a picture and which of its faces."""
# Most of a small file's time is the wait for the disk to say that it has it, which several can share.
_WRITERS: Final = 8
_AT_ONCE: Final = 64


def write_crops(
    names: Mapping[FaceKey, list[str]], cache: WorkCache, store: ArtifactStore, artifact: str, progress: Progress
) -> list[FileRecord]:
    """Write each face's stored JPEG under its names, a bounded number in memory at a time.

    Raises:
        ArtifactError: If the store cannot be written.
    """

    def write(item: tuple[str, bytes]) -> FileRecord:
        name, data = item
        return store.put_bytes(f"{artifact}/{name}", data)

    waiting = ((name, data) for face, data in cache.crops(names) for name in names[face])
    records: list[FileRecord] = []
    total = sum(len(each) for each in names.values())
    with progress.step("writing crops", total, "faces") as step, ThreadPoolExecutor(_WRITERS) as pool:
        for batch in _batches(waiting, _AT_ONCE):
            for record in pool.map(write, batch):
                records.append(record)
                step.advance()
    return records


def _batches(items: Iterable[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
