"""The person at the desk, as the work on a stack sees them."""

from collections.abc import Sequence
from typing import Protocol

from actorrec.cloud.follow import StackEvent
from actorrec.cloud.plans import Action


class Desk(Protocol):
    """Who is shown what is going to happen, and asked."""

    def show(self, actions: Sequence[Action]) -> None:
        """Show what is going to be done."""
        ...

    def agrees(self, question: str) -> bool:
        """Ask whether to do it."""
        ...

    def hears(self, event: StackEvent) -> None:
        """Tell what happened to a resource."""
        ...
