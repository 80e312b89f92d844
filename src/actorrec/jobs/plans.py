"""What is going to happen, as plain data: nothing in here touches the network."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Upload:
    """Something that must be in S3 before a job starts.

    Attributes:
        what: For people: ``code``, ``data set dataset/KEY``, ``pictures``.
        uri: Where it goes: an object, or a prefix that ends in '/'.
        bytes: Of all of it.
        files: How many.
        path: A file of this machine; None for an artifact.
        artifact: ``kind/key`` that is copied; None for a file.
        sha256: Of a file; None for an artifact, whose manifest holds its digests.
        members: Of many files: SHA-256, which is the name below ``uri``, and file of this machine.
    """

    what: str
    uri: str
    bytes: int
    files: int = 1
    path: Path | None = None
    artifact: str | None = None
    sha256: str | None = None
    members: tuple[tuple[str, Path], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For ``--json``; of many files only how many."""
        told = asdict(self) | {"path": None if self.path is None else str(self.path)}
        return {name: value for name, value in told.items() if name != "members"}


@dataclass(frozen=True, slots=True)
class Cost:
    """The most that a job may cost.

    Attributes:
        hourly_usd: Of one machine; None if its price is not known.
        bound_usd: Hours × machines × price, with what keeping them warm adds; None if the price is not known.
        as_of: When the price was noted: ``2026-11``; ``your settings`` for one of the user's own.
        note: A sentence for people: what the figure is, and is not.
    """

    instance_type: str
    instances: int
    max_hours: float
    hourly_usd: float | None
    bound_usd: float | None
    as_of: str
    note: str

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self) | {"currency": "USD", "estimate": True}


@dataclass(frozen=True, slots=True)
class JobPlan:
    """A job that is going to be started.

    Attributes:
        kind: Which service call starts it.
        name: Of the job.
        request: Parameters of ``create_training_job`` or ``create_processing_job``.
        uploads: In the order in which they are made.
        cost: Its bound.
    """

    kind: Literal["training", "processing"]
    name: str
    request: dict[str, Any]
    uploads: tuple[Upload, ...]
    cost: Cost

    @property
    def work(self) -> str:
        """Beginning of the name that all jobs of the same work have: without date, time and suffix."""
        return self.name.rsplit("-", 3)[0]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "request": self.request,
            "uploads": [upload.as_json() for upload in self.uploads],
            "cost": self.cost.as_json(),
        }
