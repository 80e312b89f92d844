"""A file of settings that is changed while the loop runs: checked first, then taken, or told and left."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.inference.settings_file import check_settings_file
from actorrec.inference.swap.staged import Signature, signature_of
from actorrec.inference.troubles import Troubles

LIVE: Final = frozenset(
    {
        "tracking.*",
        "camera.fps",
        "events.heartbeat_s",
        "events.max_per_s",
        "greengrass.inference_interval_s",
        "greengrass.health_s",
    }
)
"""Settings that a loop takes while it runs; the others wait for a restart."""
NOT_OF_THE_LOOP: Final = frozenset(
    {
        "aws", "calibration", "dataset", "edge", "embedder", "fetch", "models", "remote", "review", "rights", "scrape",
        "sources", "training",
    }
)  # fmt: skip
"""Sections that a loop does not read: a restart would change nothing."""
_ABOUT_FILE: Final = "the configuration file"
_ABOUT_RESTART: Final = "settings that wait for a restart"
_MOST_NAMED: Final = 5
# What parsing and validating raise on texts that they were not made for, besides an error that names the setting.
_UNREADABLE: Final = (
    ConfigError,
    ArithmeticError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


class LiveSettings:
    """Watches a file of settings; for one thread.

    The file is read and checked in a thread of its own once it has been the same for one interval. What is wrong in it
    is told, and changes nothing.

    Args:
        load: Merges it with the environment and the flags, as at the start.
        path: The file; None where there is none, and nothing ever changes.
        first: What holds.
        troubles: Told of what is wrong, and of what waits for a restart.
        every_s: From one look at the file to the next.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        path: Path | None,
        first: Config,
        *,
        troubles: Troubles,
        every_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load, self._path, self._holds, self._troubles = load, path, first, troubles
        self._every_s, self._clock = every_s, clock
        self._look_at_s = clock()
        self._seen: Signature | None = None
        self._done: Signature | None = None
        self._reading: threading.Thread | None = None
        self._read: Config | ConfigError | None = None

    def poll(self) -> Config | None:
        """What holds from now on, where the file was changed and something in it can be taken; never waits.

        Settings that are not ``LIVE`` are in it as they were at the start.
        """
        if self._path is None or self.reading:
            return None
        if self._reading is not None:
            self._reading = None
            return self._taken()
        if self._clock() >= self._look_at_s:
            self._look_at_s = self._clock() + self._every_s
            self._look(self._path)
        return None

    @property
    def reading(self) -> bool:
        """Whether the file is being read just now."""
        return self._reading is not None and self._reading.is_alive()

    def _look(self, path: Path) -> None:
        before, self._seen = self._seen, signature_of(path)
        if self._seen is None:
            self._troubles.begin(_ABOUT_FILE, f"{_ABOUT_FILE}: there is no {path} any more; what it said goes on")
            self._done = None
        elif self._seen == before and self._seen != self._done:
            self._done = self._seen
            self._reading = threading.Thread(target=self._try, args=(path,), name="live-settings", daemon=True)
            self._reading.start()

    def _try(self, path: Path) -> None:
        try:
            check_settings_file(path)
            self._read = self._load()
        except _UNREADABLE as error:
            said = error if isinstance(error, ConfigError) else ConfigError(f"{type(error).__name__}: {error}")
            self._read = said

    def _taken(self) -> Config | None:
        if not isinstance(self._read, Config):
            said = "it could not be read" if self._read is None else self._read.in_full
            self._troubles.begin(_ABOUT_FILE, f"{_ABOUT_FILE}: {said}; nothing is changed")
            return None
        self._troubles.end(_ABOUT_FILE)
        taken, waiting = with_live_changes(self._holds, self._read)
        if waiting:
            more = f" and {len(waiting) - _MOST_NAMED} more" if len(waiting) > _MOST_NAMED else ""
            named = ", ".join(waiting[:_MOST_NAMED])
            self._troubles.begin(_ABOUT_RESTART, f"{_ABOUT_RESTART}: {named}{more}")
        else:
            self._troubles.end(_ABOUT_RESTART)
        if taken == self._holds:
            return None
        self._holds = taken
        return taken


def with_live_changes(holds: Config, wanted: Config) -> tuple[Config, list[str]]:
    """What holds after a change, and what of it waits for a restart.

    Args:
        holds: What holds.
        wanted: What is to hold.

    Returns:
        ``holds`` with those changes that are ``LIVE``; the names of the other settings that differ and are of the loop.
    """
    changes: dict[str, dict[str, object]] = {}
    waiting: list[str] = []
    for section, key in _differing(holds, wanted):
        if f"{section}.*" in LIVE or f"{section}.{key}" in LIVE:
            changes.setdefault(section, {})[key] = getattr(getattr(wanted, section), key)
        elif section not in NOT_OF_THE_LOOP:
            waiting.append(f"{section}.{key}")
    update = {section: getattr(holds, section).model_copy(update=values) for section, values in changes.items()}
    return holds.model_copy(update=update), waiting


def _differing(holds: Config, wanted: Config) -> Iterator[tuple[str, str]]:
    for section in type(holds).model_fields:
        here, there = getattr(holds, section), getattr(wanted, section)
        for key in type(here).model_fields:
            if getattr(here, key) != getattr(there, key):
                yield section, key
