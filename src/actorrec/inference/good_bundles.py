"""The bundle that runs becomes the one before, once it has proved good; the one before comes back beside it."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from actorrec.errors import ActorRecError
from actorrec.inference.bundle_shelf import BundleShelf
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.shadow import ABOUT_SHADOW, ShadowRun
from actorrec.inference.troubles import Troubles

_ABOUT_SHELF: Final = "the shelf of good bundles"
_END_S: Final = 1.0


class GoodBundles:
    """Keeps the bundle that runs once it has proved good, and brings back the one before it.

    ``keep`` and ``shadow`` may take seconds on a slow card; ``keep_soon`` and ``shadow_soon`` do the same in a thread,
    one after the other, while frames go on.

    Args:
        shelf: Where they are kept; None where there is no place for it.
        live: The bundle that runs.
        num_threads: Of the one that is brought back.
        troubles: Told of what does not work.
    """

    def __init__(self, shelf: BundleShelf | None, live: RunningBundle, *, num_threads: int, troubles: Troubles) -> None:
        self._shelf, self._live = shelf, live
        self._num_threads, self._troubles = num_threads, troubles
        self._one_at_a_time = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._opened: deque[tuple[RunningBundle, ShadowRun]] = deque()

    def use(self, live: RunningBundle) -> None:
        """Another bundle runs now: it is the one that is kept and compared with from here on."""
        self._live = live

    def keep(self) -> None:
        """Keep the live one; without room for it there is no comparison later, and that is told."""
        self._keep(self._live)

    def keep_soon(self) -> None:
        """Like ``keep``, in a thread."""
        live = self._live
        self._in_thread(lambda: self._keep(live))

    def shadow(self) -> ShadowRun | None:
        """A run of the previous one beside the live one; None, and told, where there is none that can run."""
        return self._shadow(self._live)

    def shadow_soon(self) -> None:
        """Like ``shadow``, in a thread; ``opened_shadow`` gives what comes of it."""
        live = self._live
        self._in_thread(lambda: self._open(live))

    def opened_shadow(self) -> ShadowRun | None:
        """What ``shadow_soon`` has opened beside the bundle that is still the live one; once, and never waits."""
        try:
            live, run = self._opened.popleft()
        except IndexError:
            return None
        return run if live is self._live else None

    def close(self) -> None:
        """Wait a moment for what is being kept; a copy that is cut off is made anew another time."""
        for thread in self._threads:
            thread.join(_END_S)

    def _in_thread(self, work: Callable[[], None]) -> None:
        def alone() -> None:
            with self._one_at_a_time:
                work()

        thread = threading.Thread(target=alone, name="good-bundles", daemon=True)
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def _keep(self, live: RunningBundle) -> None:
        if self._shelf is None:
            self._troubles.begin(_ABOUT_SHELF, f"{_ABOUT_SHELF}: this user has no home folder; --work names another")
            return
        try:
            self._shelf.keep(live.path, live.model.bundle)
        except ActorRecError as error:
            self._troubles.begin(_ABOUT_SHELF, f"{_ABOUT_SHELF}: {error.in_full}")
        else:
            self._troubles.end(_ABOUT_SHELF)

    def _open(self, live: RunningBundle) -> None:
        if live is not self._live:  # another one runs meanwhile, and its own is asked for
            return
        run = self._shadow(live)
        if run is not None:
            self._opened.append((live, run))

    def _shadow(self, live: RunningBundle) -> ShadowRun | None:
        path = None if self._shelf is None else self._shelf.other_than(live.model.bundle)
        if path is None:
            self._troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW}: there is no previous bundle that is whole")
            return None
        try:
            run = ShadowRun(live, run_bundle(path, num_threads=self._num_threads))
        except ActorRecError as error:
            self._troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW}: {error.in_full}")
            return None
        self._troubles.end(ABOUT_SHADOW)
        return run
