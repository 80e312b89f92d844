"""A second bundle on the same frames: only how often the two differ is kept."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from actorrec.inference.running_bundle import RunningBundle
from actorrec.manifests.events import ShadowCount
from actorrec.types import RecognisedFace, UInt8Image
from actorrec.vision.boxes import Boxes, overlaps

ABOUT_SHADOW: Final = "the run in the shadow"
"""What troubles of it are about."""
SAME_FACE_IOU: Final = 0.5
"""Two boxes that share so much of their union are one face; the usual bound for a found object (PASCAL VOC)."""


class ShadowRun:
    """Runs a bundle beside the live one and counts where they differ; called with every picture of the live one.

    Args:
        live: What names are published of.
        shadow: What is compared with it.
    """

    def __init__(self, live: RunningBundle, shadow: RunningBundle) -> None:
        self._shadow = shadow
        self._same_detector = live.detector == shadow.detector
        self._frames = self._faces = self._disagreements = 0

    def __call__(self, source: str, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        """Look at one picture.

        Args:
            source: Its name; not used.
            pixels: Shape (H, W, 3), uint8, RGB.
            found: What the live bundle says of it.
        """
        if self._same_detector:  # the boxes are the same: detecting twice would only cost time
            self.name(pixels, found)
        else:
            self._add(found, self._shadow.recogniser.recognise(pixels)[0])

    def name(self, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        """Name some faces of a picture, which may show others.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB.
            found: What the live bundle says of these faces.
        """
        self._add(found, self._shadow.recogniser.name_faces(pixels, [each.face for each in found])[0])

    def _add(self, found: Sequence[RecognisedFace], other: Sequence[RecognisedFace]) -> None:
        faces, disagreements = disagreement(found, other)
        self._frames += 1
        self._faces += faces
        self._disagreements += disagreements

    @property
    def count(self) -> ShadowCount:
        """The counts so far."""
        return ShadowCount(
            bundle=self._shadow.model.bundle,
            frames=self._frames,
            faces=self._faces,
            disagreements=self._disagreements,
        )


def disagreement(left: Sequence[RecognisedFace], right: Sequence[RecognisedFace]) -> tuple[int, int]:
    """How many faces of one picture can be compared, and how many have different answers.

    Faces whose boxes overlap by ``SAME_FACE_IOU`` or more are one face, the closest pairs first, each face once. A face
    that only one side found counts, as a disagreement, where that side gave it a name; otherwise it does not count.

    Returns:
        Faces and disagreements.
    """
    pairs = _pairs(left, right)
    differing = sum(_person(left[row]) != _person(right[column]) for row, column in pairs)
    rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
    alone = [each for index, each in enumerate(left) if index not in rows]
    alone += [each for index, each in enumerate(right) if index not in columns]
    named = sum(_person(each) is not None for each in alone)
    return len(pairs) + named, differing + named


def _pairs(left: Sequence[RecognisedFace], right: Sequence[RecognisedFace]) -> list[tuple[int, int]]:
    shares = overlaps(_boxes(left), _boxes(right))
    pairs: list[tuple[int, int]] = []
    while shares.size and shares.max() >= SAME_FACE_IOU:
        row, column = np.unravel_index(shares.argmax(), shares.shape)
        pairs.append((int(row), int(column)))
        shares[row, :] = shares[:, column] = 0
    return pairs


def _boxes(found: Sequence[RecognisedFace]) -> Boxes:
    rows = [(box.x1, box.y1, box.x2, box.y2) for box in (each.face.box for each in found)]
    return np.array(rows, np.float32).reshape(-1, 4)


def _person(found: RecognisedFace) -> str | None:
    return found.prediction.person_id
