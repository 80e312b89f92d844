"""Which pictures are wanted: type, size and shape.

The limits are ours. The original design asked Google's image search for "medium" and "panoramic" pictures, whose
limits Google never published.
"""

from typing import Protocol

from actorrec.scrape.protocols import Candidate
from actorrec.sections import ScrapeSection

_SIZES = {"small": (1, 399), "medium": (400, 1024), "large": (1025, 10**9)}
"""Longer side in px, both ends included."""

_ASPECTS = {"tall": (0.0, 0.8), "square": (0.8, 1.2), "wide": (1.2, 2.0), "panoramic": (2.0, float("inf"))}
"""Width / height, from the first up to below the second."""

LARGE_FROM_PX = _SIZES["large"][0]

_TYPES = {
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/pjpeg": "jpg",
    "image/x-ms-bmp": "bmp",
    "image/x-bmp": "bmp",
}


class Measured(Protocol):
    """A picture that was decoded."""

    @property
    def width_px(self) -> int: ...

    @property
    def height_px(self) -> int: ...

    @property
    def type(self) -> str:
        """As ``scrape.types`` calls it."""
        ...


def passes(picture: Candidate | Measured, settings: ScrapeSection) -> str:
    """Why a picture is not wanted: ``wrong-type``, ``too-small``, ``wrong-size`` or ``wrong-aspect``; empty if it is.

    Args:
        picture: A candidate, judged by what its source says of it, where what it does not say passes; or a picture
            that was decoded.
    """
    type_ = _type_of(picture)
    width, height = picture.width_px or None, picture.height_px or None
    if type_ is not None and type_ not in settings.types:
        return "wrong-type"
    if any(side is not None and side < settings.min_side_px for side in (width, height)):
        return "too-small"
    if width is None or height is None:
        return ""
    return _shape_fault(width, height, settings)


def _shape_fault(width: int, height: int, settings: ScrapeSection) -> str:
    if settings.size != "any":
        least, most = _SIZES[settings.size]
        if not least <= max(width, height) <= most:
            return "wrong-size"
    if settings.aspect != "any":
        low, high = _ASPECTS[settings.aspect]
        if not low <= width / height < high:
            return "wrong-aspect"
    return ""


def _type_of(picture: Candidate | Measured) -> str | None:
    if not isinstance(picture, Candidate):
        return picture.type
    if picture.mime is None:
        return None
    mime = picture.mime.partition(";")[0].strip().lower()
    return _TYPES.get(mime, mime.removeprefix("image/"))
