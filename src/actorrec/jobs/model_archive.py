"""``model.tar.gz`` of a job on its way down; a download that was cut goes on where it was, also in another run."""

import hashlib
import logging
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from actorrec.artifacts.whole_file import DISK_HINTS
from actorrec.aws.failures import aws_errors, status_of
from actorrec.aws.places import bucket_and_key
from actorrec.aws.session import AwsSession
from actorrec.errors import ArtifactError, JobError, ModelContractError
from actorrec.home import cache_folder
from actorrec.jobs.follow import refuse_unless_completed
from actorrec.jobs.state import JobState
from actorrec.progress import Progress, Step

_log = logging.getLogger(__name__)
MAX_ARCHIVE_BYTES: Final = 8 << 30
"""As much as may come out of it: an archive is no larger than what is in it."""
_CHUNK_BYTES: Final = 1 << 20
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class _Remote:
    """One version of the object."""

    bucket: str
    key: str
    version: str
    size: int

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def download_archive(aws: AwsSession, state: JobState, progress: Progress) -> Path:
    """Bring the archive of a job to this machine's cache.

    Args:
        aws: Makes the client.
        state: Of a job with a ``model_uri``.
        progress: Told of every byte.

    Returns:
        The whole file; the caller removes it once it is unpacked.

    Raises:
        JobError: If it is not in S3, or was replaced there while it was read.
        ModelContractError: If it is too large to be a model.
        ArtifactError: If the disk takes no more.
        RemoteError: If AWS refuses or cannot be reached.
    """
    remote = _look(aws, state)
    folder = (aws.settings.cache_dir or cache_folder("s3")) / "jobs"
    # The version is part of the name: another object's beginning must not be gone on with.
    path = folder / f"{state.name}-{hashlib.sha256(f'{remote.uri} {remote.version}'.encode()).hexdigest()[:16]}.tar.gz"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("ab") as out, progress.step(f"model of {state.name}", remote.size, "bytes") as step:
            step.advance(out.tell())
            _fill(aws, remote, out, step)
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
    except JobError:
        path.unlink(missing_ok=True)  # the beginning of what is there no more
        raise
    except OSError as error:
        hint = DISK_HINTS.get(error.errno or 0, "aws.cache_dir names another folder for what is downloaded")
        raise ArtifactError(f"cannot write to {folder}: {error.strerror or error}", hint=hint) from None
    _log.debug("%s: %d bytes, SHA-256 %s", remote.uri, remote.size, digest)
    return path


def _look(aws: AwsSession, state: JobState) -> _Remote:
    from botocore.exceptions import ClientError

    assert state.model_uri is not None
    bucket, key = bucket_and_key(state.model_uri)
    with aws_errors(f"read {state.model_uri}", lambda: aws.place(bucket), "s3:GetObject and s3:ListBucket"):
        try:
            head = aws.client("s3").head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if status_of(error) != 404:
                raise
            refuse_unless_completed(state)
            raise JobError(
                f"the job {state.name} is {state.status}, but its model is not in S3: there is no {state.model_uri}",
                hint=f"was it deleted? if not, its log says more: actorrec jobs logs {state.name}",
            ) from None
    if head["ContentLength"] > MAX_ARCHIVE_BYTES:
        said = f"{head['ContentLength']:,} bytes, more than {MAX_ARCHIVE_BYTES:,}"
        raise ModelContractError(f"{state.model_uri} is no model of actorrec: it has {said}")
    return _Remote(bucket, key, head["ETag"], head["ContentLength"])


def _fill(aws: AwsSession, remote: _Remote, out: BinaryIO, step: Step) -> None:
    """Read what is missing, again where the connection breaks."""
    from botocore.exceptions import BotoCoreError
    from urllib3.exceptions import HTTPError

    left = max(_TRIES, aws.settings.attempts)
    with aws_errors(f"read {remote.uri}", lambda: aws.place(remote.bucket), "s3:GetObject"):
        while out.tell() < remote.size:
            before = out.tell()
            try:
                _read_on(aws.client("s3"), remote, out, step)
            except (BotoCoreError, HTTPError):
                left -= 1
                if not left:
                    raise
                _log.info("%s broke off after %d bytes; going on from there", remote.uri, out.tell() - before)


def _read_on(client: Any, remote: _Remote, out: BinaryIO, step: Step) -> None:
    from botocore.exceptions import ClientError

    at = f"bytes={out.tell()}-"
    try:
        answer = client.get_object(Bucket=remote.bucket, Key=remote.key, IfMatch=remote.version, Range=at)
    except ClientError as error:
        if status_of(error) != 412:
            raise
        raise JobError(f"{remote.uri} was written anew while it was read", hint="run it again") from None
    # Closed, for an answer that was not read to its end would keep its connection open.
    with closing(answer["Body"]) as body:
        for chunk in body.iter_chunks(_CHUNK_BYTES):
            out.write(chunk)
            step.advance(len(chunk))
