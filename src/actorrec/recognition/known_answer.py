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

MIN_ANSWER_COSINE: Final = 0.95
"""Least cosine between the answer in a card and the answer here, of every face, both without the faces' mean.

Without it the vectors of any two faces are alike. Measured on the shipped net: other thread counts 1.000, LiteRT's
reference kernels 0.9996; red and blue swapped 0.83.
"""
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
        units = made_up_units(make_embedder(card.embedder, files[card.embedder_file]))
    except (ModelContractError, MissingExtraError, *NET_FAILURES, cv2.error):
        return None
    rounded = [[round(float(number), 4) for number in row] for row in _kept(units)]
    return KnownAnswer(patterns_version=PATTERNS_VERSION, numbers=rounded)


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
        ModelContractError: If the two are further apart than ``MIN_ANSWER_COSINE``.
    """
    if answer.patterns_version != PATTERNS_VERSION:
        return
    here = _kept(units)
    if {len(row) for row in answer.numbers} != {here.shape[1]} or len(answer.numbers) != len(here):
        raise ModelContractError("the self-test failed: the card's known answer is of another shape")
    there = np.asarray(answer.numbers, np.float32)
    cosine = float(np.sum(_centred(here) * _centred(there), axis=1).min())
    if not cosine >= MIN_ANSWER_COSINE:
        raise ModelContractError(
            "the self-test failed: the embedder does not give here what it gave where the bundle was made "
            f"(cosine {cosine:.3f}, least {MIN_ANSWER_COSINE})"
        )


def _kept(units: NDArray[np.float32]) -> NDArray[np.float32]:
    return units[:, :: -(-units.shape[1] // _MOST_NUMBERS)]


def _centred(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return normalise(rows - rows.mean(axis=0))[0]
