"""The program as a component: what it does follows the configuration that the nucleus holds, from start to end."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from actorrec.errors import ActorRecError, ConfigError, RemoteError
from actorrec.inference.bundle_shelf import BundleShelf
from actorrec.inference.loop import LoopPlan
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.shadow import ABOUT_SHADOW, ShadowRun
from actorrec.inference.troubles import Troubles
from actorrec.manifests.component_settings import ComponentSettings, with_changes

SAMPLE_NAME: Final = "sample.jpg"
"""The picture that comes with the program, beside its ``component.json``."""
_MAX_DEFAULTS_BYTES: Final = 1 << 20
_ABOUT: Final = "configuration"
_ABOUT_SHELF: Final = "the shelf of good bundles"


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
        interval_s: None for the one that is configured.
    """

    sources: tuple[str, ...] = ()
    interval_s: float | None = None


class ComponentPlan:
    """Makes plans of configurations.

    Args:
        defaults: What holds where the configuration says nothing.
        program: Folder of the program's own sample picture; None where there is none.
        nucleus: Asked for the configuration; None without one.
        given: What goes before it.
        troubles: Told of what is configured wrongly.
    """

    def __init__(
        self,
        defaults: ComponentSettings,
        program: Path | None,
        nucleus: ConfigurationSource | None,
        given: CommandLine,
        troubles: Troubles,
    ) -> None:
        self._defaults, self._program, self._nucleus = defaults, program, nucleus
        self._given, self.troubles = given, troubles
        self._last: object = {}

    def first(self) -> LoopPlan:
        """The plan to start with: a key that is configured wrongly has its default, and is told.

        Raises:
            ConfigError: If there is nothing to look at.
        """
        settings, refused = with_changes(self._defaults, self._configuration())
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
        if refused:
            self.troubles.begin(_ABOUT, f"configuration: {'; '.join(refused)}; nothing is changed")
            return plan
        self.troubles.end(_ABOUT)
        return self._plan(settings)

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
        return LoopPlan(
            sources=self._given.sources or configured_sources(settings, self._program),
            interval_s=self._given.interval_s or settings.inference_interval_s,
            health_s=settings.health_interval_s,
            topic=settings.topic,
            shadow=settings.shadow == "previous",
        )


class GoodBundles:
    """Keeps the bundle that runs once it has proved good, and brings back the one before it.

    Args:
        shelf: Where they are kept.
        live: The bundle that runs.
        num_threads: Of the one that is brought back.
        troubles: Told of what does not work.
    """

    def __init__(self, shelf: BundleShelf, live: RunningBundle, *, num_threads: int, troubles: Troubles) -> None:
        self._shelf, self._live = shelf, live
        self._num_threads, self._troubles = num_threads, troubles

    def keep(self) -> None:
        """Keep the live one; without room for it there is no comparison later, and that is told."""
        try:
            self._shelf.keep(self._live.path, self._live.model.bundle)
        except ActorRecError as error:
            self._troubles.begin(_ABOUT_SHELF, f"{_ABOUT_SHELF}: {error.in_full}")

    def shadow(self) -> ShadowRun | None:
        """A run of the previous one beside the live one; None, and told, where there is none that can run."""
        path = self._shelf.other_than(self._live.model.bundle)
        if path is None:
            self._troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW}: there is no previous bundle that is whole")
            return None
        try:
            run = ShadowRun(self._live, run_bundle(path, num_threads=self._num_threads))
        except ActorRecError as error:
            self._troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW}: {error.in_full}")
            return None
        self._troubles.end(ABOUT_SHADOW)
        return run


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


def read_defaults(path: Path) -> ComponentSettings:
    """The settings that a ``component.json`` holds.

    Raises:
        ConfigError: If it cannot be read, or something in it cannot be.
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
        raise ConfigError(f"{path}: {'; '.join(refused)}")
    return settings
