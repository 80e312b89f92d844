"""The writer is killed, the broker is away: what the spool took arrives, nothing else does."""

import random
from pathlib import Path

import pytest

from mosquitto import broker
from spool_kills import BROKER_LINES, run_kills, run_past_bound

pytest.importorskip("paho")

EVENTS, KILLS, BOUND = 600, 3, 150


def test_what_was_taken_arrives_at_least_once_through_kills_and_an_outage(tmp_path: Path) -> None:
    with broker(tmp_path / "broker", BROKER_LINES) as mosquitto:
        outcome = run_kills(mosquitto, tmp_path / "w", events=EVENTS, kills=KILLS, dice=random.Random(6))
    assert outcome.kills == KILLS
    assert len(outcome.taken) >= EVENTS - 20
    assert (outcome.lost, outcome.invented, outcome.altered) == ([], [], [])
    assert (outcome.health["waiting"], outcome.health["dropped"], outcome.health["refused"]) == (0, 0, 0)


def test_past_its_bound_the_oldest_give_way_and_are_counted(tmp_path: Path) -> None:
    with broker(tmp_path / "broker", BROKER_LINES) as mosquitto:
        outcome = run_past_bound(mosquitto, tmp_path / "w", events=2 * BOUND, bound=BOUND)
    assert outcome.lost == outcome.taken[: len(outcome.lost)]
    # The last event may be in the spool without having been told of.
    assert len(outcome.taken) - len(outcome.lost) in {BOUND - 1, BOUND}
    assert outcome.health["dropped"] in {len(outcome.lost), len(outcome.lost) + 1}
    assert (outcome.invented, outcome.altered, outcome.health["waiting"]) == ([], [], 0)
