"""What the nucleus is asked beside messages: this component's configuration, and requests of client devices."""

import threading
from collections.abc import Callable
from typing import Final, Self

from actorrec.errors import RemoteError
from actorrec.inference.failures import step_failures
from actorrec.inference.greengrass_ipc import GreengrassIpc
from actorrec.inference.troubles import Troubles

_ABOUT_REQUESTS: Final = "requests of client devices"
_PAUSE_S: Final = 0.1  # a nucleus may tell of changes all the time
_LET_GO_S: Final = 0.3


class NucleusWatch:
    """Asks the nucleus in a thread of its own: one that is silent keeps nobody from looking at frames.

    It asks when the nucleus tells of a change, and when ``ask`` is called; however often that is, one question at a
    time is under way. Without entering it, nothing is asked but the configuration, once.

    Args:
        nucleus: A connection that somebody else closes, later than this is left.
        troubles: Told where requests cannot be taken.
    """

    def __init__(self, nucleus: GreengrassIpc, troubles: Troubles) -> None:
        self._nucleus, self._troubles = nucleus, troubles
        self._wake, self._news, self._ending = threading.Event(), threading.Event(), threading.Event()
        self._outcome: tuple[object, RemoteError | None] | None = None
        self._wanted: tuple[str, Callable[[str, bytes], None]] | None = None
        self._asked_on = ""
        self._thread = threading.Thread(target=self._run, name="asking the nucleus", daemon=True)

    def __enter__(self) -> Self:
        self._wake.set()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ask no more; a question that has no answer yet is not waited for."""
        self._ending.set()
        self._wake.set()
        self._thread.join(_LET_GO_S)

    def configuration(self) -> object:
        """The configuration as it was read last; the first time it is read here and now.

        Raises:
            RemoteError: If it could not be read.
        """
        if self._outcome is None:
            self._outcome = self._asked()
        value, failure = self._outcome
        if failure is not None:
            raise failure.with_traceback(None)
        return value

    def read_anew(self) -> bool:
        """Whether the configuration was read since this was asked last; never waits."""
        if not self._news.is_set():
            return False
        self._news.clear()
        return True

    def ask(self) -> None:
        """Read the configuration again, and try again what did not work; never waits."""
        self._wake.set()

    def take_requests(self, topic: str, take: Callable[[str, bytes], None]) -> None:
        """Take requests from this topic, and from no other one any more; never waits.

        Args:
            topic: Of the device, or of what a bridge relays.
            take: See ``GreengrassIpc.subscribe_to_topic``.
        """
        before, self._wanted = self._wanted, (topic, take)
        if before is None or before[0] != topic:
            self._wake.set()

    def _run(self) -> None:
        self._nucleus.watch_configuration(self._wake.set)
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ending.is_set():
                return
            self._outcome = self._asked()
            self._news.set()
            self._ask_for_requests()
            self._ending.wait(_PAUSE_S)

    def _asked(self) -> tuple[object, RemoteError | None]:
        try:
            return self._nucleus.configuration(), None
        except RemoteError as error:
            return None, error
        except step_failures() as error:
            return None, RemoteError(f"its answer cannot be read ({type(error).__name__})")

    def _ask_for_requests(self) -> None:
        """Once more does no harm: it is tried again where it failed before."""
        if self._wanted is None or self._ending.is_set():
            return
        topic, take = self._wanted
        try:
            if self._asked_on not in ("", topic):
                self._nucleus.unsubscribe_from_topic(self._asked_on)
            self._asked_on = topic
            self._nucleus.subscribe_to_topic(topic, take)
        except step_failures() as error:
            line = error.in_full if isinstance(error, RemoteError) else f"{type(error).__name__}: {error}"
            self._troubles.begin(_ABOUT_REQUESTS, f"{_ABOUT_REQUESTS}: {line}")
        else:
            self._troubles.end(_ABOUT_REQUESTS)
