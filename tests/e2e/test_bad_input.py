"""Bad input at the command line: a clear line and the right exit code, never a traceback, nothing lost."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.bad_pictures import bad_files, encoded, write_all
from tests.e2e.conftest import EXAMPLES, Ran, Run, actorrec

from patience import PATIENCE_S

TESLA = EXAMPLES / "people" / "Nikola_Tesla"
UNSEEN = EXAMPLES / "unseen" / "Nikola_Tesla" / "seated.jpg"


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose bundle knows the people of the examples."""
    store = tmp_path_factory.mktemp("taught") / "store"
    assert actorrec("enroll", "--from", EXAMPLES / "people", "--store", store, "--quiet").code == 0
    return store


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a data set of the examples."""
    store = tmp_path_factory.mktemp("built") / "store"
    assert actorrec("build-dataset", EXAMPLES / "people", "--store", store, "--quiet").code == 0
    return store


def refused(ran: Ran, code: int, *said: str) -> None:
    """The run ended with that code, said so on stderr, and gave no traceback."""
    assert "Traceback" not in ran.stderr
    assert ran.code == code, ran.stderr
    for text in said:
        assert text in ran.stderr


def started(*arguments: object, program: Sequence[str] = ("-m", "actorrec")) -> "subprocess.Popen[bytes]":
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, *program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=-1, stderr=-1, env=environ)


def test_every_bad_picture_is_a_line_and_the_good_one_is_named(taught: Path, run: Run, tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(UNSEEN).convert("RGB"))
    write_all(tmp_path / "mixed", {name: data for name, (data, _) in bad_files(pixels).items()})
    shutil.copy(UNSEEN, tmp_path / "mixed" / "\udcff\n-good.jpg")
    os.mkfifo(tmp_path / "mixed" / "pipe.jpg")
    (tmp_path / "mixed" / "nowhere.jpg").symlink_to("nothing")
    given = ["mixed", "none*.jpg", "/dev/zero", "nosuch.jpg", "mixed/notes.txt"]
    ran = run("infer", *given, "--store", taught, "--json")
    refused(ran, 1)
    good = [line for line in ran.lines if line["error"] is None]
    assert [face["name"] for face in good[0]["faces"]] == ["Nikola Tesla"]
    assert len(good) == 1
    assert len(ran.lines) == len(bad_files(pixels)) - 1 + 3 + 4  # in a folder, notes.txt is no picture


def test_an_unreadable_photo_among_others_is_counted_and_not_a_wrong_command_line(run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "people", tmp_path / "people")
    closed = folder / "Nikola_Tesla" / "closed.jpg"
    closed.symlink_to("closed.jpg")  # a circle: not even root reads it
    ran = run("enroll", "Tesla", *sorted((folder / "Nikola_Tesla").iterdir()), "--store", "s", "--json", "--quiet")
    assert ran.code == 0, ran.stderr
    outcomes = {Path(photo["path"]).name: photo["outcome"] for photo in ran.json["photos"]}
    assert outcomes["portrait_1890s.jpg"] == "enrolled"
    assert outcomes["closed.jpg"] != "enrolled"


def test_a_person_without_a_usable_face_is_named(run: Run, tmp_path: Path) -> None:
    folder = shutil.copytree(EXAMPLES / "people", tmp_path / "people")
    (folder / "Nobody_There").mkdir()
    (folder / "Nobody_There" / "white.png").write_bytes(encoded(np.full((200, 200, 3), 255, np.uint8), "PNG"))
    ran = run("build-dataset", folder, "--store", "s")
    assert ran.code == 0
    assert "not in the set: Nobody_There" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("build-dataset", "empty"), 1, "no photos in empty"),
        (("build-dataset", "nosuch"), 1, "nosuch"),
        (("build-dataset", TESLA), 1, "no folder per person"),
        (("build-dataset", "empty", "--export-npz", "/dev/full/x"), 4, "cannot write"),
        (("train",), 4, "actorrec build-dataset"),
        (("train", "--seed", str(2**40)), 2, "training.seed"),
        (("evaluate",), 4, "actorrec train"),
        (("convert-tflite",), 4, "actorrec train"),
        (("enroll",), 2, "nobody to enrol"),
        (("enroll", " ", TESLA), 1, "not a name"),
        (("enroll", "x" * 300, TESLA), 1, "200 characters"),
        (("enroll", "Tesla", "empty"), 1, "no pictures in empty"),
        (("forget", "Nobody"), 4, "no bundle"),
        (("people", "ls"), 4, "no bundle"),
        (("people", "merge", "a", "b"), 4, "no bundle"),
        (("infer", UNSEEN), 4, "no bundle"),
        (("infer", UNSEEN, "--bundle", "nosuch.zip"), 4, "nosuch.zip"),
        (("infer", UNSEEN, "--store", "ftp://x/y"), 2, "ftp"),
        (("compare", UNSEEN, "nosuch.jpg"), 1, "nosuch.jpg"),
        (("models", "fetch", "nosuch"), 2, "nosuch"),
        (("models", "fetch", "yunet", "--from", UNSEEN), 1, "sha256"),
        (("config", "show", "--config", "wrong.yaml"), 2, "dataset.seed"),
        (("config", "init", "wrong.yaml"), 2, "exists already"),
        (("nosuchcommand",), 2, "nosuchcommand"),
        (("infer",), 2, "name a picture"),
    ],
)
def test_what_cannot_be_done_is_one_error_and_with_json_one_document(
    arguments: tuple[object, ...], code: int, said: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong.yaml").write_text("dataset:\n  sede: 3\n")
    ran = run(*arguments, "--json", ACTORREC_STORE__URI=str(tmp_path / "store"))
    refused(ran, code)
    assert said in ran.json["error"] + ran.json.get("hint", "")
    assert ran.json.get("exit_code", code) == code


def test_one_person_can_be_enrolled_but_not_trained(run: Run, tmp_path: Path) -> None:
    shutil.copytree(TESLA, tmp_path / "one" / "Nikola_Tesla")
    assert run("build-dataset", "one", "--store", "s").code == 0
    refused(run("train", "--store", "s"), 1, "at least two people", "actorrec enroll")


ON_A_FULL_DISK = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))  # bytes, of any file
runpy.run_module("actorrec", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("command", ["annotate", "report", "settings", "npz", "bundle", "dataset"])
def test_a_full_disk_leaves_what_was_there(command: str, taught: Path, built: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.write_text("old")
    arguments: dict[str, tuple[object, ...]] = {
        "annotate": ("infer", UNSEEN, "--store", taught, "--annotate", tmp_path / "drawn"),
        "report": ("evaluate", "--photos", EXAMPLES / "unseen", "--store", taught, "--report", old),
        "settings": ("config", "init", tmp_path / "new.yaml"),
        "npz": ("build-dataset", EXAMPLES / "people", "--store", built, "--export-npz", old),
        "bundle": ("enroll", "Tesla", TESLA, "--store", tmp_path / "s"),
        "dataset": ("build-dataset", EXAMPLES / "people", "--store", tmp_path / "s"),
    }
    process = started(*arguments[command], program=("-c", ON_A_FULL_DISK))
    _, stderr = process.communicate(timeout=PATIENCE_S)
    refused(Ran(process.returncode, "", stderr.decode()), 4, "cannot write")
    assert old.read_text() == "old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == ["old"]


def changed(bundle: Path, change: Callable[[dict[str, bytes]], object]) -> bytes:
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_card(**fields: object) -> Callable[[dict[str, bytes]], object]:
    return lambda files: files.update({"card.json": json.dumps({**json.loads(files["card.json"]), **fields}).encode()})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.update({"embedder.tflite": files["embedder.tflite"][:-1] + b"x"}), "wrong digest"),
        (lambda files: files.pop("embedder.tflite"), "lacks embedder.tflite"),
        (lambda files: files.update({"../evil": b"x"}), "unsafe name"),
        (with_card(schema_version=99), "schema version 99"),
        (with_card(people=[]), "people"),
    ],
    ids=["digest", "missing", "climbs", "schema", "labels"],
)
def test_a_bundle_that_is_not_what_it_says(
    change: Callable[[dict[str, bytes]], object], said: str, taught: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "bad.zip").write_bytes(changed(next(taught.glob("bundle/*/bundle.zip")), change))
    refused(run("infer", UNSEEN, "--bundle", "bad.zip", "--json"), 1, said)


def test_a_damaged_store_says_what_to_remove(taught: Path, built: Path, run: Run, tmp_path: Path) -> None:
    store = shutil.copytree(taught, tmp_path / "a")
    next(store.glob("bundle/*/bundle.zip")).unlink()
    refused(run("infer", UNSEEN, "--store", store), 4, "does not exist", "remove")
    next(store.glob("bundle/*/manifest.json")).write_text('{"kind"')
    refused(run("infer", UNSEEN, "--store", store), 1, "not a manifest", "remove")
    store = shutil.copytree(built, tmp_path / "b")
    crops = sorted(store.glob("dataset/*/crops/*/*.jpg"))
    shutil.copy(crops[0], crops[1])
    refused(run("build-dataset", EXAMPLES / "people", "--export-npz", "x.npz", "--store", store), 4, "not the crop")
    (tmp_path / "c").write_text("no folder")
    refused(run("enroll", "T", TESLA, "--store", "c"), 4, "Not a directory")


def interrupted(delay_s: float, kill: signal.Signals, *arguments: object) -> Ran:
    process = started(*arguments, "--quiet")
    time.sleep(delay_s)
    process.send_signal(kill)
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    return Ran(process.returncode, stdout.decode(), stderr.decode())


def test_stopped_at_any_moment_the_same_command_again_ends_the_same(built: Path, run: Run, tmp_path: Path) -> None:
    whole = run("build-dataset", EXAMPLES / "people", "--store", built, "--json").json["content_digest"]
    for number, delay_s in enumerate((0.05, 0.3, 0.5, 0.7)):
        for kill in (signal.SIGINT, signal.SIGKILL):
            store = tmp_path / f"{number}-{kill.name}"
            ran = interrupted(delay_s, kill, "build-dataset", EXAMPLES / "people", "--store", store)
            starting = "Traceback" in ran.stderr and not re.search(r"/actorrec/(?!__)", ran.stderr)  # Python itself
            assert "Traceback" not in ran.stderr or starting, ran.stderr
            if kill is signal.SIGINT:
                assert ran.code in (130, -signal.SIGINT, 0) or (starting and ran.code == 1), ran
            else:
                assert ran.code in (-kill, 0), ran
            again = run("build-dataset", EXAMPLES / "people", "--store", store, "--json")
            assert again.json["content_digest"] == whole


def test_two_enrolments_at_once_both_take_effect(run: Run, tmp_path: Path) -> None:
    people = sorted((EXAMPLES / "people").iterdir())[:3]
    for process in [started("enroll", person.name, person, "--store", tmp_path / "s") for person in people]:
        assert process.wait(timeout=PATIENCE_S) == 0
        process.communicate()
    known = run("people", "ls", "--store", "s", "--json").json
    assert [person["person_id"] for person in known] == [person.name for person in people]


SHELL = [
    ("infer {photo} {photo} --store {store} | head -1", "Nikola Tesla", 0),
    ("people ls --json --store {store} >&-", "", 0),
    ("infer {photo} --store {store} 2>&-", "Nikola Tesla", 0),
    ("infer {photo} --store {store} >&- 2>&- <&-", "", 0),
    ("people ls --json --store {store} >/dev/full", "", 4),
    ("--version >/dev/full", "", 1),
]


@pytest.fixture
def shell(taught: Path) -> Iterator[Callable[[str], "subprocess.CompletedProcess[str]"]]:
    def in_shell(line: str) -> "subprocess.CompletedProcess[str]":
        command = f"'{sys.executable}' -m actorrec {line.format(photo=UNSEEN, store=taught)}"
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE_S, check=False)

    yield in_shell


@pytest.mark.parametrize(("line", "said", "code"), SHELL)
def test_streams_that_are_closed_full_or_broken(
    line: str, said: str, code: int, shell: Callable[[str], "subprocess.CompletedProcess[str]"]
) -> None:
    ran = shell(line)
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr
    assert said in ran.stdout
    assert ran.returncode in (code, 1 if code else 0)


def test_the_traceback_is_there_for_who_asks(run: Run) -> None:
    ran = run("train", "--store", "none", ACTORREC_DEBUG="1")
    assert ran.code == 1
    assert "Traceback" in ran.stderr


def test_quiet_prints_the_result_alone(taught: Path, run: Run) -> None:
    ran = run("infer", UNSEEN, "--store", taught, "--quiet")
    assert (ran.code, ran.stderr, len(ran.stdout.splitlines())) == (0, "", 1)
