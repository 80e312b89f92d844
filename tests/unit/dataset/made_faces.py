"""Faces made of numbers, for tests of what is decided about them."""

from dataclasses import replace

import numpy as np

from actorrec.dataset.candidates import Candidate, Examined
from actorrec.dataset.clean import Pick
from actorrec.types import FaceQuality

DIM = 64
GOOD = FaceQuality(face_px=120, sharpness=300, yaw=0.1, roll_deg=2, visible=1.0)


def person_vectors(count: int, person: int, spread: float = 0.15) -> np.ndarray:
    """``count`` unit vectors near one direction, on the scale of the cleaning embedder: all people share a part."""
    common = np.random.default_rng(0).normal(size=DIM)
    own = np.random.default_rng(1000 + person).normal(size=DIM)
    centre = 0.9 * common / np.linalg.norm(common) + 0.44 * own / np.linalg.norm(own)
    rng = np.random.default_rng(person)
    noise = rng.normal(size=(count, DIM)) / np.sqrt(DIM) * spread
    vectors = centre + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def candidate(vector: np.ndarray, side_px: float = 120, **quality: float) -> Candidate:
    points = np.zeros((5, 2))
    measured = replace(GOOD, face_px=side_px, **quality)
    return Candidate((0, 0, side_px, side_px), points, points, 0.99, measured, vector, np.zeros((48, 48), np.uint8))


def picture(name: str, *faces: Candidate) -> Examined:
    return Examined(name, 100, 100, 0, 0, tuple(sorted(faces, key=lambda face: -face.area_px)))


def pick(person_id: str, name: str, face: Candidate) -> Pick:
    return Pick(person_id, name, f"{name:0>64}", 0, face)
