"""Kills, full disks, two at once: the same command again brings the same set, and fetches nothing twice."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.scrape.scrape import scrape
from patience import PATIENCE_S
from sites.big import BigSite, big_site
from sites.faults import Plan

PLAN = Plan(people=6, wanted=12, fault_factor=3, seed=8)
RATE_PER_S = 60.0
COMMAND = """
import json, resource, sys
from pathlib import Path
from actorrec.artifacts.local import LocalStore
from actorrec.cli.interrupts import insistent_interrupts
from actorrec.config import Config
from actorrec.errors import ActorRecError
from actorrec.scrape.scrape import scrape
settings, store, most_bytes = json.loads(sys.argv[1]), LocalStore(Path(sys.argv[2])), int(sys.argv[3])
if most_bytes:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
try:
    with insistent_interrupts():
        print(scrape(Config.model_validate(settings), store=store).content_digest())
except KeyboardInterrupt:
    sys.exit(130)
except ActorRecError as error:
    print(type(error).__name__, error.message, error.hint)
    sys.exit(error.exit_code)
"""


@pytest.fixture(scope="module")
def site() -> Iterator[BigSite]:
    with big_site(PLAN, rate_per_s=RATE_PER_S) as running:
        yield running


@pytest.fixture(scope="module")
def settings(site: BigSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found = site.settings(tmp_path_factory.mktemp("lists"))
    found["fetch"]["attempts"] = 3
    return found


@pytest.fixture(scope="module")
def undisturbed(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    store = LocalStore(tmp_path_factory.mktemp("store"))
    return scrape(Config.model_validate(settings), store=store).content_digest()


def start(settings: dict[str, Any], store: Path, most_bytes: int = 0) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", COMMAND, json.dumps(settings), str(store), str(most_bytes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def decided(store: Path) -> set[str]:
    """Addresses that the journal holds."""
    written = [path.read_text().rpartition("\n")[0] for path in store.rglob("unfinished/*/*.jsonl")]
    return {json.loads(line)["url"] for lines in written for line in lines.splitlines()}


def stopped_after(
    process: "subprocess.Popen[str]",
    site: BigSite,
    requests: int,
    number: signal.Signals,
    *,
    also: Callable[[], bool] = lambda: True,
) -> None:
    """Send a signal once the site saw so many more requests and the rest holds, too."""
    until = len(site.log()["requests"]) + requests
    site.hold_after(requests + 20)  # it does not come to its end first, however late we look
    while process.poll() is None and (len(site.log()["requests"]) < until or not also()):
        time.sleep(0.01)
    process.send_signal(number)
    process.wait(PATIENCE_S)
    site.hold_after(None)


def test_killed_ten_times_it_brings_the_same_and_fetches_nothing_again(
    site: BigSite, settings: dict[str, Any], undisturbed: str, tmp_path: Path
) -> None:
    seed = random.randrange(10**6)
    dice = random.Random(seed)
    held: list[tuple[int, set[str]]] = []
    for kill in range(10):
        process, before = start(settings, tmp_path), len(decided(tmp_path))
        grown = (lambda before=before: len(decided(tmp_path)) > before) if kill % 2 else (lambda: True)
        stopped_after(process, site, dice.randint(1, 14), signal.SIGKILL, also=grown)
        process.communicate()
        held.append((len(site.log()["requests"]), decided(tmp_path)))
    out, error = start(settings, tmp_path).communicate(timeout=PATIENCE_S)
    assert out.strip() == undisturbed, (seed, error)
    requests = site.log()["requests"]
    for count, urls in held:
        again = {site.url + path for _, path, _ in requests[count:]} & urls
        assert not again, seed
    assert [urls for _, urls in held if urls], seed
    assert not [path for path in tmp_path.rglob("*") if "unfinished" in path.parts]


def test_interrupted_it_stops_cleanly_and_goes_on(
    site: BigSite, settings: dict[str, Any], undisturbed: str, tmp_path: Path
) -> None:
    for requests in (3, 17, 30):
        process = start(settings, tmp_path)
        stopped_after(process, site, requests, signal.SIGINT)
        out, error = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, out, error) == (130, "", "")
    out, error = start(settings, tmp_path).communicate(timeout=PATIENCE_S)
    assert (out.strip(), error) == (undisturbed, "")


def test_two_at_once_share_the_work(site: BigSite, settings: dict[str, Any], undisturbed: str, tmp_path: Path) -> None:
    before = len(site.log()["requests"])
    both = [start(settings, tmp_path) for _ in range(2)]
    assert [process.communicate(timeout=PATIENCE_S)[0].strip() for process in both] == [undisturbed] * 2
    paths = [path for _, path, status in site.log()["requests"][before:] if status == 200]
    taken = json.loads(next(tmp_path.glob("images/*/manifest.json")).read_text())["images"]
    assert all(paths.count(image["url"].removeprefix(site.url)) == 1 for image in taken)


def test_a_full_disk_is_told_and_the_same_command_goes_on(
    settings: dict[str, Any], undisturbed: str, tmp_path: Path
) -> None:
    process = start(settings, tmp_path, most_bytes=9_000)  # more than the lists have, less than some pictures
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 4
    assert out.startswith("ArtifactError cannot write ")
    out, error = start(settings, tmp_path).communicate(timeout=PATIENCE_S)
    assert (out.strip(), error) == (undisturbed, "")


def test_a_store_that_is_really_full_takes_the_rest_once_there_is_space(
    settings: dict[str, Any], undisturbed: str, tmp_path: Path
) -> None:
    """On a small file system in a mount namespace of its own, which grows between two runs."""
    mount = f"mount -t tmpfs -o size=400k small {tmp_path}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    script = f'{mount} && {{ "$@"; echo "code $?"; mount -o remount,size=40m {tmp_path} && "$@"; }}'
    command = [sys.executable, "-c", COMMAND, json.dumps(settings), str(tmp_path), "0"]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *command], capture_output=True, text=True, timeout=PATIENCE_S
    )
    told, code, digest = done.stdout.splitlines()
    assert "No space left on device the disk is full: free some space" in told
    assert (code, digest) == ("code 4", undisturbed)
