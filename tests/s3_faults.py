"""A small S3 server on loopback that does what it is told wrong: refuses, breaks off, answers nonsense."""

import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

LIST = '<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'


@dataclass
class FaultyS3:
    """Objects, and what goes wrong.

    Attributes:
        fault: Asked first of every request; True when it has answered (or broken off) itself.
        requests: Method and path of each.
        clock: Seconds since 1970, as its answers and the ages of its objects tell them.
    """

    url: str = ""
    objects: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    written_s: dict[str, float] = field(default_factory=dict)
    fault: "Callable[[Handler], bool]" = lambda handler: False
    requests: list[str] = field(default_factory=list)
    clock: Callable[[], float] = time.time
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    state: FaultyS3
    body: bytes = b""

    def handle_any(self) -> None:
        with self.state.lock:
            self.state.requests.append(f"{self.command} {self.path}")
        self.name = unquote(urlsplit(self.path).path)
        self.body_left = int(self.headers.get("Content-Length", 0))
        if self.state.fault(self):
            return
        self.read_body()
        self.right_answer()

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any  # noqa: N815

    def read_body(self) -> None:
        self.body += self.rfile.read(self.body_left)
        self.body_left = 0

    def right_answer(self) -> None:
        objects = self.state.objects
        if self.command == "PUT":
            with self.state.lock:
                tag = self.put_on_condition()
            if tag:
                self.answer(200, b"", {"ETag": tag})
            else:
                self.error(412, "PreconditionFailed")
        elif self.command == "DELETE":
            objects.pop(self.name, None)
            self.answer(204, b"", {})
        elif self.command in ("GET", "HEAD") and self.name in objects:
            data, metadata = objects[self.name]
            written_s = self.state.written_s.get(self.name, self.state.clock())
            about = {"ETag": self.tag(), "Last-Modified": formatdate(written_s, usegmt=True), **metadata}
            self.answer(200, data, about)
        elif self.name.count("/") == 1:
            self.answer(200, LIST.encode(), {"Content-Type": "application/xml"})
        else:
            self.error(404, "NoSuchKey")

    def put_on_condition(self) -> str:
        """Take the object, unless a condition of the request does not hold; its version, or nothing."""
        unless_there = self.headers.get("If-None-Match") == "*" and self.name in self.state.objects
        if unless_there or self.headers.get("If-Match", self.tag()) != self.tag():
            return ""
        metadata = {key: value for key, value in self.headers.items() if key.lower().startswith("x-amz-meta-")}
        self.state.objects[self.name] = (self.body, metadata)
        self.state.written_s[self.name] = self.state.clock()
        return self.tag()

    def tag(self) -> str:
        """The version of the object; of none, where there is none."""
        return f'"{zlib.crc32(self.state.objects.get(self.name, (b"",))[0]):08x}"'

    def date_time_string(self, timestamp: float | None = None) -> str:
        """For the header Date."""
        return super().date_time_string(self.state.clock() if timestamp is None else timestamp)

    def error(self, status: int, code: str, headers: dict[str, str] | None = None, inside: str = "") -> None:
        said = escape(f"{self.path} {self.headers}")  # what must never be passed on
        text = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{said}</Message>{inside}</Error>'
        self.read_body()
        self.answer(status, text.encode(), headers or {})

    def answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.body = b""

    def break_off(self) -> None:
        """Close without another word."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of the usual five, a sixth who comes at one moment waits for a second or three
    request_queue_size = 128  # of five, the sixth that comes at once would wait a second

    def handle_error(self, *_: object) -> None:
        """A client that leaves is no news."""


@contextmanager
def faulty_s3() -> Iterator[FaultyS3]:
    """Serve until the block ends."""
    state = FaultyS3()
    server = _Server(("127.0.0.1", 0), type("Bound", (Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def times(count: int, fault: Callable[[Handler], None], method: str = "") -> Callable[[Handler], bool]:
    """A fault that happens so often, to requests of that method."""
    left = [count]

    def once(handler: Handler) -> bool:
        if method and handler.command != method:
            return False
        with handler.state.lock:
            if not left[0]:
                return False
            left[0] -= 1
        fault(handler)
        return True

    return once
