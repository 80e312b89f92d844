"""A bundle's file is replaced while the bundle runs: good ones are taken, others refused, and frames go on."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.digest import file_sha256
from actorrec.errors import ActorRecError, ModelContractError
from actorrec.inference.bundle_shelf import BundleShelf
from actorrec.inference.first_bundle import first_bundle
from actorrec.inference.good_bundles import GoodBundles
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.swap.arrival import Arrival
from actorrec.inference.swap.incoming import IncomingBundle
from actorrec.inference.swap.staged import ChangedMeanwhileError, StagedFile, signature_of
from actorrec.inference.swap.tried import Trial, try_bundle
from actorrec.inference.troubles import Troubles
from corrupt_bundles import CORRUPT
from patience import PATIENCE_S, eventually
from small_bundles import write_small_bundle

EVERY_S = 0.05
BESIDE_FRAMES = (
    "empty", "cut", "flipped-bit", "climbing-name", "bomb", "huge", "folder", "pipe", "deep-card", "unknown-key",
    "schema-of-the-future", "preprocessing-of-the-future", "wrong-digest", "no-gallery", "gallery-of-another",
    "embedder-cut", "embedder-of-noise", "embedder-without-numbers", "embedder-with-other-weights", "scale-of-zero",
    "detector-swapped", "answer-of-another",
)  # fmt: skip
"""Kinds of corrupt bundles that a process is started for; benchmarks/swap_load.py does so for all."""


def another(path: Path, good: Path, number: int) -> Path:
    """A good bundle with other bytes, put there as a deployment does it."""
    beside = Path(shutil.copy(good, path.with_name(f".{path.name}.{number}")))
    with zipfile.ZipFile(beside, "a") as target:
        target.comment = f"number {number}".encode()
    return beside.replace(path)


def put(path: Path, content: bytes) -> None:
    """Put bytes there whole: half of them might be looked at where the machine stands still between."""
    beside = path.with_name(f".{path.name}.put")
    beside.write_bytes(content)
    beside.replace(path)


def watching(path: Path, running_sha256: str, staging: Path) -> IncomingBundle:
    return IncomingBundle(path, running_sha256, num_threads=1, staging=staging, every_s=EVERY_S)


def next_arrival(incoming: IncomingBundle) -> Arrival:
    return eventually(incoming.poll)


class Frames:
    """Frames that are answered by whatever bundle runs, in a thread of its own, as fast as it goes."""

    def __init__(self, live: RunningBundle) -> None:
        self.answered: list[str] = []
        self._live, self._stop = live, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def use(self, live: RunningBundle) -> None:
        self._live = live

    def more_than(self, number: int) -> None:
        """Wait for it: a loaded machine answers when it can."""
        eventually(lambda: len(self.answered) > number)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pixels = np.full((90, 160, 3), 90, np.uint8)
        while not self._stop.wait(0.1):
            live = self._live
            live.recogniser.recognise(pixels)
            self.answered.append(live.model.bundle)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("good") / "bundle.zip")


@pytest.fixture
def deployed(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(good, tmp_path / "bundle.zip"))


@pytest.fixture
def incoming(deployed: Path, tmp_path: Path) -> Iterator[IncomingBundle]:
    watch = watching(deployed, file_sha256(deployed), tmp_path / "staging")
    yield watch
    watch.close()


def cleared(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)


def test_corrupt_bundles_are_refused_while_the_old_one_goes_on_and_then_a_good_one_is_taken(
    good: Path, deployed: Path, incoming: IncomingBundle, tmp_path: Path
) -> None:
    old = run_bundle(deployed, num_threads=1)
    frames = Frames(old)
    try:
        for name in BESIDE_FRAMES:
            put_wrong, said = CORRUPT[name]
            before = len(frames.answered)
            cleared(deployed)
            put_wrong(deployed)
            arrival = next_arrival(incoming)
            assert arrival.bundle is None, name
            assert re.search(said, arrival.reason), (name, arrival.reason)
            assert arrival.reason.isprintable() and len(arrival.reason) <= 300, name
            frames.more_than(before)
        assert set(frames.answered) == {old.model.bundle}
        cleared(deployed)
        another(deployed, good, 1)
        arrival = next_arrival(incoming)
        assert arrival.reason == "" and arrival.sha256 == file_sha256(deployed)
        assert arrival.bundle is not None and arrival.bundle.path.parent == tmp_path / "staging"
        frames.use(arrival.bundle)
        eventually(lambda: frames.answered[-1] == arrival.sha256)
    finally:
        frames.close()
    assert set(frames.answered) == {old.model.bundle, arrival.sha256}
    assert incoming.poll() is None
    assert [path.name for path in (tmp_path / "staging").iterdir()] == [arrival.bundle.path.name]


@pytest.mark.parametrize("name", sorted(CORRUPT.keys() - set(BESIDE_FRAMES)))
def test_what_else_may_be_wrong_with_a_bundle_is_refused(name: str, tmp_path: Path) -> None:
    put_wrong, said = CORRUPT[name]
    put_wrong(tmp_path / "bundle.zip")
    with pytest.raises(ActorRecError) as refused:
        run_bundle(tmp_path / "bundle.zip", num_threads=1, tried=True)
    assert re.search(said, refused.value.in_full)


def test_what_runs_and_what_was_refused_is_passed_over(deployed: Path, incoming: IncomingBundle) -> None:
    good = deployed.read_bytes()
    put(deployed, b"no bundle")
    assert "not a readable zip" in next_arrival(incoming).reason
    assert not incoming.in_order
    for content in (good, b"no bundle", good):  # put back, refused again, put back
        put(deployed, content)
        runs = content is good
        eventually(lambda runs=runs: incoming.in_order is runs)  # type: ignore[misc]
        assert incoming.poll() is None
    put(deployed, b"other bytes")
    assert "not a readable zip" in next_arrival(incoming).reason


def test_going_back_to_the_bundle_before_is_a_swap_like_any_other(
    good: Path, deployed: Path, incoming: IncomingBundle
) -> None:
    before = deployed.read_bytes()
    another(deployed, good, 2)
    assert next_arrival(incoming).reason == ""
    put(deployed, before)
    back = next_arrival(incoming)
    assert (back.reason, back.sha256) == ("", file_sha256(deployed))


def test_a_file_that_vanishes_changes_nothing(good: Path, deployed: Path, incoming: IncomingBundle) -> None:
    deployed.unlink()
    time.sleep(6 * EVERY_S)
    assert incoming.poll() is None
    another(deployed, good, 3)
    assert next_arrival(incoming).bundle is not None


def test_links_are_followed(good: Path, tmp_path: Path) -> None:
    for version, number in (("v1", 1), ("v2", 2)):
        (tmp_path / version).mkdir()
        another(tmp_path / version / "bundle.zip", good, number)
    (tmp_path / "current").symlink_to("v1")
    path = tmp_path / "current" / "bundle.zip"
    incoming = watching(path, file_sha256(path), tmp_path / "staging")
    try:
        (tmp_path / "next").symlink_to("v2")
        (tmp_path / "next").replace(tmp_path / "current")
        assert next_arrival(incoming).sha256 == file_sha256(tmp_path / "v2" / "bundle.zip")
    finally:
        incoming.close()


STANDS_STILL = """
import os, signal, sys
def and_then_stand_still(amount, nice=os.nice):
    nice(amount)
    if os.path.exists(__file__):
        os.kill(os.getpid(), signal.SIGSTOP)
os.nice = and_then_stand_still
"""


@pytest.fixture
def halt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """While this file is there, a trial stands still as soon as it has bound itself to its program."""
    (tmp_path / "halt").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "halt"))
    file = tmp_path / "halt" / "sitecustomize.py"
    file.write_text(STANDS_STILL)
    return file


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def children(program: int = os.getpid()) -> set[int]:
    """Trials that run, of a process."""
    found: set[int] = set()
    for path in Path(f"/proc/{program}/task").glob("*/children"):
        with suppress(OSError):  # a thread that is over
            found.update(int(pid) for pid in path.read_text().split())
    return {pid for pid in found if b"swap.trial" in command_of(pid)}


def state_of(pid: int) -> str:
    """One letter, as in ``ps``; X where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def halted_trial(copy: Path, program: int = os.getpid()) -> int:
    """The trial of one copy, once it stands still."""

    def halted() -> int | None:
        trials = [pid for pid in children(program) if copy.name.encode() in command_of(pid)]
        return next((pid for pid in trials if state_of(pid) == "T"), None)

    return eventually(halted)


def test_a_trial_that_crashes_is_a_refusal(
    good: Path, deployed: Path, halt: Path, incoming: IncomingBundle, tmp_path: Path
) -> None:
    another(deployed, good, 4)
    sha256 = file_sha256(deployed)
    pid = halted_trial(tmp_path / f"incoming-{sha256}.zip")
    for number in (signal.SIGSEGV, signal.SIGCONT):
        os.kill(pid, number)
    arrival = next_arrival(incoming)
    assert (arrival.bundle, arrival.sha256, arrival.reason) == (None, sha256, "it crashed the runtime (SIGSEGV)")


def test_of_two_that_come_one_after_the_other_the_newer_is_taken(
    good: Path, deployed: Path, halt: Path, incoming: IncomingBundle, tmp_path: Path
) -> None:
    another(deployed, good, 5)
    pid = halted_trial(tmp_path / f"incoming-{file_sha256(deployed)}.zip")  # a trial that takes long
    halt.unlink()
    another(deployed, good, 6)
    arrival = next_arrival(incoming)
    assert (arrival.reason, arrival.sha256) == ("", file_sha256(deployed))
    assert state_of(pid) == "X"
    assert incoming.poll() is None


def test_a_trial_ends_with_its_watcher(good: Path, deployed: Path, halt: Path, tmp_path: Path) -> None:
    incoming = watching(deployed, file_sha256(deployed), tmp_path / "staging")
    another(deployed, good, 7)
    pid = halted_trial(tmp_path / f"incoming-{file_sha256(deployed)}.zip")
    incoming.close()
    eventually(lambda: state_of(pid) == "X")
    assert incoming.poll() is None


def test_a_trial_ends_with_its_program_and_what_it_left_is_tidied(deployed: Path, halt: Path, tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from actorrec.inference.swap.incoming import IncomingBundle
incoming = IncomingBundle(Path(sys.argv[1]), "0" * 64, num_threads=1, staging=Path(sys.argv[2]), every_s={EVERY_S})
time.sleep({2 * PATIENCE_S})
"""
    staging = tmp_path / "staging"
    with subprocess.Popen([sys.executable, "-c", program, str(deployed), str(staging)]) as process:
        kept = staging / f"incoming-{file_sha256(deployed)}.zip"
        pid = halted_trial(kept, process.pid)
        process.kill()
    eventually(lambda: state_of(pid) in "XZ")  # Z: it waits for nothing but whoever started it
    assert kept.exists()
    halt.unlink()
    incoming = watching(deployed, file_sha256(deployed), staging)
    try:
        eventually(lambda: not kept.exists())
    finally:
        incoming.close()


def test_a_trial_that_takes_too_long_is_a_refusal(good: Path) -> None:
    verdict = try_bundle(Trial(good, "it", 1, timeout_s=0.0), lambda: True, time.monotonic)
    assert verdict is not None and verdict.reason == "its trial took longer than 0 s"
    assert not children()


def test_a_trial_sees_no_secret_of_the_program(good: Path, halt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTORREC_MQTT__PASSWORD", "hush")
    seen: list[bytes] = []

    def look() -> bool:
        seen.extend(Path(f"/proc/{pid}/environ").read_bytes() for pid in children())
        return not any(seen)

    try_bundle(Trial(good, "it", 1, timeout_s=PATIENCE_S), look, time.monotonic)
    assert any(seen) and not any(b"hush" in environ for environ in seen)


def test_a_full_disk_is_told_and_the_same_bytes_get_another_chance(deployed: Path, tmp_path: Path) -> None:
    program = f"""
import resource, signal, sys, time
from pathlib import Path
from actorrec.inference.swap.incoming import IncomingBundle
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, unlimited[1]))
incoming = IncomingBundle(path, "0" * 64, num_threads=1, staging=Path(sys.argv[2]), every_s={EVERY_S})
def arrival():
    while (found := incoming.poll()) is None:
        time.sleep(0.01)
    return found
print(arrival().reason)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
path.touch()
print(arrival().reason or "taken")
incoming.close()
"""
    command = [sys.executable, "-c", program, str(deployed), str(tmp_path / "staging")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    first, second = done.stdout.splitlines()
    assert "it cannot be copied to" in first
    assert second == "taken"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_told(good: Path, deployed: Path, incoming: IncomingBundle) -> None:
    another(deployed, good, 8)
    deployed.chmod(0)
    assert "it cannot be read" in next_arrival(incoming).reason
    deployed.chmod(0o600)
    assert next_arrival(incoming).bundle is not None


def test_a_file_that_changes_while_it_is_read_is_not_taken(deployed: Path, tmp_path: Path) -> None:
    expected = signature_of(deployed)
    assert expected is not None
    os.utime(deployed, ns=(1, 1))
    with pytest.raises(ChangedMeanwhileError):
        StagedFile(deployed, tmp_path / "staging", lambda: True).copy(expected)
    assert list((tmp_path / "staging").iterdir()) == []


def test_after_a_swap_the_new_one_is_kept_and_the_old_one_comes_back_beside_it(good: Path, tmp_path: Path) -> None:
    old = run_bundle(good, num_threads=1)
    new = run_bundle(another(tmp_path / "new.zip", good, 9), num_threads=1)
    shelf, troubles = BundleShelf(tmp_path / "shelf"), Troubles(lambda line: None)
    bundles = GoodBundles(shelf, old, num_threads=1, troubles=troubles)
    bundles.keep()
    bundles.use(new)
    bundles.shadow_soon()
    shadow = eventually(bundles.opened_shadow)
    assert shadow.count.bundle == old.model.bundle
    assert bundles.opened_shadow() is None
    bundles.keep_soon()
    eventually(lambda: shelf.current.exists() and file_sha256(shelf.current) == new.model.bundle)
    bundles.shadow_soon()
    bundles.use(old)  # before it is opened, or just then: it is not what runs beside the other
    bundles.close()
    assert bundles.opened_shadow() is None
    assert troubles.lines == []


def test_a_program_that_starts_with_a_corrupt_bundle_runs_the_last_good_one(good: Path, tmp_path: Path) -> None:
    shelf, said = BundleShelf(tmp_path / "shelf"), list[str]()
    bad = tmp_path / "bundle.zip"
    CORRUPT["embedder-of-another-width"][0](bad)
    with pytest.raises(ModelContractError, match="64"):
        first_bundle(bad, shelf, num_threads=1, troubles=Troubles(said.append))
    shelf.keep(good, file_sha256(good))
    for path in (bad, tmp_path / "nothing.zip"):
        troubles = Troubles(said.append)
        assert first_bundle(path, shelf, num_threads=1, troubles=troubles).model.bundle == file_sha256(good)
        assert [line.endswith("the last good one runs") for line in troubles.lines] == [True]
    new = another(tmp_path / "new.zip", good, 9)
    troubles = Troubles(said.append)
    assert first_bundle(new, shelf, num_threads=1, troubles=troubles).path == new
    assert first_bundle(good, shelf, num_threads=1, troubles=troubles).path == good
    assert troubles.lines == []
