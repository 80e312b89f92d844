"""From the pixels of one picture to names: detect, align, embed, match."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces.detectors import make_detector
from actorrec.faces.embedders import make_embedder
from actorrec.faces.protocols import Embedder, FaceDetector
from actorrec.manifests.dataset import Person
from actorrec.manifests.model import Calibration
from actorrec.recognition.bundle import Bundle
from actorrec.recognition.matching import doubtful_faces, match_faces, nearest_photos
from actorrec.recognition.views import embed_photo, second_look_views
from actorrec.types import Face, Gallery, RecognisedFace, UInt8Image
from actorrec.vision.align import FaceTemplate, align_face
from actorrec.vision.similarity import normalise

_FACES_AT_ONCE: Final = 16  # bounds the memory of a crowd: 16 crops of 272 px as float32 are 14 MB


@dataclass(frozen=True, slots=True)
class StepTimings:
    """Milliseconds of wall time spent in each step of one picture."""

    detect_ms: float = 0.0
    align_ms: float = 0.0
    embed_ms: float = 0.0
    match_ms: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """Everything that says a name, whatever it was loaded from. For one thread at a time.

    Attributes:
        detector: Finds faces.
        embedder: Turns aligned faces into vectors.
        gallery: Who is known, in vectors of that embedder.
        calibration: When a face gets a name.
        people: The people of the gallery, with the names to show.

    Raises:
        ModelContractError: If the gallery was made by another embedder.
    """

    detector: FaceDetector
    embedder: Embedder
    gallery: Gallery
    calibration: Calibration
    people: tuple[Person, ...]

    def __post_init__(self) -> None:
        if self.gallery.model_id != self.model_id:
            raise ModelContractError(
                f"the gallery was made by {self.gallery.model_id}, the embedder is {self.model_id}: "
                "their vectors cannot be compared",
                hint="enrol the people again with this embedder",
            )

    @property
    def model_id(self) -> str:
        """Name and version of the embedder."""
        return self.embedder.spec.model_id

    def shown_name(self, person_id: str) -> str:
        """The name to show for a person; the id itself for one who is not known."""
        return next((person.name for person in self.people if person.person_id == person_id), person_id)

    def embed_faces(self, pixels: UInt8Image, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Align and embed faces of one picture.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB.
            faces: In px of ``pixels``; may be empty.

        Returns:
            Shape (N, D), float32, as the net gives them (not normalised).
        """
        return self._embed(pixels, faces)[0]

    def embed_in_views(self, pixels: UInt8Image, face: Face, *, views: int) -> NDArray[np.float32]:
        """Embed a face that is hard to tell in several views: as it is, its mirror image, and slightly moved.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB.
            face: In px of ``pixels``.
            views: How many, from 1 to 10.

        Returns:
            Shape (D,), float32, unit length; not finite where the net gave nothing that can be compared.
        """
        return embed_photo(self.embedder, second_look_views(pixels, face.landmarks, self._template)[:views])

    def recognise(self, pixels: UInt8Image, *, explain: int = 0) -> tuple[tuple[RecognisedFace, ...], StepTimings]:
        """Name every face of a picture; one name at most once. Doubtful faces are embedded in several views.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB; any size from 1×1 up.
            explain: How many of the nearest gallery photos to give with each face.

        Returns:
            Every face, highest detection score first, with who it is; and the time of each step.
        """
        start = time.perf_counter()
        faces = self.detector.detect(pixels)
        detect_ms = _ms_since(start)
        found, timings = self.name_faces(pixels, faces, explain=explain)
        return found, replace(timings, detect_ms=detect_ms)

    def name_faces(
        self, pixels: UInt8Image, faces: Sequence[Face], *, explain: int = 0
    ) -> tuple[tuple[RecognisedFace, ...], StepTimings]:
        """Name faces that are known to be there; as ``recognise`` without detection.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB.
            faces: In px of ``pixels``; may be empty.
            explain: How many of the nearest gallery photos to give with each face.
        """
        raw, align_ms, embed_ms = self._embed(pixels, faces)
        start = time.perf_counter()
        units, _ = normalise(raw)
        doubtful = doubtful_faces(units, self.gallery, self.calibration)
        doubt_ms = _ms_since(start)
        for index in doubtful:
            units[index], more_align_ms, more_embed_ms = self._look_again(pixels, faces[index])
            align_ms, embed_ms = align_ms + more_align_ms, embed_ms + more_embed_ms
        start = time.perf_counter()
        predictions = match_faces(units, self.gallery, self.calibration)
        found = tuple(
            RecognisedFace(
                face, prediction, unit, tuple(nearest_photos(unit, self.gallery, explain)) if explain else ()
            )
            for face, prediction, unit in zip(faces, predictions, units, strict=True)
        )
        return found, StepTimings(0.0, align_ms, embed_ms, doubt_ms + _ms_since(start))

    def _look_again(self, pixels: UInt8Image, face: Face) -> tuple[NDArray[np.float32], float, float]:
        """One unit vector, shape (D,), for several views of a face; milliseconds to cut and to embed them."""
        start = time.perf_counter()
        views = second_look_views(pixels, face.landmarks, self._template)
        align_ms = _ms_since(start)
        start = time.perf_counter()
        return embed_photo(self.embedder, views), align_ms, _ms_since(start)

    @property
    def _template(self) -> FaceTemplate:
        template = self.embedder.spec.template
        return FaceTemplate(template.name, template.size_px, template.points_px)

    def _embed(self, pixels: UInt8Image, faces: Sequence[Face]) -> tuple[NDArray[np.float32], float, float]:
        template = self._template
        raw = np.empty((len(faces), self.embedder.spec.dim), np.float32)
        align_ms = embed_ms = 0.0
        for first in range(0, len(faces), _FACES_AT_ONCE):
            start = time.perf_counter()
            part = faces[first : first + _FACES_AT_ONCE]
            crops = np.stack([align_face(pixels, face.landmarks, template) for face in part])
            align_ms += _ms_since(start)
            start = time.perf_counter()
            raw[first : first + len(part)] = self.embedder.embed(crops)
            embed_ms += _ms_since(start)
        return raw, align_ms, embed_ms


def load_recogniser(bundle: Bundle, *, num_threads: int = 0) -> Recogniser:
    """Make a bundle ready to say names.

    Args:
        bundle: An opened bundle.
        num_threads: Threads of each net; 0 for as many as the machine has, four at most.

    Raises:
        MissingExtraError: If a runtime that the bundle needs is not installed.
        ModelContractError: If a net is not what the card says.
    """
    card, threads = bundle.card, threads_for(num_threads)
    return Recogniser(
        make_detector(card.detector, bundle.detector_files(), num_threads=threads),
        make_embedder(card.embedder, bundle.embedder_file(), num_threads=threads),
        bundle.gallery,
        card.calibration,
        tuple(card.people),
    )


def threads_for(setting: int) -> int:
    """Threads of a net: the setting, or for 0 what this process may use, four at most.

    Nets this small gain nothing from more.
    """
    return setting or min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def _ms_since(start: float) -> float:
    return (time.perf_counter() - start) * 1000
