"""The searches for several people at once."""

import asyncio
from collections import Counter, deque
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

    Whose source cannot be reached is searched for once more, after the others.

    Raises:
        SourceError, RemoteError, ArtifactError: As ``PersonSearch.run``; every other search is stopped.
    """
    asked = tools.config.scrape.images
    found = places([listed.person for listed in people])
    waiting = deque((listed, False) for listed in people)

    async def worker(step: Step) -> None:
        while waiting:
            listed, again = waiting.popleft()
            place = found[listed.person.person_id]
            if not await _search(listed, place, tools, recovered, step, again=again):
                waiting.append((listed, True))

    with progress.step("fetching pictures", asked * len(people), "pictures") as step, _one_error():
        async with asyncio.TaskGroup() as group:
            for _ in range(min(len(people), tools.config.fetch.connections)):
                group.create_task(worker(step))


async def _search(
    listed: ListedPerson, place: Place, tools: Tools, recovered: Recovered, step: Step, *, again: bool
) -> bool:
    """Search for a person; False if that should be done again later."""
    asked, person = tools.config.scrape.images, listed.person
    own = await asyncio.to_thread(tools.journal.person, place.folder)
    if own.finished is None and tools.takedown.person(person):
        await asyncio.to_thread(own.finish, Finished(tally=taken_down(person.person_id, asked)))
    if own.finished is not None:
        step.advance(asked)
        return True
    search = PersonSearch(listed, place, own, tools)
    if not again:
        step.advance(search.got)
    await search.run(step.advance)
    if search.unreached and search.got < asked and not again:
        await asyncio.to_thread(own.write)
        return False
    told = {name: tools.offers.broken.get(name, "") for name in tools.offers.names}
    done = tally(person.person_id, asked, own.decisions, search.failures, told)
    await asyncio.to_thread(own.finish, Finished(tally=done, recovered=recovered.rest()))
    step.advance(asked - done.got)  # what will never come must not look like work that is left
    return True


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
