"""Messages to AWS IoT Core, and to the device's other components, by way of the nucleus."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Self

from actorrec.errors import RemoteError
from actorrec.inference.greengrass_ipc import GreengrassIpc
from actorrec.inference.ipc_answers import NeverTakenError, NotAllowedError
from actorrec.inference.sending.closed_topics import PATIENCE_S, ClosedTopics
from actorrec.inference.sending.courier import Message, MessageRefusedError

_UNDER_WAY: Final = 16


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
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._nucleus, self._closed = nucleus, ClosedTopics(patience_s=patience_s, gives_up_alone=True, clock=clock)

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
        if taken := self._closed.passed(messages):
            return taken
        sent = self._closed.open_ones(messages)[:_UNDER_WAY]
        outcomes = self._publish([(each.topic, each.payload) for each in sent])
        for each, failure in zip(sent, outcomes, strict=True):
            if failure is None:
                self._closed.took(each)
        if taken := self._closed.passed(messages):
            return taken
        assert outcomes[0] is not None
        raise self._failure(messages[0].topic, outcomes[0])

    def _publish(self, messages: Sequence[tuple[str, bytes]]) -> list[RemoteError | None]:
        return self._nucleus.publish_all(messages)

    def _failure(self, topic: str, failure: RemoteError) -> RemoteError | MessageRefusedError:
        """What the first message's failure means for it."""
        waits = not isinstance(failure, NotAllowedError) or self._closed.worth_waiting(topic)
        return failure if waits and not isinstance(failure, NeverTakenError) else MessageRefusedError(failure.in_full)


class LocalTopicsCourier(IotCoreCourier):
    """Likewise to other components of the device, and to what a bridge serves: client devices."""

    name = "topics of the device through the nucleus"

    def _publish(self, messages: Sequence[tuple[str, bytes]]) -> list[RemoteError | None]:
        return self._nucleus.publish_all(messages, locally=True)
