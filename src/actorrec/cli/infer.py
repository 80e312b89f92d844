"""``actorrec infer``: names for the faces of pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.bundles import BundleOption, chosen_bundle
from actorrec.cli.command import command
from actorrec.cli.session import Session, printable, write_json

if TYPE_CHECKING:
    from actorrec.manifests.results import PictureResult

_NEAREST_PHOTOS = 3


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "infer")
    def infer(
        session: Session,
        sources: Annotated[list[str], typer.Argument(help="Pictures, folders or globs.")],
        bundle: BundleOption = "newest",
        annotate: Annotated[
            Path | None, typer.Option(help="Write a copy of each picture with names drawn in.", metavar="DIR")
        ] = None,
        explain: Annotated[bool, typer.Option("--explain", help="Show the nearest gallery photos too.")] = False,
    ) -> None:
        """Name the faces of pictures; with --json one line for every input. Exit code 1 if any could not be read."""
        from actorrec.inference.annotate import Annotator
        from actorrec.inference.pictures import recognise_pictures
        from actorrec.recognition.recogniser import load_recogniser

        settings = session.settings().inference
        recogniser = load_recogniser(chosen_bundle(session, bundle), num_threads=settings.threads)
        annotator = None if annotate is None else Annotator(annotate)
        nearest = _NEAREST_PHOTOS if explain else 0
        names = {person.person_id: person.name for person in recogniser.people}
        failed = 0
        with session.progress.step("recognising", None, "pictures") as step:
            for result in recognise_pictures(sources, recogniser, settings, explain=nearest, on_picture=annotator):
                failed += result.error is not None
                if session.as_json:
                    write_json(result)
                else:
                    _tell(result, names)
                step.advance()
        if annotator is not None:
            session.say(f"wrote {len(annotator.written)} annotated pictures to {annotate}")
        if failed:
            raise typer.Exit(1)


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
