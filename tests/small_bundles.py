"""A small, true bundle: the shipped nets and a gallery of made-up unit vectors. No photos are needed."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from actorrec.manifests.base import ProducedBy
from actorrec.manifests.bundle import BundleCard
from actorrec.manifests.dataset import Person
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.configured import configured_detector, configured_embedder
from actorrec.recognition.gallery import build_gallery, gallery_to_bytes
from actorrec.sections import DetectorSection, EmbedderSection
from actorrec.types import Gallery
from actorrec.vision.similarity import normalise

PEOPLE = ("Ada", "Bea", "Cy")


def made_up_gallery(people: tuple[str, ...] = PEOPLE, *, model_id: str = "", dim: int = 128) -> Gallery:
    """Two made-up photos a person."""
    spec, _ = configured_embedder(EmbedderSection())
    rng = np.random.default_rng(7)
    owners = [person for person in people for _ in range(2)]
    vectors, _ = normalise(rng.normal(size=(len(owners), dim)).astype(np.float32))
    sources = [f"{person}/{index}.jpg" for index, person in enumerate(owners)]
    return build_gallery(model_id or spec.model_id, vectors, owners, sources)


def small_bundle(**changes: Any) -> tuple[BundleCard, dict[str, bytes]]:
    """A card (its ``files`` empty) and every file it needs; ``changes`` are fields of the card."""
    detector = configured_detector(DetectorSection())
    spec, path = configured_embedder(EmbedderSection())
    gallery = made_up_gallery()
    card = BundleCard(
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
        produced_by=ProducedBy(),
        people=[Person(person_id=person, name=person) for person in PEOPLE],
        detector=detector.spec,
        embedder=spec,
        embedder_file="embedder.tflite",
        calibration=calibrate(gallery, target_fpir=0.01),
        files={},
    )
    files = {"embedder.tflite": path.read_bytes(), "gallery.npz": gallery_to_bytes(gallery), **detector.files}
    return card.model_copy(update=changes), files


def with_digests(card: BundleCard, files: dict[str, bytes]) -> BundleCard:
    """The card with the digests that the files have."""
    return card.model_copy(update={"files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}})


def write_small_bundle(path: Path) -> Path:
    """Write it the regular way."""
    from actorrec.recognition.bundle import write_bundle

    card, files = small_bundle()
    write_bundle(path, card, files)
    return path
