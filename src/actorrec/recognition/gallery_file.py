"""The bytes of a gallery: an ``.npz`` without pickle, checked in full when it is read."""

import io
import json
import math
import struct
import zipfile
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.types import Gallery
from actorrec.vision.similarity import normalise

FORMAT_VERSION: Final = 1
_MAX_BYTES: Final = 1 << 30  # 1 GiB unpacked is eight million photos of 128 numbers: more is an attack, not a gallery
# What zipfile and numpy raise on bytes that are not what they claim; anything else is a bug of ours.
_BROKEN: Final = (
    ValueError,
    KeyError,
    OSError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
)
_ARRAYS: Final = {"meta": (np.uint8, 1), "prototypes": (np.float32, 2), "photos": (np.int8, 2), "person": (np.int32, 1)}


def gallery_to_bytes(gallery: Gallery) -> bytes:
    """Pack a gallery; the same gallery gives the same bytes.

    Prototypes, which decide, stay float32. Photo embeddings, which explain and are averaged again when a person
    changes, are stored as 8-bit numbers in units of the row's largest: 128 bytes a photo at a cosine of 0.9999.
    """
    largest = np.maximum(np.abs(gallery.photo_embeddings).max(axis=1, initial=0.0), 1e-12)[:, None]
    meta = {
        "format": FORMAT_VERSION,
        "model_id": gallery.model_id,
        "person_ids": list(gallery.person_ids),
        "photo_sources": list(gallery.photo_sources),
    }
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        meta=np.frombuffer(json.dumps(meta, ensure_ascii=False).encode("utf-8", "surrogatepass"), np.uint8),
        prototypes=gallery.prototypes.astype(np.float32),
        photos=np.rint(gallery.photo_embeddings / largest * 127).astype(np.int8),
        person=gallery.photo_person.astype(np.int32),
    )
    return buffer.getvalue()


def gallery_from_bytes(data: bytes) -> Gallery:
    """Read a gallery back.

    Raises:
        ModelContractError: If it is not one, or anything in it contradicts itself.
    """
    try:
        arrays = _read_arrays(data)
        meta = json.loads(arrays["meta"].tobytes().decode("utf-8", "surrogatepass"))
    except _BROKEN as error:
        raise ModelContractError(f"the gallery cannot be read: {error}") from None
    _check_meta(meta)
    photos = normalise(arrays["photos"].astype(np.float32))[0]
    gallery = Gallery(
        model_id=meta["model_id"],
        person_ids=tuple(meta["person_ids"]),
        prototypes=arrays["prototypes"],
        photo_embeddings=photos,
        photo_person=arrays["person"],
        photo_sources=tuple(meta["photo_sources"]),
    )
    _check_agreement(gallery)
    return gallery


def _read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        entries = packed.infolist()
        if sum(entry.file_size for entry in entries) > _MAX_BYTES:
            raise ValueError("it unpacks to more than 1 GiB")
        names = sorted(entry.filename for entry in entries)
        if names != sorted(f"{name}.npy" for name in _ARRAYS):
            raise ValueError(f"expected the arrays {sorted(_ARRAYS)}, found {names}")
        return {name: _read_array(packed.read(f"{name}.npy"), name) for name in _ARRAYS}


def _read_array(data: bytes, name: str) -> NDArray[Any]:
    """Read one array; unlike ``np.load``, never reserve memory that a header claims and the data does not fill."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{name} is no array of version 1.0")
    shape, in_fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    body = data[stream.tell() :]
    expected, axes = _ARRAYS[name]
    if in_fortran_order or dtype != expected or len(shape) != axes or min(shape) < 0:
        raise ValueError(f"{name} is {dtype}{list(shape)}")
    if math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(f"{name} should hold {list(shape)} and has {len(body)} bytes")
    return np.frombuffer(body, dtype).reshape(shape).copy()


def _check_meta(meta: Any) -> None:
    if not isinstance(meta, dict) or meta.get("format") != FORMAT_VERSION:
        found = meta.get("format") if isinstance(meta, dict) else None
        raise ModelContractError(
            f"the gallery has format {found}, this version reads {FORMAT_VERSION}", hint="update actorrec"
        )
    lists = (meta.get("person_ids"), meta.get("photo_sources"))
    if not isinstance(meta.get("model_id"), str) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in lists
    ):
        raise ModelContractError("the gallery's names are not lists of text")


def _check_agreement(gallery: Gallery) -> None:
    people, photos, dim = len(gallery.person_ids), len(gallery.photo_sources), gallery.prototypes.shape[1]
    problems = {
        "its person ids are not sorted and unique": list(gallery.person_ids) != sorted(set(gallery.person_ids)),
        "it has another number of prototypes than people": gallery.prototypes.shape[0] != people,
        "it has another number of photos than names of photos": gallery.photo_embeddings.shape != (photos, dim),
        "it has a photo without a person": gallery.photo_person.shape != (photos,)
        or bool(np.any((gallery.photo_person < 0) | (gallery.photo_person >= people))),
        "it has a person without a photo": len(np.unique(gallery.photo_person)) != people,
        "its prototypes are not finite unit vectors": not _are_unit(gallery.prototypes),
        "its photo embeddings are not unit vectors": not _are_unit(gallery.photo_embeddings),
    }
    for problem, found in problems.items():
        if found:
            raise ModelContractError(f"the gallery contradicts itself: {problem}")


def _are_unit(rows: NDArray[np.float32]) -> bool:
    return bool(np.all(np.abs(np.linalg.norm(rows, axis=1) - 1) < 1e-3))
