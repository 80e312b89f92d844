"""How long training on 10,000 real face crops takes, beside the original recipe extrapolated from its own steps.

    ACTORREC_TEST_DATA=DIR python benchmarks/training_speed.py [--faces 10000] [--people 100]

Both run in this process on the same two cores. The crops are real faces, repeated with small moves that carry them
past the near-duplicate filter; the copies of a photo stay in one group. Ours is the whole stage: reading the crops,
four views each, embedding, the head, gallery, calibration, files. The original is its 8,000 training steps of 10 and
ten passes over its held-out fifth, at the median time of steps measured before and after ours.
"""

import argparse
import hashlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.faces.detectors import make_detector
from actorrec.faces.keras_runtime import import_keras, import_tensorflow
from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import DatasetManifest, FaceRecord, ImageRecord, Person
from actorrec.manifests.nets import TemplateRecord
from actorrec.progress import SilentProgress
from actorrec.recognition.configured import configured_detector
from actorrec.training.original_net import frozen_features, learning_part
from actorrec.training.train import train
from actorrec.types import Face, UInt8Image
from actorrec.vision.align import CANONICAL_272, similarity_transform, transform_points, warp
from rows import Row, save, test_data

MEASURED_STEPS, WARM_UP_STEPS = 8, 2
BATCH, EPOCHS, TEST_SHARE = 10, 10, 0.2


def photos_of(data: Path, people: int) -> dict[str, list[Path]]:
    """Photos by person: the actors, LFW people, and strangers of one photo until there are enough."""
    folders = [*sorted((data / "actors").iterdir()), *sorted((data / "lfw_dev/people").iterdir())]
    found = {folder.name: sorted(folder.glob("*.jpg")) for folder in folders if folder.is_dir()}
    for photo in sorted((data / "lfw_dev/strangers").rglob("*.jpg")):
        if len(found) >= people:
            break
        found[f"stranger_{photo.stem}"] = [photo]
    return dict(list(found.items())[:people])


def largest_face(detector: Any, pixels: UInt8Image) -> Face | None:
    faces = detector.detect(pixels)
    return max(faces, key=lambda face: face.box.area_px) if faces else None


def moved_crop(pixels: UInt8Image, face: Face, rng: np.random.Generator) -> tuple[UInt8Image, np.ndarray]:
    """A crop around slightly wrong landmarks, and where the true ones lie in it."""
    points = face.landmarks.points
    noise = rng.normal(0, 0.03 * float(np.linalg.norm(points[1] - points[0])), points.shape).astype(np.float32)
    matrix = similarity_transform(points + noise, CANONICAL_272.points)
    crop = warp(pixels, matrix, CANONICAL_272.size_px).astype(np.float32)
    crop = crop * rng.uniform(0.85, 1.15) + rng.normal(0, 3, crop.shape)
    return np.clip(crop, 0, 255).astype(np.uint8), transform_points(matrix, points + noise)


def make_dataset(store: LocalStore, photos: dict[str, list[Path]], faces: int) -> DatasetManifest:
    """Write ``faces`` crops, as many of each person, and commit the data set."""
    parts = configured_detector(Config().detector, Config().models)
    detector = make_detector(parts.spec, parts.files, num_threads=2)
    rng = np.random.default_rng(0)
    records: list[FaceRecord] = []
    files: list[FileRecord] = []
    for person, paths in photos.items():
        seen = [(path, cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)) for path in paths]
        usable = [(path, pixels, face) for path, pixels in seen if (face := largest_face(detector, pixels))]
        for index in range(faces // len(photos) if usable else 0):
            path, pixels, face = usable[index % len(usable)]
            crop, points = moved_crop(pixels, face, rng)
            face_id = hashlib.sha256(f"{path}/{index}".encode()).hexdigest()[:16]
            _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(crop, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
            name = f"crops/{len(records) // 1000}/{face_id}.jpg"
            (target := Path(store.uri) / "dataset/speed" / name).parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(jpeg.tobytes())
            files.append(FileRecord(name=name, sha256=hashlib.sha256(jpeg.tobytes()).hexdigest(), bytes=len(jpeg)))
            records.append(face_record(person, path, name, face_id, face, points))
    people = sorted({record.person_id for record in records})
    size, points_px = CANONICAL_272.size_px, CANONICAL_272.points_px
    manifest = DatasetManifest(
        key="speed",
        files=files,
        template=TemplateRecord.model_validate({"name": CANONICAL_272.name, "size_px": size, "points_px": points_px}),
        detector_id=parts.spec.detector_id,
        embedder_id="none",
        people=[Person(person_id=person, name=person) for person in people],
        images=[ImageRecord(path=str(path), person_id=p, outcome="kept") for p in people for path in photos[p]],
        faces=records,
    )
    return commit_manifest(store, manifest)


def face_record(person: str, path: Path, name: str, face_id: str, face: Face, points: np.ndarray) -> FaceRecord:
    photo = hashlib.sha256(str(path).encode()).hexdigest()
    return FaceRecord(
        face_id=face_id,
        image_sha256=photo,
        person_id=person,
        crop=name,
        box=(face.box.x1, face.box.y1, face.box.x2, face.box.y2),
        landmarks=tuple((float(x), float(y)) for x, y in face.landmarks.points),
        crop_landmarks=tuple((float(x), float(y)) for x, y in points),
        score=face.score,
        face_px=face.box.width_px,
        sharpness=0,
        yaw=0,
        roll_deg=0,
        group=photo[:16],
        split="train",
    )


class OriginalRecipe:
    """The original's net as one model, its frozen part run in every step, as its notebook did."""

    def __init__(self, people: int) -> None:
        keras = import_keras()
        settings = Config().training
        features = frozen_features("resnet50", "none", 224)
        head = learning_part(features.output.shape[-1], people, settings, 0.0)
        self.model = keras.Model(features.inputs, head(features.output))
        self.model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
        rng = np.random.default_rng(0)
        self.batch = rng.normal(0, 50, (BATCH, 224, 224, 3)).astype(np.float32)
        self.labels = rng.integers(0, people, BATCH).astype(np.int32)

    def seconds(self) -> tuple[list[float], list[float]]:
        """Seconds of each training step and of each validation step, the first ones left out."""
        return self._time(self.model.train_on_batch), self._time(self.model.test_on_batch)

    def _time(self, step: Any) -> list[float]:
        times = []
        for _ in range(WARM_UP_STEPS + MEASURED_STEPS):
            start = time.perf_counter()
            step(self.batch, self.labels)
            times.append(time.perf_counter() - start)
        return times[WARM_UP_STEPS:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--faces", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=100)
    arguments = parser.parse_args()
    data = test_data()
    if data is None:
        save("training_speed", [Row("training speed", "≤ 1/20", "not measured: no ACTORREC_TEST_DATA", None, "")])
        return
    tf = import_tensorflow()
    tf.config.threading.set_intra_op_parallelism_threads(2)
    with tempfile.TemporaryDirectory() as folder:
        store = LocalStore(Path(folder))
        photos = photos_of(data, arguments.people)
        dataset = make_dataset(store, photos, arguments.faces)
        before = OriginalRecipe(len(dataset.people)).seconds()
        start = time.perf_counter()
        model = train(dataset, Config(), store=store, progress=SilentProgress())
        ours_s = time.perf_counter() - start
        after = OriginalRecipe(len(dataset.people)).seconds()
    train_s, test_s = (statistics.median(first + second) for first, second in zip(before, after, strict=True))
    total = len(dataset.faces)
    original_s = EPOCHS * ((1 - TEST_SHARE) * total / BATCH * train_s + TEST_SHARE * total / BATCH * test_s)
    save("training_speed", [_row(total, len(dataset.people), ours_s, original_s)])
    print(f"ours {ours_s:.1f} s: {model.timings_s}, {model.metrics['epochs']:.0f} epochs of the head kept")
    print(f"original {original_s:.0f} s: {train_s:.3f} s a training step, {test_s:.3f} s a validation step")


def _row(faces: int, people: int, ours_s: float, original_s: float) -> Row:
    ratio = original_s / ours_s
    return Row(
        f"training on {faces:,} real face crops of {people} people, 2 cores, against the original recipe",
        "≤ 1/20",
        f"{ours_s:.0f} s against {original_s:,.0f} s extrapolated: 1/{ratio:.0f}",
        ratio >= 20,
        "python benchmarks/training_speed.py",
    )


if __name__ == "__main__":
    main()
