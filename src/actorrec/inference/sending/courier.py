"""The seam between a queue of messages and the place that takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable


@dataclass(frozen=True, slots=True)
class Message:
    """One message that waits.

    Attributes:
        number: Rising, never used twice in one queue.
        topic: Where it goes.
        payload: UTF-8 JSON.
    """

    number: int
    topic: str
    payload: bytes


class MessageRefusedError(Exception):
    """The place will never take this message: it is too long, or the place says so. ``reason`` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Courier(Protocol):
    """Takes messages to one place and knows that they arrived; for one thread. Used as a context manager.

    Connecting is part of ``deliver``: a courier comes up without its place, and finds it again after an outage.
    """

    @property
    def name(self) -> str:
        """The place, in words, without passwords."""
        ...

    def deliver(self, messages: Sequence[Message]) -> int:
        """Take messages there in their order.

        Args:
            messages: One or more; as many as make sense are on their way at once.

        Returns:
            How many of the first are acknowledged: at least one. The others may have arrived, too: they come again.

        Raises:
            RemoteError: If none is acknowledged; it is tried again later.
            MessageRefusedError: If the first message will never be taken.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@runtime_checkable
class StandingCourier(Courier, Protocol):
    """A courier that something may come back through: it stays connected while nothing waits."""

    def stay(self) -> None:
        """Connect, where there is no connection; called every few seconds while nothing waits.

        Raises:
            RemoteError: If there is no connecting; it is tried again later.
        """
        ...
