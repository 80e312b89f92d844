"""A thing group of the fake Greengrass, versions of our components, and ``actorrec deploy`` for both."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from actorrec.cli.app import app
from actorrec.greengrass.deploy_plan import DeploymentPlan, Wanted, plan_deployment
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.group import read_group
from actorrec.sections.cloud import GreengrassSection
from greengrass_server import Fate, Greengrass, greengrass
from job_requests import aws_session

__all__ = ["LOGS", "MODEL", "NAME", "Fleet", "fleet", "greengrass"]
NAME = "com.example.ActorRecognizer"
MODEL = f"{NAME}.Model"
LOGS = "aws.greengrass.LogManager"
_READS = {"actorrec-card-schema": "1", "actorrec-preprocess": "1"}


@dataclass
class Fleet:
    """Runs the command in this process, against the fake.

    Attributes:
        group: Thing group that ``run`` names.
        things: Its members.
    """

    greengrass: Greengrass
    folder: Path
    group: str
    things: list[str] = field(default_factory=list)

    def add(self, number: int, runtime: str = "aws_nucleus_classic", architecture: str = "aarch64") -> list[str]:
        made = self.greengrass.add_devices(self.group, number, runtime, architecture)
        self.things += made
        return made

    def fails(self, thing: str, reason: str, status: str = "FAILED") -> None:
        self.greengrass.fates[thing] = Fate(status, reason)

    def runtime(self, version: str, **tags: str) -> str:
        """Publish a program."""
        return self._publish(NAME, version, {"actorrec-role": "runtime", **_READS}, tags)

    def model(self, version: str, **tags: str) -> str:
        """Publish a model."""
        made = {"actorrec-role": "model", "actorrec-created": f"2026-11-01T00:00:{version[-1]}0+00:00", **_READS}
        return self._publish(MODEL, version, made, tags)

    def single(self, version: str, **tags: str) -> str:
        """Publish both in one."""
        made = {"actorrec-role": "single", "actorrec-created": f"2026-11-01T00:00:{version[-1]}0+00:00", **_READS}
        return self._publish(NAME, version, made, tags)

    def split(self, version: str = "1.0.0") -> None:
        """Publish both apart."""
        self.runtime(version)
        self.model(version)

    def run(self, *arguments: str, **more: Any) -> Result:
        given = [*arguments, "--thing-group", self.group, "--store", str(self.folder / "store")]
        return CliRunner().invoke(app, ["deploy", *given], env={"COLUMNS": "300"}, **more)

    def result(self, *arguments: str, code: int = 0) -> Any:
        done = self.run(*arguments, "--json")
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout)

    def refused(self, *arguments: str, code: int = 3) -> str:
        """Message and hint of a command that must change nothing."""
        before = self.greengrass.count("CreateDeployment")
        told = self.result(*arguments, code=code)
        assert self.greengrass.count("CreateDeployment") == before
        return f"{told['error']} {told['hint']}"

    def present(self) -> dict[str, Any]:
        """Components of the newest deployment, as the fake keeps them."""
        made = [d for d in self.greengrass.deployments.values() if d.target == f"thinggroup/{self.group}"]
        return dict(made[-1].given.get("components", {}))

    @property
    def calls(self) -> DeploymentCalls:
        return DeploymentCalls(aws_session())

    def plan(self, wanted: Mapping[str, Wanted], **settings: Any) -> DeploymentPlan:
        return plan_deployment(read_group(self.calls, self.group), wanted, GreengrassSection(**settings))

    def _publish(self, name: str, version: str, tags: dict[str, str], more: dict[str, str]) -> str:
        named = {f"actorrec-{key.replace('_', '-')}": value for key, value in more.items()}
        return self.greengrass.component(name, version, tags | named)


_command = cache(get_command)


@pytest.fixture
def fleet(greengrass: Greengrass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """A group of three devices with the Java nucleus; nothing is published."""
    monkeypatch.setenv("ACTORREC_GREENGRASS__POLL_S", "0.01")
    monkeypatch.setattr("typer.testing._get_command", _command)  # made anew each time, it takes longer than to deploy
    made = Fleet(greengrass, tmp_path, greengrass.group())
    made.add(3)
    yield made
