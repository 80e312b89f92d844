"""Which artifact a scrape makes: the same sources, files and settings again make the same one."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from actorrec.artifacts.catalog import artifact_key
from actorrec.artifacts.digest import file_sha256
from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.home import expanded
from actorrec.manifests.base import digest_json
from actorrec.rights.takedown import Takedown
from actorrec.scrape.images import open as images
from actorrec.scrape.people import open as people
from actorrec.vision.listing import readable

_SOURCES: Final = frozenset({*people.NAMES, *images.NAMES})


def edition_keys(config: Config, takedown: Takedown) -> Iterator[str]:
    """Keys of the first, second, … edition of what a configuration asks for, without end.

    Raises:
        ConfigError: If a file that a source reads cannot be read.
    """
    scrape, fetch = config.scrape, config.fetch
    specs = (scrape.people, *scrape.images_from)
    inputs = {spec: digest for spec in specs if (digest := _digest_of_files(spec)) is not None}
    settings: dict[str, Any] = {
        "scrape": scrape.model_dump(mode="json"),
        "sources": config.sources.model_dump(mode="json", exclude={"tmdb_key"}),
        "limits": [fetch.max_bytes, fetch.max_pixels],
        "takedown": takedown.digest,
    }
    for edition in count():
        yield artifact_key("images", inputs, {**settings, "edition": edition})


def _digest_of_files(spec: str) -> str | None:
    """SHA-256 of what a source reads of this machine: a file's bytes, or names and bytes of all files of a folder."""
    name, colon, argument = spec.partition(":")
    if name in _SOURCES and not colon:
        return None  # a site, even where a file happens to have its name
    path = expanded(argument if name in _SOURCES else spec)
    try:
        if path.is_file():
            return file_sha256(path)
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return digest_json([[readable(file.relative_to(path).as_posix()), file_sha256(file)] for file in files])
    except OSError as error:
        raise ConfigError(f"cannot read {error.filename or path}: {error.strerror or error}") from None
    return None  # the source itself says what is wrong
