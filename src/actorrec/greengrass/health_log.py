"""Health messages as the archive keeps them: ``events/CLIENT/TOPIC/health/MILLISECONDS-ID.json`` (infra/actorrec.yaml).

CLIENT is what a device connected as: its own name, or that with ``#2``, ``#3`` … of further connections. Its policy
lets it connect as nothing else, so that part of a key says who spoke, whatever the message itself says. The time in a
key is AWS's own. All else comes from a device, and is read as what it is: bounded, and checked before it is believed.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from pydantic import ValidationError

from actorrec.artifacts.bulk import in_parallel
from actorrec.aws.failures import aws_errors, code_of
from actorrec.aws.places import CloudPlace
from actorrec.aws.session import AwsSession
from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.greengrass.health_counts import Heard
from actorrec.manifests.events import HEALTH_SUBTOPIC, HealthEvent, read_health
from actorrec.sections.cloud import PLACEHOLDER_BUCKET

ARCHIVE: Final = "events"
"""Below the prefix of the store."""
NEWEST: Final = 60
"""Messages of a device that are read; older ones only say less about the same starts of its program."""
_MAX_BYTES: Final = 32_768
"""Of a message: one of ours has at most 5,000."""
_MAX_LISTED: Final = 20_000
_MAX_CLIENTS: Final = 8
_LATELY: Final = timedelta(hours=2)
_THREADS: Final = 16
_NAME: Final = re.compile(r"(\d{13})-[0-9A-Za-z-]{1,64}\.json")


@dataclass(frozen=True, slots=True)
class DeviceHealth:
    """What one device said.

    Attributes:
        heard: About the bundle that was asked for, the oldest first.
        wrong: Messages that could not be read, by reason.
    """

    device: str
    heard: tuple[Heard, ...]
    wrong: Counter[str]


class HealthLog:
    """The archive of a stack.

    Args:
        aws: Makes the client.
        config: Says where the archive is, and on which topic devices speak.
    """

    def __init__(self, aws: AwsSession, config: Config) -> None:
        self._aws = aws
        place = CloudPlace.of(config)
        self._bucket = place.bucket
        self._root = f"{place.prefix}/{ARCHIVE}/" if place.prefix else f"{ARCHIVE}/"
        self._topic = f"{config.cloud.results_topic}/{HEALTH_SUBTOPIC}/"
        self._read: dict[str, HealthEvent | str] = {}

    def refuse_unreadable(self) -> None:
        """Stop before something is tried that could never be judged.

        Raises:
            ConfigError: If the settings name no bucket, or credentials are missing, expired or refused.
        RemoteError: If the archive cannot be listed.
        """
        if self._bucket == PLACEHOLDER_BUCKET:
            raise ConfigError(
                "what devices say is kept in a bucket, and none is set: a trial could not be judged",
                hint="`actorrec cloud init` makes one with all that is needed; remote.bucket (or --store) names it",
            )
        with self._told("look at what devices say, by which a trial is judged"):
            self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._root, MaxKeys=1)

    def read(self, devices: Iterable[str], since: datetime, bundle: str | None = None) -> dict[str, DeviceHealth]:
        """What devices said since a moment, by their names.

        Args:
            devices: Names of things.
            since: By AWS's clock, with a time zone.
            bundle: SHA-256 of the bundle that must have been running; None for any.

        Raises:
            ConfigError: If credentials are missing, expired or refused.
            RemoteError: If the archive cannot be read.
        """
        found = in_parallel(lambda device: self._of(device, since, bundle), devices, _THREADS)
        return {health.device: health for health in found}

    def _of(self, device: str, since: datetime, bundle: str | None) -> DeviceHealth:
        wrong: Counter[str] = Counter()
        heard = []
        for at_ms, key, size in self._newest(device, since):
            event = self._read.get(key) or self._event(key, size)
            if isinstance(event, str):
                wrong[event] += 1
            elif event is not None and bundle in (None, event.model.bundle):
                heard.append(Heard(datetime.fromtimestamp(at_ms / 1000, UTC), event))
        return DeviceHealth(device, tuple(heard), wrong)

    def _newest(self, device: str, since: datetime) -> list[tuple[int, str, int]]:
        """Milliseconds, key and bytes of the messages that are read; S3 lists the oldest first, and by the thousand."""
        clients, lately = self._clients(device), datetime.now(UTC) - _LATELY
        found = sorted(self._listed(device, clients, max(since, lately)))
        if len(found) < NEWEST and since < lately:  # of a trial of days, all are listed only where that is not enough
            found = sorted(self._listed(device, clients, since))
        return found[-NEWEST:]

    def _listed(self, device: str, clients: Iterable[str], since: datetime) -> Iterator[tuple[int, str, int]]:
        first_ms = int(since.timestamp() * 1000)
        for client in clients:
            prefix = f"{self._root}{client}/{self._topic}"
            with self._told(f"read what '{device}' said"):
                pages = self._client.get_paginator("list_objects_v2").paginate(
                    Bucket=self._bucket, Prefix=prefix, StartAfter=f"{prefix}{first_ms:013d}"
                )
                every = (each for page in pages for each in page.get("Contents", ()))
                for each in islice(every, _MAX_LISTED):
                    named = _NAME.fullmatch(each["Key"].removeprefix(prefix))
                    if named is not None and int(named[1]) >= first_ms:
                        yield int(named[1]), each["Key"], each["Size"]

    def _clients(self, device: str) -> list[str]:
        """What a device connected as. Names that only begin alike are others'."""
        more = re.compile(re.escape(device) + r"#[0-9]{1,3}")
        with self._told(f"look for what '{device}' said"):
            answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=f"{self._root}{device}#", Delimiter="/")
        found = [each["Prefix"].removeprefix(self._root).rstrip("/") for each in answer.get("CommonPrefixes", ())]
        return [device, *(client for client in found if more.fullmatch(client))][:_MAX_CLIENTS]

    def _event(self, key: str, size: int) -> HealthEvent | str | None:
        """A message, or why it is none; None where it was deleted meanwhile. It is read once: they never change."""
        data = self._body(key) if size <= _MAX_BYTES else b""
        if data is None:
            return None
        try:
            self._read[key] = read_health(data)
        except ValidationError:
            self._read[key] = "not a health message" if size <= _MAX_BYTES else "too long"
        return self._read[key]

    def _body(self, key: str) -> bytes | None:
        """None where it was deleted meanwhile."""
        from botocore.exceptions import ClientError

        with self._told(f"read s3://{self._bucket}/{key}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) == "NoSuchKey":
                    return None
                raise
            with answer["Body"] as body:
                return bytes(body.read(_MAX_BYTES))

    @property
    def _client(self) -> Any:
        return self._aws.client("s3")

    def _told(self, doing: str) -> AbstractContextManager[None]:
        return aws_errors(doing, lambda: self._aws.place(self._bucket), "s3:ListBucket and s3:GetObject")
