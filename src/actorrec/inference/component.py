"""The program as a component: what it does follows the configuration that the nucleus holds, from start to end."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from actorrec.errors import ConfigError, RemoteError
from actorrec.inference.frames.choose import frame_source
from actorrec.inference.plan import LoopPlan
from actorrec.inference.troubles import Troubles
from actorrec.manifests.component_settings import ComponentSettings, with_changes
from actorrec.sections import Config

SAMPLE_NAME: Final = "sample.jpg"
"""The picture that comes with the program, beside its ``component.json``."""
_MAX_DEFAULTS_BYTES: Final = 1 << 20
_ABOUT: Final = "configuration"


class ConfigurationSource(Protocol):
    """What knows this component's configuration."""

    def configuration(self) -> object:
        """The configuration as it is now, of any shape.

        Raises:
            RemoteError: If it cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What goes before the configuration.

    Attributes:
        sources: Pictures; empty for those that are configured.
        camera: Likewise.
        interval_s: None for the one that is configured.
    """

    sources: tuple[str, ...] = ()
    camera: str = ""
    interval_s: float | None = None


class ComponentPlan:
    """Makes plans of configurations.

    Args:
        defaults: What holds where the configuration says nothing.
        program: Folder of the program's own sample picture; None where there is none.
        nucleus: Asked for the configuration; None without one.
        given: What goes before it.
        config: Says what no key of the component's does.
        troubles: Told of what is configured wrongly.
    """

    def __init__(
        self,
        defaults: ComponentSettings,
        program: Path | None,
        nucleus: ConfigurationSource | None,
        given: CommandLine,
        config: Config,
        troubles: Troubles,
    ) -> None:
        self._defaults, self._program, self._nucleus = defaults, program, nucleus
        self._given, self._config, self.troubles = given, config, troubles
        self._last: object = {}

    def first(self) -> LoopPlan:
        """The plan to start with: a key that is configured wrongly has its default, and is told.

        Raises:
            ConfigError: If there is nothing to look at.
        """
        settings, refused = with_changes(self._defaults, self._configuration())
        if wrong := self._wrong_camera(settings):
            settings = settings.model_copy(update={"camera": self._defaults.camera})
            refused = (*refused, wrong)
        if refused:
            self.troubles.begin(_ABOUT, f"configuration: {'; '.join(refused)}; the default goes instead")
        return self._plan(settings)

    def newer(self, plan: LoopPlan) -> LoopPlan:
        """The plan to go on with: a configuration with anything wrong in it changes nothing, and is told."""
        before = self._last
        given = self._configuration()
        if given == before:
            return plan
        settings, refused = with_changes(self._defaults, given)
        if wrong := self._wrong_camera(settings):
            refused = (*refused, wrong)
        newer = None
        try:
            newer = self._plan(settings)
        except ConfigError as error:
            refused = (*refused, error.message)
        if refused or newer is None:
            self.troubles.begin(_ABOUT, f"configuration: {'; '.join(refused)}; nothing is changed")
            return plan
        self.troubles.end(_ABOUT)
        return newer

    def _wrong_camera(self, settings: ComponentSettings) -> str:
        """Why no camera can be made of what is configured; empty where one can. Nothing is opened."""
        try:
            frame_source(self._config.camera, settings.camera, max_pixels=self._config.inference.max_pixels)
        except ConfigError as error:
            return f"Camera: {error.message}"
        return ""

    def _configuration(self) -> object:
        if self._nucleus is None:
            return self._last
        try:
            self._last = self._nucleus.configuration()
        except RemoteError as error:
            self.troubles.begin("the nucleus", f"the nucleus: {error.message}: the configuration stays as it is")
        else:
            self.troubles.end("the nucleus")
        return self._last

    def _plan(self, settings: ComponentSettings) -> LoopPlan:
        config = self._config
        camera = self._given.camera or (settings.camera if settings.use_camera == "true" else "")
        if self._given.sources:
            camera = ""
        sources = self._given.sources or (() if camera else configured_sources(settings, self._program))
        return LoopPlan(
            sources=sources,
            interval_s=self._given.interval_s or settings.inference_interval_s,
            health_s=settings.health_interval_s,
            topic=settings.topic,
            shadow=settings.shadow == "previous",
            camera=config.camera.model_copy(update={"source": camera}),
            tracking=config.tracking,
            events=config.events.model_copy(update={"heartbeat_s": settings.heartbeat_interval_s}),
        )


def configured_sources(settings: ComponentSettings, program: Path | None) -> tuple[str, ...]:
    """What a configuration says to look at.

    Args:
        settings: The configuration.
        program: Folder of the program's own sample; None where there is none.

    Raises:
        ConfigError: If nothing is named and there is no sample.
    """
    folder = Path(settings.image_directory) if settings.image_directory else program
    if folder is None:
        raise ConfigError(
            "no picture to look at is configured",
            hint="set ImageDirectory or ImageName, or name pictures: actorrec infer PICTURE… --loop --greengrass",
        )
    if settings.image_name:
        return (str(folder / settings.image_name),)
    return (str(folder if settings.image_directory else folder / SAMPLE_NAME),)


def read_defaults(path: Path, troubles: Troubles) -> ComponentSettings:
    """The settings that a ``component.json`` holds; what cannot be in it is told, and goes as if it were not there.

    Raises:
        ConfigError: If it cannot be read or is not JSON.
    """
    try:
        if path.stat().st_size > _MAX_DEFAULTS_BYTES:
            raise ConfigError(f"{path} is too long to be the defaults of a component")
        given = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"cannot read the defaults {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"the defaults {path} are not JSON") from None
    settings, refused = with_changes(ComponentSettings(), given)
    if refused:
        troubles.begin("the defaults", f"the defaults {path}: {'; '.join(refused)}")
    return settings
