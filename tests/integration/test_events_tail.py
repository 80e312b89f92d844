"""``actorrec events tail`` as a process: from a real broker, from a file that is written, and from a pipe."""

import json
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import pytest

from actorrec.manifests.events import DetectionEvent, EventFace, HealthEvent, RunningModel
from mosquitto import Broker, broker, broker_program
from own_environ import own_environ
from patience import PATIENCE_S, eventually

TOPIC = "home/faces"
NOW = datetime(2026, 11, 23, 8, 57, 13, tzinfo=UTC)
COMMON: dict[str, Any] = {"at": NOW, "model": RunningModel(model_id="m", bundle="a" * 64)}
HEALTH = HealthEvent(
    **COMMON, id="h", device="pi-1", version="1", started_at=NOW, frames=3, unreadable=0, failures=0
).model_dump_json()


def detection(event_id: str, name: str, device: str = "pi-1") -> str:
    face = EventFace(box=(0, 0, 9, 9), score=1, person_id="p", name=name, confidence=0.97, similarity=0.5)
    return DetectionEvent(**COMMON, id=event_id, device=device, source="camera 0", faces=[face]).model_dump_json()


def line(name: str, device: str = "pi-1") -> str:
    return f"2026-11-23 08:57:13 {device} camera 0: {name} 97%"


class Tailing:
    """One run; killed at the end of the context if it still goes."""

    def __init__(self, *arguments: object, program: str = "", environ: Mapping[str, str] | None = None) -> None:
        start = ["-c", program] if program else ["-m", "actorrec"]
        self.process = subprocess.Popen(
            [sys.executable, *start, "events", "tail", *map(str, arguments)],
            env=own_environ() | dict(environ or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._readers = [
            threading.Thread(target=_read, args=(self.process.stdout, self._lines.put), daemon=True),
            threading.Thread(target=_read, args=(self.process.stderr, self.said.append), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.ended()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def next(self) -> str:
        try:
            return self._lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError(f"nothing came; said {self.said}") from None

    def rest(self) -> list[str]:
        self.ended()
        return list(self._lines.queue)

    def ended(self) -> int:
        code = self.process.wait(PATIENCE_S)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code

    def interrupted(self) -> int:
        """Exit code after Ctrl-C; a loaded machine may leave no time for the last words, which are cut off then."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def give(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{each}\n" for each in lines))
        self.process.stdin.flush()


def _read(stream: IO[str], take: Callable[[str], object]) -> None:
    with stream:
        for each in stream:
            take(each.rstrip("\n"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Broker]:
    pytest.importorskip("paho.mqtt")
    with broker(tmp_path / "broker") as made:
        yield made


def listening(tail: Tailing, server: Broker, times: int = 1) -> None:
    """Wait until the broker has answered the subscriptions of so many connections."""

    def subscribed() -> bool:
        assert tail.process.poll() is None, tail.said
        return server.log.count("Sending SUBACK to actorrec-tail-") >= 2 * times

    eventually(subscribed)


def publish(server: Broker, subtopic: str, payload: str) -> None:
    program = broker_program("mosquitto_pub")
    command = [program, "-p", str(server.port), "-t", TOPIC + subtopic, "-q", "1", "-s"]
    subprocess.run(command, input=payload.encode(), check=True, timeout=PATIENCE_S)


def test_what_comes_from_a_broker_is_printed_once_and_what_is_no_event_harms_nothing(server: Broker) -> None:
    with Tailing("--mqtt", server.url, "--topic", TOPIC, "--count", "3") as tail:
        listening(tail, server)
        publish(server, "/availability/actorrec-pi-1", "online")
        publish(server, "/request", '{"picture": "1.jpg"}')
        publish(server, "/what", "nonsense")
        publish(server, "", detection("1", "Ada Lovelace"))
        assert tail.next() == line("Ada Lovelace")
        publish(server, "", detection("1", "Ada Lovelace"))
        publish(server, "", detection("2", "\x1b[2J\x9b2J\r\n\u202eAda", "pi\x1b]0;x\x07"))
        assert tail.next() == line(r"\x1b[2J\x9b2J\r\n\u202eAda", r"pi\x1b]0;x\x07")
        publish(server, "/health", HEALTH)
        assert tail.next() == "2026-11-23 08:57:13 pi-1 health: 3 frames"
        assert tail.ended() == 0
        assert tail.rest() == []
        assert tail.said == ["not shown, since they are no events: 1"]


def test_a_broker_that_goes_away_is_found_again(server: Broker) -> None:
    with Tailing("--mqtt", server.url, "--topic", TOPIC, "--count", "2") as tail:
        listening(tail, server)
        publish(server, "", detection("1", "Ada"))
        assert tail.next() == line("Ada")
        server.kill()
        eventually(lambda: tail.said)
        server.start()
        listening(tail, server, 2)
        publish(server, "", detection("2", "Grace"))
        assert tail.next() == line("Grace")
        assert tail.ended() == 0
        assert len(tail.said) == 2, tail.said
        assert "nothing takes connections" in tail.said[0]
        assert tail.said[1].endswith("in order again")


def test_the_devices_own_connection_is_left_alone(server: Broker, tmp_path: Path) -> None:
    """With the device's own settings, whose client id is in use."""
    config = tmp_path / "config.yaml"
    config.write_text(f"mqtt: {{url: '{server.url}', client_id: pi-1}}\ncloud: {{results_topic: {TOPIC}}}\n")
    command = [broker_program("mosquitto_sub"), "-p", str(server.port), "-i", "pi-1", "-t", "x", "-W", "3600"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as device:
        try:
            with Tailing("--config", config, "--json", "--count", "1") as tail:
                listening(tail, server)
                eventually(lambda: "as pi-1 (" in server.log)
                publish(server, "", detection("1", "Ada \u2028\x9bLovelace").replace(',"', ',\n\t"'))
                printed = tail.next()
                assert tail.ended() == 0
            assert device.poll() is None
        finally:
            device.kill()
    assert "already connected" not in server.log
    assert printed.isprintable()
    assert json.loads(printed) == json.loads(detection("1", "Ada \u2028\x9bLovelace"))


def test_no_broker_and_no_source_are_told() -> None:
    pytest.importorskip("paho.mqtt")
    for arguments, code, said in (
        (("--mqtt", "mqtt://127.0.0.1:1"), 3, "nothing takes connections"),
        (("--mqtt", "http://127.0.0.1:1"), 2, "mqtt.url"),
        ((), 2, "where do the events come from?"),
        (("x.jsonl", "--mqtt", "mqtt://127.0.0.1:1"), 2, "not from both"),
        (("-", "--from-start"), 2, "--from-start goes with a file alone"),
        (("/",), 1, "/ is not a file"),
    ):
        with Tailing(*arguments, environ={"ACTORREC_MQTT__URL": ""}) as tail:
            assert tail.ended() == code, (arguments, tail.said)
            assert said in " ".join(tail.said)


def test_a_file_is_followed_until_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(f"{detection('1', 'Ada')}\nnonsense\n{HEALTH}\n")
    with Tailing(path, "--from-start", "--only", "detection") as tail:
        assert tail.next() == line("Ada")
        with path.open("a") as file:
            later = detection("9", "Eve").replace('"schema_version":1', '"schema_version":2')
            file.write(f"{detection('1', 'Ada')}\n{'x' * (2 << 20)}\n{later}\n{detection('2', 'Grace')}\n")
        assert tail.next() == line("Grace")
        path.rename(tmp_path / "events.jsonl.1")
        path.write_text(f"{detection('3', 'Alan')}\n")
        assert tail.next() == line("Alan")
        assert tail.interrupted() == 0
        assert tail.said[0].startswith("not shown: events of another schema")
        assert tail.said[1:] in ([], ["not shown, since they are no events: 3"])


def test_without_a_source_the_file_of_the_settings_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(f"{{}}\nnonsense\n{detection('1', 'Ada')}\n")
    with Tailing("--from-start", "--count", "1", environ={"ACTORREC_EVENTS__JSONL": str(path)}) as tail:
        assert tail.next() == line("Ada")
        assert tail.ended() == 0
        assert tail.said == ["not shown, since they are no events: 2"]


def test_a_pipe_is_read_with_the_core_packages_alone() -> None:
    missing = ("cv2", "PIL", "ai_edge_litert", "paho", "awsiot", "boto3", "tensorflow", "keras")
    program = f"import sys; sys.modules.update(dict.fromkeys({missing!r})); from actorrec.cli.app import main; main()"
    with Tailing("-", "--person", "grace", program=program) as tail:
        tail.give(detection("1", "Ada"), detection("2", "Grace"))
        assert tail.next() == line("Grace")
        assert tail.process.stdin is not None
        tail.process.stdin.close()
        assert tail.ended() == 0
        assert tail.said == []
    with Tailing("--mqtt", "mqtt://127.0.0.1:1", program=program) as tail:
        assert tail.ended() == 2
        assert "pip install 'actorrec[mqtt]'" in " ".join(tail.said)
