"""What is said about updates over the air: a line of JSON in the log, and a message on ``RESULTS_TOPIC/ota``."""

import json
import sys
from typing import Any, Final

from actorrec.aws.failures import aws_errors
from actorrec.aws.session import AwsSession
from actorrec.errors import ConfigError, RemoteError
from actorrec.manifests.ota import OTA_SUBTOPIC, OtaEntry

_QUIET: Final = frozenset({"known", "claimed", "trying"})
"""Steps in between, of which only the log is told."""
_LONGEST: Final = 2000


def in_short(reason: str) -> str:
    """A reason as it can be written down and sent: parts of it may come from a file that nobody vouches for."""
    plain = reason.encode(errors="replace").decode()
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


class Speaker:
    """Tells people.

    Args:
        aws: Makes the client.
        group: Whose updates they are.
        results_topic: ``cloud.results_topic``.
    """

    def __init__(self, aws: AwsSession, group: str, results_topic: str) -> None:
        self._aws, self._group, self._topic = aws, group, f"{results_topic}/{OTA_SUBTOPIC}"

    def log(self, what: str, **about: Any) -> None:
        """A line in the log."""
        line = {"ota": what, "group": self._group} | about
        sys.stdout.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
        sys.stdout.flush()

    def entry(self, entry: OtaEntry) -> None:
        """An entry that was added: logged, and said on the topic. That nobody could be told there changes nothing."""
        told = entry.model_dump(mode="json")
        self.log(entry.action, **{key: value for key, value in told.items() if key != "action"})
        if entry.action in _QUIET:
            return
        message = json.dumps({"event": "ota", "group": self._group} | told, ensure_ascii=False)
        try:
            with aws_errors(f"publish to {self._topic}", self._aws.place, f"iot:Publish on {self._topic}"):
                self._aws.client("iot-data").publish(topic=self._topic, qos=1, payload=message.encode())
        except (RemoteError, ConfigError) as error:
            self.log("not-published", reason=error.in_full)
