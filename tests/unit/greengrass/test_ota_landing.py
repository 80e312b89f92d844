"""Objects that landed, as a server hands them over: what fits on no disk, and cards that no log could keep."""

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

pytest.importorskip("moto")

from actorrec.aws.session import AwsSession
from actorrec.config import load_config
from actorrec.greengrass.ota_events import ObjectEvent
from actorrec.greengrass.ota_landing import Gate, NoBundle
from actorrec.greengrass.ota_say import in_short
from actorrec.manifests.ota import LandedModel, LandedObject
from landed_models import score
from ota_world import bundle, zipped

pytestmark = pytest.mark.usefixtures("aws_keys")
EVENT = ObjectEvent("bucket", LandedObject(key="pre/bundle.zip", etag="e"))


@contextmanager
def gate(folder: Path, body: bytes, length: int | None = None) -> Iterator[Gate]:
    """One whose server has one object, of which it says how long it is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) if length is None else length))
            self.send_header("ETag", '"e"')
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            config = load_config(environ={"ACTORREC_AWS__ENDPOINT_URL": url, "ACTORREC_AWS__ATTEMPTS": "1"}).config
            yield Gate(AwsSession(config.aws), config, folder)
        finally:
            server.shutdown()
            thread.join()


def without_a_number(data: bytes, path: Path) -> bytes:
    path.write_bytes(data)
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    files["card.json"] = files["card.json"].replace(b'"value":0.9,', b'"value":NaN,')
    return zipped(files)


def test_what_does_not_fit_on_the_disk_is_not_fetched(tmp_path: Path) -> None:
    with gate(tmp_path, b"", 10**15) as made:
        found = made.fetch(EVENT)
    assert isinstance(found, NoBundle) and found.sha256 is None
    assert "1,000,000,000,000,000 bytes" in found.reason and "EphemeralStorage" in found.reason
    assert not list(tmp_path.iterdir())


def test_a_live_bundle_whose_card_cannot_be_kept_is_one_that_cannot_be_looked_at(tmp_path: Path) -> None:
    good = bundle("live", 0, evaluation=score(top1=0.9))
    bad = without_a_number(good, tmp_path / "bundle.zip")
    uri = "s3://bucket/pre/components/x/bundle.zip"
    with gate(tmp_path, bad) as made:
        assert made.model_at(uri, hashlib.sha256(bad).hexdigest()) == (
            "its card does not say a number where one must stand: score.top1.value"
        )
    with gate(tmp_path, good) as made:
        assert isinstance(made.model_at(uri, hashlib.sha256(good).hexdigest()), LandedModel)


def test_reasons_are_short_and_can_be_written() -> None:
    assert in_short("plain, ü") == "plain, ü"
    assert in_short("a\udc80b") == "a?b"
    assert len(in_short("x" * 2000)) == len(in_short("x" * 2001)) == 2000
    assert in_short("x" * 2000)[-1] == "x" and in_short("x" * 2001)[-1] == "…"
