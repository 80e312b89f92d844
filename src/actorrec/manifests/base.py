"""What every manifest has in common."""

import hashlib
import json
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from actorrec import __version__

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Kind = Literal["images", "shard", "dataset", "model", "bundle", "component", "deployment"]


def _relative_name(name: str) -> str:
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a plain relative name: {name!r}")
    return name


RelativeName = Annotated[str, AfterValidator(_relative_name), Field(min_length=1, max_length=400)]
"""A '/'-separated name that cannot climb out of its folder."""


class Record(BaseModel):
    """Base of everything written, sent or read back: strict, frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileRecord(Record):
    """A file of an artifact."""

    name: RelativeName
    sha256: Sha256
    bytes: int = Field(ge=0)


class ProducedBy(Record):
    """Which code and settings made an artifact."""

    version: str = __version__
    git_commit: str | None = None
    config_hash: str = ""


class Manifest(Record):
    """Base of the manifests that commit an artifact.

    Attributes:
        key: Name of the artifact inside its kind: the first 16 hex digits of the hash of its inputs and settings.
        inputs: ``kind/key`` of each artifact it came from, to the content digest it had.
    """

    kind: Kind
    schema_version: int = 1
    key: str = Field(pattern=r"^[0-9a-z][0-9a-z-]{3,63}$")
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    produced_by: ProducedBy = ProducedBy()
    inputs: dict[str, Sha256] = {}
    files: list[FileRecord] = []

    _not_content: ClassVar[frozenset[str]] = frozenset({"created_at", "produced_by"})

    @property
    def ref(self) -> str:
        """``kind/key``."""
        return f"{self.kind}/{self.key}"

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each file, by name."""
        return {record.name: record.sha256 for record in self.files}

    def content_digest(self) -> str:
        """SHA-256 of everything but times and provenance: two runs are the same when these are equal."""
        return digest_json(self.model_dump(mode="json", exclude=set(self._not_content)))


def digest_json(value: Any) -> str:
    """SHA-256 hex of a JSON value in canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
