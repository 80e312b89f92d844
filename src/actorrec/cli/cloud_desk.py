"""The person at the terminal, as the commands that change AWS ask them."""

import sys
from typing import TYPE_CHECKING

import typer

from actorrec.cli.session import Session, printable
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actorrec.cloud.follow import StackEvent
    from actorrec.cloud.plans import Action


class TerminalDesk:
    """A terminal, or a script that said yes.

    Args:
        session: Where it is shown.
        yes: Every question is agreed to unasked.
    """

    def __init__(self, session: Session, yes: bool) -> None:
        self._session, self.yes = session, yes
        self.shown: Sequence[Action] = ()
        self.asked = False

    def show(self, actions: "Sequence[Action]") -> None:
        """Show what is going to be done."""
        self.shown = (*self.shown, *actions)
        show_actions(self._session, "what will be done", actions)

    def agrees(self, question: str) -> bool:
        """Ask whether to do it.

        Raises:
            ConfigError: If nobody can be asked.
        """
        self.asked = True
        if self.yes:
            return True
        _refuse_unseen()
        return typer.confirm(question, err=True)

    def agrees_to_lose(self, actions: "Sequence[Action]") -> bool:
        """Ask whether a bucket may be deleted: its name must be typed."""
        bucket = next((action.name for action in actions if action.verb == "empty"), "")
        if self.yes or not bucket:
            return self.agrees("remove these?")
        _refuse_unseen()
        typed = typer.prompt(
            f"all data in '{printable(bucket)}' will be gone; type its name", err=True, default="", show_default=False
        )
        return bool(typed == bucket)

    def hears(self, event: "StackEvent") -> None:
        """Tell what happened to a resource."""
        self._session.say(event.told)


def show_actions(session: Session, title: str, actions: "Sequence[Action]") -> None:
    """A table of a plan."""
    rows = [(action.verb, action.name, action.type, action.why) for action in actions]
    session.table(title, ("what", "name", "type", "why"), rows)


def _refuse_unseen() -> None:
    if not sys.stdin.isatty():
        raise ConfigError("whether to go on cannot be asked here", hint="--yes does it without asking; --dry-run lists")
