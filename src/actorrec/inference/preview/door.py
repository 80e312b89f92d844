"""Who may look: a browser on this machine, or at the end of a tunnel, that was given the address with the token.

A page of the web that the user has open can send requests to loopback. It cannot know the token; it cannot make its own
name point to 127.0.0.1 and pass the check of ``Host``; the cookie is not sent along with its requests.
"""

import hmac
import re
import secrets
from collections.abc import Sequence
from email.message import Message
from typing import Final

_TOKEN_BYTES: Final = 32
_ROOM_BYTES: Final = 9
_COOKIE: Final = "actorrec_preview"
_MOST_COOKIES: Final = 64
# Any port: at the end of a tunnel it is another one.
_HOST: Final = re.compile(r"(?:127\.0\.0\.1|localhost)(?::[0-9]{1,5})?", re.IGNORECASE)
HEADERS: Final = (
    (
        "Content-Security-Policy",
        "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cache-Control", "no-store"),
)


class Door:
    """Lets in who has the token, then who has the cookie that was given for it.

    The page lies below a path of its own, so that a browser shows the cookie to no other server of this machine:
    browsers keep cookies apart by path, not by port.

    Args:
        token: Of the address that is shown once; None makes one up.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token or secrets.token_urlsafe(_TOKEN_BYTES)
        self._pass = secrets.token_urlsafe(_TOKEN_BYTES)
        self.base = f"/{secrets.token_urlsafe(_ROOM_BYTES)}/"

    @property
    def entry(self) -> str:
        """Path and query of the first visit."""
        return f"{self.base}?token={self._token}"

    @property
    def cookie(self) -> str:
        """Value of ``Set-Cookie`` for who came with the token."""
        return f"{_COOKIE}={self._pass}; Path={self.base}; HttpOnly; SameSite=Strict"

    def name_of(self, target: str) -> str | None:
        """What a request asks for below the page's path; None for anything outside."""
        path = target.partition("?")[0]
        return path.removeprefix(self.base) if path.startswith(self.base) else None

    def has_token(self, target: str) -> bool:
        """Whether a request's address holds the token."""
        given = [each for each in target.partition("?")[2].split("&") if each.startswith("token=")]
        return len(given) == 1 and _same(given[0].removeprefix("token="), self._token)

    def has_cookie(self, headers: Message) -> bool:
        """Whether a request comes with the cookie."""
        pairs = [pair.strip().partition("=") for pair in ";".join(_all(headers, "cookie")).split(";")[:_MOST_COOKIES]]
        return any(name == _COOKIE and _same(value, self._pass) for name, _, value in pairs)


def is_this_machine(headers: Message) -> bool:
    """Whether a request was made to this machine's own address, by the one ``Host`` that it has."""
    hosts = _all(headers, "host")
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0].strip()) is not None


def _all(headers: Message, name: str) -> Sequence[str]:
    return [str(value) for value in headers.get_all(name, [])]


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())
