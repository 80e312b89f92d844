"""From what the user typed after ``--store`` to a store."""

from pathlib import Path

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ConfigError
from actorrec.home import expanded


def open_store(uri: str) -> ArtifactStore:
    """Open the store a URI names: a folder, ``file://`` or a plain path.

    Raises:
        ConfigError: If the kind of store is unknown.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return LocalStore(expanded(uri))
    if scheme == "file":
        return LocalStore(Path(rest))
    raise ConfigError(f"a store of the kind '{scheme}://' is not known", hint="name a folder: --store DIR")
