"""Writing the JPEGs of a data set."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.candidates import Pictures
from actorrec.dataset.workcache import WorkCache
from actorrec.manifests.base import FileRecord
from actorrec.progress import Progress

# Most of a small file's time is the wait for the disk to say that it has it, which several can share.
_WRITERS: Final = 8
_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True, order=True)
class PictureFile:
    """A JPEG of a picture that the data set is to hold.

    Attributes:
        name: Inside the artifact.
        face_index: Which face, for a crop or a thumb.
    """

    name: str
    kind: Literal["crop", "thumb", "preview"]
    face_index: int = 0

    def of(self, pictures: Pictures) -> bytes:
        """Its bytes; empty for a preview that was never made."""
        match self.kind:
            case "crop":
                return pictures.crops[self.face_index]
            case "thumb":
                return pictures.thumbs[self.face_index]
        return pictures.preview or b""


def write_pictures(
    files: Mapping[str, Sequence[PictureFile]],
    cache: WorkCache,
    store: ArtifactStore,
    artifact: str,
    progress: Progress,
) -> list[FileRecord]:
    """Write the wanted files of each picture (named by its SHA-256), a bounded number in memory at a time.

    Raises:
        ArtifactError: If the store cannot be written.
    """

    def write(item: tuple[str, bytes]) -> FileRecord:
        name, data = item
        return store.put_bytes(f"{artifact}/{name}", data)

    waiting = ((file.name, file.of(pictures)) for sha256, pictures in cache.pictures(files) for file in files[sha256])
    records: list[FileRecord] = []
    total = sum(len(each) for each in files.values())
    with progress.step("writing pictures", total, "files") as step, ThreadPoolExecutor(_WRITERS) as pool:
        for batch in _batches(waiting, _AT_ONCE):
            for record in pool.map(write, batch):
                records.append(record)
                step.advance()
    return records


def _batches(items: Iterable[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
