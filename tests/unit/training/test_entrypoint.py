"""The program of a training container: its settings, the data of its channel, its store, and how it fails."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actorrec.artifacts.catalog import commit_manifest, load_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.config import load_config
from actorrec.errors import ConfigError, DataError
from actorrec.jobs.hyperparameters import settings_parameters
from actorrec.manifests.dataset import DatasetManifest, FaceRecord, Person
from actorrec.manifests.jobs import HYPERPARAMETER_SECTIONS
from actorrec.training.container import Container, refuse_strangers
from actorrec.training.container_data import ChannelData, find_data
from actorrec.training.container_settings import JobSettings, read_settings
from actorrec.training.container_stop import STOPPED, stopping
from actorrec.training.container_store import working_store
from actorrec.training.entrypoint import main
from stored_chains import TEMPLATE, add_images

REFERENCE = "dataset/0123456789abcdef"


def settings(*argv: str, nets: Path | None = None, **hyperparameters: Any) -> JobSettings:
    environ = {"SM_HPS": json.dumps(hyperparameters)} if hyperparameters else {}
    return read_settings(argv, environ, nets)


def test_every_setting_that_travels_arrives_as_it_was() -> None:
    flags = {
        "training.fine_tune": True,
        "training.learning_rate": 0.003,
        "embedder.mean": [1.5, 2.0, 3.0],
        "embedder.licence": "1.0",  # looks like a number
        "calibration.target_fpir": 0.05,
        "edge.variant": "int8",
        "rights.allow_restricted": True,
    }
    asked = load_config(environ={}, flags=flags).config
    sent = {name: json.loads(text) for name, text in settings_parameters(asked, REFERENCE).items()}
    # The toolkit hands them over in SM_HPS and once more, with str(), on the command line.
    by_json = read_settings([], {"SM_HPS": json.dumps(sent)}, None)
    by_words = read_settings([word for name, value in sent.items() for word in (f"--{name}", str(value))], {}, None)
    for arrived in (by_json, by_words):
        assert arrived.dataset == REFERENCE
        assert arrived.config.rights.allow_restricted
        for section in HYPERPARAMETER_SECTIONS:
            assert getattr(arrived.config, section) == getattr(asked, section)


def test_hyperparameters_go_before_the_command_line() -> None:
    read = read_settings(["--training.epochs", "7"], {"SM_HPS": '{"training.epochs": 5}'}, None)
    assert read.config.training.epochs == 5


@pytest.mark.parametrize(
    "argv",
    [
        ("--training.epochs", "5", "--training.fine_tune", "true"),
        ("--training.epochs=5", "--training.fine-tune"),
        ("--epochs", "5", "--fine-tune=True", "--embedder.path", ""),
    ],
)
def test_ways_to_say_it_on_the_command_line(argv: tuple[str, ...]) -> None:
    training = settings(*argv).config.training
    assert training.epochs == 5
    assert training.fine_tune


def test_short_names_mean_training() -> None:
    training = settings(epochs=3, **{"batch-size": 64, "learning-rate": 0.02}).config.training
    assert (training.epochs, training.batch_size, training.learning_rate) == (3, 64, 0.02)


def test_what_is_sagemakers_own_is_left_to_it() -> None:
    read = settings(model_dir="s3://b/x", sagemaker_region="us-east-1", _tuning_objective_metric="loss", epochs=2)
    assert read.config.training.epochs == 2


@pytest.mark.parametrize(
    ("hyperparameters", "named", "hint"),
    [
        ({"epohcs": 5}, "unknown key 'training.epohcs'", "did you mean 'training.epochs'?"),
        ({"trainig.epochs": 5}, "unknown section 'trainig'", "did you mean 'training'?"),
        ({"training.epochs": "many"}, "training.epochs", ""),
        ({"scrape.top": 5}, "'scrape.top' means nothing to training", "sections: embedder, detector"),
        ({"sources.tmdb_key": "secret"}, "'sources.tmdb_key' means nothing", "sections"),
    ],
)
def test_a_wrong_hyperparameter_is_named(hyperparameters: dict[str, Any], named: str, hint: str) -> None:
    with pytest.raises(ConfigError) as error:
        settings(**hyperparameters)
    assert named in error.value.message
    assert "secret" not in error.value.in_full
    assert hint in error.value.hint


@pytest.mark.parametrize("text", ["[1]", "{", "5"])
def test_hyperparameters_that_are_no_object(text: str) -> None:
    with pytest.raises(ConfigError, match="no JSON object"):
        read_settings([], {"SM_HPS": text}, None)


def test_a_word_that_is_no_option() -> None:
    with pytest.raises(ConfigError, match="not a hyperparameter: 'epochs'"):
        settings("epochs", "5")


def test_nets_are_found_in_their_channel(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").touch()
    read = settings(nets=tmp_path, **{"embedder.path": "own.onnx", "embedder.weights": "imagenet"})
    assert read.config.embedder.path == tmp_path / "own.onnx"
    assert read.config.embedder.weights == "imagenet"
    with pytest.raises(ConfigError, match=r"embedder\.path names other\.onnx") as error:
        settings(nets=tmp_path, **{"embedder.path": "other.onnx"})
    assert error.value.hint == "it holds own.onnx"
    with pytest.raises(ConfigError, match="does not hold"):
        settings(**{"detector.path": "../../etc/passwd"})


def test_a_net_is_never_looked_for_outside_of_its_channel(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "mine.onnx").touch()
    with pytest.raises(ConfigError, match=r"embedder\.path names \.\./mine\.onnx"):
        read_settings([], {"SM_HPS": '{"embedder.path": "../mine.onnx"}'}, tmp_path / "nets")


def test_several_machines_must_know_of_each_other() -> None:
    def tf_config(*addresses: str) -> str:
        return json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": 0}})

    two = {"SM_HOSTS": '["algo-1", "algo-2"]'}
    with pytest.raises(ConfigError, match=r"2 machines .* there is no TF_CONFIG"):
        refuse_strangers(two)
    with pytest.raises(ConfigError, match=r"2 machines .* TF_CONFIG names 1"):
        refuse_strangers(two | {"TF_CONFIG": tf_config("algo-1:8890")})
    refuse_strangers(two | {"TF_CONFIG": tf_config("algo-1:8890", "algo-2:8890")})
    refuse_strangers({"SM_HOSTS": '["algo-1"]'})
    refuse_strangers({})
    for wrong in ("algo-1", "5"):
        with pytest.raises(ConfigError, match="no JSON list"):
            refuse_strangers({"SM_HOSTS": wrong})


def make_dataset(root: Path, key: str = "0123456789abcdef", faces: int = 2) -> DatasetManifest:
    """A data set with crops of 100 bytes that are no pictures: they are not opened here."""
    store = LocalStore(root)
    records, files = [], []
    for index in range(faces):
        crop = f"crops/Ada ü/{index:04d}.jpg"
        files.append(store.put_bytes(f"dataset/{key}/{crop}", os.urandom(100)))
        records.append(
            FaceRecord(
                face_id=f"{index:016x}", image_sha256="0" * 64, person_id="Ada", crop=crop, box=(0, 0, 1, 1),
                landmarks=((0, 0),) * 5, crop_landmarks=((0, 0),) * 5, score=1, face_px=1, sharpness=1, yaw=0,
                roll_deg=0, group=str(index), split="train",
            )
        )  # fmt: skip
    store.put_bytes(f"dataset/{key}/previews/0.jpg", b"preview")
    manifest = DatasetManifest(
        key=key, files=files, template=TEMPLATE, detector_id="d", embedder_id="e",
        people=[Person(person_id="Ada", name="Ada")], images=[], faces=records,
    )  # fmt: skip
    return commit_manifest(store, manifest)


@pytest.mark.parametrize("below", ["", "dataset/0123456789abcdef"])
def test_a_data_set_is_found_wherever_it_lies(tmp_path: Path, below: str) -> None:
    manifest = make_dataset(tmp_path)
    folder = tmp_path / manifest.ref
    channel = tmp_path if below else folder
    for wanted in (None, manifest.ref):
        assert find_data(channel, wanted) == ChannelData(folder, manifest)


def test_artifacts_of_other_kinds_beside_it_are_no_data_sets(tmp_path: Path) -> None:
    manifest = make_dataset(tmp_path)
    add_images(LocalStore(tmp_path), "images-key", 1)
    assert find_data(tmp_path, None).manifest == manifest


def test_of_two_data_sets_the_wanted_one(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    other = make_dataset(tmp_path, "fedcba9876543210")
    assert find_data(tmp_path, other.ref).manifest == other
    with pytest.raises(DataError, match="more than one thing to learn from: found dataset/0123456789abcdef"):
        find_data(tmp_path, None)


def test_one_npz(tmp_path: Path) -> None:
    (tmp_path / "dataset.npz").touch()
    assert find_data(tmp_path, None) == ChannelData(tmp_path / "dataset.npz", None)


def both(folder: Path) -> None:
    make_dataset(folder)
    (folder / "dataset.npz").touch()


def lacking(folder: Path) -> None:
    (folder / REFERENCE / make_dataset(folder).faces[1].crop).unlink()


def cut(folder: Path) -> None:
    (folder / REFERENCE / make_dataset(folder).faces[0].crop).write_bytes(b"short")


def pictures(folder: Path) -> None:
    for name in "abcd":
        (folder / f"{name}.jpg").touch()


def no_json(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b'{"kind": "dataset"')


def newer(folder: Path) -> None:
    path = folder / make_dataset(folder).ref / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: None, "neither a data set nor a dataset.npz: it is empty"),
        (pictures, "neither a data set nor a dataset.npz: found a.jpg, b.jpg, c.jpg among 4 files"),
        (lambda folder: add_images(LocalStore(folder), "images-key", 1), "found a images among"),
        (both, "more than one thing to learn from: found dataset/0123456789abcdef, dataset.npz"),
        (lacking, "is damaged: it lacks 1 of its 2 crops (crops/Ada ü/0001.jpg)"),
        (cut, "is damaged: it holds other bytes in 1 of its 2 crops (crops/Ada ü/0000.jpg)"),
        (no_json, "is damaged"),
        (newer, "understands: colour: Extra inputs are not permitted"),
        (lambda folder: folder.rmdir(), "cannot be read"),
    ],
)
def test_what_cannot_serve_is_refused_with_what_was_found(
    tmp_path: Path, spoil: Callable[[Path], object], said: str
) -> None:
    channel = tmp_path / "train"
    channel.mkdir()
    spoil(channel)
    with pytest.raises(DataError) as error:
        find_data(channel, None)
    assert said in error.value.message
    assert error.value.hint


def test_another_data_set_than_the_wanted_one(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    with pytest.raises(DataError, match="does not hold dataset/ffff: found dataset/0123456789abcdef"):
        find_data(tmp_path, "dataset/ffff")


def test_the_store_shows_the_channel_without_a_copy_and_keeps_work_beside_the_job(tmp_path: Path) -> None:
    make_dataset(tmp_path / "channel")
    data = find_data(tmp_path / "channel", None)
    assert data.manifest is not None
    checkpoints = tmp_path / "checkpoints" / "actorrec"
    with working_store(data, checkpoints) as store:
        assert load_manifest(store, DatasetManifest, REFERENCE) == data.manifest
        for face in data.manifest.faces:
            name = f"{REFERENCE}/{face.crop}"
            assert store.local_path(name).samefile(tmp_path / "channel" / name)
        with store.lock("model/some"):
            store.put_bytes("model/some/unfinished/learn-000000.npy", b"later")
    assert [path.name for path in checkpoints.rglob("*") if path.is_file()] == ["learn-000000.npy"]
    assert sorted(path.name for path in (tmp_path / "channel" / REFERENCE).iterdir()) == [
        "crops", "manifest.json", "previews",
    ]  # fmt: skip


def test_an_imported_data_set_is_kept_with_the_checkpoints(tmp_path: Path) -> None:
    with working_store(ChannelData(tmp_path / "dataset.npz", None), tmp_path / "kept") as store:
        made = make_dataset(Path(store.uri))
        assert load_manifest(store, DatasetManifest, made.ref) == made
    with working_store(ChannelData(tmp_path / "dataset.npz", None), tmp_path / "kept") as store:
        assert load_manifest(store, DatasetManifest, made.ref) == made


def test_what_came_back_in_part_is_made_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    kept, data = tmp_path / "kept", ChannelData(tmp_path / "dataset.npz", None)
    whole, torn = make_dataset(kept), make_dataset(kept, "fedcba9876543210")
    (kept / torn.ref / torn.faces[0].crop).unlink()
    work = kept / "model" / "some" / "unfinished"
    work.mkdir(parents=True)
    (work / "learn-000000.npy").touch()
    (work / ".partial-1234").touch()
    with caplog.at_level("INFO", "actorrec"), working_store(data, kept) as store:
        assert list(store.names("dataset")) == sorted(
            f"{ref}/{name}"
            for ref, names in (
                (whole.ref, [*whole.digests, "manifest.json", "previews/0.jpg"]),
                (torn.ref, [list(torn.digests)[1], "previews/0.jpg"]),
            )
            for name in names
        )
        assert [path.name for path in work.iterdir()] == ["learn-000000.npy"]
    assert "going on from 1 parts" in caplog.text
    assert f"{torn.ref} came back incomplete" in caplog.text


def test_without_a_folder_of_checkpoints_it_works_in_a_temporary_one(tmp_path: Path) -> None:
    container = Container.of({"SM_CHECKPOINT_DIR": str(tmp_path / "none")})
    assert container.checkpoints is None
    with working_store(ChannelData(tmp_path / "dataset.npz", None), None) as store:
        store.put_bytes("model/some/x", b"x")
        assert store.exists("model/some/x")
    assert not Path(store.uri).exists()


def run(tmp_path: Path, **environ: str) -> tuple[int, str]:
    """Exit code and failure file of a run that cannot come far."""
    (tmp_path / "train").mkdir(exist_ok=True)
    folders = {
        "SM_CHANNEL_TRAIN": str(tmp_path / "train"),
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DIR": str(tmp_path / "output"),
        "SM_CHECKPOINT_DIR": str(tmp_path / "none"),
    }
    code = main([], folders | environ)
    failure = tmp_path / "output" / "failure"
    return code, failure.read_text(encoding="utf-8") if failure.exists() else ""


@pytest.mark.parametrize(
    ("environ", "code", "reason"),
    [
        ({"SM_HPS": '{"epohcs": 3}'}, 2, "unknown key 'training.epohcs'"),
        ({"SM_HOSTS": '["algo-1", "algo-2"]'}, 2, "this job runs on 2 machines"),
        ({"SM_HPS": '{"dataset": "dataset/ffff"}'}, 1, "the channel 'train' does not hold dataset/ffff"),
    ],
)
def test_a_failure_is_told_where_it_is_looked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], environ: dict[str, str], code: int, reason: str
) -> None:
    found, failure = run(tmp_path, **environ)
    assert found == code
    assert failure.startswith(reason)
    error, hint = capsys.readouterr().err.splitlines()[-2:]
    assert error.startswith(f"error: {reason}")
    assert hint.startswith("hint: ")
    assert hint in failure
    assert not (tmp_path / "model").exists()


def test_a_name_with_a_line_end_does_not_break_the_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a\nhint: no\x1b[31m.jpg").touch()
    _, failure = run(tmp_path)
    assert "found a?hint: no?[31m.jpg among 1 files" in failure.splitlines()[0]
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == ["error", "hint"]


def test_a_long_reason_is_cut_to_what_is_shown(tmp_path: Path) -> None:
    for index in range(9):
        make_dataset(tmp_path / "train", f"{index}" * 60, faces=1)
    code, failure = run(tmp_path, SM_HPS=json.dumps({"dataset": "dataset/" + "f" * 999}))
    assert code == 1
    assert len(failure) == 1024


def test_a_failure_that_nobody_foresaw_is_told_and_shows_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="embedded null"):
        run(tmp_path, SM_CHANNEL_TRAIN="\0")
    failure = (tmp_path / "output" / "failure").read_text()
    assert failure.startswith("ValueError: ")
    assert "embedded null" in failure


def test_nowhere_to_write_the_reason_to_hides_no_failure(tmp_path: Path) -> None:
    (tmp_path / "output").touch()
    assert run(tmp_path, SM_HPS='{"epohcs": 3}')[0] == 2


# What TensorFlow may do: not come back to Python for long, or drop an exception of a callback.
DEAF = """
import time
from actorrec.training.container_stop import stopping
with stopping():
    while True:
        try:
            print("working", flush=True)
            time.sleep(60)
        except SystemExit:
            pass
"""


def test_a_stop_that_is_not_heard_ends_the_program_all_the_same() -> None:
    with subprocess.Popen([sys.executable, "-c", DEAF], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "working\n"
        program.send_signal(signal.SIGTERM)
        said = program.stdout.read()
    assert program.returncode == STOPPED == 143
    assert "told to stop: what is done so far is kept" in said


def test_without_a_signal_all_is_as_it_was_before() -> None:
    before, threads = signal.getsignal(signal.SIGTERM), set(threading.enumerate())
    with stopping():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    assert set(threading.enumerate()) <= threads
