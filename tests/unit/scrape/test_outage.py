"""When the network is taken to be gone."""

import pytest

from actorrec.errors import RemoteError
from actorrec.scrape.outage import Outage


def note(outage: Outage, times: int, reason: str, *, listing: bool = False) -> None:
    for _ in range(times):
        outage.note(reason, listing=listing)


def test_a_hundred_in_a_row_that_reach_no_server_end_it() -> None:
    outage = Outage()
    note(outage, 99, "timeout")
    with pytest.raises(RemoteError, match="no server") as caught:
        outage.note("connection")
    assert "goes on where it was" in caught.value.hint


@pytest.mark.parametrize("answer", ["", "http-404", "truncated"])
def test_any_answer_between_them_shows_that_there_is_a_network(answer: str) -> None:
    outage = Outage()
    for _ in range(3):
        note(outage, 99, "unknown-host")
        outage.note(answer)


def test_a_source_that_cannot_be_listed_weighs_more_than_a_picture() -> None:
    outage = Outage()
    note(outage, 3, "timeout", listing=True)
    with pytest.raises(RemoteError):
        outage.note("timeout", listing=True)
