"""The original's ``dataset.npz``: ``arr_0`` faces, ``arr_1`` names. Written and read without pickle."""

import hashlib
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.whole_file import write_whole
from actorrec.config import Config
from actorrec.dataset.assemble import assemble
from actorrec.dataset.candidates import Looked
from actorrec.dataset.cropped import box_template, look_at_crop
from actorrec.dataset.examine import Examiner
from actorrec.dataset.given import Given
from actorrec.dataset.looking import Looks, configured_eyes
from actorrec.dataset.photos import Photo, in_order
from actorrec.dataset.records import safe_folder
from actorrec.errors import DataError, TemporaryFileError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.progress import Progress, SilentProgress
from actorrec.recognition.crops import load_crops, recrop

MAX_BYTES: Final = 8 * 2**30
_MAX_SIDE_PX: Final = 4096
_RESAVE: Final = (
    "if you trust the file, save it again with plain text: d = np.load(FILE, allow_pickle=True); "
    "np.savez('plain.npz', d['arr_0'], d['arr_1'].astype(str))"
)


def export_npz(manifest: DatasetManifest, store: ArtifactStore, path: Path, size_px: int = 160) -> None:
    """Write the faces of a data set as the original's ``dataset.npz``.

    ``arr_0`` is uint8 (N, size_px, size_px, 3) RGB, cut as wide as a detector's box; ``arr_1`` holds N person ids as
    plain text.

    Raises:
        ArtifactError: If the file cannot be written; an older one is left as it was.
    """
    template = box_template(size_px)
    names = np.array([face.person_id for face in manifest.faces], dtype=np.str_)

    def fill(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w") as archive:
            with archive.open("arr_0.npy", "w", force_zip64=True) as out:
                shape = (len(manifest.faces), size_px, size_px, 3)
                _write_header(out, shape)
                for face, crop in zip(manifest.faces, load_crops(store, manifest, manifest.faces), strict=True):
                    out.write(recrop(crop, face.crop_landmarks, template).tobytes())
            with archive.open("arr_1.npy", "w") as out:
                np.lib.format.write_array(out, names, allow_pickle=False)

    write_whole(path, fill)


def import_npz(
    path: Path, config: Config, *, store: ArtifactStore, progress: Progress | None = None
) -> DatasetManifest:
    """Make a data set of a ``dataset.npz``: its faces are found again inside the crops, then cleaned and split.

    A crop in which no face is found is taken to be the box of one, with the landmarks where they lie on average.

    Args:
        path: ``arr_0``: uint8 (N, H, W, 3) RGB; ``arr_1``: N names as text.
        config: Sections ``detector``, ``models`` and ``dataset``.
        store: Gets the data set.
        progress: Where long steps are told.

    Raises:
        DataError: If it is not such a file, or its arrays hold Python objects, which could run code when loaded.
    """
    with _faces_of(path) as (faces, names):
        photos = _as_photos(faces, names)
        rows = {photo.name: row for photo, row in photos}
        told = progress or SilentProgress()
        eyes = configured_eyes(config, told)

        def look(examiner: Examiner, photo: Photo) -> Looked:
            return look_at_crop(examiner, np.array(faces[rows[photo.name]]), photo.sha256 or "")

        return assemble(
            Given(in_order([photo for photo, _ in photos])),
            lambda cache: Looks(eyes, look, cache, told),
            eyes.parts.spec,
            config,
            store=store,
            progress=told,
        )


def _as_photos(faces: NDArray[np.uint8], names: list[str]) -> list[tuple[Photo, int]]:
    photos: list[tuple[Photo, int]] = []
    shape = f"{faces.shape[1]}x{faces.shape[2]}:".encode()
    for row, name in enumerate(names):
        person_id = unicodedata.normalize("NFC", name).strip()
        if not person_id or len(person_id) > 200:
            raise DataError(f"arr_1 names nobody, or too long a name, in row {row}: {name[:40]!r}")
        digest = hashlib.sha256(shape + faces[row].tobytes()).hexdigest()
        photos.append((Photo(person_id, f"{safe_folder(person_id)}/{row:06d}", Path(), digest), row))
    return photos


@contextmanager
def _faces_of(path: Path) -> Iterator[tuple[NDArray[np.uint8], list[str]]]:
    """The two arrays; the faces stay in a temporary file, so that memory does not grow with them."""
    with ExitStack() as opened:
        with _spool_errors():  # a file without a name: a kill leaves nobody's face behind
            spooled = opened.enter_context(tempfile.TemporaryFile())
        shape, names = _unpack(path, spooled)
        yield np.memmap(spooled, np.uint8, "r", 0, shape), names


def _unpack(path: Path, spooled: IO[bytes]) -> tuple[tuple[int, int, int, int], list[str]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = _read_names(archive, path)
            shape = _spool_faces(archive, path, spooled)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise DataError(f"{path} is no .npz file: {error}") from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if shape[0] != len(names):
        raise DataError(f"{path} holds {shape[0]} faces but {len(names)} names")
    if not names:
        raise DataError(f"{path} holds no faces")
    return shape, names


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> zipfile.ZipInfo:
    try:
        member = archive.getinfo(f"{name}.npy")
    except KeyError:
        held = ", ".join(each.removesuffix(".npy") for each in archive.namelist()[:5]) or "nothing"
        raise DataError(f"{path} lacks {name} (it holds {held})", hint="arr_0 are the faces, arr_1 the names") from None
    if member.file_size > MAX_BYTES:
        raise DataError(f"{name} in {path} unpacks to {member.file_size:,} bytes, more than {MAX_BYTES:,}")
    return member


def _header(source: IO[bytes], name: str, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(source)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(source)
    except ValueError as error:
        raise DataError(f"{name} in {path} is no array: {error}") from None
    if dtype.hasobject:
        raise DataError(f"{name} in {path} holds Python objects, which are never loaded", hint=_RESAVE)
    if fortran and len(shape) > 1:
        raise DataError(f"{name} in {path} is stored by columns", hint="save it with np.ascontiguousarray")
    return shape, dtype


def _read_names(archive: zipfile.ZipFile, path: Path) -> list[str]:
    member = _member(archive, "arr_1", path)
    with archive.open(member) as source:
        shape, dtype = _header(source, "arr_1", path)
        if len(shape) != 1 or dtype.kind not in "US":
            raise DataError(f"arr_1 in {path} must be text of shape (N,), found {dtype} {shape}", hint=_RESAVE)
        wanted = shape[0] * dtype.itemsize
        data = source.read(wanted + 1)
    if len(data) != wanted or wanted > MAX_BYTES // 8:
        raise DataError(f"arr_1 in {path} does not have the size its header says")
    names = np.frombuffer(data, dtype).tolist() if shape[0] else []
    try:
        return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    except UnicodeDecodeError:
        raise DataError(f"arr_1 in {path} is no UTF-8 text", hint=_RESAVE) from None


def _spool_faces(archive: zipfile.ZipFile, path: Path, spooled: IO[bytes]) -> tuple[int, int, int, int]:
    member = _member(archive, "arr_0", path)
    with archive.open(member) as source, _spool_errors():
        shape, dtype = _header(source, "arr_0", path)
        if dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or not _fair(shape[1:3]):
            raise DataError(f"arr_0 in {path} must be uint8 (N, H, W, 3), found {dtype} {shape}")
        left = wanted = int(np.prod(shape, dtype=np.int64))
        while left > 0 and (block := source.read(min(left, 1 << 20))):
            spooled.write(block)
            left -= len(block)
        if left or source.read(1) or wanted > MAX_BYTES:
            raise DataError(f"arr_0 in {path} does not have the size its header says")
        spooled.flush()
    return shape[0], shape[1], shape[2], 3


@contextmanager
def _spool_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TemporaryFileError(tempfile.gettempdir(), error.strerror or error) from None


def _write_header(out: IO[bytes], shape: tuple[int, ...]) -> None:
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)


def _fair(sides_px: tuple[int, ...]) -> bool:
    return min(sides_px) >= 16 and max(sides_px) <= _MAX_SIDE_PX
