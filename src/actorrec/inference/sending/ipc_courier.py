"""Messages to AWS IoT Core by way of the nucleus."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Self

from actorrec.errors import RemoteError
from actorrec.inference.greengrass_ipc import GreengrassIpc
from actorrec.inference.ipc_answers import NeverTakenError, NotAllowedError
from actorrec.inference.sending.courier import Message, MessageRefusedError

_UNDER_WAY: Final = 16
_PATIENCE_S: Final = 600.0


class IotCoreCourier:
    """Takes messages to AWS IoT Core over a connection that somebody else opens and closes.

    The nucleus keeps what it took while the device is offline, as its own settings say.

    A topic that this component may not publish to is tried again, since a deployment can put that right, and what other
    topics have among the messages at hand goes on. When it stays so for ten minutes, its messages are refused.

    Args:
        nucleus: That connection.
        patience_s: For how long a message waits for the right to be published.
        clock: Seconds that only ever grow.
    """

    name = GreengrassIpc.name

    def __init__(
        self,
        nucleus: GreengrassIpc,
        *,
        patience_s: float = _PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nucleus, self._patience_s, self._clock = nucleus, patience_s, clock
        self._closed_since_s: dict[str, float] = {}  # by topic
        self._ahead: set[int] = set()  # taken, while one before them was not: they are not sent again

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def deliver(self, messages: Sequence[Message]) -> int:
        """Take messages there in their order; how many of the first the nucleus took.

        Raises:
            RemoteError: If it took none.
            MessageRefusedError: If it will never take the first.
        """
        self._ahead &= {each.number for each in messages}
        sent = self._next(messages)
        outcomes = self._nucleus.publish_all([(each.topic, each.payload) for each in sent])
        for each, failure in zip(sent, outcomes, strict=True):
            if failure is None:
                self._ahead.add(each.number)
                self._closed_since_s.pop(each.topic, None)
        taken = next((n for n, each in enumerate(messages) if each.number not in self._ahead), len(messages))
        if taken:
            self._ahead -= {each.number for each in messages[:taken]}
            return taken
        assert outcomes[0] is not None
        raise self._failure(messages[0].topic, outcomes[0])

    def _next(self, messages: Sequence[Message]) -> list[Message]:
        """The first, and what can be tried beside it: nothing twice, and nothing else of topics that are closed."""
        first, *others = messages
        open_ones = [each for each in others if each.topic not in self._closed_since_s]
        return [each for each in (first, *open_ones) if each.number not in self._ahead][:_UNDER_WAY]

    def _failure(self, topic: str, failure: RemoteError) -> RemoteError | MessageRefusedError:
        """What the first message's failure means for it."""
        if isinstance(failure, NotAllowedError):
            since_s = self._closed_since_s.setdefault(topic, self._clock())
            if self._clock() - since_s < self._patience_s:
                return failure
        return (
            MessageRefusedError(failure.in_full) if isinstance(failure, NotAllowedError | NeverTakenError) else failure
        )
