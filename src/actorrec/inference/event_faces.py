"""Faces that a camera has in view, as events tell of them."""

import base64
import math
from collections.abc import Callable, Collection
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.manifests.events import Considered, EventFace
from actorrec.types import BoundingBox, UInt8Image

Include = Literal["crops", "embeddings"]
_MOST_CONSIDERED: Final = 2
_CROP_PX: Final = 96
_CROP_MARGIN: Final = 0.15
_JPEG_QUALITY: Final = 75


def event_face(track: TrackedFace, shown_name: Callable[[str], str]) -> EventFace:
    """A face as it is written: px rounded to 2 decimals, probabilities and similarities to 4.

    Args:
        track: A face in view. It has a name only where that is decided, and people who are considered only where not.
        shown_name: The name to show for a person id.
    """
    box, prediction = track.face.box, track.prediction
    person_id = prediction.person_id if track.decided and prediction is not None else None
    considered = () if track.decided else track.candidates[:_MOST_CONSIDERED]
    return EventFace(
        box=(px(box.x1), px(box.y1), px(box.x2), px(box.y2)),
        score=share(track.face.score),
        person_id=person_id,
        name=None if person_id is None else shown_name(person_id),
        confidence=0.0 if prediction is None else share(prediction.confidence),
        similarity=0.0 if prediction is None else finite(prediction.similarity, 4),
        decided=track.decided,
        considered=[
            Considered(person_id=each.person_id, name=shown_name(each.person_id), confidence=share(each.confidence))
            for each in considered
        ],
        track=track.track_id,
    )


def with_extras(face: EventFace, track: TrackedFace, include: Collection[Include], pixels: UInt8Image) -> EventFace:
    """The face with the personal data that somebody configured; without those that this frame does not give.

    Args:
        track: The same face. Its embedding is given where it was embedded in this very frame.
        include: What is configured.
        pixels: Shape (H, W, 3), uint8, RGB: the frame.
    """
    extras: dict[str, str | None] = {}
    if "crops" in include:
        extras["crop"] = crop_base64(pixels, track.face.box)
    if "embeddings" in include and track.latest is not None:
        extras["embedding"] = embedding_base64(track.latest.embedding)
    return face.model_copy(update=extras) if extras else face


def first_named(face: EventFace) -> tuple[bool, bool, float]:
    """For sorting: names first, then strangers, then those who are not decided; each the most certain face first."""
    return (face.person_id is None, not face.decided, -face.score)


def embedding_base64(embedding: NDArray[np.float32]) -> str:
    """Float32, little-endian, base64.

    Args:
        embedding: Shape (D,), float32.
    """
    return base64.b64encode(np.ascontiguousarray(embedding, "<f4").tobytes()).decode("ascii")


def crop_base64(pixels: UInt8Image, box: BoundingBox) -> str | None:
    """A small JPEG of a face, base64; None where the box lies outside.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.
        box: Of the face, px; a margin is added.
    """
    import cv2

    if not all(map(math.isfinite, (box.x1, box.y1, box.x2, box.y2))):
        return None
    height, width = pixels.shape[:2]
    margin = _CROP_MARGIN * max(box.width_px, box.height_px)
    x1, x2 = _inside(box.x1 - margin, width), _inside(box.x2 + margin, width)
    y1, y2 = _inside(box.y1 - margin, height), _inside(box.y2 + margin, height)
    if x2 <= x1 or y2 <= y1:
        return None
    part = pixels[y1:y2, x1:x2]
    scale = _CROP_PX / max(part.shape[:2])
    if scale < 1:
        size_wh = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = np.asarray(cv2.resize(part, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    _, data = cv2.imencode(".jpg", cv2.cvtColor(part, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return base64.b64encode(data.tobytes()).decode("ascii")


def _inside(value: float, limit: int) -> int:
    return max(0, min(round(value), limit))


def px(value: float) -> float:
    """A coordinate as it is written."""
    return finite(value, 2)


def share(value: float) -> float:
    """A probability as it is written, whatever a net says."""
    return min(1.0, max(0.0, finite(value, 4)))


def finite(value: float, digits: int) -> float:
    """Rounded; JSON has no word for what is no number."""
    return round(float(value), digits) if math.isfinite(value) else 0.0
