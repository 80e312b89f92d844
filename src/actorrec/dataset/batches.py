"""What was seen in some pictures as one file, and back; what comes back may be damaged or meant to harm."""

import io
import json
import math
import re
import struct
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actorrec.dataset.candidates import Candidate, Examined, Looked, Pictures
from actorrec.manifests.base import Sha256
from actorrec.types import FaceQuality

# What the parsers of the standard library raise on bytes that are not what they claim; an encrypted member is a
# RuntimeError.
_BROKEN: Final = (ValueError, LookupError, EOFError, OSError, RuntimeError, struct.error, zipfile.BadZipFile)
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Hash = Annotated[int, Field(ge=0, lt=2**64)]
# What NumPy writes before an array, as its format's version 1.0 has it; nothing of it is evaluated.
_HEADER: Final = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|a-z0-9]{1,4})', 'fortran_order': False, 'shape': \(([0-9, ]{1,60})\), \} *\n",
    re.DOTALL,
)
_SHAPES: Final[dict[str, tuple[str, tuple[int, ...]]]] = {
    "pictures": ("|u1", ()),
    "points": ("<f8", (5, 2)),
    "crop_points": ("<f8", (5, 2)),
    "vectors": ("<f4", (-1,)),
    "prints": ("|u1", (48, 48)),
    **dict.fromkeys(("crops", "thumbs", "previews"), ("|u1", ())),
    **{f"{name}_ends": ("<i8", ()) for name in ("crops", "thumbs", "previews")},
}
"""Of each array the element type and the shape of one row; -1 is any width."""


class DamagedBatchError(ValueError):
    """A file is no batch of ours."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Quality(_Strict):
    face_px: _Finite
    sharpness: _Finite
    yaw: _Finite
    roll_deg: _Finite
    visible: _Finite


class _Face(_Strict):
    box: tuple[_Finite, _Finite, _Finite, _Finite]
    score: _Finite
    quality: _Quality


class _Picture(_Strict):
    sha256: Sha256
    width_px: int | None
    height_px: int | None
    phash: _Hash | None
    phash_mirrored: _Hash | None
    reason: str
    detail: str
    faces: list[_Face]


def pack(batch: Collection[Looked]) -> bytes:
    """A batch as an ``.npz`` file, not compressed."""
    faces = [face for examined, _ in batch for face in examined.faces]
    pictures = []
    for examined, _ in batch:
        fields = {name: getattr(examined, name) for name in Examined.__slots__ if name != "faces"}
        numbers = [{"box": f.box, "score": f.score, "quality": asdict(f.quality)} for f in examined.faces]
        pictures.append({**fields, "faces": numbers})
    arrays: dict[str, NDArray[Any]] = {
        "pictures": np.frombuffer(json.dumps(pictures).encode(), np.uint8),
        "points": np.array([face.points for face in faces], np.float64).reshape(-1, 5, 2),
        "crop_points": np.array([face.crop_points for face in faces], np.float64).reshape(-1, 5, 2),
        "vectors": np.array([face.vector for face in faces], np.float32).reshape(len(faces), -1 if faces else 1),
        "prints": np.array([face.face_print for face in faces], np.uint8).reshape(-1, 48, 48),
        **_packed_files("crops", [crop for _, each in batch for crop in each.crops]),
        **_packed_files("thumbs", [thumb for _, each in batch for thumb in each.thumbs]),
        **_packed_files("previews", [each.preview or b"" for _, each in batch]),
    }
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _packed_files(name: str, files: Collection[bytes]) -> dict[str, NDArray[Any]]:
    ends = np.cumsum([len(file) for file in files], dtype=np.int64)
    return {f"{name}_ends": ends, name: np.frombuffer(b"".join(files), np.uint8)}


def unpack(data: bytes, *, with_pictures: bool) -> Iterator[Looked]:
    """The pictures of a batch, with their JPEGs if those are wanted.

    Raises:
        DamagedBatchError: If it is no whole batch: nothing of it is believed then, and no more memory was taken than
            the file has bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays = {name: _array(archive, name) for name in _SHAPES}
        records = [_Picture.model_validate(each) for each in _listed(json.loads(arrays["pictures"].tobytes()))]
    except _BROKEN as error:
        raise DamagedBatchError(_short(error)) from None
    _check_faces(arrays, sum(len(record.faces) for record in records))
    _check_files(arrays, {"crops": len(arrays["points"]), "thumbs": len(arrays["points"]), "previews": len(records)})
    names = ("crops", "thumbs", "previews") if with_pictures else ()
    return _looked(records, arrays, {name: _unpacked_files(arrays, name) for name in names})


def _looked(
    records: list[_Picture], arrays: Mapping[str, NDArray[Any]], files: Mapping[str, list[bytes]]
) -> Iterator[Looked]:
    row = 0
    for index, record in enumerate(records):
        first, row = row, row + len(record.faces)
        faces = tuple(_candidate(face, arrays, at) for at, face in enumerate(record.faces, first))
        pictures = Pictures()
        if files:
            crops, thumbs = (tuple(files[name][first:row]) for name in ("crops", "thumbs"))
            pictures = Pictures(crops, thumbs, files["previews"][index] or None)
        fields = {name: getattr(record, name) for name in Examined.__slots__ if name != "faces"}
        yield Examined(**fields, faces=faces), pictures


def _candidate(face: _Face, arrays: Mapping[str, NDArray[Any]], row: int) -> Candidate:
    points, crop_points, vectors, prints = (arrays[k][row] for k in ("points", "crop_points", "vectors", "prints"))
    quality = FaceQuality(**face.quality.model_dump())
    return Candidate(face.box, points, crop_points, face.score, quality, vectors, prints)


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """One array, checked before memory is taken for it."""
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED:
        raise DamagedBatchError(f"{name} is compressed, which ours never are")
    data = archive.read(member)
    header = _HEADER.match(data)
    kind, row_shape = _SHAPES[name]
    if header is None or header[1].decode() != kind:
        raise DamagedBatchError(f"{name} has another type")
    shape = tuple(int(side) for side in header[2].split(b",") if side)
    fits = len(shape) == 1 + len(row_shape) and all(
        wanted in (-1, side) for wanted, side in zip(row_shape, shape[1:], strict=True)
    )
    if not fits or math.prod(shape) * np.dtype(kind).itemsize != len(data) - header.end():
        raise DamagedBatchError(f"{name} has another shape")
    return np.frombuffer(data, kind, offset=header.end()).reshape(shape)


def _check_faces(arrays: Mapping[str, NDArray[Any]], count: int) -> None:
    floats = [arrays[name] for name in ("points", "crop_points", "vectors")]
    if any(len(each) != count for each in (*floats, arrays["prints"])):
        raise DamagedBatchError("there are more or fewer faces than it says")
    if not all(np.isfinite(each).all() for each in floats):
        raise DamagedBatchError("a face has a number that is none")


def _check_files(arrays: Mapping[str, NDArray[Any]], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        ends = arrays[f"{name}_ends"]
        if len(ends) != count:
            raise DamagedBatchError(f"there are {len(ends)} {name} instead of {count}")
        in_order = (ends >= 0).all() and (np.diff(ends) >= 0).all()
        if not in_order or (ends[-1] if count else 0) != len(arrays[name]):
            raise DamagedBatchError(f"{name} are cut")


def _unpacked_files(arrays: Mapping[str, NDArray[Any]], name: str) -> list[bytes]:
    blob, ends = arrays[name].tobytes(), [0, *arrays[f"{name}_ends"].tolist()]
    return [blob[start:end] for start, end in pairwise(ends)]


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise DamagedBatchError("it does not list pictures")
    return value


def _short(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
