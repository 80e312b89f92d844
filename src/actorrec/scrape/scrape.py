"""The stage: from sources to a committed set of pictures."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from actorrec.artifacts.catalog import again, find_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.manifests.images import ImagesManifest, ListedPerson
from actorrec.progress import Progress, SilentProgress
from actorrec.rights.takedown import Takedown, load_takedown
from actorrec.scrape.everyone import Recovered, search_everyone
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.images.naming import shared_names
from actorrec.scrape.images.open import image_sources
from actorrec.scrape.interruptible import run
from actorrec.scrape.journal import Journal
from actorrec.scrape.key import edition_keys
from actorrec.scrape.offers import Offers
from actorrec.scrape.older import OlderEdition
from actorrec.scrape.outage import Outage
from actorrec.scrape.people.open import people_source
from actorrec.scrape.record import commit, tidy, write_records
from actorrec.scrape.search import Tools
from actorrec.scrape.work import WorkFolder, open_work_folder, remove_work_folder

logger = logging.getLogger(__name__)


def scrape(
    config: Config, *, store: ArtifactStore, progress: Progress | None = None, refresh: bool = False
) -> ImagesManifest:
    """Bring people and pictures of them; a run that was stopped goes on where it was.

    Args:
        config: Sections ``scrape``, ``fetch``, ``sources`` and ``rights``.
        store: Gets the pictures; a set that is there already for the same sources, files and settings is returned as
            it is.
        progress: Where long steps are told.
        refresh: Make a new edition of a set that is there already.

    Raises:
        ConfigError: If a setting, key, contact or file is missing or wrong.
        SourceError: If the people cannot be listed, or no source of pictures answers.
        DataError: If there is not one picture.
        RemoteError: If no server can be reached.
        ArtifactError: If the store cannot be written; what was done so far is kept.
    """
    takedown = load_takedown(config.rights.takedown)
    keys = edition_keys(config, takedown)
    key, newest = next(keys), None
    with store.lock(f"images/{key}"):
        while (found := find_manifest(store, ImagesManifest, key)) is not None:
            key, newest = next(keys), found
        if newest is not None:
            tidy(newest, Journal(store, newest.ref))  # a run may have been killed right after its commit
            remove_work_folder(config.fetch.cache_dir, _purpose(store, newest.key))
        if newest is not None and not refresh:
            logger.info("%s was scraped on %s; --refresh scrapes anew", newest.ref, f"{newest.created_at:%Y-%m-%d}")
            return again(store, newest)
        journal, older = Journal(store, f"images/{key}"), OlderEdition(store, newest)
        with open_work_folder(config.fetch.cache_dir, _purpose(store, key)) as work:
            told = progress or SilentProgress()
            people = run(_search(config, takedown, journal, work, older, told))
            return commit(people, write_records(people, journal), journal, config)


def _purpose(store: ArtifactStore, key: str) -> str:
    return f"{Path.cwd()} {store.uri} {key}"


async def _search(
    config: Config,
    takedown: Takedown,
    journal: Journal,
    work: WorkFolder,
    older: OlderEdition,
    progress: Progress,
) -> list[ListedPerson]:
    """List the people and search for each; the journal holds what comes of it."""
    recovered = Recovered()
    async with open_fetcher(config.fetch, recovered=recovered.count) as fetcher:
        # Both before the first request: what is wrong with a setting is told at once.
        source = people_source(config.scrape.people, config, fetcher)
        outage = Outage()
        offers = Offers(image_sources(config.scrape.images_from, config, fetcher), outage)
        people = journal.people()
        if people is None:
            people = _each_once(await source.people(config.scrape.top))
            journal.keep_people(people)
        with ThreadPoolExecutor(1, "examine") as examiner:
            tools = Tools(
                config=config,
                journal=journal,
                fetcher=fetcher,
                offers=offers,
                takedown=takedown,
                older=older,
                work=work,
                examiner=examiner,
                outage=outage,
                shared_names=shared_names(listed.person for listed in people),
            )
            await search_everyone(people, tools, recovered, progress)
    return people


def _each_once(people: list[ListedPerson]) -> list[ListedPerson]:
    return list({listed.person.person_id: listed for listed in reversed(people)}.values())[::-1]
