"""From what the user typed after ``--store`` to a store."""

from pathlib import Path

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ConfigError
from actorrec.home import expanded
from actorrec.sections import AwsSection


def open_store(uri: str, aws: AwsSection | None = None) -> ArtifactStore:
    """Open the store a URI names: a folder, ``file://``, a plain path or ``s3://bucket/prefix``.

    Args:
        uri: As the user named it.
        aws: How S3 is reached; the defaults where None.

    Raises:
        ConfigError: If the kind of store is unknown, or the bucket has an impossible name.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return LocalStore(expanded(uri))
    if scheme == "file":
        return LocalStore(Path(rest))
    if scheme == "s3":
        from actorrec.artifacts.s3 import open_s3

        return open_s3(rest, aws or AwsSection())
    hint = "name a folder, or a bucket: --store DIR, --store s3://BUCKET/PREFIX"
    raise ConfigError(f"a store of the kind '{scheme}://' is not known", hint=hint)
