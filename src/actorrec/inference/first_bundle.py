"""The bundle to start with: the one that is named, or the last good one where that one cannot run."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actorrec.artifacts.digest import file_sha256
from actorrec.errors import ActorRecError, ModelContractError
from actorrec.inference.bundle_shelf import BundleShelf
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.swap.incoming import TRIAL_S
from actorrec.inference.swap.tried import Trial, try_bundle
from actorrec.inference.troubles import Troubles

ABOUT_BUNDLE: Final = "the bundle"
"""What troubles of a bundle that cannot run are about; they end when another one is taken."""


def first_bundle(
    path: Path,
    shelf: BundleShelf | None,
    *,
    troubles: Troubles,
    name: str = "",
    num_threads: int = 0,
    go_on: Callable[[], bool] = lambda: True,
) -> RunningBundle:
    """Open the bundle to start with.

    One that never proved good on this device is tried in a process of its own first: a net that crashes the runtime
    would otherwise do so at every start.

    Args:
        path: ``bundle.zip``.
        shelf: Where the last good ones are; None where there is none.
        troubles: Told where the last good one runs instead.
        name: What to call it in errors; the path by default.
        num_threads: As in ``load_recogniser``.
        go_on: Asked while it is tried; once it says no, the trial ends.

    Raises:
        ArtifactError: If it cannot be read, and there is no last good one; likewise the others.
        ModelContractError: If it is damaged, cannot be run, or does not pass the self-test.
        MissingExtraError: If a runtime that it needs is not installed.
    """
    if shelf is None:
        return run_bundle(path, name=name, num_threads=num_threads, tried=True)
    sha256 = _digest(path)
    last = shelf.other_than(sha256)
    try:
        if last is not None:
            _try_apart(Trial(path, name or str(path), num_threads, TRIAL_S), go_on)
        return run_bundle(path, name=name, num_threads=num_threads, tried=True)
    except ActorRecError as error:
        if last is None:
            raise
        running = run_bundle(last, num_threads=num_threads, tried=True)
        troubles.begin(ABOUT_BUNDLE, f"{ABOUT_BUNDLE}: {error.in_full}; the last good one runs")
        return running


def _digest(path: Path) -> str:
    """Empty where there is no file to read."""
    try:
        return file_sha256(path) if path.is_file() else ""
    except OSError:
        return ""


def _try_apart(trial: Trial, go_on: Callable[[], bool]) -> None:
    try:
        verdict = try_bundle(trial, go_on, time.monotonic)
    except OSError:
        return  # no process can be had: it is tried in this one alone
    if verdict is None:
        raise ModelContractError("its trial was ended")
    if verdict.reason:
        raise ModelContractError(verdict.reason)
