"""``infer --loop`` as people and nuclei start it: a process, real pictures, a real bundle."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actorrec.artifacts.digest import file_sha256
from actorrec.cli.app import app
from actorrec.config import Config
from actorrec.inference.bundle_shelf import BundleShelf
from actorrec.inference.running_bundle import run_bundle
from actorrec.inference.shadow import disagreement
from actorrec.manifests.events import DetectionEvent, HealthEvent
from actorrec.sections import DetectorSection
from actorrec.vision.decode import read_picture
from own_environ import own_environ
from patience import PATIENCE_S
from running_loop import GROUP, HOPPER, RunningLoop, blank, taught_bundle

OLD_PEOPLE = {"Grace_Hopper": "Grace_Hopper", "Albert_Einstein": "Albert_Einstein"}
NEW_PEOPLE = {"Grace_Hopper": "Grace_Hopper", "Niels_Bohr": "Albert_Einstein"}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught_bundle(tmp_path_factory.mktemp("old"), OLD_PEOPLE)


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another bundle: it calls one person otherwise."""
    return taught_bundle(tmp_path_factory.mktemp("new"), NEW_PEOPLE)


@pytest.fixture(scope="module")
def haar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one, that finds faces in another way."""
    settings = Config(detector=DetectorSection(name="haar"))
    return taught_bundle(tmp_path_factory.mktemp("haar"), OLD_PEOPLE, settings)


def component(folder: Path, **configuration: str) -> tuple[object, ...]:
    """The options of a component with this configuration, and its sample picture."""
    defaults = {"InferenceInterval": "0.1", "HealthInterval": "1", "accessControl": {}} | configuration
    (folder / "component.json").write_text(json.dumps(defaults))
    shutil.copy(GROUP, folder / "sample.jpg")
    return "--greengrass", "--defaults", folder / "component.json", "--work", folder / "work"


def infer(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "actorrec", "infer", *map(str, arguments)]
    environ = own_environ("AWS_")
    return subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


def test_a_picture_that_changes_goes_and_comes_back_while_it_is_watched(old: Path, tmp_path: Path) -> None:
    door = tmp_path / "door.jpg"
    blank(door)
    often = {"ACTORREC_GREENGRASS__HEALTH_S": "1"}
    with RunningLoop("door.jpg", "--bundle", old, "--interval", "0.1", cwd=tmp_path, environ=often) as loop:
        first = loop.detection()
        assert (first["source"], first["faces"], first["error"]) == ("door.jpg", [], None)
        again = loop.detection()
        assert again["id"] != first["id"]
        shutil.copy(HOPPER, tmp_path / "next")
        (tmp_path / "next").replace(door)
        (face,) = loop.detection(lambda event: event["faces"])["faces"]
        assert (face["person_id"], face["name"]) == ("Grace_Hopper", "Grace Hopper")
        (tmp_path / "cut").write_bytes(HOPPER.read_bytes()[:20_000])
        (tmp_path / "cut").replace(door)
        broken = loop.detection(lambda event: event["error"])
        assert broken["faces"] == []
        assert broken["width"] is None
        door.unlink()
        assert "cannot be read" in loop.detection(lambda event: "cannot be read" in (event["error"] or ""))["error"]
        door.mkdir()  # empty: said once, as of any folder
        assert loop.detection(lambda event: "no pictures" in (event["error"] or ""))["source"] == "door.jpg"
        door.rmdir()
        blank(door)
        assert loop.detection(lambda event: event["error"] is None)["width"] == 64
        last = loop.health()
        code, _ = loop.stop()
    assert (code, loop.said) == (0, [])
    for event in loop.events:
        kind = HealthEvent if event["event"] == "health" else DetectionEvent
        assert kind.model_validate(event).model.bundle == file_sha256(old)
    assert len({event["id"] for event in loop.events}) == len(loop.events)
    before = loop.events[: loop.events.index(last)]
    detections = [event for event in before if event["event"] == "detection"]
    assert last["frames"] == len(detections)
    assert last["unreadable"] == sum(event["error"] is not None for event in detections)
    assert 0 < last["ms_p50"] <= last["ms_p95"]
    assert last["memory_bytes"] > 10 << 20


def test_of_a_folder_every_picture_comes_up_once_and_again_when_it_changes(old: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    with RunningLoop(folder, "--bundle", old, "--interval", "0.1", cwd=tmp_path) as loop:
        assert loop.detection()["error"] == "the folder holds no pictures"
        blank(folder / "a.jpg")
        assert loop.detection()["source"].endswith("a.jpg")
        shutil.copy(HOPPER, folder / ".b.jpg")
        (folder / ".b.jpg").rename(folder / "b.jpg")
        (face,) = loop.detection()["faces"]
        assert face["person_id"] == "Grace_Hopper"
        blank(folder / "a.jpg", (80, 48))
        assert loop.detection()["width"] == 80
        time.sleep(0.5)  # five rounds in which nothing changes
        assert loop.stop()[0] == 0
    assert len([event for event in loop.events if event["event"] == "detection"]) == 4


def test_the_newest_bundle_of_a_store_is_found(old: Path, tmp_path: Path) -> None:
    shutil.copy(HOPPER, tmp_path / "a.jpg")
    done = infer("a.jpg", "--loop", "--count", "1", "--store", old.parents[2], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    event = json.loads(done.stdout.splitlines()[0])
    assert event["faces"][0]["name"] == "Grace Hopper"
    assert event["model"]["bundle"] == file_sha256(old)


def test_it_ends_after_so_many_rounds(old: Path, tmp_path: Path) -> None:
    blank(tmp_path / "a.jpg")
    done = infer("a.jpg", "missing.jpg", "--loop", "--bundle", old, "--interval", "0.1", "--count", "3", cwd=tmp_path)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [event.get("source", "") for event in events if event["event"] == "detection"] == [
        "a.jpg",
        "missing.jpg",
    ] * 3
    assert events[-1]["unreadable"] == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_in_a_long_pause_it_ends_at_once(number: signal.Signals, old: Path, tmp_path: Path) -> None:
    blank(tmp_path / "a.jpg")
    with RunningLoop("a.jpg", "--bundle", old, "--interval", "3600", cwd=tmp_path) as loop:
        loop.health()
        code, took_s = loop.stop(number)
    assert code == 0
    assert took_s < 60  # of an hour
    assert loop.said == []


def test_work_that_does_not_look_up_is_cut_off(tmp_path: Path) -> None:
    program = """
import hashlib
from actorrec.cli.stopping import asked_to_stop
with asked_to_stop():
    print("busy", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"x", b"x", 2_000_000_000)  # one call into C, for a quarter of an hour
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "busy\n"
            start_s = time.monotonic()
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
            assert time.monotonic() - start_s > 1
        finally:
            process.kill()


def test_who_no_longer_reads_ends_it_without_a_word(old: Path, tmp_path: Path) -> None:
    blank(tmp_path / "a.jpg")
    command = [sys.executable, "-m", "actorrec", "infer", "a.jpg", "--loop", "--interval", "0.1", "--bundle", str(old)]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdout.readline()
            process.stdout.close()
            assert process.wait(PATIENCE_S) == 141
            assert process.stderr.read() == ""
        finally:
            process.kill()


def test_the_bundle_before_runs_in_the_shadow_and_is_counted_exactly(old: Path, new: Path, tmp_path: Path) -> None:
    options = component(tmp_path, Shadow="previous")
    with RunningLoop(*options, "--bundle", old, "--count", "2", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    assert loop.events[-1]["shadow"] is None
    assert loop.events[-1]["trouble"] == ["the run in the shadow: there is no previous bundle that is whole"]
    with RunningLoop(*options, "--bundle", new, "--count", "4", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    names = [face["name"] for face in loop.detection()["faces"]]
    assert "Niels Bohr" in names
    assert "Albert Einstein" not in names
    assert loop.events[-1]["shadow"] == {
        "bundle": file_sha256(old),
        "frames": 4,
        "faces": 4 * len(names),
        "disagreements": 4,  # of each frame one face, that has another name
    }
    with RunningLoop(*options, "--bundle", new, "--count", "1", cwd=tmp_path) as loop:  # started once more
        assert loop.ended() == 0
    assert loop.events[-1]["shadow"]["bundle"] == file_sha256(old)
    assert loop.events[-1]["shadow"]["frames"] == 1


def test_bundles_that_find_faces_in_other_ways_are_compared_face_by_face(old: Path, haar: Path, tmp_path: Path) -> None:
    options = component(tmp_path, Shadow="previous")
    BundleShelf(tmp_path / "work" / "bundles").keep(haar, file_sha256(haar))
    with RunningLoop(*options, "--bundle", old, "--count", "1", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    pixels = read_picture(GROUP, max_bytes=1 << 24, max_pixels=1 << 24).pixels
    found = [run_bundle(path).recogniser.recognise(pixels)[0] for path in (old, haar)]
    faces, differing = disagreement(*found)
    assert 0 < faces <= len(found[0])
    assert loop.events[-1]["shadow"] == {
        "bundle": file_sha256(haar),
        "frames": 1,
        "faces": faces,
        "disagreements": differing,
    }


def test_a_bundle_before_that_cannot_run_is_passed_over_with_a_line(old: Path, tmp_path: Path) -> None:
    options = component(tmp_path, Shadow="previous")
    (tmp_path / "future.zip").write_bytes(b"no bundle of this version")
    BundleShelf(tmp_path / "work" / "bundles").keep(tmp_path / "future.zip", file_sha256(tmp_path / "future.zip"))
    with RunningLoop(*options, "--bundle", old, "--count", "1", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    assert loop.detection()["faces"]
    (line,) = loop.events[-1]["trouble"]
    assert line.startswith("the run in the shadow: the bundle ")
    assert line in loop.said


def test_without_a_place_for_bundles_it_runs_on_and_says_so(old: Path, tmp_path: Path) -> None:
    options = component(tmp_path)
    (tmp_path / "work").write_bytes(b"a file")
    with RunningLoop(*options, "--bundle", old, "--count", "2", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    assert loop.events[-1]["frames"] == 2
    (line,) = loop.events[-1]["trouble"]
    assert line.startswith("the shelf of good bundles: the bundle cannot be kept in ")
    assert loop.said.count(line) == 1


def test_a_bundle_is_kept_only_after_a_picture_that_it_could_look_at(old: Path, tmp_path: Path) -> None:
    options = component(tmp_path)
    with RunningLoop("missing.jpg", *options, "--bundle", old, "--count", "2", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    assert not (tmp_path / "work").exists()


def test_a_bundle_that_does_not_open_ends_it_so_that_the_nucleus_sees_a_failure(old: Path, tmp_path: Path) -> None:
    options = ("--loop", *component(tmp_path))
    (tmp_path / "bad.zip").write_bytes(old.read_bytes()[:-100])
    bad = infer(*options, "--bundle", "bad.zip", cwd=tmp_path)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "error: the bundle bad.zip is not a readable zip" in bad.stderr
    missing = infer(*options, "--bundle", "missing.zip", cwd=tmp_path)
    assert missing.returncode == 4
    assert "missing.zip" in missing.stderr


def test_after_a_power_cut_that_spoilt_the_bundle_the_last_good_one_goes_on(old: Path, tmp_path: Path) -> None:
    options = component(tmp_path)
    bundle = shutil.copy(old, tmp_path / "bundle.zip")
    with RunningLoop(*options, "--bundle", bundle, "--count", "1", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    (tmp_path / "bundle.zip").write_bytes(old.read_bytes()[:-100])
    with RunningLoop(*options, "--bundle", bundle, "--count", "1", cwd=tmp_path) as loop:
        assert loop.ended() == 0
    assert {event["model"]["bundle"] for event in loop.events} == {file_sha256(old)}
    (trouble,) = loop.events[-1]["trouble"]
    assert "the last good one" in trouble
    assert "not a readable zip" in trouble


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a picture"),
        (("--loop",), "name a picture"),
        (("a.jpg", "--count", "1"), "--count does not go with infer without --loop"),
        (("a.jpg", "--greengrass"), "--greengrass does not go with infer without --loop"),
        (("a.jpg", "--work", "w"), "--work does not go with infer without --loop"),
        (("a.jpg", "--camera", "0"), "--camera does not go with infer without --loop"),
        (("a.jpg", "--camera", "0", "--loop"), "--camera does not go with pictures that are named"),
        (("a.jpg", "--loop", "--defaults", "d.json"), "--defaults does not go with --loop without --greengrass"),
        (("a.jpg", "--loop", "--annotate", "out"), "--annotate does not go with --loop"),
        (("--loop", "--greengrass", "--bundle", "b.zip"), "no picture to look at is configured"),
        (("--loop", "--greengrass", "--defaults", "missing.json"), "cannot read the defaults missing.json"),
    ],
)
def test_options_that_make_no_sense_together(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(own_environ("AWS_")):
        monkeypatch.delenv(name)
    done = CliRunner().invoke(app, ["infer", *arguments])
    assert (done.exit_code, type(done.exception)) == (2, SystemExit)
    assert said in done.stderr


def test_memory_stays_where_it_is(old: Path, tmp_path: Path) -> None:
    """A thousand pictures, half of them with a face, a tenth of them broken: as fast as it takes them."""
    shutil.copy(HOPPER, tmp_path / "face.jpg")
    blank(tmp_path / "blank.jpg")
    (tmp_path / "cut.jpg").write_bytes(HOPPER.read_bytes()[:20_000])
    program = f"""
import json, threading
from pathlib import Path
from actorrec.config import Config
from actorrec.inference.event_writer import EventWriter
from actorrec.inference.loop import InferenceLoop, Surroundings
from actorrec.inference.picture_eye import PictureEye
from actorrec.inference.plan import LoopPlan
from actorrec.inference.publishers import FanOut, StdoutPublisher
from actorrec.inference.running_bundle import run_bundle
from actorrec.inference.station import Station
from actorrec.inference.troubles import Troubles
live = run_bundle(Path({str(old)!r}), num_threads=1)
troubles = Troubles(print)
sources = ("face.jpg", "blank.jpg", "cut.jpg")
with FanOut([StdoutPublisher()], troubles) as out:
    station = Station(live, EventWriter("d", live.model), out, Config().inference, troubles)
    around = Surroundings(open_eye=lambda station, plan: PictureEye(station, plan, rounds=150))
    InferenceLoop(station, around).run(LoopPlan(sources, 0.0, 0.2, "t"), threading.Event())
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    health = [event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "health"]
    assert health[-1]["frames"] == 450
    warm = next(event["memory_bytes"] for event in health if event["frames"] >= 90)
    assert health[-1]["memory_bytes"] - warm < 5 << 20


def test_nothing_of_the_cloud_is_loaded(old: Path, tmp_path: Path) -> None:
    blank(tmp_path / "a.jpg")
    program = "import atexit, sys; atexit.register(lambda: print('|'.join(sys.modules), file=sys.stderr)); "
    program += "from actorrec.cli.app import main; main()"
    command = [sys.executable, "-c", program, "infer", "a.jpg", "--loop", "--count", "1", "--bundle", str(old)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split("|")}
    assert not loaded & {"boto3", "botocore", "tensorflow", "keras", "awsiot", "awscrt", "matplotlib"}
