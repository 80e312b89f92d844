"""What a function in the cloud is called with: objects that landed in S3, or nothing but the passing of time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from actorrec.aws.places import CloudPlace
from actorrec.manifests.jobs import BUNDLE_FILE
from actorrec.manifests.ota import LandedObject

MODEL_ARCHIVE: Final = "model.tar.gz"
"""Name that SageMaker gives to all that a training job left."""
_LONGEST: Final = 1024  # that S3 allows


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """An object that was written."""

    bucket: str
    object: LandedObject

    @property
    def name(self) -> str:
        """Last part of the key."""
        return self.object.key.rpartition("/")[2]

    @property
    def uri(self) -> str:
        """As a user would name it."""
        return f"s3://{self.bucket}/{self.object.key}"


def objects_of(event: object) -> tuple[ObjectEvent, ...]:
    """Objects that an event tells of; none for a schedule's, or one that is not understood.

    S3's own notifications (keys are encoded as in an address) and those that EventBridge passes on (keys are plain).
    """
    if not isinstance(event, Mapping):
        return ()
    if event.get("source") == "aws.s3":
        return tuple(_of_event_bridge(event))
    records = event.get("Records")
    return tuple(_of_records(records)) if isinstance(records, list) else ()


def _of_event_bridge(event: Mapping[str, Any]) -> Iterator[ObjectEvent]:
    detail = event.get("detail")
    if event.get("detail-type") == "Object Created" and isinstance(detail, Mapping):
        yield from _object(detail, ("version-id", "etag"), encoded=False)


def _of_records(records: list[Any]) -> Iterator[ObjectEvent]:
    for record in records:
        about = record.get("s3") if isinstance(record, Mapping) else None
        if isinstance(about, Mapping) and str(record.get("eventName", "")).startswith("ObjectCreated:"):
            yield from _object(about, ("versionId", "eTag"), encoded=True)


def _object(about: Mapping[str, Any], keys: tuple[str, str], *, encoded: bool) -> Iterator[ObjectEvent]:
    bucket, written = about.get("bucket"), about.get("object")
    if not isinstance(bucket, Mapping) or not isinstance(written, Mapping):
        return
    name, key = bucket.get("name"), written.get("key")
    if isinstance(name, str) and isinstance(key, str) and name and key:
        version_id, etag = (str(written.get(each) or "").strip('"') for each in keys)
        version_id = "" if version_id == "null" else version_id  # versions suspended: that one is written over
        key = unquote_plus(key) if encoded else key
        if (version_id or etag) and max(len(key), len(version_id), len(etag)) <= _LONGEST:
            yield ObjectEvent(name, LandedObject(key=key, version_id=version_id, etag=etag))


def not_for_us(event: ObjectEvent, place: CloudPlace, component_prefix: str) -> str:
    """Why an object is left alone; empty for one that may hold a model.

    Args:
        event: It.
        place: Bucket and prefix that models land in.
        component_prefix: Below the prefix, where we put what we publish: bundles that have been through all this.
    """
    if event.bucket != place.bucket:
        return f"it is in another bucket than '{place.bucket}'"
    if not event.object.key.startswith(f"{place.prefix}/" if place.prefix else ""):
        return f"it is not below {place.store_uri}"
    if event.name not in (MODEL_ARCHIVE, BUNDLE_FILE):
        return f"it is no {MODEL_ARCHIVE} and no {BUNDLE_FILE}"
    if f"{event.uri}/".startswith(f"{place.uri(component_prefix)}/"):
        return "it is a published component's"
    return ""
