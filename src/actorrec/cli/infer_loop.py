"""``actorrec infer --loop``: looking again and again, by hand or as a component of Greengrass."""

import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from actorrec.cli.bundles import bundle_with_record
from actorrec.cli.session import Session, printable
from actorrec.cli.stopping import asked_to_stop
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.inference.bundle_shelf import BundleShelf
    from actorrec.inference.component import ComponentPlan
    from actorrec.inference.greengrass_ipc import GreengrassIpc
    from actorrec.inference.loop import LoopPlan, Surroundings
    from actorrec.inference.publishers import Publisher
    from actorrec.inference.running_bundle import RunningBundle
    from actorrec.inference.troubles import Troubles

_INSTALLED_DEFAULTS: Final = "share/actorrec/component.json"
"""Below the environment that the component's own installer makes."""

LoopOption = Annotated[bool, typer.Option("--loop", help="Look again and again; one JSON line for each event.")]
IntervalOption = Annotated[
    float | None,
    typer.Option(help="Of --loop: seconds from one look to the next.", min=0.1, max=86400, show_default=False),
]
CountOption = Annotated[
    int | None, typer.Option(help="Of --loop: end after so many rounds.", min=1, show_default=False)
]
GreengrassOption = Annotated[
    bool, typer.Option("--greengrass", help="Of --loop: as a component of Greengrass, whose configuration goes.")
]
DefaultsOption = Annotated[
    Path | None,
    typer.Option(
        help="Of --greengrass: the component.json; by default the installed one.", metavar="FILE", show_default=False
    ),
]
WorkOption = Annotated[
    Path | None,
    typer.Option(help="Of --greengrass: where the last good bundles are kept.", metavar="DIR", show_default=False),
]


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """The options of ``--loop``.

    Attributes:
        sources: Named on the command line; they go before those of the configuration.
        bundle: As in ``--bundle``.
        interval_s: Goes before the configuration; None for what that says.
        rounds: End after so many; None for never.
        greengrass: Whether this is a component.
        defaults: The component's ``component.json``.
        work: Folder for what is kept between runs.
    """

    sources: tuple[str, ...]
    bundle: str
    interval_s: float | None = None
    rounds: int | None = None
    greengrass: bool = False
    defaults: Path | None = None
    work: Path | None = None

    def refuse_without_loop(self) -> None:
        """Without --loop there must be pictures, and no option of it.

        Raises:
            ConfigError: If it is otherwise.
        """
        given = {"--interval": self.interval_s, "--count": self.rounds, "--greengrass": self.greengrass}
        refuse("infer without --loop", given | {"--defaults": self.defaults, "--work": self.work})
        _need_sources(self)


def refuse(what: str, given: Mapping[str, object]) -> None:
    """Refuse options that do not go with something.

    Raises:
        ConfigError: If one of them is given.
    """
    for option, value in given.items():
        if value is not None and value is not False:
            raise ConfigError(f"{option} does not go with {what}")


def run_loop(session: Session, options: LoopOptions) -> None:
    """Look again and again until Ctrl-C or SIGTERM, which end it with exit code 0.

    Raises:
        ConfigError: If there is nothing to look at.
        ArtifactError: If there is no such bundle.
        ModelContractError: If this version cannot run it.
    """
    if not options.greengrass:
        refuse("--loop without --greengrass", {"--defaults": options.defaults, "--work": options.work})
        _need_sources(options)
    with asked_to_stop() as stop, ExitStack() as held:
        from actorrec.inference.event_writer import MAX_MESSAGE_BYTES, EventWriter, device_name
        from actorrec.inference.loop import InferenceLoop, Surroundings
        from actorrec.inference.publishers import FanOut
        from actorrec.inference.troubles import Troubles

        troubles = Troubles(_tell)
        nucleus = _nucleus() if options.greengrass else None
        out = held.enter_context(FanOut(_publishers(nucleus), troubles))
        component = _component(options, nucleus, troubles) if options.greengrass else None
        plan = component.first() if component else _plan_by_hand(session, options)
        live = _live(session, options.bundle)
        writer = EventWriter(device_name(), live.model, max_bytes=MAX_MESSAGE_BYTES if component else None)
        if session.settings().unknowns.keep:
            _tell("unknowns.keep is on, but faces without a name are not kept with --loop")
        limits = session.settings().inference
        around = _around(options, live, limits.threads, component) if component else Surroundings()
        loop = InferenceLoop(live, writer, out, limits, troubles, around)
        loop.run(plan, stop, rounds=options.rounds)


def _need_sources(options: LoopOptions) -> None:
    if not options.sources:
        raise ConfigError("name a picture, a folder or a glob", hint="actorrec infer PICTURE…")


def _nucleus() -> "GreengrassIpc | None":
    from actorrec.inference.greengrass_ipc import GreengrassIpc, under_nucleus

    if under_nucleus():
        return GreengrassIpc()
    _tell("no nucleus started this program: the defaults are its configuration, and events go to standard output alone")
    return None


def _publishers(nucleus: "GreengrassIpc | None") -> "list[Publisher]":
    """Standard output; with a nucleus AWS IoT Core too, and the device itself, for client devices."""
    from actorrec.inference.greengrass_ipc import LocalTopics
    from actorrec.inference.publishers import StdoutPublisher

    if nucleus is None:
        return [StdoutPublisher()]
    return [StdoutPublisher(), nucleus, LocalTopics(nucleus)]


def _component(options: LoopOptions, nucleus: "GreengrassIpc | None", troubles: "Troubles") -> "ComponentPlan":
    from actorrec.inference.component import CommandLine, ComponentPlan, read_defaults
    from actorrec.manifests.component_settings import ComponentSettings

    installed = Path(sys.prefix) / _INSTALLED_DEFAULTS
    path = options.defaults or (installed if installed.is_file() else None)
    defaults = ComponentSettings() if path is None else read_defaults(path, troubles)
    program = None if path is None else path.absolute().parent
    return ComponentPlan(defaults, program, nucleus, CommandLine(options.sources, options.interval_s), troubles)


def _plan_by_hand(session: Session, options: LoopOptions) -> "LoopPlan":
    from actorrec.inference.loop import LoopPlan

    settings = session.settings()
    return LoopPlan(
        sources=options.sources,
        interval_s=options.interval_s or settings.greengrass.inference_interval_s,
        health_s=settings.greengrass.health_s,
        topic=settings.cloud.results_topic,
    )


def _live(session: Session, reference: str) -> "RunningBundle":
    from actorrec.artifacts.catalog import file_name
    from actorrec.inference.running_bundle import run_bundle

    path, name = Path(reference), ""
    if path.suffix != ".zip":
        bundle, manifest = bundle_with_record(session, reference)
        assert manifest is not None
        path, name = session.store.local_path(file_name(manifest, manifest.bundle_file)), bundle.name
    return run_bundle(path, name=name, num_threads=session.settings().inference.threads)


def _around(options: LoopOptions, live: "RunningBundle", threads: int, component: "ComponentPlan") -> "Surroundings":
    from actorrec.inference.good_bundles import GoodBundles
    from actorrec.inference.loop import Surroundings

    good = GoodBundles(_shelf(options), live, num_threads=threads, troubles=component.troubles)
    return Surroundings(newer_plan=component.newer, on_good=good.keep, open_shadow=good.shadow)


def _shelf(options: LoopOptions) -> "BundleShelf | None":
    from actorrec.home import state_folder
    from actorrec.inference.bundle_shelf import BundleShelf
    from actorrec.inference.greengrass_ipc import under_nucleus

    if options.work is not None:
        return BundleShelf(options.work / "bundles")
    if under_nucleus():  # every nucleus starts a component in its work folder
        return BundleShelf(Path("bundles"))
    try:
        return BundleShelf(state_folder("device") / "bundles")
    except ConfigError:
        return None  # a user without a home folder


def _tell(line: str) -> None:
    """A line for people, even where nobody reads them any more."""
    with suppress(OSError):
        print(printable(line), file=sys.stderr, flush=True)
