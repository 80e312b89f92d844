"""Where messages wait while the disk takes none."""

from collections import deque
from typing import Final

from actorrec.inference.sending.courier import Message

FIRST_NUMBER: Final = 2**62
"""Numbers on disk stay below it, so that one is never taken for the other."""


class MemoryQueue:
    """A bounded queue that ends with the program.

    Args:
        max_messages: The oldest give way to more.
        max_bytes: Of topics and payloads together; likewise.

    Attributes:
        dropped: Messages that gave way.
    """

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._messages: deque[Message] = deque()
        self._size_bytes = 0
        self._next = FIRST_NUMBER
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def messages(self) -> list[tuple[str, bytes]]:
        """Topic and payload of all, the oldest first."""
        return [(message.topic, message.payload) for message in self._messages]

    def add(self, topic: str, payload: bytes) -> None:
        """Take one message."""
        self._messages.append(Message(self._next, topic, payload))
        self._next += 1
        self._size_bytes += _size_bytes(self._messages[-1])
        while len(self._messages) > self._max_messages or self._size_bytes > self._max_bytes:
            self._pop()
            self.dropped += 1

    def head(self, limit: int) -> list[Message]:
        """The oldest messages."""
        return [self._messages[index] for index in range(min(limit, len(self._messages)))]

    def done(self, number: int) -> int:
        """Everything up to a number is over; how many that were."""
        count = 0
        while self._messages and self._messages[0].number <= number:
            self._pop()
            count += 1
        return count

    def clear(self) -> None:
        """The messages have gone to the disk."""
        self._messages.clear()
        self._size_bytes = 0
        self.dropped = 0

    def _pop(self) -> None:
        self._size_bytes -= _size_bytes(self._messages.popleft())


def _size_bytes(message: Message) -> int:
    return len(message.topic) + len(message.payload) + 200  # of objects around them
