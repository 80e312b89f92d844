"""A thing group with a live model, a bucket that models land in, and the function that ships them: all on loopback."""

import hashlib
import io
import itertools
import json
import os
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

from actorrec.config import Config, load_config
from actorrec.greengrass.canary_names import PURPOSE_TAG, TRIAL, CanaryNames
from actorrec.greengrass.component_calls import ComponentCalls
from actorrec.greengrass.components import (
    BundleFile,
    RuntimePart,
    model_draft,
    runtime_draft,
    single_draft,
)
from actorrec.greengrass.lambda_handler import OtaFunction
from actorrec.greengrass.ota_state import OtaLog, OtaState
from actorrec.greengrass.publish import Publishing, artifact_uris, execute
from actorrec.greengrass.publish_plan import plan_publish
from actorrec.manifests.base import ProducedBy
from actorrec.manifests.bundle import BundleCard, BundleManifest
from actorrec.manifests.component import BUNDLE_TAG
from actorrec.manifests.events import HealthEvent, RunningModel
from actorrec.progress import SilentProgress
from actorrec.recognition.bundle_zip import write_zip
from greengrass_server import Deployment, Greengrass
from landed_models import START, score
from s3_servers import client, new_bucket
from sites.server import Asked, Reply, Site, as_json, serve
from small_bundles import small_bundle, with_digests
from trained_archives import contents, made_model, packed, record

NAME: Final = "com.example.ActorRecognizer"
TOPIC: Final = "ml/tflite/image-classification"
PREFIX: Final = "pre/fix"
CONFIGURATION: Final = {"ImageName": "", "InferenceInterval": "10", "Shadow": "off", "PublishResultsOnTopic": TOPIC}
_numbers = itertools.count()


def bundle(name: str, day: float, **changes: Any) -> bytes:
    """A bundle that names itself in its net, made on a day, with a score unless told otherwise."""
    card, _ = small_bundle(
        **{
            "created_at": START + timedelta(days=day),
            "evaluation": score(),
            "embedder_file": "embedder.tflite",
            **changes,
        }
    )
    files = {"embedder.tflite": f"the net of {name}".encode(), "gallery.npz": b"the gallery"}
    card = with_digests(card, files)
    return zipped(files | {"card.json": card.model_dump_json().encode()})


def zipped(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    write_zip(out, files)
    return out.getvalue()


def archive(data: bytes) -> bytes:
    """``model.tar.gz`` with a bundle in it."""
    card = BundleCard.model_validate_json(zipfile.ZipFile(io.BytesIO(data)).read("card.json"))
    model = made_model({"dataset/0123456789abcdef": "0" * 64})
    made = BundleManifest(
        key="fedcba9876543210", created_at=datetime(2026, 11, 1, tzinfo=UTC), card=card,
        inputs={model.ref: model.content_digest()}, files=[record("bundle.zip", data)],
    )  # fmt: skip
    return packed(contents(model, made) | {"bundle.zip": data})


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class OtaWorld:
    """All of it.

    Attributes:
        said: What was said on the topic, in order.
    """

    def __init__(self, service: Greengrass, folder: Path, said: Site, devices: int, runtime: str) -> None:
        self.service, self.folder, self.bucket = service, folder, new_bucket(service.aws_url)
        self.group = service.group()
        self.said: list[dict[str, Any]] = []
        self.devices = service.add_devices(self.group, devices, runtime=runtime) if devices else []
        self._said, self.said_url, self.refuse_messages = said, said.url, False
        said.routes["/*"] = self._publish
        self.environ = {
            "ACTORREC_STORE__URI": f"s3://{self.bucket}/{PREFIX}", "ACTORREC_AWS__ENDPOINT_URL": service.aws_url,
            "ACTORREC_AWS__ATTEMPTS": "3", "ACTORREC_CLOUD__THING_GROUP": self.group,
            "ACTORREC_GREENGRASS__POLL_S": "0.01", "ACTORREC_GREENGRASS__CANARY_MINUTES": "0",
            "ACTORREC_GREENGRASS__CANARY_FACES": "0", "ACTORREC_GREENGRASS__CANARY": "40%",
            "AWS_ENDPOINT_URL_IOT_DATA_PLANE": said.url,
        }  # fmt: skip
        self.config: Config = load_config(environ=self.environ).config
        self.s3 = client(service.aws_url)
        self._made: OtaFunction | None = None
        self._log: OtaLog | None = None

    def function(self, *, fresh: bool = False, **changes: str) -> OtaFunction:
        """An environment of the function, in this process, which knows nothing of the log yet.

        Clients, which take a tenth of a second each to make and remember nothing, are those of the first one, unless it
        is to be ``fresh``.
        """
        config = load_config(environ=self.environ | changes).config
        if fresh:
            return OtaFunction.of(config)
        if self._made is None:
            self._made = OtaFunction.of(self.config)
        return replace(self._made, config=config, log=OtaLog(self._made.store, self.group))

    # What lands

    def put(self, key: str, data: bytes) -> dict[str, Any]:
        """Put an object; the event that EventBridge tells of it."""
        made = self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        return self.event(key, made["ETag"].strip('"'), made.get("VersionId", ""))

    def land(self, data: bytes, key: str = "") -> dict[str, Any]:
        """A bundle lands, as itself or in an archive; the event."""
        return self.put(key or f"{PREFIX}/bundle/{sha256(data)[:16]}/bundle.zip", data)

    def event(self, key: str, etag: str, version_id: str = "", bucket: str = "") -> dict[str, Any]:
        written = {"key": key, "size": 1, "etag": etag, "sequencer": f"{time.time_ns():x}"}
        versions = {"version-id": version_id} if version_id else {}
        return {
            "version": "0", "id": str(uuid.uuid4()), "detail-type": "Object Created", "source": "aws.s3",
            "resources": [f"arn:aws:s3:::{self.bucket}"], "region": "us-east-1", "account": "123456789012",
            "detail": {"bucket": {"name": bucket or self.bucket}, "object": written | versions, "reason": "PutObject"},
        }  # fmt: skip

    # What is live

    def go_live(self, data: bytes, *, single: bool = False, card_schema: int = 1, program: bytes = b"true") -> None:
        """Publish a program and a bundle by hand, and deploy them."""
        config = self.config
        path = self.folder / f"live-{next(_numbers)}.zip"
        path.write_bytes(data)
        runtime = self.folder / "runtime.zip"
        runtime.write_bytes(zipped({"run.sh": program}))
        part = RuntimePart(
            sha256(runtime.read_bytes()), runtime.stat().st_size, CONFIGURATION, card_schema, "1", 600, path=runtime
        )
        card = BundleCard.model_validate_json(_card(data))
        file, uri_of = BundleFile(sha256(data), len(data), card, path), artifact_uris(config)
        drafts = [single_draft(NAME, part, file, uri_of)] if single else [
            runtime_draft(NAME, part, uri_of), model_draft(NAME, file, uri_of)
        ]  # fmt: skip
        function = self.function()
        at = Publishing(
            ComponentCalls(function.aws, 0.01),
            function.store,
            function.store,
            SilentProgress(),
            {},
            ProducedBy(),
        )
        made = execute(plan_publish(drafts, ()), at)
        self.service.deploy(self.group, {each.name: each.version for each in made})
        self.service.settle()

    # What devices say

    def healthy(self, content: str, device: str = "") -> None:
        """Devices of the canary say that they run a bundle and are well."""
        for each in [device] if device else self.devices:
            now = datetime.now(UTC)
            event = HealthEvent(
                id=uuid.uuid4().hex, device=each, at=now, model=RunningModel(model_id="net", bundle=content),
                version="1", started_at=now, frames=30, unreadable=0, failures=0,
            )  # fmt: skip
            key = f"{PREFIX}/events/{each}/{TOPIC}/health/{int(time.time() * 1000):013d}-{uuid.uuid4()}.json"
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=event.model_dump_json().encode())

    # What is there

    @property
    def state(self) -> OtaState:
        if self._log is None:
            self._log = self.function().log
        return self._log.state()

    def stage(self, data: bytes) -> str:
        found = self.state.candidates.get(sha256(data))
        return "" if found is None else found.stage

    def _publish(self, asked: Asked) -> Reply:
        assert asked.path.startswith("/topics/"), asked.path
        if self.refuse_messages:
            return as_json({"message": "You are not allowed to do that."}, 403)
        self.said.append(json.loads(asked.body))
        return as_json({"message": "OK", "traceId": "t"})

    def versions(self, data: bytes) -> list[str]:
        """Component versions that hold a bundle."""
        return [f"{each.name} {each.version}" for each in self.service.components.values()
                if each.tags.get(BUNDLE_TAG) == sha256(data)]  # fmt: skip

    def deployed(self) -> list[str]:
        """Contents of the bundles of every deployment to the whole group, the first first."""
        return [self.content_of(each) for each in self._to(self.group)]

    @property
    def tried(self) -> list[str]:
        """Contents of every deployment to the group's canary that is a trial, the first first."""
        names = CanaryNames.of(self.group)
        found = [each for each in self._to(names.part, names.ring) if each.tags.get(PURPOSE_TAG) == TRIAL]
        return [self.content_of(each) for each in found]

    def on_devices(self) -> list[str]:
        """Contents of the bundles that the canary's part or ring was told last; empty without one."""
        names = CanaryNames.of(self.group)
        return [self.content_of(each) for each in self._to(names.part, names.ring)][-1:]

    def _to(self, *targets: str) -> list[Deployment]:
        wanted = {f"thinggroup/{target}" for target in targets}
        return [each for each in self.service.deployments.values() if each.target in wanted]

    def content_of(self, deployment: Deployment) -> str:
        """SHA-256 of the bundle that a deployment brings."""
        for name in (f"{NAME}.Model", NAME):
            if name in deployment.components:
                end = f":{name}:versions:{deployment.components[name]}"
                arn = next(arn for arn in self.service.components if arn.endswith(end))
                return self.service.components[arn].tags.get(BUNDLE_TAG, "")
        return ""


def _card(data: bytes) -> bytes:
    return zipfile.ZipFile(io.BytesIO(data)).read("card.json")


@contextmanager
def ota_world(
    service: Greengrass, folder: Path, devices: int = 3, runtime: str = "aws_nucleus_classic"
) -> Iterator[OtaWorld]:
    """Serve it until the block ends. The environment of this process must lead to the service."""
    before = os.environ.get("AWS_ENDPOINT_URL_IOT_DATA_PLANE")
    with serve() as said:
        os.environ["AWS_ENDPOINT_URL_IOT_DATA_PLANE"] = said.url
        try:
            yield OtaWorld(service, folder, said, devices, runtime)
        finally:
            os.environ.pop("AWS_ENDPOINT_URL_IOT_DATA_PLANE")
            if before is not None:
                os.environ["AWS_ENDPOINT_URL_IOT_DATA_PLANE"] = before


SCHEDULE: Final[Mapping[str, Any]] = {
    "version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {},
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/actorrec-ota"],
}  # fmt: skip
EVENTS: Final[Sequence[str]] = ("eventbridge", "s3")


def as_s3(event: Mapping[str, Any]) -> dict[str, Any]:
    """The same event as S3 itself would tell it."""
    about = event["detail"]["object"]
    written = {
        "key": quote_plus(about["key"], safe="/"),
        "size": 1,
        "eTag": about["etag"],
        "sequencer": about["sequencer"],
    }
    versions = {"versionId": about["version-id"]} if "version-id" in about else {}
    return {"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-11-23T00:00:00.000Z",
        "s3": {"s3SchemaVersion": "1.0", "bucket": event["detail"]["bucket"], "object": written | versions},
    }]}  # fmt: skip
