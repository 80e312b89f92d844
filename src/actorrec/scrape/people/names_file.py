"""The user's own list: names one a line, CSV with a header, or JSON lines."""

import csv
import io
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from actorrec.errors import ConfigError, DataError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.names import MAX_NAME, clean_name, kind_of_id, valid_id
from actorrec.scrape.people.local import read_file
from actorrec.scrape.people.ranking import distinct, ranked

SOURCE = "file"
_COMMENT = re.compile(r"(?:^|\s)#")
_log = logging.getLogger(__name__)


class _Row(BaseModel):
    """One person as the user wrote them; other columns are the user's own affair."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, str_strip_whitespace=True)

    name: str
    id: str | None = Field(default=None, validation_alias=AliasChoices("id", "person_id"))
    imdb: str | None = None
    wikidata: str | None = None
    tmdb: str | None = None


@dataclass(frozen=True, slots=True)
class _Numbered:
    line: int
    row: _Row


class NamesFile:
    """People of a file, in its order."""

    name = SOURCE

    def __init__(self, path: Path) -> None:
        self._path = path

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        people = parse_file(read_file(self._path), self._path)
        if not people:
            raise DataError(
                f"{self._path} names nobody", hint="one name a line, a CSV with a column 'name', or JSON lines"
            )
        return ranked(SOURCE, people, min(top, len(people)))  # the file is the whole list


def parse_file(content: bytes, path: Path) -> list[Person]:
    """People of a file's content, each once; ``path`` says by its ending what it is, and stands in messages.

    Two rows of one name are two people if both have ids and these differ, else one.

    Raises:
        ConfigError: With file and line, if it is not text, or a row cannot be read.
    """
    readers: dict[str, Callable[[str, Path], Iterator[_Numbered]]] = {
        ".csv": _csv_rows,
        ".tsv": _csv_rows,
        ".jsonl": _json_rows,
        ".ndjson": _json_rows,
    }
    reader = readers.get(path.suffix.lower(), _name_rows)
    people = [_person(numbered, path) for numbered in reader(_text(content, path), path)]
    kept = distinct(_without_repeated_names(people))
    if gone := Counter(person.name for person in people) - Counter(person.name for person in kept):
        _log.info("file: %s names these again, taken once: %s", path, ", ".join(gone))
    return kept


def _without_repeated_names(people: list[Person]) -> Iterator[Person]:
    """All who have ids, and of those who have none the first of each name nobody else has."""
    taken = {person.name.casefold() for person in people if _has_id(person)}
    for person in people:
        name = person.name.casefold()
        if _has_id(person) or name not in taken:
            yield person
        taken.add(name)


def _text(content: bytes, path: Path) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8 text", hint="save the file as text in UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConfigError(f"{path}, line {line}: not a text file", hint="save the file as text in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _name_rows(text: str, path: Path) -> Iterator[_Numbered]:
    del path
    for number, line in enumerate(text.split("\n"), start=1):
        name = _COMMENT.split(line, maxsplit=1)[0].strip()
        if name:
            yield _Numbered(number, _Row(name=name))


def _csv_rows(text: str, path: Path) -> Iterator[_Numbered]:
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, restval="", strict=True)
    try:
        reader.fieldnames = [field.strip().lower() for field in reader.fieldnames or ()]
        if reader.fieldnames and "name" not in reader.fieldnames:
            raise ConfigError(f"{path}, line 1: no column 'name' (columns: {', '.join(reader.fieldnames)[:200]})")
        for row in reader:
            cells = {key: value or None for key, value in row.items() if isinstance(key, str)}
            yield _Numbered(reader.line_num, _Row.model_validate(cells | {"name": cells["name"] or ""}))
    except csv.Error as error:
        raise ConfigError(f"{path}, line {reader.reader.line_num}: {error}") from None


def _json_rows(text: str, path: Path) -> Iterator[_Numbered]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield _Numbered(number, _Row.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = "".join(f"'{part}': " for part in first["loc"])
            raise ConfigError(f"{path}, line {number}: {field}{first['msg']}") from None


def _person(numbered: _Numbered, path: Path) -> Person:
    row, where = numbered.row, f"{path}, line {numbered.line}"
    name = clean_name(row.name)
    if not name:
        raise ConfigError(f"{where}: the name is blank")
    if len(name) > MAX_NAME:
        raise ConfigError(f"{where}: a name of {len(name)} characters; {MAX_NAME} is the most")
    ids = _ids(row, where)
    own = _own_id(row.id, where)
    tmdb = f"tmdb-{ids['tmdb']}" if "tmdb" in ids else None
    person_id = own or ids.get("wikidata") or ids.get("imdb") or tmdb or name
    return Person(person_id=person_id, name=name, external_ids=ids)


def _ids(row: _Row, where: str) -> dict[str, str]:
    """Ids of the known kinds, from their columns and from ``id``."""
    kind = kind_of_id(row.id) if row.id else None
    given = {"wikidata": row.wikidata, "imdb": row.imdb, "tmdb": row.tmdb and row.tmdb.removeprefix("tmdb-")}
    if kind and row.id:
        given[kind] = given[kind] or row.id.removeprefix("tmdb-")
    for kind, value in given.items():
        if value and not valid_id(kind, value):
            shown = clean_name(value)[:40]
            raise ConfigError(f"{where}: '{shown}' is no id of {kind}", hint="such as Q38111, nm0000138 or 6193")
    return {kind: value for kind, value in given.items() if value}


def _own_id(value: str | None, where: str) -> str | None:
    """An id of the user's own making; None where there is none or it is of a known kind."""
    if not value or kind_of_id(value):
        return None
    if not value.isprintable() or len(value) > MAX_NAME:
        raise ConfigError(f"{where}: the id has characters that cannot be printed, or more than {MAX_NAME}")
    return unicodedata.normalize("NFC", value)


def _has_id(person: Person) -> bool:
    return bool(person.external_ids) or person.person_id != person.name
