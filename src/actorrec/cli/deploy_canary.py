"""``actorrec deploy --canary`` and ``deploy promote``: a part of the group tries first."""

import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from actorrec.cli.canary_views import CanaryTeller, judgement_json, show_canary_plan, show_judgement, told_canary
from actorrec.cli.command import command
from actorrec.cli.deploy_desk import (
    DeployDesk,
    DryRunOption,
    GroupOption,
    RateOption,
    WaitOption,
    YesOption,
    agree,
    finish,
    open_desk,
    show_plan,
)
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.cli.deploy import Prepared
    from actorrec.greengrass.canary import Judgement
    from actorrec.greengrass.canary_desk import CanaryDesk
    from actorrec.greengrass.canary_plan import CanaryPlan
    from actorrec.greengrass.canary_state import CanaryState
    from actorrec.greengrass.group import GroupState


_SELDOM: Final = 10
"""Devices speak once a minute: a trial is looked at more seldom than a deployment."""


def start(desk: DeployDesk, prepared: "Prepared", wanted: str, *, dry_run: bool, yes: bool, wait: bool) -> None:
    """Let a part of the group try a deployment; with ``wait``, judge it, then promote it or take it back.

    Raises:
        JobError: If it failed, with the reason per device.
        ConfigError: If nobody can be chosen, or something else is being tried.
        RemoteError: If AWS refuses or cannot be reached.
        ArtifactError: If the store takes no more.
    """
    from actorrec.greengrass.canary import plan_trial

    session, plan = desk.session, prepared.plan
    if not plan.changed:
        line = f"'{plan.group}' has exactly this already; there is nothing to try"
        session.result(prepared.value | {"done": False}, line)
        return
    canaries = _canaries(desk)
    canary = plan_trial(canaries, plan, wanted)
    show_plan(session, plan, prepared.notes)
    show_canary_plan(session, canary)
    value = prepared.value | {"canary": canary.as_json()}
    if dry_run or not agree(session, f"let {len(canary.choice.devices)} devices try it?", yes=yes):
        session.result(value | {"done": False}, "" if dry_run else "nothing was changed")
        return
    state = _begin(desk, canaries, canary)
    if not wait:
        ways = f"how it does: actorrec deploy status; then: actorrec deploy promote --thing-group {desk.group}"
        told = {"done": True, "deployment_id": state.trial.id if state.trial else None}
        session.result(value | told, f"{len(canary.choice.devices)} devices try it; {ways}")
        return
    _see_through(desk, canaries, state, value)


def register(app: typer.Typer) -> None:
    """Add these commands."""

    @command(app, "promote")
    def promote(
        session: Session,
        thing_group: GroupOption = None,
        rate: RateOption = None,
        anyway: Annotated[bool, typer.Option("--anyway", help="Even if it is not proven, or failed.")] = False,
        wait: WaitOption = False,
        dry_run: DryRunOption = False,
        yes: YesOption = False,
    ) -> None:
        """Give the whole group what a part of it tries, if it stayed within bounds."""
        from actorrec.greengrass.canary import judge_canary
        from actorrec.greengrass.canary_sets import promotion_plan

        desk = open_desk(session, thing_group, rate)
        canaries = _canaries(desk)
        state = canaries.look(desk.group)
        if state.trial is None and state.away:
            _bring_home(desk, canaries)
            return
        judgement = judge_canary(canaries, state)
        show_judgement(session, judgement)
        if not anyway:
            _refuse_unproven(judgement)
        plan = promotion_plan(state, canaries.program, desk.config.greengrass)
        show_plan(session, plan)
        value = plan.as_json() | {"canary": judgement_json(judgement)}
        if dry_run or not agree(session, f"deploy to {plan.devices + len(state.away)} things?", yes=yes):
            session.result(value | {"done": False}, "" if dry_run else "nothing was changed")
            return
        _promote(desk, canaries, state, value, wait=wait)


def roll_back(desk: DeployDesk, *, dry_run: bool, yes: bool) -> bool:
    """Take back what a part of the group tries; False, nothing changed, where nothing is tried.

    Raises:
        RemoteError: If AWS refuses or cannot be reached.
    """
    from actorrec.greengrass.canary import roll_back_canary

    canaries = _canaries(desk)
    state = canaries.look(desk.group)
    if state.phase == "gathering" and not state.away and not dry_run:
        roll_back_canary(canaries, state)  # nobody has left the group yet: only the note of who would is taken away
        return False
    if state.trial is None and state.phase != "gathering":
        return False
    members = state.chosen if state.target is None else state.target.members
    value: dict[str, Any] = {"thing_group": desk.group, "canary": told_canary(state)}
    if dry_run or not agree(desk.session, f"give {len(members)} devices back what the group has?", yes=yes):
        desk.session.result(value | {"done": False}, "" if dry_run else "nothing was changed")
        return True
    made = roll_back_canary(canaries, state)
    value |= {"done": True, "deployment_id": None if made is None else made.deployment_id}
    many = f"{len(members)} device{'' if len(members) == 1 else 's'}"
    desk.session.result(value, f"what {many} of '{desk.group}' tried is taken back")
    return True


def refuse_under_way(desk: DeployDesk, state: "GroupState") -> None:
    """Stop before a deployment to the group would cut a trial short.

    Raises:
        ConfigError: If something is being tried.
    """
    from actorrec.errors import ConfigError
    from actorrec.greengrass.canary_state import read_canary

    found = read_canary(desk.calls, state)
    if found.trial is not None:
        raise ConfigError(
            f"a part of '{state.name}' tries another deployment ({found.trial.id}); nothing was changed",
            hint="`actorrec deploy promote` gives it to the group, `deploy rollback` takes it back; then deploy",
        )


def whole_fleet(desk: DeployDesk, state: "GroupState") -> "GroupState":
    """A group with the devices that stand apart from it since a trial: what is planned is for them, too."""
    from dataclasses import replace

    from actorrec.greengrass.canary_state import read_canary

    found = read_canary(desk.calls, state)
    if not found.away:
        return state
    devices = {device.name: device for device in (*state.devices, *desk.calls.core_devices(found.away))}
    return replace(state, members=found.fleet, devices=tuple(devices[name] for name in sorted(devices)))


def after_deployment(desk: DeployDesk) -> None:
    """Devices that stand apart since a trial get what the group gets."""
    from actorrec.greengrass.canary import follow_group

    for line in follow_group(_canaries(desk), desk.group):
        desk.session.say(line)


def status(desk: DeployDesk, state: "GroupState") -> dict[str, Any] | None:
    """Show the trial of a group, judged as of now; None where there is none."""
    from actorrec.greengrass.canary import judge_canary
    from actorrec.greengrass.canary_state import read_canary

    found = read_canary(desk.calls, state)
    if found.trial is None:
        if found.away:
            desk.session.say(f"{len(found.away)} devices stand apart since a trial, with what the group had then")
            return told_canary(found)
        return None
    judgement = judge_canary(_canaries(desk), found)
    show_judgement(desk.session, judgement)
    return judgement_json(judgement)


def _canaries(desk: DeployDesk) -> "CanaryDesk":
    from actorrec.greengrass.canary_desk import CanaryDesk

    return CanaryDesk.of(desk.session.aws, desk.config, desk.session.store)


def _begin(desk: DeployDesk, canaries: "CanaryDesk", canary: "CanaryPlan") -> "CanaryState":
    """Call until it is being tried: devices that must be moved first take a moment.

    Raises:
        JobError: If they take longer than a device has for a deployment.
    """
    from actorrec.errors import JobError
    from actorrec.greengrass.canary_start import start_canary

    section = desk.config.greengrass
    until_s = time.monotonic() + section.timeout_minutes * 60
    teller = CanaryTeller(desk.session, desk.group)
    with teller.left_running():
        while True:
            begun = start_canary(canaries, canary)
            if not begun.missing:
                return begun.state
            if time.monotonic() > until_s:
                raise JobError(
                    f"nothing is tried after {section.timeout_minutes} min: {begun.missing}",
                    hint="are they switched on? The same command goes on; `actorrec deploy rollback` gives up",
                )
            teller.waits(begun.missing)
            time.sleep(section.poll_s)


def _see_through(desk: DeployDesk, canaries: "CanaryDesk", state: "CanaryState", value: dict[str, Any]) -> None:
    from actorrec.errors import JobError
    from actorrec.greengrass.canary import roll_back_canary

    judgement = _judged(desk, canaries, state)
    show_judgement(desk.session, judgement)
    value = value | {"canary": value["canary"] | judgement_json(judgement)}
    if judgement.verdict.outcome == "pass":
        _promote(desk, canaries, judgement.state, value, wait=True)
        return
    roll_back_canary(canaries, judgement.state)
    silent = any(reason.startswith("no health") for reason in judgement.verdict.reasons)
    archive = "; is the rule there that keeps what devices say? `actorrec cloud status` shows it" if silent else ""
    target = state.target.name if state.target else desk.group
    raise JobError(
        f"what a part of '{desk.group}' tried was taken back: {judgement.verdict.told}",
        hint=f"the others never had it; `actorrec deploy history --thing-group {target}` shows the trial{archive}",
    )


def _judged(desk: DeployDesk, canaries: "CanaryDesk", state: "CanaryState") -> "Judgement":
    """Judge again and again, until there is a verdict.

    Raises:
        JobError: If another desk ended the trial.
    """
    from actorrec.errors import JobError, RemoteError
    from actorrec.greengrass.canary import judge_canary

    teller, trial = CanaryTeller(desk.session, desk.group), state.trial
    with teller.left_running():
        while True:
            try:
                state = canaries.look(desk.group)
                same = state.trial is not None and trial is not None and state.trial.id == trial.id
                judgement = judge_canary(canaries, state) if same else None
            except RemoteError as error:
                teller.missed(error)
            else:
                if judgement is None:
                    raise JobError(
                        f"somebody else ended what a part of '{desk.group}' tried, before there was a verdict",
                        hint="`actorrec deploy status` and `deploy history` show what became of it",
                    )
                if judgement.verdict.outcome != "wait":
                    return judgement
                teller.sees(judgement)
            time.sleep(_SELDOM * desk.config.greengrass.poll_s)


def _promote(
    desk: DeployDesk, canaries: "CanaryDesk", state: "CanaryState", value: dict[str, Any], *, wait: bool
) -> None:
    from actorrec.greengrass.canary import promote
    from actorrec.greengrass.group import read_group

    made = promote(canaries, state)
    finish(desk, read_group(desk.calls, desk.group), made, value, wait=wait)


def _bring_home(desk: DeployDesk, canaries: "CanaryDesk") -> None:
    """What a promotion that was killed left over."""
    from actorrec.greengrass.canary import follow_group

    said = follow_group(canaries, desk.group)
    line = "; ".join(said) or f"nothing is being tried on a part of '{desk.group}'"
    desk.session.result({"thing_group": desk.group, "done": bool(said)}, line)


def _refuse_unproven(judgement: "Judgement") -> None:
    from actorrec.errors import JobError

    verdict = judgement.verdict
    if verdict.outcome == "pass":
        return
    hint = "--anyway promotes it all the same; `actorrec deploy rollback` takes it back"
    raise JobError(f"what is tried is not promoted: {verdict.told}", hint=hint)
