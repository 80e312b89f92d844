"""From what the user writes after ``--images-from`` to sources of pictures."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.home import expanded
from actorrec.scrape.protocols import Fetcher, ImageSource

NAMES = ("commons", "tmdb", "ddgs", "folder", "urls")
_READS_A_FILE = frozenset({"folder", "urls"})


def image_sources(specs: Sequence[str], config: Config, fetcher: Fetcher) -> list[ImageSource]:
    """The sources in the order of the specs, each once.

    Args:
        specs: ``commons``, ``tmdb``, ``ddgs``, ``folder:DIR``, ``urls:FILE``; a folder or a .csv or .jsonl file by its
            path alone.

    Raises:
        ConfigError: If a name is unknown, a file is missing or wrong, or a key or contact is missing.
        MissingExtraError: If ``ddgs`` is not installed.
    """
    if not specs:
        raise ConfigError("no source of pictures is named", hint=f"--images-from {', '.join(NAMES)}")
    chosen = dict.fromkeys(_read(spec.strip()) for spec in specs)
    return [_open(kind, argument, config, fetcher) for kind, argument in chosen]


def _read(spec: str) -> tuple[str, str]:
    """Kind and argument."""
    kind, colon, argument = spec.partition(":")
    if kind in _READS_A_FILE and argument:
        return kind, argument
    if kind in NAMES and kind not in _READS_A_FILE and not colon:
        return kind, ""
    path = Path(spec)
    if spec and path.is_dir():
        return "folder", spec
    if path.suffix.lower() in (".csv", ".jsonl") and path.is_file():
        return "urls", spec
    raise _unknown(spec, kind)


def _unknown(spec: str, kind: str) -> ConfigError:
    if kind in _READS_A_FILE:
        return ConfigError(f"'{spec}' does not say what to read", hint="folder:DIR or urls:FILE.csv")
    if kind in NAMES:
        return ConfigError(f"'{kind}' reads no file: '{spec}'", hint=f"--images-from {kind}")
    near = difflib.get_close_matches(kind, NAMES, n=1, cutoff=0.5)
    known = "known: commons, tmdb, ddgs, folder:DIR, urls:FILE"
    hint = f"did you mean '{near[0]}'? {known}" if near else known
    return ConfigError(f"no source of pictures '{spec}'", hint=hint)


def _open(kind: str, argument: str, config: Config, fetcher: Fetcher) -> ImageSource:
    match kind:
        case "commons":
            from actorrec.scrape.images.commons import CommonsImages

            return CommonsImages(config, fetcher)
        case "tmdb":
            from actorrec.scrape.images.tmdb import TmdbImages

            return TmdbImages(config, fetcher)
        case "ddgs":
            from actorrec.scrape.images.ddgs import DdgsImages

            return DdgsImages(config)
        case "folder":
            from actorrec.scrape.images.folder import FolderImages

            return FolderImages(expanded(argument))
        case _:
            from actorrec.scrape.images.urls import UrlListImages

            return UrlListImages(expanded(argument))
