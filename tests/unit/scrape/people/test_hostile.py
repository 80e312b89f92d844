"""Whatever stands where in an answer: people with names that can be printed, or one clear error."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorrec.errors import SourceError
from actorrec.manifests.dataset import Person
from actorrec.scrape.people.imdb_chart import parse_graphql, parse_page_json, parse_saved
from actorrec.scrape.people.wikidata import parse_people
from actorrec.scrape.people.wikidata_cast import parse_films
from explored import examples
from sites import imdb, wikidata
from sites.invented import invented

PEOPLE = invented(3)
ROWS = wikidata.answer([wikidata.row(person) for person in PEOPLE])
PARSERS: dict[str, tuple[Callable[[bytes], list[Person | None]], Any]] = {
    "people": (parse_people, ROWS),
    "graphql": (lambda body: parse_graphql(body).actors, imdb.graphql(PEOPLE)),
    "page": (lambda body: parse_page_json(body).actors, imdb.next_data(PEOPLE)),
    "search": (lambda body: parse_page_json(body).actors, imdb.search_data(PEOPLE)),
}
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [so_far, *(path for key in keys for path in paths(value[key], (*so_far, key)))][bool(not so_far) :]


def check(parse: Callable[[bytes], list[Person | None]], body: bytes) -> None:
    try:
        people = parse(body)
    except SourceError as error:
        assert error.message.isprintable(), error.message
        return
    for person in people:
        assert person is None or (person.name.replace("\u200c", "").replace("\u200d", "").isprintable())


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=examples(150), deadline=None)
@given(data=st.data())
def test_something_else_in_its_place(name: str, data: st.DataObject) -> None:
    parse, value = PARSERS[name]
    value = copy.deepcopy(value)
    *steps, last = data.draw(st.sampled_from(paths(value)))
    holder = value
    for step in steps:
        holder = holder[step]
    holder[last] = data.draw(ODD)
    check(parse, json.dumps(value).encode())


@settings(max_examples=examples(200), deadline=None)
@given(body=st.binary(max_size=200), where=st.integers(0, 2000))
def test_bytes_in_the_middle(body: bytes, where: int) -> None:
    whole = imdb.page(imdb.next_data(PEOPLE))
    check(lambda body: parse_saved(body).actors, whole[:where] + body + whole[where:])
    whole = json.dumps(ROWS).encode()
    check(parse_people, whole[:where] + body + whole[where:])


@pytest.mark.parametrize("films", [[{}], [{"film": 1}], [{"film": {"value": "x"}, "sitelinks": {"value": -1}}]])
def test_films_of_another_shape(films: list[Any]) -> None:
    with pytest.raises(SourceError, match=r"results\.bindings\.0\.film"):
        parse_films(json.dumps(wikidata.answer(films)).encode())
