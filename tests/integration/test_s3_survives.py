"""Killed again and again on its way to S3: nothing is lost, and no half artifact is ever visible."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.inspection import inspect
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.s3 import S3Store
from actorrec.progress import SilentProgress
from patience import PATIENCE_S
from s3_servers import FAKE_KEYS, new_bucket, settings
from stored_chains import add_bundle, add_dataset, add_images

pytestmark = pytest.mark.usefixtures("aws_keys")
FILES = 40  # in the first two artifacts each
BUNDLE_BYTES = 9 << 20  # goes up in two parts
# Before which request, of what, and the how many-th. Each push goes on where the one before was killed.
KILLS = [
    ("PutObject", ".jpg", 15),
    ("PutObject", "images/aaaa/manifest.json", 1),
    ("PutObject", ".jpg", 20),
    ("PutObject", "dataset/bbbb/manifest.json", 1),
    ("UploadPart", "bundle.zip", 2),
    ("PutObject", "bundle/cccc/manifest.json", 1),
]
PUSH = """
import os, runpy, signal, sys
from botocore import handlers
operation, name, left = sys.argv.pop(), sys.argv.pop(), [int(sys.argv.pop())]
def look(model, params, **_):
    if model.name == operation and name in params["url_path"]:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
handlers.BUILTIN_HANDLERS.append(("before-call.s3", look))
runpy.run_module("actorrec", run_name="__main__")
"""


def test_killed_at_every_step_on_its_way(moto_url: str, tmp_path: Path) -> None:
    here = LocalStore(tmp_path / "here")
    images = add_images(here, "aaaa", 1, files=FILES)
    data = add_dataset(here, "bbbb", 2, images, files=FILES)
    add_bundle(here, "cccc", 3, data, size=BUNDLE_BYTES)
    bucket = new_bucket(moto_url)
    there = S3Store(bucket, "pre", settings(moto_url, tmp_path / "looking"))
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ACTORREC_"))},
        **FAKE_KEYS, "AWS_ENDPOINT_URL": moto_url, "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }  # fmt: skip
    push = ["artifacts", "push", "bundle/cccc", "--store", here.uri, "--to", f"s3://{bucket}/pre"]

    def run(*command: str) -> tuple[int, bytes]:
        done = subprocess.run([sys.executable, *command], env=environ, capture_output=True, timeout=PATIENCE_S)
        return done.returncode, done.stderr

    for operation, name, times in KILLS:
        code, error = run("-c", PUSH, *push, str(times), name, operation)
        found = inspect(there, SilentProgress())
        assert (code, error) == (-signal.SIGKILL, b""), (operation, name)
        assert (found.damaged, found.missing_inputs) == ([], []), (operation, name)
    assert (found.artifacts, found.unfinished) == (2, ["bundle/cccc"])
    code, error = run("-m", "actorrec", *push)
    assert code == 0, error
    found = inspect(there, SilentProgress())
    assert (found.artifacts, found.files, found.damaged, found.orphans) == (3, 2 * FILES + 1, [], [])


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
