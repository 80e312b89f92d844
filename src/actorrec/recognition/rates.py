"""Measured proportions with their uncertainty."""

import math

from actorrec.manifests.model import Rate

_Z_95 = 1.959964  # the standard normal's 97.5 % point: 95 % lie between −z and z


def rate_of(hits: int, n: int) -> Rate:
    """A proportion with its Wilson score interval (Wilson, 1927), which stays inside [0, 1] and is honest near both.

    Args:
        hits: How many of ``n``; 0 ≤ hits ≤ n.
        n: How many there were; 0 gives value 0 and the interval [0, 1].

    Raises:
        ValueError: If ``hits`` is not between 0 and ``n``.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no proportion")
    if n == 0:
        return Rate(value=0.0, n=0, low=0.0, high=1.0)
    share, squared = hits / n, _Z_95**2
    middle = (share + squared / (2 * n)) / (1 + squared / n)
    half = _Z_95 * math.sqrt(share * (1 - share) / n + squared / (4 * n * n)) / (1 + squared / n)
    # Where hits is 0 or n the ends are exactly 0 and 1; rounding must not move them inside.
    return Rate(
        value=share,
        n=n,
        low=0.0 if hits == 0 else max(0.0, middle - half),
        high=1.0 if hits == n else min(1.0, middle + half),
    )
