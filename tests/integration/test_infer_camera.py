"""``infer --camera --loop`` as people and nuclei start it: a process, a film or a camera on loopback, a real bundle."""

import http.client
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
import yaml

from actorrec.artifacts.digest import file_sha256
from actorrec.manifests.events import DetectionEvent, HealthEvent, ModelEvent
from actorrec.recognition.bundle import open_bundle
from actorrec.recognition.recogniser import load_recogniser
from camera_servers import RED, camera_server, mjpeg, scene
from composed_stream import Appearance, ComposedStream, PhotoCuts
from mosquitto import Broker, broker, broker_program
from nucleus_server import NucleusServer
from patience import PATIENCE_S, eventually
from personal_data import personal_data
from running_loop import EXAMPLES, GROUP, HOPPER, Event, RunningLoop, blank, taught_bundle

PEOPLE = {"Grace_Hopper": "Grace_Hopper", "Albert_Einstein": "Albert_Einstein"}
TOPIC = "ml/tflite/image-classification"
LAMARR = EXAMPLES / "people/Hedy_Lamarr/publicity_1944.jpg"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught_bundle(tmp_path_factory.mktemp("bundle"), PEOPLE)


@pytest.fixture(scope="module")
def cuts(bundle: Path) -> PhotoCuts:
    return PhotoCuts(load_recogniser(open_bundle(bundle), num_threads=1).detector)


@pytest.fixture(scope="module")
def film(cuts: PhotoCuts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hopper alone, then nobody, then Lamarr, whom the bundle does not know, and Einstein beside her."""
    (einstein,) = sorted((EXAMPLES / "people/Albert_Einstein").glob("*.jpg"))
    plot = [
        Appearance("Grace_Hopper", (HOPPER,), 0.5, 3),
        Appearance(None, (LAMARR,), 6, 4, place="left"),
        Appearance("Albert_Einstein", (einstein,), 7.5, 3, place="right"),
    ]
    path = tmp_path_factory.mktemp("film") / "film.avi"
    ComposedStream(plot, cuts, seconds=13).write(path)
    return path


def detections(events: list[Event]) -> list[Event]:
    return [event for event in events if event["event"] == "detection"]


def names(event: Event) -> list[str | None]:
    """Of the faces that are decided."""
    return sorted((face["name"] for face in event["faces"] if face["decided"]), key=str)


def nothing_of_strangers(folder: Path, loop: RunningLoop) -> None:
    """No picture and no embedding in any file or message of a run that was not asked to keep or send some."""
    written = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert written.keys() >= {"e.jsonl", "mqtt.sqlite3", "status.json"}
    assert {name for name, data in written.items() if personal_data(data)} == set()
    assert personal_data("\n".join([*map(json.dumps, loop.events), *loop.said]).encode()) == set()


def test_a_film_is_told_as_it_goes_and_nobody_is_called_by_a_wrong_name(
    bundle: Path, film: Path, tmp_path: Path
) -> None:
    environ = {"ACTORREC_EVENTS__JSONL": str(tmp_path / "e.jsonl"), "ACTORREC_MQTT__URL": "mqtt://127.0.0.1:1"}
    environ |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    arguments = ("--camera", film, "--every-frame", "--bundle", bundle)
    with RunningLoop(*arguments, cwd=tmp_path, environ=environ) as loop:
        assert loop.ended() == 0
    assert [line for line in loop.said if not line.startswith("broker mqtt://127.0.0.1:1: ")] == []
    told = detections(loop.events)
    nothing_of_strangers(tmp_path, loop)
    story = [names(event) for event in told]
    assert (told[0]["reason"], story[0]) == ("heartbeat", []), "nobody is there yet"
    assert {event["reason"] for event in told[1:]} == {"change"}
    assert ["Grace Hopper"] in story
    assert ["Albert Einstein", None] in story
    assert story.index(["Grace Hopper"]) < story.index([None]) < story.index(["Albert Einstein", None])
    assert story[-1] == [], "everybody has left"
    for face in (face for event in told for face in event["faces"]):
        assert face["decided"] or face["name"] is None
    last = loop.events[-1]
    assert (last["frames"], last["unreadable"], last["failures"]) == (130, 0, 0)
    assert (last["camera"]["captured"], last["camera"]["dropped"]) == (130, 0)
    assert 0 < last["camera"]["detections"] < 65, "faces are followed, not found in every frame"
    assert last["camera"]["unchanged"] > 10
    for event in loop.events:
        kind = HealthEvent if event["event"] == "health" else DetectionEvent
        assert kind.model_validate(event).model.bundle == file_sha256(bundle)


def test_a_camera_goes_and_comes_back_and_the_end_comes_when_it_is_asked_for(
    bundle: Path, cuts: PhotoCuts, tmp_path: Path
) -> None:
    frames = [frame.pixels for frame, _ in ComposedStream([Appearance("x", (HOPPER,), 0, 2)], cuts)]
    settings = {"camera": {"timeout_s": 30, "max_wait_s": 1}, "greengrass": {"health_s": 1}}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(settings))
    with camera_server(mjpeg(*frames, every_s=0.1)) as camera:
        url = camera.url.replace("http://", "http://user:hunter2@")
        with RunningLoop("--camera", url, "--bundle", bundle, "--config", "c.yaml", cwd=tmp_path) as loop:
            assert loop.detection(lambda event: names(event) == ["Grace Hopper"])["reason"] == "change"
            camera.off()
            lost = loop.health(lambda event: event["trouble"] and not event["camera"]["connected"])
            assert "the camera" in lost["trouble"][0] or "127.0.0.1" in lost["trouble"][0]
            camera.on()
            back = loop.health(lambda event: event["camera"]["connected"] and not event["trouble"])
            assert back["camera"]["reconnects"] >= 1
            assert loop.stop()[0] == 0
    assert "hunter2" not in json.dumps(loop.events) + "".join(loop.said)


def test_a_camera_that_is_not_there_is_waited_for(bundle: Path, tmp_path: Path) -> None:
    environ = {"ACTORREC_GREENGRASS__HEALTH_S": "1"}
    with RunningLoop("--camera", "97", "--bundle", bundle, cwd=tmp_path, environ=environ) as loop:
        trouble = loop.health(lambda event: event["trouble"])["trouble"]
        assert "97" in trouble[0]
        assert loop.stop()[0] == 0
    assert detections(loop.events) == []


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ("file:///etc/passwd", "file"),
        ("", "name a picture"),
    ],
)
def test_what_is_no_camera_is_refused_before_anything_begins(
    camera: str, said: str, bundle: Path, tmp_path: Path
) -> None:
    with RunningLoop("--camera", camera, "--bundle", bundle, "--count", 1, cwd=tmp_path) as loop:
        assert loop.ended() == 2, (loop.said, loop.events)
    assert any(said in line for line in loop.said), loop.said


def test_a_picture_and_a_folder_serve_as_cameras_do(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "door").mkdir()
    blank(tmp_path / "door" / "a.jpg")
    shutil.copy(HOPPER, tmp_path / "b.jpg")
    for camera, width in (("door", 64), ("b.jpg", None)):
        with RunningLoop("--camera", camera, "--bundle", bundle, "--count", "1", cwd=tmp_path) as loop:
            assert loop.ended() == 0
        (told,) = detections(loop.events)
        assert told["reason"] == "look"
        assert width in (None, told["width"])
        assert told["source"].endswith(".jpg")


class Heard:
    """What a client hears of a broker, by topic."""

    def __init__(self, running: Broker) -> None:
        command = [broker_program("mosquitto_sub"), "-p", str(running.port), "-v", "-t", "#"]
        self._reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.by_topic: dict[str, list[str]] = {}
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        eventually(lambda: "Sending SUBACK" in running.log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.kill()
        self._thread.join()
        self._reader.communicate()

    def events(self, topic: str) -> list[Event]:
        return [json.loads(payload) for payload in list(self.by_topic.get(topic, ()))]

    def _read(self) -> None:
        assert self._reader.stdout is not None
        for line in self._reader.stdout:
            topic, _, payload = line.rstrip("\n").partition(" ")
            self.by_topic.setdefault(topic, []).append(payload)


def test_results_go_to_a_broker_and_requests_come_from_it(bundle: Path, cuts: PhotoCuts, tmp_path: Path) -> None:
    frames = [frame.pixels for frame, _ in ComposedStream([Appearance("x", (HOPPER,), 0, 2)], cuts)]
    (tmp_path / "pictures").mkdir()
    shutil.copy(GROUP, tmp_path / "pictures" / "group.jpg")
    settings = {
        "mqtt": {"requests": True, "request_directory": str(tmp_path / "pictures"), "home_assistant": True},
        "greengrass": {"health_s": 1},
    }
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(settings))
    with (
        broker(tmp_path / "broker") as running,
        Heard(running) as heard,
        camera_server(mjpeg(*frames, every_s=0.1)) as camera,
    ):
        options = ("--bundle", bundle, "--config", "c.yaml", "--mqtt", running.url, "--work", "work")
        with RunningLoop("--camera", camera.url, *options, cwd=tmp_path) as loop:
            loop.detection(lambda event: names(event) == ["Grace Hopper"])
            eventually(lambda: f"{TOPIC}/request (QoS 1)" in running.log)
            for name in ("group.jpg", "missing.jpg", "../c.yaml"):
                asked = json.dumps({"picture": name, "request": name[:5]})
                command = [broker_program("mosquitto_pub"), "-p", str(running.port)]
                subprocess.run([*command, "-q", "1", "-t", f"{TOPIC}/request", "-m", asked], check=True)
            answer = loop.detection(lambda event: event["request"] == "group")
            assert len(answer["faces"]) >= 3
            missing = loop.detection(lambda event: event["request"] == "missi")
            assert "cannot be read" in missing["error"]
            eventually(lambda: missing in heard.events(TOPIC) and heard.events(f"{TOPIC}/health"))
            assert loop.stop()[0] == 0
        states = eventually(
            lambda: next(
                (said for topic, said in [*heard.by_topic.items()] if "availability" in topic and said[1:]), None
            )
        )
    assert states == ["online", "offline"]
    for topic, kind in ((TOPIC, "detection"), (f"{TOPIC}/health", "health")):
        told = [event for event in loop.events if event["event"] == kind]
        assert heard.events(topic) == told[: len(heard.events(topic))]
    assert [topic for topic in heard.by_topic if topic.startswith("homeassistant/")]


def test_another_bundle_is_taken_between_two_frames_and_a_spoilt_one_is_not(
    bundle: Path, cuts: PhotoCuts, tmp_path: Path
) -> None:
    frames = [frame.pixels for frame, _ in ComposedStream([Appearance("x", (HOPPER,), 0, 3)], cuts)]
    other = taught_bundle(tmp_path / "other", {"Ada_Lovelace": "Grace_Hopper"})
    live = shutil.copy(bundle, tmp_path / "live.zip")

    def put(content: bytes) -> None:
        (tmp_path / "next").write_bytes(content)
        (tmp_path / "next").replace(live)

    with camera_server(mjpeg(*frames, every_s=0.1)) as camera:
        options = ("--bundle", live, "--work", tmp_path / "work")
        with RunningLoop("--camera", camera.url, *options, cwd=tmp_path) as loop:
            loop.detection(lambda event: names(event) == ["Grace Hopper"])
            put(bundle.read_bytes()[:-1000])
            refused = loop.next(lambda event: event["event"] == "model")
            assert (refused["change"], refused["model"]["bundle"]) == ("refused", file_sha256(bundle))
            assert refused["reason"]
            assert loop.health()["swaps_refused"] == 1
            put(other.read_bytes())
            swapped = loop.next(lambda event: event["event"] == "model")
            assert (swapped["change"], swapped["bundle"]) == ("swapped", file_sha256(other))
            counted = loop.health()
            named = loop.detection(lambda event: names(event) == ["Ada Lovelace"])
            assert named["model"]["bundle"] == file_sha256(other)
            assert loop.stop()[0] == 0
    for event in loop.events:
        if event["event"] == "model":
            ModelEvent.model_validate(event)
    after = loop.events[loop.events.index(swapped) :]
    assert not any("Grace Hopper" in names(event) for event in detections(after))
    assert counted["swaps"] == 1
    assert counted["started_at"] > loop.events[0]["at"], "counts begin anew with another bundle"


def test_a_changed_file_of_settings_goes_at_once_and_a_wrong_one_changes_nothing(bundle: Path, tmp_path: Path) -> None:
    blank(tmp_path / "a.jpg")

    def configure(**health: Any) -> None:
        (tmp_path / "next").write_text(yaml.safe_dump({"greengrass": {"inference_interval_s": 0.2} | health}))
        (tmp_path / "next").replace(tmp_path / "c.yaml")

    configure(health_s=3600)
    with RunningLoop("a.jpg", "--bundle", bundle, "--config", "c.yaml", cwd=tmp_path) as loop:
        loop.health()
        configure(health_s=1)
        first = loop.health()
        assert loop.health(lambda event: event["frames"] > first["frames"]), "every second now"
        configure(health_s="soon")
        assert "health_s" in loop.health(lambda event: event["trouble"])["trouble"][0]
        assert loop.stop()[0] == 0


@pytest.fixture
def nucleus(tmp_path: Path, cuts: PhotoCuts) -> Iterator[NucleusServer]:
    frames = [frame.pixels for frame, _ in ComposedStream([Appearance("x", (HOPPER,), 0, 2)], cuts)]
    with camera_server(mjpeg(*frames, every_s=0.1)) as camera:
        configuration = {"UseCamera": "true", "Camera": camera.url, "HealthInterval": "1", "HeartbeatInterval": "1"}
        with NucleusServer(tmp_path / "ipc.socket", configuration) as server:
            yield server


def test_a_component_looks_through_a_camera_until_it_is_told_otherwise(
    nucleus: NucleusServer, bundle: Path, tmp_path: Path
) -> None:
    blank(tmp_path / "door.jpg")
    options = ("--greengrass", "--bundle", bundle)
    with RunningLoop(*options, cwd=tmp_path, environ=nucleus.environment) as loop:
        loop.detection(lambda event: names(event) == ["Grace Hopper"])
        nucleus.configure(UseCamera="false", ImageDirectory=str(tmp_path), ImageName="door.jpg")
        look = loop.detection(lambda event: event["reason"] == "look")
        assert look["width"] == 64
        eventually(lambda: look in nucleus.events(TOPIC))
        eventually(lambda: nucleus.events(f"{TOPIC}/health")[-1]["camera"] is None)
        assert loop.stop()[0] == 0
    taken = nucleus.events(TOPIC)  # once: what was sent last may still be under way
    assert taken == detections(loop.events)[: len(taken)]


def unknown_faces(folder: Path) -> list[Path]:
    return sorted((folder / "store" / "unknowns").glob("*")) if (folder / "store").exists() else []


@pytest.mark.parametrize("keep", [False, True])
def test_of_a_stranger_one_face_is_kept_where_that_is_turned_on_and_else_nothing(
    keep: bool, bundle: Path, film: Path, tmp_path: Path
) -> None:
    environ = {"ACTORREC_UNKNOWNS__KEEP": str(keep).lower(), "ACTORREC_STORE__URI": str(tmp_path / "store")}
    options = ("--camera", film, "--every-frame", "--bundle", bundle)
    with RunningLoop(*options, cwd=tmp_path, environ=environ) as loop:
        assert loop.ended() == 0
    assert len(unknown_faces(tmp_path)) == (2 if keep else 0), "a picture and its record"
    pictures = {".jpg", ".jpeg", ".png", ".npy", ".npz"}
    kept = [path for path in tmp_path.rglob("*") if path.suffix in pictures]
    assert len(kept) == (1 if keep else 0)


def test_somebody_with_the_token_may_look_on(bundle: Path, tmp_path: Path) -> None:
    with (
        camera_server(mjpeg(scene(RED))) as camera,
        RunningLoop("--camera", camera.url, "--bundle", bundle, "--preview", cwd=tmp_path) as loop,
    ):
        found = eventually(lambda: re.search(r"http://127\.0\.0\.1:\d+\S+", " ".join(loop.said)))
        loop.health()
        address = urlsplit(found.group())
        assert get(address.port, "/")[0] == 403
        status, headers, _ = get(address.port, f"{address.path}?{address.query}")
        assert status == 303
        cookie = headers["Set-Cookie"].split(";")[0]
        status, _, page = get(address.port, headers["Location"], cookie)
        assert (status, b"<html" in page.lower()) == (200, True)
        assert loop.stop()[0] == 0


def get(port: int | None, path: str, cookie: str = "") -> tuple[int, Any, bytes]:
    """Ask the page; once more where a machine that stood still made it cut off who did not ask in time."""

    def asked() -> tuple[int, Any, bytes] | None:
        connection = http.client.HTTPConnection("127.0.0.1", port or 0, timeout=PATIENCE_S)
        with closing(connection), suppress(ConnectionError):
            connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        return None

    return eventually(asked)
