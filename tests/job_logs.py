"""CloudWatch Logs of fake jobs: one stream a host, small pages, lines that come late if a test says so."""

import itertools
import time
from dataclasses import dataclass, field
from typing import Any


class RefusalError(Exception):
    """The service says no."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


@dataclass
class JobLogs:
    """Everything that jobs wrote.

    Attributes:
        page_lines: Lines a page.
        late: A line is shown only after so many more requests about logs.
        hollow: Every page with lines comes after an empty one with another token, as CloudWatch may do.
        forget_tokens: The next request with a token is refused, as after 24 hours.
    """

    page_lines: int = 3
    late: int = 0
    hollow: bool = False
    forget_tokens: bool = False
    _streams: dict[tuple[str, str], list[tuple[int, int, str]]] = field(default_factory=dict)
    _asked: int = 0
    _clock: Any = field(default_factory=lambda: itertools.count(int(time.time() * 1000)))

    def add(self, kind: str, job: str, host: int, line: str, attempt: int = 0) -> None:
        """One line of one host; ``attempt`` counts machines that took another's place."""
        group = f"/aws/sagemaker/{kind.capitalize()}Jobs"
        stream = self._streams.setdefault((group, f"{job}/algo-{host}-{1700000000 + attempt}"), [])
        stream.append((self._asked + self.late, next(self._clock), line))

    def lines(self, job: str) -> list[str]:
        """Everything that a job said."""
        return [line for (_, name), lines in self._streams.items() if name.startswith(f"{job}/") for *_, line in lines]

    def describe_log_streams(self, request: dict[str, Any]) -> dict[str, Any]:
        """DescribeLogStreams, two a page."""
        self._asked += 1
        group, prefix = request["logGroupName"], request.get("logStreamNamePrefix", "")
        if not any(each == group for each, _ in self._streams):
            raise RefusalError("ResourceNotFoundException", "The specified log group does not exist.")
        names = sorted(name for each, name in self._streams if each == group and name.startswith(prefix))
        names = [name for name in names if self._shown(group, name)]
        first = int(request.get("nextToken", "0"))
        more = {"nextToken": str(first + 2)} if first + 2 < len(names) else {}
        return {"logStreams": [{"logStreamName": name} for name in names[first : first + 2]], **more}

    def get_log_events(self, request: dict[str, Any]) -> dict[str, Any]:
        """GetLogEvents, forward; at the end the token stays the same."""
        self._asked += 1
        group, name = request["logGroupName"], request["logStreamName"]
        if (group, name) not in self._streams:
            raise RefusalError("ResourceNotFoundException", "The specified log stream does not exist.")
        lines = self._shown(group, name)
        token = request.get("nextToken")
        if token is None:
            assert request.get("startFromHead"), "from its end, a log's beginning would be missing"
            start = request.get("startTime", 0)
            first, full = sum(at < start for _, at, _ in lines), not self.hollow
        else:
            if self.forget_tokens:
                self.forget_tokens = False
                raise RefusalError("InvalidParameterException", "The specified nextToken is invalid.")
            first, full = int(token.removeprefix("f/").rstrip("~")), token.endswith("~") or not self.hollow
        page = lines[first : first + self.page_lines] if full else []
        events = [{"timestamp": at, "message": line, "ingestionTime": at} for _, at, line in page]
        following = f"f/{first + len(page)}" + ("~" if self.hollow and not page else "")
        return {"events": events, "nextForwardToken": following, "nextBackwardToken": f"b/{first}"}

    def _shown(self, group: str, name: str) -> list[tuple[int, int, str]]:
        return [line for line in self._streams[group, name] if line[0] <= self._asked]
