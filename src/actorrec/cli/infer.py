"""``actorrec infer``: names for the faces of pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.bundles import ConfiguredBundleOption, chosen_bundle
from actorrec.cli.command import command
from actorrec.cli.infer_loop import run_loop
from actorrec.cli.loop_options import (
    CameraOption,
    CountOption,
    DefaultsOption,
    EveryFrameOption,
    GreengrassOption,
    IntervalOption,
    JsonlOption,
    LoopOption,
    LoopOptions,
    MqttOption,
    PreviewOption,
    WorkOption,
    refuse,
)
from actorrec.cli.session import Session, printable, write_json

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.inference.unknowns import UnknownKeeper
    from actorrec.manifests.results import PictureResult
    from actorrec.sections import UnknownsSection

_NEAREST_PHOTOS = 3


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "infer")
    def infer(
        session: Session,
        sources: Annotated[
            list[str] | None, typer.Argument(help="Pictures, folders or globs.", show_default=False)
        ] = None,
        bundle: ConfiguredBundleOption = None,
        annotate: Annotated[
            Path | None, typer.Option(help="Write a copy of each picture with names drawn in.", metavar="DIR")
        ] = None,
        explain: Annotated[bool, typer.Option("--explain", help="Show the nearest gallery photos too.")] = False,
        keep_unknowns: Annotated[
            bool | None,
            typer.Option("--keep-unknowns", help="Keep the faces without a name in the store, for `actorrec review`."),
        ] = None,
        loop: LoopOption = False,
        camera: CameraOption = None,
        every_frame: EveryFrameOption = False,
        interval: IntervalOption = None,
        count: CountOption = None,
        mqtt: MqttOption = None,
        jsonl: JsonlOption = None,
        preview: PreviewOption = False,
        greengrass: GreengrassOption = False,
        defaults: DefaultsOption = None,
        work: WorkOption = None,
    ) -> None:
        """Name the faces of pictures; with --json one line for every input. Exit code 1 if any could not be read.

        With --loop again and again, or through a camera, one JSON line for each event, until Ctrl-C or SIGTERM.
        """
        options = LoopOptions(
            sources=tuple(sources or ()),
            bundle=bundle,
            camera=camera,
            every_frame=every_frame,
            interval_s=interval,
            rounds=count,
            mqtt=mqtt,
            jsonl=jsonl,
            preview=preview,
            greengrass=greengrass,
            defaults=defaults,
            work=work,
        )
        config = session.settings({"unknowns.keep": keep_unknowns, **options.settings})
        if loop:
            refuse("--loop", {"--annotate": annotate, "--explain": explain})
            run_loop(session, options, config)
            return
        options.refuse_without_loop()
        once = _Once(options.sources, bundle or config.inference.bundle, annotate, _NEAREST_PHOTOS if explain else 0)
        if _run_once(session, once, config):
            raise typer.Exit(1)


@dataclass(frozen=True, slots=True)
class _Once:
    sources: tuple[str, ...]
    bundle: str
    annotate: Path | None
    nearest: int


def _run_once(session: Session, once: _Once, config: "Config") -> int:
    """Look at every picture once; how many could not be read."""
    from actorrec.inference.annotate import Annotator
    from actorrec.inference.pictures import recognise_pictures
    from actorrec.recognition.recogniser import load_recogniser

    settings = config.inference
    recogniser = load_recogniser(chosen_bundle(session, once.bundle), num_threads=settings.threads)
    annotator = None if once.annotate is None else Annotator(once.annotate)
    keeper = _keeper(session, config.unknowns, recogniser.model_id) if config.unknowns.keep else None
    names = {person.person_id: person.name for person in recogniser.people}
    failed = 0
    with session.progress.step("recognising", None, "pictures") as step:
        for result in recognise_pictures(
            once.sources, recogniser, settings, explain=once.nearest, on_picture=annotator, on_faces=keeper
        ):
            failed += result.error is not None
            if session.as_json:
                write_json(result)
            else:
                _tell(result, names)
            step.advance()
    if annotator is not None:
        session.say(f"wrote {len(annotator.written)} annotated pictures to {once.annotate}")
    if keeper is not None:
        _tell_kept(session, keeper)
    return failed


def _keeper(session: Session, limits: "UnknownsSection", model_id: str) -> "UnknownKeeper":
    from actorrec.artifacts.unknowns import UnknownShelf
    from actorrec.inference.unknowns import UnknownKeeper

    return UnknownKeeper(UnknownShelf(session.store), limits, model_id)


def _tell_kept(session: Session, keeper: "UnknownKeeper") -> None:
    dropped = f", {keeper.dropped} older ones dropped" if keeper.dropped else ""
    session.say(
        f"kept {keeper.kept} new unknown faces in {session.store.uri}{dropped}; "
        "`actorrec review` shows them, `actorrec forget --unknowns` deletes them"
    )


def _tell(result: "PictureResult", names: dict[str, str]) -> None:
    if result.error is not None:
        print(f"{printable(result.source)}: error: {printable(result.error)}")
        return
    said = ", ".join(face.label for face in result.faces) or "no face"
    print(f"{printable(result.source)}: {printable(said)}")
    for face in result.faces:
        if face.nearest_photos is not None:
            nearest = ", ".join(f"{photo} {similarity:.2f}" for photo, similarity in face.nearest_photos)
            runner_up = names.get(face.runner_up or "", face.runner_up or "nobody")
            print(printable(f"    {face.name or 'unknown'}: nearest {nearest}; runner-up {runner_up}"))
