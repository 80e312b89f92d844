"""From ``--people`` and ``--cast-of`` to a source."""

import difflib
from pathlib import Path

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.home import expanded
from actorrec.scrape.protocols import Fetcher, PeopleSource

NAMES = ("wikidata", "imdb", "imdb-datasets", "tmdb", "file")
_CASTS = ("wikidata", "tmdb")


def people_source(spec: str, config: Config, fetcher: Fetcher) -> PeopleSource:
    """The source that ``name[:argument]`` names, or a file of names.

    ``scrape.cast_of`` in the configuration makes it the cast of that film.

    Args:
        spec: ``wikidata``, ``imdb``, ``imdb:SAVED``, ``imdb-datasets``, ``imdb-datasets:FOLDER``, ``tmdb``,
            ``file:PATH``, or the path of a file that exists.
        fetcher: Closed by its owner, not by the source.

    Raises:
        ConfigError: If there is no such source, or a key, contact or argument it needs is missing.
    """
    name, colon, argument = spec.partition(":")
    if name not in NAMES and expanded(spec).is_file():
        name, colon, argument = "file", ":", spec
    if name not in NAMES:
        raise _unknown(spec)
    _check_argument(name, colon, argument)
    cast_of = (config.scrape.cast_of or "").strip()
    if cast_of:
        return _cast(name, cast_of, config, fetcher)
    path = expanded(argument) if argument else None
    return _from_path(name, path) if path else _from_site(name, config, fetcher)


def _check_argument(name: str, colon: str, argument: str) -> None:
    if name == "file" and not argument:
        raise ConfigError("--people file names no file", hint="--people file:names.txt")
    if colon and not argument:
        raise ConfigError(f"--people {name}: has nothing behind its colon", hint=f"--people {name}")
    if argument and name in ("wikidata", "tmdb"):
        raise ConfigError(f"--people {name} takes nothing behind a colon, got '{argument}'", hint=f"--people {name}")


def _cast(name: str, cast_of: str, config: Config, fetcher: Fetcher) -> PeopleSource:
    if name == "tmdb":
        from actorrec.scrape.people.tmdb import TmdbCast

        return TmdbCast(cast_of, config, fetcher)
    if name == "wikidata":
        from actorrec.scrape.people.wikidata_cast import WikidataCast

        return WikidataCast(cast_of, config, fetcher)
    ways = " or ".join(f"--people {known}" for known in _CASTS)
    raise ConfigError(f"--cast-of does not go with --people {name}, which knows no casts", hint=f"use {ways}")


def _from_path(name: str, path: Path) -> PeopleSource:
    if name == "file":
        from actorrec.scrape.people.names_file import NamesFile

        return NamesFile(path)
    if name == "imdb":
        from actorrec.scrape.people.imdb import ImdbSaved

        return ImdbSaved(path)
    from actorrec.scrape.people.imdb_dataset_lines import folder_lines
    from actorrec.scrape.people.imdb_datasets import ImdbDatasets

    return ImdbDatasets(folder_lines(path))


def _from_site(name: str, config: Config, fetcher: Fetcher) -> PeopleSource:
    if name == "tmdb":
        from actorrec.scrape.people.tmdb import TmdbPopular

        return TmdbPopular(config, fetcher)
    if name == "imdb":
        from actorrec.scrape.people.imdb import ImdbLive

        return ImdbLive(config, fetcher)
    if name == "imdb-datasets":
        from actorrec.scrape.people.imdb_dataset_lines import remote_lines
        from actorrec.scrape.people.imdb_datasets import ImdbDatasets

        return ImdbDatasets(remote_lines(config.sources.imdb_datasets_url, fetcher))
    from actorrec.scrape.people.wikidata import WikidataPeople

    return WikidataPeople(config, fetcher)


def _unknown(spec: str) -> ConfigError:
    name = spec.partition(":")[0]
    known = ", ".join(NAMES)
    if "/" in spec or Path(spec).suffix:
        return ConfigError(f"--people {spec}: no such file, and no source of that name", hint=f"sources: {known}")
    match = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.5)
    near = f"did you mean '{match[0]}'? " if match else ""
    return ConfigError(f"--people {spec}: no source of that name", hint=f"{near}sources: {known}")
