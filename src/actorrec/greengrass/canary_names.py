"""What belongs to the canary of a thing group, and how it is called."""

import hashlib
from dataclasses import dataclass
from typing import Final, Self

PURPOSE_TAG: Final = "actorrec-purpose"
"""Of a deployment, what it is for: one of the purposes below."""
GROUP_TAG: Final = "actorrec-group"
"""Of a deployment that is part of a canary: the thing group that it is about."""
COMPARED_TAG: Final = "actorrec-compared"
"""Of a canary's deployment: SHA-256 of the bundle that the group runs; ``none`` where there is nothing to compare."""
TRIED_TAG: Final = "actorrec-tried"
"""Of a canary's deployment: SHA-256 of the bundle that is being tried; ``none`` where it is not known."""
NOTHING: Final = "none"

TRIAL: Final = "canary"
COPY: Final = "canary-copy"
"""What devices of a ring get first: what they have already."""
BACK: Final = "rollback"
_LONGEST: Final = 128


@dataclass(frozen=True, slots=True)
class CanaryNames:
    """Thing groups that belong to the canary of a group.

    Attributes:
        group: Whose canary it is.
        part: Target of subdeployments; its things are in ``group`` too.
        ring: Target of deployments of its own; its things are in no other of these but ``chosen``.
        chosen: The things that are meant to be in ``ring``, wherever they are at the moment. Nothing is ever deployed
            to it, so it changes nothing on a device: it is how a move that was cut short is known.
    """

    group: str
    part: str
    ring: str
    chosen: str

    @classmethod
    def of(cls, group: str) -> Self:
        """A group that was once a part of another must never be an ordinary target: each has a name of its own."""
        return cls(group, *(_named(group, suffix) for suffix in ("-canary", "-canary-ring", "-canary-chosen")))


def _named(group: str, suffix: str) -> str:
    if len(group) + len(suffix) <= _LONGEST:
        return group + suffix
    mark = hashlib.sha256(group.encode()).hexdigest()[:12]  # two long names may begin alike
    return f"{group[: _LONGEST - len(suffix) - len(mark) - 1]}-{mark}{suffix}"
