"""Single requests about objects under one prefix of one bucket; every failure comes out as an error of ours."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from actorrec.artifacts.store import Entry
from actorrec.aws.failures import aws_errors, code_of, status_of
from actorrec.aws.session import AwsSession
from actorrec.errors import ArtifactError, RemoteError

_SHA256: Final = "sha256"  # our own metadata: the digest of the whole object, whatever parts it was sent in
_NONCE: Final = "writer"
_CONFLICT_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Head:
    """What a store knows of an object without its content.

    Attributes:
        sha256: As it was written with; empty for an object that something else put there.
        version: Changes whenever the object is written.
        age_s: Since it was written, by the server's own clock; 0 where the server told no time.
    """

    sha256: str
    version: str
    bytes: int
    age_s: float


class Objects:
    """Objects of a bucket.

    Args:
        bucket: Its name.
        prefix: In front of every key; empty or ending in ``/``.
        aws: Makes the client.
    """

    def __init__(self, bucket: str, prefix: str, aws: AwsSession) -> None:
        self.bucket, self.prefix, self.aws = bucket, prefix, aws
        self._bucket_seen = False

    def key(self, name: str) -> str:
        """Full key of a name inside the store."""
        return self.prefix + name

    def url(self, name: str) -> str:
        """A name as the user would name it."""
        return f"s3://{self.bucket}/{self.prefix}{name}"

    @property
    def client(self) -> Any:
        """The boto3 client."""
        return self.aws.client("s3")

    def told(self, doing: str) -> AbstractContextManager[None]:
        """Inside, what botocore raises becomes an error of ours."""
        return aws_errors(doing, lambda: self.aws.place(self.bucket))

    def written_with(self, sha256: str) -> dict[str, Any]:
        """Parameters that every upload has."""
        key = self.aws.settings.kms_key
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key} if key else {}
        return {"Metadata": {_SHA256: sha256}, **encryption}

    def head(self, name: str) -> Head | None:
        """What is known of an object; None if it is not there."""
        from botocore.exceptions import ClientError

        with self.told(f"read {self.url(name)}"):
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=self.key(name))
            except ClientError as error:
                # An answer to HEAD has no body to say why; a listing has one (no such bucket, which region, …).
                if status_of(error) != 404 or not self._bucket_seen:
                    self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.key(name), MaxKeys=1)
                    self._bucket_seen = True
                if status_of(error) == 404:
                    return None
                raise
        return _head(answer)

    def get(self, name: str) -> tuple[Head, Any]:
        """An object and the stream of its bytes.

        Raises:
            ArtifactError: If it does not exist.
        """
        from botocore.exceptions import ClientError

        with self.told(f"read {self.url(name)}"):
            try:
                answer = self.client.get_object(Bucket=self.bucket, Key=self.key(name))
            except ClientError as error:
                if code_of(error) != "NoSuchKey":
                    raise
                folder = self.url("/".join(name.split("/")[:2]))
                hint = f"remove {folder} and run again what made it"
                raise ArtifactError(f"{self.url(name)} does not exist", hint=hint) from None
        return _head(answer), answer["Body"]

    def put(self, name: str, data: bytes) -> str:
        """Write an object; returns its SHA-256 hex."""
        digest = hashlib.sha256(data)
        with self.told(f"write {self.url(name)}"):
            self._put(name, data, digest.digest(), {}, {})
        return digest.hexdigest()

    def put_new(self, name: str, data: bytes) -> bool:
        """Write an object unless there is one; whether this call wrote it."""
        return self._put_if(name, data, {"IfNoneMatch": "*"})

    def put_over(self, name: str, data: bytes, version: str) -> bool:
        """Write an object only over that version of it; whether this call wrote it."""
        return self._put_if(name, data, {"IfMatch": version})

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens if it is not there."""
        with self.told(f"delete {self.url(name)}"):
            self.client.delete_object(Bucket=self.bucket, Key=self.key(name))

    def listed(self, prefix: str) -> Iterator[Entry]:
        """Objects whose name begins with a prefix, in the order of their keys; a thousand a request."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.key(prefix))
        with self.told(f"list {self.url(prefix)}"):
            for page in pages:
                self._bucket_seen = True
                for found in page.get("Contents", ()):
                    name = found["Key"].removeprefix(self.prefix)
                    yield Entry(name, found["Size"], found["LastModified"])

    def _put_if(self, name: str, data: bytes, condition: dict[str, str]) -> bool:
        from botocore.exceptions import ClientError

        nonce = secrets.token_hex(8)
        for attempt in range(_CONFLICT_TRIES):
            with self.told(f"write {self.url(name)}"):
                try:
                    self._put(name, data, hashlib.sha256(data).digest(), {_NONCE: nonce}, condition)
                except ClientError as error:
                    if status_of(error) == 412:
                        # Perhaps refused by our own first try, whose answer was lost on its way.
                        return self._wrote(name, nonce)
                    if status_of(error) == 404 and "IfMatch" in condition:
                        return False  # nothing there to be written over
                    if status_of(error) != 409:
                        raise
                else:
                    return True
            time.sleep(0.05 * 2**attempt)  # another writer is at it this moment
        raise RemoteError(f"cannot write {self.url(name)}: others keep writing it", hint="run it again")

    def _wrote(self, name: str, nonce: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=self.key(name))
        except ClientError as error:
            if status_of(error) == 404:
                return False
            raise
        return bool(answer["Metadata"].get(_NONCE) == nonce)

    def _put(self, name: str, data: bytes, digest: bytes, metadata: dict[str, str], conditions: dict[str, str]) -> None:
        parameters = self.written_with(digest.hex())
        parameters["Metadata"] |= metadata
        checksum = base64.b64encode(digest).decode()
        self.client.put_object(
            Bucket=self.bucket, Key=self.key(name), Body=data, ChecksumSHA256=checksum, **parameters, **conditions
        )


def _head(answer: dict[str, Any]) -> Head:
    return Head(
        sha256=answer.get("Metadata", {}).get(_SHA256, ""),
        version=answer["ETag"],
        bytes=answer["ContentLength"],
        age_s=_age(answer["LastModified"], answer["ResponseMetadata"]["HTTPHeaders"].get("date")),
    )


def _age(written: datetime, date: str | None) -> float:
    """By the server's clock; by ours where its date cannot be read, as where a proxy adds a second one."""
    try:
        now = parsedate_to_datetime(date or "")
    except ValueError:
        now = datetime.now(UTC)
    return ((now if now.tzinfo else datetime.now(UTC)) - written).total_seconds()
