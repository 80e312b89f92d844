"""Pictures from a list of the user's own: CSV or JSON lines of person and address."""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from actorrec.errors import ConfigError
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.images.foreign import web_address
from actorrec.scrape.images.naming import known_as, known_ids, plain_name
from actorrec.scrape.protocols import Candidate

SUFFIXES = (".csv", ".jsonl")
_HINT = "columns: person, url and, if known, page, licence, licence_url, author"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    person: str
    url: str
    page: str | None = None
    licence: str = "unknown"
    licence_url: str | None = None
    author: str | None = None

    @field_validator("person", "url")
    @classmethod
    def _not_blank(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("is empty")
        return text.strip()

    @field_validator("url", "page", "licence_url")
    @classmethod
    def _address(cls, text: str | None) -> str | None:
        if text is None:
            return None
        if (url := web_address(text)) is None:
            raise ValueError("is no http or https address")
        return url


class UrlListImages:
    """The rows of a file that name a person, by name or by any id.

    Raises:
        ConfigError: If the file cannot be read or a row is wrong; names the file and the line.
    """

    def __init__(self, path: Path) -> None:
        self.name = f"urls:{path.name}"
        self._rows: dict[str, list[tuple[int, _Row]]] = {}
        for line, row in _read(path):
            self._rows.setdefault(plain_name(row.person), []).append((line, row))

    async def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        """See ``ImageSource.candidates``; in the order of the file."""
        rows = [row for name in known_as(listed.person) for row in self._rows.get(name, [])]
        sure = {row.url for known in known_ids(listed.person) for _, row in self._rows.get(known, [])}
        by_url: dict[str, _Row] = {}
        for _, row in sorted(rows, key=lambda numbered: numbered[0]):
            by_url.setdefault(row.url, row)
        for row in by_url.values():
            yield Candidate(
                source=self.name,
                url=row.url,
                page=row.page,
                licence=row.licence,
                licence_url=row.licence_url,
                author=row.author,
                by_name=row.url not in sure,
            )


def _read(path: Path) -> Iterator[tuple[int, _Row]]:
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{path}: a list of pictures is a {' or '.join(SUFFIXES)} file", hint=_HINT)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint=_HINT) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="save it again as UTF-8") from None
    for line, fields in (_csv_rows if path.suffix.lower() == ".csv" else _json_rows)(text, path):
        try:
            yield line, _Row.model_validate({key: value for key, value in fields.items() if value not in (None, "")})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            raise _wrong(path, line, f"{field}: {first['msg'].removeprefix('Value error, ')}") from None


def _csv_rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    delimiter = max(",;\t", key=text.partition("\n")[0].count)  # as office programs of many countries write it
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", delimiter=delimiter, strict=True)
    try:
        columns = [column.strip().lower() for column in reader.fieldnames or ()]
        reader.fieldnames = columns
        missing = {"person", "url"} - set(columns)
        unknown = set(columns) - set(_Row.model_fields)
        if missing or unknown or len(set(columns)) < len(columns):
            raise _wrong(path, 1, f"the first line must name the columns, not: {', '.join(columns)[:200]}")
        for row in reader:
            if "" in row:
                raise _wrong(path, reader.line_num, "more fields than columns")
            yield reader.line_num, row
    except csv.Error as error:
        raise _wrong(path, reader.reader.line_num, str(error)) from None  # type: ignore[attr-defined,unused-ignore]


def _json_rows(text: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise _wrong(path, number, "is not JSON") from None
        if not isinstance(row, dict):
            raise _wrong(path, number, "is not an object")
        yield number, row


def _wrong(path: Path, line: int, message: str) -> ConfigError:
    return ConfigError(f"{path}:{line}: {message}", hint=_HINT)
