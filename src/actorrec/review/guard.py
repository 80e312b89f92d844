"""The door of the server: nobody comes in without the token, from another page, or under another name.

A page of the web that the user has open can send requests to loopback. It cannot know the token; it cannot pass the
check of ``Host`` by making its own name point to 127.0.0.1; and it cannot hide its ``Origin`` when it asks for more.
"""

import hmac
import json
from collections.abc import Iterable
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES: Final = 1 << 20
POLICY: Final = (
    "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """A request that is not let in."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Guard:
    """ASGI middleware that lets in only what belongs to this server's own page.

    Args:
        app: Sees paths without the token.
        token: First part of every path.
        port: The server's.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {f"127.0.0.1:{port}".encode(), f"localhost:{port}".encode()}
        if port == 80:  # which browsers leave out
            self._hosts |= {b"127.0.0.1", b"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it here."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *_ALWAYS]
                if b"cache-control" not in given:
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        try:
            inside = {**scope, "path": self._path_inside(scope), "root_path": ""}
            inside.pop("raw_path", None)
            body = await self._body(scope, receive)
        except Refused as refused:
            await _answer(with_headers, refused)
            return
        await self._app(inside, _once(body, receive), with_headers)

    def _path_inside(self, scope: Scope) -> str:
        """The path behind the token."""
        if _only(scope, b"host") not in self._hosts:
            raise Refused(403, "this server answers to 127.0.0.1 and localhost alone")
        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        if not hmac.compare_digest(first.encode("utf-8", "surrogatepass"), self._token) or not slash:
            raise Refused(404, "nothing here; the address that `actorrec review` printed holds a token")
        return "/" + str(rest)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """What came with a request for a change; b"" for others."""
        if scope["method"] in ("GET", "HEAD"):
            return b""
        if scope["method"] != "POST":
            raise Refused(405, "only GET and POST are understood")
        if _only(scope, b"origin") != b"http://" + (_only(scope, b"host") or b""):
            raise Refused(403, "changes are taken from this server's own page alone")
        kind = (_only(scope, b"content-type") or b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            raise Refused(415, "changes are sent as application/json")
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the request broke off")
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BODY_BYTES:
                raise Refused(413, "a change of more than 1 MiB is not taken")
        return bytes(body)


def _only(scope: Scope, name: bytes) -> bytes | None:
    """A header that is there exactly once."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    found = [value for key, value in headers if key == name]
    return found[0].lower() if len(found) == 1 else None


def _once(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def _answer(send: Any, refused: Refused) -> None:
    body = json.dumps({"error": refused.message, "hint": ""}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if refused.status == 413:
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
