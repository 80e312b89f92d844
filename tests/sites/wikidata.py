"""Wikidata's query service in its own shape: SPARQL JSON, answered by what the query asks."""

import re
from collections.abc import Mapping
from typing import Any

from sites.invented import Invented
from sites.server import Asked, Handler, Reply, as_json

FILM = "Q900000"


def cell(value: object, *, language: str = "", uri: bool = False) -> dict[str, str]:
    """One value of a row."""
    kind = {"type": "uri"} if uri else {"type": "literal"}
    return kind | ({"xml:lang": language} if language else {}) | {"value": str(value)}


def entity(qid: str) -> dict[str, str]:
    """A reference to an item."""
    return cell(f"http://www.wikidata.org/entity/{qid}", uri=True)


def row(person: Invented, /, **more: Mapping[str, str]) -> dict[str, Any]:
    """A person's row in the answer to the query for actors, or for a cast."""
    return {
        "person": entity(person.qid),
        "sitelinks": cell(person.fame),
        "kind": entity("Q5"),
        "en": cell(person.name, language="en"),
        "imdb": cell(person.imdb),
        "tmdb": cell(person.tmdb),
        "born": cell("1970-01-01T00:00:00Z"),
        **more,
    }


def film_row(qid: str = FILM, name: str = "The Long Tide", date: str = "1999-05-01", fame: int = 40) -> dict[str, Any]:
    """A film's row in the answer to the query for films."""
    return {
        "film": entity(qid),
        "sitelinks": cell(fame),
        "name": cell(name, language="en"),
        "date": cell(f"{date}T00:00:00Z"),
    }


def answer(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A whole answer."""
    columns = list(dict.fromkeys(name for one in rows for name in one))
    return {"head": {"vars": columns}, "results": {"bindings": rows}}


def query_service(people: list[Invented]) -> Handler:
    """Answers the query for actors: fewest sitelinks and the limit are kept to."""

    def handle(asked: Asked) -> Reply:
        query = asked.query["query"]
        if "wdt:P161 ?person" in query:
            return as_json(answer([row(person) for person in people]))
        if "wdt:P161" in query:
            return as_json(answer([film_row()] if '"The Long Tide"@en' in query else []))
        floor, limit = re.search(r"sitelinks >= (\d+)", query), re.search(r"LIMIT (\d+)", query)
        assert floor and limit
        known = [person for person in people if person.fame >= int(floor[1])]
        return as_json(answer([row(person) for person in known[: int(limit[1])]]))

    return handle
