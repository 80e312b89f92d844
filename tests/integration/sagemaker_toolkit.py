"""The toolkit that really runs in SageMaker's TensorFlow container, without a container and without an account.

``sagemaker-training`` and ``sagemaker-tensorflow-training`` lie in a virtual environment of their own (``make
test-toolkit`` makes it), which lacks this package: that comes from ``sourcedir.tar.gz``, as in the cloud. In a private
mount namespace ``/opt/ml`` is a folder of the test's, and ``/etc/hosts`` knows the machines of the job.

By hand: ``python tests/integration/sagemaker_toolkit.py DATASET_FOLDER [section.key=value ...]``.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # by hand

from containers import private_namespace
from s3_servers import FAKE_KEYS

REPOSITORY = Path(__file__).resolve().parents[2]
VENV = Path(os.environ.get("TOOLKIT_VENV") or REPOSITORY / ".venv-toolkit")
_GROUP = "homogeneousCluster"
_INSTANCE = "ml.g5.xlarge"

# $1 hosts, $2 what is /opt/ml, $3 scratch, the rest: the command. All mounts are gone with the namespace.
_INSIDE = r"""
set -euo pipefail
hosts=$1 ml=$2 scratch=$3; shift 3
mount --bind "$hosts" /etc/hosts
if [ ! -d /opt/ml ]; then  # /opt once more, with a folder for it
  mkdir -p "$scratch"
  mount --rbind /opt "$scratch"
  mount -t tmpfs tmpfs /opt
  for entry in "$scratch"/*; do
    target=/opt/$(basename "$entry")
    if [ -d "$entry" ]; then mkdir "$target"; else touch "$target"; fi
    mount --rbind "$entry" "$target"
  done
  mkdir /opt/ml
fi
mount --bind "$ml" /opt/ml
mount --bind /opt/ml/input/data /opt/ml/input/data
mount -o remount,bind,ro /opt/ml/input/data
exec "$@"
"""


def why_not() -> str:
    """Why the toolkit cannot be run here; empty where it can."""
    if not (VENV / "bin" / "train").is_file():
        return f"{VENV.name} is not there: make test-toolkit makes it"
    return private_namespace()[1]


@contextmanager
def two_networks() -> Iterator[dict[str, tuple[str, tuple[str, ...]]]]:
    """Two machines' networks with a cable between them: name → address and what a command of that machine begins with.

    Both listen on one port, as SageMaker's machines do, so that they cannot share a network.
    """
    holders = [subprocess.Popen(["unshare", "--net", "sleep", "infinity"]) for _ in range(2)]
    try:
        own = Path("/proc/self/ns/net").readlink()
        while any(Path(f"/proc/{holder.pid}/ns/net").readlink() == own for holder in holders):
            time.sleep(0.01)
        inside = [("nsenter", "--target", str(holder.pid), "--net") for holder in holders]
        cable = ["ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(holders[1].pid)]
        subprocess.run([*inside[0], *cable], check=True)
        machines = {}
        for index, enter in enumerate(inside):
            address = f"10.123.0.{index + 1}"
            for change in (f"addr add {address}/24 dev cable", "link set cable up", "link set lo up"):
                subprocess.run([*enter, "ip", *change.split()], check=True)
            machines[f"algo-{index + 1}"] = (address, enter)
        yield machines
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()


def why_no_networks() -> str:
    """Why ``two_networks`` cannot be made here; empty where they can."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("nsenter") is None:
        return "only root with `ip` and `nsenter` can give each machine a network of its own"
    try:
        with two_networks():
            return ""
    except (subprocess.CalledProcessError, OSError) as error:
        return f"no network of its own can be made here: {error}"


@dataclass(frozen=True)
class Ended:
    """How a machine of a job ended.

    Attributes:
        log: What CloudWatch would show.
    """

    code: int
    log: str


@dataclass
class Machine:
    """One machine of a job, and its /opt/ml.

    Attributes:
        root: Folder of this machine's alone.
        hyperparameters: As ``create_training_job`` takes them: JSON texts.
        s3_url: Of the server that holds ``sourcedir.tar.gz``.
        channels: Channel → folder that it shows; never written to.
        hosts: Names of all machines → address.
        name: Of this one.
        before: Put in front of the command: another network namespace, say.
    """

    root: Path
    hyperparameters: Mapping[str, str]
    s3_url: str
    channels: Mapping[str, Path]
    hosts: Mapping[str, str] = field(default_factory=lambda: {"algo-1": "127.0.0.1"})
    name: str = "algo-1"
    before: Sequence[str] = ()

    @property
    def ml(self) -> Path:
        """What is /opt/ml inside."""
        return self.root / "ml"

    @property
    def model(self) -> Path:
        return self.ml / "model"

    @property
    def failure(self) -> str:
        path = self.ml / "output" / "failure"
        return path.read_text() if path.is_file() else ""

    def run(self, kill_when: Callable[[str], bool] | None = None) -> Ended:
        """Run a container from its start; of an earlier one only the checkpoints are left.

        Args:
            kill_when: Looks at the log so far, and says when the power goes.
        """
        return self.wait(self.start(), kill_when)

    def start(self) -> "subprocess.Popen[bytes]":
        self._lay_out()
        command = [*self.before, *private_namespace()[0], "bash", "-c", _INSIDE, "bash"]
        command += [str(self.root / "hosts"), str(self.ml), str(self.root / "opt"), str(VENV / "bin" / "train")]
        with (self.root / "log").open("wb") as log:
            # Started in the code folder's parent: nothing of the checkout may be imported.
            return subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=self._environ(), cwd=self.root,
                start_new_session=True,
            )  # fmt: skip

    def wait(self, process: "subprocess.Popen[bytes]", kill_when: Callable[[str], bool] | None = None) -> Ended:
        try:
            while kill_when is not None and process.poll() is None:
                if kill_when(self._log()):
                    break
                time.sleep(0.02)
            else:
                process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        return Ended(process.wait(), self._log())

    def _log(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    def _lay_out(self) -> None:
        checkpoints = self.ml / "checkpoints"
        checkpoints.mkdir(parents=True, exist_ok=True)
        for path in self.ml.iterdir():
            if path != checkpoints:
                shutil.rmtree(path)
        for name in ("input/config", "model", "output/data"):
            (self.ml / name).mkdir(parents=True)
        for channel, folder in self.channels.items():
            shutil.copytree(folder, self.ml / "input" / "data" / channel)
        self._configure()
        known = Path("/etc/hosts").read_text()
        (self.root / "hosts").write_text(known + "".join(f"{a} {name}\n" for name, a in self.hosts.items()))

    def _configure(self) -> None:
        hosts = sorted(self.hosts)
        group = {"instance_group_name": _GROUP, "instance_type": _INSTANCE, "hosts": hosts}
        channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
        written: dict[str, Any] = {
            "hyperparameters": dict(self.hyperparameters),
            "resourceconfig": {
                "current_host": self.name, "hosts": hosts, "network_interface_name": "lo",
                "current_instance_type": _INSTANCE, "current_group_name": _GROUP, "instance_groups": [group],
            },
            "inputdataconfig": dict.fromkeys(self.channels, channel),
        }  # fmt: skip
        for name, content in written.items():
            (self.ml / "input" / "config" / f"{name}.json").write_text(json.dumps(content))

    def _environ(self) -> dict[str, str]:
        """Of this machine: the path, and how packages are found. Nothing of this project's or of AWS's."""
        ours = ("ACTORREC_", "AWS_", "PYTHON", "VIRTUAL_ENV", "SM_", "TF_CONFIG", "PYTEST")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | FAKE_KEYS | {
            "PATH": f"{VENV / 'bin'}:{os.environ['PATH']}",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.s3_url,
            "S3_ENDPOINT_URL": self.s3_url,
            # As the image sets them:
            "SAGEMAKER_TRAINING_MODULE": "sagemaker_tensorflow_container.training:main",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }  # fmt: skip


def request_for(dataset: Any, flags: Mapping[str, Any], folder: Path, s3_url: str) -> dict[str, str]:
    """Plan a job as ``actorrec train --remote`` does and upload its code; returns the request's hyperparameters."""
    from datetime import UTC, datetime

    from actorrec.config import load_config
    from actorrec.jobs.sourcedir import build_sourcedir
    from actorrec.jobs.training import plan_training
    from s3_servers import client, new_bucket

    bucket = new_bucket(s3_url)
    settings = {"remote.bucket": bucket, "aws.region": "us-east-1", **flags}
    config = load_config(environ={}, flags=settings).config
    code = build_sourcedir(folder / "code")
    plan = plan_training(dataset, config, code=code, now=datetime.now(UTC), suffix="toolkit")
    for upload in plan.uploads:
        if upload.path is not None:
            name = upload.uri.removeprefix(f"s3://{bucket}/")
            client(s3_url).upload_file(str(upload.path), bucket, name)
    parameters: dict[str, str] = plan.request["HyperParameters"]
    return parameters


def main(dataset: str, *settings: str) -> int:
    """Run the toolkit on one data set and show its log."""
    from actorrec.manifests.dataset import DatasetManifest
    from s3_servers import _SERVER

    if reason := why_not():
        print(f"cannot run here: {reason}", file=sys.stderr)
        return 2
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen([sys.executable, "-c", _SERVER], env={**os.environ, **FAKE_KEYS}, **pipes) as server,
    ):
        try:
            url = server.stdout.readline().strip()
            manifest = DatasetManifest.model_validate_json(Path(dataset, "manifest.json").read_bytes())
            flags = dict(setting.split("=", 1) for setting in settings)
            machine = Machine(
                Path(folder), request_for(manifest, flags, Path(folder), url), url, {"train": Path(dataset)}
            )
            ended = machine.run()
            print(ended.log, *sorted(map(str, machine.model.rglob("*"))), machine.failure, sep="\n")
        finally:
            server.stdin.close()
    return ended.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
