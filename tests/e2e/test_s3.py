"""The program on a store in S3 (moto): the same commands, the same results, nothing secret said."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("boto3")

from tests.e2e.conftest import EXAMPLES, Ran, actorrec

from s3_servers import FAKE_KEYS, client, new_bucket

UNSEEN = EXAMPLES / "unseen" / "Nikola_Tesla" / "seated.jpg"


class Program:
    """Runs the program with fake keys and an endpoint."""

    def __init__(self, url: str, folder: Path) -> None:
        self.bucket, self.folder = new_bucket(url), folder
        self.store = f"s3://{self.bucket}/team/store"
        self.environ = {**FAKE_KEYS, "AWS_ENDPOINT_URL": url, "XDG_CACHE_HOME": str(folder / "cache")}

    def __call__(self, *arguments: object, **environ: str) -> Ran:
        ran = actorrec(*arguments, cwd=self.folder, **{**self.environ, **environ})
        assert "Traceback" not in ran.stderr
        for secret in (FAKE_KEYS["AWS_ACCESS_KEY_ID"], FAKE_KEYS["AWS_SECRET_ACCESS_KEY"], "Signature"):
            assert secret not in ran.stdout + ran.stderr
        return ran


@pytest.fixture
def program(moto_url: str, tmp_path: Path) -> Program:
    return Program(moto_url, tmp_path)


def test_the_chain_on_s3_and_copies_of_it(program: Program, moto_url: str, tmp_path: Path) -> None:
    at_s3 = ("--store", program.store)
    enrolled = program("enroll", "--from", EXAMPLES / "people", *at_s3, "--quiet")
    assert enrolled.code == 0, enrolled.stderr
    named = program("infer", UNSEEN, *at_s3, "--json", ACTORREC_DEBUG="1")
    assert named.code == 0 and "Tesla" in named.stdout
    built = program("build-dataset", EXAMPLES / "people", *at_s3, "--json")
    assert built.code == 0, built.stderr
    assert program("build-dataset", EXAMPLES / "people", "--store", "local", "--quiet").code == 0
    here, there = (program("artifacts", "show", "--store", each, "--json").json for each in ("local", program.store))
    assert here["content_digest"] == there["content_digest"] and here["manifest"]["files"]
    again = program("build-dataset", EXAMPLES / "people", *at_s3, "--json")
    assert again.json == built.json
    listed = program("artifacts", "ls", *at_s3, "--json").json
    assert {row["kind"] for row in listed} == {"bundle", "dataset"}
    verified = program("artifacts", "verify", *at_s3, "--json")
    assert verified.code == 0 and verified.json["damaged"] == []
    pulled = program("artifacts", "pull", f"bundle/{listed[-1]['key']}", "--from", program.store, "--store", "here")
    assert pulled.code == 0, pulled.stderr
    assert "Tesla" in program("infer", UNSEEN, "--store", "here", "--json").stdout
    for page in client(moto_url).get_paginator("list_objects_v2").paginate(Bucket=program.bucket):
        for found in page["Contents"]:
            data = client(moto_url).get_object(Bucket=program.bucket, Key=found["Key"])["Body"].read()
            for secret in (FAKE_KEYS["AWS_ACCESS_KEY_ID"], FAKE_KEYS["AWS_SECRET_ACCESS_KEY"], "X-Amz-Signature"):
                assert secret.encode() not in data, found["Key"]


def test_push_gc_and_verify_tell_what_they_did(program: Program, tmp_path: Path) -> None:
    assert program("enroll", "--from", EXAMPLES / "people", "--store", "here", "--quiet").code == 0
    pushed = program("artifacts", "push", "--store", "here", "--to", program.store, "--json")
    assert pushed.code == 0 and pushed.json["copied"][-1]["sent"] == 1
    again = program("artifacts", "push", "--store", "here", "--to", program.store, "--json")
    assert again.json["copied"][-1]["sent"] == 0
    shown = program("artifacts", "show", "--store", program.store, "--json").json
    assert shown["manifest"]["kind"] == "bundle" and shown["missing"] == []
    collected = program("artifacts", "gc", "--store", program.store)
    assert collected.code == 0 and "nothing to delete" in collected.stdout
    (bundle,) = (tmp_path / "here" / "bundle").glob("*/bundle.zip")
    bundle.write_bytes(bundle.read_bytes()[:-1])
    verified = program("artifacts", "verify", "--store", "here")
    assert verified.code == 4 and "bundle.zip has" in verified.stderr
    as_json = program("artifacts", "verify", "--store", "here", "--json")
    assert as_json.code == 4 and as_json.json["damaged"][0][0].endswith("bundle.zip")
    refused = program("artifacts", "push", "--store", "here", "--to", f"{program.store}2")
    assert refused.code == 4 and "is damaged" in refused.stderr


def test_gc_asks_and_never_answers_itself(program: Program, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "Ada").mkdir(parents=True)
    shutil.copy(UNSEEN, tmp_path / "one" / "Ada")
    shutil.copy(EXAMPLES / "people" / "Hans_Gude" / "portrait.jpg", tmp_path / "two" / "Ada")
    for name in ("one", "two"):
        assert program("build-dataset", name, "--store", program.store, "--quiet").code == 0
    assert len(program("artifacts", "gc", "--dry-run", "--json", "--store", program.store).json["garbage"]) == 1
    asked = program("artifacts", "gc", "--store", program.store)
    assert asked.code == 2 and "--yes" in asked.stderr
    assert len(program("artifacts", "ls", "--json", "--store", program.store).json) == 2
    assert len(program("artifacts", "gc", "--yes", "--json", "--store", program.store).json["deleted"]) == 1
    assert len(program("artifacts", "ls", "--json", "--store", program.store).json) == 1


@pytest.mark.parametrize(
    ("environ", "code", "said"),
    [
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, 2, "no AWS credentials were found"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "ACTORREC_AWS__ATTEMPTS": "1"}, 3, "cannot be reached"),
        ({"AWS_PROFILE": "nobody"}, 2, "the AWS profile is not known"),
    ],
)
def test_without_a_way_in_one_line_says_what_to_do(
    program: Program, environ: dict[str, str], code: int, said: str
) -> None:
    for command in (["artifacts", "ls"], ["enroll", "--from", EXAMPLES / "people"], ["infer", UNSEEN]):
        ran = program(*command, "--store", program.store, **environ)
        assert ran.code == code and said in ran.stderr and "hint: " in ran.stderr, ran.stderr


def test_a_bucket_that_is_not_there(program: Program) -> None:
    ran = program("artifacts", "ls", "--store", "s3://not-there-at-all")
    assert ran.code == 3 and "there is no bucket 'not-there-at-all'" in ran.stderr


def test_without_boto3_the_line_that_installs_it_is_said(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules.update(boto3=None, botocore=None)\n"
        "sys.argv = ['actorrec', 'artifacts', 'ls', '--store', 's3://bucket']\n"
        "from actorrec.__main__ import main; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 2 and "pip install 'actorrec[aws]'" in ran.stderr and "Traceback" not in ran.stderr
