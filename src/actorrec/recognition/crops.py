"""Reading the aligned crops of a data set back, and cutting another template out of them."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, MissingExtraError
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.types import Landmarks, UInt8Image
from actorrec.vision.align import FaceTemplate, align_face


def read_crop(store: ArtifactStore, manifest: DatasetManifest, face: FaceRecord) -> UInt8Image:
    """The stored crop of a face.

    Returns:
        Shape (S, S, 3), uint8, RGB, aligned to ``manifest.template``.

    Raises:
        ArtifactError: If it is missing, or is not the crop that was built.
    """
    return crop_of(store.read_bytes(file_name(manifest, face.crop)), manifest, face)


def crop_of(data: bytes, manifest: DatasetManifest, face: FaceRecord) -> UInt8Image:
    """Like ``read_crop``, of bytes that are already here."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("edge", "pillow") from None

    name, side = file_name(manifest, face.crop), manifest.template.size_px
    if hashlib.sha256(data).hexdigest() != manifest.digests.get(face.crop):
        raise ArtifactError(f"{name} is not the crop that was built", hint="delete the data set and build it again")
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if image.size != (side, side):
                raise ArtifactError(f"{name} is {image.size[0]} x {image.size[1]} px, not {side} x {side}")
            return np.asarray(image.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise ArtifactError(f"{name} is damaged: {error}", hint="delete the data set and build it again") from None


def load_crops(store: ArtifactStore, manifest: DatasetManifest, faces: Iterable[FaceRecord]) -> Iterator[UInt8Image]:
    """The stored crop of each face, one in memory at a time."""
    for face in faces:
        yield read_crop(store, manifest, face)


def recrop(crop: UInt8Image, crop_landmarks: Sequence[tuple[float, float]], template: FaceTemplate) -> UInt8Image:
    """Cut a template out of a stored crop.

    Args:
        crop: Shape (S, S, 3), uint8, RGB.
        crop_landmarks: The face's own five (x, y) px in the crop (``FaceRecord.crop_landmarks``).
        template: What an embedder wants.

    Returns:
        Shape (template.size_px, template.size_px, 3), uint8, RGB.
    """
    return align_face(crop, Landmarks(np.asarray(crop_landmarks, np.float32)), template)
