"""Events that come again, out of order and many at once, to functions that are killed: nothing happens twice."""

import os
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto")
pytest.importorskip("awslambdaric")

from actorrec.errors import ActorRecError
from actorrec.greengrass.canary_names import COPY, PURPOSE_TAG
from actorrec.greengrass.deployments import CLASSIC, LITE
from greengrass_jobs import Fate
from greengrass_server import Deployment, Greengrass, greengrass
from lambda_runtime import Function, FunctionDiedError, function
from landed_models import score
from ota_world import NAME, PREFIX, SCHEDULE, OtaWorld, archive, as_s3, bundle, ota_world, sha256
from sites.server import Asked, Reply, serve

__all__ = ["greengrass"]
SRC = Path(__file__).resolve().parents[2] / "src"


class Killer:
    """Stands before Greengrass, and kills the function at one request: before it is heard, or before it is answered."""

    def __init__(self, service: Greengrass) -> None:
        self.service, self.victim, self.at, self.kills = service, [], ("", ""), 0

    def answer(self, asked: Asked) -> Reply:
        if self.at[1] == "before" and self._is(asked):
            return self._kill()
        reply = self.service.answer(asked)
        return self._kill() if self.at[1] == "after" and self._is(asked) else reply

    def _is(self, asked: Asked) -> bool:
        ways = {
            "CreateComponentVersion": "/greengrass/v2/createComponentVersion",
            "CreateDeployment": "/greengrass/v2/deployments",
        }
        return asked.method == "POST" and asked.path == ways.get(self.at[0])

    def _kill(self) -> Reply:
        self.at, self.kills = ("", ""), self.kills + 1
        self.victim[-1].kill()
        return Reply(b"", 500)


def environ_of(world: OtaWorld) -> dict[str, str]:
    return world.environ | world.service.environ | {"AWS_ENDPOINT_URL_IOT_DATA_PLANE": world.said_url}


def test_killed_at_every_step_it_makes_one_version_and_one_deployment_of_each_kind(
    greengrass: Greengrass, tmp_path: Path
) -> None:
    killer = Killer(greengrass)
    live, new = bundle("live", 0), bundle("new", 1)
    with ota_world(greengrass, tmp_path, devices=2) as world, serve({"/*": killer.answer}) as site:
        world.go_live(live)
        environ = environ_of(world) | {"AWS_ENDPOINT_URL_GREENGRASSV2": site.url}
        landed = world.land(archive(new), f"{PREFIX}/jobs/j/output/model.tar.gz")

        def killed(operation: str, when: str, event: Mapping[str, Any]) -> None:
            killer.at = (operation, when)
            with function(environ, [SRC]) as started:
                killer.victim.append(started)
                with pytest.raises(FunctionDiedError):
                    started.call(event)

        killed("CreateComponentVersion", "before", landed)
        assert world.stage(new) == "claimed" and not world.versions(new)
        killed("CreateComponentVersion", "after", as_s3(landed))
        assert world.stage(new) == "claimed" and len(world.versions(new)) == 1
        killed("CreateDeployment", "before", landed)
        assert world.stage(new) == "trying" and not world.tried
        killed("CreateDeployment", "after", landed)
        assert world.stage(new) == "trying" and len(world.tried) == 1
        world.service.settle()
        world.healthy(sha256(new))
        killed("CreateDeployment", "before", SCHEDULE)
        assert world.stage(new) == "started" and world.deployed() == [sha256(live)]
        killed("CreateDeployment", "after", SCHEDULE)
        assert world.stage(new) == "started" and world.deployed() == [sha256(live), sha256(new)]
        world.function().call(SCHEDULE)
        assert world.stage(new) == "promoted" and killer.kills == 6
        assert world.versions(new) == [f"{NAME}.Model 1.0.1"] and world.tried == [sha256(new)]
        assert world.deployed() == [sha256(live), sha256(new)]
        world.function().call(landed)
        assert len(world.service.deployments) == 3


class Storm:
    """Workers that take events from one queue: functions in processes of their own, and in this one."""

    def __init__(self, world: OtaWorld, events: list[Any], seed: int) -> None:
        self.world, self.chance, self.calls = world, random.Random(seed), 0
        self.events: queue.Queue[Any] = queue.Queue()
        for event in events:
            self.events.put(event)
        self.processes: list[Function] = []
        self.deaths, self.struck, self.over = 0, threading.Event(), threading.Event()

    def in_process(self) -> None:
        """A function of this process: it may fail, and is called again, as Lambda does it."""
        self.struck.wait(240)  # else all may be through before the others have started, on a busy machine
        started = self.world.function()
        while (event := self._next()) is not None:
            try:
                started.call(event)
            except ActorRecError:
                self.events.put(event)

    def apart(self) -> None:
        """A function in a process, and another one whenever it was killed."""
        while not self.events.empty():
            with function(environ_of(self.world), [SRC]) as started:
                self.processes.append(started)
                try:
                    while (event := self._next()) is not None:
                        if started.call(event).error:
                            self.events.put(event)
                except FunctionDiedError:
                    self.deaths += 1
                    self.struck.set()
                    self.events.put(event)
                finally:
                    self.processes.remove(started)

    def kill(self, times: int) -> None:
        """Somebody's end, at any moment."""
        while times and not self.over.wait(self.chance.uniform(0.1, 0.8)):
            if busy := [each for each in self.processes if each.busy]:
                self.chance.choice(busy).kill()
                times -= 1

    def live(self) -> None:
        """Devices that work, and say so."""
        while not self.over.wait(0.3):
            under_way = self.world.state.under_way
            if under_way is not None and under_way.stage == "started":
                self.world.service.advance()
                self.world.healthy(under_way.model.content)

    def _next(self) -> Any:
        try:
            event = self.events.get_nowait()
        except queue.Empty:
            return None
        self.calls += 1
        return event

    def run(self, *, processes: int, threads: int, kills: int) -> None:
        """Until all events are through."""
        if not kills:
            self.struck.set()
        with ThreadPoolExecutor(processes + threads + 2) as pool:
            workers = [pool.submit(each) for each in [*[self.apart] * processes, *[self.in_process] * threads]]
            others = [pool.submit(self.live), pool.submit(self.kill, kills)]
            try:
                for each in workers:
                    each.result()
            finally:
                self.over.set()
            for each in others:
                each.result()


def test_a_hundred_events_repeated_shuffled_and_killed_make_one_version_and_one_deployment_of_each_model(
    greengrass: Greengrass, tmp_path: Path
) -> None:
    seed, lite = int(os.environ.get("OTA_STORM_SEED", "20261123")), os.environ.get("OTA_STORM_LITE") == "1"
    kills = int(os.environ.get("OTA_STORM_KILLS", "3"))
    chance = random.Random(seed)
    live = bundle("live", 0)
    good = [bundle(f"good {day}", day) for day in (1, 2, 3, 4)]
    failing = bundle("fails on devices", 2.5)
    worse = bundle("scores worse", 6, evaluation=score(top1=0.5))
    older = bundle("older", -3)
    ages = {sha256(data): age for age, data in enumerate([older, live, *good[:2], failing, *good[2:], worse])}
    with ota_world(greengrass, tmp_path, runtime=LITE if lite else CLASSIC) as world:
        world.go_live(live, single=lite)

        def fate(deployment: Deployment) -> Fate:
            held = world.content_of(deployment) == sha256(failing)
            return Fate("FAILED", "it does not start") if held else Fate()

        world.service.fates.update(dict.fromkeys(world.devices, fate))
        told = [world.land(data) for data in (*good, failing, worse, older, live)]
        told += [
            world.land(archive(data), f"{PREFIX}/jobs/{at}/model.tar.gz") for at, data in enumerate((*good, failing))
        ]
        told.append(world.put(f"{PREFIX}/jobs/x/model.tar.gz", b"somebody else's"))
        events: list[Any] = [chance.choice([each, as_s3(each)]) for each in told * 6]
        events += [SCHEDULE] * (100 - len(events))
        chance.shuffle(events)
        storm = Storm(world, events, seed)
        storm.run(processes=max(1, kills // 3), threads=1, kills=kills)
        assert storm.calls >= 100 and storm.deaths >= kills // 2, (storm.calls, storm.deaths)
        finish(world)

        tried, deployed = world.tried, world.deployed()
        state = world.state
        assert not [each for each in world.service.components.values() if each.states[0] != "DEPLOYABLE"]
        for data in (*good, failing):
            was_tried = sha256(data) in tried
            assert len(world.versions(data)) == was_tried, "one version of what is tried, none of what is not"
            assert world.stage(data) == (
                "superseded" if not was_tried else "rolled-back" if data == failing else "promoted"
            )
        assert Counter(tried).most_common(1)[0][1] == 1 and Counter(deployed).most_common(1)[0][1] == 1
        assert [ages[each] for each in tried] == sorted(ages[each] for each in tried), (
            "never an older one after a newer"
        )
        assert [ages[each] for each in deployed] == sorted(ages[each] for each in deployed)
        assert deployed[0] == sha256(live) and deployed[-1] == sha256(good[-1]) == world.on_devices()[-1]
        assert set(deployed) == {sha256(live), *tried} - {sha256(failing)}
        assert not world.versions(worse) and not world.versions(older) and len(world.versions(live)) == 1
        assert (world.stage(worse), world.stage(older)) == ("refused", "superseded")
        back = sha256(failing) in tried
        made = [each for each in world.service.deployments.values() if each.tags.get(PURPOSE_TAG) != COPY]
        assert len(made) == len(deployed) + len(tried) + back
        assert Counter(each["seq"] for each in world.said).most_common(1)[0][1] == 1
        assert state.seq == len(list(world.function().store.names(f"ota/{world.group}/log")))


def finish(world: OtaWorld) -> None:
    """Minutes, health and the schedule until nothing is left to do."""
    started, until = world.function(), time.monotonic() + 240
    while not world.state.idle:
        assert time.monotonic() < until, world.state.under_way
        world.service.settle()
        if (under_way := world.state.under_way) is not None:
            world.healthy(under_way.model.content)
        started.call(SCHEDULE)
