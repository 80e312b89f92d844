"""Which files were given, whose they are, and what they hold."""

import hashlib
import os
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from actorrec.dataset.folder_records import FolderRecords, read_records
from actorrec.errors import DataError, ItemError
from actorrec.manifests.images import RECORDS_NAME, ScrapedImage
from actorrec.progress import Progress
from actorrec.vision.decode import read_bytes
from actorrec.vision.listing import readable

_PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"}
)
# What file managers leave behind; nobody would call them pictures.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "icon\r"})
# Of a scraped picture: not what may differ between two equal scrapes, nor what its bytes already say.
_ORIGIN_IN_KEY = {"source", "url", "page", "licence", "licence_url", "author"}


@dataclass(frozen=True, slots=True)
class Photo:
    """One file that was given.

    Attributes:
        person_id: The folder's name, in Unicode normal form C, or what its records say; empty for a picture that lies
            in no person's folder.
        name: As the user would find it, relative to the folder that was given.
        path: Where it is.
        sha256: Of its bytes; None where it could not be read.
        problem: Why it could not be read, else None.
        origin: Where it was scraped; None for a picture of the user's own.
        stored: Its name in the store, of a scraped set; empty for a file of a folder.
    """

    person_id: str
    name: str
    path: Path
    sha256: str | None = None
    problem: ItemError | None = None
    origin: ScrapedImage | None = None
    stored: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What the folders hold.

    Attributes:
        photos: Sorted.
        records: By a person's folder: what a scraper left there.
    """

    photos: list[Photo]
    records: dict[Path, FolderRecords]


def find_photos(roots: Sequence[Path]) -> Found:
    """List every file of every person's folder; folders of one name in several roots are one person.

    Raises:
        DataError: If a folder is missing, holds photos but no person's folder, or nothing at all was found; or a
            scraper's records are damaged.
    """
    photos: list[Photo] = []
    records: dict[Path, FolderRecords] = {}
    for root in roots:
        found = list(_of_root(root, records))
        if found and not any(photo.person_id for photo in found):
            raise DataError(
                f"{root} holds pictures but no folder per person",
                hint=f"make a folder named after each person in {root} and move their pictures into it",
            )
        photos += found
    if not photos:
        shown = ", ".join(str(root) for root in roots)
        raise DataError(f"no photos in {shown}", hint="give a folder that holds a folder of pictures per person")
    too_long = next((photo.person_id for photo in photos if len(photo.person_id) > 200), None)
    if too_long is not None:
        raise DataError(f"a person's name may have 200 characters, this folder's has more: {too_long[:40]}…")
    return Found(photos, records)


def in_order(photos: Sequence[Photo]) -> list[Photo]:
    """By person, then by name; two of one name by what they are, never by where they lie."""
    return sorted(photos, key=_place)


def _place(photo: Photo) -> tuple[str, ...]:
    problem, origin = photo.problem, photo.origin
    last = origin.model_dump_json() if origin else ""
    return photo.person_id, photo.name, photo.sha256 or "", problem.reason if problem else "", last


def identity(photo: Photo) -> list[Any]:
    """A JSON value: whose, which name and content, and where from; equal for two photos that count as equal."""
    problem = photo.problem.reason if photo.problem else ""
    origin = photo.origin.model_dump(mode="json", include=_ORIGIN_IN_KEY) if photo.origin else None
    return [photo.person_id, photo.name, photo.sha256 or problem, origin]


def _of_root(root: Path, records: dict[Path, FolderRecords]) -> Iterator[Photo]:
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except NotADirectoryError:
        raise DataError(f"{root} is a file", hint="give a folder that holds a folder of pictures per person") from None
    except OSError as error:
        raise DataError(f"cannot read the folder {root}: {error.strerror}") from None
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = Path(entry.path)
        if entry.is_dir():
            found = read_records(path)
            if found is not None:
                records[path] = found
            yield from _of_person(root, path, found)
        elif path.suffix.lower() in _PICTURE_SUFFIXES:
            problem = ItemError("no-person", "it lies beside the people's folders, in nobody's")
            yield Photo("", readable(entry.name), path, None, problem)


def _of_person(root: Path, folder: Path, records: FolderRecords | None) -> Iterator[Photo]:
    person_id = records.person_id if records else unicodedata.normalize("NFC", readable(folder.name))
    unreadable: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if not name.startswith(".") and name.lower() not in _LITTER and path != folder / RECORDS_NAME:
                yield Photo(person_id, readable(path.relative_to(root).as_posix()), path)
    for error in unreadable:
        path = Path(str(error.filename))
        problem = ItemError("unreadable", f"the folder cannot be read: {error.strerror}")
        yield Photo(person_id, readable(path.relative_to(root).as_posix()), path, None, problem)


def hash_photos(photos: Sequence[Photo], max_bytes: int, workers: int, progress: Progress) -> list[Photo]:
    """Fill in each file's SHA-256, or the problem that kept it from being read."""

    def hashed(photo: Photo) -> Photo:
        if photo.problem is not None:
            return photo
        try:
            return replace(photo, sha256=hashlib.sha256(read_bytes(photo.path, max_bytes=max_bytes)).hexdigest())
        except ItemError as problem:
            return replace(photo, problem=problem)

    done: list[Photo] = []
    with progress.step("reading photos", len(photos), "photos") as step, ThreadPoolExecutor(workers) as pool:
        for photo in pool.map(hashed, photos):
            done.append(photo)
            step.advance()
    return done
