"""What our small stand-in for containers does around a job: the ground that tests of whole jobs stand on."""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("boto3")

from actorrec.errors import JobError
from actorrec.jobs.follow import follow
from actorrec.jobs.listing import read_state, stop_job
from containers import run_processing_job, run_training, why_not
from job_requests import Heard, aws_session, processing_request, start, training_request
from s3_servers import client, new_bucket
from sagemaker_server import SageMaker, sagemaker

__all__ = ["sagemaker"]
pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

LOOK = """
import json, sys, pathlib
ml = pathlib.Path("/opt/ml")
me = json.loads((ml / "config/resourceconfig.json").read_text())
mine = sorted(path.name for path in (ml / "processing/input").iterdir())
assert (ml / "processing/all/people.json").exists() and sys.argv[1:] == ["--word", "a b"]
(ml / "processing/output" / (me["current_host"] + ".json")).write_text(json.dumps([me["hosts"], mine]))
print(me["current_host"], len(mine))
"""
SCRIPT = """
import json, os, sys, pathlib
from actorrec import here  # of the archive, not of this machine
ml = pathlib.Path("/opt/ml")
assert sys.argv[1:] == ["--training.epochs", "3", "--dataset", "dataset/abcd"], sys.argv
assert json.loads(os.environ["SM_HPS"]) == {"training.epochs": 3, "dataset": "dataset/abcd"}
assert sorted(p.name for p in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir()) == ["a.txt", "folder"]
assert pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "folder", "b.txt").read_text() == "b"
checkpoint = ml / "checkpoints" / "epoch"
epoch = int(checkpoint.read_text()) + 1 if checkpoint.exists() else 1
checkpoint.write_text(str(epoch))
print(f"metrics: epoch={epoch}", flush=True)
if epoch == 1:
    (ml / "output" / "failure").write_text("the power went")
    sys.exit(3)
pathlib.Path(os.environ["SM_MODEL_DIR"], "1").mkdir()
pathlib.Path(os.environ["SM_MODEL_DIR"], "1", "net").write_text("learned")
"""


def code(script: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in {"train.py": script, "actorrec/__init__.py": "here = True"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def request(bucket: str, name: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/data/", "S3DataDistributionType": "FullyReplicated"}
    return training_request(
        name,
        HyperParameters={
            "sagemaker_program": '"train.py"', "sagemaker_submit_directory": f'"s3://{bucket}/code/sourcedir.tar.gz"',
            "training.epochs": "3", "dataset": '"dataset/abcd"',
        },
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/jobs"},
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints/x"},
    )  # fmt: skip


def test_a_training_job_runs_fails_and_goes_on(sagemaker: SageMaker) -> None:
    s3, bucket = client(sagemaker.s3_url), new_bucket(sagemaker.s3_url)
    for key, data in {"data/a.txt": b"a", "data/folder/b.txt": b"b", "code/sourcedir.tar.gz": code(SCRIPT)}.items():
        s3.put_object(Bucket=bucket, Key=key, Body=data)
    sagemaker.runner = lambda asked, says: run_training(asked, s3, says)
    aws, heard = aws_session(), Heard()
    with pytest.raises(JobError, match="failed: AlgorithmError: the power went, exit code: 3"):
        follow(aws, start(aws, request(bucket, "actorrec-train-1")), told=heard, poll_s=0.05)
    state = follow(aws, start(aws, request(bucket, "actorrec-train-2")), told=heard, poll_s=0.05)
    assert [values["epoch"] for _, values in heard.measures] == [1, 2], "its checkpoints came back"
    assert state.metrics == {"epoch": 2.0} and state.model_uri is not None
    key = state.model_uri.removeprefix(f"s3://{bucket}/")
    with tarfile.open(fileobj=s3.get_object(Bucket=bucket, Key=key)["Body"], mode="r|gz") as archive:
        assert sorted(archive.getnames()) == ["1", "1/net"]


def test_a_processing_job_deals_its_input_to_its_hosts(sagemaker: SageMaker) -> None:
    s3, bucket = client(sagemaker.s3_url), new_bucket(sagemaker.s3_url)
    for number in range(5):
        s3.put_object(Bucket=bucket, Key=f"in/{number}.jpg", Body=b"x")
    s3.put_object(Bucket=bucket, Key="all/people.json", Body=b"{}")
    s3.put_object(Bucket=bucket, Key="code/look.py", Body=LOOK.encode())

    def given(name: str, dealt: str) -> dict[str, Any]:
        source = {"S3Uri": f"s3://{bucket}/{name}/", "LocalPath": f"/opt/ml/processing/{dealt}"}
        how = "ShardedByS3Key" if dealt == "input" else "FullyReplicated"
        more = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": how}
        return {"InputName": dealt, "S3Input": {**source, **more}}

    out = {"S3Uri": f"s3://{bucket}/out", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    asked = processing_request(
        ProcessingInputs=[given("in", "input"), given("all", "all"), given("code", "code")],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": out}]},
        AppSpecification={
            "ImageUri": "image",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/look.py"],
            "ContainerArguments": ["--word", "a b"],
        },
    )  # fmt: skip
    sagemaker.runner = lambda each, says: run_processing_job(each, s3, says)
    aws, heard = aws_session(), Heard()
    follow(aws, start(aws, asked), told=heard, poll_s=0.05)
    found = [json.loads(s3.get_object(Bucket=bucket, Key=f"out/algo-{host}.json")["Body"].read()) for host in (1, 2)]
    assert [hosts for hosts, _ in found] == [["algo-1", "algo-2"]] * 2
    assert [mine for _, mine in found] == [["0.jpg", "2.jpg", "4.jpg"], ["1.jpg", "3.jpg"]]
    assert heard.lines == ["algo-1 3", "algo-2 2"] and heard.hosts == ["algo-1", "algo-2"]


STOPPED = """
import pathlib, signal, sys, time
def stop(*_):
    pathlib.Path("/opt/ml/checkpoints/kept").write_text("x")
    print("stopping", flush=True)
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
for epoch in range(30000):
    print(f"metrics: epoch={epoch}", flush=True)
    time.sleep(0.02)
"""


def test_a_job_that_is_stopped_gets_a_signal_and_its_checkpoints_stay(sagemaker: SageMaker) -> None:
    s3, bucket = client(sagemaker.s3_url), new_bucket(sagemaker.s3_url)
    s3.put_object(Bucket=bucket, Key="code/sourcedir.tar.gz", Body=code(STOPPED))
    sagemaker.runner = lambda asked, says: run_training(asked, s3, says)
    aws = aws_session()
    name = start(aws, request(bucket, "actorrec-train-1"))

    class Impatient(Heard):
        def measured(self, host: str, values: Mapping[str, float]) -> None:
            super().measured(host, values)
            if len(self.measures) == 3:
                assert stop_job(aws, read_state(aws, name))

    heard = Impatient()
    with pytest.raises(JobError, match="was stopped"):
        follow(aws, name, told=heard, poll_s=0.05)
    assert "stopping" in heard.lines and {"Stopping", "Stopped"} <= set(heard.states)
    assert s3.get_object(Bucket=bucket, Key="checkpoints/x/kept")["Body"].read() == b"x"
