"""The journal: what was written is read again; what is damaged is decided again, and nothing behind it is trusted."""

from pathlib import Path

import pytest
from offered import gone, listed, taken

from actorrec.artifacts.local import LocalStore
from actorrec.manifests.images import PersonTally
from actorrec.scrape.journal import Decision, Finished, Journal

FOLDER = "Ann_Q1"
TALLY = PersonTally(person_id="Q1", asked=3, got=2, tried=100, short_because="no more")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(LocalStore(tmp_path), "images/abcd")


def decision(number: int) -> Decision:
    """Every tenth a picture."""
    return gone(number, "http-404") if number % 10 else taken(number)


def fill(journal: Journal, count: int) -> list[Decision]:
    own = journal.person(FOLDER)
    for number in range(count):
        one = decision(number)
        if one.image is not None:
            journal.store.put_bytes(f"images/abcd/{one.image.file}", b"x")
        own.add(one)
        own.write()
    return own.decisions


def test_it_begins_empty(journal: Journal) -> None:
    assert journal.people() is None
    own = journal.person(FOLDER)
    assert (own.decisions, own.finished) == ([], None)


def test_people_are_kept_whole(journal: Journal) -> None:
    people = [listed("Q1"), listed("Q2", "李小龙", 2)]
    journal.keep_people(people)
    assert journal.people() == people


def test_a_damaged_list_of_people_is_no_list(journal: Journal) -> None:
    journal.store.put_bytes("images/abcd/unfinished/people.json", b'[{"person": {"pers')
    assert journal.people() is None


@pytest.mark.parametrize("count", [1, 31, 32, 33, 100])
def test_decisions_are_read_in_order(journal: Journal, count: int) -> None:
    written = fill(journal, count)
    own = journal.person(FOLDER)
    assert own.decisions == written
    own.add(decision(count + 1))
    own.write()
    assert journal.person(FOLDER).decisions == [*written, decision(count + 1)]
    assert len(list(journal.store.names("images/abcd/unfinished"))) == (count + 1 + 31) // 32


def test_what_was_not_written_is_not_there(journal: Journal) -> None:
    own = journal.person(FOLDER)
    own.add(decision(1))
    assert journal.person(FOLDER).decisions == []
    own.add(decision(2))
    own.write()
    assert journal.person(FOLDER).decisions == [decision(1), decision(2)]


def test_a_finished_search_stays_finished(journal: Journal) -> None:
    own = journal.person(FOLDER)
    own.add(decision(1))
    own.finish(Finished(tally=TALLY, recovered={"429": 2}))
    again = journal.person(FOLDER)
    assert again.decisions == [decision(1)]
    assert again.finished == Finished(tally=TALLY, recovered={"429": 2})


def test_behind_a_damaged_page_nothing_is_trusted(journal: Journal) -> None:
    written = fill(journal, 100)
    journal.person(FOLDER).finish(Finished(tally=TALLY))
    journal.store.put_bytes(f"images/abcd/unfinished/{FOLDER}/0002.jsonl", b'{"url": "https://')
    own = journal.person(FOLDER)
    assert (own.decisions, own.finished) == (written[:32], None)
    own.add(decision(201))
    own.write()
    assert journal.person(FOLDER).decisions == [*written[:32], decision(201)]


def test_behind_a_picture_that_is_gone_nothing_is_trusted(journal: Journal) -> None:
    written = fill(journal, 100)
    journal.person(FOLDER).finish(Finished(tally=TALLY))
    journal.store.delete(f"images/abcd/{FOLDER}/Ann_0040.jpg")
    own = journal.person(FOLDER)
    assert (own.decisions, own.finished) == (written[:40], None)
    own.write()
    assert journal.person(FOLDER).decisions == written[:40]


def test_two_people_have_nothing_to_do_with_each_other(journal: Journal) -> None:
    fill(journal, 5)
    assert journal.person("Ann").decisions == []
    journal.clear()
    assert journal.person(FOLDER).decisions == []
