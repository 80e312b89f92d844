"""One person's pictures: fetched several at once, decided one after another in the order they were offered."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from actorrec.config import Config
from actorrec.errors import ItemError
from actorrec.manifests.images import ListedPerson, ScrapedImage
from actorrec.rights.licences import as_stated
from actorrec.rights.takedown import Takedown
from actorrec.scrape.examine import Examined, examine
from actorrec.scrape.folders import Place
from actorrec.scrape.images.filters import passes
from actorrec.scrape.images.naming import plain_name
from actorrec.scrape.journal import Decision, Journal, PersonJournal
from actorrec.scrape.offers import Offers
from actorrec.scrape.older import OlderEdition
from actorrec.scrape.outage import NO_ANSWER, Outage
from actorrec.scrape.protocols import Candidate, Fetcher
from actorrec.scrape.repeats import Repeats
from actorrec.scrape.tally import TAKEN_DOWN
from actorrec.scrape.work import Fetched, WorkFiles, WorkFolder, cannot_work
from actorrec.vision.listing import readable

_UNDECIDED: Final = 16
"""Most candidates of a person that are under way or wait for an earlier one."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every person's search uses.

    Attributes:
        examiner: Decodes one picture at a time, so that memory holds the pixels of one.
        shared_names: Plain names that more than one of the people have.
    """

    config: Config
    journal: Journal
    fetcher: Fetcher
    offers: Offers
    takedown: Takedown
    older: OlderEdition
    work: WorkFolder
    examiner: Executor
    outage: Outage
    shared_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Obtained:
    fetched: Fetched
    examined: Examined


class PersonSearch:
    """The search for one person's pictures.

    The result does not depend on timing: it is the first ``scrape.images`` candidates that pass, judged in order.

    Attributes:
        failures: What could not be had from a source; see ``Offers.of``.
    """

    def __init__(self, listed: ListedPerson, place: Place, journal: PersonJournal, tools: Tools) -> None:
        self._listed, self._place, self._journal, self._tools = listed, place, journal, tools
        self._asked = tools.config.scrape.images
        self._repeats = Repeats(tools.config.scrape.near_duplicate_bits)
        self.failures: Counter[str] = Counter()
        self.got = 0
        for decision in journal.decisions:
            if decision.image is not None:
                self._remember(decision.image, decision.colours)

    @property
    def unreached(self) -> bool:
        """Whether a source's server could not be reached, so that a later search may find more."""
        return any(failure.rpartition(": ")[2] in NO_ANSWER for failure in self.failures)

    async def run(self, advance: Callable[[int], None]) -> None:
        """Go on until there are as many pictures as asked or nothing more is offered.

        Args:
            advance: Told of each picture.

        Raises:
            SourceError: As ``Offers.of``.
            RemoteError: As ``Outage.note``.
            ArtifactError: If the store or the work folder takes no more.
        """
        under_way: deque[tuple[Candidate, asyncio.Task[_Obtained | ItemError]]] = deque()
        async with asyncio.TaskGroup() as group, aclosing(self._fresh()) as offered:
            more = True
            while self.got < self._asked:
                while more and len(under_way) < min(_UNDECIDED, self._asked - self.got):
                    candidate = await anext(offered, None)
                    more = candidate is not None
                    if candidate is not None:
                        under_way.append((candidate, group.create_task(self._obtain(candidate))))
                if not under_way:
                    break
                candidate, task = under_way.popleft()
                if await self._decide(candidate, await task):
                    advance(1)

    async def _fresh(self) -> AsyncGenerator[Candidate, None]:
        """What is offered, each address once, without what is decided."""
        known = {decision.url for decision in self._journal.decisions}
        async with aclosing(self._tools.offers.of(self._listed, self.failures)) as offered:
            async for candidate in offered:
                if (where := _where(candidate)) not in known:
                    known.add(where)
                    yield candidate

    async def _obtain(self, candidate: Candidate) -> _Obtained | ItemError:
        files = self._files(candidate)
        try:
            self._check_offer(candidate)
            fetched = await self._bring(candidate, files)
            self._check_address(fetched.url)
            limits = self._tools.config.fetch
            work = partial(
                examine,
                candidate.path or files.source,
                files.stored,
                max_bytes=limits.max_bytes,
                max_pixels=limits.max_pixels,
            )
            examined = await asyncio.get_running_loop().run_in_executor(self._tools.examiner, work)
            if fetched.source_sha256 is not None:
                examined = replace(examined, source_sha256=fetched.source_sha256)
            else:
                self._check_wanted(examined)  # of an older edition's it is known, and its type as it came is not
            self._check_digests(examined)
        except ItemError as error:
            return error
        except OSError as error:
            raise cannot_work(files.stored.parent, error) from None
        return _Obtained(fetched, examined)

    async def _bring(self, candidate: Candidate, files: WorkFiles) -> Fetched:
        if candidate.path is not None:
            return Fetched(fetched_at=datetime.now(UTC))
        try:
            fetched = await self._tools.work.fetch(candidate, files, self._tools.fetcher, self._tools.older)
        except ItemError as error:
            self._tools.outage.note(error.reason)
            raise
        self._tools.outage.note("")
        return fetched

    def _check_offer(self, candidate: Candidate) -> None:
        if candidate.by_name and plain_name(self._listed.person.name) in self._tools.shared_names:
            raise ItemError("ambiguous-name", "two people of the list have that name; an id says which is meant")
        for address in (candidate.url, candidate.page):
            self._check_address(address)
        self._check_wanted(candidate)

    def _check_address(self, address: str | None) -> None:
        if address and self._tools.takedown.url(address):
            raise ItemError(TAKEN_DOWN, "its address is on the takedown list")

    def _check_digests(self, examined: Examined) -> None:
        if self._tools.takedown.sha256(examined.source_sha256, examined.sha256):
            raise ItemError(TAKEN_DOWN, "it is on the takedown list")

    def _check_wanted(self, picture: Candidate | Examined) -> None:
        if unwanted := passes(picture, self._tools.config.scrape):
            raise ItemError(unwanted, "the filters leave it out")

    async def _decide(self, candidate: Candidate, outcome: _Obtained | ItemError) -> bool:
        """Write down what becomes of a candidate; True if it is taken."""
        decision = await self._decision(candidate, outcome)
        self._journal.add(decision)
        if decision.reason not in NO_ANSWER:  # those wait for the next: should the network be down, they are tried anew
            await asyncio.to_thread(self._journal.write)
        self._files(candidate).remove()
        return decision.image is not None

    async def _decision(self, candidate: Candidate, outcome: _Obtained | ItemError) -> Decision:
        where = _where(candidate)
        if isinstance(outcome, ItemError):
            return Decision(url=where, source=candidate.source, reason=outcome.reason)
        examined = outcome.examined
        reason = self._repeats.reason((examined.sha256, examined.source_sha256), examined.look)
        if reason:
            return Decision(url=where, source=candidate.source, reason=reason)
        image = self._image(candidate, outcome)
        journal = self._tools.journal
        await asyncio.to_thread(journal.store.put_file, f"{journal.artifact}/{image.file}", examined.path)
        colours = examined.look.colours.hex()
        self._remember(image, colours)
        return Decision(url=where, source=candidate.source, image=image, colours=colours)

    def _image(self, candidate: Candidate, obtained: _Obtained) -> ScrapedImage:
        examined, fetched = obtained.examined, obtained.fetched
        return ScrapedImage(
            file=self._place.picture(self.got + 1, examined.extension),
            person_id=self._listed.person.person_id,
            source=candidate.source,
            url=_where(candidate),
            page=candidate.page,
            licence=as_stated(candidate.licence, users_own=candidate.path is not None),
            licence_url=candidate.licence_url,
            author=candidate.author,
            width_px=examined.width_px,
            height_px=examined.height_px,
            bytes=examined.bytes,
            sha256=examined.sha256,
            source_sha256=examined.source_sha256,
            phash=f"{examined.look.phash:016x}",
            fetched_at=fetched.fetched_at,
            etag=fetched.etag,
            last_modified=fetched.last_modified,
        )

    def _remember(self, image: ScrapedImage, colours: str) -> None:
        self._repeats.add((image.sha256, image.source_sha256), int(image.phash, 16), bytes.fromhex(colours))
        self.got += 1

    def _files(self, candidate: Candidate) -> WorkFiles:
        return self._tools.work.files(self._listed.person.person_id, _where(candidate))


def _where(candidate: Candidate) -> str:
    return candidate.url or readable(str(candidate.path))
