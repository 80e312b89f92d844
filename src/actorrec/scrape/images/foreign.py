"""What sites put into their answers, made fit to read, to print and to fetch."""

import unicodedata
from urllib.parse import urlsplit

from actorrec.errors import SourceError
from actorrec.scrape import foreign
from actorrec.scrape.foreign import Shape

_WAYS = {
    "commons": "--images-from commons",
    "tmdb": "--images-from tmdb (needs a key)",
    "folder": "--images-from folder:DIR",
    "urls": "--images-from urls:FILE.csv",
}
_LONGEST_MARKUP = 20_000
_LONGEST_TEXT = 500
_LONGEST_URL = 2000


def source_error(source: str, message: str) -> SourceError:
    """An error of a source of pictures; the hint says what else offers some."""
    return SourceError(source, message, alternatives=_alternatives(source))


def _alternatives(source: str) -> str:
    return f"other ways: {', '.join(way for name, way in _WAYS.items() if name != source)}"


def parse_answer(source: str, body: bytes, shape: type[Shape]) -> Shape:
    """See ``scrape.foreign.parse_json``; the hint says what else offers pictures."""
    return foreign.parse_json(source, body, shape, _alternatives(source))


def plain_text(html: str) -> str:
    """The text that a browser would show of a piece of HTML, on one line.

    Scripts, styles and hidden elements are left out, as are control characters and those that turn the direction of
    writing. At most 500 characters; what a broken or hostile piece holds beyond its first 20 000 is not looked at.
    """
    from bs4 import BeautifulSoup, Tag

    # In an element of ours it is never taken for a file's name or an address, of which bs4 warns.
    soup = BeautifulSoup(f"<div>{html[:_LONGEST_MARKUP]}</div>", "html.parser")
    for tag in soup.find_all(_is_hidden):
        if isinstance(tag, Tag):
            tag.extract()
    for tag in soup.find_all(["br", "p", "div", "li", "td"]):
        tag.append(" ")
    shown = "".join(map(_printable, soup.get_text()))
    return unicodedata.normalize("NFC", " ".join(shown.split()))[:_LONGEST_TEXT].rstrip()


def _is_hidden(tag: object) -> bool:
    name, attributes = getattr(tag, "name", ""), getattr(tag, "attrs", {})
    style = "".join(str(attributes.get("style", "")).lower().split())
    return name in ("script", "style", "template", "noscript") or "display:none" in style or "hidden" in attributes


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    return " " if category == "Cc" else "" if category in ("Cf", "Co", "Cs") else character


def web_address(text: str | None) -> str | None:
    """An http or https address with a host, else None; ``//host/path``, as wikis write it, becomes https."""
    url = (text or "").strip()
    url = f"https:{url}" if url.startswith("//") else url
    if len(url) > _LONGEST_URL or any(character.isspace() or not character.isprintable() for character in url):
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # a bracket that is no IPv6 address
        return None
    return url if usable else None
