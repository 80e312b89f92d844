"""What makes a machine a device without Greengrass: planned from what is there already."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.device.actions import (
    FOR_ALL,
    FOR_GROUP,
    OF_SERVICE,
    PROGRAM,
    Access,
    Action,
    CopyFile,
    MakeFolder,
    MakeLink,
    Run,
    SetAccess,
    WriteFile,
)
from actorrec.device.places import BUNDLE, CONFIG, MARK, SHIM, STATE, SYSUSERS, TMPFILES, UNIT, USER, WANTED_BY
from actorrec.device.program import Program
from actorrec.device.service_state import UNIT_NAME
from actorrec.device.settings_file import differences, present_settings, service_settings, settings_text
from actorrec.device.shims import plain_shim
from actorrec.device.tree import Tree
from actorrec.device.unit import Service, sysusers_text, tmpfiles_text, unit_text
from actorrec.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for.

    Attributes:
        program: That the service runs.
        camera: ``camera.source``; None for what is configured.
        bundle: File to copy; None for the one that is there.
        mqtt: ``mqtt.url``; None for what is configured.
    """

    program: Program
    camera: str | None = None
    bundle: Path | None = None
    mqtt: str | None = None


@dataclass(frozen=True, slots=True)
class Systemd:
    """The systemd that runs on this machine; on another's files none does.

    Attributes:
        runs: Whether it can be told of a new unit.
        version: 0 where it is not known.
        state: Of our service; None where there is none.
        makes_users: Whether systemd-sysusers is there.
        since: When our service's program was started, in seconds of the epoch; None where that is not known.
    """

    runs: bool = False
    version: int = 0
    state: str | None = None
    makes_users: bool = True
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        actions: In order; empty where all is as it should be.
        differs: Settings that the present file has otherwise: setting, there, asked for.
        group: Who may read what it makes.
        notes: What a person should know before.
    """

    actions: tuple[Action, ...]
    differs: tuple[tuple[str, str, str], ...] = ()
    group: str = USER
    notes: tuple[str, ...] = ()


_NOT_EVERYBODY: Final = "the service must read it, and not everybody"
_BACKOFF_SINCE: Final = 254
_RUNNING: Final = ("active", "activating", "reloading")


def plan_install(wanted: Wanted, tree: Tree, systemd: Systemd) -> Plan:
    """Look at what is there and say what is missing.

    Raises:
        ConfigError: If something needed is not given, another program's file is in the way, or a value cannot be.
    """
    _check(wanted, tree)
    settings, differs = _settings(wanted, tree)
    system = [*_user(tree, systemd), *settings, *_bundle(wanted, tree)]
    service = _unit(wanted, tree, systemd)
    actions: list[Action] = [*system, *service, *_shim(wanted, tree)]
    if systemd.runs:
        actions += _started(systemd, changed=bool(settings or service) or _runs_an_older_one(tree, systemd))
    return Plan(tuple(actions), tuple(differs))


def _check(wanted: Wanted, tree: Tree) -> None:
    if wanted.camera is None and not tree.there(CONFIG):
        hint = "--camera rpicam for a Raspberry Pi's own, --camera 0 for one on USB, or an rtsp:// address"
        raise ConfigError("which camera is it to look through?", hint=hint)
    if wanted.bundle is None and not tree.there(BUNDLE) and not tree.there(CONFIG):
        raise ConfigError("whom is it to know?", hint="--bundle bundle.zip, or a bundle of the store: --bundle newest")
    for path in (UNIT, SHIM, SYSUSERS, TMPFILES):
        if tree.there(path) and not is_ours(tree, path) and not _is_of_pip(wanted, path):
            raise ConfigError(f"{tree.at(path)} is there and not of this program", hint="move it away first")


def is_ours(tree: Tree, path: Path) -> bool:
    """Whether this program made a file."""
    return MARK in (tree.text(path) or "")


def _is_of_pip(wanted: Wanted, path: Path) -> bool:
    return path == SHIM and wanted.program.scripts == SHIM.parent


def _user(tree: Tree, systemd: Systemd) -> list[Action]:
    actions: list[Action] = [
        *file_actions(tree, SYSUSERS, sysusers_text(), FOR_ALL, "the service's user, also where systems are made anew"),
        *file_actions(tree, TMPFILES, tmpfiles_text(), FOR_ALL, "who may read what, set at each start of the system"),
    ]
    if tree.owners and tree.ids(FOR_GROUP) is None:
        useradd = ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(STATE))
        line = ("systemd-sysusers", str(SYSUSERS)) if systemd.makes_users else (*useradd, USER)
        actions.append(Run(line, "the user that the service runs as: without a password, without rights"))
    return actions


def _settings(wanted: Wanted, tree: Tree) -> tuple[list[Action], list[tuple[str, str, str]]]:
    first = not tree.there(CONFIG)
    given = service_settings(wanted.camera, wanted.mqtt, first=first)
    if first:
        text = settings_text(given)
        return [WriteFile(CONFIG, text.encode(), FOR_GROUP, "what it looks at and says")], []
    return access_actions(tree, CONFIG, FOR_GROUP, "the service must read it, and not everybody"), differences(
        tree, given
    )


def _bundle(wanted: Wanted, tree: Tree) -> list[Action]:
    actions: list[Action] = []
    if not tree.has_access(STATE, OF_SERVICE):
        actions.append(MakeFolder(STATE, OF_SERVICE, "what the service keeps"))
    if wanted.bundle is not None and not tree.same_file(BUNDLE, wanted.bundle):
        why = "whom it knows; a running service takes a new one between two frames"
        actions.append(CopyFile(BUNDLE, wanted.bundle, FOR_GROUP, why))
    elif tree.there(BUNDLE):
        actions += access_actions(tree, BUNDLE, FOR_GROUP, _NOT_EVERYBODY)
    return actions


def _unit(wanted: Wanted, tree: Tree, systemd: Systemd) -> list[Action]:
    present = present_settings(tree)
    service = Service(
        python=wanted.program.python,
        groups=tree.groups("video", "render"),
        reads=(wanted.program.package, Path((present.camera.source if present else wanted.camera) or "")),
        backoff=systemd.version >= _BACKOFF_SINCE,
    )
    actions = file_actions(tree, UNIT, unit_text(service), FOR_ALL, "the service")
    if not tree.there(WANTED_BY):
        actions.append(MakeLink(WANTED_BY, str(UNIT), "it is started with the system"))
    return actions


def _shim(wanted: Wanted, tree: Tree) -> list[Action]:
    if _is_of_pip(wanted, SHIM):
        return []
    return file_actions(tree, SHIM, plain_shim(wanted.program.python), PROGRAM, "`actorrec` for everybody")


def _started(systemd: Systemd, *, changed: bool) -> list[Action]:
    if not changed and systemd.state in _RUNNING:
        return []
    return [
        Run(("systemctl", "daemon-reload"), "systemd reads the unit"),
        Run(("systemctl", "restart", UNIT_NAME), "it runs from now on"),
    ]


def _runs_an_older_one(tree: Tree, systemd: Systemd) -> bool:
    """Whether an installation was ended between the unit and the start of what it says."""
    return systemd.since is not None and tree.there(UNIT) and tree.at(UNIT).stat().st_mtime >= systemd.since + 1


def file_actions(tree: Tree, path: Path, text: str, access: Access, why: str) -> list[Action]:
    """What makes a file of ours what it should be."""
    if tree.text(path) != text:
        return [WriteFile(path, text.encode(), access, why)]
    return access_actions(tree, path, access, why)


def access_actions(tree: Tree, path: Path, access: Access, why: str) -> list[Action]:
    """What gives a file that stays the rights that it should have."""
    return [] if tree.has_access(path, access) else [SetAccess(path, access, why)]
