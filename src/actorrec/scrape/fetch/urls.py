"""Addresses of requests: read strictly, and written into messages without their secrets."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import httpx

from actorrec.errors import ConfigError, ItemError

_SECRET_PARAMS: Final = frozenset({"api_key", "apikey", "key", "token", "access_token", "session_id", "secret"})
_PORTS: Final = {"http": 80, "https": 443}
_SHOWN_CHARS: Final = 300
_SHOWN_QUERY_CHARS: Final = 80


def read_url(text: str, params: Mapping[str, str] | None = None) -> httpx.URL:
    """Read an address and add parameters.

    Raises:
        ItemError: ``bad-url``, unless it is http or https with a host and without a user name.
    """
    try:
        url = httpx.URL(text)
        if params:
            url = url.copy_merge_params(dict(params))
        return checked(url)
    except (httpx.InvalidURL, ValueError) as error:
        shown = text.partition("?")[0].rpartition("@")[2]  # what cannot be read is masked roughly
        raise ItemError("bad-url", f"{_short(shown)}: {error}") from None


def checked(url: httpx.URL) -> httpx.URL:
    """The same address.

    Raises:
        ItemError: ``bad-url``, as ``read_url``.
        ValueError: If the host is in no way a name.
    """
    if url.scheme not in _PORTS or not url.host:
        raise ItemError("bad-url", f"{masked(url)}: only http and https addresses are fetched")
    if url.port is not None and not 1 <= url.port <= 65535:
        raise ItemError("bad-url", f"{masked(url)}: there is no such port")
    if url.userinfo:
        raise ItemError("bad-url", f"{masked(url)}: an address must not hold a user name or password")
    return url


def port_of(url: httpx.URL) -> int:
    """The port, the scheme's own where none is written."""
    return url.port or _PORTS[url.scheme]


def origin_of(url: httpx.URL) -> tuple[str, str, int]:
    """Scheme, host and port."""
    return url.scheme, url.host, port_of(url)


def has_secret(url: httpx.URL) -> bool:
    """Whether a parameter is a key or token."""
    return any(_is_secret(name) for name in url.params)


def masked(url: httpx.URL) -> str:
    """The address for messages: keys and passwords replaced, a long query left out, cut short where it is very long."""
    shown = url.copy_with(username="", password="") if url.userinfo else url
    if has_secret(url):
        pairs = (pair.partition(b"=") for pair in url.query.split(b"&"))  # as sent: percent-encoded, so ASCII
        query = b"&".join(
            name + b"=***" if _is_secret(unquote(name.decode())) else name + eq + value for name, eq, value in pairs
        )
        shown = shown.copy_with(query=query)
    if len(shown.query) > _SHOWN_QUERY_CHARS:
        return _short(str(shown.copy_with(query=None, fragment=None))) + "?…"
    return _short(str(shown))


class Exemptions:
    """Beginnings of addresses, compared by their parts.

    Raises:
        ConfigError: If one is no http or https address.
    """

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        try:
            self._urls = [read_url(text) for text in beginnings]
        except ItemError as error:
            raise ConfigError(f"fetch.robots_exempt: {error.message}") from None

    def covers(self, url: httpx.URL) -> bool:
        """Whether the address has the origin of a beginning and lies at or below its path."""
        if ".." in unquote(url.path).split("/"):
            return False  # some servers climb up at an encoded "..", so it may not lie below
        return any(origin_of(url) == origin_of(top) and _below(url.path, top.path) for top in self._urls)


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(top if top.endswith("/") else top + "/")


def _is_secret(name: str) -> bool:
    return name.lower().replace("-", "_") in _SECRET_PARAMS


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
