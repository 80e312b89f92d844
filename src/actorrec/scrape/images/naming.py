"""How people are called: in folders and lists, and in searches."""

import re
import unicodedata

from actorrec.manifests.dataset import Person


def plain_name(text: str) -> str:
    """NFC, small letters, ``_`` as a space, single spaces."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("_", " ")
    return " ".join(unicodedata.normalize("NFC", folded).split())


def known_as(person: Person) -> frozenset[str]:
    """The plain forms of the name, the id and every external id, that one also as ``tmdb-6193``."""
    ids = person.external_ids
    known = {person.name, person.person_id, *ids.values(), *(f"{kind}-{value}" for kind, value in ids.items())}
    return frozenset(map(plain_name, known))


def quoted(name: str) -> str:
    """The name as a phrase for a search: in quotation marks, without its own, which would end the phrase."""
    words = re.sub(r'["\\“”„«»]', " ", name).split()
    return f'"{" ".join(words)}"'
