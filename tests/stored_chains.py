"""Images → data set → bundle in a store, made up: small files, true manifests."""

import os
from datetime import UTC, datetime, timedelta

from actorrec.artifacts.catalog import commit_manifest, file_name
from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.base import Manifest
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.images import ImagesManifest
from actorrec.manifests.nets import TemplateRecord
from small_bundles import small_bundle

TEMPLATE = TemplateRecord(name="t", size_px=32, points_px=((1, 2), (3, 2), (2, 3), (1, 4), (3, 4)))
START = datetime(2026, 1, 1, tzinfo=UTC)


def add_images(store: ArtifactStore, key: str, day: int, files: int = 3, size: int = 100) -> ImagesManifest:
    records = [store.put_bytes(f"images/{key}/Ada/{n:04d}.jpg", os.urandom(size)) for n in range(files)]
    return commit_manifest(
        store,
        ImagesManifest(
            key=key, created_at=START + timedelta(days=day), files=records,
            people_source="file", image_sources=["folder"], people=[], images=[], tallies=[],
        ),
    )  # fmt: skip


def add_dataset(store: ArtifactStore, key: str, day: int, made_from: Manifest, files: int = 3) -> DatasetManifest:
    records = [store.put_bytes(f"dataset/{key}/crops/Ada ü/{n}.jpg", os.urandom(99)) for n in range(files)]
    return commit_manifest(
        store,
        DatasetManifest(
            key=key, created_at=START + timedelta(days=day), files=records, template=TEMPLATE, detector_id="d",
            embedder_id="e", people=[], images=[], faces=[], inputs={made_from.ref: made_from.content_digest()},
        ),
    )  # fmt: skip


def add_bundle(store: ArtifactStore, key: str, day: int, made_from: Manifest, size: int = 100) -> BundleManifest:
    card, _ = small_bundle()
    record = store.put_bytes(f"bundle/{key}/bundle.zip", os.urandom(size))
    inputs = {made_from.ref: made_from.content_digest()}
    manifest = BundleManifest(key=key, created_at=START + timedelta(days=day), files=[record], card=card, inputs=inputs)
    return commit_manifest(store, manifest)


def whole(store: ArtifactStore, manifest: Manifest) -> bool:
    """Whether the store holds every byte of an artifact."""
    return all(store.sha256(file_name(manifest, record)) == record.sha256 for record in manifest.files)
