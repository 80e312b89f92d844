"""Requests as they are sent: who we are, and what goes along to the target of a redirect."""

from collections.abc import Mapping
from typing import Any

import httpx

from actorrec import __version__
from actorrec.errors import ConfigError, ItemError
from actorrec.scrape.fetch.urls import checked, masked, origin_of


def new_request(
    url: httpx.URL, agent: str, headers: Mapping[str, str] | None = None, *, packed: bool = True, json: Any = None
) -> httpx.Request:
    """A GET, or a POST where ``json`` is given.

    Args:
        headers: Further ones; they do not change who we are.
        packed: Whether the answer may be packed with gzip.
    """
    sent = httpx.Headers({"Accept": "*/*"})
    sent.update(httpx.Headers(headers, encoding="utf-8"))
    sent.update({"User-Agent": agent, "Accept-Encoding": "gzip" if packed else "identity"})
    return httpx.Request("GET" if json is None else "POST", url, headers=sent, json=json)


def redirected(request: httpx.Request, status: int, location: str) -> httpx.Request:
    """The next request; what the caller added goes to no other origin, and only 307 and 308 keep a body."""
    try:
        url = checked(request.url.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise ItemError("bad-url", f"{masked(request.url)}: redirected to no address ({error})") from None
    keeps_body = status in (307, 308)
    stays = origin_of(url) == origin_of(request.url)
    own = {"user-agent", "accept", "accept-encoding"} | ({"content-type"} if keeps_body else set())
    gone = {"host", "content-length"} | (set() if keeps_body else {"content-type"})
    kept = {n: v for n, v in request.headers.items() if n not in gone and (stays or n in own)}
    headers = httpx.Headers(kept, encoding="utf-8")
    method = request.method if keeps_body else "GET"
    content = request.content if keeps_body else None
    return httpx.Request(method, url, headers=headers, content=content, extensions=request.extensions)


def user_agent(contact: str) -> str:
    """Who we are.

    Raises:
        ConfigError: If the contact cannot stand in a header.
    """
    if not contact.isprintable() or not contact.isascii():
        raise ConfigError(f"fetch.contact: {contact!r} cannot stand in a User-Agent")
    return f"actorrec/{__version__}" + (f" (+{contact})" if contact.strip() else "")
