"""Wikimedia Commons and Wikidata as their programming interfaces answer (``formatversion=2``), with invented files."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sites.server import Asked, Reply, Site, as_json

API_PATH = "/w/api.php"


@dataclass(frozen=True, slots=True)
class WikiFile:
    """A file; ``title`` without its namespace.

    Attributes:
        categories: ``A/B`` stands for a category B inside the category A.
        meta: Entries of the extended metadata beside or instead of the usual ones; None leaves one out.
        state: ``there``, ``deleted`` (mentioned, but there is no page), ``no-file`` (a page alone) or ``hidden``.
    """

    title: str
    depicts: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    text: str = ""
    width: int = 3000
    height: int = 2000
    mime: str = "image/jpeg"
    meta: dict[str, str | None] = field(default_factory=dict)
    state: str = "there"


@dataclass
class Commons:
    """Both wikis at one address.

    Attributes:
        claims: Wikidata id → property → values.
        busy: How many more requests are turned away with ``maxlag``.
        wait_s: What those are asked to wait.
        error: Answer every request with this error instead.
        in_parts: Give the files of a batch in two answers, as the real one does where one would be too large.
        edit: Changes every good answer before it is sent.
    """

    files: list[WikiFile] = field(default_factory=list)
    claims: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    base: str = ""
    busy: int = 0
    wait_s: int = 0
    error: dict[str, Any] | None = None
    in_parts: bool = False
    edit: Callable[[dict[str, Any]], None] = lambda answer: None

    def join(self, site: Site) -> None:
        """Answer on a site."""
        self.base = site.url
        site.routes[API_PATH] = self.answer

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        if asked.query.get("formatversion") != "2" or asked.query.get("format") != "json":
            return as_json({"error": {"code": "test", "info": "another format was asked for"}})
        if self.busy:
            self.busy -= 1
            lag = {
                "code": "maxlag",
                "info": "Waiting for 10.64.0.1: 7.3 seconds lagged.",
                "host": "10.64.0.1",
                "lag": 7.3,
            }
            reply = as_json({"error": lag})
            return Reply(reply.body, 200, reply.content_type, {"Retry-After": str(self.wait_s)})
        if self.error is not None:
            return as_json({"error": self.error, "servedby": "mw1"})
        good = self._entities(asked) if asked.query.get("action") == "wbgetentities" else self._files(asked)
        self.edit(good)
        return as_json(good)

    def _entities(self, asked: Asked) -> dict[str, Any]:
        qid = asked.query["ids"]
        if qid not in self.claims:
            return {
                "error": {"code": "no-such-entity", "info": f"Could not find an entity with the ID {qid}.", "id": qid}
            }
        claims: Any = {name: [_statement(name, v) for v in values] for name, values in self.claims[qid].items()}
        entity = {"type": "item", "id": qid, "claims": claims or []}
        return {"entities": {qid: entity}, "success": 1}

    def _files(self, asked: Asked) -> dict[str, Any]:
        query = asked.query
        if "titles" in query:
            return {"batchcomplete": True, "query": {"pages": self._titled(query["titles"].split("|"), query)}}
        if query["generator"] == "search":
            return self._found(query)
        return self._of_category(query)

    def _titled(self, titles: list[str], query: Any) -> list[dict[str, Any]]:
        by_title = {file.title: file for file in self.files}
        wanted = [title.removeprefix("File:").replace("_", " ") for title in titles]
        deleted = WikiFile("", state="deleted")
        return [self._page(by_title.get(title, deleted), query) | {"title": f"File:{title}"} for title in wanted]

    def _found(self, query: Any) -> dict[str, Any]:
        search, offset, limit = query["gsrsearch"], int(query.get("gsroffset", "0")), int(query["gsrlimit"])
        assert query["gsrnamespace"] == "6"
        if statement := re.fullmatch(r"haswbstatement:P180=(Q\d+) filetype:bitmap", search):
            hits = [file for file in self.files if statement.group(1) in file.depicts]
        elif deep := re.fullmatch(r'deepcat:"([^"]+)" filetype:bitmap', search):
            inside = (deep.group(1), f"{deep.group(1)}/")
            hits = [f for f in self.files if any(c == inside[0] or c.startswith(inside[1]) for c in f.categories)]
        else:
            phrase = re.fullmatch(r'"([^"]+)" filetype:bitmap', search)
            assert phrase, f"not a phrase: {search}"
            hits = [file for file in self.files if phrase.group(1).casefold() in f"{file.title} {file.text}".casefold()]
        here = hits[offset : offset + limit]
        pages = [self._page(file, query) | {"index": offset + n} for n, file in enumerate(here, start=1)]
        more = {"gsroffset": offset + limit, "continue": "gsroffset||"} if len(hits) > offset + limit else {}
        return self._batch(sorted(pages, key=_pageid), more, query)

    def _of_category(self, query: Any) -> dict[str, Any]:
        assert query["generator"] == "categorymembers" and query["gcmtype"] == "file"
        category, limit = query["gcmtitle"].removeprefix("Category:"), int(query["gcmlimit"])
        offset = int(query.get("gcmcontinue", "file|0").partition("|")[2])
        members = sorted((f for f in self.files if category in f.categories), key=lambda file: file.title)
        pages = [self._page(file, query) for file in members[offset : offset + limit]]
        left = len(members) > offset + limit
        more = {"gcmcontinue": f"file|{offset + limit}", "continue": "gcmcontinue||"} if left else {}
        return self._batch(sorted(pages, key=_pageid), more, query)

    def _batch(self, pages: list[dict[str, Any]], more: dict[str, Any], query: Any) -> dict[str, Any]:
        if not pages:
            return {"batchcomplete": True}
        second = "iicontinue" in query
        if self.in_parts and (second or len(pages) > 1):
            half = len(pages) // 2
            for page in pages[:half] if second else pages[half:]:
                page.pop("imageinfo", None)
            if not second:
                kept = {name: query[name] for name in ("gsroffset", "gcmcontinue") if name in query}
                return {"continue": {"iicontinue": "x|1", "continue": "||", **kept}, "query": {"pages": pages}}
        return {"batchcomplete": True, **({"continue": more} if more else {}), "query": {"pages": pages}}

    def _page(self, file: WikiFile, query: Any) -> dict[str, Any]:
        page: dict[str, Any] = {"ns": 6, "title": f"File:{file.title}"}
        if file.state == "deleted":
            return page | {"missing": True, "imagerepository": ""}
        page["pageid"] = int(hashlib.sha1(file.title.encode()).hexdigest()[:7], 16)
        if file.state == "no-file":
            return page | {"imagerepository": ""}
        info = {"filehidden": True} if file.state == "hidden" else self._info(file, int(query["iiurlwidth"]))
        return page | {"imagerepository": "local", "imageinfo": [info]}

    def _info(self, file: WikiFile, width: int) -> dict[str, Any]:
        name = quote(file.title.replace(" ", "_"))
        digest = hashlib.md5(name.encode()).hexdigest()
        folder = f"{digest[0]}/{digest[:2]}/{name}"
        url = f"{self.base}/wikipedia/commons/{folder}"
        smaller = file.width > width
        meta = {"LicenseShortName": "CC BY-SA 4.0", "Artist": "A. Photographer"} | file.meta
        meta.setdefault("LicenseUrl", "https://creativecommons.org/licenses/by-sa/4.0")
        thumb = f"{self.base}/wikipedia/commons/thumb/{folder}/{width}px-{name}"
        return {
            "size": 1_234_567,
            "width": file.width,
            "height": file.height,
            "thumburl": f"{thumb}.jpg" if file.mime == "image/tiff" else thumb if smaller else url,
            "thumbwidth": min(width, file.width),
            "thumbheight": round(file.height * min(width, file.width) / file.width),
            "thumbmime": "image/jpeg" if file.mime == "image/tiff" else file.mime,
            "url": url,
            "descriptionurl": f"{self.base}/wiki/File:{name}",
            "descriptionshorturl": f"{self.base}/w/index.php?curid=1",
            "sha1": hashlib.sha1(file.title.encode()).hexdigest(),
            "mime": file.mime,
            "extmetadata": {k: {"value": v, "source": "commons-desc-page"} for k, v in meta.items() if v is not None},
        }


def portraits(count: int, qid: str, name: str) -> list[WikiFile]:
    """Files that depict somebody."""
    return [WikiFile(f"{name} {number:03}.jpg", depicts=(qid,), text=name) for number in range(count)]


def _pageid(page: dict[str, Any]) -> int:
    number: int = page.get("pageid", 0)
    return number


def _statement(name: str, value: Any) -> dict[str, Any]:
    rank = "normal"
    if isinstance(value, tuple):
        value, rank = value
    snak: dict[str, Any] = {"snaktype": "somevalue", "property": name, "datatype": "string"}
    if value is not None:
        snak |= {"snaktype": "value", "datavalue": {"value": value, "type": "string"}}
    return {"mainsnak": snak, "type": "statement", "id": "Q0$1", "rank": rank}
