"""``actorrec review`` running as a user starts it: a subprocess with a real port."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from own_environ import own_environ
from patience import PATIENCE_S


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reviewing:
    """A running page."""

    url: str
    process: "subprocess.Popen[str]"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def base(self) -> str:
        """Path with the token, ending in a slash."""
        return urlsplit(self.url).path

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request with exactly these headers (``Host`` and ``Content-Length`` are added where they lack)."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, name: str) -> Answer:
        """GET inside the token."""
        return self.ask("GET", self.base + name)

    def post(self, name: str, value: object) -> Answer:
        """POST JSON as the page does."""
        headers = {"Origin": self.origin, "Content-Type": "application/json"}
        return self.ask("POST", self.base + name, json.dumps(value).encode(), headers)

    def raw(self, request: bytes) -> bytes:
        """Whatever comes back on bytes that no library would send."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as link:
            with suppress(ConnectionError):  # it may have answered and closed before all was sent
                link.sendall(request)
            link.settimeout(PATIENCE_S)
            received = b""
            while chunk := link.recv(65536):
                received += chunk
                if b"\r\n\r\n" in received and b"}" in received:
                    break
            return received

    def end(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Stop it; exit code, rest of stdout, stderr."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err


@contextmanager
def reviewing(store: Path, *arguments: str, **environ: str) -> Iterator[Reviewing]:
    """Serve a store's newest data set."""
    clean = own_environ()
    process = subprocess.Popen(
        [sys.executable, "-m", "actorrec", "review", "--store", str(store), "--no-browser", *arguments],
        env={**clean, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    try:
        line = process.stdout.readline().strip()
        if not line:
            raise AssertionError(process.communicate(timeout=PATIENCE_S)[1])
        yield Reviewing(json.loads(line)["url"] if line.startswith("{") else line, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
