"""From what a user named to picture files: a picture, a folder or a glob."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from actorrec.vision.listing import list_pictures


@dataclass(frozen=True, slots=True)
class PictureSource:
    """One picture to read, or the reason why there is none.

    Attributes:
        path: The file; None where there is none.
        name: As shown: the path as text (bytes that are no text are spelled out).
        error: Why there is no file; empty where there is one.
        beneath: Folder below which no link is followed when it is read; None where the user named the file.
    """

    path: Path | None
    name: str
    error: str = ""
    beneath: Path | None = None


def expand_sources(sources: Sequence[str]) -> Iterator[PictureSource]:
    """Every picture that is meant, in the order named; what means no picture is given as an error, never left out.

    Args:
        sources: Picture files, folders (searched to the bottom, pictures only) and globs (``**`` for any depth).
    """
    for source in sources:
        # os.path answers no where Path would raise: below a closed folder, or for a name that is too long.
        if os.path.isdir(source):  # noqa: PTH112
            yield from _in_folder(Path(source))
        elif os.path.lexists(source) or not glob.has_magic(source):
            yield PictureSource(Path(source), shown(source))
        else:
            yield from _matching(source)


def shown(source: str) -> str:
    """A file name as text that can be printed and put in JSON: bytes that are no UTF-8 are spelled out."""
    return source.encode("utf-8", "backslashreplace").decode()


def _in_folder(folder: Path) -> Iterator[PictureSource]:
    failed: list[OSError] = []
    found = list_pictures(folder, on_error=failed.append)
    for path in found:
        yield PictureSource(path, shown(str(path)))
    for error in failed:
        yield PictureSource(None, shown(str(error.filename or folder)), f"cannot be listed: {error.strerror}")
    if not found and not failed:
        yield PictureSource(None, shown(str(folder)), "the folder holds no pictures")


def _matching(pattern: str) -> Iterator[PictureSource]:
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 — a user's pattern may be absolute
    files = [Path(name) for name in found if not os.path.isdir(name)]  # noqa: PTH112
    if not files:
        yield PictureSource(None, shown(pattern), "no file matches")
    for path in files:
        yield PictureSource(path, shown(str(path)))
