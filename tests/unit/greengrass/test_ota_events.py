"""Which objects an event tells of, and which of them are for us."""

import pytest

from actorrec.aws.places import CloudPlace
from actorrec.greengrass.ota_events import ObjectEvent, not_for_us, objects_of
from actorrec.manifests.ota import LandedObject

PLACE = CloudPlace("bucket", "pre/fix")


def s3_record(key: str, name: str = "ObjectCreated:Put", **more: object) -> dict[str, object]:
    written = {"key": key, "size": 3, "eTag": "abc", "sequencer": "0055", **more}
    return {"eventSource": "aws:s3", "eventName": name, "s3": {"bucket": {"name": "bucket"}, "object": written}}


def bridged(key: str, kind: str = "Object Created", **more: object) -> dict[str, object]:
    written = {"key": key, "size": 3, "etag": "abc", **more}
    return {"source": "aws.s3", "detail-type": kind, "detail": {"bucket": {"name": "bucket"}, "object": written}}


def test_keys_of_s3_itself_are_encoded() -> None:
    event = {"Records": [s3_record("pre/fix/a+b/%C3%BC%2B1/model.tar.gz", versionId="v1"), s3_record("pre/bundle.zip")]}
    first, second = objects_of(event)
    assert first == ObjectEvent("bucket", LandedObject(key="pre/fix/a b/ü+1/model.tar.gz", version_id="v1", etag="abc"))
    assert second.object.one == ("pre/bundle.zip", "abc")
    assert first.uri == "s3://bucket/pre/fix/a b/ü+1/model.tar.gz"


def test_keys_of_event_bridge_are_plain() -> None:
    [found] = objects_of(bridged("pre/fix/a+b%20/bundle.zip", **{"version-id": "v9"}))
    assert found.object == LandedObject(key="pre/fix/a+b%20/bundle.zip", version_id="v9", etag="abc")


def test_an_object_in_a_bucket_whose_versions_are_suspended_is_told_by_its_etag() -> None:
    [found] = objects_of({"Records": [s3_record("bundle.zip", versionId="null")]})
    assert found.object.one == ("bundle.zip", "abc")


@pytest.mark.parametrize(
    "event",
    [
        None, [], "text", {}, {"source": "aws.events", "detail-type": "Scheduled Event"},
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bucket"},
        {"Records": None}, {"Records": [None, {}, {"s3": {}}, {"s3": {"bucket": {}, "object": {}}}]},
        {"Records": [s3_record("a/bundle.zip", "ObjectRemoved:Delete")]},
        {"Records": [s3_record("a/bundle.zip", eTag=None)]}, {"Records": [s3_record("x" * 2000)]},
        bridged("a/bundle.zip", "Object Deleted"), {"source": "aws.s3", "detail-type": "Object Created", "detail": 3},
    ],
)  # fmt: skip
def test_what_is_not_understood_tells_of_no_object(event: object) -> None:
    assert objects_of(event) == ()


@pytest.mark.parametrize(
    ("key", "bucket", "said"),
    [
        ("pre/fix/jobs/j/output/model.tar.gz", "bucket", ""),
        ("pre/fix/bundle/0123456789abcdef/bundle.zip", "bucket", ""),
        ("pre/fix/bundle.zip", "bucket", ""),
        ("pre/fix/jobs/j/output/model.tar.gz", "other", "another bucket"),
        ("pre/fixed/model.tar.gz", "bucket", "not below"),
        ("pre/bundle.zip", "bucket", "not below"),
        ("pre/fix/jobs/j/output.tar.gz", "bucket", "is no model.tar.gz"),
        ("pre/fix/components/com.example.A.Model/0123456789abcdef/bundle.zip", "bucket", "published component's"),
        ("pre/fix/components-of-mine/bundle.zip", "bucket", ""),
    ],
)
def test_only_models_below_the_prefix_are_for_us(key: str, bucket: str, said: str) -> None:
    why = not_for_us(ObjectEvent(bucket, LandedObject(key=key, etag="e")), PLACE, "components")
    assert said in why and bool(said) == bool(why)


def test_a_store_at_the_top_of_its_bucket() -> None:
    top = CloudPlace("bucket", "")
    assert not not_for_us(ObjectEvent("bucket", LandedObject(key="bundle/k/bundle.zip", etag="e")), top, "components")
    assert not_for_us(ObjectEvent("bucket", LandedObject(key="components/n/bundle.zip", etag="e")), top, "components")
