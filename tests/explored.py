"""How many examples hypothesis tries: the same ones each time, or many times as many new ones (`make soak`)."""

import os
from typing import Final

EXPLORE: Final = int(os.environ.get("EXPLORE") or 0)
"""How many times as many as usual; 0 for the usual ones, the same in each run."""


def examples(usual: int = 100) -> int:
    """How many to try where so many are usual."""
    return usual * max(1, EXPLORE)
