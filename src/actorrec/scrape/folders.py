"""Names on disk: a folder for each person and a label for their pictures, readable in any script."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actorrec.manifests.dataset import Person

_LONGEST_BYTES: Final = 80
# Letters, marks (vowel signs of many scripts are marks) and digits of any script.
_KEPT_CATEGORIES: Final = frozenset("LMN")
# What lies beside the people's folders in an artifact.
_RESERVED: Final = ("manifest.json", "unfinished")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a person's pictures lie.

    Attributes:
        folder: For example ``Leonardo_DiCaprio_Q38111``.
        label: How the file names begin: ``Leonardo_DiCaprio``.
    """

    folder: str
    label: str

    def picture(self, number: int, extension: str) -> str:
        """Name of a picture inside the artifact; ``number`` counts from 1."""
        return f"{self.folder}/{self.label}_{number:04d}.{extension}"


def places(people: Sequence[Person]) -> dict[str, Place]:
    """A place for each person, by ``person_id``; no two share a folder, not even where capitals do not count."""
    wanted = {person.person_id: _wanted(person) for person in people}
    taken = Counter([*(place.folder.casefold() for place in wanted.values()), *_RESERVED])
    return {
        person_id: place if taken[place.folder.casefold()] == 1 else _told_apart(place, person_id)
        for person_id, place in wanted.items()
    }


def _wanted(person: Person) -> Place:
    label = _plain(person.name) or "person"
    own_id = "" if _plain(person.person_id) == label else _plain(person.person_id)
    return Place(f"{label}_{own_id}" if own_id else label, label)


def _told_apart(place: Place, person_id: str) -> Place:
    digest = hashlib.sha256(person_id.encode("utf-8", "backslashreplace")).hexdigest()[:8]
    return Place(f"{place.folder}_{digest}", place.label)


def _plain(text: str) -> str:
    """Underscores between the words; NFC, so that one name is one folder on every system; bounded in bytes."""
    composed = unicodedata.normalize("NFC", text)
    kept = "".join(c if c in "-." or unicodedata.category(c)[0] in _KEPT_CATEGORIES else " " for c in composed)
    words = "_".join(kept.split())
    short = words.encode()[:_LONGEST_BYTES].decode("utf-8", "ignore")
    return short.strip("_-.")
