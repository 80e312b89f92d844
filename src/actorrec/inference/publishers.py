"""Where events go: one protocol, standard output, and several places at once."""

import os
import select
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final, Protocol, Self

from actorrec.errors import RemoteError
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import HEALTH_SUBTOPIC, MODEL_SUBTOPIC

_LOST: Final = (RemoteError, OSError, ArithmeticError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What a publisher raises for a message that it could not hand on, and what a library below it may."""


class Publisher(Protocol):
    """Hands messages on; used as a context manager, so that what it holds is let go."""

    @property
    def name(self) -> str:
        """Where messages go, in words."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand one message on.

        Args:
            topic: For places that have topics.
            payload: One JSON document, UTF-8, without a line break.

        Raises:
            RemoteError: If it was not taken; the message is lost.
            OSError: Likewise.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class StdoutPublisher:
    """One line of standard output for each message, whatever its topic, at once.

    Who reads slowly is waited for. Who stops reading is waited for once, then he misses messages until he reads on; a
    line that was begun is always ended first.

    Args:
        wait_s: For how long nothing at all may be read; None for ever.
    """

    name = "standard output"

    def __init__(self, wait_s: float | None = 5.0) -> None:
        self._wait_s = wait_s
        self._unread = False
        self._left = b""  # of a line that was begun

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def publish(self, topic: str, payload: bytes) -> None:
        """Write one line, in UTF-8: a name that the locale has no letters for ends nothing.

        Raises:
            BrokenPipeError: If nobody will read it any more.
            OSError: If it was not taken; it is lost.
        """
        line = payload + b"\n"
        try:
            descriptor = sys.stdout.fileno()
        except OSError:  # it is something of a program that hosts this one
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            return
        if self._written(descriptor):
            self._left = line
            try:
                self._written(descriptor)
            finally:
                begun = len(self._left) < len(line)
                self._left = self._left if begun else b""
            if begun:
                return
        raise OSError("nobody reads it")

    def _written(self, descriptor: int) -> bool:
        """Write what is left, in parts for which there is room; whether that was all."""
        while self._left:
            room = select.poll()
            room.register(descriptor, select.POLLOUT)
            wait_s = 0.0 if self._unread else self._wait_s
            self._unread = not room.poll(None if wait_s is None else wait_s * 1000)
            if self._unread:
                return False
            self._left = self._left[os.write(descriptor, self._left[: select.PIPE_BUF]) :]
        return True


class FanOut:
    """Hands each message to several publishers; one that fails harms neither the others nor the caller.

    Args:
        publishers: Where to.
        troubles: Told when one begins to fail, and when it works again.

    Attributes:
        lost: Messages that a publisher could not hand on.
    """

    def __init__(self, publishers: Sequence[Publisher], troubles: Troubles) -> None:
        self._publishers = tuple(publishers)
        self._troubles = troubles
        self._open = ExitStack()
        self._failing: dict[str, str] = {}  # name → kind of message; a place may refuse one topic and take another
        self.lost = 0

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for publisher in self._publishers:
                opening.enter_context(publisher)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand one message to all.

        Raises:
            BrokenPipeError: If nobody reads standard output any more: that is an end, not a failure.
        """
        kind = _kind(topic)
        for publisher in self._publishers:
            try:
                publisher.publish(topic, payload)
            except BrokenPipeError:
                raise
            except _LOST as error:
                self.lost += 1
                if self._failing.setdefault(publisher.name, kind) == kind:
                    self._troubles.begin(publisher.name, f"{publisher.name}: messages are lost: {_said(error)}")
            else:
                # One that keeps messages tells of its place by itself: that it took one ends no trouble of that.
                if self._failing.get(publisher.name) in (kind, MODEL_SUBTOPIC):  # another of that may never come
                    del self._failing[publisher.name]
                    self._troubles.end(publisher.name)


def _kind(topic: str) -> str:
    """Health, model, or empty for what is on the topic itself, wherever that is."""
    last = topic.rpartition("/")[2]
    return last if last in (HEALTH_SUBTOPIC, MODEL_SUBTOPIC) else ""


def _said(error: Exception) -> str:
    if isinstance(error, RemoteError):
        return error.in_full
    return error.strerror or str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
