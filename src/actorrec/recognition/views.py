"""Several looks at one face: itself, its mirror image, and slightly moved copies."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.protocols import Embedder
from actorrec.types import Landmarks, UInt8Image
from actorrec.vision.align import FaceTemplate, similarity_transform, warp
from actorrec.vision.similarity import normalise

_MAX_SHIFT, _MAX_LOG_SCALE, _MAX_TURN_DEG, _MAX_GAIN = 0.04, 0.05, 4.0, 0.12


class _Move(NamedTuple):
    """Turn, scale and shift about the crop's middle; shifts are parts of the crop's side."""

    turn_deg: float
    log_scale: float
    right: float
    down: float


# Each of the four pairs undoes itself on average, and so do the four that are mirrored and the four that are not.
_SECOND_LOOKS: Final = (
    _Move(0, 0.04, 0.03, 0),
    _Move(0, -0.04, -0.03, 0),
    _Move(-4, 0, 0, -0.03),
    _Move(4, 0, 0, 0.03),
    _Move(0, 0.04, -0.03, 0),
    _Move(0, -0.04, 0.03, 0),
    _Move(-4, 0, 0, 0.03),
    _Move(4, 0, 0, -0.03),
)


def enrolment_views(
    pixels: UInt8Image, landmarks: Landmarks, template: FaceTemplate, *, jitters: int, seed: int
) -> UInt8Image:
    """Cut a face as it is, and with ``jitters`` > 0 also its mirror image and slightly moved copies of both.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.
        landmarks: In px of ``pixels``.
        template: Where they must fall.
        jitters: How many moved copies.
        seed: The same seed gives the same crops.

    Returns:
        Shape (1 or 2 + jitters, S, S, 3), uint8, RGB.
    """
    size_px = template.size_px
    base = similarity_transform(landmarks.points, template.points)
    plain = warp(pixels, base, size_px)
    if jitters <= 0:
        return plain[None]
    rng = np.random.default_rng(seed)
    views = [plain, plain[:, ::-1]]
    for index in range(jitters):
        crop = _brightened(warp(pixels, _moved(base, size_px, _any_move(rng)), size_px), rng)
        views.append(crop[:, ::-1] if index % 2 else crop)
    return np.stack(views)


def second_look_views(pixels: UInt8Image, landmarks: Landmarks, template: FaceTemplate) -> UInt8Image:
    """Cut a face that is hard to tell as it is, as its mirror image, and moved a little in eight fixed ways.

    Where a face is hard to tell, the chance of where its landmarks fell counts; the mean of these views has less of it.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.
        landmarks: In px of ``pixels``.
        template: Where they must fall.

    Returns:
        Shape (10, S, S, 3), uint8, RGB; the first is the face as it is.
    """
    size_px = template.size_px
    base = similarity_transform(landmarks.points, template.points)
    plain = warp(pixels, base, size_px)
    views = [plain, plain[:, ::-1]]
    for index, move in enumerate(_SECOND_LOOKS):
        crop = warp(pixels, _moved(base, size_px, move), size_px)
        views.append(crop[:, ::-1] if index % 2 else crop)
    return np.stack(views)


def _any_move(rng: np.random.Generator) -> _Move:
    turn_deg = rng.uniform(-_MAX_TURN_DEG, _MAX_TURN_DEG)
    log_scale = rng.uniform(-_MAX_LOG_SCALE, _MAX_LOG_SCALE)
    return _Move(turn_deg, log_scale, *rng.uniform(-_MAX_SHIFT, _MAX_SHIFT, 2))


def _moved(base: NDArray[np.float64], size_px: int, move: _Move) -> NDArray[np.float64]:
    """Turn, scale and shift a map to a crop about the crop's middle."""
    turn = np.deg2rad(move.turn_deg)
    linear = np.exp(move.log_scale) * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.full(2, (size_px - 1) / 2)
    shift = middle - linear @ middle + np.array([move.right, move.down]) * size_px
    return np.column_stack([linear @ base[:, :2], linear @ base[:, 2] + shift])


def _brightened(crop: UInt8Image, rng: np.random.Generator) -> UInt8Image:
    gain = 1 + rng.uniform(-_MAX_GAIN, _MAX_GAIN)
    return np.asarray(np.clip(np.rint(crop * gain), 0, 255), np.uint8)


def embed_photo(embedder: Embedder, views: UInt8Image) -> NDArray[np.float32]:
    """One unit vector for all views of a face.

    Args:
        embedder: Its template is that of the views.
        views: Shape (V, S, S, 3), uint8, RGB.

    Returns:
        The normalised mean of the views' unit embeddings, shape (D,), float32.
    """
    units, _ = normalise(embedder.embed(views))
    mean, _ = normalise(units.mean(axis=0, keepdims=True))
    return np.asarray(mean[0], np.float32)
