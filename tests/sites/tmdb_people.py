"""TMDB's version 3 interface in its own shapes: popular people, films, casts, ids."""

from typing import Any

from sites.invented import Invented
from sites.server import Asked, Handler, Reply, as_json

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJub2JvZHkifQ.c2lnbmVk"
PAGE_SIZE = 20


def popular_person(person: Invented, department: str | None = "Acting") -> dict[str, Any]:
    """An entry of ``/person/popular``."""
    return {
        "adult": False,
        "gender": 1,
        "id": person.tmdb,
        "known_for": [],
        "known_for_department": department,
        "name": person.name,
        "popularity": float(person.fame),
    }


def popular(people: list[dict[str, Any]], page: int) -> dict[str, Any]:
    """A page of them."""
    total = max(1, -(-len(people) // PAGE_SIZE))
    results = people[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    return {"page": page, "results": results, "total_pages": total, "total_results": len(people)}


def movie(number: int, title: str, date: str, popularity: float) -> dict[str, Any]:
    """A film as the search finds it."""
    return {"id": number, "title": title, "release_date": date, "popularity": popularity, "video": False}


def cast_and_crew(people: list[Invented]) -> dict[str, Any]:
    """The cast of a film, not in its order, and a crew."""
    cast = [
        {"id": person.tmdb, "name": person.name, "order": order, "character": "X", "known_for_department": "Acting"}
        for order, person in enumerate(people)
    ]
    return {"id": 603, "cast": cast[::-1], "crew": [{"id": 1, "name": "Dirk Regisseur", "job": "Director"}]}


def keyed(handler: Handler) -> Handler:
    """Only with a key of either kind, given as that kind is."""

    def handle(asked: Asked) -> Reply:
        if asked.query.get("api_key") == KEY or asked.headers.get("authorization") == f"Bearer {TOKEN}":
            return handler(asked)
        return as_json({"status_code": 7, "status_message": "Invalid API key.", "success": False}, 401)

    return handle


def routes(people: list[Invented]) -> dict[str, Handler]:
    """The whole interface: after every ten actors a director, and one of unknown trade, among the popular."""
    entries: list[dict[str, Any]] = []
    for index, person in enumerate(people):
        entries.append(popular_person(person))
        if index % 10 == 9:
            entries.append(popular_person(Invented("Dirk Regisseur", 5_000_000 + index, 1), "Directing"))
            entries.append(popular_person(Invented("Una Nota", 6_000_000 + index, 1), None))
    films = [movie(11, "The Long Tides", "2003-01-01", 90.5), movie(603, "The Long Tide", "1999-05-01", 60.25)]
    by_tmdb = {str(person.tmdb): person for person in people}

    def external_ids(asked: Asked) -> Reply:
        person = by_tmdb.get(asked.path.split("/")[3])
        if person is None:
            return as_json({"success": False, "status_code": 34}, 404)
        return as_json({"id": person.tmdb, "imdb_id": person.imdb, "wikidata_id": person.qid})

    answers: dict[str, Handler] = {
        "/3/person/popular": lambda asked: as_json(popular(entries, int(asked.query["page"]))),
        "/3/person/*": external_ids,
        "/3/search/movie": lambda asked: as_json({"page": 1, "results": films}),
        "/3/find/tt0900603": lambda asked: as_json({"movie_results": films[1:], "person_results": []}),
        "/3/movie/603/credits": lambda asked: as_json(cast_and_crew(people)),
    }
    return {path: keyed(handler) for path, handler in answers.items()}
