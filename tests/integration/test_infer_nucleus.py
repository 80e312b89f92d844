"""``infer --loop --greengrass`` beside a nucleus: its real SDK over a real socket."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Self

import pytest
from PIL import Image

from actorrec.errors import RemoteError
from actorrec.inference.event_writer import MAX_MESSAGE_BYTES
from actorrec.inference.greengrass_ipc import GreengrassIpc, under_nucleus
from nucleus_server import NucleusServer
from patience import PATIENCE_S, eventually
from running_loop import GROUP, HOPPER, RunningLoop, blank
from small_bundles import write_small_bundle

TOPIC = "ml/tflite/image-classification"
ANSWER_S = 5.0  # so long an answer of the nucleus is waited for
ENDS_S = 20.0  # two, where the machine is not loaded


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle.zip")


@pytest.fixture
def nucleus(tmp_path: Path) -> Iterator[NucleusServer]:
    blank(tmp_path / "door.jpg")
    configuration = {
        "accessControl": {"aws.greengrass.ipc.mqttproxy": {}},
        "ImageName": "door.jpg",
        "ImageDirectory": str(tmp_path),
        "InferenceInterval": "0.1",
        "HealthInterval": "1",
    }
    with NucleusServer(tmp_path / "ipc.socket", configuration) as server:
        yield server


class Refusing:
    """Takes every connection and closes it; ``asked`` counts them."""

    def __init__(self, path: Path) -> None:
        self.asked = 0
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._refuse, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _refuse(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.asked += 1
                connection.close()


def started(nucleus: NucleusServer, bundle: Path, folder: Path, *more: object) -> RunningLoop:
    return RunningLoop("--greengrass", "--bundle", bundle, *more, cwd=folder, environ=nucleus.environment)


def test_what_standard_output_says_goes_to_the_two_topics(nucleus: NucleusServer, bundle: Path, tmp_path: Path) -> None:
    shutil.copy(HOPPER, tmp_path / "door.jpg")
    with started(nucleus, bundle, tmp_path) as loop:
        for number in range(1, 4):
            loop.detection()
            eventually(lambda number=number: len(nucleus.events(TOPIC)) >= number)  # type: ignore[misc]
        eventually(lambda: nucleus.events(f"{TOPIC}/health") and len(nucleus.local) >= 4)
        eventually((tmp_path / "bundles" / "shelf.json").is_file)  # a nucleus starts a component in its work folder
        assert loop.stop()[0] == 0
    assert loop.said == []
    detections, health = nucleus.events(TOPIC), nucleus.events(f"{TOPIC}/health")
    assert [event for event in loop.events if event["event"] == "detection"][: len(detections)] == detections
    assert [event for event in loop.events if event["event"] == "health"][: len(health)] == health
    assert {event["device"] for event in detections + health} == {"pi-1"}
    assert detections[0]["source"] == str(tmp_path / "door.jpg")
    assert len(detections[0]["faces"]) == 1
    assert {topic for topic, _ in nucleus.published} == {TOPIC, f"{TOPIC}/health"}
    both = min(len(nucleus.local), len(nucleus.published))
    assert nucleus.local[:both] == nucleus.published[:both]  # for client devices of this one


def test_a_changed_configuration_goes_at_once_and_a_wrong_one_changes_nothing(
    nucleus: NucleusServer, bundle: Path, tmp_path: Path
) -> None:
    others = "other/results"
    (tmp_path / "other").mkdir()
    blank(tmp_path / "other" / "door.jpg", (80, 48))
    with started(nucleus, bundle, tmp_path) as loop:
        assert loop.detection()["width"] == 64
        nucleus.configuration |= {"ImageDirectory": str(tmp_path / "other"), "PublishResultsOnTopic": "our/results"}
        assert loop.detection(lambda event: event["width"] == 80)
        nucleus.configuration |= {"ImageName": "../door.jpg", "PublishResultsOnTopic": others}
        (trouble,) = loop.health(lambda event: event["trouble"])["trouble"]
        assert "ImageName cannot be '../door.jpg'" in trouble
        assert "nothing is changed" in trouble
        nucleus.configuration["ImageName"] = "door.jpg"
        assert loop.health(lambda event: not event["trouble"])["frames"] > 1
        eventually(lambda: f"{others}/health" in {topic for topic, _ in nucleus.published})
        assert loop.stop()[0] == 0
    widths = [event["width"] for event in loop.events if event["event"] == "detection"]
    assert widths == sorted(widths), "from one picture to the other, and never back"
    health = f"{TOPIC}/health"
    expected = [TOPIC, health, "our/results", "our/results/health", others, f"{others}/health"]
    assert list(dict.fromkeys(topic for topic, _ in nucleus.published)) == expected
    assert len(loop.said) == 2, loop.said


def test_a_nucleus_that_goes_away_ends_nothing_and_is_found_again(
    nucleus: NucleusServer, bundle: Path, tmp_path: Path
) -> None:
    with started(nucleus, bundle, tmp_path) as loop:
        loop.health()
        nucleus.__exit__()
        lost = loop.health(lambda event: event["trouble"])
        assert any("no connection to the nucleus" in line for line in lost["trouble"])
        before = len(nucleus.published)
        nucleus.__enter__()
        well = loop.health(lambda event: not event["trouble"])
        assert well["failures"] == 0, "messages wait, for both places"
        eventually(lambda: len(nucleus.published) > before)
        assert nucleus.connections == 2
        code, took_s = loop.stop()
    assert code == 0
    assert took_s < ENDS_S
    assert max(Counter(loop.said).values()) <= 2, "told when it begins and ends, not each time"


def test_a_topic_that_is_not_allowed_is_told_with_the_way_out(
    nucleus: NucleusServer, bundle: Path, tmp_path: Path
) -> None:
    nucleus.allowed = {f"{TOPIC}/health"}
    with started(nucleus, bundle, tmp_path) as loop:
        assert loop.health(lambda event: event["trouble"] and all(queue["waiting"] for queue in event["queues"]))
        eventually(lambda: nucleus.events(f"{TOPIC}/health"))
        assert loop.stop()[0] == 0
    assert [line for line in loop.said if "accessControl must name this operation and topic" in line]
    assert nucleus.events(TOPIC) == []


def test_a_nucleus_that_never_answers_holds_up_neither_the_frames_nor_the_end(
    nucleus: NucleusServer, bundle: Path, tmp_path: Path
) -> None:
    with started(nucleus, bundle, tmp_path) as loop:
        nucleus.waited_for("", f"{TOPIC}/request")
        loop.health()
        nucleus.silent = True
        nucleus.configure(PublishResultsOnTopic="another/topic")
        came = [datetime.fromisoformat(loop.detection()["at"]).timestamp() for _ in range(8)]
        assert max(after - before for before, after in pairwise(came)) < ANSWER_S, "the frames wait for no answer"
        code, took_s = loop.stop()
    assert code == 0
    assert took_s < ENDS_S


def test_a_nucleus_without_an_answer_at_the_start_leaves_the_defaults(
    nucleus: NucleusServer, bundle: Path, tmp_path: Path
) -> None:
    nucleus.failing = True
    with started(nucleus, bundle, tmp_path, "door.jpg", "--interval", "0.1", "--count", "2") as loop:
        assert loop.ended() == 0
    assert [event["event"] for event in loop.events] == ["detection", "health", "detection", "health"]
    assert any("the configuration stays as it is" in line for line in loop.said)


def test_without_the_package_that_speaks_to_it_the_line_that_installs_it_is_told(
    nucleus: NucleusServer, bundle: Path, tmp_path: Path
) -> None:
    program = "import sys; sys.modules['awsiot'] = None; from actorrec.cli.app import main; main()"
    command = [sys.executable, "-c", program, "infer", "--loop", "--greengrass", "--bundle", str(bundle)]
    done = subprocess.run(
        command, cwd=tmp_path, env=nucleus.environment, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == 2
    assert "pip install 'actorrec[greengrass]'" in done.stderr


def test_a_crowd_is_cut_to_what_a_nucleus_takes(nucleus: NucleusServer, bundle: Path, tmp_path: Path) -> None:
    with Image.open(GROUP) as group:
        crowd = Image.new("RGB", (2 * group.width, 9 * group.height))
        for number in range(18):
            crowd.paste(group, (number % 2 * group.width, number // 2 * group.height))
    crowd.save(tmp_path / "door.jpg", quality=90)
    with started(nucleus, bundle, tmp_path) as loop:
        loop.detection()
        payload = eventually(lambda: next((payload for topic, payload in nucleus.published if topic == TOPIC), b""))
    said = json.loads(payload)
    assert 4000 < len(payload) <= MAX_MESSAGE_BYTES
    assert said["left_out"] > 0


def test_the_longest_message_fits_what_a_nucleus_takes(nucleus: NucleusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in nucleus.environment.items():
        monkeypatch.setenv(name, value)
    assert under_nucleus()
    payload = json.dumps({"x": "y" * (MAX_MESSAGE_BYTES - 9)}).encode()
    assert len(payload) == MAX_MESSAGE_BYTES
    with GreengrassIpc(timeout_s=PATIENCE_S) as ipc:
        ipc.publish("a/b", payload)  # the server refuses 10,000 bytes, as nucleus lite does
    assert nucleus.published == [("a/b", payload)]


def test_after_a_failure_there_is_a_pause_that_grows(nucleus: NucleusServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in nucleus.environment.items():
        monkeypatch.setenv(name, value)
    nucleus.__exit__()
    now_s = 0.0
    tried: list[float] = []
    with Refusing(nucleus.path) as refusing, GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: now_s) as ipc:
        for _ in range(200):
            before = refusing.asked
            with pytest.raises(RemoteError, match="no connection to the nucleus"):
                ipc.publish("a/b", b"{}")
            if refusing.asked != before:
                tried.append(now_s)
            now_s += 1.0
        assert tried == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0, 183.0]
    with GreengrassIpc(timeout_s=PATIENCE_S, clock=lambda: now_s) as ipc:
        for _ in range(2):  # a success in between: the pause is short again
            with pytest.raises(RemoteError):
                ipc.publish("a/b", b"{}")
            now_s += 1.0
            with nucleus:
                ipc.publish("a/b", b"{}")
    assert nucleus.published == [("a/b", b"{}")] * 2
