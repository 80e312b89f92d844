"""A data set of nobody: smooth random patterns in the shape of crops, and a tiny net of one's own to embed them."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.dataset import DatasetManifest, FaceRecord, ImageRecord, Person
from actorrec.manifests.nets import TemplateRecord
from actorrec.sections import EmbedderSection
from actorrec.vision.align import CANONICAL_272


def invented_dataset(store: ArtifactStore, photos: Sequence[int], *, key: str = "invented") -> DatasetManifest:
    """Commit a data set with a person for each number, who has so many photos; the last of five or more is a test."""
    faces, files = [], []
    for person, count in enumerate(photos):
        for photo in range(count):
            record, jpeg = _face(f"p{person}", person, photo, "test" if count >= 5 and photo == count - 1 else "train")
            files.append(store.put_bytes(f"dataset/{key}/{record.crop}", jpeg))
            faces.append(record)
    template = {"name": "canonical-272", "size_px": 272, "points_px": CANONICAL_272.points_px}
    return commit_manifest(
        store,
        DatasetManifest(
            key=key,
            files=files,
            template=TemplateRecord.model_validate(template),
            detector_id="none",
            embedder_id="none",
            people=[Person(person_id=f"p{person}", name=f"P {person}") for person in range(len(photos))],
            images=[
                ImageRecord(path=f.crop, person_id=f.person_id, sha256=f.image_sha256, outcome="kept") for f in faces
            ],
            faces=faces,
        ),
    )


def _face(person_id: str, person: int, photo: int, split: str) -> tuple[FaceRecord, bytes]:
    own = np.random.default_rng([1, person]).integers(0, 256, (6, 6, 3))
    noise = np.random.default_rng([2, person, photo]).normal(0, 25, (6, 6, 3))
    small = Image.fromarray(np.clip(own + noise, 0, 255).astype(np.uint8))
    buffer = io.BytesIO()
    small.resize((272, 272), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    digest = hashlib.sha256(f"{person_id}/{photo}".encode()).hexdigest()
    points = tuple((float(x), float(y)) for x, y in CANONICAL_272.points_px)
    record = FaceRecord.model_validate(
        {
            "face_id": digest[:16], "image_sha256": digest, "person_id": person_id, "crop": f"crops/{digest[:16]}.jpg",
            "box": (40, 40, 230, 230), "landmarks": points, "crop_landmarks": points, "score": 1.0, "face_px": 190.0,
            "sharpness": 0.0, "yaw": 0.0, "roll_deg": 0.0, "group": digest[:16], "split": split,
        }
    )  # fmt: skip
    return record, buffer.getvalue()


def tiny_embedder(path: Path) -> EmbedderSection:
    """Write a small Keras net from (112, 112, 3) to 16 numbers; returns the settings that bring it."""
    from actorrec.faces.keras_runtime import fresh_session

    keras = fresh_session(5)
    layers = keras.layers
    inputs = keras.Input((112, 112, 3))
    x = layers.Conv2D(8, 7, strides=4, activation="tanh")(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(8, 3, strides=3, activation="tanh")(x)
    outputs = layers.Dense(16)(layers.Flatten()(x))
    keras.Model(inputs, outputs).save(path)
    return EmbedderSection(path=path, licence="made up")
