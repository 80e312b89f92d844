"""What goes wrong with S3: one clear line each, the right exit code, no secret in it, nothing half done."""

import logging
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.s3 import S3Store
from actorrec.artifacts.s3_objects import Head, Objects
from actorrec.artifacts.s3_transfer import Transfer
from actorrec.aws.session import AwsSession
from actorrec.config import load_config
from actorrec.errors import ActorRecError, ArtifactError, ConfigError, RemoteError
from actorrec.sections import AwsSection
from s3_faults import FaultyS3, Handler, faulty_s3, times
from s3_servers import FAKE_KEYS, client, new_bucket, settings

pytestmark = pytest.mark.usefixtures("aws_keys")
NAME = "dataset/abcd/x.bin"
KEY = f"/bucket/pre/{NAME}"


@pytest.fixture
def server() -> Iterator[FaultyS3]:
    with faulty_s3() as state:
        yield state


def store_at(url: str, folder: Path, **more: object) -> S3Store:
    return S3Store("bucket", "pre", settings(url, folder / "cache", **more))


def every_operation(store: S3Store, folder: Path) -> list[Callable[[], object]]:
    (folder / "file").write_bytes(b"x")
    return [
        lambda: store.put_bytes(NAME, b"x"),
        lambda: store.put_file(NAME, folder / "file"),
        lambda: store.put_files([(NAME, b"x")], _Step()),
        lambda: store.commit(NAME, b"x"),
        lambda: store.read_bytes(NAME),
        lambda: store.local_path(NAME),
        lambda: store.sha256(NAME),
        lambda: store.exists(NAME),
        lambda: list(store.names("dataset")),
        lambda: store.delete(NAME),
        lambda: store.try_lock("dataset/abcd").__enter__(),
    ]


class _Step:
    def advance(self, amount: int = 1) -> None:
        del amount

    def measure(self, **values: float) -> None:
        del values


def test_throttled_at_first_it_succeeds(server: FaultyS3, tmp_path: Path) -> None:
    server.fault = times(3, lambda handler: handler.error(503, "SlowDown"))
    store = store_at(server.url, tmp_path, attempts=6)
    assert store.put_bytes(NAME, b"content").bytes == 7
    assert server.objects[KEY][0] == b"content" and len(server.requests) == 4


REFUSALS = [
    ("SlowDown", 503, {}, "", RemoteError, "slow down", "wait a minute"),
    ("ServiceUnavailable", 503, {}, "", RemoteError, "slow down", "wait a minute"),
    ("AccessDenied", 403, {}, "", RemoteError, "access to the bucket 'bucket' is denied", "another account's"),
    ("NoSuchBucket", 404, {}, "", RemoteError, "there is no bucket 'bucket'", "--store s3://BUCKET/PREFIX"),
    ("RequestTimeTooSkewed", 403, {}, "", RemoteError, "the clock of this machine is wrong", "set the clock"),
    ("PermanentRedirect", 301, {"x-amz-bucket-region": "eu-west-1"}, "", RemoteError, "eu-west-1, not in us-east-1",
     "aws.region: eu-west-1"),
    ("AuthorizationHeaderMalformed", 400, {}, "<Region>eu-west-1</Region>", RemoteError, "is in the region eu-west-1",
     "aws.region: eu-west-1"),
    ("ExpiredToken", 400, {}, "", ConfigError, "credentials have expired", "sign in"),
    ("InvalidAccessKeyId", 403, {}, "", ConfigError, "does not accept your credentials", "sign in"),
    ("SignatureDoesNotMatch", 403, {}, "", ConfigError, "does not accept your credentials", "sign in"),
    ("KMS.DisabledException", 400, {}, "", RemoteError, "aws.kms_key", "be enabled"),
    ("InternalError", 500, {}, "", RemoteError, "answered InternalError", "run it again"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "status", "headers", "inside", "kind", "said", "hint"), REFUSALS, ids=[each[0] for each in REFUSALS]
)
def test_every_refusal_is_one_line_that_says_what_to_do(
    server: FaultyS3, tmp_path: Path, caplog: pytest.LogCaptureFixture, code: str, status: int,
    headers: dict[str, str], inside: str, kind: type[ActorRecError], said: str, hint: str,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG, "actorrec")
    server.fault = lambda handler: handler.error(status, code, headers, inside) is None
    store = store_at(server.url, tmp_path, attempts=1)
    for number, operation in enumerate(every_operation(store, tmp_path)):
        if status == 503:  # a client that was throttled slows down; each gets its own here
            operation = every_operation(store_at(server.url, tmp_path, attempts=1), tmp_path)[number]
        with pytest.raises(ActorRecError) as caught:
            operation()
        error = caught.value
        assert type(error) is kind and said in error.message and hint in error.hint
        assert "\n" not in error.in_full
        for secret in (*list(FAKE_KEYS.values())[:2], "Signature=", "Authorization", "Credential="):
            assert secret not in error.in_full + caplog.text
    assert not server.objects


def test_a_bucket_that_is_gone(moto_url: str, tmp_path: Path) -> None:
    store = S3Store("no-such-bucket-here", "", settings(moto_url, tmp_path))
    for operation in every_operation(store, tmp_path):
        with pytest.raises(RemoteError, match="there is no bucket 'no-such-bucket-here'"):
            operation()


def test_no_credentials(monkeypatch: pytest.MonkeyPatch, moto_url: str, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match="no AWS credentials were found") as caught:
        S3Store("bucket", "", settings(moto_url, tmp_path)).read_bytes(NAME)
    assert "aws configure" in caught.value.hint


def test_a_profile_that_is_not_there(moto_url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the AWS profile is not known"):
        S3Store("bucket", "", settings(moto_url, tmp_path, profile="nobody")).read_bytes(NAME)


def test_nobody_at_the_endpoint(tmp_path: Path) -> None:
    with socket.socket() as taken:  # and listens to nobody
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(RemoteError, match=rf"http://127.0.0.1:{port} cannot be reached"):
            store_at(f"http://127.0.0.1:{port}", tmp_path, attempts=1).read_bytes(NAME)


@pytest.mark.parametrize("url", ["ftp://host", "http://user:secret@host", "host", "http://host/path"])
def test_an_endpoint_with_a_password_or_path_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"aws\.endpoint_url") as caught:
        load_config(flags={"aws.endpoint_url": url})
    assert "secret" not in caught.value.in_full


def test_an_endpoint_of_the_environment_keeps_its_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:secret@127.0.0.1:9/path?token=secret")
    store = S3Store("bucket", "", AwsSection(cache_dir=tmp_path, attempts=1))
    with pytest.raises(ActorRecError) as caught:
        store.read_bytes(NAME)
    assert "secret" not in caught.value.in_full


def test_many_threads_may_want_one_file(moto_url: str, tmp_path: Path) -> None:
    store = S3Store(new_bucket(moto_url), "", settings(moto_url, tmp_path / "cache"))
    for round_ in range(5):
        store.put_bytes(NAME, bytes([round_]) * 100_000)
        paths = store.fetch_files([NAME] * 40, _Step())
        assert {path.read_bytes() for path in paths} == {bytes([round_]) * 100_000}


def cut_upload(handler: Handler) -> None:
    """Read half and close, as a network that breaks."""
    handler.rfile.read(handler.body_left // 2)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.break_off()


def test_an_upload_that_is_cut_is_sent_again(server: FaultyS3, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    server.fault = times(1, cut_upload, "PUT")
    store_at(server.url, tmp_path).put_bytes(NAME, data)
    assert server.objects[KEY][0] == data
    server.objects.clear()
    server.fault = times(99, cut_upload, "PUT")
    with pytest.raises(RemoteError, match="cannot be reached or broke off") as caught:
        store_at(server.url, tmp_path, attempts=2).put_bytes(NAME, data)
    assert "goes on where it was" in caught.value.hint and not server.objects


def cut_download(handler: Handler) -> None:
    data, metadata = handler.state.objects[handler.name]
    handler.send_response(200)
    for key, value in {"Content-Length": str(len(data)), "ETag": '"e"', **metadata}.items():
        handler.send_header(key, value)
    handler.send_header("Last-Modified", "Mon, 23 Nov 2026 00:00:00 GMT")
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])
    handler.break_off()


def test_a_download_that_is_cut_is_read_again(server: FaultyS3, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4000
    store = store_at(server.url, tmp_path, attempts=1)
    store.put_bytes(NAME, data)
    server.fault = times(1, cut_download, "GET")
    assert store.local_path(NAME).read_bytes() == data
    server.fault = times(1, cut_download, "GET")
    assert store.read_bytes(NAME) == data
    store.delete(NAME)
    store.put_bytes(NAME, data)
    server.fault = times(99, cut_download, "GET")
    for read in (store.read_bytes, store.local_path, store.sha256):
        with pytest.raises(RemoteError, match="broke off"):
            read(NAME)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("date", ["Mon, 23 Nov 2026 05:51:31 GMT", "some day", "Mon, 23 Nov 2026 05:51:31 -0000"])
def test_a_second_or_unreadable_date_as_proxies_send_it_is_borne(server: FaultyS3, tmp_path: Path, date: str) -> None:
    store = store_at(server.url, tmp_path)
    store.put_bytes(NAME, b"data")
    for _, headers in server.objects.values():
        headers["Date"] = date
    assert store.local_path(NAME).read_bytes() == b"data"


def test_a_download_that_was_changed_is_refused(moto_url: str, tmp_path: Path) -> None:
    bucket = new_bucket(moto_url)
    store = S3Store(bucket, "", settings(moto_url, tmp_path / "cache"))
    record = store.put_bytes(NAME, b"what was written")
    client(moto_url).put_object(Bucket=bucket, Key=NAME, Body=b"something other!", Metadata={"sha256": record.sha256})
    for read in (store.read_bytes, store.local_path):
        with pytest.raises(ArtifactError, match="was changed or damaged") as caught:
            read(NAME)
        assert caught.value.exit_code == 4
    with pytest.raises(ArtifactError, match="was changed or damaged"):
        store.fetch_files([NAME], _Step())
    assert store.sha256(NAME) != record.sha256
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_download_that_was_changed_on_this_machine_is_fetched_again(moto_url: str, tmp_path: Path) -> None:
    store = S3Store(new_bucket(moto_url), "", settings(moto_url, tmp_path / "cache"))
    store.put_bytes(NAME, b"what was written")
    store.local_path(NAME).write_bytes(b"something other!")
    assert store.local_path(NAME).read_bytes() == b"what was written"
    path = store.local_path(NAME)
    store.delete(NAME)
    assert not path.exists()


def test_a_disk_that_takes_no_more(moto_url: str, tmp_path: Path) -> None:
    store = S3Store(new_bucket(moto_url), "", settings(moto_url, tmp_path / "file"))
    store.put_bytes(NAME, b"x")
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(ArtifactError, match="cannot write to") as caught:
        store.local_path(NAME)
    assert "aws.cache_dir" in caught.value.hint


class _Watched(Objects):
    """Keeps every stream that it hands out."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.streams: list[Any] = []

    def get(self, name: str) -> tuple[Head, Any]:
        head, body = super().get(name)
        self.streams.append(body._raw_stream)
        return head, body


def test_an_answer_that_cannot_be_kept_is_closed(moto_url: str, tmp_path: Path) -> None:
    objects = _Watched(new_bucket(moto_url), "", AwsSession(settings(moto_url, tmp_path / "file")))
    objects.put(NAME, b"x")
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(ArtifactError, match="cannot write to"):
        Transfer(objects, tmp_path / "file").local(NAME)
    assert [stream.closed for stream in objects.streams] == [True]
