"""A component of Greengrass on this machine: what lets people type ``actorrec`` beside it."""

import grp
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.device.actions import PROGRAM, Access, Action, Run, WriteFile
from actorrec.device.install_plan import Plan, access_actions, file_actions, is_ours
from actorrec.device.places import CONFIG, SHIM
from actorrec.device.program import Program, first_closed
from actorrec.device.settings_file import differences, settings_text
from actorrec.device.shims import component_shim
from actorrec.device.tree import Tree
from actorrec.errors import ConfigError
from actorrec.manifests.device_status import SHARED_FILE

_BUNDLE: Final = "bundles/current.zip"
_WHY: Final = "the group may use the program, and the bundle that runs"


@dataclass(frozen=True, slots=True)
class Component:
    """A component that is installed.

    Attributes:
        work: Its folder.
        user: That it runs as.
        group: Of its files; who is in it, may use them.
    """

    work: Path
    user: str
    group: str


def find_component(program: Program) -> Component:
    """The component whose environment this program runs in.

    Raises:
        ConfigError: If it is none of a component, or one that runs as root.
    """
    environment = program.python.parent.parent
    work = environment.parent
    if not environment.name.startswith("venv-") or not (environment / "whole").is_file():
        hint = "sudo /greengrass/v2/work/COMPONENT/venv-…/bin/actorrec device shim; without Greengrass: device install"
        raise ConfigError(f"{environment} is not the environment of a component", hint=hint)
    found = work.stat()
    try:
        return Component(work, pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name)
    except KeyError:
        raise ConfigError(f"{work} belongs to a user or group that this machine does not know") from None


def plan_component(component: Component, tree: Tree) -> Plan:
    """Look at what is there and say what is missing.

    Raises:
        ConfigError: If another program's file is in the way, or present settings are wrong.
    """
    if tree.there(SHIM) and not is_ours(tree, SHIM):
        raise ConfigError(f"{tree.at(SHIM)} is there and not of this program", hint="move it away first")
    settings = {"inference.bundle": str(component.work / _BUNDLE)}
    access = Access(0o640, group=component.group)
    actions = _opened(component, tree)
    differs: list[tuple[str, str, str]] = []
    if tree.there(CONFIG):
        actions += access_actions(tree, CONFIG, access, "the group may read it, and not everybody")
        differs = differences(tree, settings)
    else:
        actions.append(WriteFile(CONFIG, settings_text(settings).encode(), access, "which bundle the component runs"))
    text = component_shim(component.work, component.group, component.user)
    actions += file_actions(tree, SHIM, text, PROGRAM, "`actorrec` for everybody")
    return Plan(tuple(actions), tuple(differs), component.group, _notes(component))


def _opened(component: Component, tree: Tree) -> list[Action]:
    """Done as the component's own user: in its folders, root would follow links of whoever that user is."""
    user = component.user if tree.owners else None
    work, bundle = component.work, component.work / _BUNDLE
    wanted = ((work, stat.S_IXGRP, "g+x"), (bundle.parent, stat.S_IXGRP, "g+x"), (bundle, stat.S_IRGRP, "g+r"))
    actions: list[Action] = [
        Run(("chmod", change, str(path)), _WHY, user)
        for path, bit, change in wanted
        if path.exists() and not path.stat().st_mode & bit
    ]
    if not (work / SHARED_FILE).exists():
        keeps = "the component keeps it so: its nucleus closes the folder at each start"
        actions.append(Run(("touch", str(work / SHARED_FILE)), keeps, user))
    return actions


def _notes(component: Component) -> tuple[str, ...]:
    notes = []
    if component.group == "root":
        notes.append("the component runs as root: nobody else may use its bundle; give it a user of its own")
    closed = first_closed(component.work.parent)
    if closed is not None:
        notes.append(f"{closed} is closed to others: sudo chmod o+x {closed}")
    return tuple(notes)
