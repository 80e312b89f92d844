"""The log of a job: every line of every machine once, however AWS hands it out."""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from actorrec.aws.failures import code_of
from actorrec.aws.scrub import scrubbed
from actorrec.aws.session import AwsSession
from actorrec.jobs.state import Kind
from actorrec.manifests.jobs import METRIC_LINE

_INDENT: Final = 16
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a log.

    Attributes:
        host: Which machine wrote it: ``algo-1``.
        text: Without secrets and control characters; a long one lost its middle.
    """

    host: str
    at: datetime
    text: str


def measures(text: str) -> dict[str, float]:
    """Numbers of a line ``metrics: name=value …``; none of any other line, nor of one that cannot be read."""
    head, found, rest = text.strip().partition(METRIC_LINE)
    if head or not found:
        return {}
    pairs = [pair.partition("=") for pair in rest.split()]
    if not all(_NAME.fullmatch(name) for name, _, _ in pairs):
        return {}
    try:
        return {name: float(value) for name, _, value in pairs}
    except ValueError:
        return {}


@dataclass(slots=True)
class Cursor:
    """How far one stream was read. Pure: it makes requests and takes answers.

    A token of CloudWatch holds for 24 hours; after that the last line's moment tells where to go on.
    """

    group: str
    stream: str
    token: str | None = None
    pending: deque[LogLine] = field(default_factory=deque)
    _last_ms: int = 0
    _at_last: int = 0
    _skip: int = 0

    @property
    def host(self) -> str:
        """The machine that writes it: ``JOB/algo-1-1700000000`` is ``algo-1``'s."""
        return self.stream.rpartition("/")[2].rpartition("-")[0] or self.stream

    def request(self) -> dict[str, Any]:
        """Parameters of the next GetLogEvents."""
        place = {"nextToken": self.token} if self.token else {"startTime": self._last_ms}
        return {"logGroupName": self.group, "logStreamName": self.stream, "startFromHead": True, **place}

    def take(self, answer: Mapping[str, Any]) -> bool:
        """Keep the lines of an answer as pending; whether there may be more."""
        for event in answer["events"]:
            at_ms = event["timestamp"]
            if self._skip and at_ms == self._last_ms:
                self._skip -= 1
                continue
            self._at_last = self._at_last + 1 if at_ms == self._last_ms else 1
            self._last_ms, self._skip = at_ms, 0
            self.pending.append(_line(self.host, at_ms, event["message"]))
        more = bool(answer["nextForwardToken"] != self.token)
        self.token = answer["nextForwardToken"]
        return more

    def begin_again(self) -> None:
        """The token is too old: go on from the last line's moment, past the lines of that moment that are known."""
        self.token, self._skip = None, self._at_last


class LogReader:
    """Reads the log of a job bit by bit. Errors are botocore's own; after one, reading goes on where it was.

    Args:
        aws: Makes the client.
        name: Of the job.
        kind: Of the job.
    """

    def __init__(self, aws: AwsSession, name: str, kind: Kind) -> None:
        self._aws, self._prefix = aws, f"{name}/"
        self._group = f"/aws/sagemaker/{kind.capitalize()}Jobs"
        self._cursors: dict[str, Cursor] = {}

    def read(self) -> Iterator[LogLine]:
        """Every line that has come since; nothing where there is no log yet."""
        client = self._aws.client("logs")
        for stream in self._streams(client):
            cursor = self._cursors.setdefault(stream, Cursor(self._group, stream))
            more = True
            while more or cursor.pending:
                # Taken out one by one: whoever is interrupted between two lines goes on with the second.
                while cursor.pending:
                    yield cursor.pending.popleft()
                more = more and self._page(client, cursor)

    def _streams(self, client: Any) -> list[str]:
        from botocore.exceptions import ClientError

        pages = client.get_paginator("describe_log_streams").paginate(
            logGroupName=self._group, logStreamNamePrefix=self._prefix
        )
        try:
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return []  # nobody has written a line yet
            raise

    def _page(self, client: Any, cursor: Cursor) -> bool:
        from botocore.exceptions import ClientError

        try:
            return cursor.take(client.get_log_events(**cursor.request()))
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return False
            if code_of(error) != "InvalidParameterException" or cursor.token is None:
                raise
        cursor.begin_again()
        return True


def _line(host: str, at_ms: int, message: str) -> LogLine:
    indent = " " * min(_INDENT, len(message) - len(message.lstrip(" ")))  # of a traceback
    return LogLine(host, datetime.fromtimestamp(at_ms / 1000, UTC), (indent + scrubbed(message)).rstrip())
