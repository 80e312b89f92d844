"""Faces that somebody cut out already: where their landmarks are."""

from typing import Final

import numpy as np

from actorrec.dataset.candidates import Looked
from actorrec.dataset.examine import Examiner
from actorrec.types import BoundingBox, Face, Landmarks, UInt8Image
from actorrec.vision.align import FaceTemplate

# Where landmarks lie in the box of the default detector, as parts of its sides: median over the faces of the 882
# development photos (actors and lfw_dev/people).
_POINTS_IN_BOX: Final = ((0.269, 0.390), (0.734, 0.383), (0.502, 0.596), (0.309, 0.760), (0.718, 0.756))
_BORDER: Final = 0.25


def box_template(size_px: int) -> FaceTemplate:
    """The template that cuts a face about as wide as the default detector's box."""
    return FaceTemplate(f"box-{size_px}", size_px, tuple((x * size_px, y * size_px) for x, y in _POINTS_IN_BOX))


def look_at_crop(examiner: Examiner, crop: UInt8Image, sha256: str) -> Looked:
    """Look at a crop of one face.

    Args:
        examiner: Finds, aligns and embeds.
        crop: Shape (H, W, 3), uint8, RGB.
        sha256: Names it.
    """
    height, width = crop.shape[:2]
    down, across = round(height * _BORDER), round(width * _BORDER)
    # A face that fills its picture is easily missed; a border of the rim's colours lets the detector see around it.
    wider = np.pad(crop, ((down, down), (across, across), (0, 0)), mode="edge")
    found = [_moved(face, -across, -down) for face in examiner.find(wider)]
    inside = [face for face in found if _holds_centre(face.box, width, height)]
    face = max(inside, key=lambda each: each.box.area_px) if inside else _average_face(width, height)
    return examiner.examine_pixels(crop, sha256, [face])


def _average_face(width: int, height: int) -> Face:
    points = np.array(_POINTS_IN_BOX, np.float32) * np.array([width, height], np.float32)
    return Face(BoundingBox(0, 0, width, height), Landmarks(points), 0.0)


def _moved(face: Face, dx: float, dy: float) -> Face:
    box = face.box
    moved = BoundingBox(box.x1 + dx, box.y1 + dy, box.x2 + dx, box.y2 + dy)
    return Face(moved, Landmarks(face.landmarks.points + np.array([dx, dy], np.float32)), face.score)


def _holds_centre(box: BoundingBox, width: int, height: int) -> bool:
    return box.x1 < width / 2 < box.x2 and box.y1 < height / 2 < box.y2
