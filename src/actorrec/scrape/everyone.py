"""The searches for several people at once."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from actorrec.errors import ActorRecError
from actorrec.manifests.images import ListedPerson
from actorrec.progress import Progress, Step
from actorrec.scrape.folders import Place, places
from actorrec.scrape.journal import Finished
from actorrec.scrape.search import PersonSearch, Tools
from actorrec.scrape.tally import taken_down, tally


class Recovered:
    """What the fetcher counts of requests that succeeded at a later try, and how much of it is written down."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self._written: Counter[str] = Counter()

    def rest(self) -> dict[str, int]:
        """What was counted since this was last asked."""
        rest = self.count - self._written
        self._written = self.count.copy()
        return dict(rest)


async def search_everyone(
    people: Sequence[ListedPerson], tools: Tools, recovered: Recovered, progress: Progress
) -> None:
    """Search for each person, as many at once as keep the connections busy; the journal holds what comes of it.

    Raises:
        SourceError, RemoteError, ArtifactError: As ``PersonSearch.run``; every other search is stopped.
    """
    asked = tools.config.scrape.images
    found, waiting = places([listed.person for listed in people]), iter(people)

    async def worker(step: Step) -> None:
        for listed in waiting:
            await _search(listed, found[listed.person.person_id], tools, recovered, step)

    with progress.step("fetching pictures", asked * len(people), "pictures") as step, _one_error():
        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(people), tools.config.fetch.connections)):
                group.create_task(worker(step))


async def _search(listed: ListedPerson, place: Place, tools: Tools, recovered: Recovered, step: Step) -> None:
    asked, person = tools.config.scrape.images, listed.person
    own = await asyncio.to_thread(tools.journal.person, place.folder)
    if own.finished is None and tools.takedown.person(person):
        await asyncio.to_thread(own.finish, Finished(tally=taken_down(person.person_id, asked)))
    if own.finished is None:
        search = PersonSearch(listed, place, own, tools)
        step.advance(search.got)
        await search.run(step.advance)
        told = {name: tools.offers.broken.get(name, "") for name in tools.offers.names}
        done = tally(person.person_id, asked, own.decisions, search.failures, told)
        await asyncio.to_thread(own.finish, Finished(tally=done, recovered=recovered.rest()))
        step.advance(asked - done.got)  # what will never come must not look like work that is left
    else:
        step.advance(asked)


@contextmanager
def _one_error() -> Iterator[None]:
    """Out of a group of errors, the one that a user can do something about."""
    try:
        yield
    except BaseExceptionGroup as group:
        errors = list(_flat(group))
        raise next((error for error in errors if isinstance(error, ActorRecError)), errors[0]) from None


def _flat(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error
