"""The nucleus of AWS IoT Greengrass as a program on the device reaches it: over a socket that its environment names."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self

from actorrec.errors import MissingExtraError, RemoteError
from actorrec.inference.ipc_answers import NeverTakenError, NotAllowedError, NotConnectedError, check_fits
from actorrec.inference.ipc_streams import CONFIGURATION, ConfigurationChanges, OpenStream, Stream, TopicMessages

_SOCKET: Final = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
_TOKEN: Final = "SVCUID"  # noqa: S105 — the name of the variable
_TIMEOUT_S: Final = 5.0
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_LET_GO_S: Final = 0.3


def under_nucleus(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a nucleus started this program and says how it can be reached."""
    return bool(environ.get(_SOCKET) and environ.get(_TOKEN))


class GreengrassIpc:
    """Publishes to AWS IoT Core and on the device, reads this component's configuration, and takes messages.

    Any thread may use it: a connection is shared, and nobody waits for another's answer. A connection that is lost is
    made again at the next call, but not at once: after a failure there is a pause that grows from one second to a
    minute, in which every call fails without being tried. What was subscribed to is subscribed to again with it.

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
        self._lock = threading.RLock()  # of all that follows
        self._client: Any = None
        self._wait_s = 0.0
        self._not_before_s = 0.0
        self._reason = ""
        self._streams: dict[str, OpenStream] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Returns soon, also while another thread waits for an answer that does not come."""
        if self._lock.acquire(timeout=_LET_GO_S):
            try:
                self._drop()
            finally:
                self._lock.release()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the nucleus, which hands it to AWS IoT Core at least once.

        Raises:
            RemoteError: If the nucleus did not take it.
        """
        (failure,) = self.publish_all([(topic, payload)])
        if failure is not None:
            raise failure

    def publish_all(self, messages: Sequence[tuple[str, bytes]], *, locally: bool = False) -> list[RemoteError | None]:
        """Hand several messages to the nucleus at once, which hands them to AWS IoT Core at least once.

        Args:
            messages: Topic and payload of each.
            locally: Hand them to other components of this device instead, and to what a bridge serves.

        Returns:
            For each None where the nucleus took it, else why not: ``NotAllowedError`` if this component may not publish
            to the topic, ``NeverTakenError`` if the message as it is will never be taken.
        """
        outcomes: list[RemoteError | None] = []
        under_way: list[tuple[Any, Any] | RemoteError] = []
        for topic, payload in messages:
            try:
                under_way.append(self._started(topic, payload, locally=locally))
            except RemoteError as error:
                under_way.append(error)
        for (topic, _), started in zip(messages, under_way, strict=True):
            doing = _publishing(topic, locally=locally)
            outcomes.append(started if isinstance(started, RemoteError) else self._outcome(doing, *started))
        return outcomes

    def _started(self, topic: str, payload: bytes, *, locally: bool) -> tuple[Any, Any]:
        from awsiot.greengrasscoreipc.model import QOS, BinaryMessage, PublishMessage

        check_fits(topic, payload)
        client = self._connected()
        with self._asking(_publishing(topic, locally=locally), client):
            if locally:
                message = PublishMessage(binary_message=BinaryMessage(message=payload))
                return client, client.publish_to_topic_async(topic=topic, publish_message=message)
            return client, client.publish_to_iot_core_async(topic_name=topic, qos=QOS.AT_LEAST_ONCE, payload=payload)

    def _outcome(self, doing: str, client: Any, answer: Any) -> RemoteError | None:
        if client is not self._client and not answer.done():
            return self._unconnected()  # it ended with the wait for an earlier answer
        try:
            self._answer(doing, client, answer)
        except RemoteError as error:
            return error
        return None

    def configuration(self) -> object:
        """The configuration of this component, as the nucleus holds it now.

        Raises:
            RemoteError: If the nucleus does not give it.
        """
        with self._lock:
            watch = self._streams.get(CONFIGURATION)
        if watch is not None:
            self._subscribe(watch.stream)  # before it is read: no change falls between
        # All of it at once: of a single key, one nucleus wraps the value and another one does not.
        answer = self._call("read the configuration", lambda client: client.get_configuration_async(key_path=[]))
        return answer.value

    def watch_configuration(self, on_change: Callable[[], None]) -> None:
        """Learn sooner than by asking when the configuration may have changed; asking now and then stays needed.

        A nucleus that does not tell such things is asked again when the configuration is read, quietly.

        Args:
            on_change: Called from another thread, first when the watch begins: it must return at once, and may not
                call this object.
        """
        self._subscribe(ConfigurationChanges(on_change))

    def subscribe_to_topic(self, topic: str, take: Callable[[str, bytes], None]) -> None:
        """Take messages that others on this device, or a bridge, publish; nothing happens where that is so already.

        It is remembered also where it fails, and tried again with the next connection; or by another call.

        Args:
            topic: Theirs.
            take: Called with topic and payload from another thread: it must return at once, may not raise, and may not
                call this object.

        Raises:
            NotAllowedError: If this component may not.
            RemoteError: If the nucleus did not answer, or not well.
        """
        if (failure := self._subscribe(TopicMessages(topic, take))) is not None:
            raise failure

    def unsubscribe_from_topic(self, topic: str) -> None:
        """Take no more messages of a topic."""
        with self._lock:
            if (stream := self._streams.pop(topic, None)) is not None:
                stream.close()

    def _subscribe(self, wanted: Stream) -> RemoteError | None:
        """Begin what does not go yet; why that failed."""
        with self._lock:
            stream = self._streams.get(wanted.name)
            if stream is not None and stream.going:
                return None
            stream = self._streams[wanted.name] = stream or OpenStream(wanted)
            before = self._client
            try:
                client = self._connected()
            except RemoteError as error:
                return error
            return self._open(stream, client) if client is before else stream.failure

    def _open(self, stream: OpenStream, client: Any) -> RemoteError | None:
        if stream.hopeless:
            return RemoteError(f"the nucleus does not let this component {stream.stream.doing}")
        try:
            with self._asking(stream.stream.doing, client):
                stream.start(client, self._timeout_s)
        except NotConnectedError as error:
            return error
        except RemoteError as error:
            stream.refused()
            return error
        return None

    def _call(self, doing: str, start: Callable[[Any], Any]) -> Any:
        client = self._connected()
        with self._asking(doing, client):
            answer = start(client)
        return self._answer(doing, client, answer)

    def _answer(self, doing: str, client: Any, answer: Any) -> Any:
        with self._asking(doing, client):
            given = answer.result(self._timeout_s)
        self._wait_s = 0.0
        return given

    @contextmanager
    def _asking(self, doing: str, client: Any) -> Iterator[None]:
        """What the package raises inside, in our own words."""
        from awscrt.exceptions import AwsCrtError
        from awsiot.greengrasscoreipc.model import GreengrassCoreIPCError, InvalidArgumentsError, UnauthorizedError

        try:
            yield
        except UnauthorizedError:
            hint = "the component's accessControl must name this operation and topic"
            raise NotAllowedError(f"the nucleus does not allow this component to {doing}", hint=hint) from None
        except InvalidArgumentsError:
            raise NeverTakenError(f"the nucleus refused to {doing}: it says that it is asked wrongly") from None
        except GreengrassCoreIPCError as error:
            raise RemoteError(f"the nucleus refused to {doing} ({type(error).__name__})") from None
        except (AwsCrtError, RuntimeError, OSError) as error:
            raise self._lost(client, error) from None

    def _connected(self) -> Any:
        with self._lock:
            if self._client is not None:
                return self._client
            if self._clock() < self._not_before_s:
                raise self._unconnected()
            client = self._client = self._connect()
            for stream in self._streams.values():
                stream.failure = self._open(stream, client)
            if self._client is not client:
                raise self._unconnected()
            return client

    def _connect(self) -> Any:
        from awscrt.exceptions import AwsCrtError
        from awsiot.greengrasscoreipc import connect
        from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2

        try:
            # Without an executor, messages are taken in their order, and one that floods waits at the socket.
            return GreengrassCoreIPCClientV2(client=connect(timeout=self._timeout_s), executor=None)
        except (AwsCrtError, RuntimeError, OSError, KeyError) as error:
            raise self._lost(None, error) from None

    def _lost(self, client: Any, error: Exception) -> NotConnectedError:
        """Let the connection go, and wait before the next; the error to raise."""
        with self._lock:
            if client is self._client:  # else another thread has seen the end of it already
                self._drop()
                if self._wait_s == 0:  # what each further try fails of is no news
                    self._reason = type(error).__name__
                self._wait_s = min(_LONGEST_WAIT_S, self._wait_s * 2 or _FIRST_WAIT_S)
                self._not_before_s = self._clock() + self._wait_s
            return self._unconnected()

    def _unconnected(self) -> NotConnectedError:
        return NotConnectedError(f"no connection to the nucleus ({self._reason})", hint="it is tried again and again")

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close(executor_wait=False)


def _publishing(topic: str, *, locally: bool) -> str:
    return f"publish to {topic} on the device" if locally else f"publish to {topic}"
