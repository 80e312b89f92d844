"""What several looks at one face say together."""

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

_RECENT: Final = 3
_MEMORY: Final = 60.0  # looks of full weight after which older ones fade: a face that stays for hours may age in light


class Evidence:
    """The looks at one track; bounded memory: one sum and the last three looks.

    Attributes:
        looks: How many there were.
        span_s: From the first to the last.
        last_s: When the last one was, on the watcher's clock; −inf before the first.
    """

    def __init__(self) -> None:
        self.looks, self.span_s = 0, 0.0
        self.last_s = float("-inf")
        self._sum: NDArray[np.float64] | None = None
        self._weight = 0.0
        self._recent: deque[tuple[NDArray[np.float32], float]] = deque(maxlen=_RECENT)

    def add(self, embedding: NDArray[np.float32], weight: float, time_s: float) -> None:
        """Take a look in.

        Args:
            embedding: Shape (D,), float32, unit length.
            weight: How much the look counts, in (0, 1].
            time_s: When, on the watcher's clock.

        Raises:
            ValueError: If the weight is not in (0, 1], or the embedding is not a finite unit vector.
        """
        if not 0 < weight <= 1:
            raise ValueError(f"a look's weight lies in (0, 1], not {weight}")
        if embedding.ndim != 1 or not abs(float(np.linalg.norm(embedding)) - 1) < 1e-3:  # false for NaN too
            raise ValueError("a look is a finite vector of unit length")
        vector = np.array(embedding, np.float32)
        scaled = vector.astype(np.float64) * weight
        fade = min(1.0, (_MEMORY - weight) / self._weight) if self._weight else 1.0
        self._sum = scaled if self._sum is None else self._sum * fade + scaled
        self._weight = self._weight * fade + weight
        self._recent.append((vector, weight))
        self.span_s += max(0.0, time_s - self.last_s) if self.looks else 0.0
        self.looks += 1
        self.last_s = time_s

    @property
    def mean(self) -> NDArray[np.float32]:
        """The weighted mean of the looks, shape (D,), float32, unit length.

        Raises:
            ValueError: If there was no look.
        """
        if self._sum is None:
            raise ValueError("no look has been taken in")
        return _unit(self._sum)

    @property
    def recent(self) -> NDArray[np.float32]:
        """The weighted mean of the last three looks, shape (D,), float32, unit length.

        Raises:
            ValueError: If there was no look.
        """
        if not self._recent:
            raise ValueError("no look has been taken in")
        return _unit(np.sum([vector.astype(np.float64) * weight for vector, weight in self._recent], axis=0))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
