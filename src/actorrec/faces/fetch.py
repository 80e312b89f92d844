"""Fetches a registered model once into the user's cache; a file with another digest never gets there."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Final

from actorrec.errors import ArtifactError, ConfigError, ModelContractError
from actorrec.faces.http_download import download
from actorrec.faces.registry import ZOO_URL, Download, ModelEntry, find_model
from actorrec.home import cache_folder
from actorrec.progress import Progress, SilentProgress, Step

_CHUNK_BYTES: Final = 1 << 18


def default_cache_dir() -> Path:
    """The platform's cache folder for this program; ``XDG_CACHE_HOME`` goes before it."""
    return cache_folder("models")


def cached_model(model: str | ModelEntry, *, cache_dir: Path | None = None) -> Path | None:
    """Path of a model that was fetched before; None where it was not, or the file is no longer what it was.

    Raises:
        ConfigError: If there is no such model, or it ships with the package.
    """
    path, wanted = _target(model, cache_dir)
    try:
        return path if path.stat().st_size == wanted.bytes and _sha256(path) == wanted.sha256 else None
    except OSError:
        return None


def fetch_model(
    model: str | ModelEntry,
    *,
    cache_dir: Path | None = None,
    base_url: str | None = None,
    from_file: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Bring a model into the cache, unless it is there.

    Args:
        model: A name of the registry, or an entry.
        cache_dir: Where models are kept; the platform's cache folder by default.
        base_url: Replaces the publisher's host: https, or http on loopback.
        from_file: Takes the file from here and needs no network.
        progress: Where to report.

    Returns:
        Path of the file, whose SHA-256 is the registry's.

    Raises:
        ConfigError: If there is no such model, it ships with the package, or ``base_url`` is not allowed.
        ModelContractError: If the file is not the registered one; nothing is kept of it.
        RemoteError: If it cannot be downloaded; the hint says how to place it by hand.
        ArtifactError: If the cache cannot be written, or ``from_file`` cannot be read.
    """
    entry = find_model(model) if isinstance(model, str) else model
    path, wanted = _target(entry, cache_dir)
    if from_file is None and (found := cached_model(entry, cache_dir=cache_dir)) is not None:
        return found
    url = f"{(base_url or ZOO_URL).rstrip('/')}/{wanted.path}"
    by_hand = f"get {url} elsewhere, then: actorrec models fetch {entry.name} --from FILE"
    chunks = _read_file(from_file) if from_file else download(url, max_bytes=wanted.bytes, hint=by_hand)
    with (
        contextlib.closing(chunks),
        (progress or SilentProgress()).step(f"fetch {entry.name}", wanted.bytes, "B") as step,
        _part_file(path) as part,
    ):
        found_bytes, found_sha256 = _receive(chunks, part, step)
        if (found_bytes, found_sha256) != (wanted.bytes, wanted.sha256):
            raise ModelContractError(
                f"{entry.name}: expected {wanted.bytes} bytes with sha256 {wanted.sha256}, "
                f"found {found_bytes} bytes with {found_sha256}",
                hint=f"from {from_file or url}; nothing was kept of it",
            )
        _commit(part, path)
    return path


def _receive(chunks: Iterable[bytes], part: Path, step: Step) -> tuple[int, str]:
    """Write the chunks; returns their number of bytes and SHA-256."""
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size_bytes += len(chunk)
        _write(part, chunk)
        step.advance(len(chunk))
    return size_bytes, digest.hexdigest()


def _target(model: str | ModelEntry, cache_dir: Path | None) -> tuple[Path, Download]:
    entry = find_model(model) if isinstance(model, str) else model
    if entry.download is None:
        raise ConfigError(f"'{entry.name}' ships with actorrec: there is nothing to fetch")
    return (cache_dir or default_cache_dir()) / entry.download.file_name, entry.download


@contextlib.contextmanager
def _part_file(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that is gone afterwards, unless it was moved into its place."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(descriptor)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        yield Path(part)
    finally:
        Path(part).unlink(missing_ok=True)


def _write(part: Path, chunk: bytes) -> None:
    try:
        with part.open("ab") as stream:
            stream.write(chunk)
    except OSError as error:
        raise _cannot_write(part, error) from None


def _commit(part: Path, path: Path) -> None:
    try:
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        os.replace(part, path)
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(
        f"cannot write the model cache {path.parent}: {error.strerror}",
        hint="set models.cache_dir to a folder of yours",
    )


def _read_file(path: Path) -> Generator[bytes, None, None]:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
