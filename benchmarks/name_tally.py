"""What was said of each face of a film of known truth, frame by frame, and what that comes to."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from actorrec.types import BoundingBox
from actorrec.vision.boxes import overlaps
from composed_stream import FPS, Appearance, Truth

UNDECIDED = "not decided yet"
_MATCH_IOU = 0.3

Said = str | None
"""A person's id, None for unknown, or ``UNDECIDED``."""


@dataclass(slots=True)
class Record:
    """What was said of one appearance, by frame; None of the frames in which its face was not found."""

    person_id: str | None
    said: list[tuple[float, Said] | None] = field(default_factory=list)

    @property
    def answers(self) -> list[Said]:
        """What stood as an answer in each frame from the first answer on; taken back counts as unknown."""
        found = [each[1] for each in self.said if each is not None]
        first = next((index for index, each in enumerate(found) if each != UNDECIDED), len(found))
        return [None if each == UNDECIDED else each for each in found[first:]]

    @property
    def changes(self) -> int:
        """How often the answer changed."""
        answers = self.answers
        return sum(before != after for before, after in pairwise(answers))

    @property
    def first_answers(self) -> int:
        """1 where an answer followed frames without one."""
        found = [each[1] for each in self.said if each is not None]
        return int(bool(found) and found[0] == UNDECIDED and any(each != UNDECIDED for each in found))

    @property
    def longest_wrong_s(self) -> float:
        """The longest time that it was called by a name not its own; frames without the face do not end it."""
        longest = run = 0
        for each in self.said:
            if each is not None:
                run = run + 1 if each[1] not in (None, UNDECIDED, self.person_id) else 0
            elif run:
                run += 1
            longest = max(longest, run)
        return longest / FPS

    @property
    def named_after_s(self) -> float | None:
        """Time until its own name was said first."""
        return next((each[0] for each in self.said if each is not None and each[1] == self.person_id), None)

    @property
    def named_share(self) -> float:
        """Part of its frames with its own name."""
        return sum(each is not None and each[1] == self.person_id for each in self.said) / max(len(self.said), 1)


class Tally:
    """Everything that one way of naming said about one film."""

    def __init__(self, appearances: Sequence[Appearance]) -> None:
        self.records = [Record(each.person_id) for each in appearances]
        self._starts = [each.start_s for each in appearances]
        self.names_of_nothing = 0

    def frame(self, time_s: float, truth: Sequence[Truth], said: Sequence[tuple[BoundingBox, Said]]) -> None:
        """Take in what was said of a frame."""
        shares = overlaps(_rows(each.box for each in truth), _rows(box for box, _ in said))
        free = set(range(len(said)))
        for row, each in enumerate(truth):
            best = max(free, key=lambda column: shares[row, column], default=None)
            hit = best is not None and shares[row, best] >= _MATCH_IOU
            after_s = time_s - self._starts[each.appearance]
            self.records[each.appearance].said.append((after_s, said[best][1]) if hit and best is not None else None)
            if hit:
                free.discard(best)  # type: ignore[arg-type]
        self.names_of_nothing += sum(said[column][1] not in (None, UNDECIDED) for column in free)

    @property
    def known(self) -> list[Record]:
        return [each for each in self.records if each.person_id is not None]

    @property
    def strangers(self) -> list[Record]:
        return [each for each in self.records if each.person_id is None]

    @property
    def minutes(self) -> float:
        """How long faces were in view, all together."""
        return sum(len(each.said) for each in self.records) / FPS / 60

    @property
    def changes(self) -> int:
        """Changes of name on all faces."""
        return sum(each.changes for each in self.records)

    @property
    def median_wait_s(self) -> float:
        """Until known people had their name first; of those who got it."""
        waits = [each.named_after_s for each in self.known if each.named_after_s is not None]
        return statistics.median(waits) if waits else float("inf")


def _rows(boxes: Iterable[BoundingBox]) -> np.ndarray:
    return np.array([(box.x1, box.y1, box.x2, box.y2) for box in boxes], np.float32).reshape(-1, 4)
