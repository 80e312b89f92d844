"""Topics that a place does not let this device publish to, while it takes others."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from actorrec.inference.sending.courier import Message

PATIENCE_S: Final = 600.0


class ClosedTopics:
    """Lets the messages of other topics go past those of a topic that is closed; for one thread.

    Args:
        patience_s: For how long a message waits for its topic to be opened: what is allowed can be put right.
        gives_up_alone: Whether it waits no longer than that where the place takes nothing else either.
        clock: Seconds that only ever grow.
    """

    def __init__(
        self,
        *,
        patience_s: float = PATIENCE_S,
        gives_up_alone: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience_s, self._gives_up_alone, self._clock = patience_s, gives_up_alone, clock
        self._since_s: dict[str, float] = {}  # by topic
        self._ahead: set[int] = set()  # taken, while one before them was not: they are not sent again
        self._taken_at_s: float | None = None

    def open_ones(self, messages: Sequence[Message]) -> list[Message]:
        """The first, and what can be tried beside it: nothing twice, and nothing else of topics that are closed."""
        self._ahead &= {each.number for each in messages}
        first, *others = messages
        found = [each for each in others if each.topic not in self._since_s and each.number not in self._ahead]
        return [first, *found]

    def took(self, message: Message) -> None:
        """The place has a message."""
        self._ahead.add(message.number)
        self._since_s.pop(message.topic, None)
        self._taken_at_s = self._clock()

    def passed(self, messages: Sequence[Message]) -> int:
        """How many of the first the place has; they are forgotten."""
        count = next((n for n, each in enumerate(messages) if each.number not in self._ahead), len(messages))
        self._ahead -= {each.number for each in messages[:count]}
        return count

    def worth_waiting(self, topic: str) -> bool:
        """Of a topic that the place does not allow: whether its messages wait."""
        now_s = self._clock()
        since_s = self._since_s.setdefault(topic, now_s)
        holds_up = self._gives_up_alone or (self._taken_at_s is not None and self._taken_at_s >= since_s)
        return now_s - since_s < self._patience_s or not holds_up
