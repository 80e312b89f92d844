"""``actorrec enroll``: teach a bundle somebody, from one photo up, without training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.nets import net_flags
from actorrec.cli.options import DetectorOption, EmbedderOption, TargetFpirOption
from actorrec.cli.session import Session
from actorrec.cli.threshold import threshold_line

if TYPE_CHECKING:
    from actorrec.enrolment.enrol import EnrolReport


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "enroll")
    def enroll(
        session: Session,
        name: Annotated[str | None, typer.Argument(help="Who it is.", show_default=False)] = None,
        photos: Annotated[list[Path] | None, typer.Argument(help="Photos or folders of photos of them.")] = None,
        from_folder: Annotated[
            Path | None, typer.Option("--from", help="Enrol everybody of a folder per person.", show_default=False)
        ] = None,
        detector: DetectorOption = None,
        embedder: EmbedderOption = None,
        target_fpir: TargetFpirOption = None,
    ) -> None:
        """Add a person, or more photos of one, to the newest bundle; starts a bundle where there is none."""
        from actorrec.enrolment.enrol import enrol

        flags = {**net_flags(detector=detector, embedder=embedder), "calibration.target_fpir": target_fpir}
        config = session.settings(flags)
        people = _people(name, photos or [], from_folder)
        _tell(session, enrol(session.store, config, people, progress=session.progress))


def _people(name: str | None, photos: list[Path], folder: Path | None) -> dict[str, list[Path]]:
    from actorrec.errors import ConfigError, DataError
    from actorrec.vision.listing import readable

    if folder is not None:
        if name is not None or photos:
            raise ConfigError("give either NAME and PHOTOS or --from FOLDER, not both")
        people = {readable(person.name): _pictures(person) for person in sorted(_folders(folder))}
        if not any(people.values()):
            raise DataError(f"{folder} holds no folder with pictures", hint="it must hold a folder for each person")
        return {person: found for person, found in people.items() if found}
    if name is None or not photos:
        raise ConfigError("nobody to enrol", hint="actorrec enroll NAME PHOTO…, or actorrec enroll --from FOLDER")
    found = [path for photo in photos for path in (_pictures(photo) if photo.is_dir() else [photo])]
    if not found:
        raise DataError(f"no pictures in {', '.join(map(str, photos))}", hint="give photos, or folders that hold some")
    return {name: found}


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]


def _pictures(folder: Path) -> list[Path]:
    from actorrec.vision.listing import list_pictures

    closed: list[OSError] = []
    pictures = list_pictures(folder, on_error=closed.append)
    # A folder that cannot be listed goes along as a photo that cannot be read: counted and named like one.
    return pictures + [Path(error.filename) for error in closed]


def _tell(session: Session, report: "EnrolReport") -> None:
    rows = [
        (photo.path, photo.outcome, "; ".join(filter(None, [photo.detail, *photo.warnings])))
        for photo in report.photos
        if photo.outcome != "enrolled" or photo.warnings
    ]
    session.table("look at these", ("photo", "outcome", "why"), rows)
    card = report.manifest.card
    session.say(threshold_line(card.calibration))
    enrolled = sum(photo.outcome == "enrolled" for photo in report.photos)
    summary = {
        "bundle": report.manifest.ref,
        "content_digest": report.manifest.content_digest(),
        "changed": report.changed,
        "people": len(card.people),
        "enrolled": enrolled,
        "photos": [photo.model_dump(mode="json") for photo in report.photos],
    }
    line = f"{report.manifest.ref}: {enrolled} of {len(report.photos)} photos enrolled, knows {len(card.people)} people"
    session.result(summary, line)
