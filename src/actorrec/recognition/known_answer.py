"""What an embedder gives for made-up faces: kept in the card where a bundle is made, compared where it is to run."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import MissingExtraError, ModelContractError
from actorrec.faces.embedders import make_embedder
from actorrec.faces.protocols import Embedder
from actorrec.manifests.bundle import BundleCard, KnownAnswer
from actorrec.recognition.made_up_faces import PATTERNS_VERSION, made_up_crops
from actorrec.vision.similarity import normalise

_MOST_LEAST_COSINE: Final = 0.95
"""Asked of the steadiest net: between answers here and there, both without the faces' mean, for the vectors of any two
faces are alike. On the shipped net LiteRT's reference kernels reach 0.9996, red and blue swapped 0.83."""
_ROUNDINGS: Final = 4.0
"""A right runtime may be so many times further away than pictures of one grey level more or less: nets of 8-bit
numbers round in every layer, and each runtime in its own way."""
NET_FAILURES: Final = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)
"""What nets and array functions raise on what they were not made for; ``cv2.error`` comes to it."""
_MOST_NUMBERS: Final = 128  # of an embedding: a wrong one shows in so many, and the card stays small
_LEAST_NORM: Final = 1e-12


def known_answer(card: BundleCard, files: Mapping[str, bytes]) -> KnownAnswer | None:
    """What the embedder of a bundle gives; None where it cannot be run here.

    Args:
        card: Says which file it is, and what it expects.
        files: Content by name.
    """
    import cv2

    try:
        embedder = make_embedder(card.embedder, files[card.embedder_file])
        units = made_up_units(embedder)
        shaken = normalise(embedder.embed(made_up_crops(card.embedder.template) ^ np.uint8(1)))[0]
    except (ModelContractError, MissingExtraError, *NET_FAILURES, cv2.error):
        return None
    rounded = [[round(float(number), 4) for number in row] for row in _kept(units)]
    least = 1 - _ROUNDINGS * (1 - _nearness(_kept(units), _kept(shaken)))
    least = round(min(_MOST_LEAST_COSINE, max(-1.0, least)), 4)
    return KnownAnswer(patterns_version=PATTERNS_VERSION, numbers=rounded, least_cosine=least)


def made_up_units(embedder: Embedder) -> NDArray[np.float32]:
    """Unit vectors of the made-up faces, shape (N, D).

    Raises:
        ModelContractError: If the embedder gives another shape, or no finite vector with a direction.
    """
    crops = made_up_crops(embedder.spec.template)
    raw = embedder.embed(crops)
    if raw.shape != (len(crops), embedder.spec.dim):
        wanted = [len(crops), embedder.spec.dim]
        raise ModelContractError(f"the self-test failed: the embedder gives {list(raw.shape)}, not {wanted}")
    if not np.isfinite(raw).all() or np.linalg.norm(raw, axis=1).min() < _LEAST_NORM:
        raise ModelContractError("the self-test failed: the embedder gives no finite vector with a direction")
    return normalise(raw)[0]


def check_answer(units: NDArray[np.float32], answer: KnownAnswer) -> None:
    """Compare with what a card says; an answer for made-up faces of another version is passed over.

    Args:
        units: Of ``made_up_units``.
        answer: What the card says.

    Raises:
        ModelContractError: If the two are further apart than it allows.
    """
    if answer.patterns_version != PATTERNS_VERSION:
        return
    here = _kept(units)
    if {len(row) for row in answer.numbers} != {here.shape[1]} or len(answer.numbers) != len(here):
        raise ModelContractError("the self-test failed: the card's known answer is of another shape")
    there = np.asarray(answer.numbers, np.float32)
    cosine = _nearness(here, there)
    if not cosine >= answer.least_cosine:
        raise ModelContractError(
            "the self-test failed: the embedder does not give here what it gave where the bundle was made "
            f"(cosine {cosine:.3f}, least {answer.least_cosine:g})"
        )


def _kept(units: NDArray[np.float32]) -> NDArray[np.float32]:
    return units[:, :: -(-units.shape[1] // _MOST_NUMBERS)]


def _nearness(here: NDArray[np.float32], there: NDArray[np.float32]) -> float:
    """The least cosine of a row with its counterpart, each without the mean of its rows."""
    left, right = (normalise(rows - rows.mean(axis=0))[0] for rows in (here, there))
    return float(np.sum(left * right, axis=1).min())
