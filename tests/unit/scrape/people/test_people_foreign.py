"""What a list of people says when its site cannot be asked."""

import asyncio
from pathlib import Path

import pytest

from actorrec.errors import SourceError
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.people.foreign import Site
from people_sites import LOOPBACK


def test_whoever_is_not_online_is_asked_about_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with open_fetcher(LOOPBACK.model_copy(update={"cache_dir": tmp_path})) as fetcher:
            await Site("wikidata", fetcher).ask("http://127.0.0.1:1/sparql")  # where nobody listens

    with pytest.raises(SourceError, match="wikidata") as raised:
        asyncio.run(run())
    assert "is this machine online?" in raised.value.hint
    assert "--people file:names.txt" in raised.value.hint
