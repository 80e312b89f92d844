"""Films of drawn patterns, a detector that knows where they are, an embedder that knows who they are."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from actorrec.faces.embedders import DEFAULT_SPEC
from actorrec.manifests.dataset import Person
from actorrec.manifests.nets import TemplateRecord
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.gallery import build_gallery
from actorrec.recognition.recogniser import Recogniser
from actorrec.types import BoundingBox, Face, Frame, Landmarks, UInt8Image
from actorrec.vision.align import FaceTemplate, align_face

WIDTH_PX, HEIGHT_PX = 320, 180
_POINTS = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])


def face_at(x: float, y: float, side: float = 48.0, score: float = 0.99) -> Face:
    """A face whose box has this corner and side."""
    points = np.array([x, y]) + _POINTS * side
    return Face(BoundingBox(x, y, x + side, y + side), Landmarks(points.astype(np.float32)), score)


def pattern(seed: int, side: int = 48, cells: int = 6) -> UInt8Image:
    """The made-up face of a person: blots that nobody else has; shape (side, side, 3)."""
    small = np.random.default_rng([7, seed]).integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def scenery(seed: int = 0, size_wh: tuple[int, int] = (WIDTH_PX, HEIGHT_PX)) -> UInt8Image:
    """A background; shape (H, W, 3)."""
    small = np.random.default_rng([8, seed]).integers(60, 200, (9, 16, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(small, size_wh, interpolation=cv2.INTER_CUBIC), np.uint8)


def noisy(pixels: UInt8Image, rng: np.random.Generator, sigma: float = 4.0) -> UInt8Image:
    """As a sensor and a JPEG leave it."""
    grains = np.clip(pixels + rng.normal(0, sigma, pixels.shape), 0, 255).astype(np.uint8)
    _, packed = cv2.imencode(".jpg", grains, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


@dataclass
class Actor:
    """Somebody in the picture now."""

    person: int
    x: float
    y: float
    side: int = 48


@dataclass
class Stage:
    """What the camera, the detector and the embedder of a test have in common.

    Attributes:
        actors: The later hides the earlier.
        background: Seed of the scenery; None for black.
        unseen: Persons that the detector misses.
        poses: Patterns that are another look of a person: who, and how far to which side (an angle's tangent).
        searches: How often it searched.
        embedded: Faces embedded in each call of the embedder.
    """

    actors: list[Actor] = field(default_factory=list)
    background: int | None = 0
    unseen: set[int] = field(default_factory=set)
    poses: dict[int, tuple[int, float]] = field(default_factory=dict)
    searches: int = 0
    embedded: list[int] = field(default_factory=list)
    sigma: float = 2.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))
    index: int = 0

    def frame(self, time_s: float) -> Frame:
        """The picture as it is now."""
        pixels = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        if self.background is not None:
            pixels = scenery(self.background).copy()
            for actor in self.actors:
                shape = np.float32([[1, 0, actor.x], [0, 1, actor.y]])
                face = pattern(actor.person, actor.side)
                cv2.warpAffine(face, shape, (WIDTH_PX, HEIGHT_PX), dst=pixels, borderMode=cv2.BORDER_TRANSPARENT)
        self.index += 1
        return Frame(noisy(pixels, self.rng, self.sigma), "stage", self.index, time_s)

    @property
    def detector_id(self) -> str:
        return "stage"

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Every actor who is at least half in the picture, not missed and not hidden by another."""
        self.searches += 1
        if self.background is None:
            return []
        found = []
        for place, actor in enumerate(self.actors):
            inside = -actor.side / 2 <= actor.x <= WIDTH_PX - actor.side / 2
            hidden = any(abs(o.x - actor.x) + abs(o.y - actor.y) < actor.side / 2 for o in self.actors[place + 1 :])
            if inside and not hidden and actor.person not in self.unseen:
                found.append(face_at(actor.x, actor.y, actor.side))
        return found


class PatternEmbedder:
    """Tells made-up faces apart: near its own axis for each pattern, by what the crop looks like."""

    spec = DEFAULT_SPEC

    def __init__(self, stage: Stage, people: int = 8) -> None:
        self._stage = stage
        template = DEFAULT_SPEC.template
        self._known = np.stack([_thumb(_crop(person, template)) for person in range(people)])

    def embed(self, crops: UInt8Image) -> NDArray[np.float32]:
        self._stage.embedded.append(len(crops))
        vectors = np.full((len(crops), DEFAULT_SPEC.dim), 0.01, np.float32)
        for row, crop in enumerate(crops):
            shown = int(np.argmax(self._known @ _thumb(crop)))
            person, aside = self._stage.poses.get(shown, (shown, 0.0))
            vectors[row, person], vectors[row, -1] = 1.0, aside
        return vectors


def stage_recogniser(stage: Stage, known: Sequence[int] = (0, 1, 2, 3)) -> Recogniser:
    """Knows some of the people by name: P0, P1…"""
    vectors = np.full((len(known), DEFAULT_SPEC.dim), 0.01, np.float32)
    vectors[np.arange(len(known)), list(known)] = 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    names = [f"P{person}" for person in known]
    gallery = build_gallery(DEFAULT_SPEC.model_id, vectors, names, [f"{name}.jpg" for name in names])
    people = tuple(Person(person_id=name, name=name) for name in names)
    return Recogniser(stage, PatternEmbedder(stage), gallery, calibrate(gallery, target_fpir=0.01), people)


def _crop(person: int, template: TemplateRecord) -> UInt8Image:
    canvas = scenery().copy()
    canvas[60:108, 100:148] = pattern(person)
    points = FaceTemplate(template.name, template.size_px, template.points_px)
    return align_face(canvas, face_at(100, 60).landmarks, points)


def _thumb(crop: UInt8Image) -> NDArray[np.float32]:
    middle = crop[30:120, 30:120].astype(np.float32)
    small = cv2.resize(middle, (8, 8), interpolation=cv2.INTER_AREA).ravel()
    small = small - small.mean()
    return np.asarray(small / max(float(np.linalg.norm(small)), 1e-6), np.float32)
