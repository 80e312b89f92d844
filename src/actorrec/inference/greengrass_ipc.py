"""The nucleus of AWS IoT Greengrass as a program on the device reaches it: over a socket that its environment names."""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from actorrec.errors import MissingExtraError, RemoteError

_SOCKET: Final = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
_TOKEN: Final = "SVCUID"  # noqa: S105 — the name of the variable
_TIMEOUT_S: Final = 5.0
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0


def under_nucleus(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a nucleus started this program and says how it can be reached."""
    return bool(environ.get(_SOCKET) and environ.get(_TOKEN))


class GreengrassIpc:
    """Publishes to AWS IoT Core through the nucleus, and reads this component's configuration. For one thread.

    A connection that is lost is made again at the next call, but not at once: after a failure there is a pause that
    grows from one second to a minute, in which every call fails without being tried.

    Args:
        timeout_s: For connecting, and for an answer.
        clock: Seconds that only ever grow.

    Raises:
        MissingExtraError: If the package that speaks to the nucleus is not installed.
    """

    name = "AWS IoT Core through the nucleus"

    def __init__(self, *, timeout_s: float = _TIMEOUT_S, clock: Callable[[], float] = time.monotonic) -> None:
        try:
            import awsiot.greengrasscoreipc.clientv2  # noqa: F401 — found out now, not at the first event
        except ModuleNotFoundError:
            raise MissingExtraError("greengrass", "awsiotsdk") from None
        self._timeout_s, self._clock = timeout_s, clock
        self._client: Any = None
        self._wait_s = 0.0
        self._not_before_s = 0.0
        self._reason = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the nucleus, which hands it to AWS IoT Core at least once.

        Raises:
            RemoteError: If the nucleus did not take it.
        """
        from awsiot.greengrasscoreipc.model import QOS

        self._call(
            f"publish to {topic}",
            lambda client: client.publish_to_iot_core_async(topic_name=topic, qos=QOS.AT_LEAST_ONCE, payload=payload),
        )

    def publish_locally(self, topic: str, payload: bytes) -> None:
        """Hand a message to other components of this device, and to what a bridge serves.

        Raises:
            RemoteError: If the nucleus did not take it.
        """
        from awsiot.greengrasscoreipc.model import BinaryMessage, PublishMessage

        message = PublishMessage(binary_message=BinaryMessage(message=payload))
        self._call(
            f"publish to {topic} on the device",
            lambda client: client.publish_to_topic_async(topic=topic, publish_message=message),
        )

    def configuration(self) -> object:
        """The configuration of this component, as the nucleus holds it now.

        Raises:
            RemoteError: If the nucleus does not give it.
        """
        # All of it at once: of a single key, one nucleus wraps the value and another one does not.
        answer = self._call("read the configuration", lambda client: client.get_configuration_async(key_path=[]))
        return answer.value

    def _call(self, doing: str, start: Callable[[Any], Any]) -> Any:
        from awscrt.exceptions import AwsCrtError
        from awsiot.greengrasscoreipc.model import GreengrassCoreIPCError, UnauthorizedError

        client = self._connected()
        try:
            answer = start(client).result(self._timeout_s)
        except UnauthorizedError:
            hint = "the component's accessControl must name this operation and topic"
            raise RemoteError(f"the nucleus does not allow this component to {doing}", hint=hint) from None
        except GreengrassCoreIPCError as error:
            raise RemoteError(f"the nucleus refused to {doing} ({type(error).__name__})") from None
        except (AwsCrtError, RuntimeError, OSError) as error:
            raise self._lost(error) from None
        self._wait_s = 0.0
        return answer

    def _connected(self) -> Any:
        if self._client is not None:
            return self._client
        if self._clock() < self._not_before_s:
            raise self._unconnected()
        from awscrt.exceptions import AwsCrtError
        from awsiot.greengrasscoreipc import connect
        from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

        try:
            self._client = GreengrassCoreIPCClientV2(client=connect(timeout=self._timeout_s))
        except (AwsCrtError, RuntimeError, OSError, KeyError) as error:
            raise self._lost(error) from None
        return self._client

    def _lost(self, error: Exception) -> RemoteError:
        """Let the connection go, and wait before the next; the error to raise."""
        self._drop()
        self._wait_s = min(_LONGEST_WAIT_S, self._wait_s * 2 or _FIRST_WAIT_S)
        self._not_before_s = self._clock() + self._wait_s
        self._reason = type(error).__name__
        return self._unconnected()

    def _unconnected(self) -> RemoteError:
        return RemoteError(f"no connection to the nucleus ({self._reason})", hint="it is tried again and again")

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close(executor_wait=False)


class LocalTopics:
    """Hands messages to other components of the device, over a connection that somebody else opens and closes.

    Args:
        nucleus: That connection.
    """

    name = "topics of the device through the nucleus"

    def __init__(self, nucleus: GreengrassIpc) -> None:
        self._nucleus = nucleus

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand one message on.

        Raises:
            RemoteError: If the nucleus did not take it.
        """
        self._nucleus.publish_locally(topic, payload)
