"""Whether nets compute on this machine what they should: a pass over made-up faces, before anybody relies on them."""

from typing import Final

import numpy as np

from actorrec.errors import ModelContractError
from actorrec.faces.protocols import FaceDetector
from actorrec.manifests.bundle import KnownAnswer
from actorrec.recognition.known_answer import NET_FAILURES, check_answer, made_up_units
from actorrec.recognition.made_up_faces import made_up_crops, made_up_picture
from actorrec.recognition.recogniser import Recogniser
from actorrec.types import Face

_LEAST_DIFFERENCE: Final = 1e-4  # between two unit vectors, in any number: below it is one and the same answer
_VIEWS: Final = 10  # a doubtful face is embedded in so many views at once: nets prepare themselves for that shape, too


def self_test(recogniser: Recogniser, answer: KnownAnswer | None = None) -> None:
    """Run every part of a recogniser once on made-up pictures, which also makes its next picture as fast as any other.

    Args:
        recogniser: What is tried.
        answer: What its embedder gave where the bundle was made; None where nobody knows.

    Raises:
        ModelContractError: If a part fails, gives no numbers or numbers that cannot be, or if the embedder gives
            others than where the bundle was made.
    """
    import cv2

    try:
        _try_embedder(recogniser, answer)
        _try_detector(recogniser.detector)
        _try_names(recogniser)
    except (*NET_FAILURES, cv2.error) as error:
        said = " ".join(str(error).split())
        raise ModelContractError(f"the self-test failed: {type(error).__name__}: {said}") from None


def _try_embedder(recogniser: Recogniser, answer: KnownAnswer | None) -> None:
    embedder = recogniser.embedder
    units = made_up_units(embedder)
    if np.ptp(units, axis=0).max() < _LEAST_DIFFERENCE:
        raise ModelContractError("the self-test failed: the embedder gives one answer for different faces")
    if answer is not None:
        check_answer(units, answer)
    crops = made_up_crops(embedder.spec.template)
    embedder.embed(np.resize(crops, (_VIEWS, *crops.shape[1:])))


def _try_detector(detector: FaceDetector) -> None:
    picture, _ = made_up_picture()
    height, width = picture.shape[:2]
    for face in detector.detect(picture):
        box = face.box
        numbers = np.array([box.x1, box.y1, box.x2, box.y2, *face.landmarks.points.ravel()])
        if not np.isfinite(numbers).all() or not 0 <= face.score <= 1:
            raise ModelContractError("the self-test failed: the detector gives a face of impossible numbers")
        if min(box.x2, width) <= max(box.x1, 0) or min(box.y2, height) <= max(box.y1, 0):
            raise ModelContractError("the self-test failed: the detector gives a face outside the picture")


def _try_names(recogniser: Recogniser) -> None:
    picture, face = made_up_picture()
    found, _ = recogniser.name_faces(picture, [face])
    for each in found:
        _check_prediction(each.face, each.prediction.similarity, each.prediction.confidence)


def _check_prediction(face: Face, similarity: float, confidence: float) -> None:
    if not np.isfinite([face.score, similarity, confidence]).all() or not 0 <= confidence <= 1:
        raise ModelContractError(
            f"the self-test failed: matching gives a similarity of {similarity} and a confidence of {confidence}"
        )
