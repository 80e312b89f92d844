"""``actorrec jobs`` as a user runs it: a program of its own, also on a terminal."""

import codecs
import contextlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.catalog import load_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.s3 import S3Store
from actorrec.errors import JobError
from actorrec.jobs.follow import follow
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from job_requests import NAME, Heard, aws_session, processing_request, start, training_request
from own_environ import own_environ
from patience import PATIENCE_S
from s3_servers import FAKE_KEYS, new_bucket, settings
from sagemaker_server import SageMaker, Step, sagemaker
from stored_chains import add_dataset, add_images, whole
from trained_archives import contents, made_bundle, made_model, packed

__all__ = ["sagemaker"]
SECRET = "https://b.s3.amazonaws.com/k?X-Amz-Signature=feedfacefeedface"
SEEN = "Hello https://b.s3.amazonaws.com/k?[hidden]"
METRICS = "metrics: epoch=1 loss=0.5"


@dataclass
class Program:
    """Runs the program in a folder, against the fake."""

    sagemaker: SageMaker
    folder: Path
    bucket: str

    @property
    def environ(self) -> dict[str, str]:
        clean = own_environ("AWS_")
        mine = {
            "ACTORREC_REMOTE__POLL_S": "0.05", "XDG_CACHE_HOME": str(self.folder / "cache"), "COLUMNS": "300",
            "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        return {**clean, **self.sagemaker.environ, **mine}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "actorrec", "jobs", *arguments, "--store", "store"]

    def __call__(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        ran = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False,
            timeout=PATIENCE_S, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert "Traceback" not in ran.stderr, ran.stderr
        for secret in (FAKE_KEYS["AWS_SECRET_ACCESS_KEY"], "feedfacefeedface"):
            assert secret not in ran.stdout + ran.stderr
        return ran


class Terminal:
    """The program on a terminal of its own, with a person in front of it."""

    def __init__(self, program: Program, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.said = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a letter may come in two reads
        command = ["setsid", "--ctty", *program.command(*arguments)]  # so that Ctrl-C typed there reaches it
        self.process = subprocess.Popen(
            command, cwd=program.folder, env=program.environ, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)

    def until(self, wanted: str | Callable[[str], bool]) -> str:
        """Read until something was said; the program's end will do for a function."""
        deadline = time.monotonic() + PATIENCE_S
        while not (wanted in self.said if isinstance(wanted, str) else wanted(self.said)):
            assert time.monotonic() < deadline, self.said
            if select.select([self._master], [], [], 1)[0]:
                try:
                    self.said += self._decoder.decode(os.read(self._master, 65536))
                except OSError:  # Linux's way to say that nobody holds the other end
                    assert not isinstance(wanted, str), self.said
                    break
        return self.said

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self) -> int:
        """Exit code."""
        self.until(lambda _: False)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def program(sagemaker: SageMaker, tmp_path: Path) -> Program:
    return Program(sagemaker, tmp_path, new_bucket(sagemaker.s3_url))


@pytest.fixture
def model(program: Program) -> ModelManifest:
    """A job that is at work will leave this, made from a data set in the cloud."""
    cloud = S3Store(program.bucket, "team", settings(program.sagemaker.s3_url, program.folder / "mine"))
    dataset = add_dataset(cloud, "abcdabcdabcdabcd", 1, add_images(cloud, "aaaabbbbccccdddd", 0, files=1), files=1)
    made = made_model({dataset.ref: dataset.content_digest()})
    program.sagemaker.artifact = packed(contents(made, made_bundle(made)))
    program.sagemaker.timeline = [Step("Training", "Training in progress", lines=(f"Hello {SECRET}", METRICS), polls=0)]
    tags = {"actorrec:dataset": dataset.ref, "actorrec:dataset-digest": dataset.content_digest()}
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{program.bucket}/team/{dataset.ref}/"}
    request = training_request(
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": f"s3://{program.bucket}/team/jobs"},
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    start(aws_session(), request)
    return made


@pytest.fixture
def terminal(program: Program) -> Iterator[Callable[..., Terminal]]:
    if shutil.which("setsid") is None:
        pytest.skip("setsid, which gives a program a terminal of its own, is not installed")
    opened: list[Terminal] = []

    def open_one(*arguments: str) -> Terminal:
        opened.append(Terminal(program, *arguments))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def completed(program: Program) -> None:
    program.sagemaker.jobs[NAME].steps += [Step("Uploading"), Step("Completed")]
    program.sagemaker.jobs[NAME].steps[0] = Step("Training")


def test_ls_and_status(program: Program, model: ModelManifest) -> None:
    del model
    start(aws_session(), processing_request())
    listed = json.loads(program("ls", "--json").stdout)
    assert [row["name"] for row in listed] == ["actorrec-build-abcd-1", NAME]
    assert listed[1]["status"] == "InProgress" and listed[0]["instances"] == 2
    table = program("ls").stdout
    assert NAME in table and "2 × ml.c5.xlarge" in table and "USD (estimate, 2026-11)" in table
    status = json.loads(program("status", "train-abcd", "--json").stdout)
    assert status["name"] == NAME and status["dataset"] == "dataset/abcdabcdabcdabcd" and status["ended_at"] is None
    assert status["cost_usd"] is not None and status["metrics"] == {}
    completed(program)
    follow(aws_session(), NAME, told=Heard(), poll_s=0.01)
    shown = program("status", NAME)
    assert "Completed" in shown.stdout and "model.tar.gz" in shown.stdout and "loss" in shown.stdout
    ended = json.loads(program("status", NAME, "--json").stdout)
    assert ended["metrics"] == {"epoch": 1.0, "loss": 0.5} and ended["billable_s"] == 1000
    assert ended["cost_usd"] == pytest.approx(1000 / 3600 * 0.23, abs=1e-4)


def test_logs(program: Program, model: ModelManifest) -> None:
    del model
    assert program("logs", NAME).stdout == f"{SEEN}\n{METRICS}\n"
    lines = [json.loads(line) for line in program("logs", NAME, "--json").stdout.splitlines()]
    assert [line["line"] for line in lines] == [SEEN, METRICS] and lines[0]["host"] == "algo-1"
    completed(program)
    program.sagemaker.jobs[NAME].steps[-1] = Step("Completed", lines=("Bye",))
    assert program("logs", NAME, "--follow").stdout == f"{SEEN}\n{METRICS}\nBye\n"
    program.sagemaker.timeline = [Step("Starting", polls=0)]
    start(aws_session(), processing_request())
    silent = program("logs", "newest")
    assert silent.returncode == 0 and silent.stdout == "" and "has written nothing yet" in silent.stderr


def test_stop_asks_and_never_answers_itself(program: Program, model: ModelManifest) -> None:
    del model
    asked = program("stop", NAME)
    assert asked.returncode == 2 and "--yes" in asked.stderr and not program.sagemaker.jobs[NAME].stops
    stopped = program("stop", NAME, "--yes")
    assert stopped.returncode == 0 and "checkpoints stay in s3://bucket/jobs/checkpoints/x" in stopped.stdout
    assert program.sagemaker.jobs[NAME].stops == 1
    with pytest.raises(JobError, match="was stopped"):
        follow(aws_session(), NAME, told=Heard(), poll_s=0.01)
    again = program("stop", NAME, "--yes", "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout) == {"job": NAME, "stopped": False, "status_before": "Stopped"}


def test_stop_asks_on_a_terminal(program: Program, model: ModelManifest, terminal: Callable[..., Terminal]) -> None:
    del model
    person = terminal("stop", NAME)
    person.until("[y/N]")
    person.type("n\n")
    assert person.end() == 0 and "was left running" in person.said and not program.sagemaker.jobs[NAME].stops


def test_attach_brings_the_model_to_another_machine(program: Program, model: ModelManifest) -> None:
    completed(program)
    ran = program("attach", "newest", "--json")
    assert ran.returncode == 0 and "loss 0.5" in ran.stderr, ran.stderr
    assert json.loads(ran.stdout)["model"] == model.ref
    store = LocalStore(program.folder / "store")
    assert whole(store, load_manifest(store, ModelManifest, model.key))
    assert whole(store, load_manifest(store, DatasetManifest, "newest")), "from where the job had it; no setting says"
    again = program("attach", NAME)
    assert again.returncode == 0 and model.ref in again.stdout and "loss 0.5" not in again.stderr


def test_attach_says_why_a_job_failed(program: Program, model: ModelManifest) -> None:
    del model
    program.sagemaker.jobs[NAME].steps = [Step("Failed", reason="AlgorithmError: no faces, exit code: 1")]
    ran = program("attach", NAME)
    assert ran.returncode == 3 and "failed: AlgorithmError: no faces" in ran.stderr and "hint: " in ran.stderr
    as_json = program("attach", NAME, "--json")
    assert json.loads(as_json.stdout)["exit_code"] == 3


def test_attach_to_a_processing_job(program: Program) -> None:
    start(aws_session(), processing_request())
    ran = program("attach", "newest", "--json")
    assert ran.returncode == 0 and json.loads(ran.stdout)["outputs"] == ["s3://bucket/shards"]


def test_unknown_jobs_are_one_line(program: Program, model: ModelManifest) -> None:
    del model
    ran = program("attach", "actorrec-train-zzzz")
    assert ran.returncode == 3 and "error: no job 'actorrec-train-zzzz'" in ran.stderr and NAME in ran.stderr


def test_a_store_that_takes_nothing_costs_no_second_job(program: Program, model: ModelManifest) -> None:
    del model
    completed(program)
    (program.folder / "store").write_text("a file")
    ran = program("attach", NAME)
    assert ran.returncode == 4 and f"come back to this job with: actorrec jobs attach {NAME}" in ran.stderr


def test_ctrl_c_without_a_terminal_detaches(program: Program, model: ModelManifest) -> None:
    del model
    command = program.command("attach", NAME, "--json")
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=program.folder, env=program.environ, text=True, **pipes) as process:
        try:
            for line in process.stderr:
                if "loss 0.5" in line:
                    break
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
    assert process.returncode == 130 and f"actorrec jobs attach {NAME}" in stderr and "Traceback" not in stderr
    assert json.loads(stdout) == {"error": "detached", "hint": f"actorrec jobs attach {NAME}", "exit_code": 130}
    assert not program.sagemaker.jobs[NAME].stops


def test_ctrl_c_on_a_terminal_asks(program: Program, model: ModelManifest, terminal: Callable[..., Terminal]) -> None:
    person = terminal("attach", NAME)
    person.until("loss 0.5")
    person.type("\x03")
    person.until("[s/d/G]")
    time.sleep(2.5)  # longer than an insistent Ctrl-C would wait
    person.type("g\n")
    completed(program)
    assert person.end() == 0 and model.ref in person.said and person.said.count("Hello") == 1
    assert not program.sagemaker.jobs[NAME].stops


@pytest.mark.parametrize("answer", ["d\n", "\x03", "\x04"], ids=["d", "Ctrl-C", "Ctrl-D"])
def test_ctrl_c_and_detach(
    program: Program, model: ModelManifest, terminal: Callable[..., Terminal], answer: str
) -> None:
    del model
    person = terminal("attach", NAME)
    person.until("loss 0.5")
    person.type("\x03")
    person.until("[s/d/G]")
    person.type(answer)
    assert person.end() == 130 and f"Come back with: actorrec jobs attach {NAME}" in person.said
    assert not program.sagemaker.jobs[NAME].stops


def test_ctrl_c_and_stop(program: Program, model: ModelManifest, terminal: Callable[..., Terminal]) -> None:
    program.sagemaker.artifact = None
    person = terminal("attach", NAME)
    person.until("loss 0.5")
    person.type("\x03")
    person.until("[s/d/G]")
    person.type("s\n")
    assert person.end() == 3 and "was stopped" in person.said and "checkpoints stay in" in person.said
    assert program.sagemaker.jobs[NAME].stops == 1
    assert not list(LocalStore(program.folder / "store").names(f"model/{model.key}"))
