from pathlib import Path

import pytest

from actorrec.errors import ConfigError
from actorrec.manifests.dataset import Person
from actorrec.scrape.people.names_file import parse_file


def parse(content: str | bytes, name: str = "names.txt") -> list[Person]:
    return parse_file(content.encode() if isinstance(content, str) else content, Path(name))


def ids(people: list[Person]) -> list[str]:
    return [person.person_id for person in people]


@pytest.mark.parametrize("name", ["names.txt", "names", "a.csv", "a.tsv", "a.jsonl", "a.ndjson"])
@pytest.mark.parametrize("content", ["", "\n \n\n", "\ufeff"])
def test_an_empty_file_names_nobody(name: str, content: str) -> None:
    if name.endswith("sv") and content.strip("\ufeff"):
        content = "name\n\n"
    assert parse(content, name) == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_names_one_a_line(end: str) -> None:
    lines = ["# mine", "Ann Lee", "", "  Bo Ek # a friend", "C#sharp Dur", "\tÉva Ő "]
    assert ids(parse(end.join(lines))) == ["Ann Lee", "Bo Ek", "C#sharp Dur", "Éva Ő"]


def test_diacritics_are_composed_and_one_name_is_one_person() -> None:
    (person,) = parse("E\u0301va\nÉva\nÉVA\n")
    assert (person.person_id, person.name, person.external_ids) == ("Éva", "Éva", {})


def test_a_csv_in_any_order_with_other_columns() -> None:
    text = '\ufeffBorn;IMDb;Name;TMDB\n1970;nm0000138;"Lee; Ann";6193\n;;Bo Ek;\n1980;;Cy Dur;tmdb-7\n'
    people = parse(text, "a.csv")
    assert ids(people) == ["nm0000138", "Bo Ek", "tmdb-7"]
    assert people[0].name == "Lee; Ann"
    assert people[0].external_ids == {"imdb": "nm0000138", "tmdb": "6193"}


def test_the_best_id_names_the_person() -> None:
    rows = "name,id,wikidata,imdb,tmdb\nA,,Q5,nm0000001,9\nB,,,nm0000002,8\nC,,,,7\nD,mine-1,Q6,,\nE,nm0000003,,,\n"
    people = parse(rows, "a.csv")
    assert ids(people) == ["Q5", "nm0000002", "tmdb-7", "mine-1", "nm0000003"]
    assert [person.external_ids.get("imdb") for person in people] == ["nm0000001", "nm0000002", None, None, "nm0000003"]


def test_json_lines() -> None:
    text = (
        '{"name": "Ann", "tmdb": 6193, "x": [1]}\n\n{"name": "Bo", "person_id": "Q7"}\n{"name": "Cy", "imdb": null}\n'
    )
    assert ids(parse(text, "a.jsonl")) == ["tmdb-6193", "Q7", "Cy"]


def test_two_of_one_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert ids(parse("name,id\nAnn,Q1\nAnn,Q2\nBo,\nann,\nBo,\nAnn,Q1\n", "a.csv")) == ["Q1", "Q2", "Bo"]
    assert [record.message for record in caplog.records] == ["file: a.csv names these again, taken once: Ann, Bo, ann"]


def test_a_name_without_id_is_the_one_of_that_name_with_one() -> None:
    assert ids(parse("name,id\nAnn,\nAnn,Q1\n", "a.csv")) == ["Q1"]


def test_rows_that_share_an_id_are_one_person() -> None:
    assert ids(parse("name,wikidata,imdb\nAnn,Q1,nm0000001\nAnn L.,,nm0000001\n", "a.csv")) == ["Q1"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"Ann\nBo\xff\n", "a.txt, line 2: not UTF-8"),
        ("a.txt", "Ann\n".encode("utf-16"), "a.txt, line 1: not UTF-8"),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0", "a.txt, line 1: not UTF-8"),
        ("a.txt", b"Ann\nB\0o\n", "a.txt, line 2: not a text file"),
        ("a.txt", "Ann\n\u200b\n", "a.txt, line 2: the name is blank"),
        ("a.txt", "Ann\n" + "x" * 201, "a.txt, line 2: a name of 201 characters"),
        ("a.csv", "Ann Lee,Q1\n", "a.csv, line 1: no column 'name' (columns: ann lee, q1)"),
        ("a.csv", "name,id\nAnn,Q1\n ,Q2\n", "a.csv, line 3: the name is blank"),
        ("a.csv", 'name,id\n"Ann,Q1\n', "a.csv, line 2: unexpected end of data"),
        ("a.csv", "name\n" + "x" * 200_000 + "\n", "a.csv, line 2: field larger"),
        ("a.csv", "name,imdb\nAnn,tt0000001\n", "a.csv, line 2: 'tt0000001' is no id of imdb"),
        ("a.csv", "name,id\nAnn,x\x07y\n", "a.csv, line 2: the id has characters"),
        ("a.jsonl", '{"name": "Ann"}\n{"nmae": "Bo"}\n', "a.jsonl, line 2: 'name': Field required"),
        ("a.jsonl", '{"name": "Ann"}\n[1]\n', "a.jsonl, line 2: Input should be an object"),
        ("a.jsonl", '{"name": "Ann"}\nBo\n', "a.jsonl, line 2: Invalid JSON"),
        ("a.jsonl", '{"name": {"a": 1}}\n', "a.jsonl, line 1: 'name': Input should be a valid string"),
        ("a.jsonl", '{"name":' + "[" * 100_000, "a.jsonl, line 1: Invalid JSON: recursion limit"),
        ("a.jsonl", '{"name": "Ann", "tmdb": -1}\n', "a.jsonl, line 1: '-1' is no id of tmdb"),
    ],
)  # fmt: skip
def test_errors_name_file_and_line(name: str, content: str | bytes, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse(content, name)
    assert raised.value.message.startswith(said)
    assert "\n" not in raised.value.in_full
