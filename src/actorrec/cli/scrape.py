"""``actorrec scrape``: a list of actors and pictures of each, politely fetched."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.manifests.images import ImagesManifest, ListedPerson


TopOption = Annotated[int | None, typer.Option(help="How many people; 100 if not said.", show_default=False)]
ImagesOption = Annotated[
    int | None, typer.Option(help="How many pictures of each; 100 if not said.", show_default=False)
]
PeopleOption = Annotated[
    str | None,
    typer.Option(
        help="Who: wikidata (if not said), imdb[:SAVED], imdb-datasets[:FOLDER], tmdb, or a file of names.",
        metavar="SOURCE",
        show_default=False,
    ),
]
CastOfOption = Annotated[
    str | None, typer.Option(help="The cast of this film instead: title or id.", show_default=False)
]
ImagesFromOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Pictures: commons (if not said), tmdb, ddgs, folder:DIR or urls:FILE; "
        "again for the next when one runs short.",
        metavar="SOURCE",
        show_default=False,
    ),
]
TypeOption = Annotated[list[str] | None, typer.Option("--type", help="Only jpg, png, webp, …; may be given again.")]
SizeOption = Annotated[str | None, typer.Option(help="any, small, medium or large.", show_default=False)]
AspectOption = Annotated[str | None, typer.Option(help="any, tall, square, wide or panoramic.", show_default=False)]
ContactOption = Annotated[
    str | None,
    typer.Option(help="Your e-mail address or page; sites are told it, some require it.", show_default=False),
]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Scrape anew what was scraped before.")]
PeopleOnlyOption = Annotated[bool, typer.Option("--people-only", help="List the people; fetch no picture.")]


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "scrape")
    def scrape(
        session: Session,
        top: TopOption = None,
        images: ImagesOption = None,
        people: PeopleOption = None,
        cast_of: CastOfOption = None,
        images_from: ImagesFromOption = None,
        type_: TypeOption = None,
        size: SizeOption = None,
        aspect: AspectOption = None,
        contact: ContactOption = None,
        refresh: RefreshOption = False,
        people_only: PeopleOnlyOption = False,
    ) -> None:
        """Bring people and pictures of them, each with its source, author and licence; goes on where it was."""
        config = session.settings(
            {
                "scrape.top": top,
                "scrape.images": images,
                "scrape.people": people,
                "scrape.cast_of": cast_of,
                "scrape.images_from": images_from or None,
                "scrape.types": type_ or None,
                "scrape.size": size,
                "scrape.aspect": aspect,
                "fetch.contact": contact,
            }
        )
        if people_only:
            from actorrec.scrape.listing import list_people

            _tell_people(session, list_people(config))
            return
        from actorrec.scrape.scrape import scrape as run

        _tell(session, run(config, store=session.store, progress=session.progress, refresh=refresh))


def _tell_people(session: Session, people: "list[ListedPerson]") -> None:
    if session.as_json:
        session.result([listed.model_dump(mode="json") for listed in people])
        return
    for listed in people:
        print(f"{listed.rank}\t{listed.person.person_id}\t{listed.person.name}")


def _tell(session: Session, manifest: "ImagesManifest") -> None:
    names = {listed.person.person_id: listed.person.name for listed in manifest.people}
    rows = [(names[t.person_id], t.asked, t.got, t.asked - t.got or "", t.short_because) for t in manifest.tallies]
    session.table("pictures", ("person", "asked", "got", "short", "why"), rows)
    failed: Counter[str] = Counter()
    for tally in manifest.tallies:
        failed.update(tally.failed)
    session.table("not taken", ("why", "candidates"), failed.most_common())
    session.table("failed once, then succeeded", ("why", "requests"), Counter(manifest.recovered).most_common())
    licences = Counter(image.licence for image in manifest.images)
    session.table("licences", ("licence", "pictures"), licences.most_common())
    got, asked = len(manifest.images), sum(tally.asked for tally in manifest.tallies)
    session.say(f"in {session.store.uri}/{manifest.ref}: a folder per person, each with images.jsonl")
    session.say("next: actorrec build-dataset")
    summary = {
        "images": manifest.ref,
        "content_digest": manifest.content_digest(),
        "people": len(manifest.people),
        "asked": asked,
        "got": got,
        "short": asked - got,
        "tallies": [tally.model_dump(mode="json") | {"name": names[tally.person_id]} for tally in manifest.tallies],
        "failed": dict(failed),
        "recovered": manifest.recovered,
        "licences": dict(licences),
    }
    session.result(summary, f"{manifest.ref}: {got} of {asked} pictures of {len(manifest.people)} people")
