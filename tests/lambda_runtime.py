"""Lambda's Runtime API on loopback, and functions that run under the real ``awslambdaric`` against it."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from s3_servers import FAKE_KEYS
from sites.server import Asked, Reply, as_json, serve

_API: Final = "/2018-06-01/runtime"
ARN: Final = "arn:aws:lambda:us-east-1:123456789012:function:actorrec-ota"


@dataclass(frozen=True)
class Answer:
    """How a call ended.

    Attributes:
        error: Type of the exception, as Lambda is told; empty where it returned.
    """

    value: Any
    error: str = ""


class FunctionDiedError(AssertionError):
    """The process ended while a call was under way."""


@dataclass
class RuntimeApi:
    """Calls that wait, and how they ended. One function asks at a time."""

    timeout_s: float = 60.0
    waiting: "queue.Queue[tuple[str, Any]]" = field(default_factory=queue.Queue)
    answers: "dict[str, queue.Queue[Answer]]" = field(default_factory=dict)
    init_errors: list[Any] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked) -> Reply:
        """Handle one request of the runtime."""
        path = asked.path.removeprefix(_API)
        if asked.method == "GET" and path == "/invocation/next":
            return self._next()
        if path == "/init/error":
            self.init_errors.append(json.loads(asked.body))
            return as_json({"status": "OK"}, 202)
        parts = path.split("/")
        if asked.method == "POST" and len(parts) == 4 and parts[1] == "invocation" and parts[2] in self.answers:
            value = json.loads(asked.body or b"null")
            failed = parts[3] == "error"
            kind = value.get("errorType", "?") if failed else ""
            self.answers[parts[2]].put(Answer(value, kind))
            return as_json({"status": "OK"}, 202)
        return as_json({"errorMessage": f"{asked.method} {asked.path}", "errorType": "InvalidRequest"}, 404)

    def _next(self) -> Reply:
        while not self.closed.is_set():
            try:
                request_id, event = self.waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request_id, "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.timeout_s) * 1000)),
                "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
            }  # fmt: skip
            return Reply(json.dumps(event).encode(), content_type="application/json", headers=headers)
        return as_json({"errorType": "Closed"}, 500)


class Function:
    """One environment of a function: a process that takes one call after the other. ``busy``: it is at one."""

    def __init__(self, api: RuntimeApi, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.api, self.process, self._output, self.busy = api, process, output, False

    def send(self, event: Any) -> str:
        """Begin a call; its id."""
        request_id = str(uuid.uuid4())
        self.api.answers[request_id] = queue.Queue()
        self.api.waiting.put((request_id, event))
        return request_id

    def ended(self, request_id: str, timeout_s: float = 180.0) -> Answer:
        """Wait for a call to end."""
        until, self.busy = time.monotonic() + timeout_s, True
        while True:
            try:
                answer = self.api.answers[request_id].get(timeout=0.05)
                self.busy = False
                return answer
            except queue.Empty:
                if self.process.poll() is not None:
                    raise FunctionDiedError(
                        f"exit {self.process.returncode}: {self.api.init_errors} {self.output}"
                    ) from None
                if time.monotonic() > until:
                    raise AssertionError(f"the call goes on for more than {timeout_s} s: {self.output}") from None

    def call(self, event: Any, timeout_s: float = 180.0) -> Answer:
        """One call."""
        return self.ended(self.send(event), timeout_s)

    def kill(self) -> None:
        """As Lambda ends an environment that took too long."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @property
    def folder(self) -> Path:
        """For its temporary files, as /tmp is in Lambda."""
        return self._output.parent

    @property
    def output(self) -> str:
        """All that it wrote."""
        return self._output.read_text(errors="replace")

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its lines of JSON."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]


@contextmanager
def function(
    environ: Mapping[str, str],
    path: Sequence[Path] = (),
    handler: str = "actorrec.greengrass.lambda_handler.handler",
    options: Sequence[str] = (),
) -> Iterator[Function]:
    """Start one; it is ended with the block.

    Args:
        environ: Of the process, beside fake keys; nothing else is passed on but PATH and the like.
        path: PYTHONPATH.
        handler: As the function is configured.
        options: Of Python.
    """
    api = RuntimeApi()
    with serve({"/*": api.answer}) as site, tempfile.TemporaryDirectory() as folder:
        passed = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        told = {
            **passed, **FAKE_KEYS, "HOME": "/nonexistent", "TMPDIR": folder, "AWS_REGION": "us-east-1",
            "AWS_LAMBDA_RUNTIME_API": site.url.removeprefix("http://"), "AWS_LAMBDA_FUNCTION_NAME": "actorrec-ota",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13", "PYTHONPATH": os.pathsep.join(map(str, path)), **environ,
        }  # fmt: skip
        output = Path(folder) / "output"
        with output.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, *options, "-m", "awslambdaric", handler], env=told, stdout=out, stderr=out, cwd=folder
            )
        try:
            yield Function(api, process, output)
        finally:
            api.closed.set()
            process.kill()
            process.wait()
