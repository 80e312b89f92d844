"""``actorrec review``: a page on this machine where a person looks at a data set and puts it right."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.options import DatasetArgument
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.review.board import Board
    from actorrec.review.unknowns import UnknownsDesk


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "review")
    def review(
        session: Session,
        dataset: DatasetArgument = "newest",
        port: Annotated[int | None, typer.Option(help="Of the page; 0 takes a free one.", show_default=False)] = None,
        no_browser: Annotated[bool, typer.Option("--no-browser", help="Only print the address.")] = False,
    ) -> None:
        """Serve a page, to this machine alone, on which a person puts the faces of a data set right."""
        config = session.settings({"review.port": port})
        from actorrec.review.app import review_app
        from actorrec.review.serve import serve

        desk = _desk(session, config)
        board = _board(session, dataset, desk)

        def started(url: str) -> None:
            session.result({"url": url}, url)
            sys.stdout.flush()
            session.say("This address is a key: do not pass it on. Ctrl-C ends the page.")
            if not no_browser and _has_browser():
                _open(url)

        serve(review_app(board, desk), config.review.port, started)
        _end(session, board)


def _board(session: Session, dataset: str, desk: "UnknownsDesk") -> "Board | None":
    """The data set; None where there is none yet, but unknown faces are."""
    from actorrec.artifacts.catalog import load_manifest, manifests
    from actorrec.manifests.dataset import DatasetManifest
    from actorrec.review.board import Board

    none_yet = dataset == "newest" and next(iter(manifests(session.store, DatasetManifest)), None) is None
    if none_yet and desk.shelf.faces():
        return None
    return Board(session.store, load_manifest(session.store, DatasetManifest, dataset))


def _desk(session: Session, config: "Config") -> "UnknownsDesk":
    from actorrec.artifacts.catalog import manifests
    from actorrec.artifacts.unknowns import UnknownShelf
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.review.unknowns import UnknownsDesk

    def enrol(name: str, face_ids: list[str]) -> str:
        from actorrec.enrolment.from_unknowns import enrol_unknowns

        report = enrol_unknowns(session.store, config, name, face_ids, session.progress)
        learned = sum(photo.outcome == "enrolled" for photo in report.photos)
        return f"{report.manifest.ref}: {learned} of {len(report.photos)} faces enrolled as {name}"

    def names() -> list[str]:
        bundles = list(manifests(session.store, BundleManifest))
        return sorted({person.name for person in bundles[-1].card.people}) if bundles else []

    return UnknownsDesk(UnknownShelf(session.store), enrol, names, config.unknowns.keep)


def _end(session: Session, board: "Board | None") -> None:
    if board is None:
        return
    waiting = board.changed()
    session.say(f"{board.made} change{'' if board.made == 1 else 's'} made")
    if waiting:
        what = "1 picture stands" if waiting == 1 else f"{waiting} pictures stand"
        session.say(f"{what} otherwise than in {board.manifest.ref}; to apply:")
        session.say(f"  {board.apply_command}")


def _has_browser() -> bool:
    """Whether a browser is likely to open before the person who typed the command."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("CI") or not sys.stderr.isatty():
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    """Open it without waiting; the address is printed anyway."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()
