"""What all sources share: asking a site, and parsing answers whose shape may change any day."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from actorrec.errors import ItemError, SourceError
from actorrec.scrape.protocols import Fetcher, Page

WAYS = {
    "wikidata": "--people wikidata",
    "imdb-datasets": "--people imdb-datasets",
    "tmdb": "--people tmdb",
    "imdb": "--people imdb:saved.html",
    "file": "--people file:names.txt",
}


def alternatives(source: str) -> str:
    """What else lists people, for the hint of an error. A saved page serves where IMDb itself refuses."""
    ways = [way for name, way in WAYS.items() if name != source or name == "imdb"]
    return f"other ways: {', '.join(ways)}"


class Foreign(BaseModel):
    """Base of shapes that others define: keys we do not read are ignored, those we read are checked."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Shape = TypeVar("Shape", bound=Foreign)


def parse_json(source: str, body: bytes, shape: type[Shape]) -> Shape:
    """Check an answer against its shape.

    Raises:
        SourceError: With the path of the field that is gone or of another type; deep nesting, numbers that are none
            and broken text end here too.
    """
    if not body.strip():
        raise SourceError(source, "the answer is empty", alternatives=alternatives(source))
    try:
        return shape.model_validate_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValidationError as error:
        raise _shape_error(source, error) from None


def field_gone(source: str, field: str) -> SourceError:
    """The error that says which field an answer lacks."""
    return SourceError(
        source, f"the field '{field}' is gone from the answer; the site has changed", alternatives=alternatives(source)
    )


def _shape_error(source: str, error: ValidationError) -> SourceError:
    first = error.errors(include_url=False, include_input=False)[0]
    field, said = ".".join(str(part) for part in first["loc"]), first["msg"]
    if first["type"] == "missing":
        return field_gone(source, field)
    if first["type"] == "json_invalid":
        message = f"the answer is not JSON ({said.removeprefix('Invalid JSON: ')})"
    elif field:
        message = f"the field '{field}' is not what it was: {said[0].lower()}{said[1:]}"
    else:
        message = f"the answer has another shape: {said[0].lower()}{said[1:]}"
    return SourceError(source, message, alternatives=alternatives(source))


@dataclass(frozen=True, slots=True)
class Site:
    """A source's way to its site: what fails there carries the source's name."""

    source: str
    fetcher: Fetcher

    async def ask(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        ok: frozenset[int] = frozenset({200}),
    ) -> Page:
        """``Fetcher.page``; one failed request fails the list.

        Raises:
            SourceError: When the answer cannot be had.
        """
        try:
            return await self.fetcher.page(url, params=params, headers=headers, json=json, ok=ok)
        except ItemError as error:
            raise self.failed(error) from None

    def failed(self, error: ItemError) -> SourceError:
        """The error that a failed request is to this source."""
        hint = "fetch.timeout_s gives a slow service longer" if error.reason == "timeout" else error.hint
        return self.error(error.message, hint=hint)

    def error(self, message: str, *, hint: str = "") -> SourceError:
        """An error of this source, with what else would serve."""
        ways = alternatives(self.source)
        return SourceError(self.source, message, alternatives=f"{hint}; {ways}" if hint else ways)
