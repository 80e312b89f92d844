"""The programming interface of Wikimedia's wikis: asking it, and the shapes of its answers."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field

from actorrec.errors import ItemError
from actorrec.scrape.foreign import Foreign
from actorrec.scrape.images.foreign import parse_answer, source_error
from actorrec.scrape.protocols import Fetcher
from actorrec.sections import FetchSection

_LAG_WAIT_S = 5.0  # what mediawiki.org's page on maxlag asks of clients, where no Retry-After is given
_BUSY = ("maxlag", "ratelimited", "readonly", "internal_api_error", "cirrussearch-too-busy")


def _object(value: Any) -> Any:
    return {} if value == [] else value  # PHP writes an empty object so


def _shown_files(value: Any) -> Any:
    """Without the entries of files that were lost or hidden from readers: those have no address."""
    if not isinstance(value, list):
        return value
    return [v for v in value if not (isinstance(v, dict) and ("filehidden" in v or "filemissing" in v))]


class _ApiError(Foreign):
    code: str
    info: str = ""


class Answer(Foreign):
    """Every answer, good or bad."""

    error: _ApiError | None = None


class _Meta(Foreign):
    value: Any = ""


class FileInfo(Foreign):
    """One version of a file; ``width`` and ``height`` (px) are the original's."""

    url: str
    descriptionurl: str
    mime: str
    width: int
    height: int
    thumburl: str | None = None
    thumbmime: str | None = None
    sha1: str | None = None
    extmetadata: Annotated[dict[str, _Meta], BeforeValidator(_object)] = {}

    def meta(self, name: str) -> str:
        """An entry of the extended metadata, HTML perhaps; empty where there is none."""
        found = self.extmetadata.get(name)
        return str(found.value) if found and found.value is not None else ""


class FilePage(Foreign):
    """A page of the File namespace.

    Attributes:
        index: Place among the results of a search; 0 elsewhere.
        imageinfo: None where this part of the answer does not hold it; empty where nobody may see the file.
    """

    title: str
    index: int = 0
    missing: bool = False
    imagerepository: str = "local"
    imageinfo: Annotated[list[FileInfo], BeforeValidator(_shown_files)] | None = None

    @property
    def gone(self) -> bool:
        """There is a page, or a mention of one, but no file."""
        return self.missing or not self.imagerepository


class _Query(Foreign):
    pages: list[FilePage]


class FilesAnswer(Answer):
    """Files, with what to send to get more of them."""

    batchcomplete: Any = None
    more: dict[str, Any] = Field(default={}, alias="continue")
    query: _Query | None = None


class _Value(Foreign):
    value: Any = None


class _Snak(Foreign):
    datavalue: _Value | None = None


class _Statement(Foreign):
    mainsnak: _Snak
    rank: str = "normal"


class _Entity(Foreign):
    missing: Any = None
    claims: Annotated[dict[str, list[_Statement]], BeforeValidator(_object)] | None = None


class EntitiesAnswer(Answer):
    """Items of Wikidata."""

    entities: dict[str, _Entity] | None = None

    @property
    def gone(self) -> str:
        """The path of a field that should be there and is not; empty when all are."""
        if self.entities is None:
            return "entities"
        lacking = (qid for qid, entity in self.entities.items() if entity.claims is None and entity.missing is None)
        return "".join(f"entities.{qid}.claims" for qid in list(lacking)[:1])

    def texts(self, prop: str) -> list[str]:
        """The values of a property that are texts: the preferred ones if there are any, else the normal ones."""
        statements = [s for entity in (self.entities or {}).values() for s in (entity.claims or {}).get(prop, [])]
        ranks = ("preferred", "normal")
        best = next((found for rank in ranks if (found := [s for s in statements if s.rank == rank])), [])
        values = [statement.mainsnak.datavalue.value for statement in best if statement.mainsnak.datavalue]
        return [value for value in values if isinstance(value, str)]


AnswerT = TypeVar("AnswerT", bound=Answer)


class MediaWiki:
    """One wiki's interface, for one source of pictures."""

    def __init__(self, source: str, url: str, fetcher: Fetcher, settings: FetchSection) -> None:
        self._source = source
        self._url = url
        self._fetcher = fetcher
        self._settings = settings

    async def ask(self, params: Mapping[str, str], shape: type[AnswerT], *, may_fail: str = "") -> AnswerT:
        """Ask, and ask again after the wait it names while the wiki says that it is busy.

        Args:
            may_fail: Code of an error that is an answer too.

        Raises:
            SourceError: If it refuses, or answers in another shape.
            ItemError: ``source-busy`` after all attempts or where the wait is too long, or as ``Fetcher.page``.
        """
        # maxlag: a wiki whose databases lag behind answers people first.
        asked = {"format": "json", "formatversion": "2", "maxlag": "5", **params}
        code = ""
        for attempt in range(self._settings.attempts):
            page = await self._fetcher.page(self._url, params=asked)
            answer = parse_answer(self._source, page.body, shape)
            if answer.error is None or answer.error.code == may_fail:
                return answer
            code = answer.error.code
            if not code.startswith(_BUSY):
                raise source_error(self._source, f"refused: {code}: {answer.error.info[:200]}")
            wait_s = _wait_s(page.headers)
            if attempt + 1 == self._settings.attempts or wait_s > self._settings.max_wait_s:
                break
            await asyncio.sleep(wait_s)
        raise ItemError("source-busy", f"{self._source} says it is busy ({code})", hint="try again later")


def _wait_s(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "").strip()
    return float(text[:9]) if text.isascii() and text.isdigit() else _LAG_WAIT_S
