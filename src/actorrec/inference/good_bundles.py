"""The bundle that runs becomes the one before, once it has proved good; the one before comes back beside it."""

from typing import Final

from actorrec.errors import ActorRecError
from actorrec.inference.bundle_shelf import BundleShelf
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.shadow import ABOUT_SHADOW, ShadowRun
from actorrec.inference.troubles import Troubles

_ABOUT_SHELF: Final = "the shelf of good bundles"


class GoodBundles:
    """Keeps the bundle that runs once it has proved good, and brings back the one before it.

    Args:
        shelf: Where they are kept; None where there is no place for it.
        live: The bundle that runs.
        num_threads: Of the one that is brought back.
        troubles: Told of what does not work.
    """

    def __init__(self, shelf: BundleShelf | None, live: RunningBundle, *, num_threads: int, troubles: Troubles) -> None:
        self._shelf, self._live = shelf, live
        self._num_threads, self._troubles = num_threads, troubles

    def keep(self) -> None:
        """Keep the live one; without room for it there is no comparison later, and that is told."""
        if self._shelf is None:
            self._troubles.begin(_ABOUT_SHELF, f"{_ABOUT_SHELF}: this user has no home folder; --work names another")
            return
        try:
            self._shelf.keep(self._live.path, self._live.model.bundle)
        except ActorRecError as error:
            self._troubles.begin(_ABOUT_SHELF, f"{_ABOUT_SHELF}: {error.in_full}")

    def shadow(self) -> ShadowRun | None:
        """A run of the previous one beside the live one; None, and told, where there is none that can run."""
        path = None if self._shelf is None else self._shelf.other_than(self._live.model.bundle)
        if path is None:
            self._troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW}: there is no previous bundle that is whole")
            return None
        try:
            run = ShadowRun(self._live, run_bundle(path, num_threads=self._num_threads))
        except ActorRecError as error:
            self._troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW}: {error.in_full}")
            return None
        self._troubles.end(ABOUT_SHADOW)
        return run
