"""A site that changes or refuses: an error that names source, field and other ways, and never half a list."""

import asyncio
import copy
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import ActorRecError, ConfigError, SourceError
from people_sites import CASES, LOOPBACK, Case, config_for, lay, list_people
from sites import imdb, imdb_datasets, tmdb_people, wikidata
from sites.invented import invented
from sites.server import Asked, Handler, Reply, Site, as_json, serve

PEOPLE = invented(8)


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.routes.clear()
    running.asked.clear()
    return running


def refusal(case: Case, site: Site, folder: Path, *, top: int = 5) -> ActorRecError:
    """The error a list ends with."""
    spec = case.spec.format(folder=folder)
    with pytest.raises(ActorRecError) as raised:
        asyncio.run(list_people(spec, config_for(case, site.url), top))
    assert "\n" not in raised.value.in_full
    return raised.value


def changed(value: Any, path: str, change: Callable[[dict[str, Any], str], None]) -> Any:
    """A copy in which ``change(holder, key)`` was made at a path; ``*`` goes through a list."""
    value = copy.deepcopy(value)
    holders = [value]
    *steps, last = path.split(".")
    for step in steps:
        holders = [inner for one in holders for inner in (one if step == "*" else [one[step]])]
    assert holders
    for holder in holders:
        change(holder, last)
    return value


def without(value: Any, path: str) -> Any:
    return changed(value, path, lambda holder, key: holder.pop(key))


def instead(value: Any, path: str, new: Any) -> Any:
    return changed(value, path, lambda holder, key: holder.__setitem__(key, new))


# What each source needs: case, the path of the site that answers, its answer, and each field of it.
ROWS = wikidata.answer([wikidata.row(person) for person in PEOPLE])
FILMS = wikidata.answer([wikidata.film_row()])
POPULAR = tmdb_people.popular([tmdb_people.popular_person(person) for person in PEOPLE], 1)
FOUND = {"results": [tmdb_people.movie(603, "The Long Tide", "1999-05-01", 1.5)]}
NODE = "chartNames.edges.*.node"
NEEDED: list[tuple[str, str, Any, str]] = [
    *(
        ("wikidata", "/sparql", ROWS, path)
        for path in (
            "results",
            "results.bindings",
            "results.bindings.*.person",
            "results.bindings.*.person.value",
            "results.bindings.*.sitelinks",
            "results.bindings.*.kind",
            "results.bindings.*.en",
        )
    ),
    *(
        ("wikidata-cast", "/sparql", FILMS, path)
        for path in ("results", "results.bindings.*.film", "results.bindings.*.sitelinks")
    ),
    *(
        ("imdb-page", "/chart/starmeter/", imdb.next_data(PEOPLE), f"props.pageProps{path}")
        for path in (
            "",
            ".pageData",
            ".pageData.chartNames",
            ".pageData.chartNames.edges",
            f".pageData.{NODE}",
            f".pageData.{NODE}.id",
            f".pageData.{NODE}.nameText",
            f".pageData.{NODE}.nameText.text",
            f".pageData.{NODE}.creditCategories",
        )
    ),
    *(
        ("tmdb", "/3/person/popular", POPULAR, path)
        for path in (
            "results",
            "total_pages",
            "results.*.id",
            "results.*.name",
            "results.*.known_for_department",
        )
    ),
    ("tmdb", "/3/person/*", {"imdb_id": "nm90000001", "wikidata_id": "Q900000001"}, "imdb_id"),
    *(("tmdb-cast", "/3/search/movie", FOUND, path) for path in ("results", "results.*.id", "results.*.title")),
    *(
        ("tmdb-cast", "/3/movie/603/credits", tmdb_people.cast_and_crew(PEOPLE), path)
        for path in ("cast", "cast.*.id", "cast.*.name", "cast.*.order")
    ),
]
EACH_FIELD = pytest.mark.parametrize(
    ("name", "route", "value", "path"), NEEDED, ids=[f"{name}-{route}-{path}" for name, route, _, path in NEEDED]
)


def serve_value(route: str, value: Any) -> Handler:
    return lambda asked: imdb.html(value) if route == "/chart/starmeter/" else as_json(value)


@EACH_FIELD
def test_a_field_that_is_gone(name: str, route: str, value: Any, path: str, site: Site, tmp_path: Path) -> None:
    case = CASES[name]
    lay(case, PEOPLE, site, tmp_path)
    site.routes[route] = serve_value(route, without(value, path))
    error = refusal(case, site, tmp_path)
    assert isinstance(error, SourceError)
    assert error.message.startswith(f"{case.source}: the field '")
    wanted = "chartNames" if path.endswith("pageData") else path.rpartition(".")[2]
    assert f"{wanted}'" in error.message
    assert "--people" in error.hint


OTHER_TYPES: dict[str, Any] = {"null": None, "lists": [[[]]], "object": {"a": {}}, "huge": 10**400}
MAY_BE_NULL = {"known_for_department", "imdb_id"}


@pytest.mark.parametrize(
    ("name", "route", "value", "path", "new"),
    [
        pytest.param(*needed, new, id=f"{needed[0]}-{needed[1]}-{needed[3]}-{kind}")
        for needed in NEEDED
        for kind, new in OTHER_TYPES.items()
        if not (kind == "null" and needed[3].rpartition(".")[2] in MAY_BE_NULL)
    ],
)
def test_a_field_of_another_type(
    name: str, route: str, value: Any, path: str, new: Any, site: Site, tmp_path: Path
) -> None:
    case = CASES[name]
    lay(case, PEOPLE, site, tmp_path)
    site.routes[route] = serve_value(route, instead(value, path, new))
    error = refusal(case, site, tmp_path)
    assert isinstance(error, SourceError)
    assert error.message.startswith(f"{case.source}: ")
    assert "--people" in error.hint


@pytest.mark.parametrize("path", ["data", "data.chartNames", "data.chartNames.edges", f"data.{NODE}.nameText"])
def test_the_interface_changed_and_the_page_did_not(path: str, site: Site, tmp_path: Path) -> None:
    lay(CASES["imdb-page"], PEOPLE, site, tmp_path)
    site.routes["/graphql"] = lambda asked: as_json(without(imdb.graphql(PEOPLE), path))
    listed = asyncio.run(list_people("imdb", config_for(CASES["imdb-page"], site.url), 8))
    assert [one.person.person_id for one in listed] == [person.imdb for person in PEOPLE]


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *(("name.basics", column) for column in ("nconst", "primaryName", "primaryProfession", "knownForTitles")),
        *(("title.ratings", column) for column in ("tconst", "numVotes")),
    ],
)
@pytest.mark.parametrize("source", ["imdb-datasets", "imdb-datasets-folder"])
def test_a_column_that_is_gone(source: str, name: str, field: str, site: Site, tmp_path: Path) -> None:
    lay(CASES[source], PEOPLE, site, tmp_path)
    rows = imdb_datasets.name_rows(PEOPLE) if name == "name.basics" else imdb_datasets.rating_rows(PEOPLE)
    at = list(rows[0]).index(field)
    packed = imdb_datasets.tsv([[*row[:at], *row[at + 1 :]] for row in rows])
    site.routes[f"/{name}.tsv.gz"] = lambda asked: Reply(packed)
    (tmp_path / f"{name}.tsv.gz").write_bytes(packed)
    error = refusal(CASES[source], site, tmp_path)
    assert error.message == (
        f"imdb-datasets: the field '{name}.tsv.gz: {field}' is gone from the answer; the site has changed"
    )
    assert "--people wikidata" in error.hint


REMOTE = {name: case for name, case in CASES.items() if "{folder}" not in case.spec}
ANSWERS: dict[str, Reply] = {
    "empty": Reply(b""),
    "202 and nothing in it": Reply(b"", 202),
    "202, a challenge": Reply(b"", 202, "text/html", {"x-amzn-waf-action": "challenge"}),
    "403": Reply(b"no", 403),
    "404": Reply(b"no", 404),
    "405": Reply(b"no", 405),
    "500": Reply(b"no", 500),
    "a page": Reply(b"<html><body>We are back soon</body></html>", content_type="text/html"),
    "cut off": Reply(b'{"results": {"bindings": [{"person": {"va'),
    "a list": Reply(b"[]"),
    "deep": Reply(b'{"results":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    "deep and unread": Reply(b'{"x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"),
    "no number": Reply(b'{"results": NaN, "data": Infinity, "cast": -Infinity}'),
    "not text": Reply(bytes(range(256))),
    "odd markup": Reply(b"<?xml version='1.0'?><![x[ <script id='__NEXT_DATA__'>{", content_type="text/html"),
    "packed damage": Reply(gzip.compress(b"nconst\n" * 999)[:-9]),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("name", REMOTE)
def test_whatever_a_site_answers_it_is_one_clear_error(name: str, answer: Reply, site: Site, tmp_path: Path) -> None:
    lay(CASES[name], PEOPLE, site, tmp_path)
    site.routes = {"/robots.txt": lambda asked: Reply(b"", 404), "*": lambda asked: answer}
    error = refusal(CASES[name], site, tmp_path)
    assert isinstance(error, SourceError)
    assert error.message.startswith(f"{CASES[name].source}: ")
    assert "--people" in error.hint


@pytest.mark.parametrize(
    "answer",
    [
        imdb.challenge,
        lambda asked: Reply(b"", 202),
        lambda asked: Reply(b"", 200),
        lambda asked: Reply(b"Forbidden", 403),
        lambda asked: Reply(b"", 405),
        lambda asked: Reply(b"<html>x</html>", 200, "text/html", {"x-amzn-waf-action": "captcha"}),
    ],
    ids=["challenge", "202", "empty", "403", "405", "captcha"],
)
@pytest.mark.parametrize("route", ["/graphql", "/chart/starmeter/", "/search/name/"])
def test_imdb_is_asked_nothing_more_once_it_refuses(route: str, answer: Handler, site: Site, tmp_path: Path) -> None:
    many = invented(90)
    site.routes = {
        "/graphql": imdb.interface(many) if route == "/search/name/" else lambda asked: Reply(b"moved", 404),
        "/chart/starmeter/": lambda asked: imdb.html(imdb.next_data(many)),
        "/search/name/": imdb.name_search(many),
        route: answer,
    }
    error = refusal(CASES["imdb-page"], site, tmp_path, top=150)
    assert "IMDb refuses automated reading" in error.message
    for way in ("wikidata", "imdb-datasets", "imdb:saved.html", "file:"):
        assert way in error.hint
    asked = [one.path for one in site.asked if one.path != "/robots.txt"]
    assert asked.count(route) == 1
    assert asked[-1] == route


def test_robots_txt_keeps_us_out_of_imdb(site: Site, tmp_path: Path) -> None:
    site.routes = {
        "/robots.txt": lambda asked: Reply(b"User-agent: *\nDisallow: /\n"),
        "/graphql": imdb.interface(PEOPLE),
        "/chart/starmeter/": lambda asked: imdb.html(imdb.next_data(PEOPLE)),
    }
    assert "robots.txt" in refusal(CASES["imdb-page"], site, tmp_path).message
    assert {one.path for one in site.asked} == {"/robots.txt"}


def test_no_disguise(site: Site, tmp_path: Path) -> None:
    lay(CASES["imdb-interface"], PEOPLE, site, tmp_path)
    asyncio.run(list_people("imdb", config_for(CASES["imdb-interface"], site.url), 3))
    assert all(one.headers["user-agent"].startswith("actorrec/") for one in site.asked)


def test_what_imdb_says_is_wrong_with_the_query_is_logged(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lay(CASES["imdb-page"], PEOPLE, site, tmp_path)
    site.routes["/graphql"] = lambda asked: as_json({"errors": [{"message": "Field 'chartNames' <b>gone</b>\x1b[2J"}]})
    caplog.set_level("INFO")
    asyncio.run(list_people("imdb", config_for(CASES["imdb-page"], site.url), 3))
    assert "Field 'chartNames' gone" in caplog.text
    assert "\x1b" not in caplog.text
    assert "do not permit automated reading" in caplog.text


def test_past_the_chart_imdb_is_searched_by_fifty(site: Site, tmp_path: Path) -> None:
    many = invented(230)
    site.routes = {"/graphql": imdb.interface(many[:84]), "/search/name/": imdb.name_search(many)}
    listed = asyncio.run(list_people("imdb", config_for(CASES["imdb-interface"], site.url), 170))
    wanted = [*many[:84], *many[100:186]]
    assert [one.person.person_id for one in listed] == [person.imdb for person in wanted]
    assert [one.query["start"] for one in site.asked if one.path == "/search/name/"] == ["101", "151"]


def test_a_search_that_begins_again_ends(site: Site, tmp_path: Path) -> None:
    many = invented(84)
    site.routes = {
        "/graphql": imdb.interface(many),
        "/search/name/": lambda asked: imdb.html(imdb.search_data(many[:50])),
    }
    listed = asyncio.run(list_people("imdb", config_for(CASES["imdb-interface"], site.url), 170))
    assert len(listed) == 84


@pytest.mark.parametrize("key", ["wrong", "eyJwrong"])
@pytest.mark.parametrize("name", ["tmdb", "tmdb-cast"])
def test_a_wrong_key(name: str, key: str, site: Site, tmp_path: Path) -> None:
    lay(CASES[name], PEOPLE, site, tmp_path)
    error = refusal(Case("tmdb", "tmdb", cast_of=CASES[name].cast_of, key=key), site, tmp_path)
    assert isinstance(error, ConfigError)
    assert "TMDB refuses the key" in error.message
    assert key not in error.in_full
    assert "ACTORREC_SOURCES__TMDB_KEY" in error.hint


@pytest.mark.parametrize("key", [tmdb_people.KEY, tmdb_people.TOKEN])
def test_the_key_stays_out_of_messages_and_logs(
    key: str, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    site.routes = {"/3/*": lambda asked: Reply(b"", 500)}
    error = refusal(Case("tmdb", "tmdb", key=key), site, tmp_path)
    assert key not in error.in_full
    assert key not in caplog.text
    assert any(key in json.dumps([dict(one.query), dict(one.headers)]) for one in site.asked)


def test_ids_that_tmdb_lacks_are_left_out(site: Site, tmp_path: Path) -> None:
    lay(CASES["tmdb"], PEOPLE, site, tmp_path)
    whole = site.routes["/3/person/*"]

    def some(asked: Asked) -> Reply:
        if asked.path.startswith(f"/3/person/{PEOPLE[0].tmdb}/"):
            return Reply(b"", 404)
        if asked.path.startswith(f"/3/person/{PEOPLE[1].tmdb}/"):
            return as_json({"imdb_id": None, "wikidata_id": ""})
        return whole(asked)

    site.routes["/3/person/*"] = some
    listed = asyncio.run(list_people("tmdb", config_for(CASES["tmdb"], site.url), 3))
    assert [sorted(one.person.external_ids) for one in listed] == [["tmdb"], ["tmdb"], ["imdb", "tmdb", "wikidata"]]


@pytest.mark.parametrize("film", ["The Long Tide", "tt0900603", "tmdb-603"])
def test_a_film_by_title_or_id(film: str, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    lay(CASES["tmdb-cast"], PEOPLE, site, tmp_path)
    case = Case("tmdb", "tmdb", cast_of=film)
    listed = asyncio.run(list_people("tmdb", config_for(case, site.url), 99))
    assert [one.person.person_id for one in listed] == [f"tmdb-{person.tmdb}" for person in PEOPLE]
    if film != "tmdb-603":
        assert "the cast of 'The Long Tide' (1999, tmdb-603)" in caplog.text


@pytest.mark.parametrize(("name", "route"), [("tmdb-cast", "/3/search/movie"), ("wikidata-cast", "/sparql")])
def test_a_film_nobody_knows(name: str, route: str, site: Site, tmp_path: Path) -> None:
    lay(CASES[name], PEOPLE, site, tmp_path)
    empty = wikidata.answer([]) | {"bindings": []} if name == "wikidata-cast" else {"results": []}
    site.routes[route] = lambda asked: as_json(empty)
    error = refusal(CASES[name], site, tmp_path)
    assert f"'{CASES[name].cast_of}'" in error.message
    assert "tt… id" in error.message


def test_wikidata_asks_for_the_less_known_only_where_the_known_are_too_few(site: Site, tmp_path: Path) -> None:
    lay(CASES["wikidata"], invented(300), site, tmp_path)
    asyncio.run(list_people("wikidata", config_for(CASES["wikidata"], site.url), 100))
    assert len([one for one in site.asked if one.path == "/sparql"]) == 1
    lay(CASES["wikidata"], PEOPLE, site, tmp_path)
    asyncio.run(list_people("wikidata", config_for(CASES["wikidata"], site.url), 100))
    assert len([one for one in site.asked if one.path == "/sparql"]) == 4


def test_a_robots_exempt_interface_is_asked_without_robots(site: Site, tmp_path: Path) -> None:
    lay(CASES["wikidata"], PEOPLE, site, tmp_path)
    site.routes["/robots.txt"] = lambda asked: Reply(b"User-agent: *\nDisallow: /\n")
    config = config_for(CASES["wikidata"], site.url)
    fetch = LOOPBACK.model_copy(update={"robots_exempt": (f"{site.url}/sparql",)})
    listed = asyncio.run(list_people("wikidata", config.model_copy(update={"fetch": fetch}), 3))
    assert len(listed) == 3
