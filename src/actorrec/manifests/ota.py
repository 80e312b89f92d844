"""What became of each model that landed for a group of devices: one immutable entry a step, as the store keeps it."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from actorrec.manifests.base import Record, Sha256
from actorrec.manifests.bundle import BundleCard, CardScore

OTA_SUBTOPIC: Final = "ota"
"""Every entry is also said on ``RESULTS_TOPIC/ota``."""


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
"""A time of which it is known when it was; one that does not say where is UTC."""


class LandedModel(Record):
    """What must be known of a bundle to decide about it, without the bundle.

    Attributes:
        content: SHA-256 of ``bundle.zip``.
        created_at: When the bundle was made, as its card says: models are ordered by it.
        schema_version, preprocess_version: What a device's program must implement to run it.
        score: From its card; None where it was never measured.
    """

    content: Sha256
    bytes: int = Field(ge=0)
    model_id: str
    created_at: Moment
    schema_version: int
    preprocess_version: int
    score: CardScore | None = None

    @classmethod
    def of(cls, card: BundleCard, *, content: str, size_bytes: int) -> "LandedModel":
        """What a card says of a bundle."""
        return cls(
            content=content,
            bytes=size_bytes,
            model_id=card.embedder.model_id,
            created_at=card.created_at,
            schema_version=card.schema_version,
            preprocess_version=card.embedder.preprocess_version,
            score=card.evaluation,
        )


class LandedObject(Record):
    """An object in S3 in one version of it.

    Attributes:
        version_id: Empty in a bucket without versions.
        etag: Without quotes; may be empty where there is a version id.
    """

    key: str = Field(min_length=1, max_length=1024)
    version_id: str = Field(default="", max_length=1024)
    etag: str = Field(default="", max_length=1024)

    @property
    def one(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.key, self.version_id or self.etag


class _Entry(Record):
    """What every entry has. ``seq`` is 1 for the first of a group."""

    seq: int = Field(ge=1)
    at: Moment


class Landed(_Entry):
    """A bundle that may be shipped; the same content may land again as another object."""

    action: Literal["landed"] = "landed"
    object: LandedObject
    model: LandedModel


class Unusable(_Entry):
    """An object in which there is no bundle that may be shipped.

    Attributes:
        content: Where a bundle was found in it.
    """

    action: Literal["unusable"] = "unusable"
    object: LandedObject
    content: Sha256 | None = None
    reason: str


class Known(_Entry):
    """What is, or was, live without having come over the air."""

    action: Literal["known"] = "known"
    model: LandedModel


class Refused(_Entry):
    """A bundle that is not shipped; terminal."""

    action: Literal["refused"] = "refused"
    content: Sha256
    reason: str


class Superseded(_Entry):
    """A bundle that is not newer than another, which goes or went before it; terminal."""

    action: Literal["superseded"] = "superseded"
    content: Sha256
    by: Sha256


class Claimed(_Entry):
    """A version is set aside for a bundle: whoever goes on with it makes this version and no other."""

    action: Literal["claimed"] = "claimed"
    content: Sha256
    component: str
    version: str


class Published(_Entry):
    """The version can be deployed."""

    action: Literal["published"] = "published"
    content: Sha256


class Trying(_Entry):
    """The canary is about to be started: from here on devices may have the bundle."""

    action: Literal["trying"] = "trying"
    content: Sha256


class Started(_Entry):
    """The canary was deployed to."""

    action: Literal["started"] = "started"
    content: Sha256
    deployment_id: str


class Promoted(_Entry):
    """The whole group has the bundle; terminal.

    Attributes:
        deployment_id: None where somebody else had deployed it.
    """

    action: Literal["promoted"] = "promoted"
    content: Sha256
    deployment_id: str | None = None


class RolledBack(_Entry):
    """The canary went back to what the group has; terminal.

    Attributes:
        deployment_id: None where nothing had to be deployed for it.
    """

    action: Literal["rolled-back"] = "rolled-back"
    content: Sha256
    reason: str
    deployment_id: str | None = None


OtaEntry = (
    Landed | Unusable | Known | Refused | Superseded | Claimed | Published | Trying | Started | Promoted | RolledBack
)
OTA_ENTRY: Final[TypeAdapter[OtaEntry]] = TypeAdapter(Annotated[OtaEntry, Field(discriminator="action")])
"""Reads an entry back, whichever it is."""
