"""``actorrec compare``: are two photos of one person?"""

from pathlib import Path
from typing import Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.nets import net_flags
from actorrec.cli.options import DetectorOption, EmbedderOption
from actorrec.cli.session import Session

PhotoArgument = Annotated[Path, typer.Argument(help="A photo; its main face counts.")]


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "compare")
    def compare(
        session: Session,
        a: PhotoArgument,
        b: PhotoArgument,
        detector: DetectorOption = None,
        embedder: EmbedderOption = None,
    ) -> None:
        """Say whether two photos show one person, with cosine, Euclidean distance and probability."""
        from actorrec.errors import FrameSourceError
        from actorrec.inference.compare import compare as compare_pictures
        from actorrec.recognition.model_loader import recogniser_without_people

        config = session.settings(net_flags(detector=detector, embedder=embedder))
        found = compare_pictures(a, b, recogniser_without_people(config, progress=session.progress), config.inference)
        if found.error is not None and not session.as_json:
            raise FrameSourceError(found.error, hint="use photos that show one clear face")
        verdict = "the same person" if found.same_person else "not the same person"
        grounds = "" if found.calibrated else ", a rough guess: this embedder has no score model"
        line = (
            f"{verdict}: probability {found.probability:.1%}{grounds} "
            f"(cosine {found.cosine:.3f}, Euclidean distance {found.euclidean:.3f})"
            if found.error is None
            else ""
        )
        session.result(found, line)
        if found.error is not None:
            raise typer.Exit(1)
