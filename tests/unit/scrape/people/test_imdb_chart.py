import json
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import SourceError
from actorrec.scrape.people.imdb_chart import Chart, parse_graphql, parse_page, parse_saved
from sites import imdb
from sites.invented import Invented, invented

PEOPLE = invented(6)


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def names(chart: Chart) -> list[str]:
    return [person.name for person in chart.actors if person]


def test_an_empty_chart() -> None:
    assert parse_graphql(dumped(imdb.graphql([]))) == Chart(0, [])
    assert parse_page(imdb.page(imdb.next_data([]))) == Chart(0, [])
    assert parse_page(imdb.page(imdb.search_data([]))) == Chart(0, [])


@pytest.mark.parametrize(
    "body",
    [
        dumped(imdb.graphql(PEOPLE)),
        b"\xef\xbb\xbf \n" + dumped(imdb.graphql(PEOPLE)),
        dumped(imdb.next_data(PEOPLE)),
        imdb.page(imdb.next_data(PEOPLE)),
        b"\n<!-- saved from url -->" + imdb.page(imdb.next_data(PEOPLE)),
        b"<?xml version='1.0'?>" + imdb.page(imdb.next_data(PEOPLE)),
    ],
    ids=["graphql", "bom", "page-json", "page", "saved", "xhtml"],
)
def test_actors_in_order_from_any_kind_of_file(body: bytes) -> None:
    chart = parse_saved(body)
    assert names(chart) == [person.name for person in PEOPLE]
    assert chart.names == 7


def test_trades_under_either_name() -> None:
    data = imdb.next_data(PEOPLE)
    for edge in data["props"]["pageProps"]["pageData"]["chartNames"]["edges"]:
        edge["node"]["professions"] = edge["node"].pop("creditCategories")
    assert len(parse_page(imdb.page(data)).actors) == 6


def test_only_those_who_act() -> None:
    one = Invented("Ann", 1, 1)
    trades = [("Actor",), ("Director", "actress"), ("Actor's Agent",), ("Stunts",), ()]
    nodes = [imdb.node(one, *some) | {"creditCategories": imdb.jobs(*some)} for some in trades]
    chart = parse_graphql(dumped({"data": {"chartNames": {"edges": [{"node": node} for node in nodes]}}}))
    assert (chart.names, len(chart.actors)) == (5, 2)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "script#__NEXT_DATA__"),
        (b"<html></html>", "script#__NEXT_DATA__"),
        (b"<p id=__NEXT_DATA__>{}</p>", "script#__NEXT_DATA__"),
        (b"__NEXT_DATA__.html", "script#__NEXT_DATA__"),
        (b'<script id="__NEXT_DATA__"></script>', "empty"),
        (b'<script id="__NEXT_DATA__">{"props": {</script>', "not JSON"),
        (imdb.page({"props": {"pageProps": {}}}), "'props.pageProps.pageData.chartNames'"),
        (imdb.page({"props": {"pageProps": {"pageData": {"chartTitles": {}}}}}), "chartNames"),
        (b"{}", "'data'"),
        (dumped({"data": None, "errors": [{"message": "no such\nfield"}]}), "'chartNames': no such field"),
        (dumped(imdb.graphql([Invented("x", 10**12, 1)])), "data.chartNames.edges.0.node.id")
    ],
)  # fmt: skip
def test_what_is_no_chart(body: bytes, said: str) -> None:
    with pytest.raises(SourceError) as raised:
        parse_saved(body)
    assert said in raised.value.message
    assert "\n" not in raised.value.in_full


def test_a_page_of_a_million_tags_is_not_kept(tmp_path: Path) -> None:
    body = b"<a><b>" * 100_000 + imdb.page(imdb.next_data(PEOPLE))
    assert len(parse_page(body).actors) == 6
