"""Which person a folder or a row of a list means."""

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
