"""What was given, by name alone: no picture is opened or brought from far away for it."""

import logging
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.artifacts.catalog import MANIFEST_NAME, load_manifest, manifests
from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.folder_records import FolderRecords
from actorrec.dataset.photos import Found, Photo, find_photos
from actorrec.errors import DataError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ImagesManifest

logger = logging.getLogger(__name__)
_ARTIFACT: Final = re.compile(r"images(/[0-9a-z-]+)?")


@dataclass(frozen=True, slots=True)
class Listed:
    """Pictures by name.

    Attributes:
        photos: Without SHA-256, in no order; those of a scraped set have their origin and name in the store, but no
            path yet.
        records: By a person's folder: what a scraper left there.
        people: Those of whom more is known than a folder's name, by id.
        inputs: Scraped sets: ``images/KEY`` to content digest.
    """

    photos: list[Photo]
    records: dict[Path, FolderRecords]
    people: dict[str, Person]
    inputs: dict[str, str]

    def only(self, wanted: Callable[[Photo], bool]) -> "Listed":
        """The same, with some of the pictures."""
        return replace(self, photos=[photo for photo in self.photos if wanted(photo)])


def list_given(places: Sequence[Path], store: ArtifactStore) -> Listed:
    """List everything that was given.

    Args:
        places: Folders that hold a folder per person; or ``images`` (the newest scraped set of the store) or
            ``images/KEY``. None: the newest scraped set.
        store: Holds the scraped sets.

    Raises:
        DataError: If there is nothing to work on, or a folder cannot be read or its records are damaged.
        ArtifactError: If the store holds no such set.
    """
    sets = _sets(places, store)
    folders = [place for place in places if not _is_artifact(place)]
    found = find_photos(folders) if folders else Found([], {})
    people = _people(sets, folders, found.records)
    scraped = [
        Photo(image.person_id, image.file, Path(), origin=image, stored=f"{each.ref}/{image.file}")
        for each in sets
        for image in each.images
    ]
    own = [_renamed(photo, people) for photo in found.photos]
    return Listed([*own, *scraped], found.records, people, {each.ref: each.content_digest() for each in sets})


def _is_artifact(place: Path) -> bool:
    return not place.exists() and _ARTIFACT.fullmatch(place.as_posix()) is not None


def _sets(places: Sequence[Path], store: ArtifactStore) -> list[ImagesManifest]:
    names = [place.as_posix() for place in places if _is_artifact(place)]
    if not places:
        if next(manifests(store, ImagesManifest), None) is None:
            hint = "name folders that hold a folder of pictures per person; or bring some: actorrec scrape"
            raise DataError(f"no photos were given, and the store {store.uri} holds no scraped ones", hint=hint)
        names = ["images"]
    chosen = [load_manifest(store, ImagesManifest, "newest" if name == "images" else name) for name in names]
    return list({each.key: each for each in chosen}.values())


def _people(
    sets: Sequence[ImagesManifest], folders: Sequence[Path], records: dict[Path, FolderRecords]
) -> dict[str, Person]:
    people: dict[str, Person] = {}
    listed = [each.person for images in sets for each in images.people]
    copied = [person for folder in folders for person in _of_copied_manifest(folder)]
    for person in [*listed, *copied, *(each.person for each in records.values())]:
        known = people.setdefault(person.person_id, person)
        ids = {**person.external_ids, **known.external_ids}
        people[person.person_id] = known.model_copy(update={"external_ids": ids})
    return people


def _of_copied_manifest(folder: Path) -> list[Person]:
    """People of a scraped set that was copied whole; the folders' own records serve where it is not there."""
    try:
        copied = ImagesManifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
    except (OSError, ValidationError):
        return []
    return [each.person for each in copied.people]


def _renamed(photo: Photo, people: dict[str, Person]) -> Photo:
    """A folder of the user's own that is named like exactly one scraped person is that person's."""
    if not people or photo.person_id in people or not photo.person_id:
        return photo
    named = _plain(photo.person_id)
    same = [each.person_id for each in people.values() if named in (_plain(each.name), _plain(each.person_id))]
    if len(same) > 1:
        logger.warning("%s: %s all have that name; the folder stays a person of its own", photo.name, ", ".join(same))
    return replace(photo, person_id=same[0]) if len(same) == 1 else photo


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().replace("_", " ").split())
