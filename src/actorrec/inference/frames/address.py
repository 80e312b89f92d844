"""Addresses of cameras in a network: parsed, and shown without what opens them."""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from actorrec.errors import ConfigError

PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a camera in a network is.

    Attributes:
        url: Whole, with the user's name and password.
        shown: Without them, the query, and parts of the path that hold settings.
        target: Path and query.
    """

    url: str = field(repr=False)
    shown: str
    scheme: str
    host: str
    port: int
    target: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def has_scheme(text: str) -> bool:
    """Whether a text begins as addresses do: ``rtsp:``, but also ``file:`` and ``concat:``."""
    return _SCHEME.match(text) is not None


def parse_address(text: str) -> Address:
    """Parse an address.

    Raises:
        ConfigError: If it is none, or of a kind that is not read. The message never holds a password.
    """
    scheme = text.split(":", 1)[0].lower()
    if scheme not in PORTS:
        raise ConfigError(f"a camera cannot be read by '{scheme[:20]}:'", hint="rtsp, rtsps, http and https can")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or PORTS[scheme]
    except ValueError:
        host, port = "", 0
    if not host or not text.isascii() or " " in text or not text[len(scheme) :].startswith("://"):
        raise ConfigError(f"the camera's {scheme} address cannot be read", hint=f"it looks like {scheme}://HOST/PATH")
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(text, _shown(scheme, parts), scheme, host, port, target or "/", user, password)


def _shown(scheme: str, parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    # Some cameras take the password in the path: /user=admin&password=….
    path = "/".join("…" if "=" in step else step for step in parts.path.split("/"))
    return f"{scheme}://{host}{path}"
