"""Telling a machine without a network from pictures that are gone."""

from typing import Final

from actorrec.errors import RemoteError

NO_ANSWER: Final = frozenset({"connection", "timeout", "unknown-host"})
"""Reasons of downloads that reached no server: the next run may well reach it."""
_MOST: Final = 100


class Outage:
    """Counts downloads in a row that reached no server."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def note(self, reason: str) -> None:
        """Learn how a download ended; empty for well.

        Raises:
            RemoteError: If too many in a row reached nobody.
        """
        self._in_a_row = self._in_a_row + 1 if reason in NO_ANSWER else 0
        if self._in_a_row >= _MOST:
            raise RemoteError(
                f"{self._in_a_row} downloads in a row reached no server",
                hint="is this machine online? The same command goes on where it was",
            )
