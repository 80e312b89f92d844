"""Where the events of a loop go, and what comes from there."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from actorrec.cli.loop_options import LoopOptions
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.inference.greengrass_ipc import GreengrassIpc
    from actorrec.inference.nucleus_watch import NucleusWatch
    from actorrec.inference.plan import LoopPlan
    from actorrec.inference.publishers import FanOut, Publisher
    from actorrec.inference.sending.courier import Courier
    from actorrec.inference.sending.mqtt import MqttCourier
    from actorrec.inference.sending.requests import Requests
    from actorrec.inference.sending.store_and_forward import StoreAndForward
    from actorrec.inference.status_file import StatusFile
    from actorrec.inference.troubles import Troubles
    from actorrec.manifests.events import QueueHealth
    from actorrec.sections import MqttSection


class LoopSenders:
    """Makes the publishers of one loop out of options and settings.

    Args:
        options: Of the command line.
        config: The merged configuration.
        troubles: Told of what does not work.
        nucleus: Of Greengrass; None without one.
        watch: What asks it; None without one.

    Attributes:
        work: Folder for what is kept between runs; None where there is no place for it.
        requests: Pictures that others ask for; None where nobody may.
    """

    def __init__(
        self,
        options: LoopOptions,
        config: "Config",
        troubles: "Troubles",
        nucleus: "GreengrassIpc | None" = None,
        watch: "NucleusWatch | None" = None,
    ) -> None:
        self._config, self._troubles, self._nucleus, self._watch = config, troubles, nucleus, watch
        self.work = _work_folder(options)
        self._waits = options.every_frame  # nothing is missed while it does
        self.max_bytes: int | None = None
        self.requests: Requests | None = None
        self._spooled: list[StoreAndForward] = []
        self._status: StatusFile | None = None
        self._broker: MqttCourier | None = None
        self._home: _HomeAssistant | None = None
        if options.greengrass:
            from actorrec.inference.event_writer import MAX_MESSAGE_BYTES

            self.max_bytes = MAX_MESSAGE_BYTES

    def publishers(self, plan: "LoopPlan", model_id: str) -> "FanOut":
        """Standard output and the status file; what is configured beside them.

        Raises:
            ConfigError: If a setting of the broker cannot be.
            MissingExtraError: If a package that speaks to one is not installed.
        """
        from actorrec.inference.publishers import FanOut, StdoutPublisher

        said = StdoutPublisher(None) if self._waits else StdoutPublisher()
        found: list[Publisher] = [said, *self._status_file(plan)]
        if (path := self._config.events.jsonl) is not None:
            from actorrec.inference.sending.jsonl import JsonlPublisher

            found.append(JsonlPublisher(path, self._config.events.jsonl_max_bytes))
        folder = self._config.mqtt.request_directory if self._config.mqtt.requests else None
        if self._nucleus is not None:
            folder = folder or _folder_of(plan)
        elif self._config.mqtt.requests and folder is None:
            raise ConfigError("mqtt.requests, but no folder for them", hint="set mqtt.request_directory")
        if folder is not None:
            from actorrec.inference.sending.requests import Requests

            self.requests = Requests(folder, self._troubles)
        found += self._of_nucleus()
        if self._config.mqtt.url:
            found.append(self._mqtt(model_id))
        self.follow(plan)
        return FanOut(found, self._troubles)

    def follow(self, plan: "LoopPlan") -> None:
        """Health comes as often as the plan says now; requests, and what is announced, are on its topic."""
        from actorrec.manifests.events import REQUEST_SUBTOPIC

        if self._status is not None:
            self._status.health_every_s = plan.health_s
        asked_on = f"{plan.topic}/{REQUEST_SUBTOPIC}"
        if self._watch is not None and self.requests is not None:
            self._watch.take_requests(asked_on, self.requests.take)
        if self._broker is not None:
            will, announced = (None, {}) if self._home is None else self._home.standing(plan)
            taken = {asked_on: self.requests.take} if self._config.mqtt.requests and self.requests is not None else {}
            self._broker.standing.renew(will, announced, taken)

    def queues(self) -> "list[QueueHealth]":
        """How messages that wait are doing."""
        return [each.health() for each in self._spooled]

    def _status_file(self, plan: "LoopPlan") -> "list[Publisher]":
        from actorrec.inference.group_access import keep_group_access
        from actorrec.inference.status_file import StatusFile, status_folder

        component = self.work if self._nucleus is not None else None
        if component is not None:
            keep_group_access(component)
        try:
            folder = status_folder(component=component)
            folder.mkdir(parents=True, exist_ok=True)
        except (ConfigError, OSError):
            return []  # a user without a home folder, or with one in name alone
        self._status = StatusFile(folder, health_every_s=plan.health_s)
        return [self._status]

    def _of_nucleus(self) -> "list[Publisher]":
        if self._nucleus is None:
            return []
        from actorrec.inference.sending.ipc_courier import IotCoreCourier, LocalTopicsCourier

        locally = self._spool("local-topics", LocalTopicsCourier(self._nucleus), durable=False)
        return [self._spool("iot-core", IotCoreCourier(self._nucleus)), locally]

    def _mqtt(self, model_id: str) -> "StoreAndForward":
        from actorrec.inference.event_writer import device_name
        from actorrec.inference.sending.mqtt import MqttCourier

        settings, device = self._config.mqtt, device_name()
        self._home = _HomeAssistant(settings, device, model_id) if settings.home_assistant else None
        self._broker = MqttCourier(settings, client_id=f"actorrec-{device}", troubles=self._troubles)
        return self._spool("mqtt", self._broker)

    def _spool(self, name: str, courier: "Courier", *, durable: bool = True) -> "StoreAndForward":
        from actorrec.inference.sending.spool import Spool
        from actorrec.inference.sending.store_and_forward import StoreAndForward

        settings = self._config.spool
        folder = settings.folder or (None if self.work is None else self.work / "spool")
        folder = folder if durable else None
        sender = StoreAndForward(Spool(folder, name, settings, self._troubles), courier, self._troubles)
        self._spooled.append(sender)
        return sender


class _HomeAssistant:
    """What is announced to Home Assistant.

    Args:
        settings: Of the broker.
        device: Its name.
        model_id: What it runs.
    """

    def __init__(self, settings: "MqttSection", device: str, model_id: str) -> None:
        self._settings, self._device, self._model_id = settings, device, model_id

    def standing(self, plan: "LoopPlan") -> tuple[tuple[str, bytes], dict[str, bytes]]:
        """The will, and what is announced, by topic."""
        from actorrec.inference.sending import homeassistant

        heartbeat_s = plan.events.heartbeat_s if plan.camera.source else None
        announced = homeassistant.Announced(plan.topic, self._device, self._model_id, heartbeat_s, plan.health_s)
        availability = homeassistant.availability_topic(plan.topic, self._device)
        discovery = homeassistant.discovery_message(self._settings, announced)
        return (availability, homeassistant.OFFLINE), dict([discovery, (availability, homeassistant.ONLINE)])


def _work_folder(options: LoopOptions) -> Path | None:
    from actorrec.home import state_folder
    from actorrec.inference.greengrass_ipc import under_nucleus

    if options.work is not None:
        return options.work
    if options.greengrass and under_nucleus():  # every nucleus starts a component in its work folder
        return Path()
    with suppress(ConfigError):  # a user without a home folder
        return state_folder("device")
    return None


def _folder_of(plan: "LoopPlan") -> Path | None:
    """The folder whose pictures a component looks at: those may be asked for, too."""
    for source in map(Path, plan.sources):
        return source if source.is_dir() else source.parent
    return None
