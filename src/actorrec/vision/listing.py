"""Which files of a folder are pictures."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

PICTURE_SUFFIXES: Final = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".mpo"}
)
"""What a folder is searched for; a file that is named outright is read whatever its suffix."""


def list_pictures(folder: Path, *, on_error: Callable[[OSError], None] | None = None) -> list[Path]:
    """Every picture below a folder, sorted by path; hidden files and folders are left out.

    Args:
        on_error: Told of each folder that cannot be listed, while the others are; None to stop at the first.

    Raises:
        OSError: If the folder, or one below it, cannot be listed and ``on_error`` is None.
    """
    found: list[Path] = []
    for base, folders, files in os.walk(folder, onerror=on_error or _raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(base, name)
            for name in files
            if not name.startswith(".") and Path(name).suffix.lower() in PICTURE_SUFFIXES
        ]
    return sorted(found)


def readable(name: str) -> str:
    """A file name that can be written as UTF-8; bytes that are none become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def _raise(error: OSError) -> None:
    raise error
