"""A bundle's file that is replaced while the bundle runs: noticed, copied, tried, loaded, and handed out when ready."""

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actorrec.errors import ActorRecError, ArtifactError
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.swap.arrival import Arrival
from actorrec.inference.swap.memory import available_bytes
from actorrec.inference.swap.staged import ChangedMeanwhileError, Signature, StagedFile, signature_of
from actorrec.inference.swap.tried import Trial, Verdict, one_line, try_bundle
from actorrec.recognition.known_answer import NET_FAILURES

TRIAL_S: Final = 300.0
"""Longest trial: it has a tenth of a core where frames take all, and nets may have 500 MB."""
_MOST_WAITING: Final = 16
_MOST_REFUSED: Final = 256
_END_S: Final = 1.0


class IncomingBundle:
    """Watches one path from a thread of its own; an ``Arrivals``.

    A file counts once it has been the same for one interval. Bytes that run already, or were refused already, are
    passed over in silence; of several files that come one after the other the newest counts.

    Args:
        path: Where the bundle lies. Links are followed.
        running_sha256: Of the bundle that runs.
        num_threads: As in ``load_recogniser``.
        staging: Folder for copies: what was tried is what runs, whatever happens to the path meanwhile.
        every_s: From one look at the path to the next.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        path: Path,
        running_sha256: str,
        *,
        num_threads: int,
        staging: Path,
        every_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._running = path, running_sha256
        self._num_threads, self._every_s, self._clock = num_threads, every_s, clock
        self._stop = threading.Event()
        self._file = StagedFile(path, staging, lambda: not self._stop.is_set())
        self._waiting: deque[Arrival] = deque(maxlen=_MOST_WAITING)
        self._refused: deque[str] = deque(maxlen=_MOST_REFUSED)
        self._done: Signature | None = None  # the last file that was dealt with
        self._seen: Signature | None = None
        self._look_at_s = 0.0
        self._in_order = False
        self._copies: list[Path] = []
        self._thread = threading.Thread(target=self._watch, name="incoming-bundle", daemon=True)
        self._thread.start()

    def poll(self) -> Arrival | None:
        """What has come since the last call, the oldest first; never waits."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    @property
    def in_order(self) -> bool:
        """Whether what lies there runs: false from a refusal on, until what runs is put back or another is taken."""
        return self._in_order

    def close(self) -> None:
        """End the trial and the thread; a bundle that is being loaded just now is not waited for."""
        self._stop.set()
        self._thread.join(_END_S)

    def _watch(self) -> None:
        self._file.forget_all_but()
        while not self._stop.is_set():
            fresh = self._settled()
            if fresh is not None:
                self._take(fresh)
            self._stop.wait(self._every_s)

    def _settled(self) -> Signature | None:
        """What lies there, if it is new and has been the same for one interval."""
        before, self._seen = self._seen, signature_of(self._path)
        return self._seen if self._seen == before and self._seen != self._done else None

    def _take(self, fresh: Signature) -> None:
        sha256: str | None = None
        try:
            sha256 = self._file.digest(fresh)
            if self._known(sha256):
                self._done, self._in_order = fresh, sha256 == self._running
                return
            copy, sha256 = self._file.copy(fresh)
            self._done = fresh
            self._try(copy, sha256)
        except ChangedMeanwhileError:
            return
        except (ArtifactError, OSError) as error:  # of this machine, not of these bytes: they get another chance
            self._done = fresh
            said = error.in_full if isinstance(error, ArtifactError) else f"it cannot be tried: {error}"
            self._in_order = False
            self._waiting.append(Arrival(None, sha256, one_line(said)))

    def _known(self, sha256: str) -> bool:
        return sha256 == self._running or sha256 in self._refused

    def _try(self, copy: Path, sha256: str) -> None:
        self._look_at_s = self._clock() + self._every_s
        trial = Trial(copy, str(self._path), self._num_threads, TRIAL_S)
        verdict = try_bundle(trial, lambda: self._wanted(sha256), self._clock)
        if verdict is None:
            copy.unlink(missing_ok=True)
        elif verdict.reason:
            self._refuse(copy, sha256, verdict.reason)
        else:
            self._load(copy, sha256, verdict)

    def _wanted(self, sha256: str) -> bool:
        """Whether a trial is to go on: not once the program ends, or once other bytes have settled at the path."""
        if self._stop.is_set():
            return False
        if self._clock() < self._look_at_s:
            return True
        self._look_at_s = self._clock() + self._every_s
        fresh = self._settled()
        if fresh is None:
            return True
        try:
            same = self._file.digest(fresh) == sha256
        except ChangedMeanwhileError:
            return True
        except ArtifactError:
            return False
        if same:
            self._done = fresh
        return same

    def _load(self, copy: Path, sha256: str, verdict: Verdict) -> None:
        free_bytes = available_bytes()
        if free_bytes is not None and verdict.needs_bytes > free_bytes:
            copy.unlink(missing_ok=True)
            needs, free = verdict.needs_bytes >> 20, free_bytes >> 20
            raise ArtifactError(f"it needs {needs:,} MiB of memory beside the one that runs, {free:,} MiB are free")
        import cv2

        try:
            loaded = run_bundle(copy, name=str(self._path), num_threads=self._num_threads, tried=True)
        except (ActorRecError, MemoryError, OSError, *NET_FAILURES, cv2.error) as error:
            said = error.in_full if isinstance(error, ActorRecError) else f"{type(error).__name__}: {error}"
            self._refuse(copy, sha256, said)
            return
        self._hand_out(loaded)

    def _hand_out(self, loaded: RunningBundle) -> None:
        self._running, self._in_order = loaded.model.bundle, True
        self._waiting.append(Arrival(loaded, loaded.model.bundle))
        self._copies = [*self._copies[-1:], loaded.path]
        self._file.forget_all_but(*self._copies)

    def _refuse(self, copy: Path, sha256: str, reason: str) -> None:
        self._in_order = False
        self._refused.append(sha256)
        copy.unlink(missing_ok=True)
        self._waiting.append(Arrival(None, sha256, one_line(reason)))
