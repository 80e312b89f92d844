"""A writer that is killed again and again while the broker comes and goes, and what reaches a reader in the end."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mosquitto import Broker
from patience import PATIENCE_S
from spool_writer import payload_of

TOPIC: Final = "ml/tflite/image-classification"
BROKER_LINES: Final = ("max_queued_messages 0", "max_inflight_messages 100")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the events.

    Attributes:
        meant: Ids that a writer was about to hand to the spool.
        taken: Ids that the spool had taken, in order.
        arrived: How often each id came to the reader.
        altered: Messages that are none of the writer's.
        health: Of the queue at the end, as the last writer knew it.
        kills: Of the writer.
    """

    meant: list[str]
    taken: list[str]
    arrived: Counter[str]
    altered: list[bytes]
    health: dict[str, Any]
    kills: int

    @property
    def lost(self) -> list[str]:
        """Taken, and never there."""
        return [each for each in self.taken if each not in self.arrived]

    @property
    def invented(self) -> list[str]:
        """There, and never said."""
        meant = set(self.meant)
        return [each for each in self.arrived if each not in meant]

    @property
    def again(self) -> int:
        """Messages that came once more."""
        return self.arrived.total() - len(self.arrived)


class Reader:
    """A client with a session that the broker keeps, so that it misses nothing of what the broker took."""

    def __init__(self, port: int) -> None:
        import paho.mqtt.client as paho

        self.arrived: Counter[str] = Counter()
        self.altered: list[bytes] = []
        self._listening = threading.Event()
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id="reader", clean_session=False, protocol=paho.MQTTv311
        )
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._client.on_message = lambda _client, _data, message: self._take(message.payload)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port, keepalive=10)
        self._client.loop_start()
        assert self._listening.wait(PATIENCE_S)

    def close(self) -> None:
        """Go."""
        self._client.disconnect()
        self._client.loop_stop()

    def _take(self, payload: bytes) -> None:
        try:
            event_id = str(json.loads(payload)["id"])
        except (ValueError, LookupError, TypeError):
            event_id = ""
        if payload == payload_of(event_id):
            self.arrived[event_id] += 1
        else:
            self.altered.append(payload)


class Writers:
    """Writers, one after the other, on one spool.

    Args:
        folder: For the spool, and for what they wrote down.
        url: Of the broker.
        bound: Messages that the spool may hold.
        pause_s: Between two events.
    """

    def __init__(self, folder: Path, url: str, *, bound: int, pause_s: float = 0.0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._url, self._bound, self._pause_s = folder, url, bound, pause_s
        self.kills = 0
        self._runs = 0

    def ids(self, name: str) -> list[str]:
        """What writers wrote down."""
        path = self._folder / name
        return path.read_text().split() if path.exists() else []

    def killed(self, count: int, *, after: int) -> None:
        """A writer that is to say ``count`` events, killed once the spool took ``after`` of them or more."""
        path = self._folder / "taken"
        before = path.stat().st_size if path.exists() else 0
        with self._start(count, drain=False) as process:
            give_up_s, line_bytes = time.monotonic() + PATIENCE_S, len("000-000000\n")
            while not path.exists() or path.stat().st_size < before + after * line_bytes:
                if process.poll() is not None or time.monotonic() > give_up_s:
                    raise AssertionError(f"the writer ended: {self.said}")
                time.sleep(0.001)
            process.kill()
            process.wait()
        self.kills += 1

    def drained(self) -> dict[str, Any]:
        """A writer that says nothing and waits until nothing waits; what it says of its queue."""
        with self._start(0, drain=True) as process:
            out, _ = process.communicate(timeout=PATIENCE_S)
        if process.returncode:
            raise AssertionError(f"the last writer failed: {self.said}")
        health: dict[str, Any] = json.loads(out)
        return health

    @property
    def said(self) -> str:
        """What all of them said."""
        return (self._folder / "said").read_text()

    @contextmanager
    def _start(self, count: int, *, drain: bool) -> Iterator["subprocess.Popen[str]"]:
        settings = {
            "folder": str(self._folder),
            "url": self._url,
            "bound": self._bound,
            "pause_s": self._pause_s,
            "run": f"{self._runs:03d}",
            "count": count,
            "drain": drain,
        }
        self._runs += 1
        command = [sys.executable, str(Path(__file__).with_name("spool_writer.py")), json.dumps(settings)]
        with (self._folder / "said").open("a") as said:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def run_kills(broker: Broker, folder: Path, *, events: int, kills: int, dice: random.Random) -> Outcome:
    """Say so many events; the writer is killed so often, the broker is away for the middle third of that.

    The broker is asked to end, not killed: what it had acknowledged is in its own keeping, and would die with it.
    """
    reader = Reader(broker.port)
    try:
        writers = Writers(folder, broker.url, bound=2 * events)
        for number in range(kills):
            if number == (kills + 1) // 3:
                broker.stop()
            if number == (2 * kills + 1) // 3:
                broker.start()
            left = events - len(writers.ids("taken"))
            share = left if number == kills - 1 else left // (kills - number)
            writers.killed(share, after=max(1, share - dice.randrange(min(20, share))))
        health = writers.drained()
        taken = writers.ids("taken")
        _wait_for(reader, set(taken))
    finally:
        reader.close()
    return Outcome(writers.ids("meant"), taken, reader.arrived, reader.altered, health, writers.kills)


def run_past_bound(broker: Broker, folder: Path, *, events: int, bound: int) -> Outcome:
    """Say more events than the spool may hold while the broker is away, killed at the end; then the broker is back."""
    reader = Reader(broker.port)
    try:
        broker.stop()
        writers = Writers(folder, broker.url, bound=bound)
        writers.killed(events, after=events)
        broker.start()
        health = writers.drained()
        taken = writers.ids("taken")
        _wait_for(reader, set(taken[-bound + 1 :]))
    finally:
        reader.close()
    return Outcome(writers.ids("meant"), taken, reader.arrived, reader.altered, health, writers.kills)


def _wait_for(reader: Reader, ids: set[str]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not ids <= reader.arrived.keys() and time.monotonic() < give_up_s:
        time.sleep(0.05)
