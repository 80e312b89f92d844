"""From what a user typed to a person."""

import difflib
import unicodedata
from collections.abc import Sequence

from pydantic import ValidationError

from actorrec.errors import DataError
from actorrec.manifests.dataset import Person


def new_person(typed: str) -> Person:
    """A person named for the first time: the id is what was typed, the name shows underscores as spaces.

    Raises:
        DataError: If that is no name (empty, more than 200 characters, not text).
    """
    person_id = unicodedata.normalize("NFC", typed).strip()
    try:
        return Person(person_id=person_id, name=" ".join(person_id.replace("_", " ").split()))
    except ValidationError:
        shown = typed.encode("utf-8", "backslashreplace").decode()
        raise DataError(f"not a name for a person: {shown!r}", hint="a name is text of 1 to 200 characters") from None


def match_person(typed: str, people: Sequence[Person]) -> Person | None:
    """Who is meant: by id, by name, then by either without regard to case; None if that is nobody.

    Raises:
        DataError: If several people are meant.
    """
    wanted = unicodedata.normalize("NFC", typed).strip()
    for person in people:
        if person.person_id == wanted:
            return person
    shown = wanted.replace("_", " ")
    for fold in (str, str.casefold):
        found = [p for p in people if fold(shown) in (fold(p.name), fold(p.person_id), fold(_spaced(p.person_id)))]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(person.person_id for person in found)
            raise DataError(f"'{typed}' may be any of {ids}", hint="name one of them exactly")
    return None


def find_person(typed: str, people: Sequence[Person]) -> Person:
    """Like ``match_person``, for somebody who must be there.

    Raises:
        DataError: If nobody, or more than one person, is meant; the hint gives the nearest name.
    """
    found = match_person(typed, people)
    if found is not None:
        return found
    by_folded = {text.casefold(): text for person in people for text in (person.name, person.person_id)}
    near = difflib.get_close_matches(typed.replace("_", " ").casefold(), by_folded, n=1, cutoff=0.5)
    hint = f"did you mean '{by_folded[near[0]]}'?" if near else "list who is known: actorrec people ls"
    raise DataError(f"nobody called '{typed}' is known", hint=hint)


def _spaced(text: str) -> str:
    return text.replace("_", " ")
