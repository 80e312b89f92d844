"""What SageMaker does around a container, in small: data from S3 to /opt/ml, the command, results back to S3.

No container: the command runs with this machine's Python in a private mount namespace in which /opt/ml is a folder of
the test's. Where no such namespace may be made, ``why_not()`` says why, and tests skip with that::

    pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
    sagemaker.runner = lambda request, says: run_training(request, s3_client(moto_url), says)
    sagemaker.runner = lambda request, says: run_processing_job(request, s3_client(moto_url), says)

A training job gets what the toolkit gives it (see test_sagemaker_toolkit.py for the real one): the archive unpacked in
/opt/ml/code and first on Python's path, ``SM_*`` variables, ``--name value``, one machine. A processing job runs its
entry point and arguments as they stand, one host after the other; ``run_processing(request, s3, host_index)`` runs one.
"""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from patience import PATIENCE_S
from s3_servers import FAKE_KEYS
from sagemaker_jobs import Outcome, Says, StopAskedError

# $1: what is /opt/ml; $2: scratch; then the command. All mounts are gone with the namespace.
_INSIDE = r"""
set -eu
ml=$1 scratch=$2; shift 2
if [ ! -d /opt/ml ]; then  # /opt once more, with a folder for it
  mount --rbind /opt "$scratch"
  mount -t tmpfs tmpfs /opt
  for entry in "$scratch"/*; do
    [ -e "$entry" ] || continue
    target=/opt/$(basename "$entry")
    if [ -d "$entry" ]; then mkdir "$target"; else touch "$target"; fi
    mount --rbind "$entry" "$target"
  done
  mkdir /opt/ml
fi
mount --bind "$ml" /opt/ml
cd /opt/ml
exec "$@"
"""
_KEPT_VARIABLES = ("HOME", "LANG", "TMPDIR", "XDG_CACHE_HOME", "TF_CPP_MIN_LOG_LEVEL")


@cache
def private_namespace() -> tuple[tuple[str, ...], str]:
    """The command that makes a private mount namespace here, or why there is none."""
    private = ("--mount", "--propagation", "private")
    for command in (("unshare", *private), ("unshare", "--map-root-user", *private)):
        try:
            tried = subprocess.run(
                [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, timeout=PATIENCE_S
            )
        except FileNotFoundError:
            return (), "unshare is not installed"
        if tried.returncode == 0:
            return command, ""
    return (), f"no private mount namespace may be made here: {tried.stderr.strip()}"


def why_not() -> str:
    """Why no job can be run here; empty where it can."""
    return private_namespace()[1]


def run_training(request: Mapping[str, Any], s3: Any, says: Says) -> Outcome:
    """Run a training job of one machine to its end; its model and checkpoints are in S3 afterwards."""
    assert request["ResourceConfig"]["InstanceCount"] == 1, "several machines need the real toolkit"
    with _ml_folder() as ml:
        hyperparameters = {name: json.loads(value) for name, value in request["HyperParameters"].items()}
        for channel in request.get("InputDataConfig", ()):
            source = channel["DataSource"]["S3DataSource"]
            _download(s3, source["S3Uri"], ml / "input" / "data" / channel["ChannelName"])
        checkpoints = request.get("CheckpointConfig")
        if checkpoints:
            _download(s3, checkpoints["S3Uri"].rstrip("/") + "/", ml / "checkpoints")
        _unpack_code(s3, hyperparameters["sagemaker_submit_directory"], ml)
        _write_json(ml / "input" / "config" / "hyperparameters.json", request["HyperParameters"])
        own = {name: value for name, value in hyperparameters.items() if not name.startswith("sagemaker_")}
        arguments = [part for name, value in own.items() for part in (f"--{name}", _as_argument(value))]
        command = [sys.executable, hyperparameters["sagemaker_program"], *arguments]
        environ = _training_variables(request, own) | request.get("Environment", {})
        code = _run(ml, ["sh", "-c", 'cd /opt/ml/code && exec "$@"', "sh", *command], environ, lambda t: says(1, t))
        if checkpoints:
            _upload(s3, ml / "checkpoints", checkpoints["S3Uri"])
        if code == 0 or any((ml / "model").iterdir()):  # also of a job that was stopped
            _put_model(s3, ml / "model", request)
        return _outcome(ml, code, f"AlgorithmError: , exit code: {code}")


def run_processing_job(request: Mapping[str, Any], s3: Any, says: Says) -> Outcome:
    """Run a processing job, one host after the other, to its end or its first failure."""
    outcome = Outcome(0)
    for host in range(request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]):
        outcome = run_processing(request, s3, host, says)
        if outcome.exit_code:
            break
    return outcome


def run_processing(request: Mapping[str, Any], s3: Any, host_index: int, says: Says = lambda *_: None) -> Outcome:
    """Run one host of a processing job; its outputs are in S3 afterwards.

    Args:
        request: Of ``create_processing_job``.
        s3: A client.
        host_index: From 0.
        says: Told of every line, with the number of the host, from 1.
    """
    count = request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
    hosts = [f"algo-{number + 1}" for number in range(count)]
    with _ml_folder() as ml:
        for given in request.get("ProcessingInputs", ()):
            source = given["S3Input"]
            share = (host_index, count) if source.get("S3DataDistributionType") == "ShardedByS3Key" else (0, 1)
            bring = _download_listed if source["S3DataType"] == "ManifestFile" else _download
            bring(s3, source["S3Uri"], _inside(ml, source["LocalPath"]), share)
        outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", ())
        for output in outputs:
            _inside(ml, output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        config = {"current_host": hosts[host_index], "hosts": hosts}
        _write_json(ml / "config" / "resourceconfig.json", config)
        _write_json(ml / "config" / "processingjobconfig.json", request)
        app = request["AppSpecification"]
        command = [*app["ContainerEntrypoint"], *app.get("ContainerArguments", ())]
        code = _run(ml, command, request.get("Environment", {}), lambda text: says(host_index + 1, text))
        if code == 0:  # "EndOfJob": of a failed host nothing is uploaded
            for output in outputs:
                _upload(s3, _inside(ml, output["S3Output"]["LocalPath"]), output["S3Output"]["S3Uri"])
        reason = f"AlgorithmError: See job logs for more information, exit code: {code}" if code else ""
        said = ml / "output" / "message"
        return Outcome(code, reason, said.read_text(errors="replace")[:1024] if said.is_file() else "")


@contextmanager
def _ml_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="opt-ml-") as name:
        for part in (
            "input/config",
            "input/data",
            "model",
            "output/data",
            "checkpoints",
            "code",
            "config",
            "processing",
        ):
            Path(name, part).mkdir(parents=True)
        yield Path(name)


def _run(ml: Path, command: Sequence[str], environ: Mapping[str, str], says: Any) -> int:
    clean = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    clean |= {"PATH": path, "AWS_REGION": "us-east-1", **FAKE_KEYS, "PYTHONUNBUFFERED": "1", **environ}
    clean |= {name: value for name, value in os.environ.items() if name.startswith("AWS_ENDPOINT_URL")}
    with tempfile.TemporaryDirectory(prefix="opt-") as scratch:
        inside = [*private_namespace()[0], "bash", "-c", _INSIDE, "bash", str(ml), scratch, *command]
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        with subprocess.Popen(inside, env=clean, text=True, errors="replace", **pipes) as process:
            asked = False
            for line in process.stdout:
                try:
                    says(line.rstrip("\n"))
                except StopAskedError:  # at each line from now on
                    if not asked:
                        process.terminate()
                    asked = True
    return process.returncode


def _training_variables(request: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, str]:
    resources = request["ResourceConfig"]
    channels = [channel["ChannelName"] for channel in request.get("InputDataConfig", ())]
    return {
        "PYTHONPATH": "/opt/ml/code",
        "TRAINING_JOB_NAME": request["TrainingJobName"],
        "SM_HPS": json.dumps(own),
        "SM_CHANNELS": json.dumps(channels),
        **{f"SM_CHANNEL_{name.upper()}": f"/opt/ml/input/data/{name}" for name in channels},
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_HOSTS": '["algo-1"]',
        "SM_CURRENT_HOST": "algo-1",
        "SM_NUM_GPUS": "0",
        "SM_NUM_CPUS": str(os.cpu_count()),
        "SM_CURRENT_INSTANCE_TYPE": resources["InstanceType"],
    }


def _unpack_code(s3: Any, place: str, ml: Path) -> None:
    if place.startswith("s3://"):
        bucket, _, key = place.removeprefix("s3://").partition("/")
        data = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    else:
        data = _inside(ml, place).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(ml / "code", filter="data")


def _put_model(s3: Any, folder: Path, request: Mapping[str, Any]) -> None:
    """One archive with everything in /opt/ml/model, as SageMaker makes it."""
    bucket, _, prefix = request["OutputDataConfig"]["S3OutputPath"].removeprefix("s3://").partition("/")
    key = "/".join(part for part in (prefix.strip("/"), request["TrainingJobName"], "output/model.tar.gz") if part)
    with tempfile.TemporaryFile() as packed:
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:  # 9 takes half a minute of weights
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name)
        packed.seek(0)
        s3.upload_fileobj(packed, bucket, key)


def _download(s3: Any, uri: str, folder: Path, share: tuple[int, int] = (0, 1)) -> None:
    """Everything that begins so; with a share, every ``share[1]``-th key of them."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    folder.mkdir(parents=True, exist_ok=True)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = sorted(each["Key"] for page in pages for each in page.get("Contents", ()) if not each["Key"].endswith("/"))
    cut = len(prefix) if prefix.endswith("/") or not prefix else len(prefix) - len(prefix.rpartition("/")[2])
    for key in keys[share[0] :: share[1]]:
        name = key[cut:] if key != prefix else key.rpartition("/")[2]
        if not prefix.endswith("/") and key.startswith(f"{prefix}/"):
            name = key[len(prefix) + 1 :]
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(target))


def _download_listed(s3: Any, uri: str, folder: Path, share: tuple[int, int]) -> None:
    """What a "ManifestFile" names: a prefix, then what follows it, which is also the name in the folder."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    first, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    bucket, _, prefix = first["prefix"].removeprefix("s3://").partition("/")
    for name in sorted(names)[share[0] :: share[1]]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, prefix + name, str(folder / name))


def _upload(s3: Any, folder: Path, uri: str) -> None:
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            key = "/".join(part for part in (prefix.strip("/"), path.relative_to(folder).as_posix()) if part)
            s3.upload_file(str(path), bucket, key)


def _inside(ml: Path, path: str) -> Path:
    assert re.match(r"/opt/ml/.", path), f"{path} is not below /opt/ml"
    return ml / path.removeprefix("/opt/ml/")


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def _as_argument(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value) if isinstance(value, list | dict) else str(value)


def _outcome(ml: Path, code: int, reason: str) -> Outcome:
    """SageMaker shows the beginning of what the program wrote to /opt/ml/output/failure (or message)."""
    if code == 0:
        return Outcome(0)
    failure = ml / "output" / "failure"
    said = failure.read_text(errors="replace")[:1000] if failure.is_file() else ""
    return Outcome(code, f"AlgorithmError: {said}, exit code: {code}" if said else reason)
