"""Files up to S3 and down again: whole or not at all, and checked by us."""

import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.s3_objects import Head, Objects
from actorrec.artifacts.whole_file import DISK_HINTS, temporary_beside
from actorrec.errors import ArtifactError

logger = logging.getLogger(__name__)
_CHUNK_BYTES: Final = 1 << 20
PART_BYTES: Final = 8 << 20
"""Larger files go up in parts of this size."""
_PARTS_AT_ONCE: Final = 4
_TRIES: Final = 3
R = TypeVar("R")


class Transfer:
    """Downloads into a folder of this machine, and uploads.

    Args:
        objects: What is in the bucket.
        cache: Folder of what was downloaded; may be deleted at any time.
    """

    def __init__(self, objects: Objects, cache: Path) -> None:
        self._objects, self._cache = objects, cache

    def upload(self, name: str, path: Path) -> tuple[str, int]:
        """Send a file; returns its SHA-256 hex and size.

        Raises:
            ArtifactError: If it cannot be read, or changes meanwhile.
        """
        try:
            before = path.stat()
            if before.st_size <= PART_BYTES:
                data = path.read_bytes()
                return self._objects.put(name, data), len(data)
            sha256 = file_sha256(path)
            with path.open("rb") as source:
                self._in_parts(name, source, sha256)
            after = path.stat()
        except OSError as error:
            raise ArtifactError(f"cannot read {path}: {error.strerror or error}") from None
        if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            self._objects.delete(name)
            raise ArtifactError(f"{path} changed while it was sent", hint="run it again once nothing writes it")
        return sha256, before.st_size

    def _in_parts(self, name: str, source: BinaryIO, sha256: str) -> None:
        """S3 shows nothing of it until the last part is there."""
        from boto3.s3.transfer import TransferConfig

        objects = self._objects
        config = TransferConfig(
            multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=_PARTS_AT_ONCE
        )
        extra = {"ChecksumAlgorithm": "SHA256", **objects.written_with(sha256)}
        with objects.told(f"write {objects.url(name)}"):
            objects.client.upload_fileobj(source, objects.bucket, objects.key(name), ExtraArgs=extra, Config=config)

    def read(self, name: str) -> bytes:
        """An object's bytes.

        Raises:
            ArtifactError: If it does not exist, or is not what was written.
        """

        def read(head: Head, body: Any) -> tuple[bytes, str]:
            del head
            data = body.read()
            return data, hashlib.sha256(data).hexdigest()

        return self._checked(name, read)

    def sha256(self, name: str) -> str:
        """SHA-256 hex of an object's bytes as they come now, whatever it says of itself."""

        def digested(head: Head, body: Any) -> tuple[None, str]:
            del head
            digest = hashlib.sha256()
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
            return None, digest.hexdigest()

        return self._whole(name, digested)[2]

    def local(self, name: str) -> Path:
        """The object as a file of this machine; downloaded unless that very version is there.

        Raises:
            ArtifactError: If it does not exist, is not what was written, or the disk takes no more.
        """
        folder = self._folder(name)
        try:
            if folder.is_dir():
                head = self._objects.head(name)
                path = folder / head.sha256 / Path(name).name if head is not None and head.sha256 else None
                if path is not None and path.is_file() and file_sha256(path) == path.parent.name:
                    return path
            path = self._checked(name, lambda head, body: self._download(folder, name, head, body))
            self._drop_others(path)
            return path
        except OSError as error:
            hint = DISK_HINTS.get(error.errno or 0, "aws.cache_dir names another folder for what is downloaded")
            raise ArtifactError(f"cannot write to {self._cache}: {error.strerror or error}", hint=hint) from None

    def forget(self, name: str) -> None:
        """Remove what was downloaded of an object: what is deleted there must not stay here."""
        shutil.rmtree(self._folder(name), ignore_errors=True)

    def _checked(self, name: str, take: Callable[[Head, Any], tuple[R, str]]) -> R:
        """Take an object's bytes; once more if they have not the digest that they were written with."""
        for _ in range(2):
            head, taken, sha256 = self._whole(name, take)
            if head.sha256 in ("", sha256):
                return taken
        raise ArtifactError(
            f"{self._objects.url(name)} was changed or damaged: its SHA-256 is not the one it was written with",
            hint="`actorrec artifacts verify` lists what is damaged; run again what made it, or pull it from a copy",
        )

    def _whole(self, name: str, take: Callable[[Head, Any], tuple[R, str]]) -> tuple[Head, R, str]:
        """Take an object's bytes, again where the connection breaks; what was taken, and its SHA-256."""
        from botocore.exceptions import BotoCoreError
        from urllib3.exceptions import HTTPError

        left = _TRIES
        while True:
            head, body = self._objects.get(name)
            left -= 1
            # Closed, for an answer that was not read to its end would keep its connection open.
            with self._objects.told(f"read {self._objects.url(name)}"), closing(body):
                try:
                    return head, *take(head, body)
                except (BotoCoreError, HTTPError):
                    if not left:
                        raise
            logger.debug("%s broke off; it is read again", name)

    def _download(self, folder: Path, name: str, head: Head, body: Any) -> tuple[Path, str]:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        digest = hashlib.sha256()
        with temporary_beside(folder / "file") as (out, temporary):
            for chunk in body.iter_chunks(_CHUNK_BYTES):
                digest.update(chunk)
                out.write(chunk)
            out.close()
            sha256 = digest.hexdigest()
            path = folder / sha256 / Path(name).name
            if head.sha256 in ("", sha256):
                path.parent.mkdir(exist_ok=True)
                os.replace(temporary, path)
        return path, sha256

    def _drop_others(self, path: Path) -> None:
        """Remove older versions; downloads under way are files beside them."""
        for other in path.parent.parent.iterdir():
            if other.is_dir() and other != path.parent:
                shutil.rmtree(other, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        """Also a folder of their own for equal names on other servers."""
        place = f"{self._objects.aws.settings.endpoint_url or ''} {self._objects.url(name)}"
        return self._cache / self._objects.bucket / hashlib.sha256(place.encode()).hexdigest()[:32]
