"""Proportions with their size and their uncertainty."""

import math

from actorrec.manifests.model import Rate

_Z_95 = 1.959963984540054  # the 97.5 % point of the standard normal distribution


def wilson_rate(successes: int, n: int) -> Rate:
    """A measured proportion with the 95 % Wilson score interval (Wilson, 1927), which stays in [0, 1] at any n.

    Args:
        successes: 0 to n.
        n: Trials; 0 gives the value 0 and the interval from 0 to 1.

    Raises:
        ValueError: If the counts contradict each other.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no proportion")
    if n == 0:
        return Rate(value=0.0, n=0, low=0.0, high=1.0)
    share, z2 = successes / n, _Z_95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z_95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Rate(value=share, n=n, low=max(0.0, middle - half), high=min(1.0, middle + half))
