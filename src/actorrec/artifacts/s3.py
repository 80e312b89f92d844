"""A store in S3, or in a service that speaks S3."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.s3_lease import LEASE_S, Lease
from actorrec.artifacts.s3_objects import Objects
from actorrec.artifacts.s3_transfer import Transfer
from actorrec.artifacts.store import Entry
from actorrec.aws.session import AwsSession
from actorrec.errors import ArtifactError, ConfigError
from actorrec.home import cache_folder
from actorrec.manifests.base import FileRecord
from actorrec.progress import Step
from actorrec.sections import AwsSection

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def open_s3(place: str, settings: AwsSection) -> "S3Store":
    """Open ``bucket/prefix``.

    Raises:
        ConfigError: If the bucket has an impossible name.
    """
    bucket, _, prefix = place.strip("/").partition("/")
    if not _BUCKET.fullmatch(bucket) or any(part in ("", ".", "..") for part in prefix.split("/") if prefix):
        raise ConfigError(f"not a bucket and a prefix: 's3://{place}'", hint="write --store s3://BUCKET/PREFIX")
    return S3Store(bucket, prefix, settings)


class S3Store:
    """Artifacts under a prefix of a bucket.

    Every object carries its SHA-256, sent with it and checked by us on the way down.

    Args:
        bucket: It must exist.
        prefix: Without slashes at its ends; may be empty.
        settings: Region, endpoint, key, patience.
        lease_s: For how long the lock of a command that was killed keeps others waiting.
    """

    def __init__(self, bucket: str, prefix: str, settings: AwsSection, *, lease_s: float = LEASE_S) -> None:
        self._objects = Objects(bucket, f"{prefix}/" if prefix else "", AwsSession(settings))
        self._transfer = Transfer(self._objects, settings.cache_dir or cache_folder("s3"))
        self._threads, self._lease_s = settings.connections, lease_s

    @property
    def uri(self) -> str:
        return self._objects.url("").rstrip("/")

    def put_bytes(self, name: str, data: bytes) -> FileRecord:
        return FileRecord(name=_inside(name), sha256=self._objects.put(_valid(name), data), bytes=len(data))

    def put_file(self, name: str, path: Path) -> FileRecord:
        sha256, size = self._transfer.upload(_valid(name), path)
        return FileRecord(name=_inside(name), sha256=sha256, bytes=size)

    def put_files(self, items: Iterable[tuple[str, bytes | Path]], step: Step) -> list[FileRecord]:
        there = _There(self)

        def put(item: tuple[str, bytes | Path]) -> FileRecord:
            name, content = item
            record = _record(name, content) if there.size(name) is not None else None
            if record is not None and there.size(name) == record.bytes and self.holds(name, record.sha256):
                return record
            return self.put_bytes(name, content) if isinstance(content, bytes) else self.put_file(name, content)

        def looked_up() -> Iterator[tuple[str, bytes | Path]]:
            for item in items:
                there.look_up(item[0])
                yield item

        records: list[FileRecord] = []
        for record in in_parallel(put, looked_up(), self._threads):
            records.append(record)
            step.advance()
        return records

    def read_bytes(self, name: str) -> bytes:
        return self._transfer.read(_valid(name))

    def local_path(self, name: str) -> Path:
        return self._transfer.local(_valid(name))

    def fetch_files(self, names: Iterable[str], step: Step) -> list[Path]:
        paths: list[Path] = []
        for path in in_parallel(self.local_path, names, self._threads):
            paths.append(path)
            step.advance()
        return paths

    def exists(self, name: str) -> bool:
        return self._objects.head(_valid(name)) is not None

    def holds(self, name: str, sha256: str) -> bool:
        head = self._objects.head(_valid(name))
        return head is not None and head.sha256 == sha256

    def sha256(self, name: str) -> str:
        return self._transfer.sha256(_valid(name))

    def commit(self, name: str, data: bytes) -> bool:
        return self._objects.put_new(_valid(name), data)

    def names(self, prefix: str) -> Iterator[str]:
        for entry in self.entries(prefix):
            yield entry.name

    def entries(self, prefix: str) -> Iterator[Entry]:
        found = self._objects.listed(f"{_valid(prefix)}/" if prefix else "")
        seen = (entry for entry in found if not any(part.startswith(".") for part in entry.name.split("/")))
        # Keys are in the order of their bytes; a name's parts make the order that folders have.
        yield from sorted((e for e in seen if not e.name.endswith("/")), key=lambda entry: entry.name.split("/"))

    def delete(self, name: str) -> None:
        self._objects.delete(_valid(name))
        self._transfer.forget(name)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        with Lease(self._objects, name, self._lease_s).held(wait=True):
            yield

    def try_lock(self, name: str) -> AbstractContextManager[bool]:
        return Lease(self._objects, name, self._lease_s).held(wait=False)


class _There:
    """Sizes of what is in the artifacts that are written to, one listing an artifact."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._artifacts: set[str] = set()
        self._sizes: dict[str, int] = {}

    def look_up(self, name: str) -> None:
        artifact = "/".join(name.split("/")[:2])
        if artifact not in self._artifacts:
            self._artifacts.add(artifact)
            self._sizes.update((entry.name, entry.bytes) for entry in self._store.entries(artifact))

    def size(self, name: str) -> int | None:
        return self._sizes.get(name)


def _record(name: str, content: bytes | Path) -> FileRecord:
    if isinstance(content, bytes):
        sha256, size = hashlib.sha256(content).hexdigest(), len(content)
    else:
        sha256, size = file_sha256(content), content.stat().st_size
    return FileRecord(name=_inside(name), sha256=sha256, bytes=size)


def _valid(name: str) -> str:
    if name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
        raise ArtifactError(f"not a name inside the store: {name!r}")
    return name


def _inside(name: str) -> str:
    return name.split("/", 2)[-1]
