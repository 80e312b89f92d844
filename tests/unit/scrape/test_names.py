import pytest

from actorrec.scrape.names import clean_name, kind_of_id, make_person, valid_id


@pytest.mark.parametrize("text", ["", " \t\n", "<b></b>", "\x00\x1b", "\u200b\u202e\ufeff", "&nbsp;", "<", "&lt;&gt;"])
def test_nothing_is_left(text: str) -> None:
    assert clean_name(text) == ""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann Lee", "Ann Lee"),
        ("  Ann\t \u2028Lee\r\n", "Ann Lee"),
        ("<a href='x'>Ann</a> <i>Lee</i>", "Ann Lee"),
        ("Ann &amp; Lee", "Ann & Lee"),
        ("&lt;b&gt;Ann&lt;/b&gt;", "Ann"),
        ("&amp;lt;b&amp;gt;Ann", "Ann"),
        ("1 < 2", "1 2"),
        ("Ann\x1b[31mLee", "Ann [31mLee"),
        ("ee\u202elnA", "eelnA"),
        ("E\u0301lise", "Élise"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("O'Ruane-Plötz, Jr.", "O'Ruane-Plötz, Jr."),
        ("Nguyễn Thị Ánh", "Nguyễn Thị Ánh"),
        ("王小明", "王小明"),
    ],
)
def test_what_is_left(text: str, name: str) -> None:
    assert clean_name(text) == name


def test_ids_by_shape() -> None:
    assert [kind_of_id(text) for text in ("", "Q1", "Q0", "nm0000138", "nm12", "tmdb-5", "5", "tt0000001", "q1")] == [
        None, "wikidata", None, "imdb", None, "tmdb", None, None, None,
    ]  # fmt: skip
    assert valid_id("imdb", None) is None
    assert valid_id("imdb", "nm0000138\n") is None
    assert valid_id("tmdb", "٣") is None


def test_a_person_has_a_name_and_ids_of_the_right_shape() -> None:
    assert make_person("Q1", "<p>") is None
    assert make_person("Q1", "x" * 201) is None
    person = make_person("Q1", "x" * 200, wikidata="Q1", imdb="ch0000001", tmdb=None)
    assert person is not None
    assert person.external_ids == {"wikidata": "Q1"}
