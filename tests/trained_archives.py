"""``model.tar.gz`` as a training container leaves it, made up: small files, true manifests."""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from actorrec.manifests.base import FileRecord
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.model import ModelManifest
from small_bundles import small_bundle

MODEL_FILES = {"model.keras": b"the net " * 100, "gallery.npz": b"the gallery"}
BUNDLE = b"the bundle"


def record(name: str, data: bytes) -> FileRecord:
    return FileRecord(name=name, sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


def made_model(inputs: Mapping[str, str], **changes: Any) -> ModelManifest:
    """A manifest over ``MODEL_FILES``."""
    card, _ = small_bundle()
    values: dict[str, Any] = {
        "key": "0123456789abcdef", "created_at": datetime(2026, 11, 1, tzinfo=UTC), "inputs": dict(inputs),
        "files": [record(name, data) for name, data in sorted(MODEL_FILES.items())], "embedder": card.embedder,
        "people": card.people, "classes": [person.person_id for person in card.people], "model_file": "model.keras",
        "gallery_file": "gallery.npz", "calibration": card.calibration, "metrics": {"epochs": 3.0},
    }  # fmt: skip
    return ModelManifest(**{**values, **changes})


def made_bundle(model: ModelManifest, **changes: Any) -> BundleManifest:
    """A manifest over ``BUNDLE``, made from that model."""
    card, _ = small_bundle()
    values: dict[str, Any] = {
        "key": "fedcba9876543210", "created_at": datetime(2026, 11, 1, tzinfo=UTC), "card": card,
        "inputs": {model.ref: model.content_digest()}, "files": [record("bundle.zip", BUNDLE)],
    }  # fmt: skip
    return BundleManifest(**{**values, **changes})


def contents(model: ModelManifest, bundle: BundleManifest | None) -> dict[str, bytes]:
    """Name → bytes of everything in ``/opt/ml/model``."""
    found = {
        **MODEL_FILES, "manifest.json": model.model_dump_json(indent=1).encode(), "metrics.json": b"{}",
        "1/saved_model.pb": b"for TensorFlow Serving", "1/variables/variables.index": b"x",
    }  # fmt: skip
    if bundle is not None:
        found |= {"bundle.zip": BUNDLE, "bundle.json": bundle.model_dump_json().encode()}
    return found


def packed(files: Mapping[str, bytes], more: Iterable[tuple[tarfile.TarInfo, bytes]] = (), prefix: str = "") -> bytes:
    """The archive; ``more`` are entries as they stand."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info, data in more:
            info.size = len(data) if data else info.size
            archive.addfile(info, io.BytesIO(data) if data else None)
    return out.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    """One entry of a tar, anything in it."""
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info
