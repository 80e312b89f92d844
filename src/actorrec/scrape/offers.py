"""What all sources offer of a person, one source after another."""

import logging
from collections import Counter
from collections.abc import AsyncGenerator, Sequence

from actorrec.errors import ItemError, SourceError
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.outage import Outage
from actorrec.scrape.protocols import Candidate, ImageSource

logger = logging.getLogger(__name__)


class Offers:
    """Image sources in order. One that refuses or answers in an unknown shape is not asked again."""

    def __init__(self, sources: Sequence[ImageSource], outage: Outage) -> None:
        self._sources, self._outage = list(sources), outage
        self._broken: dict[int, SourceError] = {}

    @property
    def names(self) -> list[str]:
        """Of the sources, in order, each once."""
        return list(dict.fromkeys(source.name for source in self._sources))

    @property
    def broken(self) -> dict[str, str]:
        """Name → why a source is not asked any more."""
        return {self._sources[number].name: error.message for number, error in self._broken.items()}

    async def of(self, listed: ListedPerson, failures: Counter[str]) -> AsyncGenerator[Candidate, None]:
        """Every candidate; more of a source is asked for only when it is wanted.

        Args:
            failures: Counts what could not be had from a source, as ``commons: http-503``.

        Raises:
            SourceError: Once no source is left that answers.
            RemoteError: As ``Outage.note``.
        """
        for number, source in enumerate(self._sources):
            if number in self._broken:
                continue
            offered = source.candidates(listed)
            try:
                async for candidate in offered:
                    yield candidate
            except ItemError as error:
                logger.debug("%s about %s: %s", source.name, listed.person.name, error.in_full)
                failures[f"{source.name}: {error.reason}"] += 1
                self._outage.note(error.reason, listing=True)
            except SourceError as error:
                self._give_up(number, error)
            finally:
                if isinstance(offered, AsyncGenerator):
                    await offered.aclose()

    def _give_up(self, number: int, error: SourceError) -> None:
        if number not in self._broken:
            self._broken[number] = error
            if len(self._broken) < len(self._sources):
                logger.warning("%s; going on without it", error.in_full)
        if len(self._broken) == len(self._sources):
            raise next(iter(self._broken.values()))
