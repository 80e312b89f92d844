"""One request to the page: read whole, checked, answered."""

import io
import socket
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final

from actorrec.inference.preview.answers import Answer
from actorrec.inference.preview.door import HEADERS, is_this_machine

if TYPE_CHECKING:
    from actorrec.inference.preview.server import PreviewServer

_MAX_HEAD_BYTES: Final = 16 * 1024
_NEXT_PART: Final = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n"
_STILL_THERE_S: Final = 1.0
_REPEAT_S: Final = 10.0
_DRAIN_S: Final = 0.3
_DRAIN_CHUNKS: Final = 32


class PreviewHandler(BaseHTTPRequestHandler):
    """One request."""

    server: "PreviewServer"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Bound how long a piece may take to be sent."""
        super().setup()
        self.connection.settimeout(self.server.patience.send_s)

    def handle(self) -> None:
        """Read the request whole before anything in it is believed; it has no body."""
        self.command, self.requestline, self.request_version, self.close_connection = "", "", "HTTP/1.0", True
        head = self._head()
        self.server.head_is_read(self.connection)
        if head is None:
            return
        self.rfile = io.BytesIO(head)
        self.handle_one_request()

    def _head(self) -> bytes | None:
        head = b""
        while not head.endswith((b"\r\n\r\n", b"\n\n")):
            line = self.rfile.readline(_MAX_HEAD_BYTES + 1 - len(head))
            if not line:
                return None
            head += line
            if len(head) > _MAX_HEAD_BYTES:
                self.send_error(431 if b"\n" in head else 414)
                return None
        return head

    def do_GET(self) -> None:
        """Answer who may look."""
        door = self.server.door
        if not is_this_machine(self.headers):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        name = door.name_of(self.path)
        if name == "" and door.has_token(self.path):
            self._let_in()
        elif name is None or not door.has_cookie(self.headers):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif name == "stream":
            self._stream_if_free()
        elif (answer := self.server.shown.answer(name)) is not None:
            self._send(answer)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _let_in(self) -> None:
        """The token leaves the address bar; a cookie stays.

        Where a link on another page led here, browsers send no strict cookie along with a redirect: that page's
        visitor is led on by a page of ours.
        """
        by_link = self.headers.get("Sec-Fetch-Site", "none") in ("cross-site", "same-site")
        self.send_response(HTTPStatus.OK if by_link else HTTPStatus.SEE_OTHER)
        if by_link:
            self.send_header("Refresh", f"0; url={self.server.door.base}")
        else:
            self.send_header("Location", self.server.door.base)
        self.send_header("Set-Cookie", self.server.door.cookie)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _stream_if_free(self) -> None:
        if not self.server.streams.acquire(blocking=False):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        try:
            self._stream()
        finally:
            self.server.streams.release()

    def _stream(self) -> None:
        """Pictures, one after the other, until the watcher or the loop goes."""
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        painter = self.server.shown.painter
        last, sent_s = b"", time.monotonic()
        self.wfile.write(_NEXT_PART)
        with painter.watch() as watching:
            while not painter.closed:
                jpeg = watching.next(_STILL_THERE_S)
                again = last and painter.newest is not None and time.monotonic() - sent_s >= _REPEAT_S
                if jpeg is None and not again:
                    if self._gone():
                        return
                    continue
                last, sent_s = jpeg or last, time.monotonic()
                # Chromium shows a part when it has the head of the next one, so that head never waits for its picture.
                self.wfile.write(last + b"\r\n" + _NEXT_PART)

    def _gone(self) -> bool:
        """Whether the watcher closed the connection while nothing was sent."""
        self.connection.setblocking(False)
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(self.server.patience.send_s)

    def send_response(self, code: int, message: str | None = None) -> None:
        """The status and the headers of every answer; it says nothing of the program."""
        self.request_version = "HTTP/1.0"  # the library would answer an odd request without headers
        self.send_response_only(code, message)
        for name, value in HEADERS:
            self.send_header(name, value)
        self.send_header("Connection", "close")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A short answer that tells nobody what it lacked."""
        del message, explain
        if code == HTTPStatus.NOT_IMPLEMENTED:  # what the library says of a method that has no function here
            code = HTTPStatus.METHOD_NOT_ALLOWED
        body = f"{code} {HTTPStatus(code).phrase}\n".encode()
        self.send_response(code)
        if code == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET")
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self._drain()

    def _drain(self) -> None:
        """Take in what is still being sent: to close before would take the answer away from who sends."""
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(_DRAIN_S)
            for _ in range(_DRAIN_CHUNKS):
                if not self.connection.recv(65536):
                    return
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None:
        """A request's line may hold the token: it stands in no log."""
