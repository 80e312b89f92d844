"""What a training job left: ``model.tar.gz``, read as a hostile input, without TensorFlow."""

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from pathlib import Path
from typing import IO, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from actorrec.artifacts.whole_file import DISK_HINTS
from actorrec.errors import ArtifactError, ModelContractError
from actorrec.manifests.base import FileRecord, Manifest, RelativeName
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.jobs import BUNDLE_FILE, BUNDLE_MANIFEST, MODEL_MANIFEST
from actorrec.manifests.model import ModelManifest

MAX_ENTRIES: Final = 4096
"""Files and folders: a SavedModel has about ten, a model as many; far more is somebody else's archive."""
MAX_TOTAL_BYTES: Final = 8 << 30
"""Unpacked: the original design's net is 505 MB, and is there as Keras file, as SavedModel and in the bundle."""
MAX_MANIFEST_BYTES: Final = 16 << 20
"""A manifest names people, not pictures: ten thousand of them are 2 MB."""
_HEADER_BYTES: Final = 1 << 20  # what may stand between two files: their headers, and the padding of tar
_CHUNK_BYTES: Final = 1 << 20
# What tarfile and gzip raise on bytes that lie; RecursionError: headers of headers.
_BROKEN: Final = (tarfile.TarError, zlib.error, EOFError, ValueError, LookupError, OverflowError, RecursionError)
_NAME: Final[TypeAdapter[str]] = TypeAdapter(RelativeName)
M = TypeVar("M", bound=Manifest)


@dataclass(frozen=True, slots=True)
class Trained:
    """What an archive held, checked against its manifests.

    Attributes:
        model: Its model.
        bundle: The edge bundle that was made with it; None if there is none.
        files: Store name (``model/KEY/name``, ``bundle/KEY/name``) → the unpacked file.
        ignored: Names of files that no manifest names: the SavedModel, plots. They stay in the archive.
    """

    model: ModelManifest
    bundle: BundleManifest | None
    files: Mapping[str, Path]
    ignored: tuple[str, ...]


def unpack_trained(archive: Path, folder: Path) -> Trained:
    """Unpack the model and the bundle of a ``model.tar.gz``, and nothing else.

    The archive is believed in nothing: names that climb, links, devices, a name twice, more than is bearable or other
    bytes than the manifests say are refused, and no more is ever written than the manifests name.

    Args:
        archive: The file.
        folder: An empty one; what the manifests name comes into it, under plain numbers.

    Raises:
        ModelContractError: If it is no such archive, has no manifest of a model, or does not agree with it.
        ArtifactError: If it cannot be read, or the disk takes no more.
    """
    with _told(archive):
        names, texts = _looked_through(archive)
        model = _parsed(ModelManifest, texts, MODEL_MANIFEST)
        if model is None:
            raise _refused(f"has no {MODEL_MANIFEST}: no model of actorrec is in it")
        bundle = _parsed(BundleManifest, texts, BUNDLE_MANIFEST)
        wanted = _wanted(model, bundle)
        files = _unpacked(archive, folder, wanted)
    known = {MODEL_MANIFEST, BUNDLE_MANIFEST, *wanted}
    return Trained(model, bundle, files, tuple(name for name in names if name not in known))


def unpack_bundle(archive: Path, folder: Path) -> Path:
    """Unpack the edge bundle of a ``model.tar.gz`` alone, as strictly as ``unpack_trained`` does all of it.

    Args:
        archive: The file.
        folder: An empty one; the bundle comes into it.

    Raises:
        ModelContractError: If it is no such archive, does not agree with its manifests, or no bundle is in it.
        ArtifactError: If it cannot be read, or the disk takes no more.
    """
    with _told(archive):
        _, texts = _looked_through(archive)
        model = _parsed(ModelManifest, texts, MODEL_MANIFEST)
        bundle = _parsed(BundleManifest, texts, BUNDLE_MANIFEST)
        if model is None or bundle is None:
            raise _refused(f"has no {BUNDLE_MANIFEST if model else MODEL_MANIFEST}: no bundle of actorrec is in it")
        [path] = _unpacked(archive, folder, {BUNDLE_FILE: _wanted(model, bundle)[BUNDLE_FILE]}).values()
    return path


def _looked_through(archive: Path) -> tuple[list[str], dict[str, bytes]]:
    """Names of all files, and the two manifests."""
    names: list[str] = []
    texts: dict[str, bytes] = {}
    for name, size, source in _entries(archive):
        names.append(name)
        if name in (MODEL_MANIFEST, BUNDLE_MANIFEST):
            if size > MAX_MANIFEST_BYTES:
                raise _refused(f"has a {name} of {size:,} bytes, more than {MAX_MANIFEST_BYTES:,}")
            texts[name] = source.read(size)
    return names, texts


def _unpacked(archive: Path, folder: Path, wanted: Mapping[str, tuple[str, FileRecord]]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name, size, source in _entries(archive):
        if name in wanted:
            store_name, record = wanted[name]
            files[store_name] = _written(folder / f"{len(files):04d}", name, size, source, record)
    missing = [name for name, (store_name, _) in wanted.items() if store_name not in files]
    if missing:
        raise _refused(f"lacks {missing[0]}, which its manifest names")
    return files


def _wanted(model: ModelManifest, bundle: BundleManifest | None) -> dict[str, tuple[str, FileRecord]]:
    """Name in the archive → name in a store, and what it must be."""
    wanted = {record.name: (f"{model.ref}/{record.name}", record) for record in model.files}
    if len(wanted) != len(model.files) or wanted.keys() & {MODEL_MANIFEST, BUNDLE_MANIFEST, BUNDLE_FILE}:
        raise _refused("has a manifest that names a file twice, or as one of its own")
    if bundle is None:
        return wanted
    if bundle.inputs.get(model.ref) != model.content_digest():
        raise _refused(f"holds a bundle that was not made from its model {model.ref}")
    if [record.name for record in bundle.files] != [bundle.bundle_file]:
        raise _refused(f"has a {BUNDLE_MANIFEST} that names other files than one bundle")
    record = bundle.files[0]
    return wanted | {BUNDLE_FILE: (f"{bundle.ref}/{record.name}", record)}


def _parsed(manifest_type: type[M], texts: Mapping[str, bytes], name: str) -> M | None:
    if name not in texts:
        return None
    try:
        return manifest_type.model_validate(json.loads(texts[name]))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _refused(f"has a {name} that this version does not understand: {where}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise _refused(f"has a {name} that is no JSON") from None


def _entries(archive: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each plain file, in the order of the archive."""
    seen: set[str] = set()
    total = count = 0
    with archive.open("rb") as packed, GzipFile(fileobj=packed) as unpacked:
        bounded = _Bounded(unpacked)
        with tarfile.open(fileobj=bounded, mode="r|") as tar:
            while (member := tar.next()) is not None:
                count, total = count + 1, total + member.size
                _check(member, count, total)
                bounded.allowed = member.size + _HEADER_BYTES
                if member.isdir():
                    continue
                name = _plain(member.name)
                if name in seen:
                    raise _refused(f"has two files named {name!r}")
                seen.add(name)
                source = tar.extractfile(member)
                assert source is not None  # it is a plain file
                yield name, member.size, source


def _check(member: tarfile.TarInfo, count: int, total: int) -> None:
    if count > MAX_ENTRIES:
        raise _refused(f"has more than {MAX_ENTRIES} entries")
    if total > MAX_TOTAL_BYTES or member.size < 0:
        raise _refused(f"would unpack to more than {MAX_TOTAL_BYTES:,} bytes")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise _refused(f"has an entry that is not a plain file: {member.name!r}")
    if member.isdir() and member.name in (".", "./"):
        return
    _plain(member.name)


def _plain(name: str) -> str:
    """The name without the ``./`` that ``tar -C folder .`` writes in front."""
    try:
        plain = _NAME.validate_python(name.removeprefix("./").removesuffix("/"))
    except ValidationError:
        raise _refused(f"has an entry with the unsafe name {name!r}") from None
    if "\0" in plain:
        raise _refused(f"has an entry with the unsafe name {name!r}")
    return plain


class _Bounded(io.RawIOBase):
    """A stream that gives no more than is allowed until the next file: a header cannot fill the memory."""

    def __init__(self, source: GzipFile) -> None:
        super().__init__()
        self._source = source
        self.allowed = _HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.allowed -= len(data)
        if self.allowed < 0:
            raise _refused(f"has headers of more than {_HEADER_BYTES:,} bytes")
        return data


def _written(path: Path, name: str, size: int, source: IO[bytes], record: FileRecord) -> Path:
    if size != record.bytes:
        raise _refused(f"has a {name} of {size:,} bytes; its manifest says {record.bytes:,}")
    digest = hashlib.sha256()
    with path.open("wb") as out:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
            out.write(chunk)
    if digest.hexdigest() != record.sha256:
        raise _refused(f"has a {name} that was changed: its SHA-256 is not the one in its manifest")
    return path


@contextmanager
def _told(archive: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise _refused(f"is damaged or cut ({error})") from None
    except OSError as error:
        if error.errno is None:  # gzip's own: not a gzipped file, a wrong checksum
            raise _refused(f"is damaged or cut ({error})") from None
        hint = DISK_HINTS.get(error.errno, "aws.cache_dir, or TMPDIR, names another folder for it")
        raise ArtifactError(f"cannot unpack {archive}: {error.strerror}", hint=hint) from None


def _refused(what: str) -> ModelContractError:
    return ModelContractError(
        f"model.tar.gz {what}", hint="it was changed, or `actorrec train --remote` did not make it: train again"
    )
