"""A nucleus of Greengrass as a component sees it: the event stream protocol over a socket of the file system.

Answers GetConfiguration, PublishToIoTCore and PublishToTopic, and keeps the streams of SubscribeToConfigurationUpdate
and SubscribeToTopic, as the SDK on the other side of a real socket needs them. What is published is kept; what is
refused, and how, the test says.
"""

import base64
import json
import socket
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest

from patience import PATIENCE_S, eventually

MESSAGE, ERROR, CONNECT, CONNECT_ACK = 0, 1, 4, 5
ACCEPTED, TERMINATE = 1, 2
_INT32, _STRING = 4, 7
_ACCEPT = {":message-type": CONNECT_ACK, ":message-flags": ACCEPTED, ":stream-id": 0}
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 5: 8, 8: 8, 9: 16}


class NucleusServer:
    """Listens while it is used as a context manager; may be started again at the same place.

    Args:
        path: Of the socket.
        configuration: What GetConfiguration answers; a test may change it.

    Attributes:
        published: Topic and payload of each message taken for IoT Core.
        local: Likewise, for the device itself.
        allowed: Topics that may be published to, and taken; None for all.
        unknown: Operations that it does not know, without ``aws.greengrass#``: it says what nucleus lite says.
        deaf_to: Operations at which it ends the connection.
        subscribed: What is subscribed to: the topic, or "" for the configuration, with connection and stream.
        failing: Whether every operation is answered with a ServiceError.
        silent: Whether operations are never answered.
        invalid: Payloads that are no valid arguments.
        connections: How many were accepted.
    """

    def __init__(self, path: Path, configuration: Mapping[str, Any]) -> None:
        self.path, self.configuration = path, dict(configuration)
        self.published: list[tuple[str, bytes]] = []
        self.local: list[tuple[str, bytes]] = []
        self.allowed: set[str] | None = None
        self.failing = self.silent = False
        self.unknown: set[str] = set()
        self.deaf_to: set[str] = set()
        self.invalid: set[bytes] = set()
        self.subscribed: list[tuple[str, socket.socket, int]] = []
        self.connections = 0
        self._sending = threading.Lock()
        self._open: list[socket.socket] = []
        self._serving: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        """No thread of it goes on: one would read from whatever has the number of its closed socket next."""
        self.path.unlink(missing_ok=True)
        _shut(self._listener)
        self._accepting.join(PATIENCE_S)
        self._listener.close()
        for each in self._open:
            _shut(each)
        with self._sending:
            self._open.clear()
            self.subscribed.clear()
        while self._serving:
            self._serving.pop().join(PATIENCE_S)

    @property
    def environment(self) -> dict[str, str]:
        """What a component of it has in its environment."""
        return {
            "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT": str(self.path),
            "SVCUID": "token-of-a-test",
            "AWS_IOT_THING_NAME": "pi-1",
        }

    def events(self, topic: str) -> list[dict[str, Any]]:
        """The JSON documents that a topic was sent."""
        return [json.loads(payload) for where, payload in list(self.published) if where == topic]

    def configure(self, **changes: Any) -> None:
        """Change the configuration, and tell those who asked to be told."""
        self.configuration |= changes
        told = {"configurationUpdateEvent": {"componentName": "com.x", "keyPath": []}}
        self._tell("", "ConfigurationUpdateEvents", told)

    def send(self, topic: str, payload: bytes) -> None:
        """Hand a message of another component, or of a bridge, to those who asked for the topic."""
        context = {"topic": topic}
        message = {"binaryMessage": {"message": base64.b64encode(payload).decode(), "context": context}}
        self._tell(topic, "SubscriptionResponseMessage", message)

    def end_streams(self) -> None:
        """End what is subscribed to, but no connection."""
        for each in list(self.subscribed):
            self._send(each[1], {":message-type": MESSAGE, ":message-flags": TERMINATE, ":stream-id": each[2]}, b"")
        self.subscribed.clear()

    def waited_for(self, *topics: str) -> None:
        """Wait until all these are subscribed to."""
        eventually(lambda: set(topics) <= {topic for topic, _, _ in self.subscribed})

    def _tell(self, topic: str, name: str, event: dict[str, Any]) -> None:
        with self._sending:
            subscribed = list(self.subscribed)
        for wanted, connection, stream in subscribed:
            if wanted == topic:
                head: dict[str, int | str] = {":message-type": MESSAGE, ":message-flags": 0, ":stream-id": stream}
                head |= {":content-type": "application/json", "service-model-type": f"aws.greengrass#{name}"}
                self._send(connection, head, json.dumps(event).encode())

    def _send(self, connection: socket.socket, head: Mapping[str, int | str], payload: bytes) -> None:
        with self._sending, suppress(OSError):
            connection.sendall(_message(head, payload))

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._open.append(connection)
                self._serving.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
                self._serving[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        operations: dict[int, str] = {}
        with suppress(OSError, EOFError), connection:
            while True:
                headers, payload = _receive(connection)
                if headers[":message-type"] == CONNECT:
                    assert json.loads(payload) == {"authToken": "token-of-a-test"}
                    self.connections += 1
                    connection.sendall(_message(_ACCEPT, b""))
                    continue
                stream = headers[":stream-id"]
                operation = operations.setdefault(stream, headers.get("operation", ""))
                if operation.removeprefix("aws.greengrass#") in self.deaf_to:
                    return
                if headers[":message-flags"] & TERMINATE:
                    with self._sending:
                        self.subscribed = [each for each in self.subscribed if each[1:] != (connection, stream)]
                elif not self.silent:
                    self._reply(connection, stream, operation, json.loads(payload))

    def _reply(self, connection: socket.socket, stream: int, operation: str, request: dict[str, Any]) -> None:
        kind, name, answer = self._answer(operation, request)
        goes_on = kind == MESSAGE and operation.startswith("aws.greengrass#Subscribe")
        head: dict[str, int | str] = {":message-type": kind, ":message-flags": 0 if goes_on else TERMINATE}
        head |= {":stream-id": stream, ":content-type": "application/json"}
        head |= {"service-model-type": f"aws.greengrass#{name}"}
        with self._sending:  # nobody is told of anything before this answer
            connection.sendall(_message(head, json.dumps(answer).encode()))
            if goes_on and connection in self._open:
                self.subscribed.append((request.get("topic", ""), connection, stream))

    def _answer(self, operation: str, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        if self.failing:
            return ERROR, "ServiceError", {"message": "not now", "error": "x"}
        if operation.removeprefix("aws.greengrass#") in self.unknown:
            return ERROR, "ServiceError", {"message": "Unknown operation", "error": "x"}
        if operation == "aws.greengrass#SubscribeToConfigurationUpdate":
            assert request == {"keyPath": []}, request
            return MESSAGE, "SubscribeToConfigurationUpdateResponse", {}
        if operation == "aws.greengrass#SubscribeToTopic":
            if self.allowed is not None and request["topic"] not in self.allowed:
                return ERROR, "UnauthorizedError", {"message": "not authorised to subscribe"}
            return MESSAGE, "SubscribeToTopicResponse", {"topicName": request["topic"]}
        if operation == "aws.greengrass#GetConfiguration":
            assert request == {"keyPath": []}, request
            return MESSAGE, "GetConfigurationResponse", {"componentName": "com.x", "value": self.configuration}
        if operation == "aws.greengrass#PublishToTopic":
            return self._taken_locally(request)
        assert operation == "aws.greengrass#PublishToIoTCore", operation
        assert request["qos"] == "1"
        if self.allowed is not None and request["topicName"] not in self.allowed:
            return ERROR, "UnauthorizedError", {"message": "not authorised to publish"}
        payload = base64.b64decode(request["payload"])
        if payload in self.invalid:
            return ERROR, "InvalidArgumentsError", {"message": "no"}
        self.published.append((request["topicName"], payload))
        return MESSAGE, "PublishToIoTCoreResponse", {}

    def _taken_locally(self, request: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
        if self.allowed is not None and request["topic"] not in self.allowed:
            return ERROR, "UnauthorizedError", {"message": "not authorised to publish"}
        message = request["publishMessage"]["binaryMessage"]["message"]
        self.local.append((request["topic"], base64.b64decode(message)))
        return MESSAGE, "PublishToTopicResponse", {}


def _shut(sock: socket.socket) -> None:
    """Wake who waits at it."""
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _receive(connection: socket.socket) -> tuple[dict[str, Any], bytes]:
    total, headers_length, _ = struct.unpack(">III", _exactly(connection, 12))
    assert total <= 10_000, f"nucleus lite takes 10,000 bytes, not {total:,}"
    rest = _exactly(connection, total - 12)
    return _headers(rest[:headers_length]), rest[headers_length:-4]


def _exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _headers(data: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while data:
        name, kind, data = data[1 : 1 + data[0]].decode(), data[1 + data[0]], data[2 + data[0] :]
        if kind == _STRING:
            length = 2 + int.from_bytes(data[:2])
            found[name], data = data[2:length].decode(), data[length:]
        elif kind == _INT32:
            found[name], data = int.from_bytes(data[:4], signed=True), data[4:]
        else:
            data = data[_FIXED[kind] :]
    return found


def _message(headers: Mapping[str, int | str], payload: bytes) -> bytes:
    head = b""
    for name, value in headers.items():
        head += bytes([len(name)]) + name.encode()
        if isinstance(value, int):
            head += bytes([_INT32]) + value.to_bytes(4, signed=True)
        else:
            head += bytes([_STRING]) + len(value).to_bytes(2) + value.encode()
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    data = prelude + zlib.crc32(prelude).to_bytes(4) + head + payload
    return data + zlib.crc32(data).to_bytes(4)


@pytest.fixture
def nucleus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NucleusServer]:
    """One to which this process' environment leads."""
    with NucleusServer(tmp_path / "ipc.socket", {"InferenceInterval": "1"}) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
