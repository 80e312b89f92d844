"""Writing the JPEGs of a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.candidates import Pictures
from actorrec.dataset.looking import Seen
from actorrec.manifests.base import FileRecord
from actorrec.progress import Progress


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
    seen: Seen,
    store: ArtifactStore,
    artifact: str,
    progress: Progress,
) -> list[FileRecord]:
    """Write the wanted files of each picture (named by its SHA-256), a bounded number in memory at a time.

    Raises:
        ArtifactError: If the store cannot be written.
    """
    waiting = (
        (f"{artifact}/{file.name}", file.of(pictures))
        for sha256, pictures in seen.pictures(files)
        for file in files[sha256]
    )
    with progress.step("writing pictures", sum(len(each) for each in files.values()), "files") as step:
        return store.put_files(waiting, step)
