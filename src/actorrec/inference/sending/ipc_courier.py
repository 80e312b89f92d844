"""Messages to AWS IoT Core by way of the nucleus."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Self

from actorrec.inference.greengrass_ipc import GreengrassIpc
from actorrec.inference.ipc_answers import NeverTakenError, NotAllowedError
from actorrec.inference.sending.courier import Message, MessageRefusedError

_UNDER_WAY: Final = 16
_PATIENCE_S: Final = 600.0


class IotCoreCourier:
    """Takes messages to AWS IoT Core over a connection that somebody else opens and closes.

    The nucleus keeps what it took while the device is offline, as its own settings say.

    A topic that this component may not publish to is tried again, since a deployment can put that right; when it stays
    so for ten minutes, its messages are refused, so that those of other topics get their turn.

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
        try:
            taken = self._nucleus.publish_all([(each.topic, each.payload) for each in messages[:_UNDER_WAY]])
        except NeverTakenError as error:
            raise MessageRefusedError(error.in_full) from None
        except NotAllowedError as error:
            since_s = self._closed_since_s.setdefault(messages[0].topic, self._clock())
            if self._clock() - since_s < self._patience_s:
                raise
            raise MessageRefusedError(error.in_full) from None
        for each in messages[:taken]:
            self._closed_since_s.pop(each.topic, None)
        return taken
