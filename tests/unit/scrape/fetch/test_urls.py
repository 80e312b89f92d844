"""Addresses read strictly and shown without secrets."""

import httpx
import pytest

from actorrec.errors import ItemError
from actorrec.scrape.fetch.urls import Exemptions, has_secret, masked, read_url


def test_parameters_are_added_to_those_there() -> None:
    assert str(read_url("http://h/p?a=1", {"b": "ö&="})) == "http://h/p?a=1&b=%C3%B6%26%3D"
    assert str(read_url("http://h/p?a=1")) == "http://h/p?a=1"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h/p",
        "ftp://h/",
        "file:///p",
        "data:,x",
        "http:///p",
        "http://u@h/",
        "http://h:99999/",
        "http://h:0/",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_the_web(url: str) -> None:
    with pytest.raises(ItemError) as caught:
        read_url(url)
    assert caught.value.reason == "bad-url"


@pytest.mark.parametrize(
    "name", ["api_key", "API_KEY", "apikey", "key", "token", "access_token", "api-key", "api%5Fkey"]
)
def test_keys_are_masked(name: str) -> None:
    url = httpx.URL(f"https://h/p?a=1&{name}=s3cret&b=2")
    assert has_secret(url)
    assert "s3cret" not in masked(url)
    assert "a=1" in masked(url)
    assert "=***" in masked(url)


def test_passwords_are_masked_and_other_things_are_not() -> None:
    assert masked(httpx.URL("https://u:pw@h/p")) == "https://h/p"
    assert masked(httpx.URL("https://h/p?monkey=1")) == "https://h/p?monkey=1"
    with pytest.raises(ItemError) as caught:
        read_url("https://u:pw@h/p?key=x")
    assert "pw" not in caught.value.message
    assert "key=x" not in caught.value.message


def test_a_very_long_address_is_cut() -> None:
    assert len(masked(httpx.URL("https://h/" + "x" * 5000))) < 400


def test_a_long_query_is_left_out() -> None:
    query = "PREFIX+wd%3A+%3Chttp%3A%2F%2Fwww.wikidata.org%2Fentity%2F%3E+" * 3
    assert masked(httpx.URL(f"https://h/sparql?query={query}&format=json")) == "https://h/sparql?…"


def test_exemptions_compare_parts() -> None:
    exempt = Exemptions(("https://h/w/api.php", "https://api.h/3/", "http://h:8080"))
    for url in (
        "https://h/w/api.php?x=1",
        "https://h:443/w/api.php",
        "https://h/w/api.php/x",
        "https://api.h/3/person/1",
        "http://h:8080/any",
    ):
        assert exempt.covers(httpx.URL(url)), url
    for url in (
        "http://h/w/api.php",
        "https://h:444/w/api.php",
        "https://h/w/api.phpx",
        "https://h.evil/w/api.php",
        "https://api.h/3",
        "https://api.h/30/x",
        "https://api.h/3/../4",
        "https://api.h/3/%2e%2e/4",
        "http://h/any",
    ):
        assert not exempt.covers(httpx.URL(url)), url
