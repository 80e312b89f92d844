"""Listing people without fetching any picture."""

from actorrec.config import Config
from actorrec.manifests.images import ListedPerson
from actorrec.rights.takedown import load_takedown
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.interruptible import run
from actorrec.scrape.people.open import people_source


def list_people(config: Config) -> list[ListedPerson]:
    """The people that ``scrape`` would search for, without those on the takedown list.

    Raises:
        SourceError, ConfigError, DataError: As ``scrape``.
    """
    takedown = load_takedown(config.rights.takedown)

    async def listed() -> list[ListedPerson]:
        async with open_fetcher(config.fetch) as fetcher:
            return await people_source(config.scrape.people, config, fetcher).people(config.scrape.top)

    return [each for each in run(listed()) if not takedown.person(each.person)]
