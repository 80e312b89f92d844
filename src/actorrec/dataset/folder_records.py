"""The records that ``scrape`` leaves in a person's folder, read back from wherever the folder was copied to."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.errors import DataError, ItemError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import RECORDS_NAME, ScrapedImage
from actorrec.vision.decode import read_bytes

_MAX_BYTES: Final = 256 * 2**20


@dataclass(frozen=True)
class FolderRecords:
    """The records of one person's folder.

    Attributes:
        folder: The folder's name, as it is now.
        images: One for each picture that was scraped; at least one.
    """

    folder: str
    images: tuple[ScrapedImage, ...]

    @property
    def person_id(self) -> str:
        """Whose folder it is."""
        return self.images[0].person_id

    @property
    def person(self) -> Person:
        """The person, with the name that the folder was given: ``Ada_Lovelace_Q7259`` is Ada Lovelace."""
        own_id = re.sub(r"(?:[^\w.-]|_)+", "_", self.person_id).strip("_-.")
        label = self.images[0].file.split("/")[0]
        told_apart = re.sub(r"_[0-9a-f]{8}$", "", label)  # folders that would have had one name
        bare = next((each for each in (label, told_apart) if each.endswith(own_id)), label)
        name = bare if bare == own_id else bare.removesuffix(f"_{own_id}")
        return Person(person_id=self.person_id, name=" ".join(name.replace("_", " ").split()) or self.person_id)

    def of(self, name: str, sha256: str | None) -> ScrapedImage | None:
        """The record of a file: that of the same content, else that of the same name.

        Args:
            name: Of the file inside the folder.
            sha256: Of its bytes.
        """
        return self._by_sha256.get(sha256 or "") or self._by_name.get(name)

    @cached_property
    def _by_sha256(self) -> dict[str, ScrapedImage]:
        return {image.sha256: image for image in self.images}

    @cached_property
    def _by_name(self) -> dict[str, ScrapedImage]:
        return {image.file.partition("/")[2]: image for image in self.images}


def read_records(folder: Path) -> FolderRecords | None:
    """The records of a person's folder; None where it has none.

    Raises:
        DataError: If they are damaged, or are of several people.
    """
    path = folder / RECORDS_NAME
    if not path.exists():
        return None
    hint = "copy the folder again; without that file its pictures count as your own"
    try:
        lines = read_bytes(path, max_bytes=_MAX_BYTES).splitlines()
    except ItemError as error:
        raise DataError(f"{path} {error.message}", hint=hint) from None
    images: list[ScrapedImage] = []
    for number, line in enumerate(lines, 1):
        try:
            images.append(ScrapedImage.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise DataError(f"{path}:{number}: {f'{where}: ' if where else ''}{first['msg']}", hint=hint) from None
    people = sorted({image.person_id for image in images})
    if len(people) > 1:
        raise DataError(f"{path} is of several people: {', '.join(people[:5])}", hint="give each a folder of their own")
    return FolderRecords(folder.name, tuple(images)) if images else None
