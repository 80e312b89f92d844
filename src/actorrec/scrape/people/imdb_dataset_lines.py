"""Where the lines of IMDb's files come from: its server, or a folder on this machine."""

import gzip
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

from actorrec.errors import ConfigError, ItemError
from actorrec.scrape.people.foreign import Site
from actorrec.scrape.people.imdb_datasets import SOURCE, OpenLines
from actorrec.scrape.protocols import Fetcher

MAX_LINE_BYTES = 64 * 1024


def remote_lines(base_url: str, fetcher: Fetcher) -> OpenLines:
    """Lines of the files as the server has them today."""
    site = Site(SOURCE, fetcher)

    async def lines(name: str) -> AsyncIterator[bytes]:
        try:
            async for line in fetcher.stream_lines(f"{base_url.rstrip('/')}/{name}"):
                yield line
        except ItemError as error:
            raise site.failed(error) from None

    return lines


def folder_lines(folder: Path) -> OpenLines:
    """Lines of the files in a folder.

    Raises:
        ConfigError: While reading, if a file is missing or damaged.
    """

    async def lines(name: str) -> AsyncIterator[bytes]:
        path = folder / name
        try:
            with gzip.open(path, "rb") as file:
                while line := file.readline(MAX_LINE_BYTES):
                    if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                        raise ConfigError(
                            f"{path} holds a line of more than {MAX_LINE_BYTES} bytes; it is another file"
                        )
                    yield line
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ConfigError(f"{path} is damaged: {error}", hint="fetch it again") from None
        except OSError as error:
            raise ConfigError(
                f"cannot read {path}: {error.strerror}",
                hint="imdb-datasets:FOLDER names a folder with both .tsv.gz files",
            ) from None

    return lines
