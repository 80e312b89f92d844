"""Pictures of the user's own: a folder that holds a folder per person."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

from actorrec.errors import ConfigError, ItemError
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.images.naming import known_as, known_ids, plain_name
from actorrec.scrape.protocols import Candidate
from actorrec.vision.listing import list_pictures, readable


class FolderImages:
    """Pictures in the folders that are named as a person is: by name, by id or by an id elsewhere.

    Case, ``_`` for a space and the way accents are encoded do not matter. Links that lead out of the folder are passed
    over.

    Raises:
        ConfigError: If there is no such folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ConfigError(f"no folder {root}", hint="--images-from folder:DIR, where DIR holds a folder per person")
        self._root = root
        self._real = root.resolve()
        self._label = Path(readable(self._real.name))
        self.name = f"folder:{self._label}"

    async def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        """See ``ImageSource.candidates``; by folder and file name.

        Raises:
            ItemError: ``unreadable``, if a folder cannot be listed.
        """
        ids = known_ids(listed.person)
        for path in self._files(known_as(listed.person)):
            if Path(os.path.realpath(path)).is_relative_to(self._real) and path.is_file():
                # With the root's own name, so that the same file of two roots is two pictures.
                name = (self._label / readable(path.relative_to(self._root).as_posix())).as_posix()
                by_name = plain_name(readable(path.relative_to(self._root).parts[0])) not in ids
                yield Candidate(source=self.name, url=name, licence="user-supplied", by_name=by_name, path=path)

    def _files(self, known: frozenset[str]) -> list[Path]:
        try:
            folders = sorted(f for f in self._root.iterdir() if plain_name(readable(f.name)) in known and f.is_dir())
            return [path for folder in folders for path in list_pictures(folder)]
        except OSError as error:
            raise ItemError("unreadable", f"{error.filename}: {error.strerror}") from None
