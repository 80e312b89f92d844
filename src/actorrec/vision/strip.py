"""Taking notes out of a picture file (place, camera, author's tool, previews) without touching its pixels."""

import struct
from typing import Final

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
# PNG (third edition): critical chunks, and those that say how the samples are to be seen.
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"sRGB"})
# ITU-T T.81: end of image, start of scan, application segments, comment, restart marks.
_EOI, _SOS, _APP0, _APP14, _APP15, _COM = 0xD9, 0xDA, 0xE0, 0xEE, 0xEF, 0xFE
_BARE_MARKS: Final = frozenset({0x01, *range(0xD0, 0xD8)})


def without_metadata(data: bytes) -> bytes | None:
    """A JPEG or PNG without its notes and without what follows its end; the compressed pixels stay as they are.

    Kept are what decoding needs (of a JPEG also the JFIF and Adobe segments, which tell the colour space; of a PNG
    tRNS, gAMA and sRGB). An orientation note goes too: turn such a picture upright first.

    Returns:
        The smaller file, or None where the bytes are neither kind or their frame is not whole.
    """
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(_PNG_SIGNATURE):
        return _png(data)
    return None


def _jpeg(data: bytes) -> bytes | None:
    kept, at = [data[:2]], 2
    while at + 2 <= len(data):
        if data[at] != 0xFF:
            return None
        mark = data[at + 1]
        if mark == 0xFF:  # a fill byte
            at += 1
            continue
        if mark == _EOI:
            kept.append(data[at : at + 2])
            return b"".join(kept)
        if mark in _BARE_MARKS:
            end = at + 2
        else:
            length = _length(data, at + 2)
            end = at + 2 + length
            if length < 2 or end > len(data):
                return None
            if mark == _SOS:
                end = _end_of_scan(data, end)
        if _needed(mark, data[at + 4 : at + 10]):
            kept.append(data[at:end])
        at = end
    return None


def _length(data: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", data, at)[0]) if at + 2 <= len(data) else 0


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the compressed pixels end: at the next mark that is neither a stuffed zero nor a restart mark."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        following = data[at + 1]
        if following == 0xFF:
            at += 1
        elif following == 0 or following in _BARE_MARKS:
            at += 2
        else:
            return at
    return len(data)


def _needed(mark: int, beginning: bytes) -> bool:
    if mark == _APP0:
        return beginning.startswith(b"JFIF\0")
    if mark == _APP14:
        return beginning.startswith(b"Adobe")
    return not (_APP0 <= mark <= _APP15 or mark == _COM)


def _png(data: bytes) -> bytes | None:
    kept, at = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            return None
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    return None
