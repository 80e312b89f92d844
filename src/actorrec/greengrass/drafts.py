"""A component before it has a version: plain data, nothing in here touches the network."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from actorrec.manifests.base import digest_json
from actorrec.manifests.component import Role

RECIPE_VERSION: Final = "2020-01-25"
MODEL_SUFFIX: Final = ".Model"
"""``NAME.Model`` is the model component that belongs to the runtime ``NAME``."""


@dataclass(frozen=True, slots=True)
class ArtifactDraft:
    """A file that devices will fetch.

    Attributes:
        file: Its name on the device, the last part of ``uri``.
        uri: Where it goes, or is; named by its digest, so that the same file is sent once.
        sha256: Hex.
        path: The file on this machine; None where it is in S3 already.
        unarchive: Whether devices unpack it, into a folder named ``file`` without ``.zip``.
    """

    file: str
    uri: str
    sha256: str
    bytes: int
    path: Path | None = None
    unarchive: Literal["ZIP", "NONE"] = "NONE"

    @property
    def digest(self) -> str:
        """As recipes and devices say it: base64 of the SHA-256."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()


@dataclass(frozen=True, slots=True)
class ComponentDraft:
    """A component, whole but for its version.

    Attributes:
        name: Of the component.
        role: What it is.
        flavor: ``own`` or ``public``.
        body: The recipe without ``ComponentVersion``, keys in the order in which they are shown.
        tags: Of the version to be made; ``CONTENT_TAG`` is added when it is published.
    """

    name: str
    role: Role
    flavor: Literal["own", "public"]
    artifacts: tuple[ArtifactDraft, ...]
    body: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def content_digest(self) -> str:
        """SHA-256 of all that a version of it would be, the version aside: equal means there is nothing to publish."""
        return digest_json({"body": self.body, "artifacts": {a.file: a.sha256 for a in self.artifacts}})

    def recipe(self, version: str) -> dict[str, Any]:
        """The recipe of a version."""
        head = {"RecipeFormatVersion": RECIPE_VERSION, "ComponentName": self.name, "ComponentVersion": version}
        return head | {key: value for key, value in self.body.items() if key not in head}
