"""Telling a machine without a network from pictures that are gone."""

from typing import Final

from actorrec.errors import RemoteError

NO_ANSWER: Final = frozenset({"connection", "timeout", "unknown-host"})
"""Reasons of requests that reached no server: the next run may well reach it."""
_MOST: Final = 100
_OF_A_LISTING: Final = 25  # a source is one server, which hundreds of pictures may hang on


class Outage:
    """Counts requests in a row that reached no server."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def note(self, reason: str, *, listing: bool = False) -> None:
        """Learn how a download ended, or the listing of a person's pictures; empty for well.

        Raises:
            RemoteError: If too many in a row reached nobody.
        """
        if reason not in NO_ANSWER:
            self._in_a_row = 0
            return
        self._in_a_row += _OF_A_LISTING if listing else 1
        if self._in_a_row >= _MOST:
            raise RemoteError(
                f"no server can be reached any more ({reason}, again and again)",
                hint="is this machine online? The same command goes on where it was",
            )
