"""A zip as a hostile input and as a reproducible output. Nothing is ever written to disk when one is read."""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from pydantic import TypeAdapter, ValidationError

from actorrec.errors import ModelContractError
from actorrec.manifests.base import RelativeName

MAX_ENTRIES: Final = 64
MAX_TOTAL_BYTES: Final = 1 << 30  # the original design's net alone is 505 MB
_CHUNK_BYTES: Final = 1 << 20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold
_COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PACKED_ALREADY: Final = (".whl", ".jpg")
# What zipfile raises on bytes that lie: besides its own error, those of the parts it is made of.
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, LookupError, RuntimeError, NotImplementedError,
)  # fmt: skip
_NAME: Final[TypeAdapter[str]] = TypeAdapter(RelativeName)


class HostileZip:
    """Reads entries of a zip that nobody vouches for.

    Args:
        source: The zip's bytes, or its path.
        name: What the user knows it as.

    Raises:
        ModelContractError: If it is no zip, or an entry's name, kind or size is not acceptable.
    """

    def __init__(self, source: Path | bytes, *, name: str) -> None:
        self._name = name
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
        except OSError as error:
            raise ModelContractError(f"cannot read the bundle {name}: {error.strerror or error}") from None
        except _BROKEN as error:
            raise self._refused(f"is not a readable zip ({error})") from None
        try:
            self._entries = self._checked(self._zip.infolist())
        except ModelContractError:
            self._zip.close()
            raise

    def __enter__(self) -> "HostileZip":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def names(self) -> frozenset[str]:
        """Name of every entry; no folders, no duplicates."""
        return frozenset(self._entries)

    @property
    def largest_bytes(self) -> int:
        """Size of the largest entry once unpacked, as its header says; ``read`` never gives more than that."""
        return max((entry.file_size for entry in self._entries.values()), default=0)

    def read(self, name: str, *, max_bytes: int = MAX_TOTAL_BYTES) -> bytes:
        """Read one entry.

        Raises:
            ModelContractError: If it is missing, larger than ``max_bytes``, or not what its header says.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise self._refused(f"has no {name}")
        if entry.file_size > max_bytes:
            raise self._refused(f"has a {name} of {entry.file_size:,} bytes, more than {max_bytes:,}")
        try:
            with self._zip.open(entry) as source:
                data = _read_at_most(source, entry.file_size)
        except (*_BROKEN, OSError) as error:
            raise self._refused(f"has a damaged {name} ({error})") from None
        if len(data) != entry.file_size:
            raise self._refused(f"has a {name} that is not of the size its header says")
        return data

    def _checked(self, entries: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
        if len(entries) > MAX_ENTRIES:
            raise self._refused(f"has {len(entries):,} entries, more than {MAX_ENTRIES}")
        if sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES:
            raise self._refused(f"would unpack to more than {MAX_TOTAL_BYTES:,} bytes")
        by_name: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            self._check_entry(entry)
            if entry.filename in by_name:
                raise self._refused(f"has two entries named {entry.filename!r}")
            by_name[entry.filename] = entry
        return by_name

    def _check_entry(self, entry: zipfile.ZipInfo) -> None:
        try:
            # The original name: zipfile itself cuts names at a NUL byte and turns the platform's separator round.
            _NAME.validate_python(entry.orig_filename)
        except ValidationError:
            raise self._refused(f"has an entry with the unsafe name {entry.orig_filename!r}") from None
        if entry.orig_filename != entry.filename or ":" in entry.filename:
            raise self._refused(f"has an entry with the unsafe name {entry.orig_filename!r}")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise self._refused(f"has an entry that is not a plain file: {entry.filename!r}")
        if entry.flag_bits & 0x1:
            raise self._refused(f"has an encrypted entry: {entry.filename!r}")
        if entry.compress_type not in _COMPRESSIONS:
            raise self._refused(f"has an entry in a compression that is not read: {entry.filename!r}")

    def _refused(self, what: str) -> ModelContractError:
        return ModelContractError(
            f"the bundle {self._name} {what}", hint="it is damaged or was not made by actorrec: make it again"
        )


def _read_at_most(source: IO[bytes], size_bytes: int) -> bytes:
    """Read up to one byte more than declared, so that a lying header shows and memory stays bounded."""
    parts: list[bytes] = []
    left = size_bytes + 1
    while left > 0 and (part := source.read(min(left, _CHUNK_BYTES))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def write_zip(out: IO[bytes], files: Mapping[str, bytes]) -> None:
    """Write a zip whose bytes depend on nothing but names and contents.

    Args:
        out: Where to; binary.
        files: Plain relative name → content.
    """
    with zipfile.ZipFile(out, "w") as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(_NAME.validate_python(name), _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(_PACKED_ALREADY) else zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on every machine
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            target.writestr(entry, files[name], compresslevel=6)
