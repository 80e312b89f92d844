"""Our archive and hyperparameters through the toolkit that really runs in SageMaker's container."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sagemaker_toolkit
from sagemaker_toolkit import REPOSITORY, Ended, Machine, request_for

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.dataset.npz import export_npz
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.jobs import DATASET_PARAMETER, METRIC_LINE
from actorrec.manifests.model import ModelManifest
from actorrec.progress import SilentProgress
from s3_servers import FAKE_KEYS

ASKED = "TOOLKIT_VENV" in os.environ  # it takes minutes, so that `make test` leaves it to `make test-toolkit`
REASON = sagemaker_toolkit.why_not() if ASKED else "make test-toolkit runs it"
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

QUICK = {"training.epochs": 3, "training.augmentations": 1, "edge.variant": "float32"}
TUNING = {**QUICK, "training.fine_tune": True, "training.fine_tune_epochs": 8, "training.fine_tune_learning_rate": 1e-4}
JobMaker = Callable[..., Machine]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, DatasetManifest]:
    """The data set of examples/people."""
    store = LocalStore(tmp_path_factory.mktemp("store"))
    return store, build_dataset([REPOSITORY / "examples" / "people"], Config(), store=store, progress=SilentProgress())


@pytest.fixture
def job(people: tuple[LocalStore, DatasetManifest], moto_url: str, aws_keys: None, tmp_path: Path) -> JobMaker:
    """Machines of a job on that data set; ``channel`` is what they see instead of it."""

    def make(name: str, flags: dict[str, Any], channel: Path | None = None) -> Machine:
        store, dataset = people
        folder = tmp_path / name
        folder.mkdir()
        parameters = request_for(dataset, flags, folder, moto_url)
        if channel is not None and not (channel / "manifest.json").exists():
            del parameters[DATASET_PARAMETER]
        return Machine(folder, parameters, moto_url, {"train": channel or Path(store.uri) / dataset.ref})

    return make


def model_of(machine: Machine) -> ModelManifest:
    return ModelManifest.model_validate_json((machine.model / "manifest.json").read_bytes())


def succeeded(ended: Ended, machine: Machine) -> None:
    assert ended.code == 0, ended.log[-3000:]
    assert (machine.ml / "output" / "success").is_file()
    assert not machine.failure
    for secret in (FAKE_KEYS["AWS_SECRET_ACCESS_KEY"], FAKE_KEYS["AWS_ACCESS_KEY_ID"]):
        assert secret not in ended.log


# Without the packages that learn: as the Lambda and a device have it.
WITHOUT_TENSORFLOW = """
import sys
import tarfile
sys.modules.update(dict.fromkeys(["tensorflow", "keras", "boto3"]))
from pathlib import Path
from actorrec.recognition.bundle import open_bundle
bundle = open_bundle(Path(sys.argv[1]))
print(*bundle.card.classes, *bundle.gallery.person_ids)
"""


def test_a_data_set_becomes_a_model_and_a_bundle(job: JobMaker, people: tuple[LocalStore, DatasetManifest]) -> None:
    machine = job("good", QUICK)
    ended = machine.run()
    succeeded(ended, machine)
    assert re.search(rf"^{METRIC_LINE} .*\bloss=", ended.log, re.MULTILINE)
    model = model_of(machine)
    dataset = people[1]
    assert model.inputs == {dataset.ref: dataset.content_digest()}
    assert model.classes == sorted(person.person_id for person in dataset.people)
    assert (machine.model / "1" / "saved_model.pb").is_file()
    read = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, str(machine.model / "bundle.zip")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert read.stdout.split() == model.classes * 2
    for name in ("metrics.json", "history.png", "history.json"):
        assert (machine.ml / "output" / "data" / name).is_file()
    assert json.loads((machine.model / "metrics.json").read_text())["content_digest"] == model.content_digest()


def test_a_broken_data_set_fails_with_its_reason(
    job: JobMaker, people: tuple[LocalStore, DatasetManifest], tmp_path: Path
) -> None:
    store, dataset = people
    broken = tmp_path / "broken"
    shutil.copytree(Path(store.uri) / dataset.ref, broken)
    crop = broken / dataset.faces[0].crop
    crop.write_bytes(crop.read_bytes()[:-1])
    machine = job("bad", QUICK, broken)
    ended = machine.run()
    assert ended.code not in (0, -9)
    reason = f"{dataset.ref} in the channel 'train' is damaged: it holds other bytes in 1 of its 5 crops"
    assert machine.failure.startswith(reason)
    assert len(machine.failure) <= 1024
    assert f"error: {reason}" in ended.log
    assert not list(machine.model.iterdir())


def test_a_dataset_npz_of_the_original(
    job: JobMaker, people: tuple[LocalStore, DatasetManifest], tmp_path: Path
) -> None:
    store, dataset = people
    (tmp_path / "arrays").mkdir()
    export_npz(dataset, store, tmp_path / "arrays" / "dataset.npz")
    machine = job("npz", QUICK, tmp_path / "arrays")
    succeeded(machine.run(), machine)
    assert model_of(machine).classes == sorted(person.person_id for person in dataset.people)
    assert (machine.model / "bundle.zip").is_file()


def test_an_interrupted_job_goes_on_where_it_was(job: JobMaker) -> None:
    whole, machine = job("whole", TUNING), job("killed", TUNING)
    succeeded(whole.run(), whole)
    killed = machine.run(kill_when=partial(_has_checkpoint, machine))
    assert killed.code == -9
    assert not list(machine.model.iterdir())
    ended = machine.run()
    succeeded(ended, machine)
    assert "parts that an interrupted run left in /opt/ml/checkpoints" in ended.log
    assert model_of(machine).content_digest() == model_of(whole).content_digest()
    assert (machine.model / "model.keras").read_bytes() == (whole.model / "model.keras").read_bytes()


def test_two_machines_train_one_model(
    job: JobMaker, people: tuple[LocalStore, DatasetManifest], tmp_path: Path
) -> None:
    """As a job without a network to the outside: the archive comes by a channel of its own."""
    if reason := sagemaker_toolkit.why_no_networks():
        pytest.skip(reason)
    isolated = {"remote.instances": 2, "remote.isolated": True, "remote.image_uri": "registry/own:1"}
    first = job("first", {**TUNING, **isolated, "training.fine_tune_epochs": 1})
    [archive] = (tmp_path / "first" / "code").glob("*/sourcedir.tar.gz")
    _install_requirements(archive)
    channels = {**first.channels, "code": archive.parent}
    with sagemaker_toolkit.two_networks() as networks:
        hosts = {name: address for name, (address, _) in networks.items()}
        machines = [
            replace(first, root=tmp_path / name, channels=channels, hosts=hosts, name=name, before=enter)
            for name, (_, enter) in networks.items()
        ]
        processes = [machine.start() for machine in machines]
        # If one fails, the other would wait for it.
        ended = [
            machine.wait(process, kill_when=lambda _log: any(other.poll() not in (None, 0) for other in processes))
            for machine, process in zip(machines, processes, strict=True)
        ]
    for number, (machine, end) in enumerate(zip(machines, ended, strict=True), start=1):
        succeeded(end, machine)
        assert f"worker {number} of 2" in end.log
    assert model_of(machines[0]).classes == sorted(person.person_id for person in people[1].people)
    assert (machines[0].model / "bundle.zip").is_file()
    for folder in ("model", "output/data"):
        assert not list((machines[1].ml / folder).iterdir())
    assert not list((machines[1].ml / "checkpoints").rglob("manifest.json"))


def _install_requirements(archive: Path) -> None:
    """What the toolkit would install: these machines reach no package index."""
    with tarfile.open(archive) as packed:
        member = packed.extractfile("requirements.txt")
        assert member is not None
        wanted = member.read().decode().split()
    pip = [sagemaker_toolkit.VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--root-user-action=ignore", *wanted], check=True)


def _has_checkpoint(machine: Machine, _log: str) -> bool:
    return any((machine.ml / "checkpoints").glob("actorrec/model/*/unfinished/tuning-*.npz"))
