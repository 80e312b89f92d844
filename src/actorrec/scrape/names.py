"""Names and ids as foreigners write them, made fit to print and to keep."""

import html
import re
import unicodedata

from actorrec.manifests.dataset import Person

MAX_NAME = 200
_TAG = re.compile(r"<[^<>]*>")
_JOINERS = "\u200c\u200d"  # part of the spelling in Persian and in the scripts of India
_ID_SHAPES = {
    "wikidata": re.compile(r"Q[1-9]\d{0,11}"),
    "imdb": re.compile(r"nm\d{7,10}"),
    "tmdb": re.compile(r"[1-9]\d{0,11}"),
}


def clean_name(text: str) -> str:
    """A name without markup, control characters and doubled spaces, in NFC; empty where nothing is left.

    Characters that turn the direction of writing go too: they make a printed line say another name.
    """
    for _ in range(3):  # markup is escaped more than once in the wild
        text = _TAG.sub("", html.unescape(text))
    kept = (_printable(character) for character in text if character not in "<>")
    return unicodedata.normalize("NFC", " ".join("".join(kept).split()))


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    return "" if category[0] == "C" and character not in _JOINERS else character


def valid_id(kind: str, value: str | None) -> str | None:
    """The id if it has the shape of its kind (``wikidata``, ``imdb``, ``tmdb``), else None."""
    return value if value and _ID_SHAPES[kind].fullmatch(value) else None


def kind_of_id(value: str) -> str | None:
    """``wikidata`` for ``Q38111``, ``imdb`` for ``nm0000138``, ``tmdb`` for ``tmdb-6193``; None for any other."""
    if valid_id("tmdb", value.removeprefix("tmdb-")) and value.startswith("tmdb-"):
        return "tmdb"
    return next((kind for kind in ("wikidata", "imdb") if valid_id(kind, value)), None)


def make_person(person_id: str, name: str, **ids: str | None) -> Person | None:
    """A person, with those of the ids that have the shape of their kind; None where the name is none."""
    cleaned = clean_name(name)
    if not 0 < len(cleaned) <= MAX_NAME:
        return None
    known = {kind: value for kind, text in ids.items() if (value := valid_id(kind, text))}
    return Person(person_id=person_id, name=cleaned, external_ids=known)
