"""Killed again and again on its way to S3: nothing is lost, and no half artifact is ever visible."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.inspection import inspect
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.s3 import S3Store
from actorrec.progress import SilentProgress
from s3_servers import FAKE_KEYS, new_bucket, settings
from stored_chains import add_bundle, add_dataset, add_images

pytestmark = pytest.mark.usefixtures("aws_keys")
KILLS = 10
FILES = 100  # in the first two artifacts each
BUNDLE_BYTES = 9 << 20  # goes up in two parts


def push(source: LocalStore, target: str, environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable,
        "-m",
        "actorrec",
        "artifacts",
        "push",
        "bundle/cccc",
        "--store",
        source.uri,
        "--to",
        target,
    ]
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_killed_ten_times_on_its_way(moto_url: str, tmp_path: Path) -> None:
    here = LocalStore(tmp_path / "here")
    images = add_images(here, "aaaa", 1, files=FILES)
    data = add_dataset(here, "bbbb", 2, images, files=FILES)
    add_bundle(here, "cccc", 3, data, size=BUNDLE_BYTES)
    bucket = new_bucket(moto_url)
    prefix = "pre"
    there = S3Store(bucket, prefix, settings(moto_url, tmp_path / "looking"))
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ACTORREC_"))},
        **FAKE_KEYS, "AWS_ENDPOINT_URL": moto_url, "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }  # fmt: skip
    seed = random.randrange(10**6)
    moments, killed = random.Random(seed), 0
    for attempt in range(10 * KILLS):
        process = push(here, f"s3://{bucket}/{prefix}", environ)
        files = len(list(there.names("")))
        deadline = time.monotonic() + 30
        # From its first file on: a kill before that is no trial.
        while process.poll() is None and len(list(there.names(""))) == files and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(moments.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = inspect(there, SilentProgress())
        assert (found.damaged, found.missing_inputs) == ([], []), (seed, found)
        killed += process.returncode == -signal.SIGKILL
        if killed == KILLS:
            break
        if process.returncode != -signal.SIGKILL:  # all of it is there: the next trial begins anew
            prefix = f"pre{attempt}"
            there = S3Store(bucket, prefix, settings(moto_url, tmp_path / "looking"))
    last = push(here, f"s3://{bucket}/{prefix}", environ)
    _, error = last.communicate(timeout=120)
    assert last.returncode == 0, (seed, error)
    found = inspect(there, SilentProgress())
    assert (found.artifacts, found.files, found.damaged, found.orphans) == (3, 2 * FILES + 1, [], []), seed
    assert killed == KILLS, (seed, killed)


def test_an_upload_in_parts_that_was_killed_is_not_there(moto_url: str, tmp_path: Path) -> None:
    """Half a bundle is no bundle: S3 shows nothing before its last part."""
    bucket = new_bucket(moto_url)
    there = S3Store(bucket, "", settings(moto_url, tmp_path / "cache"))
    (tmp_path / "big").write_bytes(os.urandom(64 << 20))
    code = (
        "import os, pathlib, signal, sys\nfrom botocore import handlers\n"
        "from actorrec.artifacts.uri import open_store\nfrom actorrec.sections import AwsSection\n"
        "parts = []\n"
        "def look(model, **_):\n"
        "    parts.extend([model.name] * (model.name == 'UploadPart'))\n"
        "    if len(parts) == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "handlers.BUILTIN_HANDLERS.append(('before-call.s3', look))\n"
        "store = open_store(sys.argv[1], AwsSection(endpoint_url=sys.argv[2]))\n"
        "store.put_file('bundle/cccc/bundle.zip', pathlib.Path(sys.argv[3]))\n"
    )
    command = [sys.executable, "-c", code, f"s3://{bucket}", moto_url, str(tmp_path / "big")]
    killed = subprocess.run(command, env={**os.environ, **FAKE_KEYS}, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert there._objects.client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert not there.exists("bundle/cccc/bundle.zip")
    there.put_file("bundle/cccc/bundle.zip", tmp_path / "big")
    assert there.local_path("bundle/cccc/bundle.zip").read_bytes() == (tmp_path / "big").read_bytes()
