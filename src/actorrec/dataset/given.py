"""What a data set is to be made of: folders of the user's own, scraped sets of the store, or both."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.folder_records import FolderRecords
from actorrec.dataset.listed import Listed, list_given
from actorrec.dataset.photos import Photo, hash_photos, in_order
from actorrec.dataset.records import person_record
from actorrec.errors import ItemError
from actorrec.manifests.dataset import Person
from actorrec.progress import Progress
from actorrec.sections import DatasetSection

logger = logging.getLogger(__name__)


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
        places: As ``list_given`` takes them.
        settings: For ``max_bytes``.
        workers: Threads for reading.
        store: Holds the scraped sets.
        progress: Where long steps are told.

    Raises:
        DataError: If there is nothing to work on, or a folder cannot be read or its records are damaged.
        ArtifactError: If the store holds no such set.
    """
    return read_listed(list_given(places, store), settings, workers, store=store, progress=progress)


def read_listed(
    listed: Listed, settings: DatasetSection, workers: int, *, store: ArtifactStore, progress: Progress
) -> Given:
    """Hash what was listed; a store far away brings its pictures here first.

    Raises:
        ArtifactError: If the store lacks a picture of a scraped set.
    """
    own = [photo for photo in listed.photos if not photo.stored]
    brought = _brought([photo for photo in listed.photos if photo.stored], store, progress)
    hashed = hash_photos([*own, *brought], settings.max_bytes, workers, progress)
    known = _with_origins(hashed[: len(own)], listed.records)
    return Given(in_order([*known, *map(as_fetched, hashed[len(own) :])]), listed.people, listed.inputs)


def _brought(photos: list[Photo], store: ArtifactStore, progress: Progress) -> list[Photo]:
    if not photos:
        return []
    with progress.step("bringing pictures", len(photos), "files") as step:
        paths = store.fetch_files([photo.stored for photo in photos], step)
    return [replace(photo, path=path) for photo, path in zip(photos, paths, strict=True)]


def as_fetched(photo: Photo) -> Photo:
    """A picture of a scraped set, or the problem that it is not any more what was fetched."""
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
