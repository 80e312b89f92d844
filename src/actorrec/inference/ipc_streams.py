"""What a nucleus goes on telling: changes of the configuration, and messages of a topic."""

import json
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol

from actorrec.errors import RemoteError

CONFIGURATION: Final = ""
"""Name of the stream of configuration changes: no topic has it."""
_UNANSWERED: Final = 3
"""Connections that end while a stream begins, before the nucleus counts as one that does not know such streams."""


class Stream(Protocol):
    """Something that is asked for once, and then tells until its connection ends."""

    name: str
    doing: str
    """What is asked for, in words."""

    def begin(self, client: Any, over: Callable[[], None]) -> tuple[Any, Any]:
        """Ask for it.

        Args:
            client: A connection.
            over: To be called when the stream has ended.

        Returns:
            The future of the answer, and what closes the stream.
        """
        ...

    def began(self) -> None:
        """It goes now; something may have been missed before."""
        ...


class OpenStream:
    """One stream over the connections that come and go; its owner sees to it that one thread at a time calls it.

    Args:
        stream: What it is.

    Attributes:
        failure: Why it did not begin with the present connection; None where it did.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.failure: RemoteError | None = None
        self._operation: Any = None
        self._over = threading.Event()
        self._unanswered = 0

    @property
    def going(self) -> bool:
        """Whether it tells."""
        return self._operation is not None and not self._over.is_set()

    @property
    def hopeless(self) -> bool:
        """Whether asking for it ended one connection after the other."""
        return self._unanswered >= _UNANSWERED

    def start(self, client: Any, timeout_s: float) -> None:
        """Ask for it, and wait for the answer; what the package raises goes on to the caller."""
        self.close()
        self._over = over = threading.Event()  # the end of an earlier stream may be told later
        self._unanswered += 1
        answer, self._operation = self.stream.begin(client, over.set)
        answer.result(timeout_s)
        self._unanswered = 0
        self.stream.began()

    def refused(self) -> None:
        """The nucleus answered that it will not."""
        self._unanswered = 0
        self.close()

    def close(self) -> None:
        """Ask for it no more."""
        operation, self._operation = self._operation, None
        if operation is not None:
            operation.close()


class ConfigurationChanges:
    """Tells that the configuration may have changed.

    Args:
        on_change: Called from a thread of the connection.
    """

    name = CONFIGURATION
    doing = "learn of changes of the configuration"

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change

    def begin(self, client: Any, over: Callable[[], None]) -> tuple[Any, Any]:
        """Ask for all keys."""
        answer, operation = client.subscribe_to_configuration_update_async(
            key_path=[], on_stream_event=lambda _: self._on_change(), on_stream_error=_go_on, on_stream_closed=over
        )
        return answer, operation

    def began(self) -> None:
        """It may have changed while nobody was told."""
        self._on_change()


class TopicMessages:
    """Hands on the messages of a topic of the device.

    Args:
        topic: Theirs.
        take: Called from a thread of the connection.
    """

    def __init__(self, topic: str, take: Callable[[str, bytes], None]) -> None:
        self.name, self.doing, self._take = topic, f"take messages of {topic} on the device", take

    def begin(self, client: Any, over: Callable[[], None]) -> tuple[Any, Any]:
        """Ask for them."""
        answer, operation = client.subscribe_to_topic_async(
            topic=self.name, on_stream_event=self._take_one, on_stream_error=_go_on, on_stream_closed=over
        )
        return answer, operation

    def began(self) -> None:
        """Messages that were missed are gone."""

    def _take_one(self, event: Any) -> None:
        if event.binary_message is not None:
            self._take(self.name, event.binary_message.message or b"")
        elif event.json_message is not None:
            self._take(self.name, json.dumps(event.json_message.message).encode())


def _go_on(_: Exception) -> bool:
    """A message that cannot be read does not end the stream."""
    return False
