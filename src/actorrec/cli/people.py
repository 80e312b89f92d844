"""``actorrec forget`` and ``actorrec people``: who the newest bundle knows."""

from typing import Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session

people_app = typer.Typer(help="List, rename and merge the people of the newest bundle.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(help="A person's name or id.")]


@command(people_app, "ls")
def ls(session: Session) -> None:
    """List who the newest bundle knows."""
    from actorrec.cli.bundles import chosen_bundle
    from actorrec.enrolment.people import list_people

    rows = list_people(chosen_bundle(session, "newest"))
    if session.as_json:
        session.result([row.model_dump(mode="json") for row in rows])
        return
    session.table("people", ("person id", "name", "photos"), [(row.person_id, row.name, row.photos) for row in rows])


@command(people_app, "rename")
def rename(
    session: Session, name: NameArgument, new_name: Annotated[str, typer.Argument(help="What to call them.")]
) -> None:
    """Give a person another name."""
    from actorrec.enrolment.people import rename as rename_person

    manifest = rename_person(session.store, session.settings(), name, new_name)
    session.result({"bundle": manifest.ref, "renamed": name, "to": new_name}, f"{manifest.ref}: {name} is {new_name}")


@command(people_app, "merge")
def merge(
    session: Session,
    name: NameArgument,
    into: Annotated[str, typer.Argument(help="Who they really are; keeps this name.")],
) -> None:
    """Make two people one."""
    from actorrec.enrolment.people import merge as merge_people

    manifest = merge_people(session.store, session.settings(), name, into)
    session.result({"bundle": manifest.ref, "merged": name, "into": into}, f"{manifest.ref}: {name} is now {into}")


def register(app: typer.Typer) -> None:
    """Add these commands."""

    @command(app, "forget")
    def forget(
        session: Session,
        name: Annotated[str | None, typer.Argument(help="A person's name or id.", show_default=False)] = None,
        everywhere: Annotated[
            bool, typer.Option("--everywhere", help="Also delete older bundles of the store that know them.")
        ] = False,
        unknowns: Annotated[
            bool, typer.Option("--unknowns", help="Instead of a person, delete every unknown face that `infer` kept.")
        ] = False,
    ) -> None:
        """Take a person out of the newest bundle: prototype, photo embeddings and picture names."""
        from actorrec.errors import ConfigError

        if unknowns == (name is not None):
            raise ConfigError("give either NAME or --unknowns", hint="list who is known: actorrec people ls")
        if name is None:
            _forget_unknowns(session)
        else:
            _forget_person(session, name, everywhere=everywhere)

    app.add_typer(people_app, name="people")


def _forget_unknowns(session: Session) -> None:
    from actorrec.artifacts.unknowns import UnknownShelf

    count = UnknownShelf(session.store).clear()
    session.result({"unknowns_deleted": count}, f"deleted {count} unknown faces of {session.store.uri}")


def _forget_person(session: Session, name: str, *, everywhere: bool) -> None:
    from actorrec.enrolment.people import forget

    report = forget(session.store, session.settings(), name, everywhere=everywhere)
    if report.still_held_by:
        session.say("still known to: " + ", ".join(report.still_held_by))
        if not everywhere:
            session.say("`actorrec forget NAME --everywhere` deletes the bundles among them")
    if report.head_remains:
        session.say("the net was trained with this person: train again without them to take that out too")
    summary = {
        "bundle": report.manifest.ref,
        "forgotten": report.person.person_id,
        "deleted": list(report.deleted),
        "still_held_by": list(report.still_held_by),
        "head_remains": report.head_remains,
    }
    session.result(summary, f"{report.manifest.ref}: forgot {report.person.name}")
