"""Bundles in a store: opening one, committing a changed one."""

import tempfile
from pathlib import Path
from typing import Final

from actorrec.artifacts.catalog import again, artifact_key, commit_manifest, file_name, find_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.bundle import BundleCard, BundleManifest
from actorrec.recognition.bundle import Bundle, open_bundle, write_bundle

LOCK: Final = "bundle"
"""Held while a bundle is read, changed and committed, so that two changes at once both take effect."""


def open_stored(store: ArtifactStore, manifest: BundleManifest) -> Bundle:
    """Open a committed bundle.

    Raises:
        ModelContractError: If it is damaged.
        ArtifactError: If its file is missing.
    """
    path = store.local_path(file_name(manifest, manifest.bundle_file))
    return open_bundle(path, name=f"{manifest.ref} of {store.uri}")


def commit_bundle(store: ArtifactStore, card: BundleCard, files: dict[str, bytes]) -> BundleManifest:
    """Commit a bundle as an artifact of its own, named by what is in it and what it came from.

    Args:
        store: Receives it.
        card: Its ``inputs`` become those of the artifact; its ``files`` are filled in.
        files: Every file but the card.

    Returns:
        The committed manifest; the one that was there where the same was made before.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        card = write_bundle(path, card, files)
        settings = card.model_dump(mode="json", exclude={"created_at", "produced_by", "inputs", "self_test"})
        key = artifact_key("bundle", card.inputs, settings)
        existing = find_manifest(store, BundleManifest, key)
        if existing is not None:
            return again(store, existing)
        record = store.put_file(f"bundle/{key}/bundle.zip", path)
    manifest = BundleManifest(key=key, inputs=card.inputs, files=[record], card=card, produced_by=card.produced_by)
    return commit_manifest(store, manifest)
