"""Fit the score model of the default embedder, and the generic one, to real pairs of people.

What it reads: a folder of photos named ``Some_Name_0001.jpg`` (development data: ``lfw_dev/pairs``, 1,359 photos of
499 people, none of whom is in any set that accuracy is reported on). What it writes: ten numbers a model into
``src/actorrec/recognition/score_models.json``; no embedding and no name of anybody.

    python tools/fit_score_model.py PHOTOS [--brought NET.tflite] [--write]

Prototypes are made as ``enroll`` makes them (photo, mirror image, ten jitters), probes as ``infer`` looks at doubtful
faces (photo, mirror image, eight fixed moves). The generic model's shape comes from the brought embedder
(``--brought``), scaled so that it fits any embedder whose mean cosine between strangers is known.
"""

import argparse
import json
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.faces import dlib_resnet29
from actorrec.faces.detectors import default_detector_spec, make_detector
from actorrec.faces.embedders import make_embedder, spec_for_file
from actorrec.faces.protocols import Embedder
from actorrec.recognition.score_models import GENERIC, footing
from actorrec.recognition.views import embed_photo, enrolment_views, second_look_views
from actorrec.vision.align import FaceTemplate
from actorrec.vision.decode import read_picture
from actorrec.vision.main_face import main_face
from actorrec.vision.similarity import normalise

OUT = Path(__file__).parent.parent / "src/actorrec/recognition/score_models.json"
TAIL = np.array([1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5])  # false match rates that the tail's shape is fitted to
COUNTS = (1, 2, 3)  # photos a prototype; few people have more than four photos
DRAWS = 6
Vectors = NDArray[np.float32]


def embed_all(photos: list[Path], embedder: Embedder) -> tuple[Vectors, Vectors, list[str]]:
    """Enrolment and probe vectors of the main face of every photo, shape (K, D) each, and who it is."""
    detector = make_detector(default_detector_spec("mtcnn"), None, num_threads=1)
    spec = embedder.spec.template
    template = FaceTemplate(spec.name, spec.size_px, spec.points_px)
    enrolled, probes, people = [], [], []
    for path in photos:
        pixels = read_picture(path, max_bytes=1 << 26, max_pixels=80_000_000).pixels
        face = main_face(detector.detect(pixels), pixels.shape[:2])
        if face is None:
            continue
        views = enrolment_views(pixels, face.landmarks, template, jitters=10, seed=0)
        enrolled.append(embed_photo(embedder, views))
        probes.append(embed_photo(embedder, second_look_views(pixels, face.landmarks, template)))
        people.append(path.stem.rsplit("_", 1)[0])
    return np.stack(enrolled), np.stack(probes), people


def fit(enrolled: Vectors, probes: Vectors, people: list[str]) -> dict[str, float]:
    """The ten numbers of ``ScoreModel``."""
    labels = np.array(people)
    same = same_person_cosine(enrolled, labels)
    rng = np.random.default_rng(0)
    strangers, gaps = [], []
    for count in COUNTS:
        rows = [score_once(enrolled, probes, labels, (count, same), rng) for _ in range(DRAWS)]
        scores = np.concatenate([row[0] for row in rows])
        strangers.append((scores.mean(), scores.var(), np.quantile(scores, 1 - TAIL)))
        logs = np.log(1 - np.concatenate([row[1] for row in rows]))
        gaps.append((logs.mean(), logs.var()))
        print(f"  {count} photos: strangers {scores.mean():.4f} ± {scores.std():.4f}, ln(1 − u) {logs.mean():.3f}")
    location = float(np.mean([mean for mean, _, _ in strangers]))
    people_variance, photo_variance = over_photos([variance for _, variance, _ in strangers])
    normal = -np.array([NormalDist().inv_cdf(rate) for rate in TAIL])
    ratio = np.mean([(q - location) / np.sqrt(v) / normal for _, v, q in strangers], axis=0)
    slope, tail_scale = np.polyfit(normal, ratio, 1)
    gap_mean, gap_mean_photo = over_photos([mean for mean, _ in gaps], least=None)
    # LFW's news photos vary less than film does: the spread that many photos cannot remove is kept at 0.2 or more.
    gap_variance, gap_variance_photo = over_photos([variance for _, variance in gaps], least=0.04)
    return {
        "location": location,
        "people_variance": people_variance,
        "photo_variance": photo_variance,
        "tail_scale": float(tail_scale),
        "tail_bend": max(0.0, -float(slope)),
        "same": same,
        "gap_mean": gap_mean,
        "gap_mean_photo": gap_mean_photo,
        "gap_variance": gap_variance,
        "gap_variance_photo": gap_variance_photo,
    }


def over_photos(values: list[float], least: float | None = 0.0) -> tuple[float, float]:
    """Least-squares a + b / n over ``COUNTS``; where a would fall below ``least``, a is that and b fits the rest."""
    inverse = 1 / np.array(COUNTS, np.float64)
    slope, constant = np.polyfit(inverse, np.array(values), 1)
    if least is not None and constant < least:
        constant, slope = least, float(inverse @ (np.array(values) - least) / (inverse @ inverse))
    return float(constant), float(slope)


def same_person_cosine(enrolled: Vectors, labels: NDArray[Any]) -> float:
    """Mean cosine of two photos of one person, each person counting the same."""
    means = []
    for name in np.unique(labels):
        own = enrolled[labels == name]
        if len(own) > 1:
            means.append((own @ own.T)[np.triu_indices(len(own), 1)].mean())
    return float(np.mean(means))


def score_once(
    enrolled: Vectors, probes: Vectors, labels: NDArray[Any], how: tuple[int, float], rng: np.random.Generator
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scores of strangers and of the right people, against prototypes of ``how[0]`` photos drawn at random."""
    count, same = how
    names, photos = np.unique(labels, return_counts=True)
    names = names[photos >= count]
    chosen = [rng.choice(np.flatnonzero(labels == name), count, replace=False) for name in names]
    prototypes = normalise(np.stack([enrolled[rows].mean(axis=0) for rows in chosen]))[0]
    scores = (probes @ prototypes.T) * footing(np.array([count]), same)
    mine = labels[:, None] == names[None]
    unseen = mine.copy()
    for column, rows in enumerate(chosen):
        unseen[rows, column] = False
    return scores[~mine], scores[unseen]


def generic(fitted: dict[str, float]) -> dict[str, float]:
    """The same model in units of 1 − location."""
    unit = 1 - fitted["location"]
    return fitted | {
        "location": 0.0,
        "people_variance": fitted["people_variance"] / unit**2,
        "photo_variance": fitted["photo_variance"] / unit**2,
        "same": (fitted["same"] - fitted["location"]) / unit,
        "gap_mean": fitted["gap_mean"] - float(np.log(unit)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--brought", type=Path, help="an embedder for arcface-112 crops, x / 127.5 − 1")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    photos = sorted(arguments.photos.glob("*.jpg"))
    nets: dict[str, Embedder] = {dlib_resnet29.SPEC.model_id: make_embedder(dlib_resnet29.SPEC, None)}
    if arguments.brought is not None:
        scale = (127.5, 127.5, 127.5)
        spec = spec_for_file(arguments.brought, template="arcface-112", mean=scale, std=scale)
        nets[GENERIC] = make_embedder(spec, arguments.brought)
    models = json.loads(OUT.read_text(encoding="utf-8"))["models"] if OUT.is_file() else {}
    for name, embedder in nets.items():
        print(embedder.spec.model_id)
        enrolled, probes, people = embed_all(photos, embedder)
        fitted = fit(enrolled, probes, people)
        fitted = generic(fitted) if name == GENERIC else fitted
        models[name] = {
            "fitted_on": f"{len(people)} photos of {len(set(people))} people of LFW, in none of the sets reported on",
            "embedder": embedder.spec.model_id,
            "model": {key: float(f"{value:.5g}") for key, value in fitted.items()},
        }
        print(json.dumps(models[name], indent=2))
    if arguments.write:
        OUT.write_text(json.dumps({"models": models}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
