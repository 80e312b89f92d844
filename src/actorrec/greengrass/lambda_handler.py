"""The function in the cloud: models that land in S3 are published and tried; a schedule judges and goes on.

``actorrec.greengrass.lambda_handler.handler`` is its handler. Settings come from its environment
(``ACTORREC_SECTION__KEY``), as for every command. It needs neither numpy nor TensorFlow.
"""

import shutil
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol, Self

from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.uri import open_store
from actorrec.aws.places import CloudPlace, refuse_placeholder_bucket
from actorrec.aws.session import AwsSession
from actorrec.config import Config, load_config
from actorrec.errors import ActorRecError
from actorrec.greengrass.canary_desk import CanaryDesk
from actorrec.greengrass.ota_events import objects_of
from actorrec.greengrass.ota_landing import Gate, memory_of
from actorrec.greengrass.ota_publish import Publisher
from actorrec.greengrass.ota_run import Parts, Run
from actorrec.greengrass.ota_say import Speaker
from actorrec.greengrass.ota_state import OTA_FOLDER, OtaLog
from actorrec.greengrass.ota_trials import GroupTrials

_RESERVE_S: Final = 60.0  # the longest that one step may take, without what is downloaded
_ASSUMED_S: Final = 240.0  # where nobody says how much time there is
_FOLDERS: Final = "actorrec-ota-"  # what lands is unpacked in them


class Context(Protocol):
    """What Lambda tells a handler besides the event."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is killed."""
        ...


@dataclass(frozen=True, slots=True)
class OtaFunction:
    """What stays from one call to the next."""

    config: Config
    aws: AwsSession
    store: ArtifactStore
    log: OtaLog
    speaker: Speaker

    @classmethod
    def of(cls, config: Config) -> Self:
        """Make ready; nothing is asked yet.

        Raises:
            ConfigError: If the bucket was not set.
        """
        refuse_placeholder_bucket(config)
        group = config.cloud.thing_group
        aws = AwsSession(config.aws)
        # The home folder of a function cannot be written to.
        cache_dir = config.aws.cache_dir or Path(tempfile.gettempdir()) / "actorrec"
        store = open_store(CloudPlace.of(config).store_uri, config.aws.model_copy(update={"cache_dir": cache_dir}))
        return cls(config, aws, store, OtaLog(store, group), Speaker(aws, group, config.cloud.results_topic))

    def call(self, event: object, left_s: float = _ASSUMED_S) -> dict[str, Any]:
        """Take in what an event tells of, then do whatever can be done now.

        Args:
            event: S3's own, EventBridge's, or a schedule's.
            left_s: After so long it is killed.

        Returns:
            What became of each object.

        Raises:
            ActorRecError: If AWS refuses or cannot be reached: call it again.
        """
        until_s = time.monotonic() + max(left_s - _RESERVE_S, left_s / 2)
        try:
            with tempfile.TemporaryDirectory(prefix=_FOLDERS) as folder:
                run = Run(self._parts(Path(folder), until_s), until_s)
                objects = {each.uri: run.land(each) for each in objects_of(event)}
                self._go_on(run)
        except ActorRecError as error:
            self.speaker.log("failed", error=type(error).__name__, reason=error.in_full)
            raise
        return {"group": self.config.cloud.thing_group, "objects": objects}

    def _parts(self, folder: Path, until_s: float) -> Parts:
        desk = CanaryDesk.of(self.aws, self.config, self.store)
        return Parts(
            self.config,
            self.log,
            Gate(self.aws, self.config, folder, memory_of()),
            Publisher(desk.components, self.store, self.config, until_s),
            GroupTrials(desk, self.config),
            self.speaker,
        )

    def _go_on(self, run: Run) -> None:
        """One call at a time goes on; whoever finds it locked has written down what it brought."""
        seen = -1
        while (state := self.log.state()).seq != seen:  # something may have come just before the lock was given back
            if state.idle:
                return
            with self.store.try_lock(f"{OTA_FOLDER}/{self.config.cloud.thing_group}") as held:
                if not held:
                    self.speaker.log("left", reason="another call is at it, and sees all that is written down")
                    return
                seen = run.go_on()


@cache
def _function() -> OtaFunction:
    # Lambda leaves /tmp as it was when it kills a call and starts this program anew; one call at a time is in here.
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDERS}*"):
        shutil.rmtree(left, ignore_errors=True)
    return OtaFunction.of(load_config().config)


def handler(event: object, context: Context | None = None) -> dict[str, Any]:
    """What Lambda calls.

    An object that cannot be shipped is no failure: it is written down with its reason, and the call succeeds.

    Args:
        event: S3's own, EventBridge's, or a schedule's.
        context: Lambda's.

    Raises:
        ActorRecError: If AWS refuses or cannot be reached, or a setting is wrong: Lambda calls again.
    """
    function = _function()
    return function.call(event, _ASSUMED_S if context is None else context.get_remaining_time_in_millis() / 1000)
