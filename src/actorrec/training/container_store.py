"""A store inside a training container: the data set stays where it lies, what a killed job needs survives it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from actorrec.artifacts.catalog import MANIFEST_NAME, file_name, find_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.errors import ActorRecError, TemporaryFileError
from actorrec.manifests.base import Manifest
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.training.container_data import ChannelData

_log = logging.getLogger(__name__)
_KINDS: Final[dict[str, type[Manifest]]] = {
    "dataset": DatasetManifest,
    "model": ModelManifest,
    "bundle": BundleManifest,
}


@contextmanager
def working_store(data: ChannelData, checkpoints: Path | None) -> Iterator[LocalStore]:
    """A store that shows the data set of the channel and works in the folder of checkpoints.

    It is a temporary folder of links: to the data set's files, which are not copied, and to ``model/``, ``bundle/``
    and (for an imported ``.npz``) ``dataset/`` under the checkpoints. Locks stay outside of what is copied to S3: a
    machine that is gone must not hold one. Several machines keep theirs in one place in S3: what they write under equal
    names is equal, but for the time in the manifest of an imported data set.

    Args:
        data: From ``container_data.find_data``.
        checkpoints: Where finished parts are kept; None to keep nothing.

    Raises:
        TemporaryFileError: If there is no room for it.
    """
    with TemporaryDirectory(prefix="actorrec-") as folder:
        root = Path(folder, "store")
        if checkpoints is None:
            _log.info("this job keeps no checkpoints: an interrupted run begins anew")
        try:
            kept = Path(folder, "kept") if checkpoints is None else checkpoints
            for kind in _KINDS:
                (kept / kind).mkdir(parents=True, exist_ok=True)
            _settle(kept)
            root.mkdir()
            for kind in ("model", "bundle") if data.manifest is not None else _KINDS:
                (root / kind).symlink_to(kept / kind, target_is_directory=True)
            if data.manifest is not None:
                _link_files(data.path, root / data.manifest.ref)
        except OSError as error:
            raise TemporaryFileError(error.filename or folder, error.strerror or error) from None
        yield LocalStore(root)


def _link_files(source: Path, target: Path) -> None:
    """Links to what lies directly in the folder; the artifact's own folder is a true one, because listings enter it."""
    target.mkdir(parents=True)
    for path in source.iterdir():
        (target / path.name).symlink_to(path.absolute(), target_is_directory=path.is_dir())


def _settle(kept: Path) -> None:
    """Remove manifests that came back without all of their files: the copy to S3 knows no order.

    Parts of unfinished work are looked at by those who read them.
    """
    store = LocalStore(kept)
    for path in kept.rglob(".partial-*"):  # a killed run was about to write it
        path.unlink()
    for manifest_path in sorted(kept.glob(f"*/*/{MANIFEST_NAME}")):
        if not _is_whole(store, manifest_path.parent.parent.name, manifest_path.parent.name):
            _log.warning("%s came back incomplete; it is made again", manifest_path.parent.relative_to(kept))
            manifest_path.unlink()
    if parts := sum(path.is_file() for path in kept.glob("*/*/unfinished/*")):
        _log.info("going on from %d parts that an interrupted run left in %s", parts, kept)


def _is_whole(store: LocalStore, kind: str, key: str) -> bool:
    try:
        manifest = find_manifest(store, _KINDS[kind], key)
        return manifest is not None and all(
            store.sha256(file_name(manifest, record)) == record.sha256 for record in manifest.files
        )
    except (ActorRecError, KeyError):  # unreadable, or a file is missing
        return False
