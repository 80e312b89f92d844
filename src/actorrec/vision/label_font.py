"""A font for labels: Pillow's own writes ASCII alone, so other letters need one of the system, or plain ones."""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

    AnyFont = FreeTypeFont | BitmapFont

# Files that Linux distributions, macOS and Windows come with, the one with most letters first.
_SYSTEM_FONTS: Final = (
    "NotoSansCJK-Regular.ttc",
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "FreeSans.ttf",
    "LiberationSans-Regular.ttf",
    "Arial Unicode.ttf",
    "arial.ttf",
)
# Letters that Unicode does not take apart into a plain one and a mark.
_PLAIN: Final = str.maketrans(
    {"Ł": "L", "ł": "l", "Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "ß": "ss", "Æ": "AE", "æ": "ae"}
    | {"Œ": "OE", "œ": "oe", "Þ": "Th", "þ": "th", "Ð": "D", "ð": "d", "ı": "i", "’": "'", "–": "-", "…": "..."}
)


def load_font(text: str, size_px: float) -> tuple["AnyFont", str]:
    """A font for a text, and the text as that font can write it.

    Args:
        text: Any text; control characters and line breaks become spaces, since they would move the pen.
        size_px: Height of the letters, px.

    Returns:
        Pillow's own font for ASCII; for other text a font of the system or, where there is none of a known name,
        Pillow's own and the text without its accents (letters still not in it show as an empty box).
    """
    from PIL import ImageFont

    line = "".join(c if c.isprintable() else " " for c in text)
    name = None if line.isascii() else _system_font()
    if name is not None:
        return ImageFont.truetype(name, size_px), line
    return ImageFont.load_default(size_px), without_accents(line)


def without_accents(text: str) -> str:
    """The text with letters that carry marks replaced by plain ones; other scripts stay as they are."""
    apart = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


@cache
def _system_font() -> str | None:
    from PIL import ImageFont

    for name in _SYSTEM_FONTS:
        try:
            ImageFont.truetype(name, 10)
        except OSError:
            continue
        return name
    return None
