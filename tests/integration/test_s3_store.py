"""The S3 store beyond the contract: parts, keys, resuming, conditions, leases, and what the requests look like."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.s3 import S3Store
from actorrec.artifacts.s3_lease import Lease
from actorrec.artifacts.s3_objects import Objects
from actorrec.artifacts.uri import open_store
from actorrec.aws.session import AwsSession
from actorrec.errors import ArtifactError, ConfigError
from aws_shapes import assert_valid, faults, recorded
from patience import eventually
from s3_faults import Handler, faulty_s3, times
from s3_servers import client, new_bucket, new_store, settings

pytestmark = pytest.mark.usefixtures("aws_keys")
NAME = "dataset/abcd/x.bin"
KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


class Step:
    def advance(self, amount: int = 1) -> None:
        del amount

    def measure(self, **values: float) -> None:
        del values


def test_every_request_is_one_that_the_service_model_allows(moto_url: str, tmp_path: Path) -> None:
    bucket = new_bucket(moto_url)
    aws = AwsSession(settings(moto_url, tmp_path / "cache", kms_key=KEY_ARN))
    store = S3Store(bucket, "prefix", aws.settings)
    s3 = store._objects.client
    requests = recorded(s3)
    big = tmp_path / "big"
    big.write_bytes(os.urandom(20 << 20))
    assert store.put_file("model/abcd/big", big).bytes == 20 << 20
    assert store.local_path("model/abcd/big").read_bytes() == big.read_bytes()
    store.put_files([(NAME, b"x"), (NAME, b"x")], Step())
    assert store.commit("model/abcd/manifest.json", b"{}") and not store.commit("model/abcd/manifest.json", b"{}")
    assert store.read_bytes(NAME) == b"x" and store.exists(NAME) and not store.exists("model/none/x")
    with store.lock("model/abcd"):
        assert list(store.names("model")) == ["model/abcd/big", "model/abcd/manifest.json"]
    store.delete(NAME)
    kinds = {operation for operation, _ in requests}
    assert kinds >= {
        "PutObject", "GetObject", "HeadObject", "DeleteObject", "ListObjectsV2",
        "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
    }  # fmt: skip
    assert_valid(s3, requests)
    for operation, parameters in requests:
        if operation in ("PutObject", "CreateMultipartUpload"):
            assert parameters["ServerSideEncryption"] == "aws:kms" and parameters["SSEKMSKeyId"] == KEY_ARN
            assert len(parameters["Metadata"]["sha256"]) == 64
        if operation == "PutObject":
            assert parameters["ChecksumSHA256"]
        if operation == "CreateMultipartUpload":
            assert parameters["ChecksumAlgorithm"] == "SHA256"
        if operation == "UploadPart":
            assert parameters["ChecksumAlgorithm"] == "SHA256" or parameters["ChecksumSHA256"]


def test_the_check_of_requests_sees_what_is_wrong(moto_url: str) -> None:
    shape = client(moto_url).meta.service_model.operation_model("PutObject").input_shape
    assert list(faults(shape, {"Bucket": "b", "Key": "k"})) == []
    wrong = {"Bucket": "b", "Key": "", "ServerSideEncryption": "rot13", "Surprise": 1}
    assert len(list(faults(shape, wrong))) == 3
    assert list(faults(shape, {"Bucket": "b"})) == [".Key is missing"]


def test_what_is_there_is_not_sent_again(moto_url: str, tmp_path: Path) -> None:
    store = new_store(moto_url, tmp_path)
    items = [(f"dataset/abcd/{number}", bytes([number]) * 50) for number in range(40)]
    store.put_files(items[:25], Step())
    store.put_bytes("dataset/abcd/3", b"changed")
    store.put_bytes("dataset/abcd/4", b"y" * 50)
    requests = recorded(store._objects.client)
    store.put_files(items, Step())
    sent = {parameters["Key"].rsplit("/", 1)[1] for operation, parameters in requests if operation == "PutObject"}
    assert sent == {"3", "4", *map(str, range(25, 40))}
    assert all(store.read_bytes(name) == data for name, data in items)


def test_what_something_else_put_there_can_be_read(moto_url: str, tmp_path: Path) -> None:
    bucket = new_bucket(moto_url)
    store = S3Store(bucket, "", settings(moto_url, tmp_path))
    client(moto_url).put_object(Bucket=bucket, Key="model/abcd/model.tar.gz", Body=b"from a job")
    client(moto_url).put_object(Bucket=bucket, Key="model/abcd/", Body=b"")  # a console's "folder"
    assert store.read_bytes("model/abcd/model.tar.gz") == b"from a job"
    for _ in range(2):
        assert store.local_path("model/abcd/model.tar.gz").read_bytes() == b"from a job"
    assert list(store.names("model")) == ["model/abcd/model.tar.gz"]


def test_more_than_a_page_is_listed(moto_url: str, tmp_path: Path) -> None:
    store = new_store(moto_url, tmp_path)
    names = [f"images/abcd/{number:04d}" for number in range(1003)]
    store.put_files([(name, b"") for name in names], Step())
    assert list(store.names("images")) == names


def test_a_commit_whose_answer_was_lost_is_known_as_ours(tmp_path: Path) -> None:
    def lose_answer(handler: Handler) -> None:
        handler.read_body()
        metadata = {key: value for key, value in handler.headers.items() if key.lower().startswith("x-amz-meta-")}
        handler.state.objects[handler.name] = (handler.body, metadata)
        handler.break_off()

    with faulty_s3() as server:
        server.fault = times(1, lose_answer, "PUT")
        store = S3Store("bucket", "", settings(server.url, tmp_path))
        assert store.commit(NAME, b"mine")
        assert not store.commit(NAME, b"mine")
        server.fault = times(2, lambda handler: handler.error(409, "ConditionalRequestConflict"), "PUT")
        assert store.commit("dataset/abcd/y", b"after a conflict")


def test_a_file_that_changes_while_it_is_sent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(b"x" * (9 << 20))

    def grow(handler: Handler) -> bool:
        if handler.command == "PUT" and path.stat().st_size == 9 << 20:
            with path.open("ab") as out:
                out.write(b"more")
        if handler.command == "POST":
            handler.read_body()
            kind = "Initiate" if "uploads" in handler.path else "Complete"
            body = f"<{kind}MultipartUploadResult><UploadId>1</UploadId><ETag>e</ETag></{kind}MultipartUploadResult>"
            handler.answer(200, body.encode(), {})
            return True
        return False

    with faulty_s3() as server:
        server.fault = grow
        with pytest.raises(ArtifactError, match="changed while it was sent"):
            S3Store("bucket", "", settings(server.url, tmp_path / "cache")).put_file(NAME, path)
        assert any(request.startswith("DELETE") for request in server.requests)


def objects_at(url: str, tmp_path: Path) -> Objects:
    return Objects(new_bucket(url), "", AwsSession(settings(url, tmp_path)))


LOCK = "/bucket/.locks/model-abcd.json"


def test_a_lease_that_is_kept_young_outlives_its_life(tmp_path: Path) -> None:
    now_s = [1.8e9]
    with faulty_s3() as server:
        server.clock = lambda: now_s[0]
        objects = Objects("bucket", "", AwsSession(settings(server.url, tmp_path)))
        with Lease(objects, "model/abcd", life_s=3).held(wait=True) as held:
            assert held
            for _ in range(2):
                now_s[0] += 2
                eventually(lambda: server.written_s[LOCK] >= now_s[0])
                with Lease(objects, "model/abcd", life_s=3).held(wait=False) as second:
                    assert not second
        assert LOCK not in server.objects


def test_a_lease_of_a_dead_holder_is_taken_over(tmp_path: Path) -> None:
    elsewhere = json.dumps({"machine": "another", "pid": 1, "lease": "x", "written": 1}).encode()
    with faulty_s3() as server:
        looks = f"HEAD {LOCK}"
        server.clock = lambda: 1.8e9 + server.requests.count(looks)  # every look of a taker takes a second
        objects = Objects("bucket", "", AwsSession(settings(server.url, tmp_path)))
        assert objects.put_new(".locks/model-abcd.json", elsewhere)
        with Lease(objects, "model/abcd", life_s=3).held(wait=False) as held:
            assert not held  # it may be alive
        with Lease(objects, "model/abcd", life_s=3).held(wait=True) as held:
            assert held and server.requests.count(looks) == 4


def left_by_a_dead_process(objects: Objects) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    holder = json.loads(Lease(objects, "model/abcd")._content())
    objects.put_new(".locks/model-abcd.json", json.dumps(holder | {"pid": process.pid}).encode())


def test_a_lease_of_a_process_that_died_here_is_taken_over_at_once(moto_url: str, tmp_path: Path) -> None:
    objects = objects_at(moto_url, tmp_path)
    left_by_a_dead_process(objects)
    with Lease(objects, "model/abcd").held(wait=False) as held:
        assert held


def test_of_many_one_takes_over(moto_url: str, tmp_path: Path) -> None:
    objects = objects_at(moto_url, tmp_path)
    left_by_a_dead_process(objects)
    inside, most, barrier = [0], [0], threading.Barrier(6)

    def take() -> None:
        barrier.wait()
        with Lease(objects, "model/abcd").held(wait=True):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.1)
            inside[0] -= 1

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


@pytest.mark.parametrize("uri", ["s3://", "s3://UPPER/x", "s3://bucket/../other", "s3://bucket/a//b", "gs://bucket/x"])
def test_an_impossible_uri_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError):
        open_store(uri)


def test_a_uri_is_said_as_it_was_typed() -> None:
    assert open_store("s3://bucket/pre/fix/").uri == "s3://bucket/pre/fix"
    assert open_store("s3://bucket").uri == "s3://bucket"
