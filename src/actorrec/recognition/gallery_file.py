"""The bytes of a gallery: an ``.npz`` without pickle, checked in full when it is read."""

import io
import json
import zipfile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.types import Gallery
from actorrec.vision.similarity import normalise

FORMAT_VERSION: Final = 1
_MAX_BYTES: Final = 1 << 30  # 1 GiB unpacked is eight million photos of 128 numbers: more is an attack, not a gallery
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
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
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
        if sum(entry.file_size for entry in packed.infolist()) > _MAX_BYTES:
            raise ValueError("it unpacks to more than 1 GiB")
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        if set(stored.files) != set(_ARRAYS):
            raise ValueError(f"expected the arrays {sorted(_ARRAYS)}, found {sorted(stored.files)}")
        arrays = {name: stored[name] for name in stored.files}
    for name, (dtype, axes) in _ARRAYS.items():
        if arrays[name].dtype != dtype or arrays[name].ndim != axes:
            raise ValueError(f"{name} is {arrays[name].dtype}{list(arrays[name].shape)}")
    return arrays


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
