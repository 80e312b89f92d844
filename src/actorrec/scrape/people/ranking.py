"""From people in order to a list with ranks: nobody twice, never half."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice

from actorrec.errors import SourceError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.people.foreign import alternatives

_log = logging.getLogger(__name__)


def distinct(people: Iterable[Person | None]) -> list[Person]:
    """The people in order, each once: whoever shares an id with an earlier one is that one. None is passed over."""
    seen: set[tuple[str, str]] = set()
    kept: list[Person] = []
    for person in people:
        if person is None:
            continue
        ids = {("", person.person_id), *person.external_ids.items()}
        if seen.isdisjoint(ids):
            kept.append(person)
        seen |= ids
    return kept


def ranked(source: str, people: Iterable[Person | None], top: int) -> list[ListedPerson]:
    """The first ``top`` distinct people, ranked 1, 2, …

    Raises:
        SourceError: If nobody is left.
    """
    people = list(people)
    if nameless := people.count(None):
        _log.info("%s: %d passed over, because what stands for their name is none", source, nameless)
    now = datetime.now(UTC)
    listed = [
        ListedPerson(person=person, rank=rank, source=source, listed_at=now)
        for rank, person in enumerate(islice(distinct(people), top), start=1)
    ]
    if not listed:
        raise SourceError(source, "lists nobody", alternatives=alternatives(source))
    if len(listed) < top:
        _log.info("%s: lists %d people, fewer than the %d asked for", source, len(listed), top)
    return listed
