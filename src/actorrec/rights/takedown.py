"""Who and what is left out everywhere: a file of people, addresses and digests, one a line.

::

    # asked for on 3 May
    person Ada Lovelace
    person Q7259
    url https://example.org/ada.jpg
    url https://example.org/people/ada/*
    sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from actorrec.errors import ConfigError
from actorrec.manifests.base import digest_json
from actorrec.manifests.dataset import Person

_EXAMPLE = "each line is 'person NAME_OR_ID', 'url URL' (or 'url BEGINNING*') or 'sha256 HEX'"

# upload.wikimedia.org/wikipedia/commons/thumb/a/ab/Name.jpg/960px-Name.jpg is of …/commons/a/ab/Name.jpg
_SMALLER_COPY = re.compile(r"^(upload\.wikimedia\.org/.*)/thumb(/./../[^/]+)/[^/]+$")


@dataclass(frozen=True, slots=True)
class Takedown:
    """What a takedown list holds; false when it holds nothing.

    Attributes:
        people: Names and ids, NFC, casefolded.
        urls: Addresses without scheme and fragment, percent-encoding undone.
        url_beginnings: Such addresses' beginnings.
        digests: SHA-256, lower-case hex.
    """

    people: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()
    url_beginnings: tuple[str, ...] = ()
    digests: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.people or self.urls or self.url_beginnings or self.digests)

    def person(self, person: Person) -> bool:
        """Whether somebody is on the list by name, by ``person_id`` or by any external id."""
        known = {person.name, person.person_id, *person.external_ids.values()}
        known |= {f"{kind}-{value}" for kind, value in person.external_ids.items()}  # as in tmdb-6193
        return not self.people.isdisjoint(map(_plain_name, known))

    def url(self, url: str) -> bool:
        """Whether an address is on the list.

        http and https are one; so are two ways to percent-encode it, and a picture of Wikimedia's and its smaller
        copies.
        """
        plain = _plain_url(url)
        return plain in self.urls or plain.startswith(self.url_beginnings)

    def sha256(self, *digests: str) -> bool:
        """Whether any of these digests (hex) is on the list."""
        return not self.digests.isdisjoint(digest.lower() for digest in digests)

    @property
    def digest(self) -> str:
        """SHA-256 of what the list holds; the order of its lines, comments and repeats do not change it."""
        parts: tuple[Iterable[str], ...] = (self.people, self.urls, self.url_beginnings, self.digests)
        return digest_json([sorted(part) for part in parts])


def load_takedown(path: Path | None) -> Takedown:
    """Read a takedown list; an empty one for None.

    Raises:
        ConfigError: If the file cannot be read or a line of it is wrong; names the file and the line.
    """
    if path is None:
        return Takedown()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"cannot read the takedown list {path}: {error.strerror}", hint="rights.takedown names it"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"the takedown list {path} is not UTF-8 text: {error.reason}", hint=_EXAMPLE) from None
    entries = [_entry(line, f"{path}:{number}") for number, line in enumerate(text.splitlines(), start=1)]
    holds = partial(_values, [entry for entry in entries if entry])
    return Takedown(
        people=frozenset(holds("person")),
        urls=frozenset(holds("url")),
        url_beginnings=tuple(sorted(set(holds("url*")))),
        digests=frozenset(holds("sha256")),
    )


def _values(entries: list[tuple[str, str]], kind: str) -> list[str]:
    return [value for entry_kind, value in entries if entry_kind == kind]


def _entry(line: str, where: str) -> tuple[str, str] | None:
    line = re.sub(r"(^|\s)#.*", "", line).strip()  # a '#' inside an address is part of it
    if not line:
        return None
    kind, _, value = line.partition(" ")
    value = value.strip()
    if kind == "person" and value:
        return kind, _plain_name(value)
    if kind == "url" and re.fullmatch(r"https?://[^\s/?#*]+\S*", value):
        with suppress(ValueError):  # of a host that is in no way a name
            return ("url*", _plain_url(value[:-1])) if value.endswith("*") else ("url", _plain_url(value))
    if kind == "sha256" and re.fullmatch(r"[0-9a-fA-F]{64}", value):
        return kind, value.lower()
    raise ConfigError(f"{where}: not an entry of a takedown list: {line!r}", hint=_EXAMPLE)


def _plain_name(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).split())


def _plain_url(url: str) -> str:
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    plain = unicodedata.normalize("NFC", unquote(parts.netloc.lower() + (parts.path or "/") + query))
    return _SMALLER_COPY.sub(r"\1\2", plain)
