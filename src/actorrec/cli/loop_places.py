"""The places around a loop: where its plan and its bundle come from, and where its events go."""

import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actorrec.cli.bundles import bundle_with_record
from actorrec.cli.loop_options import LoopOptions
from actorrec.cli.loop_senders import LoopSenders
from actorrec.cli.session import Session, printable
from actorrec.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from actorrec.config import Config
    from actorrec.inference.bundle_shelf import BundleShelf
    from actorrec.inference.component import ComponentPlan
    from actorrec.inference.eye import Eye
    from actorrec.inference.greengrass_ipc import GreengrassIpc
    from actorrec.inference.loop import Surroundings
    from actorrec.inference.nucleus_watch import NucleusWatch
    from actorrec.inference.plan import LoopPlan
    from actorrec.inference.preview.preview import Preview
    from actorrec.inference.running_bundle import RunningBundle
    from actorrec.inference.service_notify import ServiceManager
    from actorrec.inference.station import Station
    from actorrec.inference.swap.arrival import Arrivals
    from actorrec.inference.troubles import Troubles
    from actorrec.inference.unknowns import UnknownKeeper
    from actorrec.manifests.events import HealthEvent

_INSTALLED_DEFAULTS: Final = "share/actorrec/component.json"
"""Below the environment that the component's own installer makes."""
_LOOK_S: Final = 1.0
_BUNDLE_WAIT_S: Final = 300.0
"""The model is another component: it may bring the bundle after this one was started."""


class LoopPlaces:
    """Makes the parts of one loop out of options and settings.

    Args:
        session: Of the command.
        options: Of the command line.
        config: The merged configuration.
        troubles: Told of what does not work.
        held: What is entered here ends with it.
    """

    def __init__(
        self, session: Session, options: LoopOptions, config: "Config", troubles: "Troubles", held: ExitStack
    ) -> None:
        self._session, self._options, self._config = session, options, config
        self._troubles, self._held = troubles, held
        self._nucleus = _nucleus(held) if options.greengrass else None
        self._watch = None if self._nucleus is None else _watch(self._nucleus, troubles)
        self._component = self._component_plan() if options.greengrass else None
        self._reference = options.bundle or config.inference.bundle
        self._preview: Preview | None = None
        self._keeper: UnknownKeeper | None = None
        self.senders = LoopSenders(options, config, troubles, self._nucleus, self._watch)

    def first_plan(self) -> "LoopPlan":
        """What to do first.

        Raises:
            ConfigError: If there is nothing to look at.
        """
        return self._component.first() if self._component else plan_by_hand(self._options, self._config)

    def live_bundle(self, stop: "threading.Event") -> "RunningBundle | None":
        """The bundle to run; a component waits for it. None where the end came first.

        Raises:
            ArtifactError: If there is no such bundle.
            ModelContractError: If this version cannot run it.
        """
        from actorrec.inference.first_bundle import first_bundle

        path, name, shelf = Path(self._reference), "", self._shelf()
        if path.suffix != ".zip":
            path, name, shelf = *self._of_store(), None
        elif self._nucleus is not None and not _wait_for(path, stop, self._troubles):
            return None
        threads = self._config.inference.threads
        return first_bundle(
            path, shelf, troubles=self._troubles, name=name, num_threads=threads, go_on=lambda: not stop.is_set()
        )

    def _of_store(self) -> tuple[Path, str]:
        from actorrec.artifacts.catalog import file_name

        bundle, manifest = bundle_with_record(self._session, self._reference)
        assert manifest is not None
        return self._session.store.local_path(file_name(manifest, manifest.bundle_file)), bundle.name

    def _shelf(self) -> "BundleShelf | None":
        """The last good bundles are kept for a component, and where a folder for it was named."""
        from actorrec.inference.bundle_shelf import BundleShelf

        return BundleShelf(self.senders.work / "bundles") if self._keeps and self.senders.work is not None else None

    @property
    def _keeps(self) -> bool:
        return self._options.greengrass or self._options.work is not None

    def preview(self) -> "Preview | None":
        """The live page, served from now on, where one is wanted.

        Raises:
            ConfigError: If its port is taken.
        """
        if self._options.preview:
            from actorrec.inference.preview.preview import Preview

            preview = Preview(self._config.preview, troubles=lambda: self._troubles.lines)
            self._preview = self._held.enter_context(preview)
        return self._preview

    def keeper(self, live: "RunningBundle") -> "UnknownKeeper | None":
        """What keeps faces without a name, where that is turned on; it follows each swap."""
        if not self._config.unknowns.keep:
            return None
        from actorrec.artifacts.unknowns import UnknownShelf
        from actorrec.inference.unknowns import UnknownKeeper

        shelf, model_id = UnknownShelf(self._session.store), live.recogniser.model_id
        self._keeper = UnknownKeeper(shelf, self._config.unknowns, model_id)
        return self._keeper

    def surroundings(
        self, station: "Station", open_eye: "Callable[[Station, LoopPlan], Eye]", service: "ServiceManager"
    ) -> "Surroundings":
        """What the loop asks of this place."""
        from actorrec.inference.good_bundles import GoodBundles
        from actorrec.inference.loop import Surroundings

        threads = self._config.inference.threads
        good = GoodBundles(self._shelf(), station.live, num_threads=threads, troubles=self._troubles)
        self._held.callback(good.close)
        newer = self._newer_plan()

        def followed(plan: "LoopPlan") -> "LoopPlan":
            plan = newer(plan)
            self.senders.follow(plan)
            return plan

        def on_health(event: "HealthEvent") -> None:
            self._look_at_disk()
            if self._watch is not None:
                self._watch.ask()
            service.status("; ".join(event.trouble) or f"{event.frames} frames, all is well")
            if self._preview is not None:
                self._preview.tell(event)

        def on_swap(live: "RunningBundle") -> None:
            good.use(live)
            if self._keeper is not None:  # not a new one: that would look at the store, which may not be there just now
                self._keeper.use(live.recogniser.model_id)

        return Surroundings(
            open_eye=open_eye,
            newer_plan=followed,
            plan_changed=self._plan_changed(),
            on_good=good.keep_soon if self._keeps else lambda: None,
            on_swap=on_swap,
            open_shadow=good.shadow,
            ask_shadow=good.shadow_soon,
            opened_shadow=good.opened_shadow,
            on_health=on_health,
            arrivals=self._arrivals(station.live),
            requests=self.senders.requests,
            queues=self.senders.queues,
            alive=service.alive,
        )

    def _look_at_disk(self) -> None:
        from actorrec.inference.machine import LITTLE_ROOM_BYTES, free_bytes

        about, work = "the disk", self.senders.work
        free = None if work is None else free_bytes(work)
        if free is not None and free < LITTLE_ROOM_BYTES:
            self._troubles.begin(about, f"{about}: less than {LITTLE_ROOM_BYTES // 10**6} MB are left beside {work}")
        else:
            self._troubles.end(about)

    def _arrivals(self, live: "RunningBundle") -> "Arrivals | None":
        """Brings what replaces the bundle's file; the bundles of a store are never replaced."""
        from actorrec.inference.swap.incoming import IncomingBundle

        if self.senders.work is None or Path(self._reference).suffix != ".zip":
            return None
        threads, staging = self._config.inference.threads, self.senders.work / "incoming"
        return IncomingBundle(Path(self._reference), live.model.bundle, num_threads=threads, staging=staging)

    def _component_plan(self) -> "ComponentPlan":
        from actorrec.inference.component import CommandLine, ComponentPlan, read_defaults
        from actorrec.manifests.component_settings import ComponentSettings

        options = self._options
        installed = Path(sys.prefix) / _INSTALLED_DEFAULTS
        path = options.defaults or (installed if installed.is_file() else None)
        defaults = ComponentSettings() if path is None else read_defaults(path, self._troubles)
        program = None if path is None else path.absolute().parent
        given = CommandLine(options.sources, options.camera or "", options.interval_s)
        return ComponentPlan(defaults, program, self._watch, given, self._config, self._troubles)

    def _newer_plan(self) -> "Callable[[LoopPlan], LoopPlan]":
        """The component's configuration, or the file that this command was given."""
        if self._component is not None:
            return self._component.newer
        from actorrec.inference.live_settings import LiveSettings

        session = self._session
        live = LiveSettings(session.read_again, session.settings_file, self._config, troubles=self._troubles)

        def newer(plan: "LoopPlan") -> "LoopPlan":
            config = live.poll()
            return plan if config is None else plan_by_hand(self._options, config)

        return newer

    def _plan_changed(self) -> "Callable[[], bool]":
        """Whether the component's configuration was read anew; settings in a file look after themselves."""
        if self._component is None:
            return lambda: True
        if self._watch is None:
            return lambda: False
        return self._held.enter_context(self._watch).read_anew


def plan_by_hand(options: LoopOptions, config: "Config") -> "LoopPlan":
    """What options and settings say to do without a nucleus.

    Raises:
        ConfigError: If there is nothing to look at.
    """
    from actorrec.inference.frames.choose import is_camera
    from actorrec.inference.plan import LoopPlan

    sources, camera = options.sources, "" if options.sources else config.camera.source
    if camera and not is_camera(camera) and "://" not in camera:
        sources, camera = (camera,), ""  # a picture or a folder
    if not sources and not camera:
        raise ConfigError(
            "name a picture, a folder or a glob, or a camera",
            hint="actorrec infer PICTURE… --loop, or actorrec infer --camera 0 --loop",
        )
    return LoopPlan(
        sources=sources,
        interval_s=options.interval_s or config.greengrass.inference_interval_s,
        health_s=config.greengrass.health_s,
        topic=config.cloud.results_topic,
        camera=config.camera.model_copy(update={"source": camera}),
        tracking=config.tracking,
        events=config.events,
    )


def _nucleus(held: ExitStack) -> "GreengrassIpc | None":
    from actorrec.inference.greengrass_ipc import GreengrassIpc, under_nucleus

    if under_nucleus():
        return held.enter_context(GreengrassIpc())
    tell("no nucleus started this program: the defaults are its configuration, and nothing goes to AWS IoT Core")
    return None


def _watch(nucleus: "GreengrassIpc", troubles: "Troubles") -> "NucleusWatch":
    from actorrec.inference.nucleus_watch import NucleusWatch

    return NucleusWatch(nucleus, troubles)


def _wait_for(bundle: Path, stop: threading.Event, troubles: "Troubles") -> bool:
    """Wait until a bundle is there; False where the end came first.

    Raises:
        ArtifactError: If it does not come.
    """
    about, deadline_s = "the bundle", time.monotonic() + _BUNDLE_WAIT_S
    while not bundle.exists():
        troubles.begin(about, f"{about} {bundle} is not there yet; waiting for it")
        if stop.wait(_LOOK_S):
            return False
        if time.monotonic() >= deadline_s:
            raise ArtifactError(f"there is no file {bundle}", hint="is the component of the model deployed?")
    troubles.end(about)
    return True


def tell(line: str) -> None:
    """A line for people, even where nobody reads them any more."""
    with suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)
