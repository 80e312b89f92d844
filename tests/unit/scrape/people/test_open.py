from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.scrape.people.open import people_source
from actorrec.scrape.protocols import Download, Page
from actorrec.sections import FetchSection, ScrapeSection, SourcesSection


class NoNetwork:
    """A fetcher that must not be asked."""

    async def page(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        ok: frozenset[int] = frozenset({200}),
    ) -> Page:
        raise AssertionError(url)

    async def download(self, url: str, to: Path, *, headers: Mapping[str, str] | None = None) -> Download:
        raise AssertionError(url)

    def stream_lines(self, url: str) -> AsyncIterator[bytes]:
        raise AssertionError(url)


def config(cast_of: str | None = None, contact: str = "me@example.org", key: str = "k") -> Config:
    return Config(
        fetch=FetchSection(contact=contact),
        sources=SourcesSection(tmdb_key=SecretStr(key)),
        scrape=ScrapeSection(cast_of=cast_of),
    )


@pytest.mark.parametrize(
    ("spec", "name", "kind"),
    [
        ("wikidata", "wikidata", "WikidataPeople"),
        ("imdb", "imdb", "ImdbLive"),
        ("imdb:saved.html", "imdb", "ImdbSaved"),
        ("imdb-datasets", "imdb-datasets", "ImdbDatasets"),
        ("imdb-datasets:folder", "imdb-datasets", "ImdbDatasets"),
        ("tmdb", "tmdb", "TmdbPopular"),
        ("file:x.txt", "file", "NamesFile"),
    ],
)
def test_sources_by_name(spec: str, name: str, kind: str) -> None:
    source = people_source(spec, config(), NoNetwork())
    assert (source.name, type(source).__name__) == (name, kind)


def test_a_file_that_exists_needs_no_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a:b").write_text("Ann\n")
    assert people_source(str(tmp_path / "a:b"), config(), NoNetwork()).name == "file"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert people_source("~/a:b", config(), NoNetwork()).name == "file"


@pytest.mark.parametrize("name", ["wikidata", "tmdb"])
def test_casts(name: str) -> None:
    assert type(people_source(name, config("Alien"), NoNetwork())).__name__.endswith("Cast")


@pytest.mark.parametrize(
    ("spec", "said", "hint"),
    [
        ("", "no source of that name", "sources: wikidata"),
        ("wikidta", "no source of that name", "did you mean 'wikidata'?"),
        ("imdb_datasets", "no source of that name", "did you mean 'imdb-datasets'?"),
        ("names.txt", "no such file", "sources: wikidata"),
        ("file", "names no file", "file:names.txt"),
        ("file:", "names no file", "file:names.txt"),
        ("imdb:", "nothing behind its colon", "--people imdb"),
        ("tmdb:popular", "takes nothing behind a colon", "--people tmdb"),
    ],
)
def test_specs_that_name_no_source(spec: str, said: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        people_source(spec, config(), NoNetwork())
    assert said in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize("spec", ["imdb", "imdb:x.html", "imdb-datasets", "file:x.txt"])
def test_sources_without_casts(spec: str) -> None:
    with pytest.raises(ConfigError, match="--cast-of") as raised:
        people_source(spec, config("Alien"), NoNetwork())
    assert "--people wikidata or --people tmdb" in raised.value.hint


@pytest.mark.parametrize("cast_of", [None, "Alien"])
def test_what_is_missing_is_named(cast_of: str | None) -> None:
    with pytest.raises(ConfigError, match=r"sources\.tmdb_key") as raised:
        people_source("tmdb", config(cast_of, key=" "), NoNetwork())
    assert "ACTORREC_SOURCES__TMDB_KEY" in raised.value.hint
    with pytest.raises(ConfigError, match=r"fetch\.contact"):
        people_source("wikidata", config(cast_of, contact=""), NoNetwork())
