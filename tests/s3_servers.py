"""S3 on loopback: moto, with keys that open nothing."""

import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorrec.artifacts.s3 import S3Store
from actorrec.sections import AwsSection

FAKE_KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAFAKEFAKEFAKEFAKE",
    "AWS_SECRET_ACCESS_KEY": "fake-secret-that-must-never-be-printed",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_numbers = itertools.count()


# In a process of its own: what it prints, and the sockets of clients that were killed, are not the tests' business.
# One request to S3 at a time: of six that wrote one object at once, each if there was none, now and then two were told
# that they did (7 of 1,000 trials), and an object shows for a moment without its metadata. S3 does neither.
_SERVER = """
import logging, sys, threading
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer
one_at_a_time = threading.RLock()
def alone(act):
    def acts(*given):
        with one_at_a_time:
            return act(*given)
    return acts
for name in ("_bucket_response", "_key_response"):
    setattr(S3Response, name, alone(getattr(S3Response, name)))
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Address of a moto server."""
    if importlib.util.find_spec("moto") is None:
        pytest.skip("moto[server] is not installed")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    environ = {**os.environ, **FAKE_KEYS}
    with subprocess.Popen([sys.executable, "-c", _SERVER], env=environ, text=True, **pipes) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()  # it holds nothing that would be missed


@pytest.fixture
def aws_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fake keys in the environment, and nothing of this machine's user."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in FAKE_KEYS.items():
        monkeypatch.setenv(name, value)


def client(url: str) -> Any:
    """A plain boto3 client, to look and to spoil."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=FAKE_KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=FAKE_KEYS["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


def new_bucket(url: str) -> str:
    """Name of a fresh bucket."""
    name = f"bucket-{os.getpid()}-{next(_numbers)}"
    client(url).create_bucket(Bucket=name)
    return name


def settings(url: str, cache: Path, **more: Any) -> AwsSection:
    """How our store reaches such a server."""
    return AwsSection(region="us-east-1", endpoint_url=url, cache_dir=cache, **{"attempts": 3, **more})


def new_store(url: str, folder: Path, **more: Any) -> S3Store:
    """A store under a prefix of a fresh bucket."""
    return S3Store(new_bucket(url), "pre fix/ü", settings(url, folder / "cache", **more))
