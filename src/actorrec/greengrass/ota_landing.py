"""An object that landed: fetched, and the bundle taken out of it. Nobody vouches for what is in it."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.trained import unpack_bundle
from actorrec.aws.failures import aws_errors, code_of, status_of
from actorrec.aws.places import bucket_and_key
from actorrec.aws.session import AwsSession
from actorrec.config import Config
from actorrec.errors import ArtifactError, DataError, ModelContractError, ParityError
from actorrec.greengrass.ota_events import MODEL_ARCHIVE, ObjectEvent
from actorrec.greengrass.refusals import refuse_unfit
from actorrec.manifests.bundle import BundleCard
from actorrec.manifests.ota import LandedModel, LandedObject
from actorrec.recognition.bundle_card import read_card
from actorrec.recognition.bundle_zip import HostileZip

_CHUNK_BYTES: Final = 1 << 20
_RESERVE_BYTES: Final = 32 << 20  # left free on the disk
_OWN_MEMORY_BYTES: Final = 192 << 20  # Python, boto3 and we
_MODEL_BYTES: Final = 32 << 10  # written down and sent as a message, which may have 128 KiB
_ROOM: Final = "give the function more (EphemeralStorage, MemorySize), or publish it by hand"
_NEEDS: Final = "s3:GetObject, s3:GetObjectVersion and s3:ListBucket"
_NOT_THERE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "PreconditionFailed", "MethodNotAllowed", "404", "412"})


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that may be shipped as far as it says itself.

    Attributes:
        path: ``bundle.zip`` on this machine.
        model: What must be known of it afterwards.
    """

    path: Path
    card: BundleCard
    model: LandedModel


@dataclass(frozen=True, slots=True)
class NoBundle:
    """Why an object cannot be shipped.

    Attributes:
        sha256: Of the bundle in it; None where none was found.
    """

    reason: str
    sha256: str | None = None


class Gate:
    """Where objects come in.

    Args:
        aws: Makes the client.
        config: What may be shipped.
        folder: Files come into it.
        memory_bytes: How much this process may use; None where nobody says.
    """

    def __init__(self, aws: AwsSession, config: Config, folder: Path, memory_bytes: int | None = None) -> None:
        self._aws, self._config, self._folder = aws, config, folder
        self._most_bytes = None if memory_bytes is None else max(0, memory_bytes - _OWN_MEMORY_BYTES) // 2

    def fetch(self, event: ObjectEvent) -> Bundle | NoBundle | None:
        """Fetch that very version of an object, take the bundle out, and hold it against what may be shipped at all.

        Returns:
            None where that version is not there any more: what is there instead has an event of its own.

        Raises:
            RemoteError: If S3 refuses or cannot be reached.
        """
        path = self._downloaded(event)
        return path if path is None or isinstance(path, NoBundle) else self._looked_at(path, event.uri)

    def model_at(self, uri: str, sha256: str) -> LandedModel | str:
        """What the card of a published bundle says, or why that cannot be known.

        Raises:
            RemoteError: If S3 refuses or cannot be reached.
        """
        bucket, key = bucket_and_key(uri)
        if not key:
            return "its recipe names no bundle"
        path = self._downloaded(ObjectEvent(bucket, LandedObject(key=key)))
        if path is None or isinstance(path, NoBundle):
            return f"{uri} does not exist" if path is None else path.reason
        try:
            if file_sha256(path) != sha256:
                return f"{uri} is another file than was published"
            if reason := self._too_large(path, uri):
                return reason
            model = LandedModel.of(read_card(path, name=uri), content=sha256, size_bytes=path.stat().st_size)
            return _not_kept(model) or model
        except ModelContractError as error:
            return error.message
        finally:
            shutil.rmtree(path.parent)

    def _downloaded(self, event: ObjectEvent) -> Path | NoBundle | None:
        from botocore.exceptions import ClientError

        with aws_errors(f"read {event.uri}", lambda: self._aws.place(event.bucket), _NEEDS):
            try:
                answer = self._aws.client("s3").get_object(Bucket=event.bucket, Key=event.object.key, **_which(event))
            except ClientError as error:
                if code_of(error) in _NOT_THERE or status_of(error) in (404, 412):
                    return None
                raise
            with closing(answer["Body"]) as body:
                size, free = int(answer["ContentLength"]), shutil.disk_usage(self._folder).free - _RESERVE_BYTES
                if size > free:
                    return NoBundle(f"it has {size:,} bytes, {max(0, free):,} are free in the function: {_ROOM}")
                path = Path(tempfile.mkdtemp(dir=self._folder)) / event.name
                with path.open("wb") as out:
                    for chunk in body.iter_chunks(_CHUNK_BYTES):
                        out.write(chunk)
        return path

    def _looked_at(self, path: Path, name: str) -> Bundle | NoBundle:
        sha256: str | None = None
        try:
            path = _bundle_file(path)
            sha256 = file_sha256(path)
            if reason := self._too_large(path, name):
                return NoBundle(reason, sha256)
            card = read_card(path, name=name)
            refuse_unfit(card, self._config, name=name)
        except (ModelContractError, ParityError, DataError) as error:
            return NoBundle(error.in_full, sha256)
        except ArtifactError as error:
            return NoBundle(f"{error.message}: {_ROOM}", sha256)
        model = LandedModel.of(card, content=sha256, size_bytes=path.stat().st_size)
        reason = _not_kept(model)
        return NoBundle(reason, sha256) if reason else Bundle(path, card, model)

    def _too_large(self, path: Path, name: str) -> str:
        """A file of a bundle is in memory when its digest is checked."""
        if self._most_bytes is None:
            return ""
        with HostileZip(path, name=name) as archive:
            largest = archive.largest_bytes
        if largest > self._most_bytes:
            return f"it holds a file of {largest:,} bytes, more than {self._most_bytes:,}: {_ROOM}"
        return ""


def _not_kept(model: LandedModel) -> str:
    """Why a model cannot be written down so that it is read back as it is; empty where it can."""
    text = model.model_dump_json()
    if len(text) > _MODEL_BYTES:
        return f"its card says more than a log can keep ({len(text):,} characters)"
    try:
        LandedModel.model_validate_json(text)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        return f"its card does not say a number where one must stand: {where}"
    return ""


def _bundle_file(path: Path) -> Path:
    if path.name != MODEL_ARCHIVE:
        return path
    folder = path.parent / "unpacked"
    folder.mkdir()
    bundle = unpack_bundle(path, folder)
    path.unlink()
    return bundle


def _which(event: ObjectEvent) -> dict[str, str]:
    """What asks for the version that the event is about, and for no other."""
    if event.object.version_id:
        return {"VersionId": event.object.version_id}
    return {"IfMatch": f'"{event.object.etag}"'} if event.object.etag else {}


def memory_of(environ: Mapping[str, str] | None = None) -> int | None:
    """How many bytes a function may use, as its environment says; None outside of one."""
    said = (os.environ if environ is None else environ).get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(said) << 20 if said.isascii() and said.isdigit() else None
