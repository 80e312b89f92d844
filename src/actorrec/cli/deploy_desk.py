"""A deployment at the terminal: the plan shown and agreed to, carried out, followed, and told of."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from actorrec.cli.deploy_words import in_words, report_line, show_report
from actorrec.cli.following import say_aside
from actorrec.cli.interrupts import insistent_interrupts
from actorrec.cli.session import Session, printable, write_json

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.errors import ActorRecError
    from actorrec.greengrass.component_calls import ComponentCalls
    from actorrec.greengrass.deploy_plan import DeploymentPlan
    from actorrec.greengrass.deployment_calls import DeploymentCalls
    from actorrec.greengrass.deployments import Deployment
    from actorrec.greengrass.executions import Standing
    from actorrec.greengrass.group import GroupState
    from actorrec.manifests.component import DeploymentManifest
    from actorrec.progress import Step

GroupOption = Annotated[
    str | None,
    typer.Option("--thing-group", metavar="GROUP", help="By default cloud.thing_group.", show_default=False),
]
RateOption = Annotated[
    int | None,
    typer.Option("--rate", metavar="PER_MINUTE", help="Devices that are told in a minute.", show_default=False),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Follow it; exit code 3 if it does not come to a good end.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show the plan; nothing is changed.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
_LOOKS: Final = 4
COME_BACK: Final = "actorrec deploy status --wait --thing-group {group}"


@dataclass(frozen=True, slots=True)
class DeployDesk:
    """What the commands about deployments share.

    Attributes:
        session: Where to print.
        config: The settings of this run.
        calls: About deployments.
        components: About components.
    """

    session: Session
    config: "Config"
    calls: "DeploymentCalls"
    components: "ComponentCalls"

    @property
    def group(self) -> str:
        """The thing group that was named, or is set."""
        return self.config.cloud.thing_group


def open_desk(session: Session, group: str | None, rate: int | None = None) -> DeployDesk:
    """Settings and clients, with the flags that change settings."""
    from actorrec.greengrass.component_calls import ComponentCalls
    from actorrec.greengrass.deployment_calls import DeploymentCalls

    config = session.settings({"cloud.thing_group": group, "greengrass.rate_per_minute": rate})
    calls = DeploymentCalls(session.aws)
    return DeployDesk(session, config, calls, ComponentCalls(session.aws, config.greengrass.poll_s))


def show_plan(session: Session, plan: "DeploymentPlan", notes: Sequence[str] = ()) -> None:
    """The plan as a table, and what people should know before they agree."""
    rows = [(action.verb, action.name, _versions(action.before, action.version), action.why) for action in plan.actions]
    session.table(f"'{plan.group}', {plan.devices} things", ("what", "component", "version", "why"), rows)
    if plan.changed:
        session.say(_rollout(plan))
    for note in (*plan.notes, *notes):
        session.say(f"note: {note}")


def agree(session: Session, question: str, *, yes: bool) -> bool:
    """Ask, unless it was said already.

    Raises:
        ConfigError: If nobody can be asked.
    """
    from actorrec.cli.cloud_desk import TerminalDesk

    return TerminalDesk(session, yes).agrees(question)


def carry_out(desk: DeployDesk, plan: "DeploymentPlan") -> "DeploymentManifest":
    """Make the deployment, and record it in the store of this run."""
    from actorrec.config import provenance
    from actorrec.greengrass.deploy import execute

    manifest = execute(plan, desk.calls, desk.session.store, made_by=provenance(desk.config))
    desk.session.say(f"the deployment {manifest.deployment_id} is under way")
    return manifest


def finish(
    desk: DeployDesk, state: "GroupState", manifest: "DeploymentManifest", value: Mapping[str, Any], *, wait: bool
) -> None:
    """Tell what was made; with ``wait``, follow it to its end and tell of that."""
    made = dict(value) | {
        "done": True,
        "deployment_id": manifest.deployment_id,
        "job_id": manifest.job_id,
        "artifact": manifest.ref,
    }
    if not wait:
        line = f"{manifest.deployment_id} goes to '{manifest.group}'; how far it is: actorrec deploy status"
        desk.session.result(made, line)
        return
    with _left_running(desk.session, desk.group):
        deployment = _just_made(desk, manifest.deployment_id)
    follow_to_the_end(desk, state, deployment, made)


def _just_made(desk: DeployDesk, deployment_id: str) -> "Deployment":
    """A deployment that AWS may need a moment to show."""
    from actorrec.errors import RemoteError

    for attempt in range(_LOOKS):
        try:
            return desk.calls.deployment(deployment_id)
        except RemoteError:
            if attempt == _LOOKS - 1:
                raise
            time.sleep(desk.config.greengrass.poll_s)
    raise AssertionError("the last look returns or raises")


def follow_to_the_end(
    desk: DeployDesk, state: "GroupState", deployment: "Deployment", value: Mapping[str, Any]
) -> None:
    """Follow a deployment until it is over, and tell how every device fared.

    Raises:
        JobError: If it did not come to a good end.
        typer.Exit: With 130 if the user interrupted; it goes on then.
    """
    from actorrec.errors import JobError
    from actorrec.greengrass.deployment_follow import follow, refuse_unless_succeeded
    from actorrec.greengrass.report import report

    session, poll_s = desk.session, desk.config.greengrass.poll_s
    session.say("Ctrl-C leaves it running")
    with _left_running(session, desk.group), session.progress.step("devices", len(state.members), "devices") as step:
        standing = follow(desk.calls, state, deployment, Teller(session, step), poll_s)
    told = report(desk.calls, state, standing)
    show_report(session, told)
    try:
        refuse_unless_succeeded(standing, told.failures)
    except JobError as error:
        raise _with_report(session, error, dict(value) | {"report": told.model_dump(mode="json")}) from None
    session.result(dict(value) | {"report": told.model_dump(mode="json")}, report_line(told))


class Teller:
    """Shows how far a deployment is: a bar on a terminal, else lines on stderr.

    Args:
        session: Where to print.
        step: Advances with every device that is done.
    """

    def __init__(self, session: Session, step: "Step") -> None:
        self._session, self._step = session, step
        self._ended, self._began = 0, datetime.now(UTC)
        self._at_first: int | None = None

    def moved(self, standing: "Standing") -> None:
        ended = standing.ended
        if ended > self._ended:
            self._step.advance(ended - self._ended)
            self._ended = ended
        self._at_first = ended if self._at_first is None else self._at_first
        if not self._session.errors.is_terminal:
            counts = ", ".join(f"{count} {in_words(status)}" for status, count in standing.counts.items() if count)
            say_aside(self._session, f"{datetime.now(UTC):%H:%M:%S}  {counts or 'nothing yet'}{self._pace(standing)}")

    def trouble(self, text: str) -> None:
        say_aside(self._session, text)

    def _pace(self, standing: "Standing") -> str:
        minutes = (datetime.now(UTC) - self._began).total_seconds() / 60
        done, left = standing.ended - (self._at_first or 0), len(standing.waiting)
        if done <= 0 or not left or minutes <= 0:
            return ""
        rate = done / minutes
        return f" ({rate:.0f} a minute, about {left / rate:.0f} min to go)"


@contextmanager
def _left_running(session: Session, group: str) -> Iterator[None]:
    """Ctrl-C ends the command, not the deployment."""
    try:
        with insistent_interrupts():
            yield
    except KeyboardInterrupt:
        line = COME_BACK.format(group=group)
        print(f"\nleft running: the deployment goes on. Come back with: {line}", file=sys.stderr)
        if session.as_json:
            write_json({"error": "left running", "hint": line, "exit_code": 130})
        raise typer.Exit(130) from None


def _with_report(session: Session, error: "ActorRecError", value: Mapping[str, Any]) -> BaseException:
    """For people the error; with ``--json`` one document that holds both."""
    if not session.as_json:
        return error
    print(f"error: {printable(error.message)}", file=sys.stderr)
    write_json(dict(value) | {"error": error.message, "hint": error.hint, "exit_code": error.exit_code})
    return typer.Exit(error.exit_code)


def _versions(before: str, after: str) -> str:
    return f"{before} → {after}" if before and before != after else after


def _rollout(plan: "DeploymentPlan") -> str:
    job, policies = plan.request["iotJobConfiguration"], plan.request["deploymentPolicies"]
    rule = job["abortConfig"]["criteriaList"][0]
    return (
        f"{job['jobExecutionsRolloutConfig']['maximumPerMinute']} devices a minute; stops if "
        f"{rule['thresholdPercentage']:g} % of at least {rule['minNumberOfExecutedThings']} fail; a device has "
        f"{job['timeoutConfig']['inProgressTimeoutInMinutes']} min; after a failure: "
        f"{'roll back' if policies['failureHandlingPolicy'] == 'ROLLBACK' else 'leave as it is'}"
    )
