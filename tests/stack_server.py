"""CloudFormation on loopback: moto with what it gets wrong about our stack put right."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from patience import PATIENCE_S
from s3_servers import FAKE_KEYS

SERVICES = ("cloudformation", "eventbridge", "iam", "iot", "lambda", "s3", "sts")

_SERVER = Path(__file__).with_name("stack_backend.py")


@contextmanager
def stack_server() -> Iterator[str]:
    """Address of an account; ``clear`` empties it."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": None}
    command = [sys.executable, "-W", "ignore", str(_SERVER)]
    with subprocess.Popen(command, env={**os.environ, **FAKE_KEYS}, text=True, **pipes) as server:
        try:
            assert server.stdout is not None and server.stdin is not None
            url = server.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), "the server did not start"
            yield url
        finally:
            server.stdin.close()
            server.wait(PATIENCE_S)


def clear(url: str) -> None:
    """Make it an account that holds nothing."""
    with urllib.request.urlopen(
        urllib.request.Request(f"{url}/moto-api/reset", method="POST"), timeout=PATIENCE_S
    ) as answer:
        assert answer.status == 200


def point_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every service of AWS that the cloud commands use, for this process and those it starts."""
    for service in SERVICES:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", url)
