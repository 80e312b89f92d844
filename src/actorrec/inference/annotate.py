"""Pictures with names drawn in, written beside nothing they could harm."""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

from actorrec.errors import ArtifactError
from actorrec.inference.sources import PictureSource
from actorrec.manifests.results import FaceResult, PictureResult
from actorrec.types import BoundingBox, UInt8Image
from actorrec.vision.draw import NAMED, UNKNOWN, BoxLabel, draw_boxes

_JPEG_QUALITY: Final = 92
_MOST_NAME_BYTES: Final = 180  # with what is added, below the 255 bytes that file systems allow


class Annotator:
    """Writes a JPEG with boxes, names and confidences for each picture it is called with.

    Args:
        folder: Where to; made if it is not there. A picture that lies there itself is never overwritten.

    Raises:
        ArtifactError: If the folder cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[Path, Path] = {}  # target → source
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArtifactError(f"cannot make the folder {folder}: {error.strerror}") from None

    @property
    def written(self) -> tuple[Path, ...]:
        """The pictures written so far."""
        return tuple(self._written)

    def __call__(self, source: PictureSource, pixels: UInt8Image, result: PictureResult) -> None:
        """Draw and write one picture.

        Args:
            source: Where it came from; it has a path.
            pixels: Shape (H, W, 3), uint8, RGB.
            result: Its faces.

        Raises:
            ArtifactError: If it cannot be written.
        """
        assert source.path is not None
        target = self._target(source.path)
        drawn = draw_boxes(pixels, [_label(face) for face in result.faces])
        try:
            _write_jpeg(drawn, target)
        except OSError as error:
            raise ArtifactError(f"cannot write {target}: {error.strerror or error}") from None
        self._written[target] = source.path

    def _target(self, source: Path) -> Path:
        """The picture's own name with .jpg; where that is taken by another, with a hash of its whole path too."""
        stem = _cut(source.stem)
        plain = self._folder / f"{stem}.jpg"
        marked = self._folder / f"{stem}-{hashlib.sha256(os.fsencode(source.absolute())).hexdigest()[:8]}.jpg"
        for target in (plain, marked):
            if not _same_file(target, source) and self._written.get(target, source) == source:
                return target
        return self._folder / f"{marked.stem}-named.jpg"


def _label(face: FaceResult) -> BoxLabel:
    if face.name is None:
        return BoxLabel(BoundingBox(*face.box), "unknown", UNKNOWN)
    return BoxLabel(BoundingBox(*face.box), f"{face.name} {face.confidence:.0%}", NAMED)


def _same_file(target: Path, source: Path) -> bool:
    try:
        return target.samefile(source)
    except OSError:
        return False


def _cut(stem: str) -> str:
    data = os.fsencode(stem)
    return stem if len(data) <= _MOST_NAME_BYTES else os.fsdecode(data[:_MOST_NAME_BYTES])


def _write_jpeg(pixels: UInt8Image, target: Path) -> None:
    from PIL import Image

    descriptor, temporary = tempfile.mkstemp(prefix=".partial-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as out:
            Image.fromarray(pixels).save(out, "JPEG", quality=_JPEG_QUALITY)
        Path(temporary).chmod(0o644)
        os.replace(temporary, target)
    finally:
        Path(temporary).unlink(missing_ok=True)
