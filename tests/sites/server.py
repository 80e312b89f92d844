"""A small HTTP server on loopback: handlers by path, and a log of what was asked."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    raw_query: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back; ``Content-Length`` is added."""

    body: bytes = b""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: Any, status: int = 200) -> Reply:
    """A JSON reply."""
    return Reply(json.dumps(value, ensure_ascii=False).encode(), status, "application/json")


Handler = Callable[[Asked], Reply]


@dataclass
class Site:
    """A running site.

    Attributes:
        routes: Path → handler; a path that ends in ``*`` stands for every path that begins so. May be changed while
            it runs. Anything else is 404.
        asked: Every request, in order.
    """

    url: str = ""
    routes: dict[str, Handler] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def handle(self, asked: Asked) -> Reply:
        """Find the handler and let it answer."""
        self.asked.append(asked)
        handler = self.routes.get(asked.path)
        if handler is None:
            stars = sorted((route for route in self.routes if route.endswith("*")), key=len, reverse=True)
            handler = next((self.routes[star] for star in stars if asked.path.startswith(star[:-1])), None)
        return handler(asked) if handler else Reply(b"not found", 404)


@contextmanager
def serve(routes: Mapping[str, Handler] | None = None, *, host: str = "127.0.0.1") -> Iterator[Site]:
    """Run a site in threads until the block ends."""
    site = Site(routes=dict(routes or {}))

    class _Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else every answer waits 40 ms for an acknowledgement

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query, body = dict(parse_qsl(parts.query)), self.rfile.read(length)
            asked = Asked(self.command, parts.path, query, headers, body, parts.query)
            reply = site.handle(asked)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    class _Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # of the usual five, a sixth who comes at one moment waits for a second or three

        def handle_error(self, request: Any, client_address: Any) -> None:
            del request, client_address  # a client that left

    server = _Server((host, 0), _Handler)
    site.url = f"http://{host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
