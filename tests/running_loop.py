"""``actorrec infer --loop`` as a process of its own, its lines read as they come."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from PIL import Image

from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.enrol import enrol
from actorrec.progress import SilentProgress
from own_environ import own_environ
from patience import PATIENCE_S

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
GROUP = EXAMPLES / "group.jpg"
HOPPER = EXAMPLES / "people/Grace_Hopper/official_1984.jpg"
Event = dict[str, Any]


def taught_bundle(folder: Path, people: Mapping[str, str], config: Config | None = None) -> Path:
    """A bundle that knows people of the examples.

    Args:
        people: ``person_id`` to give → folder of the example photos that show somebody.
    """
    store = open_store(str(folder))
    photos = {person: sorted((EXAMPLES / "people" / shown).glob("*.jpg")) for person, shown in people.items()}
    report = enrol(store, config or Config(), photos, progress=SilentProgress())
    return store.local_path(file_name(report.manifest, report.manifest.bundle_file))


def blank(path: Path, size_wh: tuple[int, int] = (64, 48)) -> Path:
    """A grey picture without a face, written whole."""
    beside = path.with_name(f".{path.name}")
    Image.fromarray(np.full((size_wh[1], size_wh[0], 3), 127, np.uint8)).save(beside, "JPEG")
    return beside.replace(path)


class RunningLoop:
    """One run; killed at the end of the context if it still goes.

    Args:
        arguments: After ``infer --loop``.
        cwd: Where it is started.
        environ: Added to an environment without our settings.
    """

    def __init__(self, *arguments: object, cwd: Path, environ: Mapping[str, str] | None = None) -> None:
        clean = own_environ("AWS_")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "actorrec", "infer", "--loop", *map(str, arguments)],
            cwd=cwd,
            env=clean | {"XDG_STATE_HOME": str(cwd / "state")} | dict(environ or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: list[Event] = []
        self.said: list[str] = []
        self._lines: queue.Queue[Event] = queue.Queue()
        self._readers = [
            threading.Thread(target=_read, args=(self._process.stdout, self._take), daemon=True),
            threading.Thread(target=_read, args=(self._process.stderr, self._hear), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.ended()

    def next(self, wanted: Callable[[Event], Any] = bool, *, timeout_s: float = PATIENCE_S) -> Event:
        """The next event of a kind; others before it are passed over."""
        until_s = time.monotonic() + timeout_s
        while True:
            try:
                event = self._lines.get(timeout=max(0.0, until_s - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no such event; said {self.said}, last {self.events[-1:]}") from None
            if wanted(event):
                return event

    def detection(self, wanted: Callable[[Event], Any] = bool) -> Event:
        """The next detection of a kind."""
        return self.next(lambda event: event["event"] == "detection" and wanted(event))

    def health(self, wanted: Callable[[Event], Any] = bool) -> Event:
        """The next health event of a kind."""
        return self.next(lambda event: event["event"] == "health" and wanted(event))

    def ended(self, *, timeout_s: float = PATIENCE_S) -> int:
        """Wait for its end; the exit code, with ``events`` and ``said`` complete."""
        code = self._process.wait(timeout_s)
        for reader in self._readers:
            reader.join(timeout_s)
        return code

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to stop; exit code and seconds.

        A machine that is loaded may not get to the program's last words in the time that they have: what a test looks
        for afterwards, it waits for before.
        """
        start_s = time.monotonic()
        self._process.send_signal(number)
        code = self._process.wait(PATIENCE_S)
        took_s = time.monotonic() - start_s
        self.ended()
        return code, took_s

    def _take(self, line: str) -> None:
        if line.endswith("\n"):  # else a kill cut it
            event = json.loads(line)
            self.events.append(event)
            self._lines.put(event)

    def _hear(self, line: str) -> None:
        self.said.append(line.rstrip("\n"))


def _read(stream: IO[str] | None, take: Callable[[str], object]) -> None:
    assert stream is not None
    with stream:
        for line in stream:
            take(line)
