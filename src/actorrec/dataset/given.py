"""What a data set is to be made of: folders of the user's own, scraped sets of the store, or both."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.artifacts.catalog import MANIFEST_NAME, load_manifest, manifests
from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.folder_records import FolderRecords
from actorrec.dataset.photos import Found, Photo, find_photos, hash_photos, in_order
from actorrec.dataset.records import person_record
from actorrec.errors import DataError, ItemError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ImagesManifest
from actorrec.progress import Progress
from actorrec.sections import DatasetSection

logger = logging.getLogger(__name__)
_ARTIFACT: Final = re.compile(r"images(/[0-9a-z-]+)?")


@dataclass(frozen=True, slots=True)
class Given:
    """Pictures and people, before anything was looked at.

    Attributes:
        photos: Sorted; with SHA-256 or problem.
        people: Those of whom more is known than a folder's name, by id.
        inputs: Scraped sets: ``images/KEY`` to content digest.
    """

    photos: list[Photo]
    people: dict[str, Person] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def person(self, person_id: str) -> Person:
        """What is known of a person, if only the name of the folder."""
        return self.people.get(person_id) or person_record(person_id)

    def called(self, person_id: str) -> str:
        """A person as sentences name them: a folder's name as it is, a source's id with the name."""
        known = self.people.get(person_id)
        return person_id if known is None or known.name == person_id else f"{known.name} ({person_id})"


def read_given(
    places: Sequence[Path], settings: DatasetSection, workers: int, *, store: ArtifactStore, progress: Progress
) -> Given:
    """List and hash everything that was given.

    Args:
        places: Folders that hold a folder per person; or ``images`` (the newest scraped set of the store) or
            ``images/KEY``. None: the newest scraped set.
        settings: For ``max_bytes``.
        workers: Threads for reading.
        store: Holds the scraped sets.
        progress: Where long steps are told.

    Raises:
        DataError: If there is nothing to work on, or a folder cannot be read or its records are damaged.
        ArtifactError: If the store holds no such set.
    """
    sets = _sets(places, store)
    folders = [place for place in places if not _is_artifact(place)]
    found = find_photos(folders) if folders else Found([], {})
    scraped = [photo for each in sets for photo in _of_set(each, store, progress)]
    people = _people(sets, folders, found.records)
    hashed = hash_photos([*found.photos, *scraped], settings.max_bytes, workers, progress)
    own, brought = hashed[: len(found.photos)], hashed[len(found.photos) :]
    own = [_renamed(photo, people) for photo in _with_origins(own, found.records)]
    inputs = {each.ref: each.content_digest() for each in sets}
    return Given(in_order([*own, *map(_as_fetched, brought)]), people, inputs)


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


def _of_set(manifest: ImagesManifest, store: ArtifactStore, progress: Progress) -> list[Photo]:
    """A store far away brings the files here first."""
    names = (f"{manifest.ref}/{image.file}" for image in manifest.images)
    with progress.step("bringing pictures", len(manifest.images), "files") as step:
        paths = store.fetch_files(names, step)
    return [
        Photo(image.person_id, image.file, path, origin=image)
        for image, path in zip(manifest.images, paths, strict=True)
    ]


def _as_fetched(photo: Photo) -> Photo:
    if photo.sha256 is None or photo.origin is None or photo.sha256 == photo.origin.sha256:
        return photo
    problem = ItemError("changed", "the store's copy is not what was fetched: it is damaged")
    return replace(photo, sha256=None, problem=problem)


def _with_origins(photos: Sequence[Photo], records: dict[Path, FolderRecords]) -> list[Photo]:
    """A changed file keeps its record: an edited picture is still under the licence of what it was made of."""
    changed: Counter[str] = Counter()
    done: list[Photo] = []
    for photo in photos:
        folder = next((parent for parent in photo.path.parents if parent in records), None) if records else None
        if folder is not None:
            of_folder = records[folder]
            origin = of_folder.of(photo.path.relative_to(folder).as_posix(), photo.sha256)
            photo = replace(photo, origin=origin)
            if origin is not None and photo.sha256 not in (None, origin.sha256):
                changed[of_folder.folder] += 1
        done.append(photo)
    for name, count in sorted(changed.items()):
        logger.warning("%s: %d pictures were changed since they were fetched; their licence stays", name, count)
    return done


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
