"""A small AWS IoT Greengrass V2 on loopback, as strict as the real one, with the jobs that IoT shows of it.

moto has no Greengrass V2. Here every request is held against botocore's own service model, and so is every answer.
Things, groups, certificates, policies and role aliases are moto's (requests for them are handed on), and so are S3 and
IAM. A request about a job, or a component's Describe, lets a minute pass: a device goes from QUEUED to IN_PROGRESS to
its end, and the rollout's rate and abort rules hold.

How to use it::

    def test_something(greengrass: Greengrass) -> None:        # the fixture; the environment points here afterwards
        group = greengrass.group()                             # a fresh thing group, in moto
        names = greengrass.add_devices(group, 20, runtime="aws_nucleus_lite")     # things, and core devices
        greengrass.fates[names[3]] = Fate("FAILED", "no space left", stack=("COMPONENT_ERROR",))   # or (deployment) →
        greengrass.refuse("CreateDeployment", *THROTTLED)      # or DENIED, BUSY; times=n; any operation, iot's too
        greengrass.outage, greengrass.latency_s = 3, 0.2       # no answer at all; a slow one
        greengrass.held["CreateDeployment"] = threading.Event()    # done, and not answered before that is set
        greengrass.component("com.example.Other", "1.0.0")     # a component that somebody else published
        greengrass.deploy(group, {"com.example.Other": "1.0.0"})          # a deployment that somebody else made
        boto3.client("greengrassv2", region_name="us-east-1")
        subprocess.run(…, env={**os.environ, **greengrass.environ})
        greengrass.advance()                                   # a minute for every job; settle(): until nothing moves
        greengrass.ticking = frozenset()                       # then only advance() lets time pass
        greengrass.asked, greengrass.count("CreateDeployment"), greengrass.sent("CreateDeployment")
        greengrass.components, .deployments, .jobs, .devices   # the state, to look at and to spoil

``serve_greengrass(url)`` runs it over another moto, as ``stack_server`` gives one.
"""

import json
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import pytest

from greengrass_components import Components
from greengrass_deployments import Deployment, Deployments
from greengrass_devices import CoreDevices, ThingJobs, VirtualThings
from greengrass_jobs import Execution, Fate, Job
from greengrass_wire import Call, answered, told, understood
from greengrass_world import ACCOUNT, NUMBERS, CoreDevice, World
from job_logs import RefusalError
from patience import PATIENCE_S
from s3_servers import FAKE_KEYS
from sites.server import Asked, Reply, serve

__all__ = ["ACCOUNT", "BUSY", "DENIED", "THROTTLED", "CoreDevice", "Deployment", "Execution", "Fate", "Greengrass",
           "Job", "greengrass", "serve_greengrass"]  # fmt: skip
THROTTLED: Final = ("ThrottlingException", "Rate exceeded")
BUSY: Final = ("InternalServerException", "We encountered an internal error. Please try again.")
DENIED: Final = (
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: this on that resource because no "
    "identity-based policy allows the action",
)
_VIRTUAL_FROM: Final = 50  # more devices than this are not made in moto, which would take seconds
_TICKING: Final = frozenset({"DescribeJob", "ListJobExecutionsForJob", "GetDeployment"})


class Greengrass:
    """The service. Everything public may be set by a test, also while a deployment goes on."""

    def __init__(self, aws_url: str) -> None:
        self.url, self.aws_url = "", aws_url
        self.world = World(aws_url)
        self.components, self.deployments, self.jobs = self.world.components, self.world.deployments, self.world.jobs
        self.devices, self.fates, self.public = self.world.devices, self.world.fates, self.world.public
        self.outage, self.latency_s = 0, 0.0
        self.ticking: frozenset[str] = _TICKING
        self.held: dict[str, threading.Event] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.broken: list[str] = []
        self._deployments = Deployments(self.world)
        self._parts = (Components(self.world), self._deployments, CoreDevices(self.world), ThingJobs(self.world))
        self._things = VirtualThings(self.world)
        self._refusals: list[tuple[str, str, str]] = []
        self._lock = threading.RLock()

    @property
    def environ(self) -> dict[str, str]:
        """What a program needs to come here: fake keys, and addresses."""
        return {
            **FAKE_KEYS, "AWS_ENDPOINT_URL": self.aws_url, "AWS_ENDPOINT_URL_GREENGRASSV2": self.url,
            "AWS_ENDPOINT_URL_IOT": self.url,
        }  # fmt: skip

    def refuse(self, operation: str, code: str, message: str, times: int = 1) -> None:
        """Let the next requests of an operation fail, IoT's too."""
        self._refusals += [(operation, code, message)] * times

    def count(self, operation: str) -> int:
        """How often an operation was asked for."""
        return len(self.sent(operation))

    def sent(self, operation: str) -> list[dict[str, Any]]:
        """What was sent with an operation, each time."""
        return [given for name, given in self.asked if name == operation]

    def group(self, name: str = "") -> str:
        """Make a thing group in moto; its name."""
        name = name or f"group-{next(NUMBERS)}-{time.time_ns()}"
        self.world.client("iot").create_thing_group(thingGroupName=name)
        return name

    def add_devices(
        self, group: str, number: int, runtime: str = "aws_nucleus_classic", architecture: str = "aarch64",
        prefix: str = "pi",
    ) -> list[str]:  # fmt: skip
        """Make things of a group, with core devices. The group must exist."""
        names = [f"{prefix}-{next(NUMBERS):04d}" for _ in range(number)]
        version = "2.3.0" if runtime == "aws_nucleus_lite" else "2.16.0"
        for name in names:
            if number <= _VIRTUAL_FROM:
                iot = self.world.client("iot")
                iot.create_thing(thingName=name)
                iot.add_thing_to_thing_group(thingGroupName=group, thingName=name)
            else:
                self.world.virtual[name] = {group}
            self.devices[name] = CoreDevice(name, runtime, architecture, version=version)
        self.world.changed()
        return names

    def component(
        self, name: str, version: str, tags: Mapping[str, str] | None = None, recipe: Mapping[str, Any] | None = None
    ) -> str:
        """Publish a component without artifacts, DEPLOYABLE; its ARN."""
        body = {
            "RecipeFormatVersion": "2020-01-25", "ComponentName": name, "ComponentVersion": version,
            "Manifests": [{"Platform": {"os": "linux", "runtime": "*"}, "Lifecycle": {"run": "true"}, "Artifacts": []}],
        }  # fmt: skip
        given = {"inlineRecipe": json.dumps(body | dict(recipe or {})).encode(), "tags": dict(tags or {})}
        arn: str = self._parts[0].create_component_version(given)["arn"]
        self.components[arn].states = ["DEPLOYABLE"]
        return arn

    def deploy(self, group: str, components: Mapping[str, Any], **more: Any) -> str:
        """Make a deployment to a group; versions, or whole specifications. Its id."""
        whole = {
            name: {"componentVersion": each} if isinstance(each, str) else each for name, each in components.items()
        }
        given = {"targetArn": self.world.group_arn(group), "components": whole, **more}
        made: str = self._deployments.create_deployment(given)["deploymentId"]
        return made

    def advance(self, times: int = 1) -> None:
        """So many minutes for every deployment."""
        with self._lock:
            for _ in range(times):
                for deployment in list(self.deployments.values()):
                    self._deployments.advance(deployment)

    def settle(self, most: int = 1000) -> None:
        """Minutes until nothing moves any more."""
        before: Any = None
        for _ in range(most):
            self.advance()
            now = [(job.status, sorted((each.thing, each.status) for each in job.executions.values()))
                   for job in (each.job for each in self.deployments.values())]  # fmt: skip
            if now == before:
                return
            before = now
        raise AssertionError("it still moves")

    def answer(self, asked: Asked) -> Reply:
        """Handle one request."""
        with self._lock:
            if self.outage > 0:
                self.outage -= 1
                raise ConnectionAbortedError("nobody answers")
        if self.latency_s:
            time.sleep(self.latency_s)
        call: Call | None = None
        with self._lock:
            try:
                call = understood(asked)
                self.asked.append((call.operation, call.given))
                self.world.region = call.region
                reply = self._answer(call, asked)
            except RefusalError as error:
                reply = told(error, call)
            except Exception:
                self.broken.append(traceback.format_exc())
                raise
        if call is not None and (until := self.held.get(call.operation)) is not None:
            until.wait(PATIENCE_S)
        return reply

    def _answer(self, call: Call, asked: Asked) -> Reply:
        for refusal in self._refusals:
            if refusal[0] == call.operation:
                self._refusals.remove(refusal)
                raise RefusalError(*refusal[1:])
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", call.operation).lower()
        if call.operation in self.ticking and "nextToken" not in call.given:
            self._tick(call)
        if call.service == "iot" and (known := self._iot(name, call)) is None:
            return self._forwarded(asked)
        if call.service == "iot":
            return answered(call, known)
        for part in self._parts:
            if (method := getattr(part, name, None)) is not None:
                return answered(call, method(call.given))
        raise RefusalError("InternalServerException", f"{call.operation} is not served here", 500)

    def _iot(self, name: str, call: Call) -> Mapping[str, Any] | None:
        method: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = getattr(self._things, name, None)
        if method is not None:
            answer = method(call.given)
            if call.operation.startswith(("Add", "Remove")):
                self.world.changed()
            return answer
        method = getattr(self._parts[3], name, None)
        ours = call.given.get("jobId") in (None, *self.jobs)
        return method(call.given) if method is not None and ours else None

    def _tick(self, call: Call) -> None:
        for deployment in list(self.deployments.values()):
            if deployment.job.id == call.given.get("jobId") or deployment.id == call.given.get("deploymentId"):
                self._deployments.advance(deployment)

    def _forwarded(self, asked: Asked) -> Reply:
        if asked.method != "GET":
            self.world.changed()
        status, body, kind = self.world.forward(asked)
        return Reply(body, status, "application/json", {"x-amzn-ErrorType": kind} if kind else {})


@contextmanager
def serve_greengrass(aws_url: str) -> Iterator[Greengrass]:
    """Run it until the block ends."""
    service = Greengrass(aws_url)
    with serve({"/*": service.answer}) as site:
        service.url = site.url
        yield service
    assert not service.broken, "\n".join(service.broken)  # a fault of this fake, which the client saw as no answer


@pytest.fixture
def greengrass(moto_url: str, aws_keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Greengrass]:
    """A fresh service; this process' environment leads to it, and for everything else to moto."""
    with serve_greengrass(moto_url) as service:
        for name, value in service.environ.items():
            monkeypatch.setenv(name, value)
        yield service
