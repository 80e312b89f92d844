"""Drawing boxes and labels that can be read at any picture size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from actorrec.types import BoundingBox, UInt8Image
from actorrec.vision.label_font import load_font

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from actorrec.vision.label_font import AnyFont

Colour = tuple[int, int, int]
NAMED: Final[Colour] = (0, 114, 178)
UNKNOWN: Final[Colour] = (213, 94, 0)
"""Blue and vermilion of Okabe and Ito's palette (2008), told apart by every kind of colour vision."""
_TEXT: Final[Colour] = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class BoxLabel:
    """A box to draw, in px of the picture, with its text and colour."""

    box: BoundingBox
    text: str
    colour: Colour = NAMED


def draw_boxes(pixels: UInt8Image, labels: Sequence[BoxLabel]) -> UInt8Image:
    """Draw boxes, then labels over them; a label stays inside the picture and off the labels drawn before it.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB; left as it is.
        labels: What to draw. Letters that the font lacks show as an empty box.

    Returns:
        Shape (H, W, 3), uint8, RGB: a copy.
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    line_px = max(1, round(min(pixels.shape[:2]) / 200))
    for label in labels:
        corners = (label.box.x1, label.box.y1, max(label.box.x1, label.box.x2), max(label.box.y1, label.box.y2))
        draw.rectangle(corners, outline=label.colour, width=line_px)
    taken: list[BoundingBox] = []
    for label in labels:
        taken.append(_draw_label(draw, label, (pixels.shape[1], pixels.shape[0]), taken))
    return np.asarray(image, np.uint8)


def _draw_label(
    draw: "ImageDraw", label: BoxLabel, size_wh: tuple[int, int], taken: Sequence[BoundingBox]
) -> BoundingBox:
    font, text, padding_px = _fitted(draw, label, size_wh)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + 2 * padding_px, bottom - top + 2 * padding_px
    place = _place(label.box, (width, height), size_wh, taken)
    draw.rectangle((place.x1, place.y1, place.x2, place.y2), fill=label.colour)
    draw.text((place.x1 + padding_px - left, place.y1 + padding_px - top), text, fill=_TEXT, font=font)
    return place


def _fitted(draw: "ImageDraw", label: BoxLabel, size_wh: tuple[int, int]) -> tuple["AnyFont", str, int]:
    """A font that suits the face and the picture, smaller where the text would be wider than the picture."""
    by_face, by_picture = label.box.height_px / 5, min(size_wh) / 40
    size_px = float(min(max(11.0, by_picture, min(by_face, 2 * by_picture)), max(8.0, size_wh[1] / 6)))
    while True:
        (font, text), padding_px = load_font(label.text, size_px), max(1, round(size_px / 5))
        if size_px <= 6 or draw.textlength(text, font=font) + 2 * padding_px <= size_wh[0]:
            return font, text, padding_px
        size_px *= 0.85


def _place(
    box: BoundingBox, label_wh: tuple[float, float], size_wh: tuple[int, int], taken: Sequence[BoundingBox]
) -> BoundingBox:
    """Above the box; else below it; else inside its top; always inside the picture."""
    width, height = label_wh
    x1 = max(0.0, min(box.x1, size_wh[0] - width))
    tops = [box.y1 - height, box.y2, box.y1, box.y2 - height]
    inside = [max(0.0, min(top, size_wh[1] - height)) for top in tops if 0 <= top <= size_wh[1] - height]
    places = [BoundingBox(x1, top, x1 + width, top + height) for top in inside]
    fallback = max(0.0, min(box.y1, size_wh[1] - height))
    places.append(BoundingBox(x1, fallback, x1 + width, fallback + height))
    return next((place for place in places if not any(_overlap(place, other) for other in taken)), places[0])


def _overlap(one: BoundingBox, other: BoundingBox) -> bool:
    return one.x1 < other.x2 and other.x1 < one.x2 and one.y1 < other.y2 and other.y1 < one.y2
