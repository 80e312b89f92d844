"""What goes wrong on the big site: decided for every address by its hash, so that a test knows what must come of it."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal[
    "whole",
    "busy",  # 429 with Retry-After at the first request
    "failing",  # 503 at the first request
    "cut",  # a whole answer that holds half a picture
    "broken-off",  # the connection ends before the announced length
    "html",  # a page called .jpg
    "private",  # a redirect to an address that is not public
    "copy",  # the bytes of an earlier picture
    "resized",  # an earlier picture, smaller and saved again
    "forbidden",  # below a path that robots.txt forbids
    "gone",  # 404
]

PER_THOUSAND: dict[Kind, int] = {
    "busy": 20,
    "failing": 20,
    "cut": 5,
    "broken-off": 5,
    "html": 10,
    "private": 10,
    "copy": 15,
    "resized": 15,
    "forbidden": 10,
    "gone": 5,
}
"""The shares that the project promises to stand."""

REASONS: dict[Kind, str] = {
    "cut": "truncated",
    "broken-off": "truncated",
    "html": "not-a-picture",
    "private": "private-address",
    "copy": "duplicate",
    "resized": "near-duplicate",
    "forbidden": "robots-disallowed",
    "gone": "http-404",
}
"""Under which name ``scrape`` must count each; the others must succeed in the end."""


@dataclass(frozen=True)
class Plan:
    """The whole site.

    Attributes:
        people: How many.
        wanted: How many good pictures of each are to be had, and then some.
        fault_factor: How often faults happen, as a multiple of ``PER_THOUSAND``.
    """

    people: int
    wanted: int
    fault_factor: float = 1.0
    seed: int = 0

    @cached_property
    def offered(self) -> int:
        """How many candidates there are of each person."""
        lost = sum(PER_THOUSAND[kind] for kind in REASONS) * self.fault_factor / 1000
        return int(self.wanted * (1 + 1.5 * lost)) + 8

    def kind(self, person: int, index: int) -> Kind:
        """What happens to a candidate."""
        digest = hashlib.sha256(f"{self.seed}/{person}/{index}".encode()).digest()
        dice = int.from_bytes(digest[:4], "big") / 2**32 * 1000
        for kind, share in PER_THOUSAND.items():
            dice -= share * self.fault_factor
            if dice < 0:
                return "whole" if kind in ("copy", "resized") and self._earlier(person, index) is None else kind
        return "whole"

    def original(self, person: int, index: int) -> int:
        """Of what a ``copy`` or ``resized`` one is a copy."""
        earlier = self._earlier(person, index)
        assert earlier is not None
        return earlier

    def path(self, person: int, index: int) -> str:
        """Address of a candidate on the site."""
        folder = "private" if self.kind(person, index) == "forbidden" else "pictures"
        return f"/{folder}/{person:03d}/{index:04d}.{'png' if index % 20 == 7 else 'jpg'}"

    def expected(self, person: int) -> Counter[str]:
        """What must be counted until there are enough, by reason; the good ones under the empty name."""
        counted: Counter[str] = Counter()
        for index in range(self.offered):
            if counted[""] == self.wanted:
                break
            counted[REASONS.get(self.kind(person, index), "")] += 1
        return counted

    def _earlier(self, person: int, index: int) -> int | None:
        """The last picture before this one that needs no luck to be there."""
        good = ("whole", "busy", "failing")
        return next((i for i in range(index - 1, -1, -1) if self.kind(person, i) in good), None)
