"""Frames that come too seldom for anybody to be named."""

from typing import Final

from actorrec.inference.troubles import Troubles
from actorrec.sections import TrackingSection

ABOUT: Final = "the camera's pace"
_GAP_S: Final = 2.0  # as of those who follow faces: whoever stands there after a longer one may be somebody else
_MOST_GAPS: Final = 3  # one or two are a camera that was lost


class SparseFrames:
    """Tells of a camera whose frames lie so far apart that several looks at one face never come together.

    Args:
        troubles: Told when it begins and when it ends.
    """

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._before_s: float | None = None
        self._gaps = 0

    def came(self, time_s: float, settings: TrackingSection) -> None:
        """A frame came.

        Args:
            time_s: Its time.
            settings: How many looks a name takes, and for how long they count together.
        """
        before_s, self._before_s = self._before_s, time_s
        longest_s = max(_GAP_S, settings.forget_s)
        wide = before_s is not None and time_s - before_s > longest_s and settings.decide_looks > 1
        self._gaps = self._gaps + 1 if wide else 0
        if self._gaps >= _MOST_GAPS:
            said = f"frames come more than {longest_s:g} s apart, so that nobody gets a name"
            self._troubles.begin(ABOUT, f"{ABOUT}: {said} (raise tracking.forget_s, or set tracking.decide_looks to 1)")
        elif not wide:
            self._troubles.end(ABOUT)

    def close(self) -> None:
        """No more come."""
        self._troubles.drop(ABOUT)
