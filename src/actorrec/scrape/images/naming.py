"""How people are called: in folders and lists, and in searches."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from actorrec.manifests.dataset import Person


def plain_name(text: str) -> str:
    """NFC, small letters, ``_`` as a space, single spaces."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("_", " ")
    return " ".join(unicodedata.normalize("NFC", folded).split())


def known_as(person: Person) -> frozenset[str]:
    """The plain forms of the name, the id and every external id, that one also as ``tmdb-6193``."""
    return known_ids(person) | {plain_name(person.name)}


def known_ids(person: Person) -> frozenset[str]:
    """The plain forms of the ids alone."""
    ids = person.external_ids
    known = {person.person_id, *ids.values(), *(f"{kind}-{value}" for kind, value in ids.items())}
    return frozenset(map(plain_name, known))


def shared_names(people: Iterable[Person]) -> frozenset[str]:
    """The plain names that more than one of them has."""
    return frozenset(name for name, count in Counter(plain_name(person.name) for person in people).items() if count > 1)


def quoted(name: str) -> str:
    """The name as a phrase for a search: in quotation marks, without its own, which would end the phrase."""
    words = re.sub(r'["\\“”„«»]', " ", name).split()
    return f'"{" ".join(words)}"'
