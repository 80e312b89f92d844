import json
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError, SourceError
from actorrec.scrape.contact import check_contact
from actorrec.scrape.people.wikidata import actors_query, parse_people
from actorrec.scrape.people.wikidata_cast import cast_query, films_query, parse_films
from actorrec.sections import FetchSection
from sites.invented import Invented, invented
from sites.wikidata import answer, cell, film_row, row


def body(*rows: dict[str, Any]) -> bytes:
    return json.dumps(answer(list(rows))).encode()


def test_no_rows() -> None:
    assert parse_people(body()) == []
    assert parse_films(body()) == []


def test_order_is_sitelinks_then_number() -> None:
    people = [Invented("C", 30, 9), Invented("A", 200, 70), Invented("B", 9, 9)]
    found = parse_people(body(*map(row, people)))
    assert [person.name for person in found if person] == ["A", "B", "C"]


def test_a_person_in_several_rows_is_one() -> None:
    (one,) = invented(1)
    rows = [row(one, imdb=cell("nm90000009")), row(one), row(one, imdb=cell("co0000001"))]
    (person,) = parse_people(body(*rows))
    assert person is not None
    assert person.external_ids == {"wikidata": "Q900000001", "tmdb": "90000001"}
    (person,) = parse_people(body(*rows[:2]))
    assert person is not None
    assert person.external_ids["imdb"] == "nm90000001"


def test_the_label_for_all_languages_serves_where_there_is_no_english_one() -> None:
    one, two = row(invented(2)[0]), row(invented(2)[1])
    del one["en"]
    one["mul"] = cell("Mul Tilingual", language="mul")
    assert [person and person.name for person in parse_people(body(one, two))] == ["Mul Tilingual", "Bréndan Quillmark"]
    del one["mul"]
    assert parse_people(body(one, two))[0] is None


@pytest.mark.parametrize(
    ("born", "kept"),
    [
        ("1850-01-01T00:00:00Z", True),
        ("1849-12-31T00:00:00Z", False),
        ("1564-04-01T00:00:00Z", False),
        ("-0496-01-01T00:00:00Z", False),
        ("http://www.wikidata.org/.well-known/genid/abc", True),
        ("", True),
        ("99999999999999999999-01-01", True),
    ],
)
def test_people_of_before_photography_are_passed_over(born: str, kept: bool) -> None:
    assert len(parse_people(body(row(invented(1)[0], born=cell(born))))) == int(kept)


def test_who_is_no_human_is_passed_over() -> None:
    people = invented(3)
    dog = {column: value for column, value in row(people[0]).items() if column != "kind"}
    found = parse_people(body(dog, row(people[1]), row(people[2])))
    assert [person and person.name for person in found] == [person.name for person in people[1:]]


@pytest.mark.parametrize(
    "value",
    [
        "http://www.wikidata.org/entity/P31",
        "x",
        "http://evil.example/entity/Q1",
        "Q1",
        "http://www.wikidata.org/entity/Q1" + "0" * 5000,
    ],
)
def test_what_is_no_item_is_an_error(value: str) -> None:
    with pytest.raises(SourceError, match=r"results\.bindings\.0\.person\.value"):
        parse_people(body(row(invented(1)[0], person=cell(value, uri=True))))


def test_queries_keep_to_standard_sparql() -> None:
    for query in (
        actors_query(100, 60),
        films_query("Q1"),
        films_query("tt0000001"),
        films_query("x"),
        cast_query("Q1"),
    ):
        assert "hint:" not in query
        assert "SERVICE" not in query
        assert query.count("{") == query.count("}")
        used = {name.split(":")[0] for name in query.replace("{", " ").replace("^", " ").split() if ":" in name}
        for prefix in used & {"wd", "wdt", "wikibase", "rdfs", "schema", "xsd"}:
            assert f"PREFIX {prefix}:" in query


def test_more_are_asked_for_than_wanted() -> None:
    assert "LIMIT 140 " in actors_query(100, 60)
    assert "wd:Q33999 " in actors_query(100, 60)
    assert "Q2405480" not in actors_query(100, 60)


@pytest.mark.parametrize(
    ("title", "literal"),
    [
        ("Alien", '?film rdfs:label "Alien"@en .'),
        ('"} DROP ALL #', '"\\"} DROP ALL #"@en'),
        ("back\\", '"back\\\\"@en'),
        ("two\nlines", '"two lines"@en'),
    ],
)
def test_a_title_cannot_leave_its_quotes(title: str, literal: str) -> None:
    assert literal in films_query(title)


def test_films_best_known_first_each_once_with_its_first_date() -> None:
    rows = [
        film_row("Q9", "X", "2001-01-01", 5),
        film_row("Q8", "X", "1999-05-02", 50),
        film_row("Q8", "X", "1999-05-01", 50),
    ]
    assert [film.shown for film in parse_films(body(*rows))] == ["'X' (1999, Q8)", "'X' (2001, Q9)"]


def test_wikimedia_is_not_asked_without_a_contact() -> None:
    check_contact("http://127.0.0.1:1/sparql", Config())
    check_contact("https://query.wikidata.org/sparql", Config(fetch=FetchSection(contact="me@example.org")))
    with pytest.raises(ConfigError, match=r"fetch\.contact") as raised:
        check_contact("https://query.wikidata.org/sparql", Config())
    assert "ACTORREC_FETCH__CONTACT" in raised.value.hint
