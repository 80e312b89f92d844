"""What was published and deployed at Greengrass, as the store records it."""

from typing import ClassVar, Final, Literal

from pydantic import Field

from actorrec.manifests.base import Manifest, Record, RelativeName, Sha256

Role = Literal["runtime", "model", "single", "public-model"]
"""``runtime``: our program. ``model``: a bundle. ``single``: both. ``public-model``: a net for AWS's own component."""

# Tags that a published version carries, so that any desk and the Lambda can tell what it is.
ROLE_TAG: Final = "actorrec-role"
CONTENT_TAG: Final = "actorrec-content"
"""Content digest of the component (``ComponentDraft.content_digest``): the same content is not published twice."""
BUNDLE_TAG: Final = "actorrec-bundle"
"""SHA-256 of the ``bundle.zip`` of a model or single component."""
RUNTIME_TAG: Final = "actorrec-runtime"
"""SHA-256 of the ``runtime.zip`` of a runtime or single component."""
SCHEMA_TAG: Final = "actorrec-card-schema"
"""Of a runtime: the card schema it reads. Of a model: the one its bundle has."""
PREPROCESS_TAG: Final = "actorrec-preprocess"
"""Likewise, of the preprocessing."""
MACHINE_TAG: Final = "actorrec-machine"
"""Of a runtime or single component with its wheels inside: the machine that they are for, ``aarch64`` or ``x86_64``."""
CREATED_TAG: Final = "actorrec-created"
"""When the bundle was made, ISO 8601: a model is never replaced by an older one over the air."""


class PublishedArtifact(Record):
    """A file of a component, where devices fetch it.

    Attributes:
        uri: ``s3://bucket/prefix/components/…``.
        digest: Base64 of its SHA-256, as a device computes it.
    """

    file: RelativeName
    uri: str
    sha256: Sha256
    digest: str
    bytes: int = Field(ge=0)


class ComponentManifest(Manifest):
    """A published version of a component. Its recipe is the file ``recipe.json``.

    Attributes:
        arn: With the version.
        content: As the tag of that name says.
    """

    kind: Literal["component"] = "component"
    name: str
    version: str
    role: Role
    flavor: Literal["own", "public"] = "own"
    arn: str
    content: Sha256
    artifacts: list[PublishedArtifact]
    recipe_file: RelativeName = "recipe.json"

    _not_content: ClassVar[frozenset[str]] = Manifest._not_content | {"arn"}


class DeployedComponent(Record):
    """A component of a deployment.

    Attributes:
        merge: Configuration update, as JSON text; empty for none.
        reset: JSON pointers that go back to the recipe's defaults.
        run_with: As the service says it (``posixUser``, limits); carried over, never set by us.
    """

    version: str
    merge: str = ""
    reset: list[str] = []
    run_with: dict[str, object] = {}


class DeploymentManifest(Manifest):
    """A deployment that was asked for.

    Attributes:
        target_arn: Thing or thing group.
        group: The thing group that it is about, also where the target is one device of it.
        purpose: ``canary`` where the target is a part of the group that tries first.
        previous_id: Deployment that the target had before; None for its first.
    """

    kind: Literal["deployment"] = "deployment"
    deployment_id: str
    job_id: str | None = None
    target_arn: str
    group: str
    purpose: Literal["group", "canary", "rollback", "remove"] = "group"
    components: dict[str, DeployedComponent]
    previous_id: str | None = None
