"""Counts of a running loop. Their memory is bounded."""

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from actorrec.manifests.results import Timings

_LAST_PICTURES: Final = 512


@dataclass(slots=True)
class Health:
    """What has happened since the program started.

    Attributes:
        frames: Pictures that came up.
        unreadable: Those of them that could not be looked at.
        failures: Steps that failed for another reason than the picture.
        last_ms: Milliseconds of the last pictures.
    """

    frames: int = 0
    unreadable: int = 0
    failures: int = 0
    last_ms: deque[float] = field(default_factory=lambda: deque(maxlen=_LAST_PICTURES))

    def looked(self, timings: Timings) -> None:
        """A picture was looked at."""
        self.frames += 1
        self.last_ms.append(sum((timings.decode, timings.detect, timings.align, timings.embed, timings.match)))

    def could_not_read(self) -> None:
        """A picture could not be looked at."""
        self.frames += 1
        self.unreadable += 1

    def percentile_ms(self, percent: int) -> float | None:
        """Of the last pictures: the smallest time that so many percent of them did not exceed; None before the first.

        Args:
            percent: 1 to 100.
        """
        if not self.last_ms:
            return None
        ordered = sorted(self.last_ms)
        rank = -(-len(ordered) * percent // 100)  # nearest rank, rounded up
        return round(ordered[rank - 1], 3)

    @staticmethod
    def memory_bytes() -> int | None:
        """What the program holds in memory now; None where the system does not say."""
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError, ValueError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE")
