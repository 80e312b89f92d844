"""Pictures with names drawn in, written beside nothing they could harm."""

import hashlib
import io
import itertools
import os
from pathlib import Path
from typing import Final

from actorrec.artifacts.whole_file import write_whole
from actorrec.errors import ArtifactError
from actorrec.inference.sources import PictureSource
from actorrec.manifests.results import FaceResult, PictureResult
from actorrec.types import BoundingBox, UInt8Image
from actorrec.vision.draw import NAMED, UNKNOWN, BoxLabel, draw_boxes

_MARK: Final = b"names drawn by actorrec"
"""JPEG comment of every picture written here: only a file with it is ever overwritten."""
_JPEG_QUALITY: Final = 92
_MOST_NAME_BYTES: Final = 180  # with what is added, below the 255 bytes that file systems allow


class Annotator:
    """Writes a JPEG with boxes, names and confidences for each picture it is called with.

    Args:
        folder: Where to; made if it is not there. Nothing in it is overwritten but what an earlier run wrote.

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
        write_whole(target, _jpeg(drawn))
        self._written[target] = source.path

    def _target(self, source: Path) -> Path:
        """The picture's own name with .jpg; where that is taken, with a hash of its whole path, or a number, too."""
        stem = _cut(source.stem)
        marked = f"{stem}-{hashlib.sha256(os.fsencode(source.absolute())).hexdigest()[:8]}"
        numbered = (f"{marked}-{number}" for number in itertools.count(2))
        names = itertools.chain((stem, marked), numbered)
        return next(target for name in names if self._free(target := self._folder / f"{name}.jpg", source))

    def _free(self, target: Path, source: Path) -> bool:
        """Whether a picture may go there: nothing lies there, or what an earlier run wrote."""
        return self._written.get(target, source) == source and (not os.path.lexists(target) or _is_ours(target))


def _label(face: FaceResult) -> BoxLabel:
    return BoxLabel(BoundingBox(*face.box), face.label, UNKNOWN if face.name is None else NAMED)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _MARK in file.read(512)
    except OSError:
        return False


def _cut(stem: str) -> str:
    data = os.fsencode(stem)
    return stem if len(data) <= _MOST_NAME_BYTES else os.fsdecode(data[:_MOST_NAME_BYTES])


def _jpeg(pixels: UInt8Image) -> bytes:
    from PIL import Image

    # Through memory: writing to a file itself, Pillow takes a full disk for success and leaves half a picture.
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_JPEG_QUALITY, comment=_MARK)
    return out.getvalue()
