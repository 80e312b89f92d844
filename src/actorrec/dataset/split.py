"""A split that leaks nothing: what comes from one source lies on one side."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.dataset import Split


class Groups:
    """Union-find over rows: joined rows share a group.

    Args:
        count: How many rows there are.
    """

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def join(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Put both rows of each pair into one group."""
        for first, second in pairs:
            a, b = self.root(first), self.root(second)
            self._parent[max(a, b)] = min(a, b)

    def root(self, row: int) -> int:
        """The smallest row of a row's group."""
        while self._parent[row] != row:
            self._parent[row] = self._parent[self._parent[row]]
            row = self._parent[row]
        return row

    def roots(self) -> list[int]:
        """The group of every row."""
        return [self.root(row) for row in range(len(self._parent))]


def hash_neighbours(hashes: Sequence[int], mirrored: Sequence[int], max_bits: int) -> list[tuple[int, int]]:
    """Rows whose pictures' 64-bit hashes differ by at most ``max_bits``, also when one is mirrored."""
    plain, flipped = _signs(hashes), _signs(mirrored)
    least = 64 - 2 * max_bits  # of two vectors of ±1, the dot product is 64 minus twice the differing bits
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(plain), 512):
        near = (plain[start : start + 512] @ plain.T >= least) | (plain[start : start + 512] @ flipped.T >= least)
        firsts, seconds = np.nonzero(near)
        pairs += [(int(a) + start, int(b)) for a, b in zip(firsts, seconds, strict=True) if int(a) + start != int(b)]
    return pairs


def same_value(values: Sequence[str | None]) -> list[tuple[int, int]]:
    """Rows that share a value (a source page, say); None shares with nobody."""
    first: dict[str, int] = {}
    return [(first.setdefault(value, row), row) for row, value in enumerate(values) if value is not None]


def near_vectors(vectors: NDArray[np.float32], owners: Sequence[str], least: float) -> list[tuple[int, int]]:
    """Rows of one person whose embeddings have a cosine of at least ``least``."""
    pairs: list[tuple[int, int]] = []
    for person in sorted(set(owners)):
        rows = np.array([row for row, owner in enumerate(owners) if owner == person])
        firsts, seconds = np.nonzero(np.triu(vectors[rows] @ vectors[rows].T >= least, 1))
        pairs += [(int(rows[a]), int(rows[b])) for a, b in zip(firsts, seconds, strict=True)]
    return pairs


def split_groups(groups: Sequence[str], owners: Sequence[str], test_share: float, seed: int) -> list[Split]:
    """Choose whole groups for the test side, person by person.

    A group of several people (a photo of two of them) is learned from. So is everybody with fewer than three faces
    or a single group.

    Args:
        groups: Group of each face.
        owners: Person of each face.
        test_share: Share of each person's faces wanted on the test side.
        seed: Another seed chooses other groups.

    Returns:
        The side of each face.
    """
    people_of: dict[str, set[str]] = {}
    for group, owner in zip(groups, owners, strict=True):
        people_of.setdefault(group, set()).add(owner)
    chosen: set[str] = set()
    for person in sorted(set(owners)):
        sizes = Counter(group for group, owner in zip(groups, owners, strict=True) if owner == person)
        free = [group for group in sizes if people_of[group] == {person}]
        chosen |= _of_person(sizes, free, test_share, seed)
    return ["test" if group in chosen else "train" for group in groups]


def _of_person(sizes: Counter[str], free: list[str], test_share: float, seed: int) -> set[str]:
    faces = sum(sizes.values())
    if faces < 3 or len(sizes) < 2 or test_share == 0:
        return set()
    wanted = min(max(1, round(test_share * faces)), faces - 1)
    shuffled = sorted(free, key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
    chosen: set[str] = set()
    taken = 0
    for group in shuffled:
        if taken + sizes[group] <= wanted:
            chosen.add(group)
            taken += sizes[group]
    if not chosen and shuffled:
        smallest = min(shuffled, key=lambda group: (sizes[group], group))
        if sizes[smallest] <= faces / 2:
            chosen.add(smallest)
    return chosen


def _signs(hashes: Sequence[int]) -> NDArray[np.float32]:
    raw = np.frombuffer(b"".join(value.to_bytes(8, "big") for value in hashes), np.uint8).reshape(-1, 8)
    return np.unpackbits(raw, axis=1).astype(np.float32) * 2 - 1
