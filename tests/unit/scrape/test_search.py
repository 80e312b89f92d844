"""One person's search: exact, in order, whatever comes first."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offered import ListedImages, MemoryFetcher, Offer, blots, listed, tools_for

from actorrec.errors import ArtifactError, ItemError, RemoteError, SourceError
from actorrec.manifests.images import ScrapedImage
from actorrec.rights.takedown import Takedown, load_takedown
from actorrec.scrape.folders import places
from actorrec.scrape.journal import PersonJournal
from actorrec.scrape.protocols import Candidate
from actorrec.scrape.search import PersonSearch, Tools
from explored import examples

PERSON = listed()
PLACE = places([PERSON.person])["Q1"]
FILES = {f"https://a.org/{number}.jpg": blots(number) for number in range(40)}
ALL = list(FILES)


def search(tools: Tools) -> tuple[PersonJournal, PersonSearch]:
    journal = tools.journal.person(PLACE.folder)
    one = PersonSearch(PERSON, PLACE, journal, tools)
    asyncio.run(one.run(lambda _: None))
    return journal, one


def found(
    folder: Path,
    offers: Sequence[Offer | Candidate],
    *,
    asked: int,
    files: Mapping[str, bytes | Exception] = FILES,
    delays_s: Mapping[str, float] | None = None,
    takedown: Takedown | None = None,
) -> tuple[list[ScrapedImage], list[str], MemoryFetcher]:
    """What is taken, the reasons of the rest, and the fetcher."""
    fetcher = MemoryFetcher(files, delays_s or {})
    with tools_for(folder, [ListedImages("test", offers)], fetcher, asked=asked, takedown=takedown) as tools:
        journal, _ = search(tools)
    images = [decision.image for decision in journal.decisions if decision.image is not None]
    return images, [decision.reason for decision in journal.decisions if decision.reason], fetcher


def urls(images: list[ScrapedImage]) -> list[str]:
    return [image.url for image in images]


def test_nothing_offered_is_nothing_found(tmp_path: Path) -> None:
    assert found(tmp_path, [], asked=3)[:2] == ([], [])


def test_it_stops_at_the_number_asked_and_fetches_no_more(tmp_path: Path) -> None:
    images, reasons, fetcher = found(tmp_path, ALL, asked=5)
    assert urls(images) == ALL[:5] == fetcher.asked
    assert reasons == []
    assert [image.file for image in images] == [f"Ann_Lee_Q1/Ann_Lee_{n:04d}.jpg" for n in range(1, 6)]
    for image in images:
        assert (tmp_path / "store/images/abcd" / image.file).stat().st_size == image.bytes
    assert not list((tmp_path / "work").iterdir())


def test_it_fetches_several_at_once_but_never_more_than_are_missing(tmp_path: Path) -> None:
    *_, fetcher = found(tmp_path, ALL, asked=4, delays_s=dict.fromkeys(ALL, 0.01))
    assert fetcher.most_at_once == 4
    *_, fetcher = found(tmp_path / "store", ALL, asked=40, delays_s=dict.fromkeys(ALL, 0.01))
    assert 8 <= fetcher.most_at_once <= 16


def test_failures_are_made_up_for_by_the_next(tmp_path: Path) -> None:
    bad = ["https://a.org/gone.jpg", "https://a.org/page.jpg"]
    files = {**FILES, bad[1]: b"<html>"}
    images, reasons, fetcher = found(tmp_path, [ALL[0], *bad, *ALL[1:]], asked=3, files=files)
    assert urls(images) == ALL[:3]
    assert reasons == ["http-404", "not-a-picture"]
    assert len(fetcher.asked) == 5


def test_repeats_are_passed_over(tmp_path: Path) -> None:
    copy, small = "https://b.org/copy.jpg", "https://b.org/small.jpg"
    files = {**FILES, copy: FILES[ALL[0]], small: blots(0, side_px=101)}
    images, reasons, fetcher = found(tmp_path, [ALL[0], ALL[0], copy, small, ALL[1]], asked=2, files=files)
    assert urls(images) == ALL[:2]
    assert reasons == ["duplicate", "near-duplicate"]
    assert fetcher.asked.count(ALL[0]) == 1


@given(delays=st.lists(st.integers(0, 8), min_size=12, max_size=12), asked=st.integers(1, 9))
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_set_does_not_depend_on_what_comes_first(
    tmp_path_factory: pytest.TempPathFactory, delays: list[int], asked: int
) -> None:
    copy = "https://b.org/copy.jpg"
    files: dict[str, bytes | Exception] = {**FILES, copy: FILES[ALL[4]], ALL[1]: b"x"}
    offers = [*ALL[:3], copy, *ALL[3:11]]
    delays_s = {url: delay / 1000 for url, delay in zip(offers, delays, strict=True)}
    images, _, _ = found(tmp_path_factory.mktemp("any"), offers, asked=asked, files=files, delays_s=delays_s)
    good = [ALL[0], ALL[2], copy, ALL[3], *ALL[5:11]]
    assert urls(images) == good[:asked]


def test_what_the_source_says_is_unwanted_is_not_fetched(tmp_path: Path) -> None:
    small = Candidate("test", "https://a.org/1.jpg", width_px=40, height_px=900)
    images, reasons, fetcher = found(tmp_path, [small, ALL[0]], asked=1)
    assert reasons == ["too-small"]
    assert fetcher.asked == urls(images) == [ALL[0]]


def test_what_turns_out_too_small_is_passed_over(tmp_path: Path) -> None:
    images, reasons, _ = found(tmp_path, ALL, asked=1, files={**FILES, ALL[0]: blots(0, side_px=60)})
    assert reasons == ["too-small"]
    assert urls(images) == [ALL[1]]


def test_what_is_taken_down_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(
        f"url {ALL[0]}\nurl https://a.org/page/*\nsha256 {hashlib.sha256(FILES[ALL[2]]).hexdigest()}\n"
    )
    offers = [ALL[0], Candidate("test", ALL[1], page="https://a.org/page/1"), *ALL[2:]]
    images, reasons, fetcher = found(tmp_path, offers, asked=1, takedown=load_takedown(tmp_path / "list.txt"))
    assert reasons == ["taken-down"] * 3
    assert urls(images) == [ALL[3]]
    assert fetcher.asked == ALL[2:4]


def test_a_file_of_the_users_own_needs_no_fetcher(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(FILES[ALL[0]])
    own = Candidate("folder", "", path=tmp_path / "mine.jpg", licence="user-supplied")
    gone = Candidate("folder", "gone.jpg", path=tmp_path / "gone.jpg")
    images, reasons, fetcher = found(tmp_path, [gone, own], asked=1)
    assert (urls(images), reasons, fetcher.asked) == ([str(tmp_path / "mine.jpg")], ["unreadable"], [])
    assert images[0].licence == "user-supplied"
    assert (tmp_path / "mine.jpg").exists()


def test_a_stopped_search_goes_on_where_it_was(tmp_path: Path) -> None:
    full = ArtifactError("the disk is full")
    first = MemoryFetcher({**FILES, ALL[6]: full, ALL[1]: b"x"})
    with tools_for(tmp_path, [ListedImages("test", ALL)], first, asked=10) as tools, pytest.raises(BaseExceptionGroup):
        search(tools)
    second = MemoryFetcher({**FILES, ALL[1]: b"x"})
    with tools_for(tmp_path, [ListedImages("test", ALL)], second, asked=10) as tools:
        journal, _ = search(tools)
    images = [decision.image for decision in journal.decisions if decision.image is not None]
    assert urls(images) == [ALL[0], *ALL[2:11]]
    done = {decision.url for decision in journal.decisions}
    assert done == set(ALL[:11])
    assert set(second.asked) & set(first.asked) <= {ALL[6]}


def test_the_next_source_fills_what_one_lacks(tmp_path: Path) -> None:
    broken = [ListedImages("first", [ALL[0], ItemError("http-503", "busy")]), ListedImages("second", ALL)]
    with tools_for(tmp_path, broken, MemoryFetcher(FILES), asked=3) as tools:
        journal, one = search(tools)
    assert [(decision.source, decision.url) for decision in journal.decisions] == [
        ("first", ALL[0]),
        ("second", ALL[1]),
        ("second", ALL[2]),
    ]
    assert one.failures == {"first: http-503": 1}


def test_a_source_that_refuses_is_left_and_one_alone_ends_it(tmp_path: Path) -> None:
    refusal = SourceError("first", "answers with a challenge")
    sources = [ListedImages("first", [ALL[0], refusal]), ListedImages("second", ALL)]
    with tools_for(tmp_path, sources, MemoryFetcher(FILES), asked=3) as tools:
        journal, _ = search(tools)
        assert tools.offers.broken == {"first": "first: answers with a challenge"}
    assert len(journal.decisions) == 3
    alone = tools_for(tmp_path / "store", sources[:1], MemoryFetcher(FILES), asked=3)
    with alone as tools, pytest.raises(BaseExceptionGroup) as caught:
        search(tools)
    assert caught.value.exceptions == (refusal,)


def test_without_a_network_it_stops_and_what_was_not_reached_is_tried_again(tmp_path: Path) -> None:
    many = [f"https://a.org/{number}" for number in range(300)]
    nobody = MemoryFetcher(dict.fromkeys(many, ItemError("unknown-host", "no network")))
    with tools_for(tmp_path, [ListedImages("test", many)], nobody, asked=200) as tools:
        with pytest.raises(BaseExceptionGroup) as caught:
            search(tools)
        assert caught.group_contains(RemoteError, match="no server can be reached")
        assert tools.journal.person(PLACE.folder).decisions == []
