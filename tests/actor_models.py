"""A data set of real actors as training sees it, split as splits.json says, and a model trained on it once."""

import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.faces.detectors import default_detector_spec, make_detector, shipped_nets
from actorrec.manifests.dataset import DatasetManifest, FaceRecord, ImageRecord, Person
from actorrec.manifests.model import ModelManifest
from actorrec.manifests.nets import TemplateRecord
from actorrec.progress import SilentProgress
from actorrec.sections import EmbedderSection, TrainingSection
from actorrec.types import Face, UInt8Image
from actorrec.vision.align import CANONICAL_272, similarity_transform, transform_points, warp
from real_faces import data_dir, model_file

FEW = ("Adriana_Lima", "Elizabeth_Olsen", "Emma_Watson", "Rami_Malek", "Rosemary_Harris", "J_K_Simmons")
"""The people with the fewest photos: 7 to 9 each."""
QUICK = TrainingSection(epochs=12, augmentations=1, patience=4)


@cache
def _face(path: Path) -> tuple[UInt8Image, Face] | None:
    detector = make_detector(default_detector_spec("mtcnn"), shipped_nets(), num_threads=2)
    pixels = np.asarray(Image.open(path).convert("RGB"), np.uint8)
    faces = detector.detect(pixels)
    return (pixels, max(faces, key=lambda face: face.box.area_px)) if faces else None


def actors_dataset(store: LocalStore, people: Sequence[str] = FEW, *, key: str = "actors") -> DatasetManifest:
    """Commit a data set of some actors; skips without the photos."""
    data = data_dir()
    splits = json.loads((data / "splits.json").read_text())
    faces, images, files = [], [], []
    for person in people:
        for split in ("train", "test"):
            for name in splits[person][split]:
                found = _face(data / "actors" / name)
                if found is None:
                    continue
                record, jpeg = _record(person, split, name, *found)
                files.append(store.put_bytes(f"dataset/{key}/{record.crop}", jpeg))
                faces.append(record)
                images.append(
                    ImageRecord(path=name, person_id=person, sha256=record.image_sha256, outcome="kept", faces_found=1)
                )
    template = {"name": "canonical-272", "size_px": 272, "points_px": CANONICAL_272.points_px}
    manifest = DatasetManifest(
        key=key,
        files=files,
        template=TemplateRecord.model_validate(template),
        detector_id="mtcnn",
        embedder_id="none",
        people=[Person(person_id=person, name=person.replace("_", " ")) for person in sorted(people)],
        images=images,
        faces=faces,
    )
    return commit_manifest(store, manifest)


def _record(person: str, split: str, name: str, pixels: UInt8Image, face: Face) -> tuple[FaceRecord, bytes]:
    matrix = similarity_transform(face.landmarks.points, CANONICAL_272.points)
    buffer = io.BytesIO()
    Image.fromarray(warp(pixels, matrix, 272)).save(buffer, "JPEG", quality=95)
    digest = hashlib.sha256(name.encode()).hexdigest()
    points = transform_points(matrix, face.landmarks.points)
    record = FaceRecord.model_validate(
        {
            "face_id": digest[:16],
            "image_sha256": digest,
            "person_id": person,
            "crop": f"crops/{digest[:16]}.jpg",
            "box": (face.box.x1, face.box.y1, face.box.x2, face.box.y2),
            "landmarks": tuple(map(tuple, face.landmarks.points.tolist())),
            "crop_landmarks": tuple(map(tuple, points.tolist())),
            "score": face.score,
            "face_px": face.box.width_px,
            "sharpness": 0.0,
            "yaw": 0.0,
            "roll_deg": 0.0,
            "group": digest[:16],
            "split": split,
        }
    )
    return record, buffer.getvalue()


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="actorrec-tests-")


@cache
def trained_actors() -> tuple[LocalStore, DatasetManifest, ModelManifest]:
    """The default preset on FEW; trained once for all tests, which must not change it."""
    from actorrec.training.train import train

    store = LocalStore(Path(_folder().name))
    dataset = actors_dataset(store)
    return store, dataset, train(dataset, Config(training=QUICK), store=store, progress=SilentProgress())


@cache
def trained_on_brought() -> tuple[LocalStore, DatasetManifest, ModelManifest]:
    """The default preset on FEW with the net that a user brings; skips without it."""
    from actorrec.training.train import train

    store = LocalStore(Path(_folder().name) / "brought")
    config = Config(
        training=QUICK, embedder=EmbedderSection(path=model_file("MobileFaceNet.tflite"), licence="as stated")
    )
    dataset = actors_dataset(store)
    return store, dataset, train(dataset, config, store=store, progress=SilentProgress())
