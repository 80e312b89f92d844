"""Taking back what an installation made."""

from actorrec.device.actions import FOR_GROUP, Access, Action, Remove, Run
from actorrec.device.install_plan import Systemd, is_ours
from actorrec.device.places import CACHE, CONFIG, SHIM, STATE, SYSUSERS, TMPFILES, UNIT, USER, WANTED_BY
from actorrec.device.service_state import UNIT_NAME
from actorrec.device.tree import Tree


def plan_uninstall(tree: Tree, systemd: Systemd, *, purge: bool) -> tuple[Action, ...]:
    """What is to be removed: files that this program made, and with ``purge`` settings, state and user as well.

    A file of the same name that somebody else made stays.
    """
    actions: list[Action] = []
    if systemd.runs and systemd.state is not None:
        actions.append(Run(("systemctl", "stop", UNIT_NAME), "the service ends"))
    if tree.there(WANTED_BY) and is_ours(tree, UNIT):
        actions.append(Remove(WANTED_BY, "it is no longer started with the system"))
    made = ((UNIT, "the service"), (SHIM, "`actorrec` for everybody"), (TMPFILES, "rights"), (SYSUSERS, "the user"))
    actions += [Remove(path, why) for path, why in made if is_ours(tree, path)]
    if systemd.runs and (is_ours(tree, UNIT) or (systemd.state is not None and not tree.there(UNIT))):
        actions.append(Run(("systemctl", "daemon-reload"), "systemd forgets the unit"))
    if purge:
        kept = ((CONFIG.parent, "settings"), (STATE, "bundle, events, all that it kept"), (CACHE, "fetched models"))
        actions += [Remove(path, why) for path, why in kept if tree.there(path)]
        actions += _accounts(tree)
    return tuple(actions)


def _accounts(tree: Tree) -> list[Action]:
    """The group first: userdel alone would leave one that people are in, and they would stand in the next one's."""
    actions: list[Action] = []
    if tree.ids(FOR_GROUP) is not None:
        actions.append(Run(("groupdel", "-f", USER), "the group of those who might use it"))
    if tree.ids(Access(0, user=USER)) is not None:
        actions.append(Run(("userdel", USER), "the user that the service ran as"))
    return actions
