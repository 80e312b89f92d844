"""Which pictures are due in a round of a loop."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from actorrec.inference.sources import PictureSource, expand_sources


class Watched:
    """Sources that are looked at again and again.

    A picture that is named outright is due in every round, changed or not. Pictures of folders and globs are due when
    they are new or were changed, and a folder that cannot serve when the reason is new.

    Args:
        sources: Picture files, folders and globs.
    """

    def __init__(self, sources: Sequence[str]) -> None:
        self.sources = tuple(sources)
        self._seen: dict[str, object] = {}  # only what the last round saw: what is gone from a folder leaves it, too

    def due(self) -> Iterator[PictureSource]:
        """The pictures of the next round. A picture is asked for its state before it is handed out.

        A round that is not taken to its end is not remembered.
        """
        found: dict[str, object] = {}
        for source in self.sources:
            always = _named_outright(source)
            for picture in expand_sources([source]):
                if always:
                    yield picture
                    continue
                state = _state(picture)
                known = picture.name in self._seen and self._seen[picture.name] == state
                found[picture.name] = state
                if not known:
                    yield picture
        self._seen = found


def _named_outright(source: str) -> bool:
    # os.path answers no where Path would raise, as in ``expand_sources``.
    return not os.path.isdir(source) and (os.path.lexists(source) or not glob.has_magic(source))  # noqa: PTH112


def _state(picture: PictureSource) -> object:
    """What changes when the picture does; for a reason, the reason."""
    return picture.error if picture.path is None else _file_state(picture.path)


def _file_state(path: Path) -> tuple[int, int, int] | int:
    try:
        status = path.stat()
    except OSError as error:
        return error.errno or 0
    return status.st_mtime_ns, status.st_size, status.st_ino
