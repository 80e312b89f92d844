"""IMDb in its own shapes: the GraphQL answer, the chart's page, pages of the name search, and its challenge."""

import json
from typing import Any

from sites.invented import Invented
from sites.server import Asked, Handler, Reply, as_json


def jobs(*names: str) -> list[dict[str, Any]]:
    """Trades as the interface tells them."""
    return [{"category": {"text": name}} for name in names]


def node(person: Invented, *trades: str) -> dict[str, Any]:
    """A name of a chart."""
    return {
        "id": person.imdb,
        "nameText": {"text": person.name},
        "creditCategories": jobs(*(trades or ("Actress", "Producer"))),
    }


def director(number: int) -> dict[str, Any]:
    """A name of a chart who does not act."""
    return node(Invented(f"Dirk Regisseur {number}", 5_000_000 + number, 1), "Director", "Writer")


def chart(people: list[Invented]) -> dict[str, Any]:
    """``chartNames``, with one who does not act after every five who do."""
    nodes: list[dict[str, Any]] = []
    for index, person in enumerate(people):
        nodes.append(node(person, "Actor" if index % 2 else "Actress", "Producer"))
        if index % 5 == 4:
            nodes.append(director(index))
    return {"edges": [{"node": one} for one in nodes]}


def graphql(people: list[Invented]) -> dict[str, Any]:
    """The interface's answer."""
    return {"data": {"chartNames": chart(people)}}


def next_data(people: list[Invented]) -> dict[str, Any]:
    """What the chart's page holds."""
    return {"props": {"pageProps": {"pageData": {"chartNames": chart(people)}}}, "page": "/chart/[chartType]"}


def search_data(people: list[Invented]) -> dict[str, Any]:
    """What a page of the name search holds."""
    items = [
        {"nameId": person.imdb, "nameText": person.name, "primaryProfessions": ["Actor", "Writer"]} for person in people
    ]
    return {"props": {"pageProps": {"searchResults": {"nameResults": {"nameListItems": items}}}}}


def page(data: Any) -> bytes:
    """A page around such data, with a picture whose ``alt`` is no name."""
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")
    return (
        "<!DOCTYPE html><html><head><title>Names</title>"
        '<script>document.getElementById("__NEXT_DATA__")</script></head>'
        '<body><img alt="Advertisement Person" src="/a.jpg"><ul><li>'
        f'<script id="__NEXT_DATA__" type="application/json">{text}</script></body></html>'
    ).encode()


def html(data: Any) -> Reply:
    """A page, served."""
    return Reply(page(data), content_type="text/html; charset=utf-8")


def challenge(asked: Asked) -> Reply:
    """What plain programs get since 2026."""
    del asked
    return Reply(b"", 202, "text/html", {"x-amzn-waf-action": "challenge"})


def name_search(people: list[Invented]) -> Handler:
    """Pages of ``count`` from ``start`` on."""

    def handle(asked: Asked) -> Reply:
        start, count = int(asked.query["start"]) - 1, int(asked.query["count"])
        return html(search_data(people[start : start + count]))

    return handle


def interface(people: list[Invented]) -> Handler:
    """The GraphQL interface: POST, JSON, with the headers it wants."""

    def handle(asked: Asked) -> Reply:
        wanted = asked.method == "POST" and asked.headers.get("x-imdb-client-name") and asked.headers.get("referer")
        if not wanted or asked.headers.get("content-type") != "application/json":
            return Reply(b"Forbidden", 403)
        assert "MOST_POPULAR_NAMES" in json.loads(asked.body)["query"]
        return as_json(graphql(people))

    return handle
