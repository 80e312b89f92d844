"""Pictures from Wikimedia Commons: each with a licence and an author."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing

from actorrec.config import Config
from actorrec.errors import SourceError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.contact import check_contact
from actorrec.scrape.images.filters import LARGE_FROM_PX
from actorrec.scrape.images.foreign import plain_text, source_error, web_address
from actorrec.scrape.images.mediawiki import EntitiesAnswer, FileInfo, FilePage, FilesAnswer, MediaWiki
from actorrec.scrape.images.naming import quoted
from actorrec.scrape.names import valid_id
from actorrec.scrape.protocols import Candidate, Fetcher

SOURCE = "commons"
PER_REQUEST = 50
_MOST_REQUESTS = 200  # search gives no more than 10 000 results; a wiki that goes on and on is stopped too
_LARGE_WIDTH_PX = 1280  # the narrowest width served that is large
_BITMAPS = frozenset({f"image/{kind}" for kind in ("jpeg", "png", "webp", "gif", "tiff", "bmp", "x-ms-bmp", "avif")})
# No face is on these. "autographs" are being signed, which is a picture of the person.
_NO_FACE = re.compile(r"signature(?![a-z])|(?<![a-z])(?:logo|logotype|autograph)(?![a-z])", re.IGNORECASE)


class CommonsImages:
    """The item's own picture, files that depict the person, the person's category, and what lies deeper in it.

    People without a Wikidata id are looked for by name in the text of the files' pages.
    """

    name = SOURCE

    def __init__(self, config: Config, fetcher: Fetcher) -> None:
        sources = config.sources
        for url in (sources.commons_api_url, sources.wikidata_api_url):
            check_contact(url, config)
        self._commons = MediaWiki(SOURCE, sources.commons_api_url, fetcher, config.fetch)
        self._wikidata = MediaWiki(SOURCE, sources.wikidata_api_url, fetcher, config.fetch)
        self._width_px: int = sources.commons_width_px
        if config.scrape.size == "large" and self._width_px < LARGE_FROM_PX:
            self._width_px = _LARGE_WIDTH_PX  # a smaller copy of a large picture would not be one

    async def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        """See ``ImageSource.candidates``."""
        seen: set[str] = set()
        async with aclosing(self._files(listed.person)) as files:
            async for info in files:
                same = {info.sha1 or info.url, info.url}
                candidate = None if seen & same else self._candidate(info)
                seen |= same
                if candidate is not None:
                    yield candidate

    async def _files(self, person: Person) -> AsyncGenerator[FileInfo, None]:
        for query in await self._queries(person):
            async with aclosing(self._list(query)) as pages:
                async for page in pages:
                    for info in _of_page(page):
                        yield info

    async def _queries(self, person: Person) -> list[dict[str, str]]:
        qid = valid_id("wikidata", person.external_ids.get("wikidata"))
        if qid is None:
            return [_search(f"{quoted(person.name)} filetype:bitmap")]
        asked = {"action": "wbgetentities", "ids": qid, "props": "claims"}
        item = await self._wikidata.ask(asked, EntitiesAnswer, may_fail="no-such-entity")
        if item.error is None and item.gone:
            raise _field_gone(item.gone)
        titles = [f"File:{title}" for title in item.texts("P18")[:PER_REQUEST]]
        return [
            *([{"titles": "|".join(titles)}] if titles else []),
            _search(f"haswbstatement:P180={qid} filetype:bitmap"),
            # Famous people's categories hold little but categories ("… in 2019"); those come last, as they may also
            # hold family and films.
            *(query for name in item.texts("P373")[:1] for query in (_category(name), _search(_deep(name)))),
        ]

    async def _list(self, query: Mapping[str, str]) -> AsyncGenerator[FilePage, None]:
        """Pages of a query, request by request; an answer may come in parts, which are put together first."""
        asked = {
            "action": "query",
            "prop": "imageinfo",
            "iiprop": "url|size|mime|thumbmime|sha1|extmetadata",
            "iiextmetadatafilter": "LicenseShortName|UsageTerms|LicenseUrl|Artist",
            "iiurlwidth": str(self._width_px),
            **query,
        }
        more: dict[str, str] = {}
        batch: dict[str, FilePage] = {}
        for _ in range(_MOST_REQUESTS):
            answer = await self._commons.ask({**asked, **more}, FilesAnswer)
            if answer.query is None and not _may_be_empty(query, answer):
                raise _field_gone("query")
            for page in answer.query.pages if answer.query else ():
                if page.title not in batch or page.imageinfo is not None:
                    batch[page.title] = page
            if answer.batchcomplete is not None or not answer.more:
                for page in sorted(batch.values(), key=lambda page: (page.index, page.title)):
                    yield page
                batch.clear()
            following = {key: str(value) for key, value in answer.more.items()}
            if not following or following == more:
                return
            more = following

    def _candidate(self, info: FileInfo) -> Candidate | None:
        smaller = web_address(info.thumburl) if info.width > self._width_px else None
        url = smaller or web_address(info.url)
        if url is None:
            return None
        return Candidate(
            source=SOURCE,
            url=url,
            page=web_address(info.descriptionurl),
            licence=plain_text(info.meta("LicenseShortName")) or plain_text(info.meta("UsageTerms")) or "unknown",
            licence_url=web_address(info.meta("LicenseUrl")),
            author=plain_text(info.meta("Artist")) or None,
            width_px=info.width,
            height_px=info.height,
            mime=(info.thumbmime if smaller else None) or info.mime,
        )


def _search(text: str) -> dict[str, str]:
    return {"generator": "search", "gsrsearch": text, "gsrnamespace": "6", "gsrlimit": str(PER_REQUEST)}


def _category(name: str) -> dict[str, str]:
    asked = {"generator": "categorymembers", "gcmtitle": f"Category:{name}", "gcmtype": "file"}
    return asked | {"gcmlimit": str(PER_REQUEST)}


def _deep(category: str) -> str:
    return f"deepcat:{quoted(category)} filetype:bitmap"


def _may_be_empty(query: Mapping[str, str], answer: FilesAnswer) -> bool:
    """A search or category without files has no ``query``; titles, and results with more to come, always have."""
    return answer.batchcomplete is not None and "titles" not in query and "gsroffset" not in answer.more


def _field_gone(field: str) -> SourceError:
    return source_error(SOURCE, f"the field '{field}' is gone from the answer; the site has changed")


def _of_page(page: FilePage) -> Iterator[FileInfo]:
    """The file, unless no photograph can be in it."""
    if page.gone or _NO_FACE.search(page.title.replace("_", " ")):
        return
    if page.imageinfo is None:
        raise _field_gone("query.pages.imageinfo")
    yield from (info for info in page.imageinfo[:1] if info.mime in _BITMAPS)
