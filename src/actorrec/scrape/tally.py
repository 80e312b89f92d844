"""What became of a search, counted and in words."""

from collections import Counter
from collections.abc import Mapping, Sequence

from actorrec.manifests.images import PersonTally
from actorrec.scrape.journal import Decision

TAKEN_DOWN = "taken-down"
"""Reason of everything that the takedown list holds."""


def tally(
    person_id: str, asked: int, decisions: Sequence[Decision], failures: Counter[str], told: Mapping[str, str]
) -> PersonTally:
    """The tally of a search that is over.

    Args:
        failures: What could not be had from a source, as ``Offers.of`` counts it.
        told: Source in the order asked → why it was given up, or empty.
    """
    reasons = Counter(decision.reason for decision in decisions if decision.reason)
    got = sum(not decision.reason for decision in decisions)
    return PersonTally(
        person_id=person_id,
        asked=asked,
        got=got,
        tried=len(decisions),
        failed=dict(sorted((reasons + failures).items())),
        short_because="" if got >= asked else _short_because(decisions, failures, told),
    )


def taken_down(person_id: str, asked: int) -> PersonTally:
    """The tally of somebody who is on the takedown list."""
    return PersonTally(
        person_id=person_id,
        asked=asked,
        got=0,
        tried=0,
        failed={TAKEN_DOWN: 1},
        short_because="on the takedown list",
    )


def counted(reasons: Counter[str]) -> str:
    """For example ``http-404 3, truncated 2``; the most frequent first."""
    return ", ".join(
        f"{reason} {count}" for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item))
    )


def _short_because(decisions: Sequence[Decision], failures: Counter[str], told: Mapping[str, str]) -> str:
    sentences = []
    for source, given_up in told.items():
        reasons = [decision.reason for decision in decisions if decision.source == source]
        lost = Counter(reason for reason in reasons if reason)
        failed = [name.removeprefix(f"{source}: ") for name in failures if name.startswith(f"{source}: ")]
        had = f"{len(reasons)} candidates" if len(reasons) != 1 else "1 candidate"
        if given_up:
            sentence = f"{source} was given up ({given_up.removeprefix(f'{source}: ')})"
        elif failed:
            sentence = f"{source} could not be asked for all ({', '.join(sorted(failed))})"
        elif not reasons:
            sentence = f"{source} had none"
        else:
            sentence = f"{source} had no more"
        if reasons:
            sentence += f": {had}"
        if lost:
            sentence += f", {lost.total()} not taken ({counted(lost)})"
        sentences.append(sentence)
    return "; ".join(sentences)
